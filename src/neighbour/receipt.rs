//! Receipts: what a neighbour's daemon says of an event that it was sent.
//!
//! Owns their reading and writing; what follows from one is the link's.

use super::Letter;
use crate::{
    id::{EventId, StationId},
    mqtt::payload::{Envelope, Letterhead, ReceiptData},
    time::Wall,
};

/// Why something on `receipt/{event_id}` is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReceipt {
    /// The topic.
    #[error("\"{0}\" is no event id")]
    Topic(String),
    /// The payload.
    #[error("its payload cannot be read: {0}")]
    Payload(String),
    /// The sender.
    #[error("it comes from {from}, and says that it is from \"{source_says}\"")]
    Source {
        /// By the topic.
        from: StationId,
        /// By its envelope.
        source_says: String,
    },
    /// The event.
    #[error("its topic and its payload name different events")]
    Event,
}

/// Reads what came on `in/{from}/{rest}`; `None` where that is no receipt's topic.
pub fn read(from: &StationId, rest: &str, payload: &[u8]) -> Option<Result<ReceiptData, NotAReceipt>> {
    let event = rest.strip_prefix("receipt/")?;
    Some(read_of(from, event, payload))
}

fn read_of(from: &StationId, event: &str, payload: &[u8]) -> Result<ReceiptData, NotAReceipt> {
    let event: EventId = event.parse().map_err(|_| NotAReceipt::Topic(event.escape_default().to_string()))?;
    let envelope: Envelope<ReceiptData> =
        serde_json::from_slice(payload).map_err(|error| NotAReceipt::Payload(error.to_string()))?;
    if !is_from(from, &envelope.source) {
        let source_says = envelope.source.escape_default().to_string();
        return Err(NotAReceipt::Source { from: from.clone(), source_says });
    }
    if envelope.data.event_id != event {
        return Err(NotAReceipt::Event);
    }
    Ok(envelope.data)
}

/// Whether an envelope's `source` names this station.
pub fn is_from(station: &StationId, source: &str) -> bool {
    let rest = source.strip_prefix("/stations/").and_then(|rest| rest.strip_prefix(station.as_str()));
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Writes a receipt, void when a repeat would make another one anyway.
pub fn letter(letterhead: &Letterhead, id: EventId, now: Wall, data: ReceiptData) -> Letter {
    const VOID_AFTER: std::time::Duration = std::time::Duration::from_secs(3600);
    let event = data.event_id;
    let envelope = letterhead.envelope(id, now, "cunkou.receipt.v1", event, "receipt:1.0", data);
    Letter::new(format!("receipt/{event}"), &envelope, now.after(VOID_AFTER))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{id::Mint, mqtt::payload::ReceiptResult};

    fn station(id: &str) -> StationId {
        id.parse().expect("an id")
    }

    fn written(event: EventId) -> (String, Vec<u8>) {
        let letterhead = Letterhead::of(&station("riverside"), &"main".parse().expect("an id"));
        let data = ReceiptData { event_id: event, result: ReceiptResult::Kept, why: None };
        let now = Wall::from_unix_ms(1_773_000_000_000);
        letter(&letterhead, Mint::seeded(2).event(now), now, data).into_parts()
    }

    #[test]
    fn a_receipt_is_read_where_topic_sender_and_event_agree() {
        let event = Mint::seeded(1).event(Wall::from_unix_ms(1_773_000_000_000));
        let (topic, payload) = written(event);
        let read_as = |from: &str, topic: &str| read(&station(from), topic, &payload);
        let data = ReceiptData { event_id: event, result: ReceiptResult::Kept, why: None };
        assert_eq!(read_as("riverside", &topic), Some(Ok(data)));
        assert!(matches!(read_as("river", &topic), Some(Err(NotAReceipt::Source { .. }))));
        assert!(matches!(read_as("hill", &topic), Some(Err(NotAReceipt::Source { .. }))));
        let other = format!("receipt/{}", Mint::seeded(9).event(Wall::from_unix_ms(5)));
        assert_eq!(read_as("riverside", &other), Some(Err(NotAReceipt::Event)));
        assert!(matches!(read_as("riverside", "receipt/x/y"), Some(Err(NotAReceipt::Topic(_)))));
        assert_eq!(read_as("riverside", "answer/x"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_receipt_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), rest in "(receipt/)?.{0,30}") {
            let event = Mint::seeded(1).event(Wall::from_unix_ms(1_773_000_000_000));
            let (topic, mut payload) = written(event);
            let at = at.index(payload.len());
            if cut {
                payload.truncate(at);
            } else {
                payload[at] = byte;
            }
            let _ = read(&station("riverside"), &topic, &payload);
            let _ = read(&station("riverside"), &rest, &payload);
        }
    }
}
