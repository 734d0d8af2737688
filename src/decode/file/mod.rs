//! Video files → frames, as fast as they are asked for.
//!
//! Owns reading mp4, mkv, avi, raw .h264 and .h265, and whatever else GStreamer's decodebin knows. A file may have threads
//! of its own, since nobody reads hundreds of them at a time. Live streams belong to [`super::Decoder`].

mod extent;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use gstreamer::{self as gst, glib, prelude::*};
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{
    Frame, PICTURE_SIDE_MAX, Range,
    raw::{Develop, Keep},
};
use crate::{
    geometry::Size,
    time::{MediaTime, Mono, Now, Wall},
};

/// Decoded frames that wait to be asked for. More would only be memory.
const WAITING_MAX: u32 = 4;

/// How long a file may take to give its first picture, or its next one.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often, meanwhile, it is looked whether an error came instead.
const LOOK_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// Frames a second of a raw stream that does not say.
const FPS_UNKNOWN: (u64, u64) = (25, 1);

/// Why a file gives no frames, or no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// GStreamer itself does not work here.
    #[error(
        "GStreamer cannot read files here: {0}; install gstreamer1.0-plugins-base, -good, -bad and gstreamer1.0-libav"
    )]
    Gstreamer(String),
    /// It is not there, or may not be read.
    #[error("{path} cannot be read: {why}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// In the words of the operating system.
        why: String,
    },
    /// It is something else.
    #[error("{path} is not a video: {why}", path = path.display())]
    NotAVideo {
        /// Which file.
        path: PathBuf,
        /// In GStreamer's words.
        why: String,
    },
    /// It holds sound or text alone.
    #[error("{path} has no video stream", path = path.display())]
    NoVideoStream {
        /// Which file.
        path: PathBuf,
    },
    /// Its pictures are too large.
    #[error("the pictures of {path} are {size}; at most {PICTURE_SIDE_MAX} pixels a side are decoded", path = path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Of its pictures.
        size: Size,
    },
    /// It plays up to a place, and not on.
    #[error("{path} is damaged after {after:?}: {why}", path = path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Time of the last frame that could be had.
        after: Duration,
        /// In GStreamer's words.
        why: String,
    },
    /// Its end is missing: everything up to there was played.
    #[error("{path} is cut off: it holds {bytes} of {announced} bytes and ends after {after:?}", path = path.display())]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// What it says that its length is.
        announced: u64,
        /// Time of the last frame.
        after: Duration,
    },
}

/// What is known of a file before its first frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FileInfo {
    /// Of its pictures.
    pub size: Size,
    /// Frames a second, where they come at a steady rate and it says so.
    pub fps: Option<f64>,
    /// Playing time, where it says so.
    pub duration: Option<Duration>,
}

/// Reads one file from its beginning to its end: an iterator of frames, with an error as its last item where the file ends
/// before its time.
pub struct Reader {
    path: PathBuf,
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    info: FileInfo,
    /// Frames a second of a raw stream, whose frames have no times of their own.
    counted: Option<(u64, u64)>,
    /// Length and announced length, where the end is missing.
    cut: Option<(u64, u64)>,
    start: Wall,
    develop: Develop,
    frames: u64,
    last: MediaTime,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Over,
}

impl Reader {
    /// Opens a file and decodes its first picture.
    ///
    /// # Errors
    /// It cannot be read, is no video, or has no video stream.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let cut = readable(&path)?;
        gst::init().map_err(|e| FileError::Gstreamer(e.to_string()))?;
        let (pipeline, sink, kind) = build(&path).map_err(|e| FileError::Gstreamer(e.message.to_string()))?;
        // From here on, dropping the reader stops the pipeline.
        let mut reader = Self {
            path,
            pipeline,
            sink,
            info: FileInfo { size: Size::new(0, 0), fps: None, duration: None },
            counted: None,
            cut,
            start: Wall::default(),
            develop: Develop::default(),
            frames: 0,
            last: MediaTime::default(),
            state: State::Reading,
        };
        reader.preroll()?;
        reader.learn(kind.get().map(String::as_str))?;
        reader.set(gst::State::Playing)?;
        Ok(reader)
    }

    /// Lets the file begin at a civil time, instead of 1970-01-01.
    pub fn starting_at(mut self, start: Wall) -> Self {
        self.start = start;
        self
    }

    /// What is known of it.
    pub fn info(&self) -> FileInfo {
        self.info
    }

    fn set(&self, state: gst::State) -> Result<(), FileError> {
        match self.pipeline.set_state(state) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.complaint().unwrap_or_else(|| self.not_a_video("it does not play".into()))),
        }
    }

    fn preroll(&self) -> Result<(), FileError> {
        self.set(gst::State::Paused)?;
        let bus = self.pipeline.bus().expect("a pipeline has a bus");
        let news = [gst::MessageType::Error, gst::MessageType::AsyncDone, gst::MessageType::Application];
        let patience = gst::ClockTime::from_seconds(PATIENCE.as_secs());
        match bus.timed_pop_filtered(patience, &news).as_ref().map(|message| message.view()) {
            Some(gst::MessageView::AsyncDone(_)) => Ok(()),
            Some(gst::MessageView::Error(error)) => Err(self.unplayable(error)),
            Some(_) => Err(FileError::NoVideoStream { path: self.path.clone() }),
            None => Err(self.not_a_video(format!("no picture within {PATIENCE:?}"))),
        }
    }

    fn learn(&mut self, kind: Option<&str>) -> Result<(), FileError> {
        let caps = self.sink.static_pad("sink").and_then(|pad| pad.current_caps());
        let video = caps.and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
        let Some(video) = video else {
            return Err(FileError::NoVideoStream { path: self.path.clone() });
        };
        let size = Size::new(video.width(), video.height());
        if size.w > PICTURE_SIDE_MAX || size.h > PICTURE_SIDE_MAX {
            return Err(FileError::TooLarge { path: self.path.clone(), size });
        }
        let rate = video.fps();
        let rate = u64::try_from(rate.numer()).ok().zip(u64::try_from(rate.denom()).ok());
        let rate = rate.filter(|(numer, denom)| *numer > 0 && *denom > 0);
        if kind
            .is_some_and(|kind| matches!(kind, "video/x-h264" | "video/x-h265" | "video/mpeg" | "image/jpeg"))
        {
            self.counted = Some(rate.unwrap_or(FPS_UNKNOWN));
        }
        let duration = self.pipeline.query_duration::<gst::ClockTime>();
        self.info = FileInfo {
            size,
            fps: rate.or(self.counted).map(|(numer, denom)| numer as f64 / denom as f64),
            duration: duration.filter(|_| self.counted.is_none()).map(|d| Duration::from_nanos(d.nseconds())),
        };
        Ok(())
    }

    /// The next sample; `None` at the end, which may be an early one.
    fn sample(&self) -> Result<Option<gst::Sample>, FileError> {
        let mut waited = Duration::ZERO;
        loop {
            if let Some(sample) = self.sink.try_pull_sample(LOOK_EVERY) {
                return Ok(Some(sample));
            }
            if let Some(complaint) = self.complaint() {
                return Err(complaint);
            }
            if self.sink.is_eos() {
                return Ok(None);
            }
            waited += Duration::from_nanos(LOOK_EVERY.nseconds());
            if waited >= PATIENCE {
                return Err(self.damaged(format!("no picture within {PATIENCE:?}")));
            }
        }
    }

    fn frame(&mut self, sample: &gst::Sample) -> Result<Option<Frame>, FileError> {
        let Some((buffer, caps)) = sample.buffer_owned().zip(sample.caps()) else { return Ok(None) };
        if buffer.flags().contains(gst::BufferFlags::CORRUPTED) {
            return Ok(None);
        }
        let number = self.frames;
        let media = match self.counted {
            Some((numer, denom)) => MediaTime {
                ticks_90k: i64::try_from(u128::from(number) * 90_000 * u128::from(denom) / u128::from(numer))
                    .unwrap_or(i64::MAX),
            },
            None => match stream_time(sample, &buffer) {
                Some(time) => nearest_tick(time),
                None => return Ok(None),
            },
        };
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|e| self.damaged(e.message.to_string()))?;
        let unmarked = if info.is_rgb() { Range::Full } else { Range::Limited };
        let picture = self
            .develop
            .picture(buffer, &info, unmarked, Keep::Shared)
            .map_err(|e| self.damaged(e.to_string()))?;
        self.frames += 1;
        self.last = media;
        let since = media.since(MediaTime::default());
        let arrived = Now { mono: Mono::from_start(since), wall: self.start.after(since) };
        Ok(Some(Frame { number, media, arrived, camera_clock: None, picture }))
    }

    fn complaint(&self) -> Option<FileError> {
        let message = self.pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) if self.frames == 0 => Some(self.unplayable(error)),
            gst::MessageView::Error(error) => Some(self.damaged(error.error().message().to_owned())),
            _ => None,
        }
    }

    fn unplayable(&self, error: &gst::message::Error) -> FileError {
        let words = error.error().message().to_owned();
        match error.error().kind::<gst::CoreError>() {
            Some(gst::CoreError::MissingPlugin) => FileError::Gstreamer(words),
            _ => self.not_a_video(words),
        }
    }

    fn not_a_video(&self, why: String) -> FileError {
        FileError::NotAVideo { path: self.path.clone(), why }
    }

    fn damaged(&self, why: String) -> FileError {
        FileError::Damaged { path: self.path.clone(), after: self.last.since(MediaTime::default()), why }
    }

    /// What there is to say once the last frame was given.
    fn ending(&self) -> Option<FileError> {
        let after = self.last.since(MediaTime::default());
        let cut =
            |(bytes, announced)| FileError::Truncated { path: self.path.clone(), bytes, announced, after };
        self.cut.map(cut)
    }
}

impl Iterator for Reader {
    type Item = Result<Frame, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.state == State::Reading {
            let frame = match self.sample() {
                Ok(Some(sample)) => self.frame(&sample),
                Ok(None) => {
                    self.state = State::Over;
                    return self.ending().map(Err);
                }
                Err(e) => Err(e),
            };
            match frame {
                Ok(Some(frame)) => return Some(Ok(frame)),
                Ok(None) => {}
                Err(e) => {
                    self.state = State::Over;
                    return Some(Err(self.ending().unwrap_or(e)));
                }
            }
        }
        None
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::warn!(path = %self.path.display(), "the reader of a file does not stop in order");
        }
    }
}

/// Whether a file can be read at all; its length and the length that it announces, where its end is missing.
fn readable(path: &Path) -> Result<Option<(u64, u64)>, FileError> {
    let unreadable = |why: String| FileError::Unreadable { path: path.to_owned(), why };
    let mut file = std::fs::File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let about = file.metadata().map_err(|e| unreadable(e.to_string()))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".into()));
    }
    let announced = extent::announced(&mut file, about.len()).map_err(|e| unreadable(e.to_string()))?;
    Ok(announced.filter(|announced| *announced > about.len()).map(|announced| (about.len(), announced)))
}

/// The pipeline, its end, and what kind of file it turns out to be.
type Built = (gst::Pipeline, gst_app::AppSink, Arc<OnceLock<String>>);

fn build(path: &Path) -> Result<Built, glib::BoolError> {
    let source = gst::ElementFactory::make("filesrc").property("location", path).build()?;
    let decode = gst::ElementFactory::make("decodebin")
        // Hardware decodes into a fixed number of surfaces, and our frames may be held for long.
        .property("force-sw-decoders", true)
        .build()?;
    let sink = gst_app::AppSink::builder()
        .caps(&gst::Caps::new_empty_simple("video/x-raw"))
        .max_buffers(WAITING_MAX)
        .sync(false)
        .build();
    sink.set_property("enable-last-sample", false);
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&source, &decode, sink.upcast_ref()])?;
    source.link(&decode)?;

    let kind = Arc::new(OnceLock::new());
    let seen = Arc::clone(&kind);
    decode.connect("autoplug-continue", false, move |values| {
        let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
        let name = caps.and_then(|caps| caps.structure(0).map(|s| s.name().to_string())).unwrap_or_default();
        // The first to be asked about is the file itself.
        let first = seen.set(name.clone()).is_ok();
        let unwanted = ["audio/", "text/", "subpicture/"].iter().any(|kind| name.starts_with(kind));
        Some((first || !unwanted).to_value())
    });
    let (into, whole) = (sink.clone(), pipeline.downgrade());
    decode.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = whole.upgrade() {
            attach(&pipeline, pad, &into);
        }
    });
    let into = sink.clone();
    decode.connect_no_more_pads(move |decode| {
        if into.static_pad("sink").is_some_and(|pad| !pad.is_linked()) {
            let news = gst::message::Application::new(gst::Structure::new_empty("no-video"));
            if decode.post_message(news).is_err() {
                tracing::debug!("a file has no video, and nobody listens any more");
            }
        }
    });
    Ok((pipeline, sink, kind))
}

/// Links the first video stream to our end, and lets all else run into the ground.
fn attach(pipeline: &gst::Pipeline, pad: &gst::Pad, sink: &gst_app::AppSink) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let is_video = caps.structure(0).is_some_and(|s| s.name() == "video/x-raw");
    let end = sink.static_pad("sink").expect("an appsink has a sink pad");
    let linked = if is_video && !end.is_linked() {
        pad.link(&end).map(drop).map_err(|e| e.to_string())
    } else {
        drain_away(pipeline, pad).map_err(|e| e.message.to_string())
    };
    if let Err(why) = linked {
        tracing::warn!("a stream of a file is left out: {why}");
    }
}

fn drain_away(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), glib::BoolError> {
    let ground =
        gst::ElementFactory::make("fakesink").property("async", false).property("sync", false).build()?;
    pipeline.add(&ground)?;
    ground.sync_state_with_parent()?;
    let end = ground.static_pad("sink").expect("a fakesink has a sink pad");
    pad.link(&end).map_err(|e| glib::bool_error!("{e}"))?;
    Ok(())
}

fn stream_time(sample: &gst::Sample, buffer: &gst::Buffer) -> Option<gst::ClockTime> {
    let pts = buffer.pts()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_stream_time(pts)
}

/// Containers round their times to nanoseconds; ticks of 1/90000 s are coarser, so that the nearest one is meant.
fn nearest_tick(time: gst::ClockTime) -> MediaTime {
    let ticks = (u128::from(time.nseconds()) * 9 + 50_000) / 100_000;
    MediaTime { ticks_90k: i64::try_from(ticks).unwrap_or(i64::MAX) }
}
