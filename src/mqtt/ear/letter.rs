//! A message that came in, and what is owed for it.
//!
//! Owns the words between the connection, the ear and whoever a message is for.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    alert::life::Verb,
    id::{AlertId, ButtonId, PostId, SensorId, StationId},
    store::Message,
};

/// A message as the broker sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Any bytes.
    pub topic: Bytes,
    /// Any bytes.
    pub payload: Bytes,
    /// It was published to be kept.
    pub retained: bool,
    /// Media type.
    pub content_type: Option<String>,
    /// Where an answer is wanted.
    pub response_topic: Option<String>,
    /// To be sent back with the answer.
    pub correlation: Option<Bytes>,
    /// Whether it may be old.
    pub age: Age,
}

/// A message that was understood, as far as its topic says.
#[derive(Debug)]
pub struct Heard {
    /// What it is about.
    pub matter: Matter,
    /// What came with it.
    pub letter: Letter,
    /// Given once what follows from it is durable.
    pub ack: Ack,
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// Somebody wants something done with an alert.
    Command {
        /// With which.
        alert: AlertId,
        /// What.
        verb: Verb,
    },
    /// A button was pressed, or says something.
    Button {
        /// Which.
        button: ButtonId,
        /// Levels of the topic below its own; the word itself where there are none.
        rest: Option<String>,
    },
    /// A sensor says something.
    Sensor {
        /// Which.
        sensor: SensorId,
        /// Levels of the topic below its own; the word itself where there are none.
        rest: Option<String>,
    },
    /// Whether a post is there.
    Post(PostId),
    /// Something from a neighbouring station.
    FromNeighbour {
        /// Which, by the topic: the broker's access list lets nobody else write there.
        neighbour: StationId,
        /// The topic below `in/{neighbour}/`; not empty.
        rest: String,
    },
    /// None of these: void, and told.
    Unreadable {
        /// Where and why, in one line.
        why: String,
    },
}

impl Matter {
    /// As in metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Button { .. } => "button",
            Self::Sensor { .. } => "sensor",
            Self::Post(_) => "post",
            Self::FromNeighbour { .. } => "neighbour",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// What came with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its topic; what is not UTF-8 in it is replaced.
    pub topic: String,
    /// At most [`super::PAYLOAD_LEN_MAX`] bytes.
    pub payload: Bytes,
    /// Media type.
    pub content_type: Option<String>,
    /// Where an answer is wanted.
    pub reply: Option<Reply>,
    /// Whether it may be old.
    pub age: Age,
}

/// Where an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The topic.
    pub topic: String,
    /// To be sent back.
    pub correlation: Option<Bytes>,
    /// Whether an answer may go there.
    pub is_allowed: bool,
}

/// How old a message can be that does not say when it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It came as soon as it was sent, or its sender has set a term to it, which the broker keeps.
    Fresh,
    /// It may have waited at the broker while the daemon was away.
    MayHaveWaited,
}

/// An answer: sent once, when there is room, and not promised. Who gets none asks again with the same id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is said, and where.
    pub message: Message,
    /// What the question came with.
    pub correlation: Option<Bytes>,
}

/// What is owed to the broker for a message. Dropped without being given, nothing more is acknowledged on this connection, and the broker
/// delivers again what was not on the next one.
#[derive(Debug)]
pub struct Ack(Option<oneshot::Sender<()>>);

impl Ack {
    /// One that is owed, and how its giving is learnt.
    pub fn owed() -> (Self, oneshot::Receiver<()>) {
        let (given, learnt) = oneshot::channel();
        (Self(Some(given)), learnt)
    }

    /// None is owed: the sender wanted none (quality of service 0).
    pub fn not_owed() -> Self {
        Self(None)
    }

    /// Whether one is owed.
    pub fn is_owed(&self) -> bool {
        self.0.is_some()
    }

    /// What follows from the message is durable, or nothing does.
    pub fn give(self) {
        if let Some(given) = self.0 {
            // The connection may be over by now; then it comes again, and is known.
            let _ = given.send(());
        }
    }
}
