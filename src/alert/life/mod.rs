//! The life of an alert: who has answered, who goes, and what is due.
//!
//! Owns the words of it, and [`Life`], in which they are followed: pure, it is told the time. An alert's subject may be long gone and the alert still open: what happened ends, an alert is *closed* by somebody.
//! Which posts are told is `duty`'s, what is written is the clerk's (`daemon`).
//!
//! ```text
//! raised ──▶ acknowledged ──▶ claimed ──▶ resolved | dismissed
//!   │  └──────────│──────────▶──┘ │
//!   └─▶ escalated ◀┘──▶───────────┘        claimed ──▶ raised, when the lease ends or it is released
//! any open one ──▶ expired
//! ```

mod deadlines;
mod obey;
#[cfg(test)]
mod tests;
mod value;

pub use deadlines::{Deadline, Pursuit, Terms, expiry};
pub use obey::Obeyed;
pub use value::{Changed, Claim, Closed, Done, Life, Note, Tell, Told};

use serde::{Deserialize, Serialize};

use crate::{
    id::{AlertId, CommandId, StationId},
    time::Wall,
};

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has answered yet.
    Raised,
    /// Somebody has seen it.
    Acknowledged,
    /// Nobody has claimed it in time: more have been told.
    Escalated,
    /// Somebody goes.
    Claimed,
    /// It was dealt with.
    Resolved,
    /// It was nothing to deal with.
    Dismissed,
    /// Nobody dealt with it in time.
    Expired,
}

impl State {
    /// Nothing changes any more.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Resolved | Self::Dismissed | Self::Expired)
    }

    /// As in payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Acknowledged => "acknowledged",
            Self::Escalated => "escalated",
            Self::Claimed => "claimed",
            Self::Resolved => "resolved",
            Self::Dismissed => "dismissed",
            Self::Expired => "expired",
        }
    }
}

/// Who does something with an alert. Claimed by whoever sends it; who may send is the broker's access list and the console's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// A person's or an account's name, 1 to 64 characters in one line.
    pub who: String,
    /// Of which unit or post, 1 to 64 characters in one line.
    pub unit: String,
    /// Of which station; absent: of the alert's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<StationId>,
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

/// What somebody wants done with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// "I have seen it."
    Ack,
    /// "I go"; said again, it renews the lease.
    Claim,
    /// "I do not go after all."
    Release,
    /// "Tell more people now."
    Escalate,
    /// "It is dealt with."
    Resolve,
    /// "There was nothing to deal with": with a reason.
    Dismiss,
    /// A remark; changes nothing else, and may follow the end.
    Annotate,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Ack, Self::Claim, Self::Release, Self::Escalate, Self::Resolve, Self::Dismiss, Self::Annotate];

    /// As in topics and paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Claim => "claim",
            Self::Release => "release",
            Self::Escalate => "escalate",
            Self::Resolve => "resolve",
            Self::Dismiss => "dismiss",
            Self::Annotate => "annotate",
        }
    }
}

/// Why an alert was nothing to deal with. What a rule is worth is counted from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nobody and nothing of the kind was there: the detector was wrong.
    FalseDetection,
    /// Somebody who belongs there.
    Known,
    /// It was as told, and nothing to go for.
    Harmless,
    /// The same as another alert.
    Duplicate,
    /// A trial.
    Test,
    /// Something else; the note says what.
    Other,
}

/// What somebody wants done with an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The same id twice is the same wish: it has its effect once, and the same answer.
    pub id: CommandId,
    /// With which alert.
    pub alert: AlertId,
    /// What.
    pub verb: Verb,
    /// By whom.
    pub actor: Actor,
    /// Only if the alert still has this revision.
    pub if_rev: Option<u64>,
    /// Why, where it is dismissed.
    pub reason: Option<Reason>,
    /// A remark, at most 500 characters.
    pub note: Option<String>,
    /// When it was said, where that is known: half a minute later it is void.
    pub at: Option<Wall>,
}

/// Why a command has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// Something else holds now: another revision, another's claim, the end.
    #[error("{0}")]
    Conflict(String),
    /// Not for this actor.
    #[error("{0}")]
    Forbidden(String),
    /// It makes no sense, or there is no such alert.
    #[error("{0}")]
    Invalid(String),
    /// It was said too long ago.
    #[error("{0}")]
    Expired(String),
}
