//! The chronicler: keeps what passed and what was raised in the seen log, and hands clips to whoever indexes them.
//!
//! Owns what waits for the disk, and how much of it. No lane waits for it: what does not fit is dropped and counted. A disk that is full is said once,
//! and tried again; a clip is handed on when it is in the log, from which an index can be made anew.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    panic,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task,
    time::{MissedTickBehavior, interval},
};

use crate::{
    clip::Clip,
    config::{Camera, Config, EntryPoint},
    detect::Model,
    id::CameraId,
    lane::Told,
    metrics::Metrics,
    record::seen::{InForce, Record, SeenError, Writer},
    time::Wall,
};

/// How often what was written is made durable, and what waits is tried again.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Records that wait for a disk; beyond it the oldest go. Some ten minutes of a large fleet, in some megabytes.
const WAITING_MAX: usize = 4096;
/// What is taken from the lanes at once.
const TAKE_MAX: usize = 256;

/// Keeps the seen log.
pub(super) struct Chronicler {
    places: BTreeMap<CameraId, (Arc<Camera>, EntryPoint)>,
    in_force: Judges,
    /// Here, or on a thread that writes.
    writer: Option<Writer>,
    waiting: VecDeque<Record>,
    /// Whether a disk takes nothing, and that was said.
    disk: Disk,
    clips: Option<mpsc::Sender<Clip>>,
    metrics: Metrics,
}

/// What a camera is judged by, in this run.
type Judges = Box<dyn Fn(&Arc<Camera>) -> InForce + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Well,
    Stuck,
}

/// What a thread that writes has done.
#[derive(Debug, Default)]
struct Done {
    written: Vec<Record>,
    /// In order.
    waiting: VecDeque<Record>,
    /// What will never be written.
    lost: u64,
    failed: Option<SeenError>,
}

impl Chronicler {
    /// For the cameras of `config`, in the run that began at `run`; clips go to `clips` where there is one.
    pub(super) fn new(
        config: &Config,
        model: &Model,
        run: Wall,
        metrics: Metrics,
        clips: Option<mpsc::Sender<Clip>>,
    ) -> Self {
        let (model, sha256) = (model.name().to_owned(), model.sha256().to_owned());
        let in_force = move |camera: &Arc<Camera>| InForce::of(camera, run, &model, &sha256);
        Self::keeping(config, in_force, metrics, clips)
    }

    fn keeping(
        config: &Config,
        in_force: impl Fn(&Arc<Camera>) -> InForce + Send + 'static,
        metrics: Metrics,
        clips: Option<mpsc::Sender<Clip>>,
    ) -> Self {
        let place = |camera: &Arc<Camera>| {
            let place = config.entry_points.get(&camera.entry_point)?;
            Some((camera.id.clone(), (Arc::clone(camera), place.clone())))
        };
        let folder = |camera: &Arc<Camera>| {
            let volume = config.volumes.iter().find(|volume| volume.id == camera.record.volume)?;
            Some((volume.path.clone(), in_force(camera)))
        };
        Self {
            places: config.cameras.iter().filter_map(place).collect(),
            writer: Some(Writer::new(config.cameras.iter().filter_map(folder))),
            in_force: Box::new(in_force),
            waiting: VecDeque::new(),
            disk: Disk::Well,
            clips,
            metrics,
        }
    }

    /// Works until every lane is gone, then writes what waits.
    pub(super) async fn run(mut self, mut told: mpsc::Receiver<Told>) {
        let mut sync = interval(SYNC_EVERY);
        sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut taken = Vec::with_capacity(TAKE_MAX);
        loop {
            tokio::select! {
                biased;
                count = told.recv_many(&mut taken, TAKE_MAX) => {
                    if count == 0 {
                        break;
                    }
                    self.take(&mut taken);
                    if self.disk == Disk::Well {
                        self.write(Then::Go).await;
                    }
                }
                _ = sync.tick() => self.write(Then::Sync).await,
            }
        }
        self.write(Then::Sync).await;
        self.lose(self.waiting.len() as u64);
    }

    fn take(&mut self, taken: &mut Vec<Told>) {
        for told in taken.drain(..) {
            let record = match told {
                Told::Raised(raised) => Record::Raised(*raised),
                Told::Redrawn(camera) => Record::InForce((self.in_force)(&camera)),
                Told::Passed(passage) => {
                    let Some((camera, place)) = self.places.get(&passage.camera) else { continue };
                    Record::Passed(Box::new(passage.at(camera, place)))
                }
            };
            if self.waiting.len() == WAITING_MAX {
                self.waiting.pop_front();
                self.lose(1);
            }
            self.waiting.push_back(record);
        }
    }

    async fn write(&mut self, then: Then) {
        let mut writer = self.writer.take().expect("it is put back below");
        let waiting = std::mem::take(&mut self.waiting);
        let work = task::spawn_blocking(move || {
            let done = write_all(&mut writer, waiting, then);
            (writer, done)
        });
        let (writer, done) = match work.await {
            Ok(done) => done,
            Err(failed) => panic::resume_unwind(failed.into_panic()),
        };
        self.writer = Some(writer);
        self.waiting = done.waiting;
        self.lose(done.lost);
        self.tell(done.failed);
        for record in done.written {
            let Record::Passed(passed) = record else { continue };
            if passed.part.is_clip()
                && let Some(clips) = &self.clips
            {
                // Whoever indexes and is gone makes the index anew from the log.
                let _ = clips.send(passed.clip).await;
            }
        }
    }

    fn lose(&mut self, count: u64) {
        self.metrics.seen_lost.inc_by(count);
    }

    fn tell(&mut self, failed: Option<SeenError>) {
        match (self.disk, failed) {
            (Disk::Well, Some(error)) => {
                tracing::error!(%error, "what passes cannot be kept: it waits, and is tried again; is the disk full?");
                self.disk = Disk::Stuck;
            }
            (Disk::Stuck, None) => {
                tracing::info!(waiting = self.waiting.len(), "what passes is kept again");
                self.disk = Disk::Well;
            }
            _ => {}
        }
        self.metrics.seen_stuck.set((self.disk == Disk::Stuck).into());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Go,
    Sync,
}

/// Writes what can be written. Of a camera whose file takes nothing, what follows waits, too: order is kept.
fn write_all(writer: &mut Writer, records: VecDeque<Record>, then: Then) -> Done {
    let mut done = Done::default();
    let mut stuck: BTreeSet<CameraId> = BTreeSet::new();
    for record in records {
        let camera = match &record {
            Record::Passed(passed) => &passed.clip.camera,
            Record::Raised(raised) => &raised.camera,
            Record::InForce(in_force) => &in_force.camera,
        };
        if stuck.contains(camera) {
            done.waiting.push_back(record);
            continue;
        }
        match writer.write(&record) {
            Ok(()) => done.written.push(record),
            Err(error) if error.may_pass() => {
                stuck.insert(camera.clone());
                done.failed.get_or_insert(error);
                done.waiting.push_back(record);
            }
            Err(error) => {
                tracing::error!(%error, "a passage is lost");
                done.lost += 1;
            }
        }
    }
    if then == Then::Sync {
        done.failed = done.failed.or(writer.sync().into_iter().next());
    }
    done
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        clip::Light,
        config::{self, Machine},
        detect::Class,
        geometry::UnitBox,
        id::{Mint, TrackId},
        lane::passage::Passage,
        record::seen::{End, Leg, Look, Part, Records, Sight, day_of, path_of},
    };

    const NOON: Wall = Wall::from_unix_ms(1_773_057_600_000);

    fn config(volume: &Path) -> Config {
        let mut config = config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &Machine)
            .expect("it is right");
        let usual = Arc::make_mut(&mut config.volumes[0]);
        usual.path = volume.to_owned();
        config
    }

    fn chronicler(config: &Config, metrics: &Metrics, clips: Option<mpsc::Sender<Clip>>) -> Chronicler {
        let in_force = |camera: &Arc<Camera>| InForce::of(camera, NOON, "model", "00");
        Chronicler::keeping(config, in_force, metrics.clone(), clips)
    }

    fn passage(camera: &CameraId, part: Part) -> Told {
        let sight = Sight { bbox: UnitBox::FULL, confidence: 0.5, class: Class::Person };
        let looks = vec![Look { at: NOON, seen: Some(sight), moved: true }];
        Told::Passed(Box::new(Passage {
            id: Mint::seeded(1).clip(NOON),
            camera: camera.clone(),
            from: NOON,
            to: NOON,
            class: Class::Person,
            confidence: 0.5,
            zones: vec![],
            lines: vec![],
            direction: None,
            kinds: vec![],
            alerts: vec![],
            light: Light::Day,
            part,
            path: vec![Leg { track: TrackId(1), looks, end: End::Gone(NOON) }],
        }))
    }

    fn kept(volume: &Path, camera: &CameraId) -> usize {
        let path = path_of(volume, camera, day_of(NOON));
        Records::open(&path)
            .map_or(0, |records| records.filter(|record| matches!(record, Ok(Record::Passed(_)))).count())
    }

    #[tokio::test]
    async fn what_passed_is_in_the_log_and_with_the_index_when_the_lanes_are_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (config, metrics) = (config(folder.path()), Metrics::new());
        let (clips, mut indexed) = mpsc::channel(16);
        let (lane, told) = mpsc::channel(16);
        let camera = &config.cameras[0];
        for part in [Part::First, Part::Idle, Part::Further] {
            lane.send(passage(&camera.id, part)).await.expect("there is room");
        }
        drop(lane);
        chronicler(&config, &metrics, Some(clips)).run(told).await;
        assert_eq!(kept(folder.path(), &camera.id), 3);
        let mut count = 0;
        while let Some(clip) = indexed.recv().await {
            let place = &config.entry_points[&camera.entry_point];
            assert_eq!((&clip.camera, &clip.village), (&camera.id, &place.village));
            count += 1;
        }
        assert_eq!(count, 2, "nothing happened in the idle piece");
        assert_eq!(metrics.seen_lost.get(), 0);
    }

    #[tokio::test]
    async fn what_a_disk_does_not_take_waits_and_what_is_too_much_is_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let volume = folder.path().join("volume");
        std::fs::write(&volume, b"in the way").expect("writes");
        let (config, metrics) = (config(&volume), Metrics::new());
        let camera = config.cameras[0].id.clone();
        let mut chronicler = chronicler(&config, &metrics, None);
        for _ in 0..=WAITING_MAX {
            chronicler.take(&mut vec![passage(&camera, Part::Whole)]);
        }
        chronicler.write(Then::Sync).await;
        assert_eq!((chronicler.waiting.len(), metrics.seen_lost.get()), (WAITING_MAX, 1));
        assert_eq!(metrics.seen_stuck.get(), 1);
        std::fs::remove_file(&volume).expect("removes");
        chronicler.write(Then::Sync).await;
        assert_eq!((chronicler.waiting.len(), metrics.seen_stuck.get()), (0, 0));
        assert_eq!(kept(&volume, &camera), WAITING_MAX);
    }
}
