//! From a change of an alert to what is promised to neighbours.
//!
//! Owns which neighbour has which alert, and the messages for them. Pure: [`Sharing::share`] says what is to be written in the batch that promises the
//! change at home. A change is one message: what happens goes as an event as long as it is worth telling as one, all else as the alert's state.
//!
//! The same event has the same bytes for every neighbour, but for the topic. The first word about an alert bears the alert's id, so that a receipt says which
//! alert is kept however late it comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use super::{
    agreement::{self, Count, Places, Withheld},
    entry::{self, Head, Lane, Place, Shared, What},
};
use crate::{
    alert::{Change, Severity},
    config::{Config, Neighbour},
    id::{AlertId, EventId, Mint, StationId},
    metrics::Metrics,
    mqtt::{
        payload::{AlertData, CONTENT_TYPE, Letterhead},
        topic::Topics,
    },
    store::{Ledger, LedgerError, Message, Space, Write},
    time::Wall,
};

/// A state is void so long after it was written: about as long as a broker keeps it at home.
const STATE_VOID_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Keys that are read at once at start.
const READ_MAX: usize = 500;

/// What is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tidings {
    /// Something happened.
    Event(Change),
    /// It stands otherwise.
    State,
}

/// Decides what neighbours are told. One owner: the clerk.
#[derive(Debug)]
pub struct Sharing {
    peers: Vec<Peer>,
    places: Places,
    letterhead: Letterhead,
    /// Where neighbours reach the page, without the last slash.
    address: Option<String>,
    mint: Mint,
    metrics: Metrics,
    /// Who was sent which alert.
    shared: BTreeMap<AlertId, BTreeSet<StationId>>,
}

#[derive(Debug)]
struct Peer {
    neighbour: Arc<Neighbour>,
    topics: Topics,
    count: Count,
    /// The number of the last entry.
    last: u64,
}

impl Sharing {
    /// Finds again what was shared, and says what is to be deleted: what waited for stations that are no neighbours any more. Says in the log which
    /// agreements are over.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn open(
        config: &Config,
        ledger: &dyn Ledger,
        now: Wall,
        mint: Mint,
        metrics: Metrics,
    ) -> Result<(Self, Vec<Write>), LedgerError> {
        let ours = &config.station.id;
        let mut shared: BTreeMap<AlertId, BTreeSet<StationId>> = BTreeMap::new();
        let mut peers = Vec::with_capacity(config.neighbours.len());
        for neighbour in &config.neighbours {
            let (from, to) = entry::all_shared(&neighbour.id);
            let records = keys(ledger, from, &to)?;
            let alerts: Vec<AlertId> = records.iter().filter_map(|key| entry::alert_of(key)).collect();
            for alert in &alerts {
                shared.entry(*alert).or_default().insert(neighbour.id.clone());
            }
            // Critical ones of before the start are counted as well: which they were is not on record.
            let count = Count::recalled(alerts.iter().map(|alert| alert.raised_at()));
            let (from, to) = entry::behind(&neighbour.id, Lane::Events, 0);
            let last = ledger.last(&from, &to)?.and_then(|(key, _)| entry::number_of(&key)).unwrap_or(0);
            if !agreement::holds(&neighbour.agreement, now) {
                let until = neighbour.agreement.until;
                tracing::warn!(neighbour = %neighbour.id, %until, "the agreement with a neighbour is over: nothing is shared with it");
            }
            let topics = Topics::at_neighbour(&neighbour.id, ours);
            peers.push(Peer { neighbour: Arc::clone(neighbour), topics, count, last });
        }
        let of_strangers = |key: &[u8]| {
            entry::neighbour_of(key).is_none_or(|id| config.neighbours.iter().all(|known| known.id != id))
        };
        let all = keys(ledger, Space::PeerOut.from(), &Space::PeerOut.to())?;
        let stale = all.into_iter().filter(|key| of_strangers(key)).map(Write::Delete).collect();
        let letterhead = Letterhead::of(ours, &config.station.node);
        let address =
            config.console.address.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned());
        let places = Places::of(config);
        Ok((Self { peers, places, letterhead, address, mint, metrics, shared }, stale))
    }

    /// What is to be written with a change of an alert. `data` is the alert as it will be by it, in revision `rev`.
    pub fn share(&mut self, now: Wall, told: Tidings, rev: u64, data: &AlertData) -> Vec<Write> {
        let alert = data.alert_id;
        let mut writes = Vec::new();
        let mut to: Vec<usize> = Vec::new();
        let event_void_at = data.span().map_or(now, |(from, _)| from).after(void_after(data.severity));
        let is_first = told == Tidings::Event(Change::Raised);
        for (nth, peer) in self.peers.iter_mut().enumerate() {
            let id = &peer.neighbour.id;
            let has_it = self.shared.get(&alert).is_some_and(|stations| stations.contains(id));
            let goes = match (is_first, has_it) {
                (true, false) => event_void_at > now && peer.takes(&self.places, now, data, &self.metrics),
                (false, true) => agreement::holds(&peer.neighbour.agreement, now),
                (true, true) | (false, false) => false,
            };
            if goes {
                to.push(nth);
            }
        }
        if to.is_empty() {
            return writes;
        }
        let (what, kind, void_at) = match told {
            Tidings::Event(Change::Raised) => (What::Raised(alert), "cunkou.alert.raised.v1", event_void_at),
            Tidings::Event(Change::Updated) if event_void_at > now => {
                (What::Event(alert), "cunkou.alert.updated.v1", event_void_at)
            }
            Tidings::Event(Change::Ended) if event_void_at > now => {
                (What::Event(alert), "cunkou.alert.ended.v1", event_void_at)
            }
            Tidings::Event(_) | Tidings::State => {
                (What::State(alert), "cunkou.alert.state.v1", now.after(STATE_VOID_AFTER))
            }
        };
        let event = if is_first { EventId(alert.0) } else { self.mint.event(now) };
        let head = Head { what, event, void_at };
        let payload = self.payload(now, kind, event, rev, data);
        for nth in to {
            let peer = &mut self.peers[nth];
            let id = &peer.neighbour.id;
            let topic = match what {
                What::State(_) => peer.topics.alert_state(alert),
                _ => peer.topics.alert(data.severity, data.kind, &data.camera.id),
            };
            let message = Message {
                topic,
                payload: payload.clone(),
                content_type: CONTENT_TYPE.to_owned(),
                retain: false,
                expiry: None,
            };
            let place = Place { lane: Lane::Events, number: peer.last + 1 };
            match entry::put(id, place, &head, &message) {
                Ok(write) => writes.push(write),
                Err(error) => {
                    tracing::error!(%alert, neighbour = %id, %error, "a change of an alert cannot be shared");
                    continue;
                }
            }
            peer.last += 1;
            if is_first {
                writes.push(entry::put_shared(id, alert, Shared::Promised));
                self.shared.entry(alert).or_default().insert(id.clone());
            }
        }
        writes
    }

    /// An alert is history: nothing more is told of it. What is to be deleted.
    pub fn over(&mut self, alert: AlertId) -> Vec<Write> {
        let stations = self.shared.remove(&alert).unwrap_or_default();
        stations.iter().map(|station| entry::forget_shared(station, alert)).collect()
    }

    /// Who was sent an alert.
    pub fn stations(&self, alert: AlertId) -> impl Iterator<Item = &StationId> {
        self.shared.get(&alert).into_iter().flatten()
    }

    /// Whether a neighbour was sent an alert: then it may have a say in it.
    pub fn shared_with(&self, alert: AlertId, neighbour: &StationId) -> bool {
        self.shared.get(&alert).is_some_and(|stations| stations.contains(neighbour))
    }

    /// The event as every neighbour gets it.
    fn payload(&self, now: Wall, kind: &str, event: EventId, rev: u64, data: &AlertData) -> Bytes {
        let mut data = data.clone();
        if let (Some(address), Some(snapshot)) = (&self.address, &mut data.snapshot) {
            for path in [&mut snapshot.url, &mut snapshot.boxed_url] {
                *path = format!("{address}{path}");
            }
        }
        if let Some(clip) = &mut data.clip {
            // No neighbour reads a recording by right: it asks for a clip.
            clip.url = None;
        }
        let incident = data.incident.as_ref().map(|incident| incident.id.to_string());
        let mut envelope = self.letterhead.envelope(event, now, kind, data.alert_id, "alert:1.0", data);
        envelope.rev = Some(rev);
        envelope.incident = incident;
        envelope.hops = 1;
        envelope.to_bytes().into()
    }
}

impl Peer {
    /// Whether a new alert goes to this neighbour.
    fn takes(&mut self, places: &Places, now: Wall, data: &AlertData, metrics: &Metrics) -> bool {
        let agreement = &self.neighbour.agreement;
        let judged = agreement::judge(agreement, places, now, data)
            .and_then(|()| self.count.one_more(now, agreement.per_hour, data.severity));
        if judged == Err(Withheld::TooMany) {
            let id = &self.neighbour.id;
            metrics.neighbour_withheld.get_or_create(&id.into()).inc();
            if let Some(count) = self.count.to_tell(now) {
                let per_hour = agreement.per_hour;
                tracing::warn!(neighbour = %id, count, per_hour, "more alerts than a neighbour gets in an hour: these were not shared");
            }
        }
        judged.is_ok()
    }
}

/// All keys in `from..to`.
fn keys(ledger: &dyn Ledger, mut from: Vec<u8>, to: &[u8]) -> Result<Vec<Vec<u8>>, LedgerError> {
    let mut keys = Vec::new();
    loop {
        let read = ledger.range(&from, to, READ_MAX)?;
        let Some((last, _)) = read.last() else { return Ok(keys) };
        from = last.iter().copied().chain([0]).collect();
        keys.extend(read.into_iter().map(|(key, _)| key));
    }
}

/// So long after it occurred an event is void.
fn void_after(severity: Severity) -> Duration {
    match severity {
        Severity::Info | Severity::Warning | Severity::Major => Duration::from_secs(600),
        Severity::Critical => Duration::from_secs(3600),
    }
}

#[cfg(test)]
#[path = "sharing_tests.rs"]
mod tests;
