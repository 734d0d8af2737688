//! One viewer's film: what a stream says → initialisation parts, fragments and words.
//!
//! Pure. Owns the viewer's time line: 0 is the first picture that it is shown, and what is missing, be it that the camera was away, is missing in
//! it for as long. A picture is held back until the next one says how long it lasts: players throw away what follows a picture whose length is wrong.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::{
    super::mp4::{
        AudioTrack, Facts, FragmentBytes, Muxer, STEP_AHEAD_MAX, STEP_BACK_MAX, Tracks, VideoTrack,
    },
    reel::{Item, Session, Standing},
    sights::Sight,
};
use crate::{
    camera::{AccessUnit, AudioCoding, AudioUnit, StreamInfo},
    config::StreamRole,
    geometry::Size,
    id::{CameraId, StationId},
    time::{MediaTime, Mono, Wall},
};

/// A fragment ends when it is larger, in bytes: only those of a stream that is caught up with are.
const FRAGMENT_BYTES: usize = 256 << 10;

/// What a viewer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Fragments of this kind follow: what they are, and the initialisation part.
    Init(Opening, Bytes),
    /// A fragment: one picture, or all that there is.
    Fragment(Bytes),
    /// It lagged: some pictures were left out, and it goes on with a key picture.
    Skipped,
    /// The camera is not there, or sends what no browser plays; `Init` follows when that is over.
    Gone(String),
}

/// What follows an initialisation part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What a browser is asked whether it plays it: `video/mp4; codecs="avc1.64001e,mp4a.40.2"`.
    pub mime: String,
    /// Which stream of the camera.
    pub role: StreamRole,
    /// Of its pictures.
    pub size: Size,
    /// When its first picture arrived, by the clock of this machine.
    pub from: Wall,
    /// Where that picture lies in the viewer's time.
    pub at: Duration,
    /// What of the camera's sound is in it.
    pub heard: Heard,
}

/// What of a camera's sound a viewer hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heard {
    /// It is in the film: AAC.
    Aac,
    /// The camera sends it in a coding that browsers do not play (G.711): it is left out.
    NotPlayable,
    /// There is none, or it is not asked for.
    None,
}

/// A viewer's film under way.
#[derive(Debug)]
pub(super) struct Projector {
    station: StationId,
    camera: CameraId,
    /// `None` while the stream is away.
    session: Option<Session>,
    run: Option<Run>,
    /// Something was left out: what refers to it cannot be shown.
    needs_key: bool,
    /// When the first picture of all came.
    zero: Option<Mono>,
    /// Where what was shown so far ends.
    end: MediaTime,
    /// What the stream cannot be shown for, once that was told.
    unplayable: Option<String>,
}

/// By what a moment of another stream, or of the same one, is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The stream's own time: it is the same stream.
    Media,
    /// When pictures arrived.
    Arrival,
}

/// What one initialisation part is for.
#[derive(Debug)]
struct Run {
    muxer: Muxer,
    has_sound: bool,
    /// When its first picture came, that one's time in the stream, and in the viewer's.
    begin: (Mono, MediaTime, MediaTime),
    /// Of the newest picture in it.
    last: MediaTime,
    /// The newest picture, which is not in a fragment yet.
    held: AccessUnit,
}

impl Projector {
    pub(super) fn new(station: StationId, camera: CameraId) -> Self {
        Self {
            station,
            camera,
            session: None,
            run: None,
            needs_key: false,
            zero: None,
            end: MediaTime::default(),
            unplayable: None,
        }
    }

    /// The viewer begins, or goes on behind what was left out.
    pub(super) fn resume(&mut self, standing: Standing, to: &mut Vec<Shown>) {
        self.needs_key = true;
        match standing {
            Standing::Away(why) => self.gone(why, to),
            Standing::Playing(session) if self.session.as_ref() == Some(&session) => {}
            Standing::Playing(session) => self.playing(session, to),
        }
    }

    /// Takes in what the stream said. What is whole by then is appended to `to`; [`Self::flush`] gives the rest.
    pub(super) fn take(&mut self, item: Item, to: &mut Vec<Shown>) {
        match item {
            Item::Playing(session) => self.playing(session, to),
            Item::Picture(unit) => self.picture(unit, to),
            Item::Sound(unit) => self.sound(&unit),
            Item::Gone(why) => self.gone(why, to),
        }
    }

    /// Where the picture of a sight lies in the viewer's time; `None` where nothing is shown, or it came before what is shown.
    pub(super) fn moment(&self, sight: &Sight, by: By) -> Option<Duration> {
        let Run { begin: (arrived, media, at), held, .. } = self.run.as_ref()?;
        if sight.arrived < *arrived {
            return None;
        }
        let ticks = match by {
            By::Media => at.ticks_90k + (sight.media.ticks_90k - media.ticks_90k),
            By::Arrival => {
                let held_at = at.ticks_90k + (held.media.ticks_90k - media.ticks_90k);
                held_at + ticks(sight.arrived.since(held.arrived.mono))
                    - ticks(held.arrived.mono.since(sight.arrived))
            }
        };
        Some(MediaTime { ticks_90k: ticks }.since(MediaTime::default()))
    }

    /// There is no more for now: everything but the picture that is held back goes out.
    pub(super) fn flush(&mut self, to: &mut Vec<Shown>) {
        if let Some(run) = &mut self.run {
            to.extend(run.cut());
        }
    }

    fn playing(&mut self, session: Session, to: &mut Vec<Shown>) {
        self.finish(to);
        self.session = Some(session);
        self.unplayable = None;
    }

    fn gone(&mut self, why: String, to: &mut Vec<Shown>) {
        self.finish(to);
        self.session = None;
        to.push(Shown::Gone(why));
    }

    fn picture(&mut self, unit: AccessUnit, to: &mut Vec<Shown>) {
        let Some(Session { info, .. }) = &self.session else { return };
        if self.needs_key && !unit.is_key {
            return;
        }
        self.needs_key = false;
        let video = unit.is_key.then(|| VideoTrack::of_key(unit.codec, &unit.data));
        let goes_on = |run: &Run| !matches!(&video, Some(Ok(video)) if video != run.muxer.video());
        if let Some(run) = self.run.as_mut().filter(|run| goes_on(run)) {
            match run.push(unit, to) {
                Ok(()) => return,
                // The one that was held makes no sense in this time: another one begins, as after a new connection.
                Err(left) => {
                    let held = run.held.clone();
                    self.finish(to);
                    self.needs_key = true;
                    self.picture(held, to);
                    return self.picture(left, to);
                }
            }
        }
        let info = info.clone();
        self.finish(to);
        let opened = match video {
            // Decoding cannot begin here.
            None => return,
            Some(Ok(video)) => self.open(video, &info, unit, to),
            Some(Err(why)) => Err(why.to_string()),
        };
        if let Err(why) = opened
            && self.unplayable.as_ref() != Some(&why)
        {
            self.unplayable = Some(why.clone());
            to.push(Shown::Gone(why));
        }
    }

    fn open(
        &mut self,
        video: VideoTrack,
        info: &StreamInfo,
        unit: AccessUnit,
        to: &mut Vec<Shown>,
    ) -> Result<(), String> {
        let (audio, heard) = match &info.audio {
            Some(AudioCoding::Aac { config }) => match AudioTrack::aac(config) {
                Ok(track) => (Some(track), Heard::Aac),
                Err(_) => (None, Heard::NotPlayable),
            },
            Some(AudioCoding::Ulaw | AudioCoding::Alaw) => (None, Heard::NotPlayable),
            None => (None, Heard::None),
        };
        let (size, has_sound) = (video.size(), audio.is_some());
        let facts = Facts {
            station: self.station.clone(),
            camera: self.camera.clone(),
            role: unit.role,
            from: unit.arrived.wall,
            skew_ms: None,
        };
        let (mut muxer, init) = Muxer::new(video, audio, &facts);
        let mime = Tracks::of_init(&init).and_then(|tracks| tracks.mime()).ok_or(
            "no browser plays the coding of this stream (MJPEG); set the camera to H.264, or ask for video.mp4",
        )?;
        let zero = *self.zero.get_or_insert(unit.arrived.mono);
        let told = i64::try_from(unit.arrived.mono.since(zero).as_micros()).unwrap_or(i64::MAX);
        let at = MediaTime::from_ticks(told, 1_000_000).max(self.end);
        muxer.begin_at(at);
        let opening = Opening {
            mime,
            role: unit.role,
            size,
            from: unit.arrived.wall,
            at: at.since(MediaTime::default()),
            heard,
        };
        to.push(Shown::Init(opening, init.into()));
        let begin = (unit.arrived.mono, unit.media, at);
        self.run = Some(Run { muxer, has_sound, begin, last: unit.media, held: unit });
        self.unplayable = None;
        Ok(())
    }

    fn sound(&mut self, unit: &AudioUnit) {
        if let Some(run) = self.run.as_mut().filter(|run| run.has_sound) {
            // A fragment that is full: there is no sound then.
            let _ = run.muxer.push_audio(&unit.data, unit.media, unit.samples);
        }
    }

    /// Ends what one initialisation part is for.
    fn finish(&mut self, to: &mut Vec<Shown>) {
        let Some(mut run) = self.run.take() else { return };
        to.extend(run.cut());
        if run.muxer.push_video(&run.held).is_ok() {
            to.extend(run.muxer.cut(None).map(fragment));
        }
        self.end = run.muxer.end();
    }
}

impl Run {
    /// Takes the next picture; hands out what is in front of it where that is large, or a group that ends.
    ///
    /// # Errors
    /// It cannot follow the one before. It is handed back.
    fn push(&mut self, unit: AccessUnit, to: &mut Vec<Shown>) -> Result<(), AccessUnit> {
        if self.held.is_key || self.muxer.bytes() > FRAGMENT_BYTES {
            to.extend(self.cut());
        }
        if self.muxer.push_video(&self.held).is_err() {
            return Err(unit);
        }
        self.last = self.held.media;
        self.held = unit;
        Ok(())
    }

    /// Everything in front of the picture that is held.
    fn cut(&mut self) -> Option<Shown> {
        let (next, last) = (self.held.media, self.last);
        let makes_sense = next.since(last) <= STEP_AHEAD_MAX && last.since(next) < STEP_BACK_MAX;
        self.muxer.cut(makes_sense.then_some(next)).map(fragment)
    }
}

fn ticks(time: Duration) -> i64 {
    MediaTime::from_ticks(i64::try_from(time.as_micros()).unwrap_or(i64::MAX), 1_000_000).ticks_90k
}

fn fragment(fragment: FragmentBytes) -> Shown {
    Shown::Fragment(fragment.bytes)
}
