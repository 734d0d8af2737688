//! One track from within: its filter, its votes, whether it stands, whether it has moved, when it is given up.
//!
//! Owns the life of one track. Which detection it gets belongs to [`super`].

use std::time::Duration;

use super::{
    filter::{Filter, Shape},
    pairing::Pass,
};
use crate::{
    detect::{Class, Detection, Group},
    time::Mono,
};

/// Hits that make a track more than a guess.
const YOUNG_HITS: u32 = 3;
/// Missed for so long, a young track was a mistake, and one that was on its way out has gone.
const PATIENCE_SHORT: Duration = Duration::from_millis(500);
/// Missed for so long, a track is lost.
const PATIENCE: Duration = Duration::from_secs(3);
/// Missed for so long, even what stood still, where nothing has moved since, is lost.
const PATIENCE_STANDING: Duration = Duration::from_secs(120);
/// Missed for less, a track counts as in view: one look alone may miss it.
const IN_VIEW: Duration = Duration::from_millis(500);
/// What one missed look counts at most, so that rare looks do not end a track at once.
const MISS_MAX: Duration = Duration::from_secs(1);
/// In one place for so long, a thing stands.
const STANDS_AFTER: Duration = Duration::from_secs(1);
/// Share of its own size within which a thing is in one place: the jitter of a detector's boxes is 0.03 to 0.05.
const PLACE: f32 = 0.15;
/// Share of its own size by which a thing is displaced.
const DISPLACED: f32 = 0.25;
/// It has to be so for as long as this, and in more than one look.
const DISPLACED_FOR: Duration = Duration::from_millis(250);
/// What has not begun to move in this time after its birth is taken to stand.
const SETTLES_AFTER: Duration = Duration::from_secs(2);
/// Share of a box that moves, at least, for its motion to count.
const STIRRED: f32 = 0.1;
/// How alike a box and a region of motion have to be for the motion to be the thing's own.
const OWN_MOTION: f32 = 0.3;

/// What motion says about one box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stir {
    /// Share of the box in which something moves, 0..=1.
    pub(super) share: f32,
    /// Best intersection over union with one region.
    pub(super) alike: f32,
    /// Whether it is still the same picture.
    pub(super) scene: Scene,
}

/// Whether a picture goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    /// Something moves in it, or nothing.
    Same,
    /// It changed as a whole: says nothing of any box, and what stood there may be gone.
    Changed,
}

impl Stir {
    /// Whether something may have happened to what stood there.
    fn disturbs(&self) -> bool {
        self.share >= STIRRED || self.scene == Scene::Changed
    }
}

/// What is known of a place at the birth of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// Nothing stood here.
    Open,
    /// Something that never moved was taken for such a thing here before.
    Furnished,
}

/// Where a track is in its life, which says how long it is waited for.
///
/// ```text
///            3 hits                 1 s in one place
/// Young ───────────────▶ Going ◀──────────────────────▶ Standing
///   │                      │  │      it goes, or          │
///   │     at the edge, on  │  │  something moves there    │
///   │     its way out      ▼  │    while it is missed     │
///   │                  Leaving│                           │
///   ▼ 0.5 s                ▼  ▼ 3 s                       ▼ 120 s
///  lost              0.5 s lost                          lost
/// ```
/// The times count looks in which it was missed, not time in which nobody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Seen once or twice: perhaps a mistake.
    Young,
    /// On its way.
    Going,
    /// On its way out of the picture.
    Leaving,
    /// In one place when it was last seen, and nothing has moved there since.
    Standing,
}

#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) group: Group,
    pub(super) filter: Filter,
    /// The filter as of the last measurement.
    measured: Filter,
    /// The box as it was last seen.
    pub(super) last: Shape,
    /// Its usual height and width: half hidden, a box says less.
    pub(super) usual: (f32, f32),
    pub(super) seen: Mono,
    pub(super) hits: u32,
    votes: [f32; Class::ALL.len()],
    /// Looks and time in which it was missed, since it was last seen.
    pub(super) misses: u32,
    missed: Duration,
    /// Something moved where it stands, since it was last seen.
    stirred: bool,
    /// Where it has been since when.
    place: Shape,
    place_since: Mono,
    pub(super) moved: bool,
    born: Mono,
    /// Where it was at first; follows slowly while it has not moved.
    anchor: Shape,
    displaced_since: Option<Mono>,
    /// Something moved there while it was seen.
    touched: bool,
    own_motion_looks: u32,
    ground: Ground,
}

impl Body {
    pub(super) fn new(at: Mono, detection: &Detection, shape: Shape, stir: Stir, ground: Ground) -> Self {
        let group = detection.class.group();
        let filter = Filter::new(shape, speed(group));
        let mut body = Self {
            group,
            measured: filter,
            filter,
            last: shape,
            usual: (shape.h, shape.w),
            seen: at,
            hits: 1,
            votes: [0.0; Class::ALL.len()],
            misses: 0,
            missed: Duration::ZERO,
            stirred: false,
            place: shape,
            place_since: at,
            moved: false,
            born: at,
            anchor: shape,
            displaced_since: None,
            touched: false,
            own_motion_looks: 0,
            ground,
        };
        body.vote(detection);
        body.judge_motion(at, shape, stir);
        body
    }

    /// Time passes. What stands, stays, and so does what is missed and has never moved: its velocity is jitter.
    pub(super) fn predict(&mut self, dt: Duration) {
        if (self.stands() && self.misses > 0) || (!self.moved && self.misses > 1) {
            self.filter.stop();
        }
        self.filter.predict(dt.as_secs_f32());
    }

    /// It is this detection.
    pub(super) fn hit(&mut self, at: Mono, detection: &Detection, shape: Shape, stir: Stir, pass: Pass) {
        if self.misses > 1 {
            let gap = at.since(self.seen).min(PATIENCE).as_secs_f32();
            self.filter = self.measured;
            self.filter.measure_again(self.last, shape, gap, detection.confidence);
        } else {
            self.filter.measure(shape, detection.confidence);
        }
        self.measured = self.filter;
        self.hits = self.hits.saturating_add(1);
        self.misses = 0;
        self.missed = Duration::ZERO;
        self.stirred = false;
        self.vote(detection);
        if self.place.distance(&shape) > PLACE * self.place.size() {
            self.place = shape;
            self.place_since = at;
        } else {
            let dt = at.since(self.seen).as_secs_f32();
            self.place = self.place.towards(&shape, dt / (dt + 2.0));
        }
        // A doubtful box may be of half a thing, or of two.
        if !self.moved && pass == Pass::Sure {
            self.judge_motion(at, shape, stir);
        }
        let dt = at.since(self.seen).min(STANDS_AFTER).as_secs_f32();
        let share = dt / (dt + 0.5);
        self.usual.0 += (shape.h - self.usual.0) * share;
        self.usual.1 += (shape.w - self.usual.1) * share;
        self.last = shape;
        self.seen = at;
    }

    /// Somebody looked, and did not find it.
    pub(super) fn miss(&mut self, dt: Duration, stir: Stir) {
        self.misses = self.misses.saturating_add(1);
        self.stirred |= stir.disturbs();
        // Where something of its shape moves it may well be there, and only not be recognised: half the impatience.
        let own = self.group != Group::Vehicle && stir.alike >= OWN_MOTION;
        let counts = dt.min(MISS_MAX);
        self.missed += if own { counts / 2 } else { counts };
    }

    /// Nobody looked. Where something moves, it may go on. Where nothing does, what stood goes on standing; what went has either
    /// stopped or gone unseen: it is held for some ten seconds, unless it was on its way out of the picture.
    pub(super) fn pass_unseen(&mut self, dt: Duration, stir: Stir, aspect: f32) {
        self.stirred |= stir.disturbs();
        if stir.share > 0.0 {
            return;
        }
        self.filter.stop();
        let counts = dt.min(MISS_MAX);
        self.missed += match self.phase(aspect) {
            Phase::Standing => return,
            Phase::Young | Phase::Leaving => counts,
            Phase::Going => counts * 3 / 10,
        };
        self.misses = self.misses.saturating_add(1);
    }

    /// In one place for a second or more when it was last seen.
    pub(super) fn stands(&self) -> bool {
        self.seen.since(self.place_since) >= STANDS_AFTER
    }

    /// Whether the next frame should be looked at even where nothing moves: only a look can tell whether it stopped or left.
    pub(super) fn wants_look(&self) -> bool {
        !self.stands() || self.stirred
    }

    /// Whether it was there when somebody last looked, or a moment before.
    pub(super) fn is_in_view(&self) -> bool {
        self.missed < IN_VIEW
    }

    /// Whether it has to be followed: it is on its way, or was not found where it stood when somebody last looked.
    pub(super) fn is_followed(&self) -> bool {
        self.wants_look() || self.misses > 0
    }

    fn phase(&self, aspect: f32) -> Phase {
        if self.hits < YOUNG_HITS {
            Phase::Young
        } else if self.leaves(aspect) {
            Phase::Leaving
        } else if self.stands() && !self.stirred {
            Phase::Standing
        } else {
            Phase::Going
        }
    }

    /// Whether it is to be given up.
    pub(super) fn is_lost(&self, aspect: f32) -> bool {
        let (patience, misses) = match self.phase(aspect) {
            Phase::Young | Phase::Leaving => (PATIENCE_SHORT, 2),
            Phase::Going => (PATIENCE, 3),
            Phase::Standing => (PATIENCE_STANDING, 3),
        };
        self.missed >= patience && self.misses >= misses
    }

    /// Whether it was last seen at an edge of the picture, on its way out, or should be outside by now.
    fn leaves(&self, aspect: f32) -> bool {
        const EDGE: f32 = 0.01;
        if self.stands() {
            return false;
        }
        let now = self.filter.shape();
        if now.cx < 0.0 || now.cx > aspect || now.cy < 0.0 || now.cy > 1.0 {
            return true;
        }
        let [l, t, r, b] = self.last.edges();
        let (vx, vy) = self.measured.velocity();
        // The middle of a box that is cut at the edge goes slower and slower. Along the lower edge people walk about
        // with their feet cut off: there it takes more than jitter.
        let (slow, fast) = (0.1 * self.last.size(), 0.5 * self.last.size());
        (l <= EDGE && vx < -slow)
            || (r >= aspect - EDGE && vx > slow)
            || (t <= EDGE && vy < -slow)
            || (b >= 1.0 - EDGE && vy > fast)
    }

    /// Whether to be at `shape` it would have to go back the way that it came: a vehicle does not.
    pub(super) fn would_turn_back(&self, shape: &Shape) -> bool {
        let (vx, vy) = self.measured.velocity();
        let (dx, dy) = (shape.cx - self.last.cx, shape.cy - self.last.cy);
        let (speed, size) = (vx.hypot(vy), self.last.size());
        matches!(self.group, Group::Vehicle | Group::TwoWheeler)
            && speed > 0.5 * size
            && vx * dx + vy * dy < -0.2 * size * speed
    }

    /// How far `shape` is from the way that it would have gone in `gap`: whoever was lost may have gone slower, or stopped.
    pub(super) fn distance_along(&self, shape: &Shape, gap: Duration) -> f32 {
        let (vx, vy) = self.measured.velocity();
        let gap = gap.min(PATIENCE).as_secs_f32();
        let (wx, wy) = (vx * gap, vy * gap);
        let (px, py) = (shape.cx - self.last.cx, shape.cy - self.last.cy);
        let length = wx * wx + wy * wy;
        let share = if length > 0.0 { ((px * wx + py * wy) / length).clamp(0.0, 1.0) } else { 0.0 };
        (px - share * wx).hypot(py - share * wy)
    }

    /// How much higher or lower `shape` is than it should be: 0 for the same, 0.7 for twice or half. What was half hidden when
    /// last seen may be as high as it usually was.
    pub(super) fn differs(&self, shape: &Shape) -> f32 {
        let from = |h: f32| (shape.h / h.max(1e-3)).ln().abs();
        let expected = from(self.filter.shape().h);
        if self.is_half_hidden() { expected.min(from(self.usual.0)) } else { expected }
    }

    /// Edge of the square of its area; of its usual one, while it is half hidden.
    pub(super) fn size(&self) -> f32 {
        if self.is_half_hidden() { (self.usual.0 * self.usual.1).max(0.0).sqrt() } else { self.last.size() }
    }

    fn is_half_hidden(&self) -> bool {
        self.last.h < 0.75 * self.usual.0
    }

    /// What it has been taken for most.
    pub(super) fn class(&self) -> Class {
        let mut best = 0;
        for (i, vote) in self.votes.iter().enumerate() {
            if *vote > self.votes[best] {
                best = i;
            }
        }
        Class::ALL[best]
    }

    fn vote(&mut self, detection: &Detection) {
        self.votes[detection.class as usize] += detection.confidence.max(0.0);
    }

    /// Whether it has moved, by its own displacement, or by motion that is its own. The jitter of a box is neither: all edges
    /// have to go along, for a time.
    fn judge_motion(&mut self, at: Mono, shape: Shape, stir: Stir) {
        self.touched |= stir.share >= STIRRED;
        // A vehicle is never born in a place: it drives there.
        if self.group != Group::Vehicle && self.ground == Ground::Open && self.hits <= 4 {
            self.own_motion_looks += u32::from(stir.alike >= OWN_MOTION);
            self.moved |= self.own_motion_looks >= 2;
        }
        let displaced = displacement(&self.anchor, &shape) / DISPLACED;
        if displaced < 1.0 {
            self.displaced_since = None;
            let dt = at.since(self.seen).as_secs_f32();
            self.anchor = self.anchor.towards(&shape, dt / (dt + 10.0));
            return;
        }
        let since = *self.displaced_since.get_or_insert(at);
        let lasting = at.since(since) >= DISPLACED_FOR;
        let long = at.since(since) >= 4 * DISPLACED_FOR && displaced >= 2.0;
        // What has stood since it is known may be the traffic cone before which somebody passes: it has to go further.
        self.moved |= long
            || if since.since(self.born) < SETTLES_AFTER {
                self.touched && (lasting || (displaced >= 4.0 && stir.share >= 0.5))
            } else {
                self.touched && lasting && displaced >= 4.0
            };
    }
}

/// By how much of its own size a box was displaced. An edge that stays where it was says that the box was cut or grew, not that
/// the thing went: each axis counts its lesser edge.
fn displacement(from: &Shape, to: &Shape) -> f32 {
    let size = from.size().max(1e-4);
    let (a, b) = (from.edges(), to.edges());
    let axis = |low: f32, high: f32| if low * high > 0.0 { low.abs().min(high.abs()) } else { 0.0 };
    let shift = axis(b[0] - a[0], b[2] - a[2]).hypot(axis(b[1] - a[1], b[3] - a[3])) / size;
    // Straight towards the camera, or away from it: both sides of the box grow, or shrink.
    let (w, h) = (to.w.max(1e-4) / from.w.max(1e-4), to.h.max(1e-4) / from.h.max(1e-4));
    let growth = w.min(h).max((1.0 / w).min(1.0 / h)) - 1.0;
    // Two things taken for one grow to one side only.
    let alike = (w / h).ln().abs() < 0.2;
    if alike { shift.max(growth) } else { shift }
}

/// Typical speed of a thing, in heights of its box a second.
pub(super) const fn speed(group: Group) -> f32 {
    match group {
        Group::Person => 1.5,
        Group::Animal => 2.0,
        Group::TwoWheeler => 3.0,
        Group::Vehicle => 6.0,
    }
}
