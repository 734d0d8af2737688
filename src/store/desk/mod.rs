//! The store's thread, and the way to it.
//!
//! Owns the one [`Outbox`] of the process: whoever wants something durable hands it to the [`Desk`] and learns when it is. Promises
//! that wait at the same time are written as one batch with one sync. A disk that is full or fails makes promises wait, and says so; it
//! never loses one. The pure order of things is the outbox's; sending is the courier's.

mod work;

use std::{io, ops::Range, thread, time::Duration};

use tokio::sync::{mpsc, oneshot, watch};

use self::work::Work;
use super::{Aside, BATCH_LEN_MAX, Ledger, Message, Outbox, Pair, Seq, Write};
use crate::metrics::Metrics;

/// Promises that wait at the desk, at most; then callers wait in front of it.
const PROMISES_WAITING_MAX: usize = 256;
/// Errands (reads, strikes) that wait at the desk, at most.
const ERRANDS_WAITING_MAX: usize = 64;
/// Notes that wait at the desk, at most; then they are refused.
const NOTES_WAITING_MAX: usize = 4;
/// Bytes of one group, at most: room for the strikes that go with it.
const GROUP_LEN_MAX: usize = BATCH_LEN_MAX / 2;

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
    /// A note cannot be written just now. (Promises wait instead.)
    #[error("{0}")]
    Unwritten(String),
    /// More notes wait than the desk has room for.
    #[error("the store is busy")]
    Busy,
}

/// The way to the store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    promises: mpsc::Sender<Promise>,
    errands: mpsc::Sender<Errand>,
    notes: mpsc::Sender<Note>,
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
struct Note {
    writes: Vec<Write>,
    answer: oneshot::Sender<Result<(), Refused>>,
}

#[derive(Debug)]
enum Errand {
    Waiting { after: Seq, limit: usize, answer: oneshot::Sender<Result<Vec<(Seq, Message)>, Refused>> },
    Strike(Vec<Seq>),
    SetAside { seq: Seq, why: String },
    Aside { limit: usize, answer: oneshot::Sender<Result<Vec<Aside>, Refused>> },
    Range { from: Vec<u8>, to: Vec<u8>, limit: usize, answer: oneshot::Sender<Result<Vec<Pair>, Refused>> },
    Last { from: Vec<u8>, to: Vec<u8>, answer: oneshot::Sender<Result<Option<Pair>, Refused>> },
}

impl Desk {
    /// Starts the store's thread (`store`) over an outbox that was opened already.
    pub fn start<L: Ledger + 'static>(outbox: Outbox<L>, metrics: Metrics) -> io::Result<(Self, DeskThread)> {
        let (promises, promises_rx) = mpsc::channel(PROMISES_WAITING_MAX);
        let (errands, errands_rx) = mpsc::channel(ERRANDS_WAITING_MAX);
        let (notes, notes_rx) = mpsc::channel(NOTES_WAITING_MAX);
        let (next_tx, next) = watch::channel(outbox.next());
        let (condition_tx, condition) = watch::channel(Condition::Well);
        let (stop, stop_rx) = oneshot::channel();
        let (done_tx, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = Work::new(outbox, metrics, (promises_rx, errands_rx, notes_rx), next_tx, condition_tx);
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            runtime.block_on(work.run(stop_rx));
            // Nobody need be waiting for it.
            let _ = done_tx.send(());
        })?;
        Ok((Self { promises, errands, notes, next, condition }, DeskThread { stop, done, thread }))
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

    /// Returns once `writes`, which nothing is promised with, are durable, all or nothing; or says why they are not. Done when no promise waits: one that
    /// comes in the meantime waits for this one sync at most, so let a note be long and rare. Where the store cannot write it waits
    /// until it can: give it a time limit.
    pub async fn note(&self, writes: Vec<Write>) -> Result<(), Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.notes.try_send(Note { writes, answer: answer_tx }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Busy,
            mpsc::error::TrySendError::Closed(_) => Refused::Stopped,
        })?;
        answer.await.unwrap_or(Err(Refused::Stopped))
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

    /// The newest messages that no broker will ever take, newest last, at most `limit`.
    pub async fn aside(&self, limit: usize) -> Result<Vec<Aside>, Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.ask(Errand::Aside { limit, answer: answer_tx }).await?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }

    /// Keys and values of any space in `from..to`, ascending, at most `limit`.
    pub async fn range(&self, from: Vec<u8>, to: Vec<u8>, limit: usize) -> Result<Vec<Pair>, Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.ask(Errand::Range { from, to, limit, answer: answer_tx }).await?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }

    /// The last key and value of any space in `from..to`.
    pub async fn last(&self, from: Vec<u8>, to: Vec<u8>) -> Result<Option<Pair>, Refused> {
        let (answer_tx, answer) = oneshot::channel();
        self.ask(Errand::Last { from, to, answer: answer_tx }).await?;
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
