//! Endings, verdicts and notices: what the broker may say, and what the operator is told of it.
//!
//! Owns the words. What follows from them is the courier's.

use crate::store::Seq;

/// Why a connection ended, or was never made. Never carries a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// Nobody listens, no route, no such name, no answer in time.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It does not let us in: a person has to mend it.
    #[error("it does not let us in: {0}")]
    Refused(String),
    /// The connection was there and is lost.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// It ended the connection over something that was sent.
    #[error("it ended the connection over a message: {0}")]
    Blames(String),
    /// It took a message and never acknowledged it.
    #[error("it does not acknowledge what it is sent")]
    Silent,
}

impl Ending {
    /// Whether trying again will not do without a person.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// What the broker says of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has it, whether or not anybody subscribes.
    Taken,
    /// It refuses it for a reason that may pass.
    NotNow(String),
    /// It will never take it.
    Never(String),
}

/// What the operator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The broker took the connection.
    Connected,
    /// The broker is away; repeated once a minute while it is.
    Away(Ending),
    /// A topic is held back, since the broker refuses it; repeated once a minute.
    HeldBack {
        /// Which topic.
        topic: String,
        /// In the broker's words.
        why: String,
    },
    /// The broker takes that topic again.
    TakenAgain {
        /// Which topic.
        topic: String,
    },
    /// A promised message was set aside.
    PassedOver {
        /// Which.
        seq: Seq,
        /// Why.
        why: String,
    },
    /// A live word was refused; it is tried again when it changes or on the next connection.
    LiveRefused {
        /// Which topic.
        topic: String,
        /// In the broker's words.
        why: String,
    },
    /// An answer was not sent, or refused; told once a minute.
    AnswerLost {
        /// Where it was to go.
        topic: String,
        /// Why.
        why: String,
    },
    /// There are more topics of live words than we keep.
    LiveFull {
        /// The one that was dropped.
        topic: String,
    },
}

impl Notice {
    /// Says it in the log.
    pub fn log(&self) {
        match self {
            Self::Connected => tracing::info!("connected to the broker"),
            Self::Away(ending) if ending.needs_a_person() => {
                tracing::error!(%ending, "no connection to the broker: alerts wait until somebody mends this");
            }
            Self::Away(ending) => {
                tracing::warn!(%ending, "no connection to the broker: alerts wait, and it is tried again")
            }
            Self::HeldBack { topic, why } => {
                tracing::error!(
                    topic,
                    why,
                    "the broker refuses alerts of this topic: they wait until somebody mends its access list or quota"
                );
            }
            Self::TakenAgain { topic } => {
                tracing::info!(topic, "the broker takes alerts of this topic again")
            }
            Self::PassedOver { seq, why } => {
                tracing::error!(
                    seq = seq.0,
                    why,
                    "a promised message can never be delivered: it is set aside and passed over"
                );
            }
            Self::LiveRefused { topic, why } => {
                tracing::warn!(topic, why, "the broker refuses a status message")
            }
            Self::AnswerLost { topic, why } => {
                tracing::warn!(topic, why, "an answer to a command is lost; whoever gets none asks again")
            }
            Self::LiveFull { topic } => {
                tracing::warn!(topic, "too many topics of status messages: this one is not sent")
            }
        }
    }
}
