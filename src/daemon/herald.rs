//! The herald: tells the page and the broker how cameras are, and the page how broker and store are.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use crate::{
    camera::Health,
    console::Board,
    metrics::Metrics,
    mqtt::{payload::HealthData, wire::Writer},
    store::{Condition, Message},
    time::Clock,
};

/// How often the page is told whether the broker is there.
const BROKER_EVERY: Duration = Duration::from_secs(1);

/// Tells how things are.
pub(super) struct Herald {
    pub(super) writer: Writer,
    pub(super) board: Arc<Board>,
    /// To the courier, who keeps the newest word on each topic.
    pub(super) live: mpsc::Sender<Message>,
    /// To the lookout.
    pub(super) states: mpsc::Sender<Health>,
    /// How the store is.
    pub(super) store: watch::Receiver<Condition>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
}

impl Herald {
    /// Works until every lane is gone.
    pub(super) async fn run(mut self, mut health: mpsc::Receiver<Health>) {
        let mut broker = tokio::time::interval(BROKER_EVERY);
        let mut connected = None;
        loop {
            tokio::select! {
                biased;
                told = health.recv() => match told {
                    Some(health) => self.tell(&health).await,
                    None => break,
                },
                Ok(()) = self.store.changed() => {
                    let trouble = match &*self.store.borrow_and_update() {
                        Condition::Well => None,
                        Condition::Full(why) | Condition::Failing(why) => Some(why.clone()),
                    };
                    self.board.store(trouble);
                }
                _ = broker.tick() => {
                    let is = self.metrics.broker_connected.get() != 0;
                    if connected.replace(is) != Some(is) {
                        self.board.broker(is);
                    }
                }
            }
        }
    }

    async fn tell(&mut self, health: &Health) {
        // Where there is no room, it is heard when it is said again, within a minute.
        let _ = self.states.try_send(health.clone());
        let data = HealthData::from(health);
        let message = self.writer.health(self.clock.now().wall, &data);
        self.board.camera(data);
        // The courier takes live words whether or not the broker is there; where it is gone, so are we soon.
        let _ = self.live.send(message).await;
    }
}
