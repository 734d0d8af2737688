//! Recordings: who writes them, and who hears of them.
//!
//! Owns how a camera's recorder is put together, and that what recorders tell is taken from them. What is recorded is `record`'s.

use std::{collections::BTreeMap, io, sync::Arc};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{self, Archive, Entry, Pressure},
    camera::{Limits, Pace},
    config::{Camera, Config},
    id::{CameraId, Mint},
    lane::{self, Filming, Heard, Link, Wish, Wishes},
    metrics::Metrics,
    record::{Deck, News, Surroundings, Writers, live::Feed},
    time::{Clock, Wall},
};

/// News of all recorders that wait to be taken; then they wait with their recorders.
const NEWS_MAX: usize = 1024;

/// The writers, and what recorders are made of.
pub(super) struct Recordings {
    pub(super) writers: Writers,
    around: Surroundings,
    limits: Limits,
    pace: Pace,
    films: BTreeMap<CameraId, watch::Sender<Wishes>>,
}

/// How others than a camera's lane have it recorded.
pub(super) struct Films(BTreeMap<CameraId, watch::Sender<Wishes>>);

impl Films {
    /// Heard by whoever records it, at its next turn. Never waits; the newest wishes are kept.
    pub(super) fn wish(&self, camera: &CameraId, wish: Wish) {
        if let Some(wishes) = self.0.get(camera) {
            wishes.send_modify(|wishes| wishes.push(wish));
        }
    }
}

/// A connection for a recording alone, to be run beside the lanes.
pub(super) type Own = futures::future::BoxFuture<'static, ()>;

impl Recordings {
    /// Starts the writers.
    pub(super) fn start(
        config: &Config,
        clock: Clock,
        limits: Limits,
        pace: Pace,
        metrics: &Metrics,
    ) -> io::Result<(Self, mpsc::Receiver<News>)> {
        let writers = Writers::start(config, metrics)?;
        let (news, told) = mpsc::channel(NEWS_MAX);
        let around = Surroundings {
            clock,
            station: config.station.id.clone(),
            recording: config.recording,
            news,
            metrics: metrics.clone(),
        };
        Ok((Self { writers, around, limits, pace, films: BTreeMap::new() }, told))
    }

    /// Tells each writer how full its volume is, until `stop`.
    pub(super) fn heed(&self, archive: &Archive, stop: &CancellationToken) {
        for (volume, writer) in self.writers.iter() {
            let Some(mut pressure) = archive.pressure(volume) else { continue };
            let valve = writer.valve();
            let heed = async move {
                loop {
                    valve.press(match *pressure.borrow_and_update() {
                        Pressure::Fine | Pressure::Short => 1,
                        Pressure::Full { below } => below,
                    });
                    if pressure.changed().await.is_err() {
                        return;
                    }
                }
            };
            tokio::spawn(stop.clone().run_until_cancelled_owned(heed));
        }
    }

    /// A camera's recording, which explains its time from `start` on: beside its lane, or over a connection of its own, which has a `feed` for those who
    /// watch it.
    pub(super) fn of(
        &mut self,
        camera: &Arc<Camera>,
        start: Wall,
        feed: Option<Feed>,
        stop: CancellationToken,
    ) -> (Filming, Option<Own>) {
        let pen = self.writers.pen(camera);
        let deck = Deck::new(Arc::clone(camera), pen, self.around.clone(), start);
        let (wishes, heard) = watch::channel(Wishes::default());
        let heard = Heard::new(heard);
        self.films.insert(camera.id.clone(), wishes.clone());
        let Some(feed) = feed else {
            return (Filming::Here { deck: Box::new(deck), others: heard }, None);
        };
        let link = Link {
            clock: self.around.clock,
            limits: self.limits,
            pace: self.pace.clone(),
            mint: Mint::from_os(),
            metrics: self.around.metrics.of(&camera.id),
            feed,
        };
        let own = lane::record(Arc::clone(camera), deck, heard, link, stop);
        (Filming::Elsewhere(wishes), Some(Box::pin(own)))
    }

    /// The way to whoever records each camera of which [`Self::of`] was asked.
    pub(super) fn films(&mut self) -> Films {
        Films(std::mem::take(&mut self.films))
    }
}

/// Hands what recorders tell to the archive, until the last of them has ended.
pub(super) async fn hear(mut told: mpsc::Receiver<News>, archive: archive::Sender) {
    while let Some(news) = told.recv().await {
        let entry = match news {
            News::Segment(segment) => Entry::Segment(segment),
            News::Gap(gap) => Entry::Gap(gap),
            News::Ready(ready) => {
                tracing::debug!(
                    camera = %ready.camera, alert = %ready.alert, from = %ready.from, to = %ready.to, "an alert's recording is whole"
                );
                continue;
            }
        };
        if archive.send(entry).await.is_err() {
            tracing::error!(
                "the archive has stopped; the next start finds what was recorded since on the disks"
            );
            return;
        }
    }
}
