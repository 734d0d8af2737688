//! Intervals on both ledgers.

use proptest::prelude::*;

use super::*;
use crate::{
    metrics::Metrics,
    store::{Condition, Fault, Ledger, Outbox, SimDisk, SimLedger, SledLedger},
};

fn camera(n: u64) -> CameraId {
    format!("c{n}").parse().expect("an id")
}

fn not_analysed(from_ms: i64, length_ms: i64) -> Interval {
    Interval {
        from: Wall::from_unix_ms(from_ms),
        to: Wall::from_unix_ms(from_ms + length_ms),
        what: What::NotAnalysed,
        cause: Cause::DetectorBehind,
    }
}

fn asked() -> Asked {
    Asked { limit: PAGE_MAX, ..Asked::default() }
}

/// Few enough to meet often, or enough to lie far apart.
fn any_second() -> impl Strategy<Value = i64> {
    prop_oneof![0i64..20, 0i64..6_000]
}

fn any_interval() -> impl Strategy<Value = (CameraId, Interval)> {
    let rate = || (1u32..100_000).prop_map(|thousandths| (f64::from(thousandths) / 1000.0) as f32);
    let what = prop_oneof![
        Just(What::NotAnalysed),
        (rate(), rate()).prop_map(|(analysed_fps, wanted_fps)| What::Reduced { analysed_fps, wanted_fps }),
    ];
    let cause = proptest::sample::select(&Cause::ALL[..]);
    (0u64..4, any_second(), 0i64..900, what, cause).prop_map(|(n, from, length, what, cause)| {
        (camera(n), Interval { what, cause, ..not_analysed(from * 1000, length * 1000) })
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read((camera, interval) in any_interval()) {
        let Write::Put(key, value) = keep_interval(&camera, &interval) else { panic!("it is kept") };
        prop_assert_eq!(read_interval(&key, &value), Some((camera, interval)));
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut key in proptest::collection::vec(any::<u8>(), 0..20), mut value in proptest::collection::vec(any::<u8>(), 13..17), valid in any::<bool>()) {
        if valid {
            (value[0], value[1], value[2]) = (VERSION, 1 + value[1] % 2, 1 + value[2] % 6);
            key.iter_mut().skip(9).for_each(|byte| *byte = b'a' + *byte % 26);
        }
        let _ = read_interval(&key, &value);
    }

    #[test]
    fn pages_hold_what_was_asked_for_and_nothing_twice(
        kept in proptest::collection::vec(any_interval(), 0..40),
        from in proptest::option::of(any_second()),
        to in proptest::option::of(any_second()),
        of in proptest::option::of(0u64..4),
        limit in 1usize..9,
    ) {
        let mut ledger = SimLedger::open(&SimDisk::new());
        let mut expected = std::collections::BTreeMap::new();
        for (camera, interval) in &kept {
            ledger.commit(vec![keep_interval(camera, interval)]).expect("works");
            expected.insert((interval.from, camera.clone()), *interval);
        }
        let wall = |second: i64| Wall::from_unix_ms(second * 1000);
        let (from, to, of) = (from.map(wall), to.map(wall), of.map(camera));
        expected.retain(|(begin, camera), interval| {
            from.is_none_or(|from| interval.to > from)
                && to.is_none_or(|to| *begin < to)
                && of.as_ref().is_none_or(|of| of == camera)
        });
        let expected: Vec<_> = expected.into_iter().map(|((_, camera), interval)| (camera, interval)).collect();
        let found = runtime().block_on(async {
            let (desk, thread) = Desk::start(Outbox::open(ledger).expect("opens"), Metrics::new()).expect("starts");
            let mut asked = Asked { from, to, camera: of, after: None, limit };
            let mut found = Vec::new();
            loop {
                let page = desk.intervals(&asked).await.expect("reads");
                assert!(page.intervals.len() <= limit);
                found.extend(page.intervals);
                // As a client gives it back.
                asked.after = page.next.map(|place| place.to_string().parse().expect("a place"));
                if asked.after.is_none() {
                    break;
                }
            }
            thread.stop(Duration::ZERO).await;
            found
        });
        prop_assert_eq!(found, expected);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn the_layout_is_what_is_on_the_disks_of_others() {
    let reduced = What::Reduced { analysed_fps: 2.1, wanted_fps: 5.0 };
    let interval =
        Interval { what: reduced, cause: Cause::LookLate, ..not_analysed(1_773_079_445_123, 5000) };
    let key = b"\x38\x00\x00\x01\x9c\xd3\xc5\x3e\x83gate-1".to_vec();
    let value = b"\x01\x01\x06\x00\x00\x13\x88\x00\x00\x08\x34\x00\x00\x13\x88".to_vec();
    let camera: CameraId = "gate-1".parse().expect("an id");
    assert_eq!(keep_interval(&camera, &interval), Write::Put(key.clone(), value.clone()));
    assert_eq!(read_interval(&key, &value), Some((camera, interval)));
    assert_eq!(read_interval(&key, &[&[2], &value[1..]].concat()), None, "a newer layout");
}

#[test]
fn places_are_read_as_they_are_written() {
    for bad in ["", ".", "1", "1.", ".c", "x.c", "-1.c", "+1.c", "1.C", "99999999999999999999.c"] {
        assert!(bad.parse::<Place>().is_err(), "{bad}");
    }
    assert_eq!(
        "12.c.d".parse::<Place>().map(|place| place.to_string()),
        Err(NotAPlace { text: "12.c.d".into() })
    );
    assert_eq!("12.c-d".parse::<Place>().map(|place| place.to_string()), Ok("12.c-d".into()));
}

#[tokio::test]
async fn a_page_ends_where_looking_takes_too_long_and_the_next_one_goes_on() {
    let mut ledger = SimLedger::open(&SimDisk::new());
    let many = (0..SCAN_MAX as i64 + 10).map(|n| keep_interval(&camera(0), &not_analysed(n * 1000, 500)));
    ledger.commit(many.collect()).expect("works");
    ledger
        .commit(vec![keep_interval(&camera(1), &not_analysed(SCAN_MAX as i64 * 1000 + 1, 1))])
        .expect("works");
    let (desk, thread) = Desk::start(Outbox::open(ledger).expect("opens"), Metrics::new()).expect("starts");
    let first = Asked { camera: Some(camera(1)), ..asked() };
    let page = desk.intervals(&first).await.expect("reads");
    assert_eq!(page.intervals, []);
    assert!(page.next.is_some(), "it goes on");
    let page = desk.intervals(&Asked { after: page.next, ..first }).await.expect("reads");
    assert_eq!((page.intervals.len(), page.next), (1, None));
    thread.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn notes_are_kept_through_a_kill_or_answered_with_why_not() {
    let disk = SimDisk::new();
    let open = || Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(open(), Metrics::new()).expect("starts");
    let kept = not_analysed(1000, 500);
    desk.note(vec![keep_interval(&camera(0), &kept)]).await.expect("kept");
    disk.set_fault(Fault::Full);
    let refused = desk.note(vec![keep_interval(&camera(1), &kept)]).await;
    assert!(matches!(&refused, Err(Refused::Unwritten(why)) if why.contains("full")), "{refused:?}");
    disk.set_fault(Fault::None);
    disk.crash();
    thread.stop(Duration::ZERO).await;
    assert_eq!(desk.note(Vec::new()).await, Err(Refused::Stopped));

    let (desk, thread) = Desk::start(open(), Metrics::new()).expect("starts");
    assert_eq!(desk.intervals(&asked()).await.expect("reads").intervals, [(camera(0), kept)]);
    thread.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn sled_keeps_pages_and_forgets_intervals() {
    let dir = tempfile::tempdir().expect("a directory");
    let open = || Outbox::open(SledLedger::open(dir.path()).expect("opens")).expect("opens");
    let (desk, thread) = Desk::start(open(), Metrics::new()).expect("starts");
    let many: Vec<Write> =
        (0..10).map(|n| keep_interval(&camera(n as u64 % 2), &not_analysed(n * 1000, 700))).collect();
    desk.note(many).await.expect("kept");
    thread.stop(Duration::ZERO).await;
    drop(desk);

    let (desk, thread) = Desk::start(open(), Metrics::new()).expect("starts");
    let ask = Asked {
        from: Some(Wall::from_unix_ms(2500)),
        to: Some(Wall::from_unix_ms(8000)),
        camera: Some(camera(0)),
        after: None,
        limit: 2,
    };
    let page = desk.intervals(&ask).await.expect("reads");
    assert_eq!(page.intervals, [2000, 4000].map(|ms| (camera(0), not_analysed(ms, 700))));
    let page = desk.intervals(&Asked { after: page.next, ..ask }).await.expect("reads");
    assert_eq!(page.intervals, [(camera(0), not_analysed(6000, 700))], "8000 is not before 8000");
    let old = desk.intervals_before(Wall::from_unix_ms(9000)).await.expect("reads");
    assert_eq!(old.len(), 9);
    desk.note(old).await.expect("removed");
    assert_eq!(
        desk.intervals(&asked()).await.expect("reads").intervals,
        [(camera(1), not_analysed(9000, 700))]
    );
    thread.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_note_waits_while_promises_cannot_be_kept_and_is_refused_where_many_wait() {
    let disk = SimDisk::new();
    let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    disk.set_fault(Fault::Full);
    let mut promise =
        Box::pin(desk.promise(vec![Write::Put(Space::Alert.key(b"a"), Vec::new())], Vec::new()));
    assert!(futures::poll!(&mut promise).is_pending());
    let mut condition = desk.condition();
    let full = condition.wait_for(|c| matches!(c, Condition::Full(_)));
    tokio::time::timeout(Duration::from_secs(20), full).await.expect("in time").expect("the store runs");
    let note = || desk.note(vec![keep_interval(&camera(0), &not_analysed(0, 1))]);
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(note())).collect();
    for _ in 0..50 {
        for note in &mut waiting {
            assert!(futures::poll!(note).is_pending(), "it does not try where promises cannot be kept");
        }
        // The store's thread is at work meanwhile.
        desk.intervals(&asked()).await.expect("it reads");
    }
    assert_eq!(note().await, Err(Refused::Busy));
    disk.set_fault(Fault::None);
    promise.await.expect("kept");
    for note in waiting {
        assert_eq!(note.await, Ok(()));
    }
    thread.stop(Duration::ZERO).await;
}
