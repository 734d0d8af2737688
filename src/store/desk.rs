//! The store's thread, and the way to it.
//!
//! Owns the one [`Outbox`] of the process: whoever wants something durable hands it to the [`Desk`] and learns when it is. Promises
//! that wait at the same time are written as one batch with one sync. A disk that is full or fails makes promises wait, and says so; it
//! never loses one. The pure order of things is the outbox's; sending is the courier's.

use std::{collections::VecDeque, io, ops::Range, thread, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{BATCH_LEN_MAX, Ledger, LedgerError, Message, Outbox, Pair, Seq, Write};
use crate::metrics::Metrics;

/// Promises that wait at the desk, at most; then callers wait in front of it.
const PROMISES_WAITING_MAX: usize = 256;
/// Errands (reads, strikes) that wait at the desk, at most.
const ERRANDS_WAITING_MAX: usize = 64;
/// Promises written as one batch, at most.
const GROUP_MAX: usize = 64;
/// Bytes of one group, at most: room for the strikes that go with it.
const GROUP_LEN_MAX: usize = BATCH_LEN_MAX / 2;
/// How long a failed write waits for the next try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often the log repeats that the store is stuck.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How long a strike may wait to become durable.
const SETTLE_AFTER: Duration = Duration::from_secs(1);

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It writes.
    Well,
    /// The disk is full: promises wait.
    Full(String),
    /// It fails: promises wait.
    Failing(String),
}

/// Why the desk will not promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It would never fit.
    #[error("{0}")]
    TooLarge(String),
    /// The store was stopped: nothing was promised.
    #[error("the store has stopped")]
    Stopped,
    /// It cannot be read just now. (Promises wait instead.)
    #[error("{0}")]
    Unreadable(String),
}

/// The way to the store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    promises: mpsc::Sender<Promise>,
    errands: mpsc::Sender<Errand>,
    next: watch::Receiver<Seq>,
    condition: watch::Receiver<Condition>,
}

/// The store's thread. Stop it last: others' promises end with it.
#[derive(Debug)]
pub struct DeskThread {
    stop: oneshot::Sender<Duration>,
    done: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

#[derive(Debug)]
struct Promise {
    writes: Vec<Write>,
    messages: Vec<Message>,
    answer: oneshot::Sender<Result<Range<Seq>, Refused>>,
}

type Answer = oneshot::Receiver<Result<Range<Seq>, Refused>>;

#[derive(Debug)]
enum Errand {
    Waiting { after: Seq, limit: usize, answer: oneshot::Sender<Result<Vec<(Seq, Message)>, Refused>> },
    Strike(Vec<Seq>),
    SetAside { seq: Seq, why: String },
    Range { from: Vec<u8>, to: Vec<u8>, limit: usize, answer: oneshot::Sender<Result<Vec<Pair>, Refused>> },
}

impl Desk {
    /// Starts the store's thread (`store`) over an outbox that was opened already.
    pub fn start<L: Ledger + 'static>(outbox: Outbox<L>, metrics: Metrics) -> io::Result<(Self, DeskThread)> {
        let (promises, promises_rx) = mpsc::channel(PROMISES_WAITING_MAX);
        let (errands, errands_rx) = mpsc::channel(ERRANDS_WAITING_MAX);
        let (next_tx, next) = watch::channel(outbox.next());
        let (condition_tx, condition) = watch::channel(Condition::Well);
        let (stop, stop_rx) = oneshot::channel();
        let (done_tx, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = Work {
            outbox,
            metrics,
            promises: promises_rx,
            errands: errands_rx,
            group: VecDeque::new(),
            next: next_tx,
            condition: condition_tx,
            stuck: None,
            settle_at: None,
        };
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            runtime.block_on(work.run(stop_rx));
            // Nobody need be waiting for it.
            let _ = done_tx.send(());
        })?;
        Ok((Self { promises, errands, next, condition }, DeskThread { stop, done, thread }))
    }

    /// Returns once `writes` and the delivery of `messages` are promised: durable, all or nothing. Waits as long as the disk is full or failing.
    ///
    /// Not cancelled by dropping the future once it was polled: what reached the desk is promised.
    pub async fn promise(&self, writes: Vec<Write>, messages: Vec<Message>) -> Result<Range<Seq>, Refused> {
        let (promise, answer) = Promise::new(writes, messages)?;
        self.promises.send(promise).await.map_err(|_| Refused::Stopped)?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }

    /// As [`Self::promise`], for a thread outside of the async runtime.
    pub fn promise_blocking(
        &self,
        writes: Vec<Write>,
        messages: Vec<Message>,
    ) -> Result<Range<Seq>, Refused> {
        let (promise, answer) = Promise::new(writes, messages)?;
        self.promises.blocking_send(promise).map_err(|_| Refused::Stopped)?;
        answer.blocking_recv().unwrap_or(Err(Refused::Stopped))
    }

    /// What waits for the broker behind `after`, in order, at most `limit`. Sees every strike that was asked for before.
    pub async fn waiting(&self, after: Seq, limit: usize) -> Result<Vec<(Seq, Message)>, Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.ask(Errand::Waiting { after, limit, answer: answer_tx }).await?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }

    /// The broker has acknowledged these. Durable within a second or so.
    pub async fn strike(&self, seqs: Vec<Seq>) -> Result<(), Refused> {
        self.ask(Errand::Strike(seqs)).await
    }

    /// No broker will ever take this one: keep it on record, and pass it over.
    pub async fn set_aside(&self, seq: Seq, why: String) -> Result<(), Refused> {
        self.ask(Errand::SetAside { seq, why }).await
    }

    /// Keys and values of any space in `from..to`, ascending, at most `limit`.
    pub async fn range(&self, from: Vec<u8>, to: Vec<u8>, limit: usize) -> Result<Vec<Pair>, Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.ask(Errand::Range { from, to, limit, answer: answer_tx }).await?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }

    /// The sequence number that the next message will have; changes with each promise.
    pub fn next(&self) -> watch::Receiver<Seq> {
        self.next.clone()
    }

    /// How the store is.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.clone()
    }

    async fn ask(&self, errand: Errand) -> Result<(), Refused> {
        self.errands.send(errand).await.map_err(|_| Refused::Stopped)
    }
}

impl DeskThread {
    /// Writes what waits, then closes the store. Where the disk is full, tries for as long as `grace`; promises that could not be made by then
    /// are refused, and their number is told (ERROR).
    pub async fn stop(self, grace: Duration) {
        // The thread may have ended by itself, since every desk is gone.
        let _ = self.stop.send(grace);
        let _ = self.done.await;
        if self.thread.join().is_err() {
            tracing::error!("the store's thread panicked; what it had promised is on the disk");
        }
    }
}

impl Promise {
    fn new(writes: Vec<Write>, messages: Vec<Message>) -> Result<(Self, Answer), Refused> {
        let (answer, answer_rx) = oneshot::channel();
        let promise = Self { writes, messages, answer };
        let len = promise.len();
        if len > GROUP_LEN_MAX {
            return Err(Refused::TooLarge(format!(
                "a promise of {len} bytes is too large: at most {GROUP_LEN_MAX} go into one"
            )));
        }
        Ok((promise, answer_rx))
    }

    /// About as many bytes as it will have on disk.
    fn len(&self) -> usize {
        let writes = self.writes.iter().map(|write| match write {
            Write::Put(key, value) => key.len() + value.len(),
            Write::Delete(key) => key.len(),
        });
        let messages =
            self.messages.iter().map(|m| m.topic.len() + m.content_type.len() + m.payload.len() + 32);
        writes.sum::<usize>() + messages.sum::<usize>()
    }
}

/// The thread's own state.
struct Work<L> {
    outbox: Outbox<L>,
    metrics: Metrics,
    promises: mpsc::Receiver<Promise>,
    errands: mpsc::Receiver<Errand>,
    /// Taken from the queue, not yet durable.
    group: VecDeque<Promise>,
    next: watch::Sender<Seq>,
    condition: watch::Sender<Condition>,
    stuck: Option<Stuck>,
    settle_at: Option<Instant>,
}

struct Stuck {
    since: Instant,
    retry_at: Instant,
    tell_at: Instant,
}

impl<L: Ledger> Work<L> {
    async fn run(mut self, mut stop: oneshot::Receiver<Duration>) {
        self.count();
        let (mut errands_open, mut is_owned) = (true, true);
        let grace = loop {
            let retry_at = self.stuck.as_ref().map(|stuck| stuck.retry_at);
            let wake_at = [retry_at, self.settle_at].into_iter().flatten().min();
            tokio::select! {
                biased;
                grace = &mut stop, if is_owned => match grace {
                    Ok(grace) => break grace,
                    // A thread whose owner is gone goes on for as long as anybody holds a desk.
                    Err(_) => is_owned = false,
                },
                errand = self.errands.recv(), if errands_open => match errand {
                    Some(errand) => self.run_errand(errand),
                    None => errands_open = false,
                },
                promise = self.promises.recv(), if self.stuck.is_none() => match promise {
                    Some(promise) => {
                        self.gather(promise);
                        self.write_group();
                    }
                    None => break Duration::ZERO,
                },
                () = wait_until(wake_at) => self.wake(Instant::now()),
            }
            self.count();
        };
        self.finish(grace).await;
    }

    /// One promise, and those that wait behind it, up to the limits of a group.
    fn gather(&mut self, first: Promise) {
        let mut len = first.len();
        self.group.push_back(first);
        while self.group.len() < GROUP_MAX && len < GROUP_LEN_MAX / 2 {
            let Ok(promise) = self.promises.try_recv() else { break };
            len += promise.len();
            self.group.push_back(promise);
        }
    }

    /// Writes the group as one batch, and answers each caller. Where it cannot, it stays and is tried again.
    fn write_group(&mut self) {
        if self.group.is_empty() {
            return;
        }
        let writes = self.group.iter().flat_map(|promise| promise.writes.iter().cloned()).collect();
        let messages: Vec<Message> =
            self.group.iter().flat_map(|promise| promise.messages.iter().cloned()).collect();
        match self.outbox.promise(writes, &messages) {
            Ok(seqs) => {
                let mut first = seqs.start;
                for promise in self.group.drain(..) {
                    let end = Seq(first.0 + promise.messages.len() as u64);
                    // A caller that went away is promised to all the same.
                    let _ = promise.answer.send(Ok(first..end));
                    first = end;
                }
                self.next.send_replace(self.outbox.next());
                self.unstick();
            }
            Err(LedgerError::TooLarge { what, len, max }) => self.write_one_by_one(what, len, max),
            Err(error) => self.stick(&error),
        }
    }

    /// One of the group is too large: the others must not suffer for it.
    fn write_one_by_one(&mut self, what: &str, len: usize, max: usize) {
        let mut group = std::mem::take(&mut self.group);
        if group.len() == 1 {
            let refused =
                Refused::TooLarge(format!("{what} is {len} bytes long, and the store takes at most {max}"));
            if let Some(promise) = group.pop_front() {
                let _ = promise.answer.send(Err(refused));
            }
            return;
        }
        while let Some(promise) = group.pop_front() {
            self.group.push_back(promise);
            self.write_group();
            if self.stuck.is_some() {
                // Tried again as a whole, in the same order.
                self.group.append(&mut group);
            }
        }
    }

    fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Waiting { after, limit, answer } => {
                let waiting =
                    self.outbox.waiting(after, limit).map_err(|e| Refused::Unreadable(e.to_string()));
                let _ = answer.send(waiting);
            }
            Errand::Range { from, to, limit, answer } => {
                let pairs = self.outbox.ledger().range(&from, &to, limit);
                let _ = answer.send(pairs.map_err(|e| Refused::Unreadable(e.to_string())));
            }
            Errand::Strike(seqs) => {
                // What is not durable yet is kept in mind, and written with the next batch that can be.
                if let Err(error) = self.outbox.strike(&seqs) {
                    self.stick(&error);
                }
                self.settle_at.get_or_insert_with(|| Instant::now() + SETTLE_AFTER);
            }
            Errand::SetAside { seq, why } => match self.outbox.set_aside(seq, &why) {
                Ok(()) => {
                    self.metrics.outbox_set_aside.inc();
                }
                Err(error) => {
                    tracing::warn!(seq = seq.0, %error, "a message could not be set aside; it will be tried again");
                }
            },
        }
    }

    /// A timer ran out: try again what failed, and make strikes durable.
    fn wake(&mut self, now: Instant) {
        let retry = self.stuck.as_ref().is_some_and(|stuck| stuck.retry_at <= now);
        if retry && !self.group.is_empty() {
            self.write_group();
        } else if retry || self.settle_at.is_some_and(|at| at <= now) {
            match self.outbox.settle() {
                Ok(()) => {
                    self.settle_at = None;
                    if self.group.is_empty() {
                        self.unstick();
                    }
                }
                Err(error) => {
                    self.settle_at = Some(now + RETRY_AFTER);
                    self.stick(&error);
                }
            }
        }
    }

    fn stick(&mut self, error: &LedgerError) {
        let now = Instant::now();
        let stuck = self.stuck.get_or_insert(Stuck { since: now, retry_at: now, tell_at: now });
        stuck.retry_at = now + RETRY_AFTER;
        if stuck.tell_at <= now {
            stuck.tell_at = now + TELL_EVERY;
            tracing::error!(
                %error,
                promises = self.group.len() + self.promises.len(),
                "the store cannot write, so that alerts wait: free the disk or mend it"
            );
        }
        self.metrics.store_stuck.set(1);
        self.condition.send_replace(match error {
            LedgerError::Full { .. } => Condition::Full(error.to_string()),
            _ => Condition::Failing(error.to_string()),
        });
    }

    fn unstick(&mut self) {
        if let Some(stuck) = self.stuck.take() {
            tracing::info!(after = ?stuck.since.elapsed(), "the store writes again");
            self.metrics.store_stuck.set(0);
            self.condition.send_replace(Condition::Well);
        }
    }

    fn count(&self) {
        self.metrics.outbox_waiting.set(i64::try_from(self.outbox.len()).unwrap_or(i64::MAX));
    }

    /// Takes no more, writes what came, and gives up after `grace` on what cannot be written.
    async fn finish(mut self, grace: Duration) {
        let give_up_at = Instant::now() + grace;
        self.promises.close();
        self.errands.close();
        while let Ok(errand) = self.errands.try_recv() {
            self.run_errand(errand);
        }
        loop {
            self.write_group();
            if self.group.is_empty() {
                // Senders that hold a place in the queue already may still use it.
                match timeout(grace, self.promises.recv()).await {
                    Ok(Some(promise)) => self.gather(promise),
                    _ => break,
                }
            } else if Instant::now() + RETRY_AFTER > give_up_at {
                break;
            } else {
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
        let mut lost = self.group.len();
        while let Ok(promise) = self.promises.try_recv() {
            lost += 1;
            drop(promise);
        }
        if lost > 0 {
            tracing::error!(
                lost,
                "the store was stopped while it could not write; these promises were refused"
            );
        }
        if let Err(error) = self.outbox.settle() {
            tracing::warn!(%error, "the broker's last acknowledgements could not be noted; the alerts may be sent once more");
        }
        self.count();
    }
}

/// For ever, where there is no time to wait for.
async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
