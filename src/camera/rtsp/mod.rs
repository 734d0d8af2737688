//! The doorway to retina: RTSP sessions that turn into access units.
//!
//! Owns DESCRIBE, SETUP, PLAY, teardown, and the reading of what retina yields. Times, silence and order of events are
//! for [`super::Source`]; no other module names retina.

mod ending;
mod sessions;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use retina::{
    client::{
        Credentials, Demuxed, Described, PlayOptions, Session, SessionOptions, SetupOptions,
        TcpTransportOptions, Transport, UdpTransportOptions,
    },
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame},
};
use tokio::time::timeout;

use self::ending::{Told, ending_of};
pub(super) use self::sessions::Sessions;
use super::{
    AudioCoding, Codec, Ending, Limits, Sound, StreamInfo,
    nal::{self, Kind},
};
use crate::{
    config::{self, Camera, StreamRole},
    geometry::Size,
};

/// A stream that plays. Dropping it starts the teardown in the background.
pub(super) struct Playing {
    demuxed: Demuxed,
    stream: usize,
    codec: Codec,
    audio: Option<Audio>,
    unit_bytes_max: usize,
    /// Packets lost with access units that carried no picture.
    packets_lost: u32,
    told: Told,
}

/// The sound that comes with it.
struct Audio {
    stream: usize,
    coding: AudioCoding,
}

/// What a stream yields.
pub(super) enum Item {
    /// An access unit.
    Unit(Unit),
    /// A frame of sound.
    Frame {
        /// See [`super::AudioUnit::data`].
        data: Bytes,
        /// Unwrapped RTP timestamp.
        ticks: i64,
        /// See [`super::AudioUnit::samples`].
        samples: u32,
    },
    /// An RTCP sender report: the camera's clock showed `ntp` (32.32 seconds since 1900) at RTP timestamp `ticks`.
    Report {
        /// Of which of the two.
        of: Of,
        /// Unwrapped RTP timestamp.
        ticks: i64,
        /// NTP timestamp.
        ntp: u64,
    },
}

/// Pictures, or the sound that comes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Pictures,
    Sound,
}

/// An access unit that has no times yet.
pub(super) struct Unit {
    /// See [`super::AccessUnit::data`].
    pub(super) data: Bytes,
    /// See [`super::AccessUnit::is_key`].
    pub(super) is_key: bool,
    /// Unwrapped RTP timestamp.
    pub(super) ticks: i64,
    /// See [`super::AccessUnit::packets_lost`].
    pub(super) packets_lost: u32,
    /// The parameter sets changed with this unit.
    pub(super) changed: Option<StreamInfo>,
}

/// Connects, and comes back once the server has said yes to PLAY. Whoever calls has waited for the camera's other `sessions` to settle.
///
/// The video stream is set up, and beside it, in the same session, the sound where it is wanted. A camera that refuses that is asked for pictures alone.
pub(super) async fn open(
    camera: Arc<Camera>,
    role: StreamRole,
    sound: Sound,
    limits: Limits,
    sessions: Sessions,
) -> Result<(Playing, StreamInfo), Ending> {
    let told = Told::new(&camera, role);
    let options =
        SessionOptions::default()
            .creds(camera.credentials.as_ref().map(|of| Credentials {
                username: of.user.clone(),
                password: of.password.reveal().to_owned(),
            }))
            .user_agent(concat!("cunkou/", env!("CARGO_PKG_VERSION")).to_owned())
            .session_group(sessions.group());
    let describe = Session::describe(told.url().clone(), options);
    let mut session = match timeout(limits.describe, describe).await {
        Ok(described) => described.map_err(|error| ending_of(&error, &told))?,
        Err(_) => return Err(silent(&told, &limits).await),
    };

    let (stream, codec) = video_of(&session)?;
    let setup = SetupOptions::default().transport(transport_of(&camera)).frame_format(FrameFormat::SIMPLE);
    within("setup", limits.setup, session.setup(stream, setup), &told).await?;
    let audio = match sound {
        Sound::Wanted => with_sound(&mut session, &camera, &limits, &told).await,
        Sound::Unwanted => None,
    };
    let session = within("play", limits.play, session.play(PlayOptions::default()), &told).await?;
    let demuxed = session.demuxed().map_err(|error| ending_of(&error, &told))?;
    let playing = Playing {
        demuxed,
        stream,
        codec,
        audio,
        unit_bytes_max: limits.unit_bytes_max,
        packets_lost: 0,
        told,
    };
    let info = playing.info();
    Ok((playing, info))
}

impl Playing {
    /// How the stream is coded.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// What its RTP timestamps count.
    pub(super) fn clock_rate_hz(&self) -> u32 {
        self.demuxed.streams()[self.stream].clock_rate_hz()
    }

    /// What the RTP timestamps of its sound count, where there is any.
    pub(super) fn sound_rate_hz(&self) -> Option<u32> {
        self.audio.as_ref().map(|audio| self.demuxed.streams()[audio.stream].clock_rate_hz())
    }

    /// The next access unit or report. Cancel-safe. Not to be called again after an error.
    pub(super) async fn next(&mut self) -> Result<Item, Ending> {
        loop {
            match self.demuxed.next().await {
                Some(Ok(CodecItem::VideoFrame(frame))) => {
                    if let Some(unit) = self.unit(frame)? {
                        return Ok(Item::Unit(unit));
                    }
                }
                Some(Ok(CodecItem::Rtcp(packet))) => {
                    let report =
                        packet.pkts().next().and_then(|first| first.as_sender_report().ok().flatten());
                    if let (Some(at), Some(report)) = (packet.rtp_timestamp(), report) {
                        let of = if packet.stream_id() == self.stream { Of::Pictures } else { Of::Sound };
                        return Ok(Item::Report { of, ticks: at.timestamp(), ntp: report.ntp_timestamp().0 });
                    }
                }
                Some(Ok(CodecItem::AudioFrame(frame))) => {
                    let (ticks, samples) = (frame.timestamp().timestamp(), frame.frame_length().get());
                    return Ok(Item::Frame { data: Bytes::copy_from_slice(frame.data()), ticks, samples });
                }
                // Nothing else is set up.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(ending_of(&error, &self.told)),
                None => return Err(Ending::Closed),
            }
        }
    }

    fn unit(&mut self, frame: VideoFrame) -> Result<Option<Unit>, Ending> {
        let size = frame.data().len();
        if size > self.unit_bytes_max {
            let limit = self.unit_bytes_max;
            return Err(Ending::Garbage(format!(
                "an access unit of {size} bytes; at most {limit} are taken"
            )));
        }
        self.packets_lost = self.packets_lost.saturating_add(frame.loss().into());
        let changed = frame.has_new_parameters().then(|| self.info());
        let ticks = frame.timestamp().timestamp();
        // retina puts the parameter sets in front of IDR pictures, and strips them elsewhere. They are needed in front of
        // CRA and BLA too, and where they change in the middle of a GOP.
        let has_parameters = frame.is_random_access_point();
        let data = frame.into_data();
        let kind = nal::kind(self.codec, &data);
        if kind == Kind::NoPicture {
            return Ok(None);
        }
        let is_key = kind == Kind::Key;
        let data = match self.parameter_sets() {
            Some(sets) if !has_parameters && (is_key || changed.is_some()) => {
                Bytes::from([sets, data.as_slice()].concat())
            }
            _ => Bytes::from(data),
        };
        let packets_lost = std::mem::take(&mut self.packets_lost);
        Ok(Some(Unit { data, is_key, ticks, packets_lost, changed }))
    }

    fn info(&self) -> StreamInfo {
        let parameters = match self.demuxed.streams()[self.stream].parameters() {
            Some(ParametersRef::Video(parameters)) => Some(parameters),
            _ => None,
        };
        StreamInfo {
            codec: self.codec,
            size: parameters.map(|of| of.pixel_dimensions()).map(|(w, h)| Size { w, h }),
            rfc6381: parameters.map(|of| of.rfc6381_codec().to_owned()),
            audio: self.audio.as_ref().map(|audio| audio.coding.clone()),
        }
    }

    /// The parameter sets in Annex B.
    fn parameter_sets(&self) -> Option<&[u8]> {
        match self.demuxed.streams()[self.stream].parameters() {
            Some(ParametersRef::Video(parameters)) if !parameters.extra_data().is_empty() => {
                Some(parameters.extra_data())
            }
            _ => None,
        }
    }
}

fn transport_of(camera: &Camera) -> Transport {
    match camera.transport {
        config::Transport::Tcp => Transport::Tcp(TcpTransportOptions::default()),
        config::Transport::Udp => Transport::Udp(UdpTransportOptions::default()),
    }
}

/// Sets the sound up beside the pictures. `None` where there is none that can be recorded, or where the camera refuses: it costs nothing else.
async fn with_sound(
    session: &mut Session<Described>,
    camera: &Camera,
    limits: &Limits,
    told: &Told,
) -> Option<Audio> {
    let (stream, coding) = sound_of(session)?;
    let setup = SetupOptions::default().transport(transport_of(camera)).frame_format(FrameFormat::MP4);
    match within("setup", limits.setup, session.setup(stream, setup), told).await {
        Ok(()) => Some(Audio { stream, coding }),
        Err(ending) => {
            tracing::debug!(camera = %camera.id, %ending, "its sound cannot be had");
            None
        }
    }
}

/// The first sound that can be recorded.
fn sound_of(session: &Session<Described>) -> Option<(usize, AudioCoding)> {
    session.streams().iter().enumerate().filter(|(_, stream)| stream.media() == "audio").find_map(
        |(index, stream)| {
            let is_plain = stream.clock_rate_hz() == 8000 && stream.channels().is_none_or(|it| it.get() == 1);
            let coding = match (stream.encoding_name(), stream.parameters()) {
                ("mpeg4-generic", Some(ParametersRef::Audio(parameters))) => {
                    AudioCoding::Aac { config: Bytes::copy_from_slice(parameters.extra_data()) }
                }
                ("pcmu", _) if is_plain => AudioCoding::Ulaw,
                ("pcma", _) if is_plain => AudioCoding::Alaw,
                _ => return None,
            };
            Some((index, coding))
        },
    )
}

async fn within<T>(
    phase: &'static str,
    after: Duration,
    answer: impl Future<Output = Result<T, retina::Error>>,
    told: &Told,
) -> Result<T, Ending> {
    match timeout(after, answer).await {
        Ok(answer) => answer.map_err(|error| ending_of(&error, told)),
        Err(_) => Err(Ending::Timeout { phase, after }),
    }
}

/// Why DESCRIBE stayed without an answer: retina connects and describes in one step, so ask again whether anybody
/// listens there at all. A camera without power and one whose RTSP service hangs are different errands.
async fn silent(told: &Told, limits: &Limits) -> Ending {
    let url = told.url();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let connect = tokio::net::TcpStream::connect((host, url.port().unwrap_or(554)));
    match timeout(limits.connect, connect).await {
        Ok(Ok(_)) => Ending::Timeout { phase: "describe", after: limits.describe },
        Ok(Err(error)) => Ending::Refused(format!("{}: {error}", told.address())),
        Err(_) => Ending::Timeout { phase: "connect", after: limits.describe },
    }
}

/// The first stream that can be decoded.
fn video_of(session: &Session<Described>) -> Result<(usize, Codec), Ending> {
    let mut others = Vec::new();
    for (index, stream) in session.streams().iter().enumerate() {
        match (stream.media(), stream.encoding_name()) {
            ("video", "h264") => return Ok((index, Codec::H264)),
            ("video", "h265") => return Ok((index, Codec::H265)),
            ("video" | "image", "jpeg") => return Ok((index, Codec::Mjpeg)),
            ("video" | "image", other) => others.push(in_words(other)),
            _ => {}
        }
    }
    Err(Ending::Unsupported(if others.is_empty() {
        "the camera offers no video".to_owned()
    } else {
        format!("the camera sends {}; set it to H.264, H.265 or MJPEG", others.join(" and "))
    }))
}

/// An encoding name of the IANA registry (lower case) as people call it.
fn in_words(encoding: &str) -> String {
    match encoding {
        "mp4v-es" => "MPEG-4 Visual".to_owned(),
        "mpv" => "MPEG-1 or MPEG-2 video".to_owned(),
        "mp2t" => "an MPEG transport stream".to_owned(),
        "h261" | "h263" | "h263-1998" | "h263-2000" | "h266" => encoding.replacen('h', "H.", 1),
        "svac" => "SVAC (GB/T 25724)".to_owned(),
        "vp8" | "vp9" | "av1" => encoding.to_uppercase(),
        other => format!("\"{}\"", other.chars().filter(|c| !c.is_control()).take(40).collect::<String>()),
    }
}
