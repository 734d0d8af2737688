//! What a post is told on the wire.

use serde::{Deserialize, Serialize};

use super::{AlertData, ToldWhy};
use crate::id::PostId;

/// A post is told of an alert: the data of `post/{post}/notice`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeData {
    /// Who is told.
    pub post: PostId,
    /// What for.
    pub why: ToldWhy,
    /// Which tier.
    pub tier: u32,
    /// The alert as it stands.
    pub alert: AlertData,
    /// For what else this stands, where a rule floods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SummaryData>,
}

/// What is told instead of each alert of a rule that floods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryData {
    /// Alerts that were not told one by one since the last summary, the one beside included.
    pub alerts: u32,
    /// Since when the rule floods, RFC 3339 in UTC.
    pub since: String,
}
