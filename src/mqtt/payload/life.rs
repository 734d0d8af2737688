//! The life of an alert on the wire: what was done about it, when, and by whom.

use serde::{Deserialize, Serialize};

use crate::{
    alert::life::{Actor, Reason},
    id::{AlertId, ButtonId, IncidentId, PostId, SensorId},
};

/// What was done about an alert. All times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LifeData {
    /// When it was promised: its deadlines count from here.
    pub raised_at: String,
    /// Who was told, and when; oldest first, the newest 32.
    pub told: Vec<ToldData>,
    /// Highest tier that was told.
    pub tier: u32,
    /// Who has first seen it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<DoneData>,
    /// Who goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimData>,
    /// Who was the first to go, whatever became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_claimed: Option<DoneData>,
    /// When the ten minutes were over with nobody on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breached_at: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedData>,
    /// Remarks, oldest first, the newest 32.
    pub notes: Vec<NoteData>,
}

/// Who was told of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToldData {
    /// When.
    pub at: String,
    /// What for.
    pub why: ToldWhy,
    /// Which tier.
    pub tier: u32,
    /// Who.
    pub posts: Vec<PostId>,
    /// Who was to be told and was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOverData>,
}

/// What a post is told an alert for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToldWhy {
    /// It is new.
    First,
    /// Nobody has acknowledged it.
    Again,
    /// Nobody has claimed it.
    Escalated,
    /// Who claimed it has let it go.
    Lapsed,
    /// Its rule floods: this stands for several.
    Summary,
}

/// A post that was not told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassedOverData {
    /// Which.
    pub post: PostId,
    /// `silent` or `off-duty`.
    pub why: String,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoneData {
    /// When.
    pub at: String,
    /// Who.
    pub by: Actor,
}

/// Who goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimData {
    /// Since when.
    pub at: String,
    /// Who.
    pub by: Actor,
    /// Until when the claim holds, unless it is renewed.
    pub until: String,
}

/// How an alert ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedData {
    /// When.
    pub at: String,
    /// By whom; absent where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// Why it was dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteData {
    /// When.
    pub at: String,
    /// Who.
    pub by: Actor,
    /// What.
    pub text: String,
}

/// The incident that an alert belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentData {
    /// Its id.
    pub id: IncidentId,
    /// The alert that leads it: what is done with that one is done with all of them.
    pub lead: AlertId,
}

/// What was pressed, or spoke.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
pub enum DeviceData {
    /// A button.
    Button(ButtonId),
    /// A sensor.
    Sensor(SensorId),
}
