//! What survives a kill: the outbox, and the alerts that it promises.
//!
//! Owns the one durable, atomic write ([`Ledger::commit`]) and everything built on it. Knows nothing of MQTT: a
//! [`Message`] is bytes for a topic.

use std::time::Duration;

use bytes::Bytes;

/// What is promised to a subscriber. Written once, sent with the same bytes on each repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The whole topic.
    pub topic: String,
    /// The body.
    pub payload: Bytes,
    /// Its media type (`application/cloudevents+json`).
    pub content_type: String,
    /// Whether the broker keeps it as the topic's last word.
    pub retain: bool,
    /// How long a broker may hold it for an absent subscriber; counts from each sending, so that what was promised is sent however
    /// long the broker was away.
    pub expiry: Option<Duration>,
}

/// Position in the outbox; grows by one a message, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// One change of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets it.
    Put(Vec<u8>, Vec<u8>),
    /// Removes it.
    Delete(Vec<u8>),
}

/// Why the ledger cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The disk is full: nothing of the batch was written.
    #[error("the disk that holds {path} is full: {source}")]
    Full {
        /// Where.
        path: String,
        /// As the system says it.
        source: std::io::Error,
    },
    /// Anything else.
    #[error("the store at {path} failed: {what}")]
    Failed {
        /// Where.
        path: String,
        /// As the engine says it.
        what: String,
    },
}

/// An ordered map of bytes whose commits are atomic and survive both a kill and a power cut.
///
/// Two implementations: sled on a disk, and a simulated disk that can lose everything that was not promised.
pub trait Ledger: Send {
    /// Writes all or nothing; once it returns, the writes are durable.
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), LedgerError>;
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError>;
    /// Keys and values in `from..to`, ascending, at most `limit`.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, LedgerError>;
    /// The last key and value in `from..to`.
    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>, LedgerError>;
}
