//! Segments that are closed here, and of which the writer has not said its last word.

use std::collections::VecDeque;

use super::{
    super::{Gap, GapCause, Segment, film::Closed},
    SegmentKey,
};
use crate::{
    config::Camera,
    id::{CameraId, VolumeId},
    time::Wall,
};

/// What waits for the writer's last word, in order of time.
#[derive(Debug)]
pub(super) struct Ledger {
    camera: CameraId,
    volume: VolumeId,
    waiting: VecDeque<Closed>,
}

impl Ledger {
    pub(super) fn new(camera: &Camera) -> Self {
        Self { camera: camera.id.clone(), volume: camera.record.volume.clone(), waiting: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Begin of the oldest one.
    pub(super) fn oldest(&self) -> Option<Wall> {
        self.waiting.front().map(|closed| closed.from)
    }

    /// It waits for the writer's last word.
    pub(super) fn closed(&mut self, closed: Closed) {
        self.waiting.push_back(closed);
    }

    /// No more than its first `fragments` will be on the disk: the rest of its time is a gap.
    pub(super) fn cut(&mut self, key: SegmentKey, fragments: usize, cause: GapCause, gaps: &mut Vec<Gap>) {
        let Some(closed) = self.waiting.iter_mut().find(|closed| closed.key == key) else { return };
        let to = closed.to;
        closed.cut(fragments);
        if closed.to < to {
            gaps.push(Gap { camera: self.camera.clone(), from: closed.to, to, cause });
        }
    }

    /// No word will come on it.
    pub(super) fn forget(&mut self, key: SegmentKey) {
        self.waiting.retain(|closed| closed.key != key);
    }

    /// The writer's last word: what is on the disk is a segment, and the rest of its time is a gap.
    pub(super) fn written(
        &mut self,
        key: SegmentKey,
        fragments: usize,
        cause: GapCause,
        gaps: &mut Vec<Gap>,
    ) -> Option<Segment> {
        self.cut(key, fragments, cause, gaps);
        let at = self.waiting.iter().position(|closed| closed.key == key)?;
        self.waiting.remove(at)?.into_segment(&self.camera, &self.volume)
    }
}
