//! A recorded file on a camera's straight line: the same stages, in one thread, in the file's own time.

use std::{sync::Arc, time::Duration};

use super::{passage::Passage, watch::Watch};
use crate::{
    config::Camera,
    decode::Frame,
    detect::{DetectError, Detection, Detector, Facts, SureFrom},
    geometry::Size,
    id::{Mint, TrackId},
    motion::{Motion, MotionDetector},
    rules::Verdict,
    time::MediaTime,
};

/// Judges the frames of a file as a camera's lane would, with every look that the camera's `detect_fps` asks for and none skipped.
pub struct Replay {
    camera: Arc<Camera>,
    motion: MotionDetector,
    watch: Watch,
    sure_from: SureFrom,
    last_look: Option<MediaTime>,
    last_ms: i64,
    counts: Counts,
}

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames decoded.
    pub frames: u64,
    /// Frames shown to the detector.
    pub inferred: u64,
}

/// What a look brought.
#[derive(Debug)]
pub struct Replayed {
    /// Number of the frame in the file, from 0.
    pub number: u64,
    /// Its size.
    pub size: Size,
    /// What was detected, with the track to which it was given, if any. What is doubtful is there only as part of a track.
    pub detections: Vec<(Option<TrackId>, Detection)>,
    /// What the rules say.
    pub verdicts: Vec<Verdict>,
}

impl Replay {
    /// A replay that has seen nothing. `facts` are of the model that looks.
    pub fn new(camera: Arc<Camera>, facts: Facts, mint: Mint) -> Self {
        Self {
            motion: MotionDetector::new().masked(&camera.masks),
            sure_from: facts.sure_from,
            watch: Watch::new(Arc::clone(&camera), facts, mint),
            camera,
            last_look: None,
            last_ms: 0,
            counts: Counts::default(),
        }
    }

    /// Judges the next frame. `None` where it is not looked at, since the camera's `detect_fps` asks for fewer.
    pub fn frame(
        &mut self,
        mut frame: Frame,
        detector: &mut Detector,
    ) -> Result<Option<Replayed>, DetectError> {
        let number = self.counts.frames;
        self.counts.frames += 1;
        frame.number = number;
        self.last_ms = frame.media.ms();
        if !is_due(self.last_look, frame.media, self.camera.detect_fps) {
            return Ok(None);
        }
        self.last_look = Some(frame.media);
        let mut motion = Motion::default();
        self.motion.look(&frame.picture, &mut motion);
        let mut verdicts = Vec::new();
        let mut detections = Vec::new();
        if let Some(view) = self.watch.glimpse(&frame, motion, &mut verdicts) {
            self.counts.inferred += 1;
            detector.detect(&frame.picture, &view, &self.camera.masks, &mut detections)?;
            self.watch.detected(&frame, &view, &detections, &mut verdicts);
        }
        let tracked = detections.into_iter().map(|detection| (self.track_of(&detection), detection));
        let detections = tracked
            .filter(|(track, detection)| track.is_some() || self.sure_from.admits(detection))
            .collect();
        Ok(Some(Replayed { number, size: frame.picture.size(), detections, verdicts }))
    }

    /// The file is over: what is open ends, at the time of the last frame (ms).
    pub fn finish(&mut self) -> (i64, Vec<Verdict>) {
        let mut verdicts = Vec::new();
        self.watch.lose_sight(&mut verdicts);
        (self.last_ms, verdicts)
    }

    /// Takes the passages that are over.
    pub fn passed(&mut self) -> std::vec::Drain<'_, Passage> {
        self.watch.passed()
    }

    /// What was done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn track_of(&self, detection: &Detection) -> Option<TrackId> {
        let tracks = self.watch.tracks().iter();
        tracks
            .filter(|track| track.confidence.is_some())
            .find(|track| track.bbox == detection.bbox)
            .map(|track| track.id)
    }
}

/// Whether a frame is to be looked at. A look is due a little early, so that 10 fps sampled at 5 takes every second frame in spite of jitter.
pub fn is_due(last_look: Option<MediaTime>, media: MediaTime, detect_fps: f32) -> bool {
    let interval = Duration::from_secs_f32(0.9 / detect_fps);
    last_look.is_none_or(|last| media < last || media.since(last) >= interval)
}
