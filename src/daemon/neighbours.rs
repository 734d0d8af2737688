//! What neighbouring stations say: kept, done, answered.
//!
//! Owns the one task that hears it, and the order "kept and receipted in one batch, then acknowledged, then shown". A receipt goes to the link that waits for
//! it, an alert to the inbox, a command to the office, an answer to who waits for it; what nobody knows is told (WARN) and void. Whether a
//! message's sender is whom the topic names is looked at here and in the inbox; that nobody else can write there, is the broker's.

mod visitors;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};

use super::{
    abroad::Commands,
    clerk::{read_record, record_range},
    hearer::Void,
    orders::Orders,
};
use crate::{
    console::Board,
    evidence::{Actor, Purpose},
    id::{AlertId, Mint, StationId},
    mqtt::{
        ear::{Ack, Heard, Letter as Incoming, Matter},
        payload::{
            AnswerData, ClipAnswerData, ClipRequestData, Envelope, Letterhead, ReceiptData, ReceiptResult,
        },
    },
    neighbour::{
        Inbox, Letter, Links, Post, Unsent, foreign,
        inbox::{self, Arrived, News, OnRecord, Shown, Taken, Unread},
        receipt,
        requests::Requests,
    },
    store::{Desk, Refused, Write},
    time::{Clock, Trust},
};

/// Messages that are taken on at once, so that they share a sync; and their bytes.
const BATCH_MAX: usize = 32;
const BATCH_LEN_MAX: usize = 512 << 10;
/// Commands of neighbours that are with the office, at most; then what comes waits.
const GIVEN_MAX: usize = 32;
/// How often what was kept for long enough is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Remembered events of a neighbour that one sweep looks at.
const SWEPT_MAX: usize = 512;

/// Hears neighbours.
pub(super) struct Neighbours {
    /// Where receipts go.
    pub(super) links: Links,
    /// Where answers go.
    pub(super) post: Post,
    /// Where it is looked up what is on record.
    pub(super) desk: Desk,
    /// What is kept.
    pub(super) inbox: Arc<Mutex<Inbox>>,
    /// Who waits for answers.
    pub(super) commands: Commands,
    /// Where neighbours' commands go.
    pub(super) orders: Orders,
    /// What viewers see.
    pub(super) board: Arc<Board>,
    /// The machine's clock.
    pub(super) clock: Clock,
    /// How far its civil time is believed: nothing is deleted for its age where it is not.
    pub(super) trust: watch::Receiver<Trust>,
    /// In whose name answers are written.
    pub(super) letterhead: Letterhead,
    /// Ids of answers.
    pub(super) mint: Mint,
    /// Who they are.
    pub(super) neighbours: Vec<StationId>,
    /// Clips that are asked for.
    pub(super) requests: Arc<Requests>,
    /// For how long requests are kept.
    pub(super) kept: Duration,
    /// What is told of messages that are void.
    pub(super) void: Void,
}

/// What one neighbour is to be kept of and answered, in one batch.
#[derive(Default)]
struct Batch {
    letters: Vec<Letter>,
    writes: Vec<Write>,
    events: BTreeSet<Vec<u8>>,
    shown: Vec<Shown>,
    acks: Vec<Ack>,
    len: usize,
}

/// Something that is done beside, and acknowledged by itself.
type Errand = BoxFuture<'static, ()>;

impl Neighbours {
    /// Hears until the connection to the broker is over and all that was heard is done.
    pub(super) async fn run(mut self, mut heard: mpsc::Receiver<Heard>) {
        let mut given: FuturesUnordered<Errand> = FuturesUnordered::new();
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                Some(()) = given.next() => {}
                _ = sweep.tick() => self.sweep().await,
                taken = heard.recv_many(&mut next, BATCH_MAX), if given.len() < GIVEN_MAX => {
                    if taken == 0 {
                        break;
                    }
                    match self.hear(std::mem::take(&mut next)).await {
                        Ok(errands) => given.extend(errands),
                        // What is not acknowledged comes again after the next start.
                        Err(Unsent::Refused(Refused::Stopped)) => break,
                        Err(unsent) => tracing::error!(%unsent, "what neighbours said could not be kept"),
                    }
                }
            }
        }
        while given.next().await.is_some() {}
    }

    async fn hear(&mut self, heard: Vec<Heard>) -> Result<Vec<Errand>, Unsent> {
        let (mut batches, mut errands) = (BTreeMap::<StationId, Batch>::new(), Vec::new());
        for Heard { matter, letter, ack } in heard {
            let Matter::FromNeighbour { neighbour, rest } = matter else {
                ack.give();
                continue;
            };
            if self.links.hear(&neighbour, &rest, &letter.payload).await {
                ack.give();
                continue;
            }
            if !self.inbox().hears(self.clock.now().wall, &neighbour) {
                self.void.tell(&format!("{}: no agreement with it holds", letter.topic.escape_debug()));
                ack.give();
                continue;
            }
            match inbox::read(&neighbour, &rest, &letter.payload) {
                Some(read) => {
                    let batch = batches.entry(neighbour.clone()).or_default();
                    batch.len += letter.payload.len();
                    self.alert(&neighbour, read, &letter, batch).await?;
                    batch.acks.push(ack);
                    if batch.len > BATCH_LEN_MAX {
                        let batch = std::mem::take(batch);
                        self.keep(&neighbour, batch).await?;
                    }
                }
                None => errands.extend(self.other(&neighbour, &rest, letter, ack).await?),
            }
        }
        for (neighbour, batch) in batches {
            self.keep(&neighbour, batch).await?;
        }
        Ok(errands)
    }

    /// An alert, or its state.
    async fn alert(
        &mut self,
        from: &StationId,
        read: Result<Arrived, Unread>,
        letter: &Incoming,
        batch: &mut Batch,
    ) -> Result<(), Unsent> {
        let now = self.clock.now().wall;
        let data = match read {
            Ok(arrived) => {
                let key = foreign::event_key(from, &arrived.source, arrived.event);
                let record = match batch.events.contains(&key) {
                    true => OnRecord::Event,
                    false => self.on_record(from, &key, arrived.alert()).await?,
                };
                let Some(taken) = self.inbox().take(now, from, arrived, record) else { return Ok(()) };
                let Taken { writes, receipt, shown } = taken;
                if !writes.is_empty() {
                    batch.events.insert(key);
                }
                batch.writes.extend(writes);
                batch.shown.extend(shown);
                receipt
            }
            Err(Unread { event, why }) => {
                self.void.tell(&format!("{}: {why}", letter.topic.escape_debug()));
                let Some(event_id) = event else { return Ok(()) };
                ReceiptData { event_id, result: ReceiptResult::Refused, why: Some(why) }
            }
        };
        if data.result == ReceiptResult::Refused {
            let why = data.why.as_deref().unwrap_or_default();
            tracing::info!(neighbour = %from, event = %data.event_id, why, "an alert of a neighbour was refused");
        }
        batch.letters.push(receipt::letter(&self.letterhead, self.mint.event(now), now, data));
        Ok(())
    }

    async fn on_record(&self, from: &StationId, key: &[u8], alert: AlertId) -> Result<OnRecord, Refused> {
        let end = key.iter().copied().chain([0]).collect();
        if !self.desk.range(key.to_vec(), end, 1).await?.is_empty() {
            return Ok(OnRecord::Event);
        }
        if self.inbox().home_of(alert) == Some(from) {
            return Ok(OnRecord::Nothing);
        }
        let (own, end) = record_range(alert);
        let is_own = !self.desk.range(own, end, 1).await?.is_empty();
        Ok(if is_own { OnRecord::OwnAlert } else { OnRecord::Nothing })
    }

    async fn keep(&self, from: &StationId, batch: Batch) -> Result<(), Unsent> {
        self.post.send(from, batch.letters, batch.writes).await?;
        batch.acks.into_iter().for_each(Ack::give);
        for Shown { news, rev, data } in batch.shown {
            if news == News::New {
                tracing::info!(alert = %data.alert_id, neighbour = %from, "a neighbour's alert: {}", data.explain.en);
            }
            self.board.theirs(news, rev, data);
        }
        Ok(())
    }

    /// What is no alert.
    async fn other(
        &mut self,
        from: &StationId,
        rest: &str,
        letter: Incoming,
        ack: Ack,
    ) -> Result<Option<Errand>, Unsent> {
        let done = match rest.split_once('/') {
            Some(("command", rest)) => return self.visitor(from, rest, letter, ack).await,
            Some(("answer", command)) => self.answer(from, command, &letter.payload),
            Some(("clip-request", id)) => self.clip_request(from, id, &letter.payload).await?,
            Some(("clip-answer", id)) => self.clip_answer(from, id, &letter.payload).await?,
            _ => Err("nothing is known of such a topic".to_owned()),
        };
        if let Err(why) = done {
            self.void.tell(&format!("{}: {why}", letter.topic.escape_debug()));
        }
        ack.give();
        Ok(None)
    }

    fn answer(&self, from: &StationId, command: &str, payload: &[u8]) -> Result<(), String> {
        let answer: AnswerData = said(from, payload)?;
        if answer.command.to_string() != command {
            return Err("its topic and its payload name different commands".to_owned());
        }
        if !self.commands.answered(from, answer) {
            tracing::debug!(neighbour = %from, command, "an answer for which nobody waits any more");
        }
        Ok(())
    }

    /// What cannot be read is said in the inner error.
    async fn clip_request(
        &self,
        from: &StationId,
        id: &str,
        payload: &[u8],
    ) -> Result<Result<(), String>, Unsent> {
        let wanted: ClipRequestData = match said(from, payload) {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Err(why)),
        };
        if wanted.request_id.to_string() != id {
            return Ok(Err("its topic and its payload name different requests".to_owned()));
        }
        // Nothing is shown without it, and it is written into the audit log as it is.
        let actor = Actor::new(&wanted.who, &wanted.unit).map(drop);
        if let Err(refusal) = actor.and(Purpose::new(&wanted.purpose, &wanted.case).map(drop)) {
            return Ok(Err(refusal.to_string()));
        }
        let (begin, end) = record_range(wanted.alert_id);
        let found = self.desk.range(begin, end, 1).await?;
        let record = found.first().and_then(|(_, value)| read_record(value));
        let is_shared = record.is_some_and(|record| record.life.is_shared(from));
        tracing::info!(neighbour = %from, request = %wanted.request_id, alert = %wanted.alert_id, "a neighbour asks for a clip");
        self.requests.receive(from, wanted, is_shared).await?;
        Ok(Ok(()))
    }

    async fn clip_answer(
        &self,
        from: &StationId,
        id: &str,
        payload: &[u8],
    ) -> Result<Result<(), String>, Unsent> {
        let answer: ClipAnswerData = match said(from, payload) {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(why)),
        };
        if answer.request_id.to_string() != id {
            return Ok(Err("its topic and its payload name different requests".to_owned()));
        }
        let (request, result) = (answer.request_id, answer.result);
        let was_asked = self.requests.answered(from, answer).await?;
        if was_asked {
            tracing::info!(neighbour = %from, %request, ?result, "a neighbour has answered a request for a clip");
        }
        Ok(was_asked.then_some(()).ok_or_else(|| "nobody here has asked for it".to_owned()))
    }

    async fn sweep(&mut self) {
        if *self.trust.borrow() != Trust::Believed {
            return;
        }
        let mut events = Vec::with_capacity(self.neighbours.len());
        for neighbour in &self.neighbours {
            let (from, to) = foreign::all_events(neighbour);
            match self.desk.range(from, to, SWEPT_MAX).await {
                Ok(pairs) => events.push((neighbour.clone(), pairs)),
                Err(refused) => tracing::warn!(%refused, "what neighbours said long ago cannot be read"),
            }
        }
        let mut writes = self.inbox().sweep(self.clock.now().wall, events);
        match self.requests.over(self.kept).await {
            Ok(over) => writes.extend(over),
            Err(refused) => tracing::warn!(%refused, "old requests for clips cannot be read"),
        }
        if !writes.is_empty()
            && let Err(refused) = self.desk.promise(writes, Vec::new()).await
        {
            tracing::warn!(%refused, "what neighbours said long ago could not be deleted; the next start does it");
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The data of an envelope from a neighbour.
fn said<D: serde::de::DeserializeOwned>(from: &StationId, payload: &[u8]) -> Result<D, String> {
    let envelope: Envelope<D> = serde_json::from_slice(payload).map_err(|error| {
        error.to_string().chars().take(200).flat_map(char::escape_debug).collect::<String>()
    })?;
    if !receipt::is_from(from, &envelope.source) {
        return Err(format!("it comes from {from}, and says that it is from another station"));
    }
    Ok(envelope.data)
}
