//! A camera's eye: its decoder and its background, which travel together to a decoding thread and back.
//!
//! Owns the choice which decoded frames are looked at, as the look asks for. What is decoded at all is for the `gate`; what is done about what is seen
//! belongs to the lane. A camera that sleeps has no decoder, only its background.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::replay::is_due;
use crate::{
    camera::{AccessUnit, Codec},
    config::Camera,
    decode::{Backend, Decoder, Frame},
    gate::{Look, Spent, Then},
    metrics::{CameraMetrics, Metrics},
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
    /// What it cost.
    pub spent: Spent,
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
    own: CameraMetrics,
}

/// An eye on its way to a decoding thread, with what it is to look at.
pub struct EyeJob {
    /// Whose.
    pub eye: Box<Eye>,
    /// What it is to look at.
    pub look: Look,
    /// Called on the decoding thread when it is done.
    pub done: Box<dyn FnOnce(Box<Eye>, Seen) + Send>,
}

impl EyeJob {
    /// Does the job.
    pub fn run(self) {
        let Self { mut eye, look, done } = self;
        let looked = panic::catch_unwind(AssertUnwindSafe(|| eye.look(look)));
        // A panic costs these frames and what the eye remembers, not the camera: the lane waits for its eye.
        let seen = looked.unwrap_or_else(|_| {
            eye.forget();
            Seen { failed: Some("the decoder panicked; see the log".to_owned()), ..Seen::default() }
        });
        done(eye, seen);
    }
}

impl Eye {
    /// An eye that has seen nothing.
    pub fn new(camera: Arc<Camera>, backend: Backend, metrics: Metrics) -> Self {
        let own = metrics.of(&camera.id);
        Self {
            motion: MotionDetector::new().masked(&camera.masks),
            camera,
            backend,
            decoder: None,
            last_look: None,
            frames: Vec::new(),
            decoded: 0,
            metrics,
            own,
        }
    }

    /// The stream broke off, or the camera fell asleep: the next unit is a key frame. The decoder is let go, since one is made in a
    /// tenth of a millisecond and holds megabytes. The background is kept: the camera still looks at the same place.
    pub fn cut(&mut self) {
        self.last_look = None;
        self.decoder = None;
    }

    /// The camera is drawn anew. Where its masks are other ones, the background is learnt anew; the decoder goes on.
    pub fn redraw(&mut self, camera: Arc<Camera>) {
        if camera.masks != self.camera.masks {
            self.motion = MotionDetector::new().masked(&camera.masks);
        }
        self.camera = camera;
    }

    /// Forgets everything: decoder and background are made anew.
    fn forget(&mut self) {
        tracing::error!(camera = %self.camera.id, "decoding panicked: this is a bug; the camera's decoder is made anew");
        self.decoder = None;
        self.motion = MotionDetector::new().masked(&self.camera.masks);
        self.last_look = None;
        self.frames.clear();
    }

    /// Decodes units and looks at as many of their frames as is asked for.
    pub fn look(&mut self, look: Look) -> Seen {
        let began = thread_time();
        let mut seen = Seen::default();
        seen.spent.units = look.units.len() as u32;
        for unit in &look.units {
            seen.spent.bytes += unit.data.len() as u64;
            if let Err(error) = self.decode(unit) {
                self.own.decode_errors.inc();
                tracing::debug!(camera = %self.camera.id, %error, "an access unit was not decoded");
                seen.failed = Some(error.to_string());
            }
            self.glimpse_all(&look, &mut seen);
        }
        if look.then == Then::Close {
            if let Some((_, decoder)) = &mut self.decoder {
                decoder.drain(&mut self.frames);
            }
            self.glimpse_all(&look, &mut seen);
            self.cut();
        }
        seen.spent.took = thread_time().saturating_sub(began);
        self.metrics.decode_seconds.get_or_create(&look.cause.into()).inc_by(seen.spent.took.as_secs_f64());
        seen
    }

    /// Looks at the frames that came out of the decoder.
    fn glimpse_all(&mut self, look: &Look, seen: &mut Seen) {
        let mut frames = std::mem::take(&mut self.frames);
        for frame in frames.drain(..) {
            self.glimpse(frame, look, seen);
        }
        self.frames = frames;
    }

    fn decode(&mut self, unit: &AccessUnit) -> Result<(), crate::decode::DecodeError> {
        if self.decoder.as_ref().is_none_or(|(codec, _)| *codec != unit.codec) {
            self.decoder = Some((unit.codec, Decoder::new(&self.backend, unit.codec)?));
        }
        let (_, decoder) = self.decoder.as_mut().expect("set above where it was missing");
        decoder.decode(unit, &mut self.frames)
    }

    fn glimpse(&mut self, mut frame: Frame, look: &Look, seen: &mut Seen) {
        self.decoded += 1;
        seen.decoded += 1;
        frame.number = self.decoded;
        self.own.frames_decoded.inc();
        if frame.arrived.mono >= look.from && is_due(self.last_look, frame.media, look.fps) {
            self.last_look = Some(frame.media);
            let mut motion = Motion::default();
            self.motion.look(&frame.picture, &mut motion);
            seen.glimpses.push(Glimpse { frame, motion });
        }
    }
}

/// Processor time of this thread: what a look costs, whatever else the machine does.
fn thread_time() -> Duration {
    let at = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(at.tv_sec.unsigned_abs(), at.tv_nsec.unsigned_abs() as u32)
}
