//! Between the connection and the queue: what the one asks of the other.

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::{
    mqtt::{News, Stock},
    store::{Message, Seq},
};

type Going = Result<Vec<(Seq, Message)>, String>;

/// What the connection asks.
pub(super) enum Ask {
    /// What goes behind a place.
    Going { after: Seq, limit: usize, answer: oneshot::Sender<Going> },
    /// The broker has acknowledged these.
    Acked(Vec<Seq>),
    /// No broker will ever take this one.
    Refused(Seq),
}

/// The connection's end.
pub(super) struct LinkStock {
    asks: mpsc::Sender<Ask>,
    news: mpsc::UnboundedReceiver<News>,
}

impl LinkStock {
    /// With both ends of the queue's task.
    pub(super) fn new(asks_max: usize) -> (Self, mpsc::Receiver<Ask>, mpsc::UnboundedSender<News>) {
        let (asks, asks_rx) = mpsc::channel(asks_max);
        let (news_tx, news) = mpsc::unbounded_channel();
        (Self { asks, news }, asks_rx, news_tx)
    }

    fn tell(&self, ask: Ask) -> BoxFuture<'static, ()> {
        let asks = self.asks.clone();
        Box::pin(async move {
            // The task outlives the connection, unless it panicked.
            let _ = asks.send(ask).await;
        })
    }
}

impl Stock for LinkStock {
    fn waiting(&self, after: Seq, limit: usize) -> BoxFuture<'static, Going> {
        let asks = self.asks.clone();
        Box::pin(async move {
            let gone = || "the link has ended".to_owned();
            let (answer, going) = oneshot::channel();
            asks.send(Ask::Going { after, limit, answer }).await.map_err(|_| gone())?;
            going.await.map_err(|_| gone())?
        })
    }

    fn strike(&self, seqs: Vec<Seq>) -> BoxFuture<'static, ()> {
        self.tell(Ask::Acked(seqs))
    }

    fn set_aside(&self, seq: Seq, _why: String) -> BoxFuture<'static, ()> {
        // Why was said in the log.
        self.tell(Ask::Refused(seq))
    }

    fn news(&mut self) -> BoxFuture<'_, Option<News>> {
        Box::pin(self.news.recv())
    }
}
