//! What came from neighbours, as it lies in the ledger.
//!
//! Owns the keys and values of [`Space::Foreign`], and nothing else:
//!
//! | key | value |
//! |---|---|
//! | `{neighbour}/r/{alert id, 16 bytes}` | [`Foreign`], JSON |
//! | `{neighbour}/k/{event id, 16 bytes}{source}` | when it was kept: unix ms, i64, big-endian |
//!
//! Reading never panics, whatever the bytes.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AlertId, EventId, StationId},
    mqtt::payload::AlertData,
    store::{Ledger, LedgerError, Space, Write},
    time::Wall,
};

/// A neighbour's alert, as it is kept here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Foreign {
    /// Grows with each change; its home station counts.
    pub rev: u64,
    /// When it was first heard of.
    pub heard_at: Wall,
    /// As its home station told it last; `home` names that station.
    pub data: AlertData,
}

impl Foreign {
    /// As it is shown over HTTP.
    pub fn shown(self) -> AlertData {
        AlertData { rev: Some(self.rev), ..self.data }
    }
}

/// Keeps an alert. Its length in bytes is that of the value.
pub(super) fn put(of: &StationId, foreign: &Foreign) -> (Write, usize) {
    let value = serde_json::to_vec(foreign).expect("a record is a plain struct of texts, numbers and lists");
    let len = value.len();
    (Write::Put(key(of, foreign.data.alert_id), value), len)
}

/// The key of a neighbour's alert.
pub fn key(of: &StationId, alert: AlertId) -> Vec<u8> {
    let mut key = below(of, b"/r/");
    key.extend_from_slice(&alert.0.to_bytes());
    key
}

/// Where one alert lies, as `from..to`.
pub fn range_of(of: &StationId, alert: AlertId) -> (Vec<u8>, Vec<u8>) {
    let from = key(of, alert);
    let to = from.iter().copied().chain([0]).collect();
    (from, to)
}

/// Where the alerts of a neighbour lie, as `from..to`.
pub fn all(of: &StationId) -> (Vec<u8>, Vec<u8>) {
    (below(of, b"/r/"), below(of, b"/r0"))
}

/// Where the alerts of a neighbour begin that were raised at `at` or later.
pub fn key_at(of: &StationId, at: Wall) -> Vec<u8> {
    key(of, AlertId(ulid::Ulid::from_parts(u64::try_from(at.unix_ms()).unwrap_or(0), 0)))
}

/// Reads a record; `None` where it was not written by this program.
pub fn read(value: &[u8]) -> Option<Foreign> {
    serde_json::from_slice(value).ok()
}

/// The key under which an event is remembered.
pub fn event_key(of: &StationId, source: &str, event: EventId) -> Vec<u8> {
    let mut key = below(of, b"/k/");
    key.extend_from_slice(&event.0.to_bytes());
    key.extend_from_slice(source.as_bytes());
    key
}

/// Where the events of a neighbour are remembered, as `from..to`.
pub fn all_events(of: &StationId) -> (Vec<u8>, Vec<u8>) {
    (below(of, b"/k/"), below(of, b"/k0"))
}

/// When an event was kept.
pub(super) fn read_event(value: &[u8]) -> Option<Wall> {
    Some(Wall::from_unix_ms(i64::from_be_bytes(value.try_into().ok()?)))
}

/// Remembers an event.
pub(super) fn put_event(of: &StationId, source: &str, event: EventId, now: Wall) -> Write {
    Write::Put(event_key(of, source, event), now.unix_ms().to_be_bytes().to_vec())
}

/// The newest alerts of a neighbour, newest first, for the page.
///
/// # Errors
/// The ledger cannot be read.
pub fn newest(ledger: &dyn Ledger, of: &StationId, limit: usize) -> Result<Vec<AlertData>, LedgerError> {
    let mut alerts = Vec::new();
    let (from, mut to) = all(of);
    while alerts.len() < limit {
        let Some((key, value)) = ledger.last(&from, &to)? else { break };
        alerts.extend(read(&value).map(Foreign::shown));
        to = key;
    }
    Ok(alerts)
}

fn below(of: &StationId, rest: &[u8; 3]) -> Vec<u8> {
    Space::Foreign.key(&[of.as_str().as_bytes(), rest].concat())
}
