//! Who owns which keys: the first byte of each.
//!
//! Owns the table of spaces, so that rooms share one ledger (and with it one atomic batch) without knowing of each other. What lies
//! behind the first byte belongs to the owner of the space.

use super::Seq;

/// One owner's keys. The numbers are on disk: never change one, never give one away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Space {
    /// What is promised and not yet acknowledged: sequence number → message.
    Outbox = 0x10,
    /// The next sequence number (one key).
    OutboxNext = 0x11,
    /// What no broker will ever take, kept on record: sequence number → reason and message.
    Aside = 0x12,
    /// Alerts: alert id → record.
    Alert = 0x20,
    /// Deadlines and other states of alerts that are not yet over.
    AlertLife = 0x21,
    /// What waits for a neighbour's receipt: neighbour, event id → expiry and message.
    PeerOut = 0x22,
    /// What came from a neighbour: neighbour, alert id → alert.
    Foreign = 0x23,
    /// Requests to see a neighbour's clip, and its answers: state, request id → request.
    ClipRequest = 0x24,
    /// Buttons and sensors: device → last sign of life.
    Device = 0x25,
    /// The index of clips; can be rebuilt from disk.
    Index = 0x30,
    /// Where cameras were analysed less than was wanted: begin, camera → interval.
    Analysis = 0x38,
    /// The audit trail.
    Audit = 0x40,
    /// Accounts and their sessions.
    Accounts = 0x50,
    /// Recorded segments: camera, begin → head.
    Segment = 0x60,
    /// The same by volume: volume, camera, begin → end and length.
    Shelf = 0x61,
    /// Times without a recording: camera, begin → end and cause.
    Gap = 0x62,
    /// What is kept from being deleted: hold id → hold.
    Hold = 0x63,
    /// Deletions by retention, under way and done: state, camera, begin → what was deleted.
    Deletion = 0x64,
    /// How much lies on each volume: volume → bytes and segments.
    Tally = 0x65,
}

impl Space {
    /// The key for `rest` in this space.
    pub fn key(self, rest: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(1 + rest.len());
        key.push(self as u8);
        key.extend_from_slice(rest);
        key
    }

    /// The first key that could lie in this space.
    pub fn from(self) -> Vec<u8> {
        vec![self as u8]
    }

    /// The first key after this space.
    pub fn to(self) -> Vec<u8> {
        vec![self as u8 + 1]
    }

    pub(super) fn seq_key(self, seq: Seq) -> Vec<u8> {
        self.key(&seq.0.to_be_bytes())
    }

    /// The sequence number of a key that [`Self::seq_key`] made.
    pub(super) fn seq_of(key: &[u8]) -> Option<Seq> {
        let rest: [u8; 8] = key.get(1..)?.try_into().ok()?;
        Some(Seq(u64::from_be_bytes(rest)))
    }

    /// Whether the outbox alone writes this key.
    pub(super) fn is_outbox(key: &[u8]) -> bool {
        let first = key.first().copied();
        [Self::Outbox, Self::OutboxNext, Self::Aside].iter().any(|&space| first == Some(space as u8))
    }
}
