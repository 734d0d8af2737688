//! What the store's thread does.
//!
//! Owns the loop: errands at once, promises in groups, notes when nothing else is to be done, retries while the disk is full or fails, and the order of stopping. Who asks for it is
//! [`super`]'s.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};

use super::{Condition, Errand, GROUP_LEN_MAX, Note, Promise, Refused};
use crate::{
    metrics::Metrics,
    store::{Ledger, LedgerError, Message, Outbox, Seq},
};

/// Promises written as one batch, at most.
const GROUP_MAX: usize = 64;
/// How long a failed write waits for the next try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often the log repeats that the store is stuck.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How long a strike may wait to become durable.
const SETTLE_AFTER: Duration = Duration::from_secs(1);

/// The thread's own state.
pub(super) struct Work<L> {
    outbox: Outbox<L>,
    metrics: Metrics,
    promises: mpsc::Receiver<Promise>,
    errands: mpsc::Receiver<Errand>,
    notes: mpsc::Receiver<Note>,
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
    pub(super) fn new(
        outbox: Outbox<L>,
        metrics: Metrics,
        (promises, errands, notes): (mpsc::Receiver<Promise>, mpsc::Receiver<Errand>, mpsc::Receiver<Note>),
        next: watch::Sender<Seq>,
        condition: watch::Sender<Condition>,
    ) -> Self {
        let group = VecDeque::new();
        Self {
            outbox,
            metrics,
            promises,
            errands,
            notes,
            group,
            next,
            condition,
            stuck: None,
            settle_at: None,
        }
    }

    /// Until it is told to stop, or nobody holds a desk any more.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<Duration>) {
        self.count();
        let (mut errands_open, mut notes_open, mut is_owned) = (true, true, true);
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
                note = self.notes.recv(), if notes_open && self.stuck.is_none() => match note {
                    Some(note) => self.write_note(note),
                    None => notes_open = false,
                },
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

    /// A note that cannot be written is its caller's to repeat: it makes nobody wait, and does not count as the store being stuck.
    fn write_note(&mut self, note: Note) {
        let written = self.outbox.note(note.writes).map_err(|error| Refused::Unwritten(error.to_string()));
        // Who waited for it no longer may have run out of time.
        let _ = note.answer.send(written);
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
            Errand::Last { from, to, answer } => {
                let pair = self.outbox.ledger().last(&from, &to);
                let _ = answer.send(pair.map_err(|e| Refused::Unreadable(e.to_string())));
            }
            Errand::Aside { limit, answer } => {
                let aside = self.outbox.aside(limit).map_err(|e| Refused::Unreadable(e.to_string()));
                let _ = answer.send(aside);
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
        self.notes.close();
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
        while self.group.is_empty()
            && let Ok(note) = self.notes.try_recv()
        {
            self.write_note(note);
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
