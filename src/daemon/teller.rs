//! The teller: carries what happened to the office, in order, and says when it is promised.
//!
//! Owns the order: what is told of one alert is told in the order in which it was handed over. One teller carries calls for help, another what may wait.

use futures::future::join_all;
use tokio::sync::mpsc;

use super::happenings::Happenings;
use crate::{
    alert::{Change, Occurrence},
    store::Refused,
};

/// What is carried at once: the office promises it with one sync.
const BATCH_MAX: usize = 16;

/// Called once what it stands behind is promised, or was refused.
pub(super) type Done = Box<dyn FnOnce(Result<(), Refused>) + Send>;

/// What is to be told, and who waits for it.
pub(super) struct Errand {
    /// In order; may be empty.
    pub(super) told: Vec<(Change, Occurrence)>,
    /// Called when all of it is promised.
    pub(super) done: Done,
}

/// Works until everybody who has errands is gone.
pub(super) async fn carry(mut errands: mpsc::Receiver<Errand>, happenings: Happenings) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while errands.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (told, done): (Vec<_>, Vec<_>) = batch.drain(..).map(|errand| (errand.told, errand.done)).unzip();
        let happenings = &happenings;
        // Each is handed over before the next one: they are polled in this order, and the way to the office is first in, first out.
        let outcomes = join_all(told.into_iter().map(|told| {
            let told = told.into_iter().map(|(change, occurrence)| happenings.tell(change, occurrence));
            async move { join_all(told).await.into_iter().collect::<Result<Vec<()>, Refused>>().map(drop) }
        }));
        for (done, outcome) in done.into_iter().zip(outcomes.await) {
            done(outcome);
        }
    }
}
