//! Where a courier's messages come from: the outbox, or what waits for a neighbouring station.
//!
//! Owns what a connection asks of it ([`Stock`]), and the answer of the outbox.

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::store::{Desk, Message, Seq};

/// What became of the stock meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// There is more.
    More,
    /// These wait no more.
    Withdrawn(Vec<Seq>),
}

/// What is promised to subscribers, in order. Asked one thing at a time, each answered before the next.
pub trait Stock: Send {
    /// What waits behind a place, at most so many; or why it cannot be read.
    fn waiting(&self, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<(Seq, Message)>, String>>;
    /// The broker has acknowledged these.
    fn strike(&self, seqs: Vec<Seq>) -> BoxFuture<'static, ()>;
    /// No broker will ever take this one.
    fn set_aside(&self, seq: Seq, why: String) -> BoxFuture<'static, ()>;
    /// The next news; `None` where there will be none. Cancel safe.
    fn news(&mut self) -> BoxFuture<'_, Option<News>>;
}

/// The outbox.
pub(super) struct OutboxStock {
    desk: Desk,
    next: watch::Receiver<Seq>,
}

impl OutboxStock {
    pub(super) fn of(desk: Desk) -> Self {
        Self { next: desk.next(), desk }
    }
}

impl Stock for OutboxStock {
    fn waiting(&self, after: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<(Seq, Message)>, String>> {
        let desk = self.desk.clone();
        Box::pin(async move { desk.waiting(after, limit).await.map_err(|e| e.to_string()) })
    }

    fn strike(&self, seqs: Vec<Seq>) -> BoxFuture<'static, ()> {
        let desk = self.desk.clone();
        Box::pin(async move { tell_if_gone(desk.strike(seqs).await) })
    }

    fn set_aside(&self, seq: Seq, why: String) -> BoxFuture<'static, ()> {
        let desk = self.desk.clone();
        Box::pin(async move { tell_if_gone(desk.set_aside(seq, why).await) })
    }

    fn news(&mut self) -> BoxFuture<'_, Option<News>> {
        Box::pin(async { self.next.changed().await.ok().map(|()| News::More) })
    }
}

/// The store stops last, so this is a fault in the order of stopping; nothing is lost by it.
fn tell_if_gone(answer: Result<(), crate::store::Refused>) {
    if let Err(error) = answer {
        tracing::warn!(%error, "an acknowledgement of the broker could not be noted; the alert is sent once more after the start");
    }
}
