//! What an alert tells of, whatever it came from: a rule, a camera's state, a button, a sensor.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Alert, Kind, Object, Severity, explain};
use crate::{
    config::{Camera, Direction, Name},
    id::{AlertId, ButtonId, CameraId, RuleId, SensorId},
    time::Wall,
};

/// Something that happened, as of now: raised, updated and ended under one id.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// For its whole life.
    pub id: AlertId,
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// Where; of several cameras the first one.
    pub camera: Arc<Camera>,
    /// Further cameras that it concerns.
    pub others: Vec<CameraId>,
    /// By what it was judged.
    pub judged: Judged,
    /// Which way, for what crosses a line.
    pub direction: Option<Direction>,
    /// When it began.
    pub occurred_at: Wall,
    /// When it was over.
    pub ended_at: Option<Wall>,
    /// What it is about; empty where no detector saw it.
    pub objects: Vec<Object>,
    /// Whether it is meant.
    pub earnest: Earnest,
    /// One sentence.
    pub explain: Name,
}

/// By what something was judged to be worth an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// A rule over what the model saw.
    Rule {
        /// Its id.
        id: RuleId,
        /// Its version.
        version: String,
    },
    /// The daemon, over the state of its cameras.
    State,
    /// Somebody pressed a button.
    Button(ButtonId),
    /// A sensor spoke.
    Sensor(SensorId),
}

/// Whether an alert is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earnest {
    /// It is.
    Real,
    /// It is an exercise: all goes its way, marked, and is not counted.
    Drill,
}

impl Alert {
    /// What this alert of a rule tells. Times in its sentence are in the station's civil time.
    pub fn occurrence(&self, time_zone: &TimeZone) -> Occurrence {
        Occurrence {
            id: self.id,
            kind: self.rule.when.kind(),
            severity: self.rule.severity,
            camera: Arc::clone(&self.camera),
            others: Vec::new(),
            judged: Judged::Rule { id: self.rule.id.clone(), version: self.rule.version.clone() },
            direction: self.direction,
            occurred_at: self.occurred_at,
            ended_at: self.ended_at,
            objects: self.objects.clone(),
            earnest: Earnest::Real,
            explain: explain(self, time_zone),
        }
    }
}
