//! What waits for a neighbour, as it lies in the ledger.
//!
//! Owns the keys and values of [`Space::PeerOut`], and nothing else:
//!
//! | key | value |
//! |---|---|
//! | `{neighbour}/e/{number, u64}` | an alert's event or state, in the order of promises; goes with the neighbour's receipt |
//! | `{neighbour}/p/{number, u64}` | a receipt, an answer, a command; goes with the broker's acknowledgement |
//! | `{neighbour}/a/{alert id, 16 bytes}` | [`Shared`]: the neighbour was sent this alert |
//!
//! All integers are big-endian. Reading never panics, whatever the bytes.

use crate::{
    id::{AlertId, EventId, StationId},
    store::{LedgerError, Message, NotAMessage, Space, Write, decode_message, encode_message},
    time::Wall,
};

const VERSION: u8 = 1;
/// version u8 │ what u8 │ void at: unix ms i64 │ event id, 16 bytes │ alert id, 16 bytes │ the message's record
const HEAD_LEN: usize = 1 + 1 + 8 + 16 + 16;

/// The two orders that are kept for a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What the clerk shares.
    Events,
    /// What is answered and asked.
    Post,
}

/// Where an entry stands: its lane and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which order.
    pub lane: Lane,
    /// Grows with each entry of the lane; begins anew where nothing waits.
    pub number: u64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The first word about an alert.
    Raised(AlertId),
    /// More is known of it, or what it is about is over.
    Event(AlertId),
    /// Its state: the newest is all that matters.
    State(AlertId),
    /// A receipt, an answer, a command.
    Letter,
}

impl What {
    /// The alert that it is about.
    pub fn alert(self) -> Option<AlertId> {
        match self {
            Self::Raised(alert) | Self::Event(alert) | Self::State(alert) => Some(alert),
            Self::Letter => None,
        }
    }
}

/// An entry without its message: what the queue keeps in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// What it is.
    pub what: What,
    /// The event's id, which the receipt names.
    pub event: EventId,
    /// From then on it is never sent.
    pub void_at: Wall,
}

/// What is on record of an alert that a neighbour was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// It was promised, and no receipt has come.
    Promised,
    /// The neighbour's daemon has it.
    Kept,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEntry {
    /// Too short, another version, or words that nobody knows.
    #[error("its head cannot be read: was it written by a newer program?")]
    Head,
    /// The message.
    #[error(transparent)]
    Message(#[from] NotAMessage),
}

/// Writes an entry.
///
/// # Errors
/// The message is larger than the store takes.
pub fn put(to: &StationId, place: Place, head: &Head, message: &Message) -> Result<Write, LedgerError> {
    let (what, alert) = match head.what {
        What::Raised(alert) => (1, alert.0.to_bytes()),
        What::Event(alert) => (2, alert.0.to_bytes()),
        What::State(alert) => (3, alert.0.to_bytes()),
        What::Letter => (4, [0; 16]),
    };
    let message = encode_message(message)?;
    let mut value = Vec::with_capacity(HEAD_LEN + message.len());
    value.extend_from_slice(&[VERSION, what]);
    value.extend_from_slice(&head.void_at.unix_ms().to_be_bytes());
    value.extend_from_slice(&head.event.0.to_bytes());
    value.extend_from_slice(&alert);
    value.extend_from_slice(&message);
    Ok(Write::Put(key(to, place), value))
}

/// Reads an entry's head.
pub fn read_head(value: &[u8]) -> Result<Head, NotAnEntry> {
    let head = value.first_chunk::<HEAD_LEN>().ok_or(NotAnEntry::Head)?;
    let ulid = |at: usize| {
        let bytes: [u8; 16] = head[at..at + 16].try_into().expect("16 of 42");
        ulid::Ulid::from_bytes(bytes)
    };
    let alert = AlertId(ulid(26));
    let what = match (head[0], head[1]) {
        (VERSION, 1) => What::Raised(alert),
        (VERSION, 2) => What::Event(alert),
        (VERSION, 3) => What::State(alert),
        (VERSION, 4) => What::Letter,
        _ => return Err(NotAnEntry::Head),
    };
    let void_at = i64::from_be_bytes(head[2..10].try_into().expect("8 of 42"));
    Ok(Head { what, event: EventId(ulid(10)), void_at: Wall::from_unix_ms(void_at) })
}

/// Reads an entry's message.
pub fn read_message(value: &[u8]) -> Result<Message, NotAnEntry> {
    Ok(decode_message(value.get(HEAD_LEN..).ok_or(NotAnEntry::Head)?)?)
}

/// The key of an entry.
pub fn key(to: &StationId, place: Place) -> Vec<u8> {
    let mut key = lane_key(to, place.lane);
    key.extend_from_slice(&place.number.to_be_bytes());
    key
}

/// Where the entries of a lane behind a number lie, as `from..to`.
pub fn behind(to: &StationId, lane: Lane, number: u64) -> (Vec<u8>, Vec<u8>) {
    let from = key(to, Place { lane, number: number.saturating_add(1) });
    let mut end = lane_key(to, lane);
    *end.last_mut().expect("it ends with a slash") += 1;
    (from, end)
}

/// The number of an entry's key.
pub fn number_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.last_chunk::<8>()?))
}

/// Sets what is on record of an alert that a neighbour was sent.
pub fn put_shared(to: &StationId, alert: AlertId, shared: Shared) -> Write {
    let value = match shared {
        Shared::Promised => 1,
        Shared::Kept => 2,
    };
    Write::Put(shared_key(to, alert), vec![value])
}

/// Forgets that a neighbour was sent an alert.
pub fn forget_shared(to: &StationId, alert: AlertId) -> Write {
    Write::Delete(shared_key(to, alert))
}

/// What is on record, from its value.
pub fn read_shared(value: &[u8]) -> Option<Shared> {
    match value {
        [1] => Some(Shared::Promised),
        [2] => Some(Shared::Kept),
        _ => None,
    }
}

/// The key of what is on record of an alert.
pub fn shared_key(to: &StationId, alert: AlertId) -> Vec<u8> {
    let mut key = of(to, b"/a/");
    key.extend_from_slice(&alert.0.to_bytes());
    key
}

/// Where the records of a neighbour's alerts lie, as `from..to`.
pub fn all_shared(to: &StationId) -> (Vec<u8>, Vec<u8>) {
    (of(to, b"/a/"), of(to, b"/a0"))
}

/// The alert of a record's key.
pub fn alert_of(key: &[u8]) -> Option<AlertId> {
    Some(AlertId(ulid::Ulid::from_bytes(*key.last_chunk::<16>()?)))
}

/// The neighbour that any key of the space belongs to.
pub fn neighbour_of(key: &[u8]) -> Option<StationId> {
    let rest = key.get(1..)?;
    let end = rest.iter().position(|&byte| byte == b'/')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

fn lane_key(to: &StationId, lane: Lane) -> Vec<u8> {
    of(to, if lane == Lane::Events { b"/e/" } else { b"/p/" })
}

fn of(to: &StationId, rest: &[u8; 3]) -> Vec<u8> {
    Space::PeerOut.key(&[to.as_str().as_bytes(), rest].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(lane: Lane, number: u64) -> Place {
        Place { lane, number }
    }

    #[test]
    fn keys_of_one_neighbour_are_not_anothers() {
        let (a, b): (StationId, StationId) = ("a".parse().expect("an id"), "a-b".parse().expect("an id"));
        for lane in [Lane::Events, Lane::Post] {
            let (from, to) = behind(&a, lane, 4);
            let inside = |key: Vec<u8>| from <= key && key < to;
            assert!(inside(key(&a, place(lane, 5))) && inside(key(&a, place(lane, u64::MAX))));
            assert!(!inside(key(&a, place(lane, 4))));
            assert!(!inside(key(&b, place(lane, 5))));
            let other = if lane == Lane::Events { Lane::Post } else { Lane::Events };
            assert!(!inside(key(&a, place(other, 5))));
            assert!(!inside(shared_key(&a, AlertId(ulid::Ulid::from_parts(5, 5)))));
        }
        assert_eq!(neighbour_of(&key(&b, place(Lane::Post, 1))), Some(b));
        assert_eq!(number_of(&key(&a, place(Lane::Post, 77))), Some(77));
        let alert = AlertId(ulid::Ulid::from_parts(5, 9));
        assert_eq!(alert_of(&shared_key(&a, alert)), Some(alert));
        let (from, to) = all_shared(&a);
        assert!(from <= shared_key(&a, alert) && shared_key(&a, alert) < to);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(n in any::<(u64, u64, i32)>(), what in 0..4, topic in ".{0,30}", cut in any::<prop::sample::Index>()) {
            let alert = AlertId(ulid::Ulid::from_parts(n.0 >> 16, n.1.into()));
            let what = [What::Raised(alert), What::Event(alert), What::State(alert), What::Letter][what as usize];
            let event = EventId(ulid::Ulid::from_parts(n.1 >> 16, n.0.into()));
            let head = Head { what, event, void_at: Wall::from_unix_ms(n.2.into()) };
            let message = Message {
                topic,
                payload: n.0.to_be_bytes().to_vec().into(),
                content_type: "t".into(),
                retain: false,
                expiry: None,
            };
            let station: StationId = "riverside".parse().expect("an id");
            let Write::Put(_, value) = put(&station, place(Lane::Events, 1), &head, &message).expect("short") else {
                panic!("an entry is put");
            };
            prop_assert_eq!(read_head(&value), Ok(head));
            prop_assert_eq!(read_message(&value), Ok(message));
            let cut = &value[..cut.index(value.len())];
            prop_assert!(read_head(cut).is_err() || cut.len() >= HEAD_LEN);
            let _ = read_message(cut);
        }

        #[test]
        fn any_bytes_are_an_entry_or_none(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = (read_head(&bytes), read_message(&bytes), read_shared(&bytes));
            let _ = (neighbour_of(&bytes), number_of(&bytes), alert_of(&bytes));
        }
    }
}
