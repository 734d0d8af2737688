//! The daemon's own words: how its cameras are, and whether it is there itself.
//!
//! Unlike alerts they are not promised: the newest word is what counts, and it is said again on each connection.

use bytes::Bytes;

use super::{
    payload::{CONTENT_TYPE, HealthData, Letterhead, NodeData, NodeStatus},
    topic::Topics,
};
use crate::{
    config::Station,
    id::{Mint, NodeId},
    store::Message,
    time::Wall,
};

/// Writes messages about cameras and about this daemon. All are retained.
#[derive(Debug)]
pub struct Writer {
    topics: Topics,
    letterhead: Letterhead,
    node: NodeId,
    started_at: Wall,
    mint: Mint,
}

impl Writer {
    /// A writer in the name of a daemon that started then.
    pub fn new(station: &Station, started_at: Wall, mint: Mint) -> Self {
        Self {
            topics: Topics::of(&station.id),
            letterhead: Letterhead::of(&station.id, &station.node),
            node: station.node.clone(),
            started_at,
            mint,
        }
    }

    /// How a camera is.
    pub fn health(&mut self, at: Wall, health: &HealthData) -> Message {
        let id = self.mint.event(at);
        let envelope = self.letterhead.envelope(
            id,
            at,
            "cunkou.camera.health.v1",
            &health.camera,
            "camera-health:1.0",
            health,
        );
        retained(self.topics.camera_health(&health.camera), envelope.to_bytes())
    }

    /// This daemon is at work.
    pub fn online(&mut self, at: Wall) -> Message {
        self.status(at, NodeStatus::Online)
    }

    /// This daemon stops on purpose.
    pub fn stopped(&mut self, at: Wall) -> Message {
        self.status(at, NodeStatus::Stopped)
    }

    /// What the broker says in this daemon's name when it is gone without a word. Its time is that of the writing.
    pub fn will(&mut self, at: Wall) -> Message {
        self.status(at, NodeStatus::Offline)
    }

    fn status(&mut self, at: Wall, status: NodeStatus) -> Message {
        let data = NodeData {
            node: self.node.clone(),
            status,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at.to_string(),
        };
        let id = self.mint.event(at);
        let envelope =
            self.letterhead.envelope(id, at, "cunkou.node.status.v1", &self.node, "node-status:1.0", data);
        retained(self.topics.node_status(&self.node), envelope.to_bytes())
    }
}

fn retained(topic: String, payload: Vec<u8>) -> Message {
    Message {
        topic,
        payload: Bytes::from(payload),
        content_type: CONTENT_TYPE.to_owned(),
        retain: true,
        expiry: None,
    }
}
