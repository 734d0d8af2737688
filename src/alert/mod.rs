//! The fact that we promise to deliver.
//!
//! Owns what an alert *is*, its sentence, its picture, and the rules of its life. Which tracks deserve one belongs to `rules`; who is told to `duty`; how it is
//! kept to `store`; how it is written on the wire to `mqtt`.

mod explain;
pub mod life;
mod occurrence;
pub mod snapshot;

pub use explain::explain;
pub use occurrence::{Earnest, Judged, Occurrence};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Camera, Direction, Rule},
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, TrackId},
    time::Wall,
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warning,
    /// Somebody should go.
    Major,
    /// Somebody goes now.
    Critical,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Major, Self::Critical];

    /// As in topics and payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

/// What kind of alert. The list is the contract's; this daemon raises those that have a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Kind {
    LineCross,
    ZoneEnter,
    ZoneLeave,
    WrongWay,
    Dwell,
    VehicleStopped,
    Crowd,
    Livestock,
    NightPassage,
    WatchHit,
    PanicButton,
    ExternalSensor,
    CameraOffline,
    CameraTamper,
    CameraDegraded,
    ClosureLost,
}

impl Kind {
    /// Whether it tells of our own equipment: nobody is to come within ten minutes, and it stays open for as long as it lasts.
    pub const fn is_of_equipment(self) -> bool {
        matches!(self, Self::CameraOffline | Self::CameraTamper | Self::CameraDegraded | Self::ClosureLost)
    }

    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::LineCross,
        Self::ZoneEnter,
        Self::ZoneLeave,
        Self::WrongWay,
        Self::Dwell,
        Self::VehicleStopped,
        Self::Crowd,
        Self::Livestock,
        Self::NightPassage,
        Self::WatchHit,
        Self::PanicButton,
        Self::ExternalSensor,
        Self::CameraOffline,
        Self::CameraTamper,
        Self::CameraDegraded,
        Self::ClosureLost,
    ];

    /// As in topics and payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LineCross => "line-cross",
            Self::ZoneEnter => "zone-enter",
            Self::ZoneLeave => "zone-leave",
            Self::WrongWay => "wrong-way",
            Self::Dwell => "dwell",
            Self::VehicleStopped => "vehicle-stopped",
            Self::Crowd => "crowd",
            Self::Livestock => "livestock",
            Self::NightPassage => "night-passage",
            Self::WatchHit => "watch-hit",
            Self::PanicButton => "panic-button",
            Self::ExternalSensor => "external-sensor",
            Self::CameraOffline => "camera-offline",
            Self::CameraTamper => "camera-tamper",
            Self::CameraDegraded => "camera-degraded",
            Self::ClosureLost => "closure-lost",
        }
    }
}

/// A thing that an alert is about, as last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is.
    pub class: Class,
    /// How sure the detector was, at best, 0..=1.
    pub confidence: f32,
    /// Where, in shares of the picture.
    pub bbox: UnitBox,
    /// Which track.
    pub track: TrackId,
}

/// What a rule says of an alert, in the order of its life: raised once, updated any number of times, ended once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It begins.
    Raised,
    /// More is known.
    Updated,
    /// What it was about is over (gone, left, or the camera was lost). Not that somebody dealt with it.
    Ended,
}

/// An alert as its camera's lane knows it: what happened, where, by which rule.
#[derive(Debug, Clone)]
pub struct Alert {
    /// For its whole life.
    pub id: AlertId,
    /// Where.
    pub camera: Arc<Camera>,
    /// By which rule.
    pub rule: Arc<Rule>,
    /// Which way, for what crosses a line.
    pub direction: Option<Direction>,
    /// When it began, by the clock of this machine: the arrival of the first frame that shows it.
    pub occurred_at: Wall,
    /// When it ended.
    pub ended_at: Option<Wall>,
    /// What it is about. Not empty.
    pub objects: Vec<Object>,
}
