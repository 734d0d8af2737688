//! Topics: their one spelling. `docs/ref/mqtt.md` explains them to others.

use crate::{
    alert::{Kind, Severity},
    id::{AlertId, CameraId, EventId, NodeId, PostId, StationId},
};

/// The topics below one station's root, `cunkou/v1/{station}/`.
#[derive(Debug, Clone)]
pub struct Topics {
    root: String,
}

impl Topics {
    /// A station's topics.
    pub fn of(station: &StationId) -> Self {
        Self { root: format!("cunkou/v1/{station}") }
    }

    /// What `from` may write at the broker of a neighbouring station, `to`: its topics, below `in/{from}`.
    pub fn at_neighbour(to: &StationId, from: &StationId) -> Self {
        Self { root: format!("cunkou/v1/{to}/in/{from}") }
    }

    /// Any topic below this root.
    pub fn below(&self, rest: &str) -> String {
        format!("{}/{rest}", self.root)
    }

    /// The answer to an event that came from a neighbour.
    pub fn receipt(&self, event: EventId) -> String {
        format!("{}/receipt/{event}", self.root)
    }

    /// Whether a daemon is there. Retained, and the will.
    pub fn node_status(&self, node: &NodeId) -> String {
        format!("{}/node/{node}/status", self.root)
    }

    /// How a camera is. Retained.
    pub fn camera_health(&self, camera: &CameraId) -> String {
        format!("{}/camera/{camera}/health", self.root)
    }

    /// An alert was raised, updated or ended.
    pub fn alert(&self, severity: Severity, kind: Kind, camera: &CameraId) -> String {
        format!("{}/alert/{}/{}/{camera}", self.root, severity.as_str(), kind.as_str())
    }

    /// The authoritative state of an alert. Retained until 24 h after it closed.
    pub fn alert_state(&self, alert: AlertId) -> String {
        format!("{}/alert-state/{alert}", self.root)
    }

    /// A post is told of an alert.
    pub fn post_notice(&self, post: &PostId) -> String {
        format!("{}/post/{post}/notice", self.root)
    }
}
