//! What it costs to take a detection for a track, and which pairs are out of the question.
//!
//! Owns the judgement of one pair, of two boxes, and of a box and the motion around it. Who gets whom in the end belongs to
//! [`super::assign`].

use std::time::Duration;

use super::{
    assign::NEVER,
    body::{self, Body, Scene, Stir},
    filter::Shape,
};
use crate::{
    detect::{Detection, SureFrom},
    motion::Motion,
    time::Mono,
};

/// Which detections are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Those that may begin a track.
    Sure,
    /// The others, and only to tracks nearby.
    Doubtful,
}

impl Pass {
    /// In which pass a detection is given away.
    pub(super) fn of(detection: &Detection, sure_from: &SureFrom) -> Self {
        if sure_from.admits(detection) { Self::Sure } else { Self::Doubtful }
    }
}

/// What it costs to leave a track without detection: more than any pair that is allowed.
pub(super) const ALONE: f32 = 2.0;

/// How far from its predicted centre a track may be found, in heights of the picture. Grows with the uncertainty of the filter and
/// with the time since it was seen, but no further than such a thing goes in a second, or between two looks.
pub(super) fn reach(body: &Body, at: Mono, interval: Duration, pass: Pass) -> f32 {
    let own = 0.4 * body.size();
    let gap = at.since(body.seen);
    if pass == Pass::Doubtful {
        // What was lost on its way is found again in a doubtful detection only where the boxes overlap.
        let recent = gap <= Duration::from_millis(500).max(interval * 2);
        return if recent || body.stands() { own } else { 0.0 };
    }
    let counts = gap.min(interval.max(Duration::from_secs(1))).as_secs_f32();
    let far = (3.0 * body.filter.unsure()).min(2.0 * body::speed(body.group) * body.last.h * counts);
    // Who was lost comes back near where it should be; what is further off is more likely somebody else.
    let lost = gap > Duration::from_millis(400).max(interval * 2);
    own + if lost { far.min(0.8 * body.size()) } else { far }
}

/// What it costs to take a detection for a track: how little the boxes overlap, how far apart the centres are, how different the
/// heights, how long ago the track was seen. [`NEVER`] beyond `reach`.
pub(super) fn cost(body: &Body, at: Mono, detection: &Detection, shape: &Shape, reach: f32) -> f32 {
    if detection.class.group() != body.group {
        return NEVER;
    }
    let expected = body.filter.shape();
    let gap = at.since(body.seen);
    let lost = gap > Duration::from_millis(300);
    let distance = if lost { body.distance_along(shape, gap) } else { expected.distance(shape) };
    let overlap = expected.iou(shape).max(if body.misses > 0 { body.last.iou(shape) } else { 0.0 });
    if distance > reach && overlap < 0.3 {
        return NEVER;
    }
    if lost && overlap < 0.3 && body.would_turn_back(shape) {
        return NEVER;
    }
    let taller = body.differs(shape);
    if taller > if lost { 0.4 } else { 0.8 } && overlap < 0.3 {
        return NEVER;
    }
    let apart = distance / (0.5 * (shape.size() + body.size())).max(1e-3);
    let stale = gap.as_secs_f32().min(3.0) / 3.0;
    0.6 * (1.0 - overlap) + 0.6 * apart / (apart + 0.5) + 0.2 * taller.min(1.0) + 0.1 * stale
}

/// Whether `shape` is seen a second time as `whole`, or is a part of it.
pub(super) fn is_part(shape: &Shape, whole: &Shape) -> bool {
    let overlap = shape.iou(whole);
    let (a, b) = (shape.edges(), whole.edges());
    let inside = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0) * (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let share = inside / (shape.w * shape.h).max(1e-9);
    overlap >= 0.55 || share >= 0.9
}

/// What motion says of a box. A picture that changes as a whole says nothing of any box.
pub(super) fn stir_at(shape: &Shape, aspect: f32, motion: &Motion) -> Stir {
    let mut stir = Stir { share: 0.0, alike: 0.0, scene: Scene::Same };
    if motion.changed_share > 0.5 {
        stir.scene = Scene::Changed;
        return stir;
    }
    let bbox = shape.to_unit(aspect);
    for region in &motion.regions {
        stir.share += bbox.covered_by(region);
        stir.alike = stir.alike.max(bbox.iou(region));
    }
    stir.share = stir.share.min(1.0);
    stir
}
