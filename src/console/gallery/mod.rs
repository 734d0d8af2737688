//! Pictures of cameras: what each sees just now, and what one that is lost has last seen.
//!
//! ```text
//! who asks ─▶ Gallery ─ made within 5 s? ─▶ Shelf (memory)
//!                │ no: Feeds::newest_key ─▶ Darkroom (one at a time) ─▶ Shelf
//!                └ the camera is away: Shelf, or Album (disk) ◀─ keep(): one of each camera now and then
//! ```
//! Owns when a picture is made anew and which one is shown. Opens no connection to a camera, and holds up neither its lane nor its recording. Who may see
//! it, and that it is written down, is for whoever lets people ask.

mod album;
mod darkroom;
mod rounds;
mod shelf;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, Semaphore},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{album::Album, darkroom::Darkroom, rounds::Rounds, shelf::Shelf};
pub use self::{darkroom::Undeveloped, shelf::Print};
use crate::{
    alert::snapshot::WIDTH_MAX,
    camera::AccessUnit,
    config::{Camera, Config, RecordWhen},
    decode::Backend,
    geometry::Polygon,
    id::CameraId,
    record::live::{Feeds, Pick},
    time::{Clock, Mono, Wall},
    zones::Cameras,
};

/// A picture that was made so lately is shown to whoever asks.
const FRESH: Duration = Duration::from_secs(5);
/// Who asks waits so long for a camera's key picture; then he sees the last one that was made.
const KEY_WITHIN: Duration = Duration::from_secs(4);
/// The round waits so long: there are cameras that send a key picture each ten seconds.
const KEY_WITHIN_ROUND: Duration = Duration::from_secs(12);
/// Questions that wait at once.
const ASKING_MAX: usize = 64;
/// Bytes of pictures in memory.
const SHELF_BYTES: usize = 24 << 20;
/// Width of what is kept on the disk, pixels.
const KEPT_WIDTH: u32 = 640;
/// The round makes one picture in so long.
const PACE: Duration = Duration::from_secs(1);

/// How wide a picture is at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// 160 pixels.
    Tiny,
    /// 320 pixels.
    Small,
    /// 640 pixels.
    Middle,
    /// As it is, [`WIDTH_MAX`] pixels at most.
    Full,
}

impl Width {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Tiny, Self::Small, Self::Middle, Self::Full];

    /// As in questions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiny => "160",
            Self::Small => "320",
            Self::Middle => "640",
            Self::Full => "full",
        }
    }

    fn pixels(self) -> u32 {
        match self {
            Self::Tiny => 160,
            Self::Small => 320,
            Self::Middle => KEPT_WIDTH,
            Self::Full => WIDTH_MAX,
        }
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoPicture {
    /// The configuration has no such camera.
    #[error("there is no camera {0}")]
    Unknown(CameraId),
    /// None was ever made, or it is not kept any more.
    #[error("{0}: there is no picture of this camera yet")]
    Never(CameraId),
    /// It could not be made.
    #[error(transparent)]
    Undeveloped(#[from] Undeveloped),
}

/// What a picture is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Of {
    /// What a camera sees, by the name of its file, which says with which masks.
    Newest(String, Width),
    /// A moment of its recording, likewise.
    Moment(String, Wall, Width),
}

/// The pictures of a station's cameras.
pub struct Gallery {
    feeds: Feeds,
    clock: Clock,
    darkroom: Darkroom,
    album: Arc<Album>,
    places: BTreeMap<CameraId, Place>,
    /// Which masks are in force.
    drawn: Arc<Cameras>,
    asking: Semaphore,
    /// Held to look and to put, never across an await.
    shelf: Mutex<Shelf<Of>>,
}

/// What is known of one camera's pictures.
struct Place {
    camera: Arc<Camera>,
    /// When the newest one was taken. Held to look and to write, never across an await.
    newest: Mutex<Option<Wall>>,
    /// When it was last seen to be the newest, by width. Who makes one holds it, so that those who ask for the same one wait for it.
    seen: Turn<BTreeMap<Width, Mono>>,
}

impl Place {
    fn newest(&self) -> Option<Wall> {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_newest(&self, taken: Option<Wall>) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = taken.max(*newest).filter(|_| taken.is_some());
    }

    /// Whether its picture is kept on the disk: as its recordings, which are not made of a camera whose owner does not want them.
    fn is_kept(&self, now: Wall) -> bool {
        let record = &self.camera.record;
        record.when != RecordWhen::Off && record.until.is_none_or(|until| now < until)
    }

    /// Whether a picture is so old that it has served its purpose.
    fn is_over(&self, taken: Wall, now: Wall) -> bool {
        taken.after(self.camera.record.keep_max) <= now
    }
}

impl Gallery {
    /// Of a station. Reads which pictures lie on the disk, and deletes those that nobody may see any more. Blocks.
    pub fn open(config: &Config, drawn: Arc<Cameras>, feeds: Feeds, backend: Backend, clock: Clock) -> Self {
        let album = Arc::new(Album::new(config.paths.data.join("pictures")));
        let named = config.cameras.iter().map(|camera| (camera, album::name(&camera.id, &camera.masks)));
        let named: Vec<_> = named.collect();
        let names: Vec<String> = named.iter().map(|(_, file)| file.clone()).collect();
        let found = album.open(&names).unwrap_or_else(|error| {
            tracing::warn!(folder = %album.folder().display(), %error, "the last pictures of cameras cannot be kept");
            BTreeMap::new()
        });
        let places = named.into_iter().map(|(camera, file)| {
            let place = Place {
                camera: Arc::clone(camera),
                newest: Mutex::new(found.get(&file).copied()),
                seen: Turn::default(),
            };
            (camera.id.clone(), place)
        });
        Self {
            places: places.collect(),
            darkroom: Darkroom::new(backend),
            asking: Semaphore::new(ASKING_MAX),
            shelf: Mutex::new(Shelf::new(SHELF_BYTES)),
            drawn,
            feeds,
            clock,
            album,
        }
    }

    /// The masks that are in force, and the name of a picture that is made with them.
    fn face(&self, camera: &Camera) -> (Vec<Polygon>, String) {
        let masks =
            self.drawn.get(&camera.id).map_or_else(|| camera.masks.clone(), |drawn| drawn.masks.clone());
        let file = album::name(&camera.id, &masks);
        (masks, file)
    }

    /// When the newest picture of a camera was taken.
    pub fn taken_at(&self, camera: &CameraId) -> Option<Wall> {
        self.places.get(camera)?.newest()
    }

    /// What a camera sees; where it is away, what it has last seen.
    ///
    /// # Errors
    /// See [`NoPicture`].
    pub async fn newest(&self, camera: &CameraId, width: Width) -> Result<Arc<Print>, NoPicture> {
        let place = self.places.get(camera).ok_or_else(|| NoPicture::Unknown(camera.clone()))?;
        let of = Of::Newest(self.face(&place.camera).1, width);
        let _asking = self.asking.try_acquire().map_err(|_| Undeveloped::Busy)?;
        let mut seen = place.seen.lock().await;
        let known = self.on_shelf(&of);
        let is_fresh = seen.get(&width).is_some_and(|at| self.clock.now().mono.since(*at) < FRESH);
        if let Some(known) = known.clone().filter(|_| is_fresh) {
            return Ok(known);
        }
        let pick = if width == Width::Full { Pick::Best } else { Pick::Smallest };
        let key = timeout(KEY_WITHIN, self.feeds.newest_key(camera, pick)).await;
        let made = match key {
            Ok(Ok(unit)) => match known.filter(|known| known.taken == unit.arrived.wall) {
                Some(known) => Ok(known),
                None => self.develop(place, unit, width.pixels()).await,
            },
            Ok(Err(_)) | Err(_) => return self.last(place).await,
        };
        let print = match made {
            Ok(print) => print,
            Err(Undeveloped::Busy) => return Err(Undeveloped::Busy.into()),
            // One key picture that nobody can decode is no reason to show nothing.
            Err(why) => return self.last(place).await.map_err(|_| why.into()),
        };
        seen.insert(width, self.clock.now().mono);
        self.put(of, &print);
        Ok(print)
    }

    /// A key picture of a camera's recording.
    ///
    /// # Errors
    /// See [`Undeveloped`].
    pub async fn moment(
        &self,
        camera: &CameraId,
        masks: Vec<Polygon>,
        unit: AccessUnit,
        width: Width,
    ) -> Result<Arc<Print>, Undeveloped> {
        let of = Of::Moment(album::name(camera, &masks), unit.arrived.wall, width);
        if let Some(known) = self.on_shelf(&of) {
            return Ok(known);
        }
        let taken = unit.arrived.wall;
        let jpeg = self.darkroom.develop(unit, masks.into(), width.pixels()).await?;
        let print = Arc::new(Print { taken, jpeg });
        self.put(of, &print);
        Ok(print)
    }

    /// Makes a picture of each camera now and then, so that there is one of a camera that is lost. Until `stop`.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let places: Vec<&Place> = self.places.values().filter(|place| !place.camera.maintenance).collect();
        let mut rounds = Rounds::new(places.len(), self.clock.now().mono);
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_failing = false;
        let rounds = async {
            loop {
                pace.tick().await;
                while let Some(number) = rounds.next(self.clock.now().mono) {
                    let turn = self.renew(places[number], &mut is_failing).await;
                    rounds.done(number, turn, self.clock.now().mono);
                    if turn == rounds::Turn::Made {
                        break;
                    }
                }
            }
        };
        stop.run_until_cancelled(rounds).await;
    }

    async fn renew(&self, place: &Place, is_failing: &mut bool) -> rounds::Turn {
        let now = self.clock.now().wall;
        if place.newest().is_some_and(|taken| place.is_over(taken, now)) || !place.is_kept(now) {
            self.forget(place).await;
        }
        if !place.is_kept(now) {
            return rounds::Turn::Failed;
        }
        let key = self.feeds.newest_key(&place.camera.id, Pick::Smallest);
        let Ok(Ok(unit)) = timeout(KEY_WITHIN_ROUND, key).await else { return rounds::Turn::Failed };
        let Ok(print) = self.develop(place, unit, KEPT_WIDTH).await else { return rounds::Turn::Failed };
        let file = self.face(&place.camera).1;
        let kept = self.on_disk(move |album| album.put(&file, &print)).await;
        if kept.is_err() != std::mem::replace(is_failing, kept.is_err())
            && let Err(error) = kept
        {
            tracing::warn!(folder = %self.album.folder().display(), %error, "the last pictures of cameras cannot be kept");
        }
        // Where the disk takes none, it is made again no sooner.
        rounds::Turn::Made
    }

    async fn develop(&self, place: &Place, unit: AccessUnit, pixels: u32) -> Result<Arc<Print>, Undeveloped> {
        let taken = unit.arrived.wall;
        let jpeg = self.darkroom.develop(unit, self.face(&place.camera).0.into(), pixels).await?;
        place.is_newest(Some(taken));
        Ok(Arc::new(Print { taken, jpeg }))
    }

    /// The newest of all that were made of a camera, unless it is too old.
    async fn last(&self, place: &Place) -> Result<Arc<Print>, NoPicture> {
        let (id, file) = (&place.camera.id, self.face(&place.camera).1);
        let of_file = file.clone();
        let on_disk = self.on_disk(move |album| album.get(&of_file)).await;
        let on_disk = on_disk.unwrap_or_else(|error| {
            tracing::warn!(camera = %id, %error, "the camera's last picture cannot be read");
            None
        });
        let now = self.clock.now().wall;
        let in_memory =
            Width::ALL.into_iter().filter_map(|width| self.on_shelf(&Of::Newest(file.clone(), width)));
        let all = in_memory.chain(on_disk.map(Arc::new)).filter(|print| !place.is_over(print.taken, now));
        // Of those of one moment the last one, from the disk or the widest.
        all.max_by_key(|print| print.taken).ok_or_else(|| NoPicture::Never(id.clone()))
    }

    async fn forget(&self, place: &Place) {
        let file = self.face(&place.camera).1;
        match self.on_disk(move |album| album.remove(&file)).await {
            Ok(()) => place.is_newest(None),
            Err(error) => tracing::warn!(camera = %place.camera.id, %error, "a picture cannot be deleted"),
        }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Album) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let album = Arc::clone(&self.album);
        tokio::task::spawn_blocking(move || act(&album)).await.map_err(io::Error::other)?
    }

    fn on_shelf(&self, of: &Of) -> Option<Arc<Print>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).get(of)
    }

    fn put(&self, of: Of, print: &Arc<Print>) {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).put(of, Arc::clone(print));
    }
}
