//! Detections → tracks: which detection in this frame is which in the last.
//!
//! Owns association, birth and death of tracks within one camera. What a track means belongs to
//! `rules`. A track is never an identity.
//!
//! Of the ByteTrack and OC-SORT kind: a Kalman filter a track (`filter`), sure detections matched first and doubtful ones
//! then (a doubtful one never begins a track), the assignment solved exactly (`assign`), the filter walked again over
//! the gap when something lost is found. Only things of one group are taken for each other. Time is real time: nothing
//! counts frames, since their rate varies and some are skipped.

mod assign;
mod body;
mod filter;
mod pairing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::{
    assign::Solver,
    body::{Body, Ground},
    filter::Shape,
    pairing::{ALONE, Pass, cost, is_part, reach, stir_at},
};
use crate::{
    detect::{Class, Detection, Group, SureFrom},
    geometry::{Size, UnitBox},
    id::TrackId,
    motion::Motion,
    time::Mono,
};

/// Most tracks of one camera at a time; further things wait until one of these is gone.
pub const TRACKS_MAX: usize = 64;
/// Most detections of one frame that are considered: the surest.
pub const DETECTIONS_MAX: usize = 128;
/// Places that are remembered for what never moved there.
const FURNITURE_MAX: usize = 32;
/// How long such a place is remembered.
const FURNITURE_KEPT: Duration = Duration::from_secs(3600);
/// Less sure than this, a detection is noise.
const CONFIDENCE_MIN: f32 = 0.25;

/// One thing over time, as of the newest frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its number.
    pub id: TrackId,
    /// What it has been taken for most, weighted by confidence.
    pub class: Class,
    /// Where it is: the detection of this frame where there is one, else where it should be by now.
    pub bbox: UnitBox,
    /// Confidence of this frame's detection; `None` where it was not detected in this frame.
    pub confidence: Option<f32>,
    /// Best confidence so far.
    pub confidence_best: f32,
    /// Looks since its birth, whether it was detected in them or not. A frame that was not looked at does not count.
    pub looks: u32,
    /// Looks in which it was detected, in all.
    pub hits: u32,
    /// When it was first detected.
    pub born: Mono,
    /// When it was last detected.
    pub seen: Mono,
    /// Whether it has ever moved: born where there was motion, or displaced since. What never moved is not a visitor.
    pub moved: bool,
}

/// A place where something that never moved was taken for a thing.
#[derive(Debug, Clone, Copy)]
struct Furniture {
    group: Group,
    shape: Shape,
    at: Mono,
}

/// The tracks of one camera. Pure: it is told the time.
///
/// Give it all detections from a confidence of 0.25 upwards: the doubtful ones keep alive what is known already.
/// At most [`TRACKS_MAX`] tracks live; an update takes at most O(`TRACKS_MAX`² · (`TRACKS_MAX` + [`DETECTIONS_MAX`])).
#[derive(Debug)]
pub struct Tracker {
    aspect: f32,
    sure_from: SureFrom,
    next: u64,
    newest: Option<Mono>,
    /// Time between the last two looks.
    interval: Duration,
    last_look: Option<Mono>,
    /// As shown to others, in order of birth; `bodies` has the same order.
    tracks: Vec<Track>,
    bodies: Vec<Body>,
    ended: Vec<TrackId>,
    furniture: Vec<Furniture>,
    matching: Matching,
}

/// Scratch memory of an update, kept from one to the next.
#[derive(Debug, Default)]
struct Matching {
    solver: Solver,
    /// Usable detections of this frame, the surest first.
    found: Vec<(Detection, Shape)>,
    /// Which track has each.
    owner: Vec<Option<usize>>,
    /// Which detection each track has.
    given: Vec<Option<usize>>,
    rows: Vec<usize>,
    columns: Vec<usize>,
    cost: Vec<f32>,
    chosen: Vec<Option<usize>>,
}

impl Default for Tracker {
    /// For a picture of 16:9.
    fn default() -> Self {
        Self::new(Size::new(16, 9))
    }
}

impl Tracker {
    /// For pictures of the shape of `picture`; only the ratio of its sides matters. Track ids count from 1.
    pub fn new(picture: Size) -> Self {
        Self {
            aspect: picture.w.max(1) as f32 / picture.h.max(1) as f32,
            sure_from: SureFrom::default(),
            next: 1,
            newest: None,
            interval: Duration::ZERO,
            last_look: None,
            tracks: Vec::new(),
            bodies: Vec::new(),
            ended: Vec::new(),
            furniture: Vec::new(),
            matching: Matching::default(),
        }
    }

    /// Goes by a model's own thresholds instead of the shipped one's.
    pub fn sure_from(mut self, sure_from: SureFrom) -> Self {
        self.sure_from = sure_from;
        self
    }

    /// The detector has looked at a frame of time `at` and found `detections`; `motion` is of the same frame. A time before the
    /// last one counts as the same time. Boxes that are no boxes (not finite, or nearly without area) are ignored.
    ///
    /// Returns all live tracks, those that were not detected included, in order of birth.
    pub fn update(&mut self, at: Mono, detections: &[Detection], motion: &Motion) -> &[Track] {
        self.update_within(at, &[UnitBox::FULL], detections, motion)
    }

    /// As [`Self::update`], where the detector has looked at parts of the picture only: a track that is in none of the parts
    /// `looked_at` was not missed, since nobody looked there.
    pub fn update_within(
        &mut self,
        at: Mono,
        looked_at: &[UnitBox],
        detections: &[Detection],
        motion: &Motion,
    ) -> &[Track] {
        let (at, dt) = self.advance(at);
        if let Some(last) = self.last_look {
            self.interval = at.since(last);
        }
        self.last_look = Some(at);
        for body in &mut self.bodies {
            body.predict(dt);
        }
        self.matching.sort_in(detections, self.aspect);
        self.matching.given.clear();
        self.matching.given.resize(self.bodies.len(), None);
        self.associate(at, Pass::Sure);
        self.associate(at, Pass::Doubtful);
        self.settle(at, dt, looked_at, motion);
        self.give_birth(at, motion);
        self.bury(at);
        &self.tracks
    }

    /// A frame of time `at` passed that the detector was not shown. Tracks coast. Nobody is given up merely because nobody looked; but
    /// what was on its way, and where nothing moves any more, is not held for ever (see [`Self::wants_look`]).
    pub fn skip(&mut self, at: Mono, motion: &Motion) -> &[Track] {
        let (at, dt) = self.advance(at);
        for (track, body) in self.tracks.iter_mut().zip(&mut self.bodies) {
            body.predict(dt);
            body.pass_unseen(dt, stir_at(&body.last, self.aspect, motion), self.aspect);
            track.confidence = None;
            track.bbox = body.filter.shape().to_unit(self.aspect);
        }
        self.bury(at);
        &self.tracks
    }

    /// All live tracks, in order of birth, as of the newest frame.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Tracks that ended with the newest frame, in order of birth.
    pub fn ended(&self) -> &[TrackId] {
        &self.ended
    }

    /// Whether the next frame should be shown to the detector even where nothing moves: something was on its way when it was last
    /// seen, and only a look can tell whether it has stopped or left. False once all that is in view stands.
    pub fn wants_look(&self) -> bool {
        self.bodies.iter().any(Body::wants_look)
    }

    /// Tracks of what was there when somebody last looked, or a moment before; where the others should be by now is a guess.
    pub fn in_view(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().zip(&self.bodies).filter(|(_, body)| body.is_in_view()).map(|(track, _)| track)
    }

    /// Whether something that has moved is on its way, or may be: it has to be followed. What never moved is not waited for.
    pub fn follows(&self) -> bool {
        self.tracks.iter().zip(&self.bodies).any(|(track, body)| track.moved && body.is_followed())
    }

    /// The stream was lost: all tracks end. Ids are not used again.
    pub fn clear(&mut self) -> &[TrackId] {
        self.ended.clear();
        self.ended.extend(self.tracks.drain(..).map(|track| track.id));
        self.bodies.clear();
        self.last_look = None;
        self.interval = Duration::ZERO;
        &self.ended
    }

    fn advance(&mut self, at: Mono) -> (Mono, Duration) {
        self.ended.clear();
        let newest = self.newest.unwrap_or(at);
        let at = at.max(newest);
        self.newest = Some(at);
        (at, at.since(newest))
    }

    /// One pass: gives detections to tracks that have none yet.
    fn associate(&mut self, at: Mono, pass: Pass) {
        let m = &mut self.matching;
        m.rows.clear();
        m.rows.extend((0..self.bodies.len()).filter(|&i| m.given[i].is_none()));
        m.columns.clear();
        m.columns.extend(
            (0..m.found.len())
                .filter(|&j| m.owner[j].is_none() && Pass::of(&m.found[j].0, &self.sure_from) == pass),
        );
        m.cost.clear();
        for &i in &m.rows {
            let body = &self.bodies[i];
            let reach = reach(body, at, self.interval, pass);
            for &j in &m.columns {
                let (detection, shape) = &m.found[j];
                m.cost.push(cost(body, at, detection, shape, reach));
            }
        }
        m.solver.solve(m.rows.len(), m.columns.len(), &m.cost, ALONE, &mut m.chosen);
        for (&row, column) in m.rows.iter().zip(&m.chosen) {
            if let Some(column) = column {
                let j = m.columns[*column];
                m.given[row] = Some(j);
                m.owner[j] = Some(row);
            }
        }
    }

    /// Tells each track what it got.
    fn settle(&mut self, at: Mono, dt: Duration, looked_at: &[UnitBox], motion: &Motion) {
        let m = &self.matching;
        for ((track, body), given) in self.tracks.iter_mut().zip(&mut self.bodies).zip(&m.given) {
            if let Some(j) = *given {
                track.looks = track.looks.saturating_add(1);
                let (detection, shape) = &m.found[j];
                let pass = Pass::of(detection, &self.sure_from);
                body.hit(at, detection, *shape, stir_at(shape, self.aspect, motion), pass);
                track.class = body.class();
                track.bbox = detection.bbox.clamped();
                track.confidence = Some(detection.confidence);
                track.confidence_best = track.confidence_best.max(detection.confidence);
                track.hits = body.hits;
                track.seen = at;
                track.moved = body.moved;
            } else {
                let expected = body.filter.shape().to_unit(self.aspect);
                let stir = stir_at(&body.filter.shape(), self.aspect, motion);
                if expected.area() == 0.0 || looked_at.iter().any(|part| expected.covered_by(part) >= 0.7) {
                    track.looks = track.looks.saturating_add(1);
                    body.miss(dt, stir);
                } else {
                    body.pass_unseen(dt, stir, self.aspect);
                }
                track.confidence = None;
                track.bbox = expected;
            }
        }
    }

    /// Sure detections that nobody has begin tracks.
    fn give_birth(&mut self, at: Mono, motion: &Motion) {
        self.furniture.retain(|known| at.since(known.at) < FURNITURE_KEPT);
        for j in 0..self.matching.found.len() {
            let (detection, shape) = self.matching.found[j];
            if self.matching.owner[j].is_some() || Pass::of(&detection, &self.sure_from) == Pass::Doubtful {
                continue;
            }
            if self.tracks.len() >= TRACKS_MAX {
                break;
            }
            let group = detection.class.group();
            let twice = self
                .bodies
                .iter()
                .any(|other| other.group == group && other.seen == at && is_part(&shape, &other.last));
            if twice {
                continue;
            }
            let furnished =
                self.furniture.iter().any(|known| known.group == group && known.shape.iou(&shape) >= 0.4);
            let ground = if furnished { Ground::Furnished } else { Ground::Open };
            let stir = stir_at(&shape, self.aspect, motion);
            let body = Body::new(at, &detection, shape, stir, ground);
            self.tracks.push(Track {
                id: TrackId(self.next),
                class: detection.class,
                bbox: detection.bbox.clamped(),
                confidence: Some(detection.confidence),
                confidence_best: detection.confidence,
                looks: 1,
                hits: 1,
                born: at,
                seen: at,
                moved: body.moved,
            });
            self.bodies.push(body);
            self.next += 1;
        }
    }

    /// Takes out the lost ones, and remembers where things stood that never moved.
    fn bury(&mut self, at: Mono) {
        let mut kept = 0;
        for i in 0..self.bodies.len() {
            let body = &self.bodies[i];
            if !body.is_lost(self.aspect) {
                self.bodies.swap(kept, i);
                self.tracks.swap(kept, i);
                kept += 1;
                continue;
            }
            self.ended.push(self.tracks[i].id);
            if !body.moved && body.hits >= 3 {
                let known = Furniture { group: body.group, shape: body.last, at };
                self.furniture.retain(|f| f.group != known.group || f.shape.iou(&known.shape) < 0.6);
                if self.furniture.len() >= FURNITURE_MAX {
                    self.furniture.remove(0);
                }
                self.furniture.push(known);
            }
        }
        self.bodies.truncate(kept);
        self.tracks.truncate(kept);
    }
}

impl Matching {
    fn sort_in(&mut self, detections: &[Detection], aspect: f32) {
        self.found.clear();
        for detection in detections {
            let shape = Shape::from_unit(&detection.bbox, aspect);
            let finite = [shape.cx, shape.cy, shape.w, shape.h].iter().all(|x| x.is_finite());
            let sized = (1e-3..=10.0).contains(&shape.w) && (1e-3..=10.0).contains(&shape.h);
            if finite && sized && detection.confidence >= CONFIDENCE_MIN {
                self.found.push((*detection, shape));
            }
        }
        self.found.sort_unstable_by(|a, b| b.0.confidence.total_cmp(&a.0.confidence));
        self.found.truncate(DETECTIONS_MAX);
        self.owner.clear();
        self.owner.resize(self.found.len(), None);
    }
}
