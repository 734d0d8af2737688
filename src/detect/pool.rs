//! The hot path: threads of one detector each, which work off the cameras' newest frames in turn.
//!
//! How frames wait, who is served next and what is overwritten belongs to `flow`; a frame that is overwritten is
//! counted by whoever put the newer one.

use std::{
    num::NonZeroUsize,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{DetectError, Detection, Detector, Model, Runtime, View};
use crate::{
    config::{Camera, Provider},
    decode::Frame,
    flow::Pool,
    id::CameraId,
    metrics::Metrics,
};

/// A frame that waits for a detector.
pub struct Job {
    /// Whose it is; its masks are painted over.
    pub camera: Arc<Camera>,
    /// The frame.
    pub frame: Frame,
    /// How to look at it.
    pub view: View,
    /// Told the result, on the detector's thread: it must not wait. Not called where the frame is overwritten by a newer
    /// one or the pool stops.
    pub done: Box<dyn FnOnce(Detected) + Send>,
}

/// What came of a [`Job`].
#[derive(Debug)]
pub struct Detected {
    /// The frame.
    pub frame: Frame,
    /// How it was looked at.
    pub view: View,
    /// What is in it.
    pub result: Result<Vec<Detection>, DetectError>,
    /// How long that took, without the waiting.
    pub spent: Duration,
}

/// Starts `threads` threads named `detect-0`, `detect-1`, …, each with a session of its own. Put [`Job`]s into the pool's
/// slots under their camera's id.
///
/// # Errors
/// As [`Detector::open`]; or the threads cannot be started.
pub fn start_pool(
    runtime: &Runtime,
    model: &Model,
    provider: Provider,
    threads: NonZeroUsize,
    metrics: Metrics,
) -> Result<Pool<CameraId, Job>, DetectError> {
    let detectors: Vec<Detector> =
        (0..threads.get()).map(|_| Detector::open(runtime, model, provider)).collect::<Result<_, _>>()?;
    let workers = detectors.into_iter().map(|mut detector| {
        let metrics = metrics.clone();
        move |id: &CameraId, job: Job| {
            let Job { camera, frame, view, done } = job;
            let begun = Instant::now();
            let mut detections = Vec::new();
            let looked = panic::catch_unwind(AssertUnwindSafe(|| {
                detector.detect(&frame.picture, &view, &camera.masks, &mut detections)
            }));
            let result = looked.unwrap_or(Err(DetectError::Panicked)).map(|()| detections);
            let spent = begun.elapsed();
            metrics.detect_seconds.observe(spent.as_secs_f64());
            metrics.frames_detected.get_or_create(&id.into()).inc();
            done(Detected { frame, view, result, spent });
        }
    });
    Pool::start("detect", workers).map_err(DetectError::Threads)
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({}, frame {}, {:?})", self.camera.id, self.frame.number, self.view)
    }
}
