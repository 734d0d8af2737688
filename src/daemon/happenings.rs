//! Where what no lane saw becomes an alert: buttons, sensors, the state of cameras.
//!
//! Owns the way to the office. It is a lane of its own, so that a call for help waits for no picture.

use tokio::sync::{mpsc, oneshot};

use crate::{
    alert::{Change, Occurrence},
    store::Refused,
};

/// What happened and waits for the office; then those who tell it wait.
const WAITING_MAX: usize = 64;

/// The way to the office. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Happenings(mpsc::Sender<Happening>);

/// What happened, and who waits until it is promised.
#[derive(Debug)]
pub(super) struct Happening {
    /// Begins, goes on with news, ends.
    pub(super) change: Change,
    /// As of now.
    pub(super) occurrence: Occurrence,
    /// Told once it is promised.
    pub(super) promised: oneshot::Sender<Result<(), Refused>>,
}

/// A way to the office, and its end.
pub(super) fn happenings() -> (Happenings, mpsc::Receiver<Happening>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (Happenings(sender), receiver)
}

impl Happenings {
    /// Returns once the alert that this leads to is promised: durable, all or nothing. What is updated or ended and was never raised, or is over, leads to nothing.
    /// Waits for as long as the disk is full. Dropped, it may still be done.
    pub async fn tell(&self, change: Change, occurrence: Occurrence) -> Result<(), Refused> {
        let (promised, answer) = oneshot::channel();
        let happening = Happening { change, occurrence, promised };
        self.0.send(happening).await.map_err(|_| Refused::Stopped)?;
        answer.await.unwrap_or(Err(Refused::Stopped))
    }
}
