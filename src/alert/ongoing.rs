//! An alert that was open when the daemon stopped, and goes on.
//!
//! What a rule saw cannot be followed over a restart: its tracks are gone. What a camera's state, a button or a sensor told can: whoever told it takes it up.

use super::{Earnest, Kind, Severity};
use crate::{
    config::Name,
    id::{AlertId, ButtonId, CameraId, SensorId},
    time::Wall,
};

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ongoing {
    /// Its id.
    pub id: AlertId,
    /// Its kind.
    pub kind: Kind,
    /// As it was raised.
    pub severity: Severity,
    /// Whom it concerns, the first one first.
    pub cameras: Vec<CameraId>,
    /// Who told it.
    pub source: Source,
    /// Whether it is meant.
    pub earnest: Earnest,
    /// When it began.
    pub occurred_at: Wall,
    /// What was last said of it.
    pub explain: Name,
}

/// Who takes it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Who watches the states of cameras.
    State,
    /// A button.
    Button(ButtonId),
    /// A sensor.
    Sensor(SensorId),
}
