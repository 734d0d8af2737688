//! The life of an alert on the wire: what was done about it, when, and by whom.

use serde::{Deserialize, Serialize};

pub use crate::alert::life::ToldWhy;

use crate::{
    alert::life::{Actor, Done, Life, Reason},
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

impl From<&Life> for LifeData {
    fn from(life: &Life) -> Self {
        let done = |done: &Done| DoneData { at: done.at.to_string(), by: done.by.clone() };
        Self {
            raised_at: life.raised_at().to_string(),
            told: life
                .told()
                .map(|told| ToldData {
                    at: told.at.to_string(),
                    why: told.why,
                    tier: told.tier,
                    posts: told.posts.clone(),
                    passed_over: told
                        .passed_over
                        .iter()
                        .map(|(post, why)| PassedOverData { post: post.clone(), why: why.clone() })
                        .collect(),
                })
                .collect(),
            tier: life.tier(),
            acknowledged: life.acknowledged().map(done),
            claim: life.claim().map(|claim| ClaimData {
                at: claim.since.to_string(),
                by: claim.by.clone(),
                until: claim.until.to_string(),
            }),
            first_claimed: life.first_claimed().map(done),
            breached_at: life.breached_at().map(|at| at.to_string()),
            closed: life.closed().map(|closed| ClosedData {
                at: closed.at.to_string(),
                by: closed.by.clone(),
                reason: closed.reason,
                note: closed.note.clone(),
            }),
            notes: life
                .notes()
                .map(|note| NoteData {
                    at: note.at.to_string(),
                    by: note.by.clone(),
                    text: note.text.clone(),
                })
                .collect(),
        }
    }
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
