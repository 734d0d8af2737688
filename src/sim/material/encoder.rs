//! Pictures → access units, by GStreamer's x264enc, x265enc and jpegenc.
//!
//! What a [`Coding`] means in the words of each encoder is written here, and nowhere else. What the pictures show belongs to
//! `studio`.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_video::{VideoFormat, VideoFrameExt, VideoFrameRef, VideoInfo};

use super::{
    BFrames, Coding, Gop, Rate, RateControl,
    film::{LOOK_EVERY, LOOKS_MAX, error_of, launch, named, pull},
    pixels::Planes,
};
use crate::{
    camera::Codec,
    geometry::Size,
    sim::{SimError, annexb},
};

/// libx265 sets up tables of the whole process when an encoder opens, and takes them down when one closes, without a lock
/// of its own: a test run that opened two at the same moment ended by SIGSEGV (seen once). So H.265 encoders are opened and closed
/// one after another. Guards nothing else.
static OPENING_H265: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    OPENING_H265.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One picture, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded {
    /// The access unit: Annex B with parameter sets in front of each key frame, or a JFIF picture.
    pub(super) data: Bytes,
    /// Decoding may start here.
    pub(super) is_key: bool,
    /// Which picture it is, in the order in which they are shown.
    pub(super) picture: u64,
}

/// Pictures → access units.
pub(super) struct Encoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    info: VideoInfo,
    codec: Codec,
    rate: Rate,
    pushed: u64,
    /// Told when the encoder has opened; `None` once that is so.
    opens: Option<Receiver<()>>,
    /// GStreamer's time of the first picture: the encoders begin late, so that B-frames' decoding times are not negative.
    first: Option<gst::ClockTime>,
    units: Vec<Coded>,
}

impl Encoder {
    pub(super) fn new(coding: &Coding, size: Size, rate: Rate) -> Result<Self, SimError> {
        let failed = |why: String| SimError::Encoder { why };
        gst::init().map_err(|e| failed(e.to_string()))?;
        let element = element(coding, rate);
        let description = format!(
            "appsrc name=from format=time block=true max-bytes=8000000 ! {element} ! appsink name=to sync=false"
        );
        let pipeline = launch(&description)?;
        let (source, sink) = (named::<AppSrc>(&pipeline, "from"), named::<AppSink>(&pipeline, "to"));
        let info = VideoInfo::builder(VideoFormat::I420, size.w, size.h)
            .fps(gst::Fraction::new(rate.frames as i32, rate.seconds as i32))
            .build()
            .map_err(|e| failed(e.to_string()))?;
        source.set_caps(Some(&info.to_caps().map_err(|e| failed(e.to_string()))?));
        let opens = (coding.codec == Codec::H265).then(|| tell_when_open(&pipeline));
        pipeline.set_state(gst::State::Playing).map_err(|e| failed(e.to_string()))?;
        let (codec, units) = (coding.codec, Vec::new());
        Ok(Self { pipeline, source, sink, info, codec, rate, pushed: 0, opens, first: None, units })
    }

    pub(super) fn push(&mut self, planes: &Planes) -> Result<(), SimError> {
        let buffer = self.buffer(planes)?;
        match self.opens.take() {
            Some(opens) => {
                let _alone = alone();
                self.hand_over(buffer)?;
                self.wait_until_open(&opens)?;
            }
            None => self.hand_over(buffer)?,
        }
        self.pushed += 1;
        while let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::ZERO) {
            self.take(&sample)?;
        }
        Ok(())
    }

    fn buffer(&self, planes: &Planes) -> Result<gst::Buffer, SimError> {
        let failed = |why: String| SimError::Encoder { why };
        let at = |frame| gst::ClockTime::from_nseconds(self.rate.ns_at(frame));
        let mut buffer = gst::Buffer::with_size(self.info.size()).map_err(|e| self.trouble(e.to_string()))?;
        {
            let buffer = buffer.get_mut().expect("nobody else has the buffer yet");
            buffer.set_pts(at(self.pushed));
            buffer.set_duration(at(self.pushed + 1) - at(self.pushed));
            let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer, &self.info)
                .map_err(|e| failed(e.to_string()))?;
            for (index, (from, (row_len, rows))) in planes.planes() {
                let stride = frame.plane_stride()[index] as usize;
                let to = frame.plane_data_mut(index as u32).map_err(|e| failed(e.to_string()))?;
                for row in 0..rows {
                    to[row * stride..][..row_len].copy_from_slice(&from[row * row_len..][..row_len]);
                }
            }
        }
        Ok(buffer)
    }

    fn hand_over(&self, buffer: gst::Buffer) -> Result<(), SimError> {
        self.source.push_buffer(buffer).map(drop).map_err(|e| self.trouble(e.to_string()))
    }

    fn wait_until_open(&self, opens: &Receiver<()>) -> Result<(), SimError> {
        for _ in 0..LOOKS_MAX {
            match opens.recv_timeout(Duration::from_nanos(LOOK_EVERY.nseconds())) {
                Ok(()) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(why) = error_of(&self.pipeline) {
                return Err(SimError::Encoder { why });
            }
        }
        Err(self.trouble("the encoder did not open".into()))
    }

    /// All access units, one a picture, in the order in which they are decoded.
    pub(super) fn finish(mut self) -> Result<Vec<Coded>, SimError> {
        self.source.end_of_stream().map_err(|e| self.trouble(e.to_string()))?;
        while let Some(sample) = pull(&self.pipeline, &self.sink).map_err(|why| SimError::Encoder { why })? {
            self.take(&sample)?;
        }
        if self.units.len() as u64 != self.pushed {
            let why = format!("{} pictures gave {} access units", self.pushed, self.units.len());
            return Err(self.trouble(why));
        }
        Ok(std::mem::take(&mut self.units))
    }

    fn take(&mut self, sample: &gst::Sample) -> Result<(), SimError> {
        let buffer = sample.buffer().ok_or_else(|| self.trouble("a sample without a buffer".into()))?;
        let at = buffer.pts().ok_or_else(|| self.trouble("an access unit without a time".into()))?;
        let data = buffer.map_readable().map_err(|e| self.trouble(e.to_string()))?;
        let data = Bytes::copy_from_slice(&data);
        let since = at.saturating_sub(*self.first.get_or_insert(at)).nseconds();
        // The nearest one: times are rounded on the way.
        let picture = self.rate.frame_at_or_after(since.saturating_sub(self.rate.ns_at(1) / 2));
        self.units.push(Coded { is_key: is_entry(self.codec, &data), data, picture });
        Ok(())
    }

    fn trouble(&self, why: String) -> SimError {
        SimError::Encoder { why: error_of(&self.pipeline).unwrap_or(why) }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _alone = (self.codec == Codec::H265).then(alone);
        // It only fails where the pipeline has already failed.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// The encoder opens when it is told what pictures will come, which is before the first one reaches it.
fn tell_when_open(pipeline: &gst::Pipeline) -> Receiver<()> {
    let (opened, opens) = sync_channel(1);
    let pad =
        named::<gst::Element>(pipeline, "encoder").static_pad("sink").expect("an encoder has a sink pad");
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        // Nobody may be waiting any more, which is fine.
        let _ = opened.try_send(());
        gst::PadProbeReturn::Remove
    });
    opens
}

/// The element that encodes so, and what must come out of it.
fn element(coding: &Coding, rate: Rate) -> String {
    let gop = coding.gop_frames(rate);
    match coding.codec {
        Codec::H264 => {
            let (control, filler) = x264_rate_control(coding.rate_control);
            let b_frames = match coding.b_frames {
                BFrames::None => "bframes=0".to_owned(),
                BFrames::Flat(count) => format!("bframes={count} b-adapt=false b-pyramid=false"),
                BFrames::Pyramid(count) => format!("bframes={count} b-adapt=false b-pyramid=true"),
            };
            let options = groups(coding.gop, gop, rate);
            format!(
                "x264enc name=encoder tune=zerolatency speed-preset=veryfast {control} threads=1 {b_frames} key-int-max={gop} \
                 byte-stream=true option-string={options}{filler} \
                 ! video/x-h264,profile=high,stream-format=byte-stream,alignment=au"
            )
        }
        Codec::H265 => {
            let control = x265_rate_control(coding.rate_control);
            let options = groups(coding.gop, gop, rate);
            let b_frames = match (coding.b_frames.count(), coding.b_frames) {
                (0, _) => "bframes=0".to_owned(),
                // It refuses to look less far ahead than it needs for them.
                (count, b_frames) => format!(
                    "bframes={count}:b-adapt=0:rc-lookahead={}:b-pyramid={}",
                    count + 2,
                    u8::from(matches!(b_frames, BFrames::Pyramid(_)))
                ),
            };
            format!(
                "x265enc name=encoder tune=zerolatency speed-preset=ultrafast key-int-max={gop} \
                 option-string={control}:{b_frames}:{options}:open-gop=0:repeat-headers=1:pools=1:frame-threads=1:log-level=0 \
                 ! video/x-h265,stream-format=byte-stream,alignment=au"
            )
        }
        Codec::Mjpeg => {
            let quantizer = match coding.rate_control {
                RateControl::Quality { quantizer } => quantizer.min(99),
                // No text gives it; who builds it gets the usual quality.
                _ => 25,
            };
            format!("jpegenc name=encoder quality={} ! image/jpeg", 100 - quantizer)
        }
    }
}

/// Where key frames are, in the options that x264 and x265 share.
fn groups(gop: Gop, frames: usize, rate: Rate) -> String {
    match gop {
        Gop::Fixed { .. } => format!("scenecut=0:keyint={frames}:min-keyint={frames}"),
        Gop::Dynamic { .. } => {
            // Half a second, as cameras do: a scene that goes on changing does not become all key frames.
            let least = (rate.frames / rate.seconds / 2).max(1);
            format!("scenecut=40:keyint={frames}:min-keyint={least}")
        }
        Gop::IntraRefresh { .. } => format!("scenecut=0:intra-refresh=1:keyint={frames}:min-keyint={frames}"),
    }
}

/// Properties of x264enc, and a further option. The element has one rate for mean and ceiling, and the depth of the bucket that
/// may be spent at once: a ceiling over two seconds is a deep bucket of the mean.
fn x264_rate_control(control: RateControl) -> (String, &'static str) {
    match control {
        RateControl::Quality { quantizer } => {
            (format!("pass=qual quantizer={} vbv-buf-capacity=0", quantizer.min(50)), "")
        }
        RateControl::CappedQuality { quantizer, max_kbps } => {
            let quantizer = quantizer.min(50);
            (format!("pass=qual quantizer={quantizer} bitrate={max_kbps} vbv-buf-capacity=1000"), "")
        }
        RateControl::Variable { mean_kbps, max_kbps } => {
            let bucket_ms =
                2_000 * u64::from(max_kbps.saturating_sub(mean_kbps)) / u64::from(mean_kbps.max(1));
            (format!("pass=cbr bitrate={mean_kbps} vbv-buf-capacity={}", bucket_ms.clamp(1_000, 10_000)), "")
        }
        RateControl::Average { kbps } => (format!("pass=cbr bitrate={kbps} vbv-buf-capacity=0"), ""),
        RateControl::Constant { kbps } => (format!("pass=cbr bitrate={kbps} vbv-buf-capacity=1000"), ""),
        RateControl::Padded { kbps } => {
            (format!("pass=cbr bitrate={kbps} vbv-buf-capacity=1000"), ":nal-hrd=cbr")
        }
    }
}

/// Options of x265. Buckets hold one second.
fn x265_rate_control(control: RateControl) -> String {
    let bucket = |kbps: u32| format!("vbv-maxrate={kbps}:vbv-bufsize={kbps}");
    match control {
        RateControl::Quality { quantizer } => format!("crf={}", quantizer.min(51)),
        RateControl::CappedQuality { quantizer, max_kbps } => {
            format!("crf={}:{}", quantizer.min(51), bucket(max_kbps))
        }
        RateControl::Variable { mean_kbps, max_kbps } => format!("bitrate={mean_kbps}:{}", bucket(max_kbps)),
        RateControl::Average { kbps } => format!("bitrate={kbps}"),
        RateControl::Constant { kbps } => format!("bitrate={kbps}:{}", bucket(kbps)),
        RateControl::Padded { kbps } => format!("bitrate={kbps}:{}:strict-cbr=1", bucket(kbps)),
    }
}

/// Whether decoding may start at an access unit. The encoders also mark where a round of intra refresh begins, which is no
/// such place.
fn is_entry(codec: Codec, data: &Bytes) -> bool {
    let any = |is: fn(&[u8]) -> bool| annexb::nal_units(data).iter().any(|nal| is(nal));
    match codec {
        Codec::H264 => any(|nal| annexb::h264_type(nal) == 5),
        Codec::H265 => any(|nal| (16..=21).contains(&annexb::h265_type(nal))),
        Codec::Mjpeg => true,
    }
}
