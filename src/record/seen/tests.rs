use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{
    clip::Light,
    config::Level,
    id::{ClipId, LineId, ZoneId},
};

const NOON: i64 = 1_773_057_600_000;

fn ulid() -> impl Strategy<Value = ulid::Ulid> {
    any::<u128>().prop_map(ulid::Ulid)
}

fn slug<T: std::str::FromStr<Err = crate::id::NotAnId> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    "[a-z][a-z0-9-]{0,12}".prop_map(|text| text.parse().unwrap_or_else(|_| panic!("{text} is an id")))
}

fn at() -> impl Strategy<Value = Wall> {
    (NOON..NOON + 86_400_000).prop_map(Wall::from_unix_ms)
}

fn class() -> impl Strategy<Value = Class> {
    select(&Class::ALL[..])
}

fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::ZoneEnter, Kind::LineCross, Kind::Dwell, Kind::ClosureLost])
}

fn direction() -> impl Strategy<Value = Option<Direction>> {
    option::of(select(vec![Direction::In, Direction::Out]))
}

fn sight() -> impl Strategy<Value = Sight> {
    let edge = || (0..=4096u32).prop_map(|steps| steps as f32 / 4096.0);
    ([edge(), edge(), edge(), edge()], 0..=200u8, class()).prop_map(|([l, t, r, b], sure, class)| Sight {
        bbox: UnitBox::new(l, t, r, b),
        confidence: f32::from(sure) / 200.0,
        class,
    })
}

fn leg() -> impl Strategy<Value = Leg> {
    let look = (at(), option::of(sight()), any::<bool>());
    let end = prop_oneof![Just(End::Open), at().prop_map(End::Gone), at().prop_map(End::SightLost)];
    (any::<u64>(), vec(look, 0..20), end).prop_map(|(track, looks, end)| Leg {
        track: TrackId(track),
        looks: looks.into_iter().map(|(at, seen, moved)| Look { at, seen, moved }).collect(),
        end,
    })
}

fn passed() -> impl Strategy<Value = Record> {
    let who = (ulid(), slug(), slug(), slug(), select(vec![Level::Ring, Level::Point]));
    let what = (at(), 0..600_000i64, class(), 0.0..=1.0f32);
    let how = (vec(slug::<ZoneId>(), 0..3), vec(slug::<LineId>(), 0..3), direction(), vec(kind(), 0..3));
    let rest = (vec(ulid(), 0..3), any::<bool>(), select(vec![Part::Whole, Part::Idle]), vec(leg(), 1..4));
    (who, what, how, rest).prop_map(|(who, what, how, rest)| {
        let clip = Clip {
            id: ClipId(who.0),
            camera: who.1,
            entry_point: who.2,
            village: who.3,
            level: who.4,
            from: what.0,
            to: Wall::from_unix_ms(what.0.unix_ms() + what.1),
            class: what.2,
            confidence: what.3,
            zones: how.0,
            lines: how.1,
            direction: how.2,
            kinds: how.3,
            alerts: rest.0.into_iter().map(AlertId).collect(),
            light: if rest.1 { Light::Day } else { Light::Night },
        };
        Record::Passed(Box::new(Passed { clip, part: rest.2, path: rest.3 }))
    })
}

fn raised() -> impl Strategy<Value = Record> {
    let tracks = vec(any::<u64>().prop_map(TrackId), 1..4);
    (ulid(), slug(), slug(), "[0-9a-f]{12}", kind(), direction(), at(), class(), tracks).prop_map(|it| {
        Record::Raised(Raised {
            alert: AlertId(it.0),
            camera: it.1,
            rule: it.2,
            version: it.3,
            kind: it.4,
            direction: it.5,
            at: it.6,
            class: it.7,
            tracks: it.8,
        })
    })
}

fn in_force() -> impl Strategy<Value = Record> {
    let rule = (slug(), ".{0,12}", kind());
    (at(), slug(), ".{0,20}", "[0-9a-f]{64}", vec(rule, 0..4)).prop_map(|it| {
        let rules = it.4.into_iter().map(|(id, version, kind)| RuleInForce { id, version, kind });
        Record::InForce(InForce {
            run: it.0,
            camera: it.1,
            model: it.2,
            model_sha256: it.3,
            rules: rules.collect(),
        })
    })
}

fn any_record() -> impl Strategy<Value = Record> {
    prop_oneof![passed(), raised(), in_force()]
}

fn file_of(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let mut starts = Vec::new();
    let mut bytes = Vec::new();
    for record in records {
        starts.push(bytes.len());
        bytes.extend(frame(record).expect("short enough"));
    }
    (bytes, starts)
}

fn whole(bytes: Vec<u8>) -> Vec<Record> {
    Records::new(bytes).filter_map(Result::ok).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_written_is_read(records in vec(any_record(), 0..6)) {
        let (bytes, _) = file_of(&records);
        let read: Vec<_> = Records::new(bytes).collect();
        prop_assert_eq!(read, records.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn a_torn_tail_costs_the_torn_record_alone(records in vec(any_record(), 1..6), share in 0.0..1.0f64) {
        let (bytes, starts) = file_of(&records);
        let cut = (bytes.len() as f64 * share) as usize;
        let kept = starts.iter().skip(1).chain([&bytes.len()]).filter(|end| **end <= cut).count();
        let mut torn = bytes[..cut].to_vec();
        prop_assert_eq!(whole(torn.clone()), records[..kept].to_vec());
        let is_torn = !starts.contains(&cut);
        let last = Records::new(torn.clone()).last();
        prop_assert_eq!(matches!(last, Some(Err(Damage { why: Why::Torn, .. }))), is_torn);
        // The next start writes on behind it.
        torn.extend_from_slice(&bytes);
        let again: Vec<Record> = records[..kept].iter().chain(&records).cloned().collect();
        prop_assert_eq!(whole(torn), again);
    }

    #[test]
    fn a_damaged_record_costs_itself_alone(records in vec(any_record(), 3..6), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let (mut bytes, starts) = file_of(&records);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let hit = starts.iter().filter(|start| **start <= at).count() - 1;
        let left: Vec<Record> = records.iter().enumerate().filter(|(i, _)| *i != hit).map(|(_, it)| it.clone()).collect();
        let read: Vec<_> = Records::new(bytes.clone()).collect();
        prop_assert_eq!(read.iter().filter(|it| it.is_err()).count(), 1);
        prop_assert_eq!(whole(bytes), left);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), kind in 0..5u8) {
        let _ = decode(kind, &bytes);
        let mut marked = vec![0xc5, 0x53, 0x6e, 1, kind, 0, 0, 40];
        marked.extend_from_slice(&bytes);
        let len: u64 = Records::new(marked.clone()).map(|it| it.map_or_else(|damage| damage.len, |_| 0)).sum();
        prop_assert!(len <= marked.len() as u64);
    }

    #[test]
    fn bytes_that_are_nearly_a_record_never_panic(record in any_record(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in 0..40usize) {
        let (kind, mut content) = encode(&record);
        let at = at.index(content.len());
        content[at] = byte;
        content.truncate(content.len().saturating_sub(cut));
        let _ = decode(kind, &content);
    }
}

fn walk(looks: i64) -> Leg {
    let look = |n: i64| {
        let x = 0.1 + 0.002 * n as f32 + 0.0005 * (n % 3) as f32;
        let sight =
            Sight { bbox: UnitBox::new(x, 0.4, x + 0.06, 0.7), confidence: 0.8, class: Class::Person };
        let at = Wall::from_unix_ms(NOON + n * 200 + n % 5);
        Look { at, seen: (n % 9 != 4).then_some(sight), moved: n > 3 }
    };
    Leg { track: TrackId(7), looks: (0..looks).map(look).collect(), end: End::Gone(Wall::from_unix_ms(NOON)) }
}

#[test]
fn a_look_takes_some_eight_bytes() {
    let (short, long) = (walk(20), walk(120));
    let size = |leg: &Leg| {
        let record =
            Record::Passed(Box::new(Passed { clip: clip(), part: Part::Whole, path: vec![leg.clone()] }));
        frame(&record).expect("short").len()
    };
    let a_look = (size(&long) - size(&short)) as f64 / 100.0;
    assert!((5.0..10.0).contains(&a_look), "{a_look}");
    assert!(size(&walk(75)) < 800, "{}", size(&walk(75)));
}

fn clip() -> Clip {
    Clip {
        id: ClipId(ulid::Ulid(1)),
        camera: "north-gate".parse().expect("an id"),
        entry_point: "north".parse().expect("an id"),
        village: "shang-he".parse().expect("an id"),
        level: Level::Point,
        from: Wall::from_unix_ms(NOON),
        to: Wall::from_unix_ms(NOON + 15_000),
        class: Class::Person,
        confidence: 0.8,
        zones: vec!["yard".parse().expect("an id")],
        lines: vec![],
        direction: None,
        kinds: vec![Kind::ZoneEnter],
        alerts: vec![AlertId(ulid::Ulid(2))],
        light: Light::Day,
    }
}

#[test]
fn thresholds_in_hundredths_compare_as_they_did() {
    for hundredth in 1..=99u8 {
        let threshold: f32 = format!("0.{hundredth:02}").parse().expect("a number");
        for (confidence, is) in [(threshold, true), (threshold - 0.002, false), (threshold + 0.002, true)] {
            let seen = Some(Sight { bbox: UnitBox::FULL, confidence, class: Class::Dog });
            let looks = vec![Look { at: Wall::from_unix_ms(NOON), seen, moved: true }];
            let path = vec![Leg { track: TrackId(1), looks, end: End::Open }];
            let (kind, content) =
                encode(&Record::Passed(Box::new(Passed { clip: clip(), part: Part::Whole, path })));
            let Ok(Record::Passed(read)) = decode(kind, &content) else { panic!("it is one") };
            let kept = read.path[0].looks[0].seen.expect("it was seen").confidence;
            assert_eq!(kept >= threshold, is, "{confidence} at {threshold}: {kept}");
        }
    }
}

#[test]
fn a_newer_version_is_passed_over_and_told() {
    let record = Record::Passed(Box::new(Passed { clip: clip(), part: Part::Whole, path: vec![walk(5)] }));
    let known = frame(&record).expect("short");
    let mut newer = known.clone();
    newer[3] = 2;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&newer[3..8]), &newer[12..]);
    newer[8..12].copy_from_slice(&crc.to_be_bytes());
    let read: Vec<_> = Records::new([newer, known].concat()).collect();
    assert!(matches!(&read[0], Err(Damage { at: 0, why: Why::Version(2), .. })), "{read:?}");
    assert!(matches!(&read[1..], [Ok(Record::Passed(_))]), "{read:?}");
}

fn writer(volume: &std::path::Path, cameras: usize, run: i64) -> Writer {
    let in_force = |n: usize| InForce {
        run: Wall::from_unix_ms(run),
        camera: format!("camera-{n}").parse().expect("an id"),
        model: "nanodet".into(),
        model_sha256: "00".into(),
        rules: vec![],
    };
    Writer::new((0..cameras).map(|n| (volume.to_owned(), in_force(n))))
}

fn passed_at(camera: usize, to: i64) -> Record {
    let camera = format!("camera-{camera}").parse().expect("an id");
    let clip = Clip { camera, from: Wall::from_unix_ms(to), to: Wall::from_unix_ms(to), ..clip() };
    Record::Passed(Box::new(Passed { clip, part: Part::Whole, path: vec![walk(5)] }))
}

#[test]
fn each_file_begins_with_what_is_in_force_and_again_after_a_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let tomorrow = NOON + 86_400_000;
    for run in [1, 2] {
        let mut log = writer(folder.path(), 1, run);
        for at in [NOON, NOON + 1000, tomorrow, NOON + 2000] {
            log.write(&passed_at(0, at)).expect("it writes");
        }
        assert!(log.sync().is_empty());
    }
    let camera = "camera-0".parse().expect("an id");
    let read = |at: i64| -> Vec<String> {
        let path = path_of(folder.path(), &camera, day_of(Wall::from_unix_ms(at)));
        let records = Records::open(&path).expect("it is there");
        records
            .map(|record| match record.expect("whole") {
                Record::InForce(it) => format!("run {}", it.run.unix_ms()),
                Record::Passed(it) => format!("{}", it.clip.to.unix_ms() - NOON),
                Record::Raised(_) => "raised".into(),
            })
            .collect()
    };
    assert_eq!(read(NOON), ["run 1", "0", "1000", "2000", "run 2", "0", "1000", "2000"]);
    assert_eq!(read(tomorrow), ["run 1", "86400000", "run 2", "86400000"]);
    assert!(folder.path().join("camera-0/2026-03-09/seen.log").exists());
}

#[test]
fn what_is_in_force_from_here_on_goes_before_what_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut log = writer(folder.path(), 1, 1);
    let camera: CameraId = "camera-0".parse().expect("an id");
    log.write(&passed_at(0, NOON)).expect("it writes");
    let rule = RuleInForce { id: "r".parse().expect("an id"), version: "1".into(), kind: Kind::Dwell };
    let (run, camera_id) = (Wall::from_unix_ms(1), camera.clone());
    let drawn =
        InForce { run, camera: camera_id, model: "m".into(), model_sha256: "00".into(), rules: vec![rule] };
    log.write(&Record::InForce(drawn)).expect("it writes");
    log.write(&passed_at(0, NOON + 1000)).expect("it writes");
    assert!(log.sync().is_empty());
    let path = path_of(folder.path(), &camera, day_of(Wall::from_unix_ms(NOON)));
    let read = Records::open(&path).expect("it is there").map(|record| match record.expect("whole") {
        Record::InForce(it) => it.rules.len(),
        _ => 9,
    });
    assert_eq!(read.collect::<Vec<_>>(), [0, 9, 1, 9]);
}

#[test]
fn more_cameras_than_handles_are_written_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let cameras = HANDLES_MAX + 10;
    let mut log = writer(folder.path(), cameras, 1);
    for round in 0..2 {
        for camera in 0..cameras {
            log.write(&passed_at(camera, NOON + round)).expect("it writes");
        }
    }
    for camera in 0..cameras {
        let id = format!("camera-{camera}").parse().expect("an id");
        let path = path_of(folder.path(), &id, day_of(Wall::from_unix_ms(NOON)));
        assert_eq!(Records::open(&path).expect("it is there").filter(Result::is_ok).count(), 3);
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_said_and_written_to_once_it_can() {
    let folder = tempfile::tempdir().expect("a folder");
    let volume = folder.path().join("volume");
    std::fs::write(&volume, b"in the way").expect("writes");
    let mut log = writer(&volume, 1, 1);
    let refused = log.write(&passed_at(0, NOON)).expect_err("a file is in the way");
    assert!(refused.may_pass() && refused.to_string().contains("seen.log"), "{refused}");
    std::fs::remove_file(&volume).expect("removes");
    log.write(&passed_at(0, NOON)).expect("it writes");
    assert!(!log.write(&passed_at(1, NOON)).expect_err("a stranger").may_pass());
}
