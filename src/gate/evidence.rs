//! What a camera's stream says of what moves before it: sizes of access units against that camera's own quiet.

use super::{PictureKind, UnitFacts};
use crate::time::Mono;

/// A camera is looked at when its mean deviation from quiet is so many times its usual one.
const BAR: f32 = 2.5;

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

/// The quiet of one camera.
#[derive(Debug)]
pub struct Evidence {
    mean: f32,
    deviation: f32,
    seen: u32,
    score: f32,
    since: Mono,
    bar: f32,
}

impl Evidence {
    /// Knows nothing of its camera yet.
    pub fn new() -> Self {
        Self { mean: 0.0, deviation: 0.3, seen: 0, score: 0.0, since: Mono::ZERO, bar: BAR }
    }

    /// Weighs a unit.
    pub fn unit(&mut self, at: Mono, facts: &UnitFacts) -> Suspicion {
        if facts.kind == PictureKind::Key || facts.bytes == 0 {
            return Suspicion::NONE;
        }
        let size = (facts.bytes as f32).log2();
        self.seen += 1;
        if self.seen == 1 {
            self.mean = size;
        }
        let z = (size - self.mean) / self.deviation.max(0.1);
        self.score = self.score * 0.66 + z.clamp(-4.0, 8.0) * 0.34;
        if self.score < 0.5 {
            self.since = at;
        }
        let learn = match self.seen {
            0..30 => 0.2,
            _ if z > BAR => 0.002,
            _ => 0.02,
        };
        self.mean += learn * (size - self.mean);
        self.deviation += learn * ((size - self.mean).abs() * 1.25 - self.deviation);
        if self.seen < 45 { Suspicion::NONE } else { Suspicion(self.score / self.bar) }
    }

    /// When the present suspicion began to rise.
    pub fn since(&self) -> Mono {
        self.since
    }

    /// A look at the camera brought this.
    pub fn looked(&mut self, outcome: Outcome) {
        self.bar = match outcome {
            Outcome::Thing => (self.bar * 0.95).max(2.0),
            Outcome::Nothing | Outcome::Moved => (self.bar * 1.02).min(4.0),
        };
    }

    /// The stream broke off.
    pub fn cut(&mut self) {
        self.seen = 0;
    }

    /// Whether looks find what the stream does not announce.
    pub fn is_poor(&self) -> bool {
        false
    }
}
