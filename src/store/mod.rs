//! What survives a kill: the outbox, and the alerts that it promises.
//!
//! Owns the one durable, atomic write ([`Ledger::commit`]) and everything built on it. Knows nothing of MQTT: a
//! [`Message`] is bytes for a topic.
//!
//! ```text
//! clerk ─promise─▶ Desk (a thread) ─▶ Outbox ─▶ Ledger: SledLedger (a disk) or SimLedger (a simulated one)
//! courier ◀─waiting─ │ ◀─strike─
//! bookkeeper ─note─▶ │
//! ```

mod analysis;
mod desk;
mod disk;
mod keys;
mod outbox;
mod record;
mod sim;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use analysis::{Asked, NotAPlace, PAGE_MAX, Page, Place, keep_interval, read_interval};
pub use desk::{Condition, Desk, DeskThread, Refused};
pub use disk::SledLedger;
pub use keys::Space;
pub use outbox::{ASIDE_MAX, Aside, Outbox, STRUCK_MAX};
pub use record::{NotAMessage, decode_message, encode_message};
pub use sim::{Fault, SimDisk, SimLedger};

/// Longest value of one key, in bytes. An alert with every object that a picture holds is a few KiB.
pub const VALUE_LEN_MAX: usize = 256 * 1024;
/// Longest message as it lies on disk, topic and media type included, in bytes: a value, less room for the reason should it be set aside.
pub const MESSAGE_LEN_MAX: usize = VALUE_LEN_MAX - 4096;
/// Most bytes (keys and values) of one batch.
pub const BATCH_LEN_MAX: usize = 4 * 1024 * 1024;

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
    /// It is larger than the store takes, and would be tomorrow: do not repeat it.
    #[error(
        "{what} is {len} bytes long, and the store takes at most {max}: nothing of the batch was written"
    )]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// Anything else. All or nothing holds, but which of the two is not known where the failure came between writing and syncing:
    /// make the same commit again.
    #[error("the store at {path} failed: {what}")]
    Failed {
        /// Where.
        path: String,
        /// As the engine says it.
        what: String,
    },
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered map of bytes whose commits are atomic and survive both a kill and a power cut.
///
/// Two implementations: sled on a disk, and a simulated disk that can lose everything that was not promised.
pub trait Ledger: Send {
    /// Writes all or nothing; once it returns, the writes are durable. After an error it may be asked again.
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), LedgerError>;
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError>;
    /// Keys and values in `from..to`, ascending, at most `limit`.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, LedgerError>;
    /// The last key and value in `from..to`.
    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, LedgerError>;
}

/// Refuses what no ledger takes, so that all of them refuse the same.
fn within_limits(writes: &[Write]) -> Result<(), LedgerError> {
    let mut sum = 0;
    for write in writes {
        sum += match write {
            Write::Put(key, value) if value.len() > VALUE_LEN_MAX => {
                return Err(LedgerError::TooLarge {
                    what: "a value",
                    len: value.len().max(key.len()),
                    max: VALUE_LEN_MAX,
                });
            }
            Write::Put(key, value) => key.len() + value.len(),
            Write::Delete(key) => key.len(),
        };
    }
    if sum > BATCH_LEN_MAX {
        return Err(LedgerError::TooLarge { what: "a batch", len: sum, max: BATCH_LEN_MAX });
    }
    Ok(())
}
