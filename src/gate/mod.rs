//! Suspicion: is this compressed stream worth a look now?
//!
//! ```text
//!  access unit ─▶ headers ─▶ evidence ─suspicion─▶ attention ─Look─▶ decode
//!       └────────▶ memory (from the last key frame on) ────┘  ▲
//!                                        budget ─Grant────────┘
//! ```
//!
//! Attention is a budget. While it lasts, every camera is decoded all the time. Beyond it a camera sleeps: its stream is read, kept from the last
//! key frame on, and weighed without being decoded; it is looked at when the stream gives cause, and at the latest when its promised time is up. A look
//! starts at a key frame in memory, so that the seconds before are seen too. What moves keeps the camera awake; what was nothing teaches it.
//!
//! Owns which access units are decoded, when, and how urgently. Knows no decoder, no pixels and no model: it is told what a look brought.

mod account;
mod attention;
mod budget;
mod evidence;
mod headers;
mod memory;

pub use account::{Account, Reading, Spent};
pub use attention::{Attention, Closed, Judged, Look, Then};
pub use budget::{Budget, Claim};
pub use evidence::{Evidence, FALSE_EVERY, Outcome, Suspicion};
pub use headers::{Headers, PictureKind, UnitFacts};

use std::{sync::Arc, time::Duration};

use crate::metrics::OfCause;

/// What a camera may have of the fleet's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Every frame is decoded.
    Always,
    /// Frames are decoded when there is cause, and a key frame about once in this time.
    Sparse {
        /// How often.
        every: Duration,
    },
    /// Nothing is decoded.
    Off,
}

/// A camera's place in the budget.
#[derive(Debug, Clone)]
pub struct Share {
    /// What it has at its start.
    pub grant: Grant,
    /// Where it writes down what it costs.
    pub account: Arc<Account>,
}

/// Watched all the time, and nobody asks what it costs.
impl Default for Share {
    fn default() -> Self {
        Self { grant: Grant::Always, account: Arc::default() }
    }
}

/// Why a camera was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The budget lets it be watched all the time.
    Always,
    /// It was looked at for no other reason than that it was time.
    Guard,
    /// Its stream gave cause.
    Stream,
    /// Another camera of the same entry point has seen something.
    Neighbour,
    /// Its group of pictures is too long for its memory: it is decoded as it comes.
    LongGroup,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Always, Self::Guard, Self::Stream, Self::Neighbour, Self::LongGroup];

    /// As in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Guard => "guard",
            Self::Stream => "stream",
            Self::Neighbour => "neighbour",
            Self::LongGroup => "long-group",
        }
    }
}

impl From<Cause> for OfCause {
    fn from(cause: Cause) -> Self {
        Self { cause: cause.as_str() }
    }
}
