//! The link into one neighbour's broker: its queue, kept by one task, and the connection that empties it.
//!
//! Owns the reading of what is new, the writing of what is over, and the timers. What goes when is the [`Queue`]'s decision, how it is sent the
//! courier's. Everything it knows lies in the ledger: after a kill it begins with what has no receipt.

mod stock;

use std::{collections::BTreeMap, time::Duration};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::stock::{Ask, LinkStock};
use super::{
    entry::{self, Lane, Place, Shared},
    queue::{Outcome, Queue, Said},
    receipt,
};
use crate::{
    config::Config,
    id::{AlertId, EventId, StationId},
    metrics::{Metrics, OfNeighbour},
    mqtt::{
        ConnectionSettings, News, deliver_from,
        payload::{ReceiptData, ReceiptResult},
    },
    store::{Desk, Message, Refused, Seq, Write},
    time::{Clock, Mono},
};

/// Receipts of one neighbour that wait for its link, at most; then whoever hears them waits.
const RECEIPTS_MAX: usize = 256;
/// What the connection asks that waits, at most: it asks one thing at a time.
const ASKS_MAX: usize = 4;
/// Entries read at once.
const READ_MAX: usize = 64;
/// How long a read that failed waits for the next.
const REREAD_AFTER: Duration = Duration::from_secs(1);
/// How long the last writes may take at a stop; what is not struck by then is sent once more.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// The links to all neighbours, for whoever hears their receipts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Links(BTreeMap<StationId, mpsc::Sender<ReceiptData>>);

/// The links at work: ends some 3 s after the grace of a stop at most. Not cancel safe: dropping it is a kill.
pub type Running = BoxFuture<'static, ()>;

impl Links {
    /// One link a neighbour. Nothing happens before the second part is polled.
    pub fn start(
        config: &Config,
        desk: &Desk,
        metrics: &Metrics,
        clock: Clock,
        stop: &CancellationToken,
    ) -> (Self, Running) {
        let (mut links, mut running) = (BTreeMap::new(), Vec::new());
        for neighbour in &config.neighbours {
            let id = neighbour.id.clone();
            let (receipts, receipts_rx) = mpsc::channel(RECEIPTS_MAX);
            let (stock, asks, news) = LinkStock::new(ASKS_MAX);
            let of = OfNeighbour::from(&id);
            let work = Work {
                queue: Queue::new(id.clone()),
                next: desk.next(),
                desk: desk.clone(),
                metrics: metrics.clone(),
                of: of.clone(),
                clock,
                asks,
                receipts: Some(receipts_rx),
                news,
                writes: Vec::new(),
                writing: None,
                reread_at: None,
                to: id.clone(),
            };
            let counts = metrics.of_neighbour(&of);
            let settings = ConnectionSettings::at_neighbour(&config.station, neighbour.broker.clone());
            let delivery =
                deliver_from(settings, Box::new(stock), counts, metrics.clone(), clock, stop.clone());
            let span = tracing::info_span!("neighbour", %id);
            let link = async move {
                futures::join!(work.run(), delivery);
            };
            running.push(link.instrument(span));
            links.insert(id, receipts);
        }
        (Self(links), join_all(running).map(drop).boxed())
    }

    /// Something that was heard on `in/{from}/{rest}`: hands it to the link where it is a receipt. Whether it is one, good or bad; a bad one is told (WARN).
    pub async fn hear(&self, from: &StationId, rest: &str, payload: &[u8]) -> bool {
        match receipt::read(from, rest, payload) {
            None => return false,
            Some(Ok(receipt)) => self.receipt(from, receipt).await,
            Some(Err(error)) => tracing::warn!(neighbour = %from, %error, "a neighbour's receipt is void"),
        }
        true
    }

    /// A neighbour's receipt. Waits where many do; one of a station that is no neighbour, or that comes after the stop, means nothing: what it was for
    /// is sent again, and receipted again.
    pub async fn receipt(&self, from: &StationId, receipt: ReceiptData) {
        if let Some(link) = self.0.get(from) {
            // A link that has stopped needs no receipt.
            let _ = link.send(receipt).await;
        }
    }
}

/// What the task of one link has.
struct Work {
    to: StationId,
    queue: Queue,
    desk: Desk,
    metrics: Metrics,
    of: OfNeighbour,
    clock: Clock,
    asks: mpsc::Receiver<Ask>,
    /// `None` once nobody hears any more.
    receipts: Option<mpsc::Receiver<ReceiptData>>,
    /// Changes with each promise of anybody.
    next: watch::Receiver<Seq>,
    news: mpsc::UnboundedSender<News>,
    /// What is to be written next.
    writes: Vec<Write>,
    writing: Option<Writing>,
    reread_at: Option<Mono>,
}

/// A batch that is on its way to the disk.
struct Writing {
    writes: Vec<Write>,
    done: BoxFuture<'static, Result<(), Refused>>,
}

impl Work {
    /// Works until the connection is gone for good, then writes what is still to be written.
    async fn run(mut self) {
        self.take_in().await;
        loop {
            self.write_on();
            self.count();
            let now = self.clock.now();
            let wake_at = [self.queue.wake_at(now), self.reread_at].into_iter().flatten().min();
            let wake_at = wake_at.map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                written = written(&mut self.writing) => self.writing_ended(written),
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.answer(ask).await,
                    None => break,
                },
                receipt = received(&mut self.receipts) => match receipt {
                    Some(receipt) => self.receipt(receipt).await,
                    None => self.receipts = None,
                },
                Ok(()) = self.next.changed() => self.take_in().await,
                () = wait_until(wake_at) => self.wake().await,
            }
        }
        let last = timeout(LAST_WRITES, async {
            while self.writing.is_some() || !self.writes.is_empty() {
                self.write_on();
                let written = written(&mut self.writing).await;
                self.writing_ended(written);
            }
        });
        if last.await.is_err() {
            tracing::warn!(
                "the store did not take the last receipts in time; these alerts are sent once more after the start"
            );
        }
        self.count();
    }

    /// Takes in what is new in the ledger.
    async fn take_in(&mut self) {
        self.reread_at = None;
        for lane in [Lane::Post, Lane::Events] {
            loop {
                let (from, to) = entry::behind(&self.to, lane, self.queue.taken(lane));
                let read = match self.desk.range(from, to, READ_MAX).await {
                    Ok(read) => read,
                    Err(refused) => return self.read_later(&refused),
                };
                let is_all = read.len() < READ_MAX;
                for (key, value) in read {
                    let Some(number) = entry::number_of(&key) else { continue };
                    if let Err(refused) = self.take(Place { lane, number }, &value).await {
                        return self.read_later(&refused);
                    }
                }
                if is_all {
                    break;
                }
            }
        }
    }

    fn read_later(&mut self, refused: &Refused) {
        tracing::warn!(%refused, "what waits for a neighbour cannot be read; it is tried again");
        self.reread_at = Some(self.clock.now().mono + REREAD_AFTER);
    }

    async fn take(&mut self, place: Place, value: &[u8]) -> Result<(), Refused> {
        let outcome = match entry::read_head(value) {
            Ok(head) => {
                let shared = match self.queue.asks_for(&head) {
                    Some(alert) => self.shared(alert).await?,
                    None => None,
                };
                self.queue.take(self.clock.now(), place, head, shared)
            }
            Err(error) => self.unreadable(place, &error),
        };
        self.carry_out(outcome);
        Ok(())
    }

    fn unreadable(&mut self, place: Place, error: &entry::NotAnEntry) -> Outcome {
        tracing::error!(number = place.number, %error, "what waits for a neighbour cannot be read, and is passed over");
        self.queue.unreadable(place)
    }

    /// What is on record of an alert, by the writes that are not durable yet as well.
    async fn shared(&mut self, alert: AlertId) -> Result<Option<Shared>, Refused> {
        let key = entry::shared_key(&self.to, alert);
        let on_their_way = self.writing.iter().flat_map(|writing| &writing.writes).chain(&self.writes);
        let newest = on_their_way.rev().find_map(|write| match write {
            Write::Put(put, value) => (*put == key).then(|| entry::read_shared(value)),
            Write::Delete(deleted) => (*deleted == key).then_some(None),
        });
        if let Some(shared) = newest {
            return Ok(shared);
        }
        let value = self.get(key).await?;
        Ok(value.and_then(|value| entry::read_shared(&value)))
    }

    async fn get(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Refused> {
        let end = key.iter().copied().chain([0]).collect();
        Ok(self.desk.range(key, end, 1).await?.pop().map(|(_, value)| value))
    }

    async fn answer(&mut self, ask: Ask) {
        let now = self.clock.now();
        let outcome = match ask {
            Ask::Going { after, limit, answer } => {
                let going = self.messages(after, limit).await;
                // The connection may be gone meanwhile.
                let _ = answer.send(going.map_err(|refused| refused.to_string()));
                return;
            }
            Ask::Acked(seqs) => self.queue.acked(now, &seqs),
            Ask::Refused(seq) => self.queue.refused(seq),
        };
        self.carry_out(outcome);
    }

    /// The messages that go behind a place, to expire when they are void.
    async fn messages(&mut self, after: Seq, limit: usize) -> Result<Vec<(Seq, Message)>, Refused> {
        let mut messages = Vec::new();
        for (seq, place, void_at) in self.queue.going(after, limit) {
            let message = match self.get(entry::key(&self.to, place)).await? {
                Some(value) => entry::read_message(&value),
                None => Err(entry::NotAnEntry::Head),
            };
            match message {
                Ok(mut message) => {
                    let left = void_at.us_since(self.clock.now().wall);
                    message.expiry = Some(Duration::from_micros(u64::try_from(left).unwrap_or(0)));
                    messages.push((seq, message));
                }
                Err(error) => {
                    let outcome = self.unreadable(place, &error);
                    self.carry_out(outcome);
                }
            }
        }
        Ok(messages)
    }

    async fn receipt(&mut self, receipt: ReceiptData) {
        let ReceiptData { event_id, result, why } = receipt;
        let said = match result {
            ReceiptResult::Kept | ReceiptResult::Repeat => Said::Kept,
            ReceiptResult::Refused => Said::Refused,
        };
        let now = self.clock.now();
        self.metrics.neighbour_last_receipt.get_or_create(&self.of).set(now.wall.unix_ms() / 1000);
        let outcome = self.queue.receipt(now, event_id, said);
        if outcome.refused > 0 {
            let why = why.as_deref().unwrap_or("it does not say why");
            tracing::warn!(event = %event_id, why, "a neighbour refuses what it was sent: do both sides have the same agreement?");
        }
        let late = outcome.late;
        self.carry_out(outcome);
        if let Some(alert) = late {
            self.late(alert, event_id).await;
        }
    }

    /// A receipt for what waits no more: the neighbour may have an alert that it seemed not to have.
    async fn late(&mut self, alert: AlertId, event: EventId) {
        match self.shared(alert).await {
            Ok(Some(Shared::Promised)) => {
                let outcome = self.queue.kept_late(alert);
                self.carry_out(outcome);
            }
            Ok(Some(Shared::Kept) | None) => {}
            Err(refused) => {
                tracing::warn!(%event, %refused, "a late receipt could not be noted: what follows about this alert may not be sent");
            }
        }
    }

    async fn wake(&mut self) {
        let now = self.clock.now();
        if self.reread_at.is_some_and(|at| at <= now.mono) {
            self.take_in().await;
        }
        let outcome = self.queue.tick(now);
        self.carry_out(outcome);
    }

    fn carry_out(&mut self, outcome: Outcome) {
        self.writes.extend(outcome.writes);
        // Bounded by what waits; the connection takes news whenever it is not busy. It may be gone.
        if !outcome.withdrawn.is_empty() {
            let _ = self.news.send(News::Withdrawn(outcome.withdrawn));
        }
        if outcome.is_more {
            let _ = self.news.send(News::More);
        }
        let counted = [
            (&self.metrics.neighbour_delivered, outcome.delivered),
            (&self.metrics.neighbour_expired, outcome.expired),
            (&self.metrics.neighbour_refused, outcome.refused),
        ];
        for (counter, count) in counted {
            counter.get_or_create(&self.of).inc_by(count);
        }
    }

    fn count(&self) {
        let waiting = i64::try_from(self.queue.len()).unwrap_or(i64::MAX);
        self.metrics.neighbour_waiting.get_or_create(&self.of).set(waiting);
    }

    /// Begins to write what is to be written, unless something is on its way.
    fn write_on(&mut self) {
        if self.writing.is_some() || self.writes.is_empty() {
            return;
        }
        let (desk, writes) = (self.desk.clone(), std::mem::take(&mut self.writes));
        let batch = writes.clone();
        let done = async move { desk.promise(batch, Vec::new()).await.map(drop) };
        self.writing = Some(Writing { writes, done: done.boxed() });
    }

    fn writing_ended(&mut self, written: Result<(), Refused>) {
        self.writing = None;
        if let Err(refused) = written {
            tracing::warn!(%refused, "a receipt could not be noted; the alert is sent once more after the start");
        }
    }
}

// What is not there never comes.

async fn written(writing: &mut Option<Writing>) -> Result<(), Refused> {
    match writing {
        Some(writing) => (&mut writing.done).await,
        None => std::future::pending().await,
    }
}

async fn received<T>(from: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match from {
        Some(from) => from.recv().await,
        None => std::future::pending().await,
    }
}

async fn wait_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => sleep_until(Instant::from_std(at)).await,
        None => std::future::pending().await,
    }
}
