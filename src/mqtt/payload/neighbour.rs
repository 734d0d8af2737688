//! What neighbouring stations say to each other besides alerts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AlertId, EventId, RequestId};

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

/// Somebody wants to see a neighbour's clip: the data of `clip-request/{request_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipRequestData {
    /// The same id twice is the same request.
    pub request_id: RequestId,
    /// The clip of which alert.
    pub alert_id: AlertId,
    /// Who asks.
    pub who: String,
    /// Of which unit.
    pub unit: String,
    /// What for.
    pub purpose: String,
    /// For which case.
    pub case: String,
}

/// What somebody at home has decided: the data of `clip-answer/{request_id}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipAnswerData {
    /// To which request.
    pub request_id: RequestId,
    /// What.
    pub result: ClipAnswerResult,
    /// Who; absent where nobody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ByData>,
    /// Why, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Where it can be fetched. A secret: whoever has it sees the clip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of the film, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Until when it can be fetched, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Without its address, which is a secret.
impl fmt::Debug for ClipAnswerData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request_id, result, by, why, url: _, sha256, until } = self;
        f.debug_struct("ClipAnswerData")
            .field("request_id", request_id)
            .field("result", result)
            .field("by", by)
            .field("why", why)
            .field("sha256", sha256)
            .field("until", until)
            .finish_non_exhaustive()
    }
}

/// Who has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByData {
    /// A person.
    pub who: String,
    /// Of which unit.
    pub unit: String,
}

/// What was decided about a request for a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClipAnswerResult {
    /// It may be seen.
    Granted,
    /// It may not.
    Refused,
}
