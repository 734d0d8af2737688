//! What neighbours tell of their alerts: whether it is kept, and what they are answered.
//!
//! Owns the reading of `in/{neighbour}/alert/…` and `in/{neighbour}/alert-state/…`, the judgement over it, and the bounds of what is kept. Pure: it says what
//! is to be written in one batch together with the receipt; the daemon writes it. What came from a neighbour is handed on to nobody.
//!
//! Decisions, each of which somebody will ask about:
//! - **The highest revision of an alert is its state.** Its home station alone counts. So what is repeated, comes late or in another order leads to the same.
//! - **What happens late is not news.** An event that comes when the alert is no longer worth telling is refused where nothing is known of that alert, and kept as its state
//!   where something is. A state is always kept, and never shown as new.
//! - **Clocks differ.** The sender goes by its own, and so is given [`SLACK`]: an alert that is a little late is better than none.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use super::{
    agreement,
    foreign::{self, Foreign},
    receipt,
};
use crate::{
    alert::life::expiry,
    config::{Agreement, Config},
    id::{AlertId, EventId, StationId},
    mqtt::payload::{AlertData, Envelope, ReceiptData, ReceiptResult},
    store::{Ledger, LedgerError, Pair, Space, Write},
    time::Wall,
};

/// Stations that an event may have passed through.
const HOPS_MAX: u32 = 4;
/// By so much two stations' clocks may differ before alerts are refused for it.
const SLACK: Duration = Duration::from_secs(300);
/// An alert's id may be so far ahead of our clock: ids order what is shown.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 3600);
/// Alerts of one neighbour that are open, at most; then new ones are refused.
const OPEN_MAX: usize = 5_000;
/// Bytes of one neighbour's records, at most; then the oldest closed ones go.
const LEN_MAX: usize = 64 << 20;
/// Longest record that is kept, bytes: what comes has 64 KiB at most.
const RECORD_LEN_MAX: usize = 160 << 10;
/// An event is remembered for so long: a state can be repeated for a day, and lie at a broker as long.
const EVENT_KEPT: Duration = Duration::from_secs(48 * 3600);
/// Events of one neighbour that are remembered, at most. Of further ones the revision alone says that they are repeated.
const EVENTS_MAX: usize = 200_000;
/// Longest `source`, bytes.
const SOURCE_LEN_MAX: usize = 200;
/// Removals of one sweep.
const SWEEP_MAX: usize = 256;
/// Keys that are read at once at start.
const READ_MAX: usize = 500;
/// Longest complaint, characters.
const WHY_MAX: usize = 200;

/// What came, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// The event's id, which the receipt names.
    pub event: EventId,
    /// With it the key under which a repeat is known.
    pub source: String,
    what: What,
    rev: u64,
    hops: u32,
    occurred_at: Wall,
    data: AlertData,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Event,
    State,
}

impl Arrived {
    /// About which alert.
    pub fn alert(&self) -> AlertId {
        self.data.alert_id
    }
}

/// Why what came cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unread {
    /// The event, where it says so much and who it is from: its sender is told.
    pub event: Option<EventId>,
    /// In one line.
    pub why: String,
}

/// What is on record of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRecord {
    /// Nothing.
    Nothing,
    /// This very event.
    Event,
    /// An alert of this station with the same id.
    OwnAlert,
}

/// What follows from something that came. All of it, or nothing, is to become durable, with the receipt.
#[derive(Debug, PartialEq)]
pub struct Taken {
    /// What is to be written.
    pub writes: Vec<Write>,
    /// What the sender is answered.
    pub receipt: ReceiptData,
    /// What is then to be shown.
    pub shown: Option<Shown>,
}

/// A neighbour's alert, to be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Whether it is news.
    pub news: News,
    /// Its revision.
    pub rev: u64,
    /// As it is now.
    pub data: AlertData,
}

/// Whether an alert is shown as a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It was not known.
    New,
    /// It was, or is too old.
    Change,
}

/// What is kept of all neighbours, in outline. One owner.
#[derive(Debug)]
pub struct Inbox {
    peers: BTreeMap<StationId, Peer>,
    kept: Duration,
}

#[derive(Debug)]
struct Peer {
    agreement: Agreement,
    known: BTreeMap<AlertId, Known>,
    open: usize,
    len: usize,
    events: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    rev: u64,
    heard_at: Wall,
    len: usize,
    is_closed: bool,
}

#[derive(Deserialize)]
struct Origin {
    id: EventId,
    source: String,
}

/// Reads what came on `in/{from}/{rest}`; `None` where that is no topic of alerts.
pub fn read(from: &StationId, rest: &str, payload: &[u8]) -> Option<Result<Arrived, Unread>> {
    let what = match rest.split_once('/')?.0 {
        "alert" => What::Event,
        "alert-state" => What::State,
        _ => return None,
    };
    Some(read_of(from, what, rest, payload))
}

fn read_of(from: &StationId, what: What, rest: &str, payload: &[u8]) -> Result<Arrived, Unread> {
    let nameless = |why: String| Unread { event: None, why: shown(&why) };
    let origin: Origin = serde_json::from_slice(payload).map_err(|error| nameless(error.to_string()))?;
    if !receipt::is_from(from, &origin.source) || origin.source.len() > SOURCE_LEN_MAX {
        return Err(nameless(format!("it comes from {from}, and says that it is from {}", origin.source)));
    }
    let unread = |why: String| Unread { event: Some(origin.id), why: shown(&why) };
    let envelope: Envelope<AlertData> =
        serde_json::from_slice(payload).map_err(|error| unread(error.to_string()))?;
    let Envelope { id, source, kind, subject, rev, hops, mut data, .. } = envelope;
    let topic = match what {
        What::Event => {
            format!("alert/{}/{}/{}", data.severity.as_str(), data.kind.as_str(), data.camera.id)
        }
        What::State => format!("alert-state/{}", data.alert_id),
    };
    let is_kind = match what {
        What::Event => {
            ["raised", "updated", "ended"].iter().any(|it| kind == format!("cunkou.alert.{it}.v1"))
        }
        What::State => kind == "cunkou.alert.state.v1",
    };
    if topic != rest || !is_kind || subject != data.alert_id.to_string() {
        return Err(unread("its topic, type, subject and data are not about the same".to_owned()));
    }
    let Some(rev) = rev else { return Err(unread("cunkourev is missing".to_owned())) };
    let Some((occurred_at, _)) = data.span() else {
        return Err(unread("occurred_at is no time".to_owned()));
    };
    data.home = Some(from.clone());
    // A picture is fetched from its own station or not at all; any other address is none.
    let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    data.snapshot = data.snapshot.filter(|it| is_web(&it.url) && is_web(&it.boxed_url));
    if let Some(clip) = &mut data.clip {
        clip.url = None;
    }
    Ok(Arrived { event: id, source, what, rev, hops, occurred_at, data })
}

fn shown(why: &str) -> String {
    why.chars().take(WHY_MAX).flat_map(char::escape_debug).collect()
}

impl Inbox {
    /// Finds again what was kept, for so long as `kept` says. What is returned beside it is to be deleted: it came from stations that are no neighbours any more.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn open(
        config: &Config,
        ledger: &dyn Ledger,
        kept: Duration,
    ) -> Result<(Self, Vec<Write>), LedgerError> {
        let agreements = config.neighbours.iter().map(|it| (it.id.clone(), it.agreement.clone()));
        let mut inbox = Self::new(agreements, kept);
        let mut stale = Vec::new();
        let (mut from, to) = (Space::Foreign.from(), Space::Foreign.to());
        loop {
            let pairs = ledger.range(&from, &to, READ_MAX)?;
            let Some((last, _)) = pairs.last() else { break };
            from = last.iter().copied().chain([0]).collect();
            for (key, value) in pairs {
                if !inbox.recall(&key, &value) {
                    stale.push(Write::Delete(key));
                }
            }
        }
        Ok((inbox, stale))
    }

    fn new(agreements: impl IntoIterator<Item = (StationId, Agreement)>, kept: Duration) -> Self {
        let peer = |agreement| Peer { agreement, known: BTreeMap::new(), open: 0, len: 0, events: 0 };
        let peers = agreements.into_iter().map(|(id, agreement)| (id, peer(agreement))).collect();
        Self { peers, kept }
    }

    /// Whether an entry is one of a neighbour.
    fn recall(&mut self, key: &[u8], value: &[u8]) -> bool {
        let Some(id) = super::entry::neighbour_of(key) else { return false };
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        match foreign::read(value) {
            Some(Foreign { rev, heard_at, data }) => {
                let is_closed = data.state.is_closed();
                peer.set(data.alert_id, Known { rev, heard_at, len: value.len(), is_closed });
                true
            }
            None if foreign::read_event(value).is_some() => {
                peer.events += 1;
                true
            }
            None => false,
        }
    }

    /// Whether somebody is a neighbour with whom an agreement holds.
    pub fn hears(&self, now: Wall, from: &StationId) -> bool {
        self.peers.get(from).is_some_and(|peer| agreement::holds(&peer.agreement, now))
    }

    /// The neighbour at which an alert is at home.
    pub fn home_of(&self, alert: AlertId) -> Option<&StationId> {
        self.peers.iter().find(|(_, peer)| peer.known.contains_key(&alert)).map(|(id, _)| id)
    }

    /// Judges what came. `None`: it came from nobody that is known.
    pub fn take(&mut self, now: Wall, from: &StationId, arrived: Arrived, record: OnRecord) -> Option<Taken> {
        let (event, alert) = (arrived.event, arrived.alert());
        let receipt = |result, why: Option<&str>| Taken {
            writes: Vec::new(),
            receipt: ReceiptData { event_id: event, result, why: why.map(str::to_owned) },
            shown: None,
        };
        let refused = |why| Some(receipt(ReceiptResult::Refused, Some(why)));
        let is_anothers = self.peers.iter().any(|(id, peer)| id != from && peer.known.contains_key(&alert));
        let kept = self.kept;
        let peer = self.peers.get_mut(from)?;
        if !agreement::holds(&peer.agreement, now) {
            return refused("the agreement is over");
        }
        match record {
            OnRecord::Event => return Some(receipt(ReceiptResult::Repeat, None)),
            OnRecord::OwnAlert => return refused("it is about an alert of this station"),
            OnRecord::Nothing if is_anothers => return refused("it is about an alert of another station"),
            OnRecord::Nothing => {}
        }
        if arrived.hops > HOPS_MAX {
            return refused("it has passed through too many stations");
        }
        let known = peer.known.get(&alert).copied();
        if known.is_some_and(|known| known.rev >= arrived.rev) {
            // Something newer is kept already.
            return Some(receipt(ReceiptResult::Kept, None));
        }
        let raised_at = alert.raised_at();
        if raised_at > now.after(AHEAD_MAX) || raised_at.after(kept) <= now {
            return refused("its id is not of this time");
        }
        let is_late = arrived.occurred_at.after(expiry(arrived.data.severity) + SLACK) <= now;
        if known.is_none() && is_late && arrived.what == What::Event {
            return refused("it came too late to be worth telling");
        }
        let news = if known.is_none() && arrived.what == What::Event { News::New } else { News::Change };
        let Arrived { source, rev, data, .. } = arrived;
        let is_closed = data.state.is_closed();
        if known.is_none() && !is_closed && peer.open >= OPEN_MAX {
            return refused("too many of your alerts are open");
        }
        let heard_at = known.map_or(now, |known| known.heard_at);
        let record = Foreign { rev, heard_at, data };
        let (write, len) = foreign::put(from, &record);
        if len > RECORD_LEN_MAX {
            return refused("it is too long");
        }
        let Some(mut writes) = peer.make_room(from, alert, len) else {
            return refused("too much of you is kept");
        };
        writes.push(write);
        if peer.events < EVENTS_MAX {
            peer.events += 1;
            writes.push(foreign::put_event(from, &source, event, now));
        }
        peer.set(alert, Known { rev, heard_at, len, is_closed });
        let shown = Some(Shown { news, rev, data: record.data });
        Some(Taken { writes, shown, ..receipt(ReceiptResult::Kept, None) })
    }

    /// What was kept for long enough: removals, some hundreds at most. `events` are the first of each neighbour's remembered events
    /// ([`foreign::all_events`]).
    pub fn sweep(&mut self, now: Wall, events: Vec<(StationId, Vec<Pair>)>) -> Vec<Write> {
        let mut writes = Vec::new();
        for (id, pairs) in events {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            let is_over =
                |value: &[u8]| foreign::read_event(value).is_none_or(|at| at.after(EVENT_KEPT) <= now);
            for (key, _) in pairs.into_iter().filter(|(_, value)| is_over(value)) {
                peer.events = peer.events.saturating_sub(1);
                writes.push(Write::Delete(key));
            }
        }
        for (id, peer) in &mut self.peers {
            let is_over = |known: &Known| known.heard_at.after(self.kept) <= now;
            let over = peer.known.iter().filter(|(_, known)| is_over(known)).map(|(alert, _)| *alert);
            for alert in over.take(SWEEP_MAX).collect::<Vec<_>>() {
                peer.forget(alert);
                writes.push(Write::Delete(foreign::key(id, alert)));
            }
        }
        writes
    }
}

impl Peer {
    fn set(&mut self, alert: AlertId, known: Known) {
        self.forget(alert);
        self.open += usize::from(!known.is_closed);
        self.len += known.len;
        self.known.insert(alert, known);
    }

    fn forget(&mut self, alert: AlertId) {
        if let Some(known) = self.known.remove(&alert) {
            self.open -= usize::from(!known.is_closed);
            self.len -= known.len;
        }
    }

    /// Lets the oldest closed ones go until `len` bytes for `alert` fit in. `None`: they do not.
    fn make_room(&mut self, of: &StationId, alert: AlertId, len: usize) -> Option<Vec<Write>> {
        let before = self.known.get(&alert).map_or(0, |known| known.len);
        let mut too_much = (self.len - before + len).saturating_sub(LEN_MAX);
        let mut closed = self.known.iter().filter(|(id, known)| known.is_closed && **id != alert);
        let mut over = Vec::new();
        while too_much > 0 {
            let (oldest, known) = closed.next()?;
            over.push(*oldest);
            too_much = too_much.saturating_sub(known.len);
        }
        let mut writes = Vec::new();
        for oldest in over {
            self.forget(oldest);
            writes.push(Write::Delete(foreign::key(of, oldest)));
        }
        Some(writes)
    }
}

#[cfg(test)]
#[path = "inbox_tests.rs"]
mod tests;
