//! What somebody wants done with an alert, on the wire, and what they are answered.

use serde::{Deserialize, Serialize};

use super::AlertData;
use crate::{
    alert::life::{Actor, Command, NotDone, Reason, Verb},
    id::{AlertId, CommandId},
    time::Wall,
};

/// A command, as it is sent over MQTT and HTTP alike. Alert and verb stand in the topic or path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandData {
    /// The same id twice is the same wish.
    pub id: CommandId,
    /// Who wants it.
    pub actor: Actor,
    /// Only if the alert still has this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_rev: Option<u64>,
    /// Why, where it is dismissed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A remark, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was said, RFC 3339; half a minute later it is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl CommandData {
    /// What is wanted with this alert. Refused where `at` is no time; all else is judged by the alert's life.
    pub fn command(self, alert: AlertId, verb: Verb) -> Result<Command, NotDone> {
        let at = match self.at.as_deref().map(str::parse::<jiff::Timestamp>) {
            None => None,
            Some(Ok(at)) => Some(Wall::from_unix_us(at.as_microsecond())),
            Some(Err(error)) => {
                return Err(NotDone::Invalid(format!("`at` is no time: {error}; write RFC 3339")));
            }
        };
        let Self { id, actor, if_rev, reason, note, at: _ } = self;
        Ok(Command { id, alert, verb, actor, if_rev, reason, note, at })
    }
}

/// What somebody is answered who wanted something done with an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerData {
    /// To which command.
    pub command: CommandId,
    /// What became of it.
    pub result: AnswerResult,
    /// Why it was not done, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The revision that the alert has by it; where nothing was done, the one that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
    /// The alert as it stands when this is written; absent where there is none, or none for this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<AlertData>,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerResult {
    /// It is done, or was so already.
    Ok,
    /// Something else holds now.
    Conflict,
    /// Not for this actor.
    Forbidden,
    /// It makes no sense, or there is no such alert.
    Invalid,
    /// It was said too long ago, or nobody could do it in time.
    Expired,
}

impl AnswerData {
    /// That it was not done, and why; without the alert.
    pub fn refused(command: CommandId, not_done: &NotDone) -> Self {
        let result = match not_done {
            NotDone::Conflict(_) => AnswerResult::Conflict,
            NotDone::Forbidden(_) => AnswerResult::Forbidden,
            NotDone::Invalid(_) => AnswerResult::Invalid,
            NotDone::Expired(_) => AnswerResult::Expired,
        };
        Self { command, result, why: Some(not_done.to_string()), rev: None, alert: None }
    }
}
