//! The indexer: puts clips into the index, finds those that a kill kept out of it, and lets go of those that are too old.
//!
//! Owns the agreement of the index with the seen log. The log is the truth: what is not in the index is put there from it, and an index that is lost is made anew
//! of it. No clip is promised to be found before it is in the log.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    archive::{Catalog, Hold},
    clip::Clip,
    config::Config,
    id::CameraId,
    index::{Librarian, Question, Unanswered},
    record::seen,
    time::{Clock, Trust, Wall},
};

/// Clips that are put into the index at once.
const TAKE_MAX: usize = 1000;
/// How long an index that cannot be written waits for the next try.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How often clips beyond their time are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How often a rebuilding tells how far it is.
const TELL_EVERY: usize = 200;

/// Keeps the index.
pub(super) struct Indexer {
    pub(super) index: Librarian,
    pub(super) catalog: Catalog,
    pub(super) config: Arc<Config>,
    pub(super) clock: Clock,
    /// Whether civil time can be believed: nothing is removed for its age otherwise.
    pub(super) trust: watch::Receiver<Trust>,
}

impl Indexer {
    /// Catches up, then works until nobody brings clips any more.
    pub(super) async fn run(self, mut clips: mpsc::Receiver<Clip>) {
        if let Err(error) = self.catch_up().await {
            tracing::error!(%error, "the index of clips could not be compared with what lies on the disks; the next start does it");
        }
        let mut sweep = interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(TAKE_MAX);
        loop {
            tokio::select! {
                biased;
                count = clips.recv_many(&mut taken, TAKE_MAX) => {
                    if count == 0 || self.insert(std::mem::take(&mut taken)).await.is_err() {
                        return;
                    }
                }
                _ = sweep.tick() => self.sweep().await,
            }
        }
    }

    /// Puts clips into the index, however long that takes; an error where it has stopped.
    async fn insert(&self, clips: Vec<Clip>) -> Result<(), Unanswered> {
        loop {
            match self.index.insert(clips.clone()).await {
                Ok(_) => return Ok(()),
                Err(Unanswered::Stopped) => return Err(Unanswered::Stopped),
                Err(error) => {
                    tracing::warn!(%error, clips = clips.len(), "clips cannot be put into the index; it is tried again");
                    sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    /// Puts into the index what is in the logs and not in it: from the day of its newest clip on, or from the beginning where it is empty.
    async fn catch_up(&self) -> Result<(), Unanswered> {
        let newest = Question { limit: 1, ..Question::default() };
        let since = seen::lacking_since(self.index.find(newest).await?.clips.first().map(|clip| clip.from));
        let config = Arc::clone(&self.config);
        let logs = spawn_blocking(move || seen::logs(&config, since)).await.unwrap_or_default();
        let (before, count) = (self.index.count().await?, logs.len());
        for (number, log) in logs.into_iter().enumerate() {
            if count > TELL_EVERY && number % TELL_EVERY == 0 {
                tracing::info!(
                    "the index of clips is made from the logs beside the recordings: {number} of {count}"
                );
            }
            let clips = spawn_blocking(move || read(&log)).await.unwrap_or_default();
            for some in clips.chunks(TAKE_MAX) {
                self.insert(some.to_vec()).await?;
            }
        }
        let found = self.index.count().await?.saturating_sub(before);
        if found > 0 {
            tracing::info!(clips = found, "clips that were not in the index were put there");
        }
        Ok(())
    }

    /// Removes clips whose recordings have served their purpose. Those of a camera of which something is held stay.
    async fn sweep(&self) {
        if *self.trust.borrow() != Trust::Believed {
            return;
        }
        let Ok(holds) = self.catalog.holds().await else { return };
        let now = self.clock.now().wall.unix_us();
        let mut by_age: BTreeMap<i64, Vec<CameraId>> = BTreeMap::new();
        for camera in &self.config.cameras {
            let is_held = |hold: &Hold| hold.release.is_none() && hold.what.camera == camera.id;
            if !holds.iter().any(is_held) {
                let age = i64::try_from(camera.record.keep_max.as_micros()).unwrap_or(i64::MAX);
                by_age.entry(age).or_default().push(camera.id.clone());
            }
        }
        for (age, cameras) in by_age {
            match self.index.remove_before(cameras, Wall::from_unix_us(now.saturating_sub(age))).await {
                Ok(0) => {}
                Ok(clips) => tracing::info!(clips, "clips have served their purpose and left the index"),
                Err(error) => {
                    tracing::warn!(%error, "old clips could not be removed from the index; it is tried again in an hour");
                    return;
                }
            }
        }
    }
}

/// The clips of a log. What is damaged in it is passed over, and said.
fn read(log: &seen::Log) -> Vec<Clip> {
    let path = log.path.display();
    match seen::clips(log) {
        Ok((clips, damaged)) => {
            for damage in damaged {
                tracing::warn!(%path, %damage, "a part of a log of what was seen is damaged");
            }
            clips
        }
        Err(error) => {
            tracing::error!(%path, %error, "a log of what was seen cannot be read");
            Vec::new()
        }
    }
}
