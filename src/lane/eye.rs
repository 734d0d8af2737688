//! A camera's eye: its decoder and its background, which travel together to a decoding thread and back.
//!
//! Owns the choice which decoded frames are looked at (the camera's `detect_fps`). What is done about what is seen belongs to the lane.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use super::replay::is_due;
use crate::{
    camera::{AccessUnit, Codec},
    config::Camera,
    decode::{Backend, Decoder, Frame},
    metrics::{ByCamera, Metrics},
    motion::{Motion, MotionDetector},
    time::MediaTime,
};

/// One look at a decoded frame.
#[derive(Debug)]
pub struct Glimpse {
    /// The frame.
    pub frame: Frame,
    /// What moved in it.
    pub motion: Motion,
}

/// What a decoding job brings back.
#[derive(Debug, Default)]
pub struct Seen {
    /// The frames that were looked at, oldest first.
    pub glimpses: Vec<Glimpse>,
    /// Frames decoded, looked at or not.
    pub decoded: u32,
    /// Why the last unit that was not decoded was not.
    pub failed: Option<String>,
}

/// A camera's decoder and background.
pub struct Eye {
    camera: Arc<Camera>,
    backend: Backend,
    decoder: Option<(Codec, Decoder)>,
    motion: MotionDetector,
    last_look: Option<MediaTime>,
    frames: Vec<Frame>,
    decoded: u64,
    metrics: Metrics,
}

/// An eye on its way to a decoding thread, with what it is to look at.
pub struct EyeJob {
    /// Whose.
    pub eye: Box<Eye>,
    /// Consecutive access units.
    pub units: Vec<AccessUnit>,
    /// Called on the decoding thread when it is done.
    pub done: Box<dyn FnOnce(Box<Eye>, Seen) + Send>,
}

impl EyeJob {
    /// Does the job.
    pub fn run(mut self) {
        let eye = &mut self.eye;
        let units = std::mem::take(&mut self.units);
        let looked = panic::catch_unwind(AssertUnwindSafe(|| eye.look(units)));
        // A panic costs these frames and what the eye remembers, not the camera: the lane waits for its eye.
        let seen = looked.unwrap_or_else(|_| {
            self.eye.forget();
            Seen { failed: Some("the decoder panicked; see the log".to_owned()), ..Seen::default() }
        });
        (self.done)(self.eye, seen);
    }
}

impl Eye {
    /// An eye that has seen nothing.
    pub fn new(camera: Arc<Camera>, backend: Backend, metrics: Metrics) -> Self {
        Self {
            motion: MotionDetector::new().masked(&camera.masks),
            camera,
            backend,
            decoder: None,
            last_look: None,
            frames: Vec::new(),
            decoded: 0,
            metrics,
        }
    }

    /// The stream broke off: the next unit is a key frame of another one. The background is kept, since the
    /// camera still looks at the same place.
    pub fn cut(&mut self) {
        self.last_look = None;
        if let Some((_, decoder)) = &mut self.decoder {
            decoder.reset();
        }
    }

    /// Forgets everything: decoder and background are made anew.
    fn forget(&mut self) {
        tracing::error!(camera = %self.camera.id, "decoding panicked: this is a bug; the camera's decoder is made anew");
        self.decoder = None;
        self.motion = MotionDetector::new().masked(&self.camera.masks);
        self.last_look = None;
        self.frames.clear();
    }

    /// Decodes units and looks at as many of their frames as the camera's `detect_fps` asks for.
    pub fn look(&mut self, units: Vec<AccessUnit>) -> Seen {
        let mut seen = Seen::default();
        for unit in units {
            if let Err(error) = self.decode(&unit) {
                self.count(&self.metrics.decode_errors);
                tracing::debug!(camera = %self.camera.id, %error, "an access unit was not decoded");
                seen.failed = Some(error.to_string());
            }
            let mut frames = std::mem::take(&mut self.frames);
            for frame in frames.drain(..) {
                self.glimpse(frame, &mut seen);
            }
            self.frames = frames;
        }
        seen
    }

    fn decode(&mut self, unit: &AccessUnit) -> Result<(), crate::decode::DecodeError> {
        if self.decoder.as_ref().is_none_or(|(codec, _)| *codec != unit.codec) {
            self.decoder = Some((unit.codec, Decoder::new(&self.backend, unit.codec)?));
        }
        let (_, decoder) = self.decoder.as_mut().expect("set above where it was missing");
        decoder.decode(unit, &mut self.frames)
    }

    fn glimpse(&mut self, mut frame: Frame, seen: &mut Seen) {
        self.decoded += 1;
        seen.decoded += 1;
        frame.number = self.decoded;
        self.count(&self.metrics.frames_decoded);
        if is_due(self.last_look, frame.media, self.camera.detect_fps) {
            self.last_look = Some(frame.media);
            let mut motion = Motion::default();
            self.motion.look(&frame.picture, &mut motion);
            seen.glimpses.push(Glimpse { frame, motion });
        }
    }

    fn count(&self, counter: &ByCamera) {
        counter.get_or_create(&(&self.camera.id).into()).inc();
    }
}
