//! The archive over a simulated store and real folders.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::civil::date;
use tokio::sync::watch;

use super::*;
use crate::{
    archive::{deletion::Deletion, keys::Stage, tally::Tally},
    config::{self, Config, StreamRole, Volume},
    daemon::Trust,
    id::{CameraId, Mint, VolumeId},
    metrics::Metrics,
    record::{Fragment, GapCause},
    store::{Desk, DeskThread, Outbox, SimDisk, SimLedger},
    time::{Clock, Wall},
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// An archive in a folder of its own.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) disk: SimDisk,
    pub(super) config: Config,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    pub(super) trust: watch::Sender<Trust>,
}

/// One life of a daemon.
pub(super) struct Life {
    pub(super) archive: Archive,
    pub(super) archivist: Archivist,
    pub(super) thread: DeskThread,
}

impl World {
    pub(super) fn new(bytes_max: Option<u64>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config =
            config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &config::Machine)
                .expect("the demo is valid");
        config.volumes =
            vec![Arc::new(Volume { id: volume(), path: folder.path().join("v"), keep_free: 0, bytes_max })];
        config.recording.keep_min = 24 * HOUR;
        config.recording.keep_max = 48 * HOUR;
        let trust = watch::Sender::new(Trust::Believed);
        Self { folder, disk: SimDisk::new(), config, metrics: Metrics::new(), clock: Clock::start(), trust }
    }

    pub(super) async fn begin(&self) -> Life {
        let outbox = Outbox::open(SimLedger::open(&self.disk)).expect("opens");
        let (desk, thread) = Desk::start(outbox, self.metrics.clone()).expect("starts");
        let (metrics, mint) = (self.metrics.clone(), Mint::seeded(1));
        let started = Archivist::start(desk, &self.config, self.clock, self.trust.subscribe(), metrics, mint);
        let Started { archive, archivist, .. } = started.await.expect("starts");
        Life { archive, archivist, thread }
    }

    pub(super) fn volume(&self) -> PathBuf {
        self.config.volumes[0].path.clone()
    }

    /// So many hours ago.
    pub(super) fn ago(&self, hours: u32) -> Wall {
        Wall::from_unix_us(self.clock.now().wall.unix_us() - (HOUR * hours).as_micros() as i64)
    }

    /// A segment of an hour with a file of `bytes` bytes.
    pub(super) fn segment(&self, camera: &str, from: Wall, bytes: u64) -> Segment {
        let day = days::day_of(from);
        let path = PathBuf::from(format!("{camera}/{day}/{}.mp4", from.unix_us()));
        let file = self.volume().join(&path);
        fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        fs::write(&file, vec![7; bytes as usize]).expect("a file");
        let fragment = |offset: u64, len: u64, after: Duration| Fragment {
            offset,
            len: len as u32,
            from: from.after(after),
            length: HOUR / 2,
            is_key: true,
            sha256: [offset as u8; 32],
        };
        let half = bytes / 2;
        Segment {
            camera: id(camera),
            role: StreamRole::Main,
            volume: volume(),
            path,
            from,
            to: from.after(HOUR),
            bytes,
            init_len: 0,
            init_sha256: [1; 32],
            fragments: vec![fragment(0, half, Duration::ZERO), fragment(half, bytes - half, HOUR / 2)],
            skew_ms: Some(-3),
        }
    }
}

impl Life {
    pub(super) async fn tell(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.archivist.waiting.extend(entries);
        self.archivist.write().await;
    }

    pub(super) async fn end(self) {
        drop(self.archivist);
        self.thread.stop(Duration::ZERO).await;
    }

    pub(super) async fn begins(&self, camera: &str) -> Vec<Wall> {
        let (from, to) = (Wall::from_unix_us(0), Wall::from_unix_us(i64::MAX));
        let page = self.archive.catalog().segments(&id(camera), from, to).await.expect("reads");
        page.segments.into_iter().map(|segment| segment.from).collect()
    }
}

pub(super) fn id(text: &str) -> CameraId {
    text.parse().expect("an id")
}

pub(super) fn volume() -> VolumeId {
    VolumeId::usual()
}

fn segments(world: &World, camera: &str, hours_ago: &[u32]) -> Vec<Segment> {
    hours_ago.iter().map(|&hours| world.segment(camera, world.ago(hours), 1000)).collect()
}

#[tokio::test]
async fn what_is_told_is_found_again_with_its_fragments() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[5, 4, 2]);
    let other = world.segment("road", world.ago(4), 10);
    let gap = Gap { camera: id("gate"), from: told[1].to, to: told[2].from, cause: GapCause::Offline };
    let entries = told.iter().cloned().map(Entry::Segment);
    life.tell(entries.chain([Entry::Segment(other), Entry::Gap(gap.clone())])).await;
    let catalog = life.archive.catalog().clone();
    let (now, mid) = (world.clock.now().wall, told[0].from.after(HOUR / 2));
    let page = catalog.segments(&id("gate"), mid, told[1].from.after(HOUR / 2)).await.expect("reads");
    assert_eq!(page.segments.iter().map(|s| s.from).collect::<Vec<_>>(), [told[0].from, told[1].from]);
    assert_eq!(catalog.segment(&page.segments[0]).await.expect("reads"), told[0]);
    let found = catalog.segment_at(&id("gate"), mid).await.expect("reads");
    assert_eq!(found, Some(page.segments[0].clone()));
    assert_eq!(catalog.segment_at(&id("gate"), told[1].to).await.expect("reads"), None, "that is a gap");
    let line = catalog.coverage(&id("gate"), mid, now.after(HOUR), now).await.expect("reads");
    let expected = [
        (told[1].to, What::Recorded),
        (told[2].from, What::Gap(GapCause::Offline)),
        (told[2].to, What::Recorded),
    ];
    assert_eq!(line[..3].iter().map(|s| (s.to, s.what)).collect::<Vec<_>>(), expected);
    assert_eq!(
        (line[3].to, line[3].what),
        (now, What::Gap(GapCause::Missing)),
        "nobody tells of what is to come"
    );
    assert_eq!(catalog.cameras().await.expect("reads"), [id("gate"), id("road")]);
    life.end().await;
}

#[tokio::test]
async fn what_is_told_twice_is_on_record_once() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let segment = world.segment("gate", world.ago(3), 1000);
    for bytes in [1000, 1000, 700] {
        life.tell([Entry::Segment(Segment { bytes, ..segment.clone() })]).await;
    }
    assert_eq!(life.archivist.tallies[&volume()], Tally { bytes: 700, segments: 1 });
    assert_eq!(life.archive.catalog().tallies().await.expect("reads"), life.archivist.tallies);
    let mut gap = Gap {
        camera: id("gate"),
        from: segment.to,
        to: segment.to.after(HOUR / 9),
        cause: GapCause::Offline,
    };
    life.tell([Entry::Gap(gap.clone())]).await;
    gap.to = segment.to.after(HOUR / 4);
    life.tell([Entry::Gap(gap.clone())]).await;
    let gaps = life.archive.catalog().gaps_on_record(&id("gate"), world.ago(9), world.ago(0)).await;
    assert_eq!(gaps.expect("reads"), [gap]);
    life.end().await;
}

#[tokio::test]
async fn many_entries_share_a_sync_and_wait_for_a_store_that_is_stuck() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let first = world.disk.commits();
    world.disk.set_fault(crate::store::Fault::Full);
    life.tell(segments(&world, "gate", &[90, 80, 70, 60, 50, 40, 30, 20]).into_iter().map(Entry::Segment))
        .await;
    assert_eq!(life.begins("gate").await, []);
    world.disk.set_fault(crate::store::Fault::None);
    life.archivist.write().await;
    assert_eq!((life.begins("gate").await.len(), world.disk.commits()), (8, first + 1));
    life.end().await;
}

#[tokio::test]
async fn gaps_are_told_by_the_page() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let start = world.ago(100);
    let at = |minutes: u32| start.after(HOUR * minutes / 60);
    let gap = |camera: &str, from, to, cause| {
        Entry::Gap(Gap { camera: id(camera), from: at(from), to: at(to), cause })
    };
    use GapCause::{Offline, Stopped};
    life.tell([
        gap("a", 0, 10, Offline),
        gap("a", 10, 20, Offline),
        gap("a", 20, 30, Stopped),
        gap("b", 0, 30, Stopped),
        gap("c", 5, 7, Offline),
    ])
    .await;
    let all = Question {
        cameras: vec![],
        from: at(0),
        to: at(30),
        causes: vec![],
        length_min: Duration::ZERO,
        after: None,
        limit: 2,
    };
    let now = world.clock.now().wall;
    let (mut asked, mut told) = (all.clone(), Vec::new());
    loop {
        let page = life.archive.catalog().gaps(&asked, now).await.expect("reads");
        assert!(page.gaps.len() <= 2);
        told.extend(page.gaps.iter().map(|gap| {
            let minute = |wall: Wall| wall.us_since(start) / 60_000_000;
            format!("{} {}..{} {}", gap.camera, minute(gap.from), minute(gap.to), gap.cause.as_str())
        }));
        let Some(next) = page.next else { break };
        // As it is after it went through a URL.
        asked.after = Some(next.to_string().parse().expect("a place"));
    }
    let expected = [
        "a 0..20 offline",
        "a 20..30 stopped",
        "b 0..30 stopped",
        "c 0..5 missing",
        "c 5..7 offline",
        "c 7..30 missing",
    ];
    assert_eq!(told, expected);
    let some = Question {
        cameras: vec![id("c"), id("a")],
        causes: vec![Offline],
        length_min: HOUR / 20,
        limit: 9,
        ..all
    };
    let page = life.archive.catalog().gaps(&some, now).await.expect("reads");
    assert_eq!((page.gaps.len(), page.gaps[0].to, page.next), (1, at(20), None));
    life.end().await;
}

#[tokio::test]
async fn what_is_too_old_goes_and_leaves_a_word() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[60, 59, 55, 47, 3]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    world.trust.send_replace(Trust::Doubted);
    life.archivist.sweep().await;
    assert_eq!(life.begins("gate").await.len(), 5, "the clock is doubted");
    world.trust.send_replace(Trust::Believed);
    life.archivist.sweep().await;
    assert_eq!(life.begins("gate").await, [told[3].from, told[4].from]);
    let is_there = |segment: &Segment| world.volume().join(&segment.path).exists();
    assert_eq!(told.iter().map(is_there).collect::<Vec<_>>(), [false, false, false, true, true]);
    let catalog = life.archive.catalog();
    let gaps = catalog.gaps_on_record(&id("gate"), world.ago(90), world.ago(0)).await.expect("reads");
    let times: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.to, gap.cause)).collect();
    let expected =
        [(told[0].from, told[1].to, GapCause::Deleted), (told[2].from, told[2].to, GapCause::Deleted)];
    assert_eq!(times, expected, "those that touch are one");
    let deletions = catalog.deletions(&id("gate"), world.ago(90), world.ago(0)).await.expect("reads");
    assert_eq!(deletions.len(), 3);
    assert_eq!(
        (deletions[0].rule, deletions[0].chain_sha256),
        (Rule::Age, Recorded::chain_of(&told[0].fragments))
    );
    assert_eq!(life.archivist.tallies[&volume()], Tally { bytes: 2000, segments: 2 });
    life.end().await;
}

#[tokio::test]
async fn a_deletion_that_a_kill_interrupts_is_finished_at_the_next_start() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let segment = world.segment("gate", world.ago(60), 1000);
    life.tell([Entry::Segment(segment.clone())]).await;
    let head =
        life.archive.catalog().segment_at(&id("gate"), segment.from).await.expect("reads").expect("there");
    let (deletion, place) = Deletion::of(&head, Rule::Age, world.clock.now().wall);
    life.archivist.put(vec![deletion.under_way(&place)]).await.expect("written");
    life.end().await;
    assert!(world.volume().join(&segment.path).exists());
    let life = world.begin().await;
    assert!(!world.volume().join(&segment.path).exists());
    assert_eq!(life.begins("gate").await, []);
    let left = life.archive.catalog().step(&mut keys::deletions(Stage::UnderWay)).await.expect("reads");
    assert_eq!(left, []);
    assert_eq!(life.archivist.tallies[&volume()], Tally::default());
    life.end().await;
}

#[tokio::test]
async fn a_volume_that_is_short_loses_its_oldest_and_then_stops_recording() {
    let world = World::new(Some(64 << 20));
    let mut life = world.begin().await;
    let mut pressure = life.archive.pressure(&volume()).expect("it is configured");
    let with =
        |camera: &str, hours: u32| Segment { bytes: 12 << 20, ..world.segment(camera, world.ago(hours), 10) };
    // 60 MiB: 4 are left, which is less than the 16 of headroom; 32 have to be free.
    let told = [with("a", 40), with("b", 39), with("a", 38), with("b", 2), with("a", 1)];
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    let hold = NewHold {
        camera: id("a"),
        from: told[0].from,
        to: told[0].from.after(Duration::from_secs(1)),
        owner: "Li".into(),
        reason: "a theft".into(),
        case: None,
        review: date(2030, 1, 1),
    };
    let hold = life.archivist.hold(hold).await.expect("held");
    life.archivist.sweep().await;
    assert_eq!(life.begins("a").await, [told[0].from, told[4].from], "one is held, one within its floor");
    assert_eq!(life.begins("b").await, [told[3].from]);
    assert_eq!(*pressure.borrow_and_update(), Pressure::Fine, "there is room again");
    life.tell([Entry::Segment(Segment { bytes: 40 << 20, ..with("b", 3) })]).await;
    for below in [2, 3] {
        life.archivist.sweep().await;
        assert_eq!(*pressure.borrow_and_update(), Pressure::Full { below });
    }
    life.archivist.release(hold.id, "Wang".into(), "closed".into()).await.expect("released");
    life.archivist.sweep().await;
    assert_eq!(life.begins("a").await, [told[4].from]);
    let holds = life.archive.catalog().holds().await.expect("reads");
    assert_eq!(holds[0].release.as_ref().map(|release| release.by.as_str()), Some("Wang"));
    let again = life.archivist.release(hold.id, "Wang".into(), "closed".into()).await;
    assert_eq!(again, Err(HoldError::Released(hold.id)));
    life.end().await;
}

#[tokio::test]
async fn a_hold_outlives_its_daemon_and_protects_what_is_recorded_later() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let hold = NewHold {
        camera: id("gate"),
        from: world.ago(69),
        to: world.ago(51),
        owner: "Li".into(),
        reason: "a theft".into(),
        case: Some("7".into()),
        review: date(2020, 1, 1),
    };
    let hold = life.archivist.hold(hold).await.expect("held");
    life.end().await;
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[72, 71, 55, 50, 49]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    life.archivist.sweep().await;
    let kept = [told[2].from];
    assert_eq!(life.begins("gate").await, kept, "what only touches its edges is not in it");
    let listed = life.archive.catalog().holds().await.expect("reads");
    assert_eq!(listed, [hold]);
    assert!(listed[0].is_overdue(date(2026, 1, 1)));
    life.end().await;
}

#[tokio::test]
async fn what_lies_beside_recordings_goes_with_the_last_of_the_day() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[200, 3]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    let day = |segment: &Segment| world.volume().join(&segment.path).parent().expect("it has one").to_owned();
    for segment in &told {
        fs::write(day(segment).join(days::SEEN_NAME), "x").expect("a file");
    }
    let foreign = world.volume().join("gate/2020-01-01");
    fs::create_dir_all(&foreign).expect("a folder");
    fs::write(foreign.join("unknown.mp4"), "x").expect("a file");
    life.archivist.sweep().await;
    assert!(!day(&told[0]).exists());
    assert!(day(&told[1]).join(days::SEEN_NAME).exists() && day(&told[1]).join(TABLE_NAME).exists());
    assert!(foreign.join("unknown.mp4").exists(), "nobody knows what it is");
    life.end().await;
}
