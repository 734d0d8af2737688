//! What neighbouring stations say to each other besides alerts.

use serde::{Deserialize, Serialize};

use crate::id::EventId;

/// The answer to an event of a neighbour: the data of `receipt/{event_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptData {
    /// To which event.
    pub event_id: EventId,
    /// What became of it.
    pub result: ReceiptResult,
    /// Why it was refused, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What became of an event that came from a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptResult {
    /// It is kept, durably.
    Kept,
    /// It was kept before.
    Repeat,
    /// It is not wanted: do not send it again.
    Refused,
}
