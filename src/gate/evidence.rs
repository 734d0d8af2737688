//! What a camera's stream says of what moves before it: how far its units depart from that camera's own quiet.
//!
//! A unit's complexity is what it would weigh at a fixed QP. It is compared with what units of the same kind, at the same place in their group of
//! pictures, had while the camera was quiet; departures are added up over some seconds. Pure and always adapting: light, rain, a noisy
//! night and new settings become quiet after a while. When to look belongs to `attention`; what each part is worth is in docs/design/gate.md.

use std::time::Duration;

use super::{PictureKind, UnitFacts};
use crate::time::Mono;

/// How often a quiet camera gives cause all the same. Looking in vain keeps a camera awake for two to four seconds, some 20 ms of decoding: a
/// quarter of a core for 778 cameras. Twice as often buys a tenth more visits that are announced in time, and costs as much again.
pub const FALSE_EVERY: Duration = Duration::from_secs(60);

/// Units before a new stream gives cause: two groups of two seconds, or four of one.
const WARM_UNITS: u32 = 60;
/// How fast a place in the group follows: it is met once a group.
const LEARN: f32 = 0.12;
/// Departures beyond so many times the usual one are taken for so many: one odd unit proves little, and must not be learnt whole.
const DEPARTURE_MAX: f32 = 4.0;
const LEARNT_DEPARTURE_MAX: f32 = 3.0;
/// Least usual departure, in doublings.
const USUAL_MIN: f32 = 0.03;
/// What is common to all units for so long is light or weather, no arrival.
const TREND: Duration = Duration::from_secs(12);
/// Sum of departures: what each unit must exceed, and how long the sum remembers.
const DRIFT: f32 = 0.7;
const REMEMBERS: Duration = Duration::from_millis(3_300);
/// Sums below this are chance; a suspicion began when the sum last was.
const CHANCE: f32 = 0.5;
/// How large a sum is worth a look: at first, and within which limits it is learnt.
const BAR: f32 = 4.0;
const BAR_MIN: f32 = 3.0;
const BAR_MAX: f32 = 60.0;
/// ln of what a look in vain raises the bar by. It falls by the same in [`FALSE_EVERY`].
const BAR_STEP: f32 = 0.3;
/// Something that stayed longer is part of the scene: what was learnt meanwhile is kept.
const STAYS: Duration = Duration::from_secs(600);
/// Key frames coarser than others by this much, in QP: only a strict rate makes an encoder do that.
const RATIONED_QP: f32 = 1.0;
/// Share of filler above which coded sizes are free although the rate is strict.
const PADDED: f32 = 0.02;

/// How sure a stream is that something moves: 0 is quiet, 1 and more is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Suspicion(f32);

impl Suspicion {
    /// Quiet.
    pub const NONE: Self = Self(0.0);
    /// Just worth a look.
    pub const CAUSE: Self = Self(1.0);

    /// Whether it is worth a look.
    pub fn gives_cause(self) -> bool {
        self >= Self::CAUSE
    }
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing moved.
    Nothing,
    /// Pixels moved, and nothing was found there.
    Moved,
    /// A thing was found.
    Thing,
}

impl Outcome {
    /// As in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Moved => "moved",
            Self::Thing => "thing",
        }
    }
}

/// Buckets of places in a group, by units since the key frame; and kinds of units.
const PLACES: usize = 16;
const KINDS: usize = 4;

/// What units of one kind at one place have while the camera is quiet.
#[derive(Debug, Clone, Copy, Default)]
struct Usual {
    complexity: f32,
    departure: f32,
    seen: u8,
}

type Quiet = [Usual; PLACES * KINDS];

/// Whether what is learnt now will be kept.
#[derive(Debug)]
enum State {
    /// It was not looked at: it is taken for quiet.
    Unwatched { units: u32 },
    /// It is awake since then: if a thing is found, what was quiet before is quiet again.
    Watched { since: Mono, quiet: Box<Quiet>, cause: Announced },
}

/// Whether the stream gave cause before the camera was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announced {
    Yes,
    No,
    /// It had no say: too little was weighed.
    Unknown,
}

/// The quiet of one camera: some 1.6 kB while it is awake, half of it asleep.
#[derive(Debug)]
pub struct Evidence {
    quiet: Quiet,
    state: State,
    units: u32,
    last: Option<Mono>,
    since_key: u32,
    /// Mean size of units that are no key frames: what a difference in size is measured by.
    scale: f32,
    trend: f32,
    sum: f32,
    since: Mono,
    bar: f32,
    /// The stream gave cause, and nobody has looked yet.
    called: bool,
    /// Things found that it had announced, and that it had not; older ones count less.
    announced: f32,
    missed: f32,
    key_qp: f32,
    other_qp: f32,
    padding: f32,
}

impl Default for Evidence {
    fn default() -> Self {
        Self::new()
    }
}

impl Evidence {
    /// Knows nothing of its camera yet.
    pub fn new() -> Self {
        Self {
            quiet: [Usual::default(); PLACES * KINDS],
            state: State::Unwatched { units: 0 },
            units: 0,
            last: None,
            since_key: 0,
            scale: 0.0,
            trend: 0.0,
            sum: 0.0,
            since: Mono::ZERO,
            bar: BAR,
            called: false,
            announced: 0.0,
            missed: 0.0,
            key_qp: 0.0,
            other_qp: 0.0,
            padding: 0.0,
        }
    }

    /// Weighs a unit, in the order in which they arrive.
    pub fn unit(&mut self, at: Mono, facts: &UnitFacts) -> Suspicion {
        if facts.slices == 0 {
            return Suspicion::NONE;
        }
        let passed = self.last.replace(at).map_or(0.0, |last| at.since(last).as_secs_f32().min(0.5));
        self.units = self.units.saturating_add(1);
        self.fingerprint(facts);
        let departure = self.departure(facts);
        let sudden = (departure - self.trend).clamp(-DEPARTURE_MAX, DEPARTURE_MAX);
        self.trend += passed / TREND.as_secs_f32() * (departure - self.trend);
        self.sum = (self.sum * (1.0 - passed / REMEMBERS.as_secs_f32()) + sudden - DRIFT).max(0.0);
        if self.sum < CHANCE {
            self.since = at;
        }
        match &mut self.state {
            State::Watched { .. } => return Suspicion::NONE,
            State::Unwatched { units } => *units = units.saturating_add(1),
        }
        if self.units < WARM_UNITS {
            self.sum = 0.0;
            return Suspicion::NONE;
        }
        let falls = (-BAR_STEP * passed / FALSE_EVERY.as_secs_f32()).exp();
        self.bar = (self.bar * falls).max(BAR_MIN);
        let suspicion = Suspicion(self.sum / self.bar);
        self.called |= suspicion.gives_cause();
        suspicion
    }

    /// When the present suspicion began to rise.
    pub fn since(&self) -> Mono {
        self.since
    }

    /// The camera is decoded from now on: the stream has no say until [`Evidence::looked`].
    pub fn watched(&mut self, now: Mono) {
        if let State::Unwatched { units } = self.state {
            let cause = match self.called {
                true => Announced::Yes,
                false if units >= WARM_UNITS => Announced::No,
                false => Announced::Unknown,
            };
            self.state = State::Watched { since: now, quiet: Box::new(self.quiet), cause };
        }
    }

    /// A look at the camera brought this, or all that was seen of it since [`Evidence::watched`] did.
    pub fn looked(&mut self, outcome: Outcome) {
        match (outcome, std::mem::replace(&mut self.state, State::Unwatched { units: 0 })) {
            (Outcome::Thing, State::Watched { since, quiet, cause }) => {
                if self.last.is_some_and(|last| last.since(since) < STAYS) {
                    self.quiet = *quiet;
                }
                match cause {
                    Announced::Yes => self.counts(1.0, 0.0),
                    Announced::No => self.counts(0.0, 1.0),
                    Announced::Unknown => {}
                }
                self.sum = 0.0;
            }
            (Outcome::Nothing | Outcome::Moved, _) if self.called => {
                self.bar = (self.bar * BAR_STEP.exp()).min(BAR_MAX);
                self.sum = 0.0;
            }
            // A look for no cause that found nothing: what is being weighed goes on.
            (_, State::Unwatched { units }) => self.state = State::Unwatched { units },
            (_, State::Watched { .. }) => {}
        }
        self.called = false;
    }

    /// The stream broke off. What is known of the camera stays, and is tried again before it gives cause.
    pub fn cut(&mut self) {
        self.units = 0;
        self.last = None;
        self.sum = 0.0;
        self.called = false;
        self.state = State::Unwatched { units: 0 };
    }

    /// What share of the things that are found here the stream announces, 0..=1, as far as is known: at first by how its rate is kept,
    /// later by what looks found.
    pub fn worth(&self) -> f32 {
        let rationed = self.key_qp - self.other_qp > RATIONED_QP && self.padding < PADDED;
        let (announced, missed) = if rationed { (0.5, 2.0) } else { (2.0, 0.5) };
        (self.announced + announced) / (self.announced + announced + self.missed + missed)
    }

    /// Whether looks find what the stream does not announce, or are expected to.
    pub fn is_poor(&self) -> bool {
        self.units >= WARM_UNITS && self.worth() < 0.5
    }

    fn counts(&mut self, announced: f32, missed: f32) {
        self.announced = self.announced * 0.9 + announced;
        self.missed = self.missed * 0.9 + missed;
    }

    /// How far a unit departs from the camera's quiet, in times of what is usual; and learns it.
    fn departure(&mut self, facts: &UnitFacts) -> f32 {
        let is_key = facts.kind == PictureKind::Key;
        self.since_key = if is_key { 0 } else { self.since_key.saturating_add(1) };
        let bytes = facts.bytes as f32;
        if !is_key {
            let follow = (1.0 / (1.0 + self.units as f32)).max(0.002);
            self.scale += follow * (bytes - self.scale);
        }
        let steps = facts.qp.map_or(0.0, |qp| (f32::from(qp) - 26.0) / 6.0);
        let complexity = (bytes + 2.0 * self.scale + 16.0).log2() + steps;
        let usual = &mut self.quiet[place(facts, self.since_key)];
        if usual.seen == 0 {
            *usual = Usual { complexity, departure: 0.5, seen: 1 };
            return 0.0;
        }
        let off = complexity - usual.complexity;
        let departure = off / usual.departure.max(USUAL_MIN);
        usual.seen = usual.seen.saturating_add(1);
        let limit = LEARNT_DEPARTURE_MAX * usual.departure.max(USUAL_MIN);
        let learnt = if usual.seen > 6 { off.clamp(-limit, limit) } else { off };
        let follow = LEARN.max(1.0 / f32::from(usual.seen));
        usual.complexity += follow * learnt;
        // A mean of absolutes is 1.25 times less than a standard deviation; a tenth is lost by the limit.
        usual.departure += follow * (1.375 * learnt.abs() - usual.departure);
        departure
    }

    fn fingerprint(&mut self, facts: &UnitFacts) {
        if let Some(qp) = facts.qp.map(f32::from) {
            let (mean, follow) = match facts.kind {
                PictureKind::Key => (&mut self.key_qp, 0.2),
                PictureKind::Predicted => (&mut self.other_qp, 0.02),
                PictureKind::Bidirectional => return,
            };
            *mean = if *mean == 0.0 { qp } else { *mean + follow * (qp - *mean) };
        }
        let all = facts.bytes.saturating_add(facts.filler).max(1) as f32;
        self.padding += 0.02 * (facts.filler as f32 / all - self.padding);
    }
}

/// Which units a unit is compared with.
fn place(facts: &UnitFacts, since_key: u32) -> usize {
    let bucket = match since_key {
        0..=8 => since_key as usize,
        9..=10 => 9,
        11..=12 => 10,
        13..=16 => 11,
        17..=24 => 12,
        25..=32 => 13,
        33..=64 => 14,
        _ => 15,
    };
    let kind = match (facts.kind, facts.is_reference) {
        (PictureKind::Key, _) => return 0,
        (PictureKind::Predicted, true) => 0,
        (PictureKind::Predicted, false) => 1,
        (PictureKind::Bidirectional, true) => 2,
        (PictureKind::Bidirectional, false) => 3,
    };
    kind * PLACES + bucket
}

#[cfg(test)]
mod tests;
