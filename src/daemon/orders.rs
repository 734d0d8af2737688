//! Where people's wishes enter: whoever hears a command, over MQTT or HTTP, gives it here and has the answer.
//!
//! Owns the way to the office and nothing of what a command does.

use tokio::sync::{mpsc, oneshot};

use crate::{
    alert::life::{Command, NotDone},
    mqtt::payload::AnswerData,
};

/// Commands that wait for the office; then those who give them wait.
const WAITING_MAX: usize = 64;

/// The way to the office. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Orders(mpsc::Sender<Order>);

/// A command, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Order {
    /// What is wanted.
    pub(super) command: Command,
    /// Where the answer goes.
    pub(super) answer: oneshot::Sender<AnswerData>,
}

/// A way to the office, and its end.
pub(super) fn orders() -> (Orders, mpsc::Receiver<Order>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (Orders(sender), receiver)
}

impl Orders {
    /// Returns once what was wanted is durable, or was refused. `expired` where the daemon stops: nothing was done, or it is not known, and the same
    /// command with the same id may be given again. Waits for as long as the disk is full: give it a time limit. Dropped, it may still be done.
    pub async fn give(&self, command: Command) -> AnswerData {
        let id = command.id;
        let (answer, answered) = oneshot::channel();
        let stopped = || {
            let why = "the station is stopping; say it again with the same id".to_owned();
            AnswerData::refused(id, &NotDone::Expired(why))
        };
        match self.0.send(Order { command, answer }).await {
            Ok(()) => answered.await.unwrap_or_else(|_| stopped()),
            Err(_) => stopped(),
        }
    }
}
