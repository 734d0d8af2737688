//! The index's thread, and the way to it.
//!
//! Owns the order of what is asked: questions first, then writes, all that wait as one; shelves when nothing else is to be done. A question waits
//! behind one commit at most. A write that fails is its caller's to repeat: the clips are in the recordings, too.

use std::{io, thread, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{Index, IndexError, Page, Question};
use crate::{
    clip::Clip,
    id::{CameraId, ClipId},
    store::Ledger,
    time::Wall,
};

/// Questions that wait, at most; then callers wait in front of the queue.
const QUESTIONS_WAITING_MAX: usize = 64;
/// Writes that wait, at most; see above.
const WRITES_WAITING_MAX: usize = 256;
/// Clips that are written as one, about.
const CLIPS_AT_ONCE: usize = 1000;
/// How long a shelf that could not be written waits for the next try. (Inserting tries, too.)
const TEND_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The index cannot be read or written just now, as it says itself. After a failed write some of the clips may be in it: do it again.
    #[error("{0}")]
    Failed(String),
    /// The index was stopped.
    #[error("the index of clips has stopped")]
    Stopped,
}

impl From<IndexError> for Unanswered {
    fn from(error: IndexError) -> Self {
        Self::Failed(error.to_string())
    }
}

type Answer<T> = oneshot::Sender<Result<T, Unanswered>>;

/// The way to the index. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Librarian {
    asks: mpsc::Sender<Ask>,
    writes: mpsc::Sender<Change>,
}

/// The index's thread. It ends when it is stopped, or when nobody holds a [`Librarian`] any more.
#[derive(Debug)]
pub struct LibrarianThread {
    stop: oneshot::Sender<()>,
    done: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

#[derive(Debug)]
enum Ask {
    Find(Box<Question>, Answer<Page>),
    Get(ClipId, Answer<Option<Clip>>),
    Len(Answer<u64>),
}

#[derive(Debug)]
enum Change {
    Insert(Vec<Clip>, Answer<usize>),
    Remove(Vec<ClipId>, Answer<u64>),
    RemoveBefore(Vec<CameraId>, Wall, Answer<u64>),
}

impl Librarian {
    /// Starts the thread (`index`) over an index that was opened already.
    pub fn start<L: Ledger + 'static>(index: Index<L>) -> io::Result<(Self, LibrarianThread)> {
        let (asks, asks_rx) = mpsc::channel(QUESTIONS_WAITING_MAX);
        let (writes, writes_rx) = mpsc::channel(WRITES_WAITING_MAX);
        let (stop, stop_rx) = oneshot::channel();
        let (done_tx, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let work = Work { index, asks: asks_rx, writes: writes_rx };
        let thread = thread::Builder::new().name("index".into()).spawn(move || {
            runtime.block_on(work.run(stop_rx));
            // Nobody need be waiting for it.
            let _ = done_tx.send(());
        })?;
        Ok((Self { asks, writes }, LibrarianThread { stop, done, thread }))
    }

    /// A page of what is asked for.
    pub async fn find(&self, question: Question) -> Result<Page, Unanswered> {
        self.ask(|answer| Ask::Find(Box::new(question), answer)).await
    }

    /// The clip with an id.
    pub async fn get(&self, id: ClipId) -> Result<Option<Clip>, Unanswered> {
        self.ask(|answer| Ask::Get(id, answer)).await
    }

    /// How many clips there are.
    pub async fn count(&self) -> Result<u64, Unanswered> {
        self.ask(Ask::Len).await
    }

    /// Returns once the clips are durable; see [`Index::insert`]. Not cancelled by dropping the future once it was polled.
    ///
    /// Says how many clips are new, those of callers whose clips were written in the same commit among them.
    pub async fn insert(&self, clips: Vec<Clip>) -> Result<usize, Unanswered> {
        self.change(|answer| Change::Insert(clips, answer)).await
    }

    /// Removes clips; see [`Index::remove`].
    pub async fn remove(&self, ids: Vec<ClipId>) -> Result<u64, Unanswered> {
        self.change(|answer| Change::Remove(ids, answer)).await
    }

    /// Removes those of the cameras' clips that began before `before`; see [`Index::remove_before`].
    pub async fn remove_before(&self, cameras: Vec<CameraId>, before: Wall) -> Result<u64, Unanswered> {
        self.change(|answer| Change::RemoveBefore(cameras, before, answer)).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Answer<T>) -> Ask) -> Result<T, Unanswered> {
        let (answer_tx, answer) = oneshot::channel();
        self.asks.send(ask(answer_tx)).await.map_err(|_| Unanswered::Stopped)?;
        answer.await.unwrap_or(Err(Unanswered::Stopped))
    }

    async fn change<T>(&self, change: impl FnOnce(Answer<T>) -> Change) -> Result<T, Unanswered> {
        let (answer_tx, answer) = oneshot::channel();
        self.writes.send(change(answer_tx)).await.map_err(|_| Unanswered::Stopped)?;
        answer.await.unwrap_or(Err(Unanswered::Stopped))
    }
}

impl LibrarianThread {
    /// Does what waits, and closes the index. Whoever asks later is told that it has stopped.
    pub async fn stop(self) {
        // The thread may have ended by itself, since every librarian is gone.
        let _ = self.stop.send(());
        let _ = self.done.await;
        if self.thread.join().is_err() {
            tracing::error!("the index's thread panicked; what it had written is on the disk");
        }
    }
}

/// The thread's own state.
struct Work<L> {
    index: Index<L>,
    asks: mpsc::Receiver<Ask>,
    writes: mpsc::Receiver<Change>,
}

impl<L: Ledger> Work<L> {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let (mut asks_open, mut writes_open, mut is_owned) = (true, true, true);
        let mut tend_at = tokio::time::Instant::now();
        while asks_open || writes_open {
            tokio::select! {
                biased;
                told = &mut stop, if is_owned => match told {
                    Ok(()) => break,
                    // A thread whose owner is gone goes on for as long as anybody holds a librarian.
                    Err(_) => is_owned = false,
                },
                ask = self.asks.recv(), if asks_open => match ask {
                    Some(ask) => self.answer(ask),
                    None => asks_open = false,
                },
                change = self.writes.recv(), if writes_open => match change {
                    Some(change) => self.change(change),
                    None => writes_open = false,
                },
                () = tokio::time::sleep_until(tend_at), if self.index.is_untidy() => {
                    if let Err(error) = self.index.tend() {
                        tend_at = tokio::time::Instant::now() + TEND_AGAIN_AFTER;
                        tracing::warn!(%error, "new clips cannot be put on a shelf; it will be tried again");
                    }
                }
            }
        }
        self.asks.close();
        self.writes.close();
        while let Some(change) = self.writes.recv().await {
            self.change(change);
        }
        while let Some(ask) = self.asks.recv().await {
            self.answer(ask);
        }
    }

    fn answer(&self, ask: Ask) {
        // Whoever asked may have gone away.
        let _ = match ask {
            Ask::Find(question, answer) => {
                answer.send(self.index.find(&question).map_err(Into::into)).is_ok()
            }
            Ask::Get(id, answer) => answer.send(self.index.get(id).map_err(Into::into)).is_ok(),
            Ask::Len(answer) => answer.send(Ok(self.index.len())).is_ok(),
        };
    }

    fn change(&mut self, change: Change) {
        let mut next = Some(change);
        while let Some(change) = next.take() {
            // See `answer`.
            let _ = match change {
                Change::Insert(clips, answer) => {
                    next = self.insert(clips, answer);
                    true
                }
                Change::Remove(ids, answer) => {
                    answer.send(self.index.remove(&ids).map_err(Into::into)).is_ok()
                }
                Change::RemoveBefore(cameras, before, answer) => {
                    answer.send(self.index.remove_before(&cameras, before).map_err(Into::into)).is_ok()
                }
            };
        }
    }

    /// Inserts these clips, and those that wait right behind them. Gives back what waits behind those, where it had to be taken to be seen.
    fn insert(&mut self, clips: Vec<Clip>, answer: Answer<usize>) -> Option<Change> {
        let mut count = clips.len();
        let mut callers = vec![(clips, answer)];
        let mut behind = None;
        while count < CLIPS_AT_ONCE && behind.is_none() {
            match self.writes.try_recv() {
                Ok(Change::Insert(clips, answer)) => {
                    count += clips.len();
                    callers.push((clips, answer));
                }
                Ok(other) => behind = Some(other),
                Err(_) => break,
            }
        }
        let all: Vec<Clip> = callers.iter().flat_map(|(clips, _)| clips.iter().cloned()).collect();
        let together = self.index.insert(&all);
        let is_one_s_own = matches!(together, Err(IndexError::TooLong { .. }));
        let together = together.map_err(Unanswered::from);
        for (clips, answer) in callers {
            // One that is refused must not make the others suffer.
            let inserted = match is_one_s_own {
                true => self.index.insert(&clips).map_err(Unanswered::from),
                false => together.clone(),
            };
            let _ = answer.send(inserted);
        }
        behind
    }
}
