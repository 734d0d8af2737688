//! Who may watch which stream, and the way from a lane to each of them.
//!
//! Owns how many viewers there are, and what is said where a stream cannot be watched. A viewer never opens a connection to a camera: what is not read
//! for analysis or recording cannot be watched.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::{
    projector::{By, Projector, Shown},
    reel::{More, Next, Reel, Standing},
    sights::{Sight, Sighted, Sights},
};
use crate::{
    camera::{AccessUnit, StreamEvent},
    config::{Camera, StreamRole},
    id::{CameraId, StationId},
    metrics::Metrics,
};

/// Viewers of one stream.
const VIEWERS_OF_ONE_MAX: usize = 16;
/// Viewers of all of them: a wall of 64 pictures for four people.
const VIEWERS_MAX: usize = 256;
/// Taken from a reel at once, bytes: so much a viewer holds beside it.
const BATCH_BYTES: usize = 512 << 10;

/// Where a lane puts what its stream says, for whoever watches.
#[derive(Debug)]
pub struct Feed {
    reel: Arc<watch::Sender<Reel>>,
    /// Whether units are handed over: somebody watched when the last one came.
    is_watched: bool,
}

impl Feed {
    /// What the stream says. `group` gives what is in memory from the newest key picture on, up to the unit before this one, or nothing. It is asked only
    /// when somebody begins to watch; while nobody does, a unit costs one atomic load.
    pub fn hear(&mut self, event: &StreamEvent, group: impl FnOnce() -> Vec<AccessUnit>) {
        match event {
            StreamEvent::Playing(info) | StreamEvent::Changed(info) => {
                self.change(|reel| reel.play(info.clone()));
            }
            StreamEvent::Ended(ending) => self.change(|reel| reel.end(ending.to_string())),
            StreamEvent::Unit(_) if self.reel.receiver_count() == 0 => {
                if std::mem::take(&mut self.is_watched) {
                    self.change(|_| {});
                }
            }
            StreamEvent::Unit(unit) => {
                let is_first = !std::mem::replace(&mut self.is_watched, true);
                let before = if is_first && !unit.is_key { group() } else { Vec::new() };
                self.reel.send_modify(|reel| {
                    before.into_iter().for_each(|unit| reel.picture(unit));
                    reel.picture(unit.clone());
                });
            }
            StreamEvent::Audio(unit) if self.is_watched => {
                self.reel.send_modify(|reel| reel.sound(unit.clone()));
            }
            StreamEvent::Audio(_) => {}
        }
    }

    /// Changes what viewers read; where there are none, nothing is kept of it.
    fn change(&self, change: impl FnOnce(&mut Reel)) {
        self.reel.send_modify(|reel| {
            change(reel);
            // Asked while the reel is ours: who sits down now reads it after this.
            if self.reel.receiver_count() == 0 {
                reel.clear();
            }
        });
    }
}

/// Every stream that is read, for whoever wants to watch one.
#[derive(Debug, Clone)]
pub struct Feeds(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    station: StationId,
    /// Of each camera, the best one first; of one that is out of service none.
    streams: BTreeMap<CameraId, Vec<Stream>>,
    /// What is followed, of each camera.
    sights: BTreeMap<CameraId, Sights>,
    seats: Arc<Semaphore>,
    metrics: Metrics,
}

#[derive(Debug)]
pub(super) struct Stream {
    /// Each name that its camera has for it.
    pub(super) roles: Vec<StreamRole>,
    pub(super) reel: Arc<watch::Sender<Reel>>,
    seats: Arc<Semaphore>,
}

/// Why a stream cannot be watched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoView {
    /// The configuration has no such camera.
    #[error("there is no camera {0}")]
    Unknown(CameraId),
    /// It is connected to, and not by this stream.
    #[error(
        "{camera}: its {asked} stream is not read, and watching opens no connection of its own; ask for stream={read}"
    )]
    NotRead {
        /// Which camera.
        camera: CameraId,
        /// As asked.
        asked: &'static str,
        /// What is read of it.
        read: &'static str,
    },
    /// Nothing of it is read.
    #[error("{0}: nothing is read of this camera, it is out of service")]
    OutOfService(CameraId),
    /// There are too many viewers.
    #[error("{viewers} people watch {what} already; close one of their pictures and ask again")]
    Full {
        /// How many.
        viewers: usize,
        /// This stream, or all.
        what: &'static str,
    },
}

impl Feeds {
    /// For a station's cameras, each with the roles of the streams that are read of it. Hands out what each of these is fed by, in the same order.
    pub fn new<'c>(
        station: StationId,
        cameras: impl IntoIterator<Item = (&'c Camera, Vec<StreamRole>)>,
        metrics: Metrics,
    ) -> (Self, Vec<Vec<Feed>>) {
        let (mut streams, mut sights, mut feeds) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (camera, read) in cameras {
            let mut of_camera: Vec<Stream> = read.into_iter().map(|role| Stream::new(camera, role)).collect();
            let feed = |stream: &Stream| Feed { reel: Arc::clone(&stream.reel), is_watched: false };
            feeds.push(of_camera.iter().map(feed).collect());
            of_camera.sort_by_key(|stream| stream.roles[0]);
            of_camera.retain(|_| !camera.maintenance);
            streams.insert(camera.id.clone(), of_camera);
            sights.insert(camera.id.clone(), Sights::default());
        }
        let seats = Arc::new(Semaphore::new(VIEWERS_MAX));
        (Self(Arc::new(Inner { station, streams, sights, seats, metrics })), feeds)
    }

    /// A seat before a stream, or before the best one there is.
    ///
    /// # Errors
    /// See [`NoView`].
    pub fn watch(&self, camera: &CameraId, role: Option<StreamRole>) -> Result<Viewer, NoView> {
        let Inner { station, seats, metrics, .. } = &*self.0;
        let streams = self.streams(camera)?;
        let best = streams.first().ok_or_else(|| NoView::OutOfService(camera.clone()))?;
        let stream = match role {
            None => best,
            Some(role) => {
                let stream = streams.iter().find(|stream| stream.roles.contains(&role));
                stream.ok_or_else(|| NoView::NotRead {
                    camera: camera.clone(),
                    asked: word(role),
                    read: word(best.roles[0]),
                })?
            }
        };
        let take = |seats: &Arc<Semaphore>, viewers, what| {
            Arc::clone(seats).try_acquire_owned().map_err(|_| NoView::Full { viewers, what })
        };
        let one = take(&stream.seats, VIEWERS_OF_ONE_MAX, "this camera")?;
        let all = take(seats, VIEWERS_MAX, "this station")?;
        let mut reel = stream.reel.subscribe();
        let (standing, next) = reel.borrow_and_update().begin();
        metrics.live_viewers.inc();
        Ok(Viewer {
            roles: stream.roles.clone(),
            reel,
            next,
            standing: Some(standing),
            projector: Projector::new(station.clone(), camera.clone()),
            metrics: metrics.clone(),
            _seats: [one, all],
        })
    }

    /// Where a camera's lane puts what it follows.
    pub fn sights(&self, camera: &CameraId) -> Sights {
        self.0.sights.get(camera).cloned().unwrap_or_default()
    }

    /// What is followed on a camera, from now on.
    pub fn sighted(&self, camera: &CameraId) -> Sighted {
        self.sights(camera).listen()
    }

    pub(super) fn streams(&self, camera: &CameraId) -> Result<&[Stream], NoView> {
        let streams = self.0.streams.get(camera).ok_or_else(|| NoView::Unknown(camera.clone()))?;
        Ok(streams)
    }
}

impl Stream {
    fn new(camera: &Camera, role: StreamRole) -> Self {
        let names = [StreamRole::Main, StreamRole::Sub];
        Self {
            roles: names.into_iter().filter(|name| camera.url(*name) == camera.url(role)).collect(),
            reel: Arc::new(watch::Sender::new(Reel::new("the camera has not been reached yet"))),
            seats: Arc::new(Semaphore::new(VIEWERS_OF_ONE_MAX)),
        }
    }
}

/// As written in questions and answers.
fn word(role: StreamRole) -> &'static str {
    match role {
        StreamRole::Main => "main",
        StreamRole::Sub => "sub",
    }
}

/// Somebody who watches a stream. Holds a seat.
#[derive(Debug)]
pub struct Viewer {
    /// Each name of the stream that it watches.
    roles: Vec<StreamRole>,
    reel: watch::Receiver<Reel>,
    /// Number of what it reads next.
    next: u64,
    /// How the stream was when it sat down, until that is told.
    standing: Option<Standing>,
    projector: Projector,
    metrics: Metrics,
    _seats: [OwnedSemaphorePermit; 2],
}

impl Viewer {
    /// Which stream it watches.
    pub fn role(&self) -> StreamRole {
        self.roles[0]
    }

    /// Where the picture of a sight lies in the viewer's time: exactly, where it is of the stream that he watches; else by when pictures arrived. `None`
    /// where it is from before what he watches.
    pub fn moment(&self, sight: &Sight) -> Option<Duration> {
        let by = if self.roles.contains(&sight.role) { By::Media } else { By::Arrival };
        self.projector.moment(sight, by)
    }

    /// What comes next: not empty, and `None` once nothing can come any more. Waits for the stream, which never waits for this. Cancel safe.
    pub async fn next(&mut self) -> Option<Vec<Shown>> {
        let mut shown = Vec::new();
        if let Some(standing) = self.standing.take() {
            self.projector.resume(standing, &mut shown);
        }
        loop {
            self.read(&mut shown);
            if !shown.is_empty() {
                return Some(shown);
            }
            self.reel.changed().await.ok()?;
        }
    }

    /// Takes what there is, as far as it is not too much at once.
    fn read(&mut self, shown: &mut Vec<Shown>) {
        loop {
            let next = self.reel.borrow_and_update().since(&mut self.next, BATCH_BYTES);
            match next {
                Next::Skipped(standing) => {
                    self.metrics.live_skips.inc();
                    shown.push(Shown::Skipped);
                    self.projector.resume(standing, shown);
                }
                Next::Items(items, more) => {
                    items.into_iter().for_each(|item| self.projector.take(item, shown));
                    if more == More::No {
                        self.projector.flush(shown);
                    }
                    if more == More::No || !shown.is_empty() {
                        return;
                    }
                }
            }
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.metrics.live_viewers.dec();
    }
}
