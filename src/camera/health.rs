//! The health of one camera, in words that a person and a machine read alike.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use super::Ending;
use crate::{id::CameraId, time::Wall};

/// How a camera is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Streams, and nothing is wrong.
    Online,
    /// Streams, but something is wrong: see the reasons.
    Degraded,
    /// Does not stream: see the reasons.
    Offline,
    /// Out of service on purpose.
    Maintenance,
}

/// What is wrong with a camera. The list is the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Reason {
    Auth,
    Refused,
    Timeout,
    NoKeyframe,
    FpsLow,
    Frozen,
    Covered,
    Moved,
    Dark,
    Bright,
    Blurred,
    Clock,
    Undecodable,
}

/// The health of a camera as it is told to others, on change and every 60 s.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// Whose.
    pub camera: CameraId,
    /// How it is.
    pub state: State,
    /// Why it is so; empty when online.
    pub reasons: BTreeSet<Reason>,
    /// One sentence of detail for a person, without credentials ("no answer to describe for 10s").
    pub detail: Option<String>,
    /// Since when it is in this state for these reasons.
    pub since: Wall,
    /// Access units a second over the last seconds.
    pub fps: f32,
    /// Kilobits a second over the last seconds.
    pub kbps: f32,
    /// When the last access unit arrived.
    pub last_frame: Option<Wall>,
    /// Camera clock minus arrival clock in milliseconds, where the camera tells.
    pub clock_skew_ms: Option<i64>,
    /// How it is watched; `None` while it is out of service.
    pub attention: Option<Watched>,
}

/// How a camera is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Every frame is decoded.
    Always,
    /// It is looked at when its stream gives cause, and about once in this time.
    Sparse {
        /// How often.
        every: Duration,
        /// Whether its stream gives cause when something moves.
        stream: Stream,
    },
    /// It is not looked at.
    Off,
}

/// What a camera's stream says of what moves before it, without being decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Enough.
    Speaks,
    /// Little: looks found what it did not announce, or it is sent at a constant rate.
    SaysLittle,
}

impl Health {
    /// Of a camera that is out of service on purpose, since `since`.
    pub fn maintenance(camera: CameraId, since: Wall) -> Self {
        Self {
            camera,
            state: State::Maintenance,
            reasons: BTreeSet::new(),
            detail: None,
            since,
            fps: 0.0,
            kbps: 0.0,
            last_frame: None,
            clock_skew_ms: None,
            attention: None,
        }
    }
}

impl Ending {
    /// The reason for being offline that it amounts to. The contract has fewer reasons than there are endings: whatever
    /// the camera says no to, hangs up on or garbles is `refused`, and the detail tells which.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Auth => Reason::Auth,
            Self::Timeout { .. } => Reason::Timeout,
            Self::NoKeyframe(_) => Reason::NoKeyframe,
            Self::Refused(_) | Self::Closed | Self::Garbage(_) | Self::NotFound(_) | Self::Unsupported(_) => {
                Reason::Refused
            }
        }
    }
}
