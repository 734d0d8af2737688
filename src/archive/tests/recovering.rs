//! What a kill leaves, and what `check --store` says.

use std::fs::OpenOptions;

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    camera::{AccessUnit, Codec},
    record::mp4::{Facts, Muxer, VideoTrack},
    time::{MediaTime, Mono, Now},
};

const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x02, 0xc4, 0xec, 0x04, 0x40, 0, 0, 3, 0, 0x40, 0, 0, 7, 0x83, 0xc4, 0x89,
    0x92,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

/// A recording of `seconds` fragments of a second, as the recorder leaves it: its path and where each fragment ends.
fn film(world: &World, camera: &str, from: Wall, seconds: u64) -> (PathBuf, Vec<u64>) {
    let unit = |s: u64| {
        let sets = [&[0, 0, 0, 1], SPS, &[0, 0, 0, 1], PPS, &[0, 0, 0, 1, 0x65], &[0x88 + s as u8; 300][..]]
            .concat();
        AccessUnit {
            role: StreamRole::Sub,
            codec: Codec::H264,
            data: Bytes::from(sets),
            is_key: true,
            media: MediaTime::from_ms(s as i64 * 1000),
            camera_clock: None,
            arrived: Now { mono: Mono::ZERO, wall: from.after(Duration::from_secs(s)) },
            packets_lost: 0,
        }
    };
    let station = "north".parse().expect("an id");
    let facts = Facts { station, camera: id(camera), role: StreamRole::Sub, from, skew_ms: Some(4) };
    let track = VideoTrack::of_key(Codec::H264, &unit(0).data).expect("has its parameter sets");
    let (mut muxer, mut bytes) = Muxer::new(track, None, &facts);
    let mut ends = Vec::new();
    for s in 0..seconds {
        muxer.push_video(&unit(s)).expect("in order");
        let fragment =
            muxer.cut(Some(MediaTime::from_ms((s as i64 + 1) * 1000))).expect("there is a picture");
        bytes.extend_from_slice(&fragment.bytes);
        ends.push(bytes.len() as u64);
    }
    let path = PathBuf::from(format!("{camera}/{}/{}.mp4", days::day_of(from), from.unix_us()));
    let file = world.volume().join(&path);
    fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
    fs::write(file, bytes).expect("a file");
    (path, ends)
}

fn cut(world: &World, path: &Path, len: u64) {
    let file = OpenOptions::new().write(true).open(world.volume().join(path)).expect("there");
    file.set_len(len).expect("it is cut");
}

/// A start after a kill; the archivist works meanwhile.
async fn restart(world: &World) -> (Archive, Vec<Finding>) {
    let outbox = Outbox::open(SimLedger::open(&world.disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, world.metrics.clone()).expect("starts");
    let (trust, metrics) = (world.trust.subscribe(), world.metrics.clone());
    let started = Archivist::start(desk, &world.config, world.clock, trust, metrics, Mint::seeded(2));
    let Started { archive, entries, archivist, told } = started.await.expect("starts");
    let now = world.clock.now().wall;
    let recovery = Recovery::look(archive.catalog(), &world.config, now).await.expect("looks");
    let works = tokio::spawn(archivist.run(told));
    recovery.run(archive.clone(), entries, CancellationToken::new()).await;
    works.await.expect("no panic");
    let mut findings = Vec::new();
    let mut tell = |finding| findings.push(finding);
    audit(archive.catalog(), &world.config, Depth::Hashes, now, &mut tell).await.expect("reads");
    // The store goes on for as long as anybody holds the archive.
    drop(thread);
    (archive, findings)
}

/// Tenths of seconds from the one to the other: times in a file are not kept to the microsecond.
fn tenths(from: Wall, to: Wall) -> i64 {
    (to.us_since(from) + 50_000).div_euclid(100_000)
}

async fn line(world: &World, archive: &Archive, camera: &str, from: Wall) -> Vec<(Wall, What)> {
    let now = world.clock.now().wall;
    let line = archive.catalog().coverage(&id(camera), from, now, now).await.expect("reads");
    line.into_iter().map(|stretch| (stretch.to, stretch.what)).collect()
}

#[tokio::test]
async fn what_a_kill_leaves_is_found_cut_and_put_on_record() {
    let world = World::new(None);
    let from = world.ago(3);
    let (path, ends) = film(&world, "gate", from, 8);
    // In the middle of the sixth fragment.
    cut(&world, &path, ends[4] + 20);
    let (archive, findings) = restart(&world).await;
    assert_eq!(findings, []);
    let head = archive.catalog().segment_at(&id("gate"), from.after(Duration::from_secs(2))).await;
    let head = head.expect("reads").expect("it is on record");
    assert_eq!((head.bytes, head.fragments, head.role, head.skew_ms), (ends[4], 5, StreamRole::Sub, Some(4)));
    assert_eq!(tenths(head.from, head.to), 50);
    assert_eq!(
        fs::metadata(world.volume().join(&path)).expect("there").len(),
        ends[4],
        "the torn end is cut off"
    );
    let line = line(&world, &archive, "gate", head.from).await;
    assert_eq!(line[0], (head.to, What::Recorded));
    assert_eq!(line[1].1, What::Gap(GapCause::Stopped));
    // Nothing of it depends on the table.
    fs::remove_file(world.volume().join(&path).with_file_name(TABLE_NAME)).expect("there");
    assert_eq!(archive.catalog().segment(&head).await.expect("read anew").fragments.len(), 5);
    let (_, findings) = restart(&world).await;
    assert_eq!(findings, []);
}

#[tokio::test]
async fn what_cannot_be_used_is_moved_away_and_what_is_gone_is_said() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[4, 3]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    life.end().await;
    fs::remove_file(world.volume().join(&told[1].path)).expect("there");
    let (torn, _) = film(&world, "gate", world.ago(2), 1);
    cut(&world, &torn, 100);
    let (foreign, _) = film(&world, "road", world.ago(2), 1);
    let stray = world.volume().join(foreign.to_string_lossy().replace("road", "gate"));
    fs::rename(world.volume().join(&foreign), &stray).expect("moved");
    let (archive, findings) = restart(&world).await;
    assert!(world.volume().join("damaged").join(&torn).exists());
    let line = line(&world, &archive, "gate", told[1].from).await;
    assert_eq!(line[0], (told[1].to, What::Gap(GapCause::Missing)));
    assert_eq!(line[1].1, What::Gap(GapCause::Stopped));
    let names: Vec<_> = findings.iter().map(Finding::name).collect();
    // The first one's file is made up, so that its hashes are wrong; the stray is another camera's.
    assert_eq!(names, ["altered", "unknown"], "{findings:?}");
    assert!(findings[1] == Finding::Unknown { path: stray });
}

#[tokio::test]
async fn a_file_that_is_not_as_it_is_on_record_is_made_so() {
    let world = World::new(None);
    let from = world.ago(2);
    let earlier = Wall::from_unix_us(from.unix_us() - 4_000_000);
    let (long, long_ends) = film(&world, "gate", earlier, 4);
    let (short, short_ends) = film(&world, "gate", from, 6);
    restart(&world).await;
    let mut file = OpenOptions::new().append(true).open(world.volume().join(&long)).expect("there");
    std::io::Write::write_all(&mut file, &[7; 999]).expect("writable");
    cut(&world, &short, short_ends[2] + 1);
    let (archive, findings) = restart(&world).await;
    assert_eq!(findings, []);
    let len = |path: &Path| fs::metadata(world.volume().join(path)).expect("there").len();
    assert_eq!((len(&long), len(&short)), (long_ends[3], short_ends[2]));
    let head = archive.catalog().segment_at(&id("gate"), from.after(Duration::from_secs(1))).await;
    let head = head.expect("reads").expect("it is on record");
    let line = line(&world, &archive, "gate", head.from).await;
    assert_eq!(line[0], (head.to, What::Recorded));
    assert_eq!(line[1].1, What::Gap(GapCause::Missing));
    assert_eq!(tenths(line[0].0, line[1].0), 30);
    assert_eq!(line[2].1, What::Gap(GapCause::Stopped));
}

async fn checked(world: &World) -> (Vec<Finding>, Summary) {
    let life = world.begin().await;
    let (mut findings, now) = (Vec::new(), world.clock.now().wall);
    let mut tell = |finding| findings.push(finding);
    let summary = audit(life.archive.catalog(), &world.config, Depth::Names, now, &mut tell).await;
    life.end().await;
    (findings, summary.expect("reads"))
}

#[tokio::test]
async fn what_the_next_start_takes_on_is_not_wrong_and_the_rest_is() {
    let world = World::new(None);
    let from = world.ago(3);
    film(&world, "gate", from, 4);
    restart(&world).await;
    let at = |s: u64| from.after(Duration::from_secs(s));
    let (torn, ends) = film(&world, "gate", at(7200), 4);
    cut(&world, &torn, ends[2] + 9);
    let (scrap, _) = film(&world, "gate", at(7300), 1);
    cut(&world, &scrap, 0);
    let (foreign, _) = film(&world, "road", at(7300), 1);
    let stray =
        world.volume().join(foreign.to_string_lossy().replace("road", "gate")).with_extension("x.mp4");
    fs::rename(world.volume().join(&foreign), &stray).expect("moved");
    // Where the recovery does not look any more.
    let (old, _) = film(&world, "gate", world.ago(24 * 5), 4);
    let (findings, summary) = checked(&world).await;
    let is_left = |path: &Path, name: &str| {
        let named = |it: &&Finding| !it.is_wrong() && it.to_string().contains(&*path.to_string_lossy());
        findings.iter().find(named).is_some_and(|finding| finding.name() == name)
    };
    assert!(is_left(&torn, "recording") && is_left(&scrap, "scrap"), "{findings:?}");
    let mut wrong: Vec<Finding> = findings.iter().filter(|finding| finding.is_wrong()).cloned().collect();
    wrong.sort_by_key(ToString::to_string);
    let unknown = |path: PathBuf| Finding::Unknown { path };
    assert_eq!(wrong, [unknown(world.volume().join(&old)), unknown(stray.clone())]);
    assert_eq!((summary.left, summary.findings), (2, 2));
    assert_eq!(
        fs::metadata(world.volume().join(&torn)).expect("there").len(),
        ends[2] + 9,
        "nothing is changed"
    );
    fs::remove_file(&stray).expect("there");
    fs::remove_file(world.volume().join(&old)).expect("there");
    let (_, findings) = restart(&world).await;
    assert_eq!(findings, [], "the next start did it");
}

#[tokio::test]
async fn what_lies_between_the_last_on_record_and_a_recording_found_is_explained() {
    let world = World::new(None);
    let from = world.ago(3);
    let at = |s: u64| from.after(Duration::from_secs(s));
    film(&world, "gate", from, 4);
    let (archive, _) = restart(&world).await;
    let last = archive.catalog().gap_before(&id("gate"), Wall::from_unix_us(i64::MAX)).await;
    assert_eq!(last.expect("reads").map(|gap| gap.cause), Some(GapCause::Stopped));
    drop(archive);
    // Two runs that were killed before anything of theirs was on record, and one that told of a gap.
    let ahead = |s: u64| world.clock.now().wall.after(Duration::from_secs(s));
    for begin in [ahead(100), ahead(200)] {
        film(&world, "gate", begin, 4);
        film(&world, "road", begin, 4);
    }
    let offline = Gap { camera: id("road"), from: at(0), to: at(60), cause: GapCause::Offline };
    let mut life = world.begin().await;
    life.tell([Entry::Gap(offline)]).await;
    life.end().await;
    let (archive, _) = restart(&world).await;
    for (camera, first) in [("gate", GapCause::Stopped), ("road", GapCause::Offline)] {
        let (from, to) = (at(0), ahead(200));
        let line = archive.catalog().coverage(&id(camera), from, to, to).await.expect("reads");
        let causes: Vec<What> =
            line.iter().map(|stretch| stretch.what).filter(|it| *it != What::Recorded).collect();
        assert!(!causes.contains(&What::Gap(GapCause::Missing)), "{line:?}");
        assert_eq!(causes.first(), Some(&What::Gap(first)), "{line:?}");
        assert_eq!(causes.get(1), Some(&What::Gap(GapCause::Stopped)), "{line:?}");
    }
}

#[tokio::test]
async fn what_is_on_record_already_is_not_read_again() {
    let world = World::new(None);
    for hours in [9, 7, 5, 2] {
        film(&world, "gate", world.ago(hours), 2);
    }
    let (archive, _) = restart(&world).await;
    let now = world.clock.now().wall;
    let recovery = Recovery::look(archive.catalog(), &world.config, now).await.expect("looks");
    assert_eq!(recovery.files(), 0);
    assert!(recovery.start_of(&id("gate")) >= now);
}

#[tokio::test]
async fn every_disagreement_is_found() {
    let world = World::new(None);
    let from = world.ago(5);
    let at = |s: u64| from.after(Duration::from_secs(s));
    let (path, ends) = film(&world, "gate", from, 4);
    let (second, _) = film(&world, "gate", at(60), 4);
    let (third, _) = film(&world, "gate", at(62), 4);
    let (archive, findings) = restart(&world).await;
    let names = |findings: &[Finding]| findings.iter().map(Finding::name).collect::<Vec<_>>();
    assert_eq!(names(&findings), ["overlap"], "{findings:?}");
    drop(archive);
    let mut bytes = fs::read(world.volume().join(&path)).expect("there");
    bytes[ends[1] as usize - 5] ^= 1;
    fs::write(world.volume().join(&path), bytes).expect("writable");
    cut(&world, &second, 5000);
    fs::remove_file(world.volume().join(&third)).expect("there");
    fs::write(world.volume().join("gate/note.txt"), "x").expect("writable");
    let life = world.begin().await;
    let mut findings = Vec::new();
    let hold = NewHold {
        camera: id("gate"),
        from: at(20),
        to: at(40),
        owner: "Li".into(),
        reason: "a theft".into(),
        case: None,
        review: date(2030, 1, 1),
    };
    let mut archivist = life.archivist;
    archivist.hold(hold).await.expect("held");
    archivist.tally(&volume()).take(5);
    let tally = *archivist.tally(&volume());
    // Between this and the first recording nobody knows.
    let before = |s: i64| Wall::from_unix_us(from.unix_us() - s * 1_000_000);
    let gap = Gap { camera: id("gate"), from: before(100), to: before(50), cause: GapCause::Offline };
    archivist.put(vec![tally.keep(&volume()), gap::keep(&gap)]).await.expect("written");
    let (catalog, now) = (life.archive.catalog(), world.clock.now().wall);
    let summary =
        audit(catalog, &world.config, Depth::Hashes, now, &mut |finding| findings.push(finding)).await;
    let expected =
        ["altered", "length", "gone", "unexplained", "overlap", "unknown", "sum", "hold-of-nothing"];
    assert_eq!(names(&findings), expected, "{findings:?}");
    let Finding::Altered { from, to, .. } = &findings[0] else { panic!("as above") };
    assert_eq!((tenths(at(0), *from), tenths(at(0), *to)), (10, 20), "the second fragment");
    let summary = summary.expect("reads");
    assert_eq!((summary.cameras, summary.segments, summary.holds, summary.findings), (1, 3, 1, 8));
    life.thread.stop(Duration::ZERO).await;
}
