//! The visitors behind the tracks: where each track was last, and which track goes on where another broke off.
//!
//! Owns the memory of paths, and the judgement that two tracks are one visitor. It knows nothing of rules.

use std::time::Duration;

use crate::{
    detect::Group,
    geometry::{UnitBox, UnitPoint},
    id::TrackId,
    time::Now,
    track::Track,
};

/// A track that begins within this time of another's last look may be the same visitor.
const GAP_MAX: Duration = Duration::from_secs(2);
/// Looks in which the other has to be missing, to be sure that it is not merely somebody beside it.
const MISSING_LOOKS: u32 = 2;
/// Two boxes in one look, of which one covers so much of the other, may be one visitor seen double.
const DOUBLE: f32 = 0.3;
/// So near to an edge of the picture, a box is cut by it.
const EDGE: f32 = 0.015;
/// How long a path is kept after its track ended.
pub(super) const KEPT: Duration = Duration::from_secs(3);

/// One track as the rules remember it.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub(super) track: TrackId,
    group: Group,
    born: Now,
    first_box: UnitBox,
    bbox: UnitBox,
    /// Its usual width and height: half hidden, a box says less.
    usual: (f32, f32),
    /// When it was last detected.
    seen: Now,
    /// Velocity of the foot, shares of the picture a second, smoothed.
    velocity: (f32, f32),
    looks: u32,
    hits: u32,
    moved: bool,
    /// Looks since it was last detected.
    missing: u32,
    ended: Option<Now>,
    heir: Option<TrackId>,
    /// Whether it may still turn out to be somebody's heir.
    kin: Kin,
}

/// Whether a track goes on where another broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kin {
    /// A visitor who came to be in view by itself.
    Nobody,
    /// Somebody was lost just there: the next looks tell.
    Perhaps,
}

/// What a frame says of one track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) track: &'a Track,
    /// The frame was looked at.
    pub(super) looked: bool,
    /// Its foot when it was last detected before.
    pub(super) from: Option<UnitPoint>,
    /// It may yet turn out to be a visitor who is known already.
    pub(super) undecided: bool,
}

/// A track that goes on where another broke off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Succession {
    pub(super) old: TrackId,
    pub(super) new: TrackId,
    pub(super) old_foot: UnitPoint,
    pub(super) new_foot: UnitPoint,
    pub(super) new_born: Now,
}

/// The paths of one camera.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: Vec<Path>,
    /// Looked and foot before, by position in the tracks of this frame.
    before: Vec<(bool, Option<UnitPoint>)>,
}

impl Paths {
    /// Takes in a frame, and says who goes on where somebody else broke off.
    pub(super) fn update(
        &mut self,
        now: Now,
        tracks: &[Track],
        ended: &[TrackId],
        successions: &mut Vec<Succession>,
    ) {
        successions.clear();
        self.before.clear();
        for path in &mut self.paths {
            let lives = !ended.contains(&path.track) && tracks.iter().any(|t| t.id == path.track);
            if !lives {
                path.ended.get_or_insert(now);
            }
        }
        self.paths.retain(|path| path.ended.is_none_or(|at| now.mono.since(at.mono) < KEPT));
        for track in tracks {
            let known = self.paths.iter_mut().find(|path| path.track == track.id);
            let before = match known {
                Some(path) => path.follow(now, track),
                None => {
                    self.paths.push(Path::new(now, track));
                    (true, None)
                }
            };
            self.before.push(before);
        }
        for i in 0..self.paths.len() {
            if self.paths[i].kin == Kin::Perhaps {
                self.seek_kin(i, successions);
            }
        }
    }

    fn seek_kin(&mut self, i: usize, successions: &mut Vec<Succession>) {
        let new = &self.paths[i];
        let near = |old: &Path| old.may_become(new);
        let candidate = self
            .paths
            .iter()
            .enumerate()
            .filter(|(_, old)| near(old))
            .min_by(|a, b| a.1.apart(new).total_cmp(&b.1.apart(new)))
            .map(|(j, _)| j);
        let Some(j) = candidate else {
            self.paths[i].kin = Kin::Nobody;
            return;
        };
        let old = &self.paths[j];
        if old.missing < MISSING_LOOKS && old.ended.is_none() {
            return;
        }
        successions.push(Succession {
            old: old.track,
            new: new.track,
            old_foot: old.bbox.foot(),
            new_foot: new.first_box.foot(),
            new_born: new.born,
        });
        let heir = new.track;
        self.paths[j].heir = Some(heir);
        self.paths[i].kin = Kin::Nobody;
    }

    /// What this frame says of `tracks`, in their order.
    pub(super) fn sights<'a>(&'a self, tracks: &'a [Track]) -> impl Iterator<Item = Sight<'a>> + 'a {
        tracks.iter().zip(&self.before).map(|(track, (looked, from))| {
            let undecided = self.path(track.id).is_some_and(|path| path.kin == Kin::Perhaps);
            Sight { track, looked: *looked, from: *from, undecided }
        })
    }

    fn path(&self, track: TrackId) -> Option<&Path> {
        self.paths.iter().find(|path| path.track == track)
    }

    pub(super) fn clear(&mut self) {
        self.paths.clear();
    }
}

impl Path {
    fn new(now: Now, track: &Track) -> Self {
        Self {
            track: track.id,
            group: track.class.group(),
            born: now,
            first_box: track.bbox,
            bbox: track.bbox,
            usual: (track.bbox.w(), track.bbox.h()),
            seen: now,
            velocity: (0.0, 0.0),
            looks: track.looks,
            hits: track.hits,
            moved: track.moved,
            missing: 0,
            ended: None,
            heir: None,
            kin: Kin::Perhaps,
        }
    }

    /// Says whether the frame was looked at, and where the foot was before.
    fn follow(&mut self, now: Now, track: &Track) -> (bool, Option<UnitPoint>) {
        let looked = track.looks != self.looks;
        let from = self.bbox.foot();
        self.looks = track.looks;
        self.hits = track.hits;
        self.moved = track.moved;
        if track.confidence.is_some() {
            let dt = now.mono.since(self.seen.mono).as_secs_f32();
            let to = track.bbox.foot();
            if dt > 0.0 {
                let share = dt / (dt + 0.3);
                self.velocity.0 += share * ((to.x - from.x) / dt - self.velocity.0);
                self.velocity.1 += share * ((to.y - from.y) / dt - self.velocity.1);
                let share = dt / (dt + 0.5);
                self.usual.0 += share * (track.bbox.w() - self.usual.0);
                self.usual.1 += share * (track.bbox.h() - self.usual.1);
            }
            self.bbox = track.bbox;
            self.seen = now;
            self.missing = 0;
        } else if looked {
            self.missing = self.missing.saturating_add(1);
        }
        (looked, Some(from))
    }

    /// Whether `new` may be the same visitor: of the same kind, born soon after this one was last seen, near where it should have
    /// been; and this one had moved, was not on its way out of the picture, and has not been seen since. Or born upon it when it was
    /// last seen: of somebody who was seen double for one look, a track may follow the half that was nobody.
    fn may_become(&self, new: &Self) -> bool {
        let gap = new.born.mono.since(self.seen.mono);
        let taller = |h: f32| (0.6..=1.7).contains(&(new.bbox.h().max(1e-4) / h.max(1e-4)));
        self.track != new.track
            && self.group == new.group
            && self.heir.is_none()
            && self.moved
            && self.hits >= 2
            && (self.seen.mono < new.born.mono
                || (self.seen.mono == new.born.mono && self.is_double(&new.first_box)))
            && gap <= GAP_MAX
            && (taller(self.bbox.h()) || taller(self.usual.1))
            && !self.leaves(gap)
            && !self.would_turn_back(new)
            && self.apart(new) <= 1.5
    }

    fn is_double(&self, other: &UnitBox) -> bool {
        self.bbox.covered_by(other).max(other.covered_by(&self.bbox)) >= DOUBLE
    }

    /// Whether to be `new` it would have to go back the way that it came: a vehicle does not. (Cars that follow each other out of
    /// the distance are born where the one before was seen last.)
    fn would_turn_back(&self, new: &Self) -> bool {
        let (from, to) = (self.bbox.centre(), new.first_box.centre());
        let (vx, vy) = self.velocity;
        let (speed, size) = (vx.hypot(vy), (self.bbox.w() * self.bbox.h()).sqrt());
        matches!(self.group, Group::Vehicle | Group::TwoWheeler)
            && speed > 0.5 * size
            && vx * (to.x - from.x) + vy * (to.y - from.y) < -0.2 * size * speed
    }

    /// How far the birth of `new` is from where this one was, or should have been by then; in sizes of its box.
    fn apart(&self, new: &Self) -> f32 {
        let own = (self.bbox.w() * self.bbox.h()).max(self.usual.0 * self.usual.1);
        let size = own.max(0.0).sqrt().max(1e-3);
        let gap = new.born.mono.since(self.seen.mono).as_secs_f32();
        let (dx, dy) = (self.velocity.0 * gap, self.velocity.1 * gap);
        let (was, is) = (self.bbox, new.first_box);
        let x = is.foot().x - was.foot().x;
        // Feet or heads: one of them may have been hidden.
        let by = |y: f32| x.hypot(y).min((x - dx).hypot(y - dy)) / size;
        by(is.b - was.b).min(by(is.t - was.t))
    }

    /// At an edge of the picture, and going further (the middle of a box that is cut there goes at half the speed), or out of it
    /// after `gap`.
    fn leaves(&self, gap: Duration) -> bool {
        let slow = 0.12 * self.bbox.h();
        let (vx, vy) = self.velocity;
        let (x, y) = (self.bbox.foot().x + vx * gap.as_secs_f32(), self.bbox.b + vy * gap.as_secs_f32());
        let beyond = !(0.0..=1.0).contains(&x) || !(0.0..=1.1).contains(&y);
        beyond
            || (self.bbox.l <= EDGE && vx < -slow)
            || (self.bbox.r >= 1.0 - EDGE && vx > slow)
            || (self.bbox.t <= EDGE && vy < -slow)
            || (self.bbox.b >= 1.0 - EDGE && vy > slow)
    }
}
