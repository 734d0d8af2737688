//! The lookout: what the herald hears of cameras, through the watchman to the office.
//!
//! Owns the task and its time. When a state is an alert is the watchman's.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::teller::Errand;
use crate::{
    alert::Ongoing,
    camera::Health,
    time::Clock,
    watchman::{Told, Watchman},
};

/// How often time is looked at.
const TICK: Duration = Duration::from_secs(1);

/// Watches over the cameras' states.
pub(super) struct Lookout {
    pub(super) watchman: Watchman,
    pub(super) clock: Clock,
    /// To the office.
    pub(super) errands: mpsc::Sender<Errand>,
}

impl Lookout {
    /// Works until nobody tells of cameras any more. What is open then goes on with the next start.
    pub(super) async fn run(mut self, ongoing: Vec<Ongoing>, mut health: mpsc::Receiver<Health>) {
        let mut told = Told::new();
        self.watchman.resume(self.clock.now(), ongoing, &mut told);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if !told.is_empty() {
                // A store that is stuck holds us up here; what cameras say meanwhile, they say again.
                let errand = Errand { told: std::mem::take(&mut told), done: Box::new(drop) };
                if self.errands.send(errand).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                biased;
                heard = health.recv() => match heard {
                    Some(health) => self.watchman.hear(self.clock.now(), &health, &mut told),
                    None => return,
                },
                _ = tick.tick() => self.watchman.tick(self.clock.now(), &mut told),
            }
        }
    }
}
