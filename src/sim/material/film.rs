//! Video file → pictures, by GStreamer.
//!
//! With `encoder` the only file of `sim` that names GStreamer (the daemon's own decoders, with their pools and budgets, are
//! in `decode`: they have no use for whole files or encoders). What the pictures show belongs to `studio`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use gstreamer_video::{VideoFrameExt, VideoFrameRef, VideoInfo};

use super::{Rate, pixels::Planes};
use crate::{geometry::Size, sim::SimError};

/// Looks for an error this often while waiting for a picture or an access unit, and so often at most (30 s).
pub(super) const LOOK_EVERY: gst::ClockTime = gst::ClockTime::from_mseconds(200);
pub(super) const LOOKS_MAX: usize = 150;

/// Footage that is packed with gzip, as Debian packs large documentation, is unpacked into the cache.
pub(super) fn unpack(footage: &Path, cache: &Path) -> Result<PathBuf, SimError> {
    if footage.extension().is_none_or(|e| e != "gz") {
        return Ok(footage.to_owned());
    }
    let plain = cache.join(footage.file_stem().unwrap_or_default());
    let unpacked = || -> std::io::Result<bool> {
        fs::create_dir_all(cache)?;
        let beside = plain.with_extension(format!("{}.part", std::process::id()));
        let to = fs::File::create(&beside)?;
        let done = Command::new("gzip").arg("-dc").arg(footage).stdin(Stdio::null()).stdout(to).status()?;
        if done.success() {
            fs::rename(&beside, &plain)?
        } else {
            fs::remove_file(&beside)?
        }
        Ok(done.success())
    };
    match unpacked() {
        Ok(true) => Ok(plain),
        Ok(false) => Err(SimError::Footage { path: footage.to_owned(), why: "gzip cannot unpack it".into() }),
        Err(source) => Err(SimError::Cache { path: plain, source }),
    }
}

/// A video file, read from start to end.
pub(super) struct Film {
    pipeline: gst::Pipeline,
    sink: AppSink,
    path: PathBuf,
    planes: Planes,
    /// Frames a second, known after the first picture.
    rate: Option<Rate>,
}

impl Film {
    /// As it is.
    pub(super) fn open(path: &Path) -> Result<Self, SimError> {
        Self::open_as(path, None, None)
    }

    /// Scaled to a size, whatever its own shape, and brought to a frame rate by leaving frames out or repeating them.
    pub(super) fn open_as(path: &Path, size: Option<Size>, rate: Option<Rate>) -> Result<Self, SimError> {
        let failed = |why: String| SimError::Footage { path: path.to_owned(), why };
        if !path.is_file() {
            return Err(SimError::NoFootage { looked: path.display().to_string() });
        }
        gst::init().map_err(|e| failed(e.to_string()))?;
        let (mut steps, mut caps) = (String::new(), "video/x-raw,format=I420".to_owned());
        if let Some(Size { w, h }) = size {
            steps += "! videoscale add-borders=false ";
            caps += &format!(",width={w},height={h},pixel-aspect-ratio=1/1");
        }
        if let Some(Rate { frames, seconds }) = rate {
            steps += "! videorate ";
            caps += &format!(",framerate={frames}/{seconds}");
        }
        let description = format!(
            "filesrc name=from ! decodebin ! videoconvert {steps}! {caps} ! appsink name=to sync=false max-buffers=4"
        );
        let pipeline = launch(&description)?;
        let from = pipeline.by_name("from").expect("the description names it");
        from.set_property("location", path);
        let sink = named::<AppSink>(&pipeline, "to");
        pipeline.set_state(gst::State::Playing).map_err(|e| failed(e.to_string()))?;
        Ok(Self { pipeline, sink, path: path.to_owned(), planes: Planes::default(), rate: None })
    }

    /// The next picture; `None` at the end. Odd sizes lose their last row or column.
    pub(super) fn next(&mut self) -> Result<Option<(&Planes, Rate)>, SimError> {
        let failed = |why: String| SimError::Footage { path: self.path.clone(), why };
        let Some(sample) = pull(&self.pipeline, &self.sink).map_err(failed)? else {
            return if self.rate.is_some() { Ok(None) } else { Err(self.trouble()) };
        };
        let info = sample.caps().and_then(|caps| VideoInfo::from_caps(caps).ok());
        let (Some(info), Some(buffer)) = (info, sample.buffer()) else { return Err(self.trouble()) };
        let Ok(frame) = VideoFrameRef::from_buffer_ref_readable(buffer, &info) else {
            return Err(self.trouble());
        };
        self.planes.resize(Size::new(info.width() & !1, info.height() & !1));
        for ((index, to), (row_len, rows)) in self.planes.planes_mut() {
            let stride = frame.plane_stride()[index] as usize;
            let from = frame.plane_data(index as u32).map_err(|_| lost_plane(&self.path))?;
            for row in 0..rows {
                to[row * row_len..][..row_len].copy_from_slice(&from[row * stride..][..row_len]);
            }
        }
        let fps = info.fps();
        let rate = if fps.numer() > 0 {
            Rate { frames: fps.numer() as u32, seconds: fps.denom().max(1) as u32 }
        } else {
            Rate { frames: 25, seconds: 1 }
        };
        self.rate = Some(rate);
        Ok(Some((&self.planes, rate)))
    }

    /// What GStreamer has to say about it.
    fn trouble(&self) -> SimError {
        let why = error_of(&self.pipeline).unwrap_or_else(|| "it holds no video that can be decoded".into());
        SimError::Footage { path: self.path.clone(), why }
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        // It only fails where the pipeline has already failed.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn lost_plane(path: &Path) -> SimError {
    SimError::Footage { path: path.to_owned(), why: "a decoded picture has a plane too few".into() }
}

pub(super) fn launch(description: &str) -> Result<gst::Pipeline, SimError> {
    let element = gst::parse::launch(description).map_err(|e| SimError::Encoder { why: e.to_string() })?;
    Ok(element.downcast::<gst::Pipeline>().expect("a description of several elements makes a pipeline"))
}

pub(super) fn named<T: IsA<gst::Object>>(pipeline: &gst::Pipeline, name: &str) -> T {
    let element = pipeline.by_name(name).expect("the description names it");
    element.dynamic_cast::<T>().unwrap_or_else(|_| panic!("the description says what {name} is"))
}

/// The next sample; `None` at the end of the stream.
pub(super) fn pull(pipeline: &gst::Pipeline, sink: &AppSink) -> Result<Option<gst::Sample>, String> {
    for _ in 0..LOOKS_MAX {
        if let Some(sample) = sink.try_pull_sample(LOOK_EVERY) {
            return Ok(Some(sample));
        }
        if let Some(error) = error_of(pipeline) {
            return Err(error);
        }
        if sink.is_eos() {
            return Ok(None);
        }
    }
    Err("GStreamer gave nothing for 30 s".to_owned())
}

pub(super) fn error_of(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_footage_is_unpacked_and_plain_footage_is_left_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (plain, cache) = (folder.path().join("a.avi"), folder.path().join("cache"));
        fs::write(&plain, "footage").unwrap();
        assert_eq!(unpack(&plain, &cache).unwrap(), plain);
        assert!(Command::new("gzip").arg(&plain).status().unwrap().success());
        let packed = folder.path().join("a.avi.gz");
        let unpacked = unpack(&packed, &cache).unwrap();
        assert_eq!(
            (fs::read_to_string(&unpacked).unwrap(), unpacked),
            ("footage".to_owned(), cache.join("a.avi"))
        );
        fs::write(&packed, "not gzip").unwrap();
        assert!(matches!(unpack(&packed, &cache), Err(SimError::Footage { .. })));
    }

    #[test]
    fn a_video_that_is_no_video_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        fs::write(&path, "this is text").unwrap();
        let told = Film::open(&path).unwrap().next().unwrap_err().to_string();
        assert!(told.contains("a.mp4"), "{told}");
        assert!(matches!(Film::open(&folder.path().join("b.mp4")), Err(SimError::NoFootage { .. })));
    }
}
