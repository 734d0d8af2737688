//! What the courier is told, and what it says to do.
//!
//! Owns the words between the pure core and the one who runs it, and the arithmetic of packets. What follows from an event is the courier's.

use std::time::Duration;

use super::{Ending, Notice, Verdict};
use crate::{
    mqtt::ear::Answer,
    store::{Message, Seq},
};

/// What the broker said of itself when it took the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unacknowledged publishes that it takes at once (receive maximum).
    pub window: u16,
    /// Longest packet that it takes, in bytes.
    pub packet_len_max: Option<u32>,
}

impl Limits {
    /// Why this broker, or any, could never take this message with `more` bytes of properties than [`packet_len`] counts.
    pub(super) fn refusal(&self, message: &Message, more: usize) -> Option<String> {
        if message.topic.is_empty() || message.topic.contains(['+', '#', '\0']) {
            return Some(format!(
                "\"{}\" is not a topic that can be published to",
                message.topic.escape_default()
            ));
        }
        let (len, max) = (packet_len(message) + more, self.packet_len_max?);
        (len > max as usize)
            .then(|| format!("its packet is {len} bytes long, and this broker takes at most {max}"))
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time passed: to be sent when [`Courier::wake_at`] says so.
    Tick,
    /// What this daemon says of itself on the next connection.
    Words(Box<Presence>),
    /// The broker took the connection.
    Connected(Limits),
    /// The connection ended, or none could be made.
    Ended(Ending),
    /// The next of the publishes handed out went to the network, under this packet id.
    Sent(u16),
    /// The broker answered to a packet id.
    Acked(u16, Verdict),
    /// What the outbox answered to [`Action::Read`], or why it could not.
    Read(Result<Vec<(Seq, Message)>, String>),
    /// The outbox has more.
    Woken,
    /// These wait no more: what was read of them and did not go yet does not go.
    Withdrawn(Vec<Seq>),
    /// The latest word on its topic: not promised; sent on each connection, and again when it changes.
    Live(Message),
    /// Somebody asked, and is answered: sent once, not promised.
    Answer(Answer),
    /// Send what can be sent within this time, say good-bye and end.
    Stop(Duration),
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Connect; answers with `Connected` or `Ended`.
    Connect,
    /// Publish with quality of service 1; answers with `Sent`, then `Acked`.
    Publish(Message),
    /// As `Publish`.
    Answer(Answer),
    /// Read the outbox behind a place; answers with `Read`.
    Read {
        /// Behind which place.
        after: Seq,
        /// At most so many.
        limit: usize,
    },
    /// These are delivered.
    Strike(Vec<Seq>),
    /// This one never will be.
    SetAside {
        /// Which.
        seq: Seq,
        /// Why, for the record.
        why: String,
    },
    /// Drop the connection without a word, so that the will is sent.
    HangUp,
    /// Disconnect in order, so that the will is not sent.
    Part,
    /// Nothing follows.
    End,
    /// Tell the operator.
    Tell(Notice),
}

/// The messages that say how this node is: all for one topic, retained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Sent first on each connection.
    pub online: Message,
    /// Sent last on an ordered stop.
    pub stopped: Message,
}

/// Length in bytes, at most, of the MQTT 5 PUBLISH packet for a message (sections 2.1 and 3.3 of the standard), at quality of service 1 with the
/// properties that we set: payload format, media type, expiry.
pub fn packet_len(message: &Message) -> usize {
    let properties = 2 + 3 + message.content_type.len() + if message.expiry.is_some() { 5 } else { 0 };
    let rest = 2 + message.topic.len() + 2 + varint_len(properties) + properties + message.payload.len();
    1 + varint_len(rest) + rest
}

fn varint_len(value: usize) -> usize {
    match value {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    }
}
