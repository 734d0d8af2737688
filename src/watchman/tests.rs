//! By a virtual clock: what is said of cameras that come and go.

use std::{collections::BTreeMap, path::Path, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::config::{Canned, parse};

/// Losses of three cameras within five seconds are one.
fn config(cameras: usize) -> Config {
    let mut text = String::from(
        "[station]\nid = \"s\"\n[equipment]\nmany = 3\n[village.a]\nname = \"Aa\"\n[village.b]\nname = \"Bb\"\n[entry_point.a]\nvillage = \"a\"\n[entry_point.b]\nvillage = \"b\"\n",
    );
    for n in 0..cameras {
        let place = if n % 2 == 0 { "a" } else { "b" };
        text += &format!("[camera.c{n}]\nentry_point = \"{place}\"\nmain = \"rtsp://10.0.0.1/{n}\"\n");
    }
    parse(&text, "t.toml", Path::new("/"), &Canned::default()).expect("it is right")
}

/// A watchman, the time, and what is open by what was said.
struct World {
    watchman: Watchman,
    cameras: usize,
    now: Now,
    open: BTreeMap<AlertId, Occurrence>,
    said: Vec<String>,
}

fn id(n: usize) -> CameraId {
    format!("c{n}").parse().expect("an id")
}

fn at(s: u64) -> Now {
    Now::default().after(Duration::from_secs(s))
}

fn health(n: usize, state: State, reasons: &[Reason]) -> Health {
    Health {
        state,
        reasons: reasons.iter().copied().collect(),
        ..Health::maintenance(id(n), Wall::default())
    }
}

impl World {
    fn new(cameras: usize) -> Self {
        let watchman = Watchman::new(&config(cameras), Mint::seeded(1), at(0));
        Self { watchman, cameras, now: at(0), open: BTreeMap::new(), said: Vec::new() }
    }

    /// Each change has its place in an alert's life, and no camera is told of twice.
    fn take(&mut self, told: Told) {
        for (change, occurrence) in told {
            let s = self.now.mono.since_start().as_secs();
            let kind = occurrence.kind.as_str();
            self.said.push(format!("{s} {change:?} {kind} {}", occurrence.explain.en));
            assert!(!occurrence.explain.zh.is_empty());
            let before = self.open.remove(&occurrence.id);
            assert_eq!(before.is_none(), change == Change::Raised, "{:?}", self.said);
            assert_eq!(occurrence.ended_at.is_some(), change == Change::Ended);
            if change != Change::Ended {
                self.open.insert(occurrence.id, occurrence);
            }
        }
        for n in 0..self.cameras {
            for kind in [Kind::CameraOffline, Kind::CameraDegraded] {
                let of = self.open.values().filter(|open| open.kind == kind && concerns(open, &id(n)));
                assert!(of.count() <= 1, "{n}: {:?}", self.said);
            }
        }
    }

    fn hear(&mut self, health: &Health) {
        let mut told = Vec::new();
        self.watchman.hear(self.now, health, &mut told);
        self.take(told);
    }

    fn until(&mut self, s: u64) {
        while self.now.mono < at(s).mono {
            self.now = self.now.after(Duration::from_secs(1));
            let mut told = Vec::new();
            self.watchman.tick(self.now, &mut told);
            self.take(told);
        }
    }

    fn well(&mut self, cameras: impl IntoIterator<Item = usize>) {
        cameras.into_iter().for_each(|n| self.hear(&health(n, State::Online, &[])));
    }

    fn lost(&mut self, cameras: impl IntoIterator<Item = usize>) {
        cameras.into_iter().for_each(|n| self.hear(&health(n, State::Offline, &[Reason::Timeout])));
    }

    fn degraded(&mut self, n: usize, reasons: &[Reason]) {
        self.hear(&health(n, State::Degraded, reasons));
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }
}

fn concerns(open: &Occurrence, camera: &CameraId) -> bool {
    open.camera.id == *camera || open.others.contains(camera)
}

#[test]
fn a_loss_is_told_after_its_time_and_closed_with_its_length() {
    let mut world = World::new(2);
    world.well(0..2);
    world.until(100);
    world.lost([0]);
    world.until(129);
    assert_eq!(world.said(), [""; 0]);
    world.until(130);
    assert_eq!(world.said(), ["130 Raised camera-offline c0: offline since 00:01:40 (it does not answer)"]);
    world.until(300);
    world.well([0]);
    world.until(329);
    assert_eq!(world.said(), [""; 0]);
    world.until(330);
    assert_eq!(
        world.said(),
        ["330 Ended camera-offline c0: well again after 3 min 20 s offline (since 00:01:40)"]
    );
}

#[test]
fn a_short_loss_is_nothing_and_a_flapping_one_is_one() {
    let mut world = World::new(1);
    world.well([0]);
    for n in 0..5 {
        world.until(100 + 40 * n);
        world.lost([0]);
        world.until(129 + 40 * n);
        world.well([0]);
    }
    assert_eq!(world.said(), [""; 0]);
    world.until(1000);
    for n in 0..6 {
        world.lost([0]);
        world.until(1040 + 60 * n);
        world.well([0]);
        world.until(1060 + 60 * n);
    }
    world.until(1400);
    let said = world.said();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].starts_with("1370 Ended camera-offline c0: well again after 5 min 40 s"), "{said:?}");
}

#[test]
fn another_reason_is_an_update_and_each_is_said_in_words() {
    let mut world = World::new(1);
    world.lost([0]);
    world.until(30);
    world.hear(&health(0, State::Offline, &[Reason::Auth]));
    world.until(39);
    assert_eq!(world.said().len(), 1);
    world.until(40);
    world.until(60);
    assert_eq!(
        world.said(),
        ["40 Updated camera-offline c0: offline since 00:00:00 (it refuses the password)"]
    );
    for (reason, words) in [(Reason::Refused, "hangs up"), (Reason::NoKeyframe, "no key frame")] {
        world.hear(&health(0, State::Offline, &[reason]));
        world.until(world.now.mono.since_start().as_secs() + 10);
        let said = world.said();
        assert!(said.len() == 1 && said[0].contains(words), "{said:?}");
    }
}

#[test]
fn what_is_of_no_use_is_degraded_and_what_the_night_does_is_not() {
    let mut world = World::new(1);
    world.degraded(0, &[Reason::Dark, Reason::Clock, Reason::Bright, Reason::Covered]);
    world.until(100);
    assert_eq!(world.said(), [""; 0]);
    world.degraded(0, &[Reason::Dark, Reason::Frozen]);
    world.until(159);
    assert_eq!(world.said(), [""; 0]);
    world.until(160);
    world.degraded(0, &[Reason::Undecodable, Reason::FpsLow]);
    world.until(200);
    world.degraded(0, &[Reason::Dark]);
    world.until(230);
    assert_eq!(
        world.said(),
        [
            "160 Raised camera-degraded c0: of no use since 00:01:40 (its picture is frozen)",
            "170 Updated camera-degraded c0: of no use since 00:01:40 (it sends too few frames, what it sends cannot be decoded)",
            "230 Ended camera-degraded c0: well again after 1 min 40 s of no use (since 00:01:40)",
        ]
    );
}

#[test]
fn one_that_was_of_no_use_and_is_lost_has_one_alert_at_a_time() {
    let mut world = World::new(1);
    world.degraded(0, &[Reason::Frozen]);
    world.until(100);
    world.lost([0]);
    world.until(200);
    // It is back, and as bad as before.
    world.degraded(0, &[Reason::Frozen]);
    world.until(300);
    assert_eq!(
        world.said(),
        [
            "60 Raised camera-degraded c0: of no use since 00:00:00 (its picture is frozen)",
            "130 Ended camera-degraded c0: offline now after 1 min 40 s of no use (since 00:00:00)",
            "130 Raised camera-offline c0: offline since 00:01:40 (it does not answer)",
            "230 Ended camera-offline c0: well again after 1 min 40 s offline (since 00:01:40)",
            "260 Raised camera-degraded c0: of no use since 00:03:20 (its picture is frozen)",
        ]
    );
}

#[test]
fn maintenance_closes_and_raises_nothing() {
    let mut world = World::new(1);
    world.lost([0]);
    world.until(40);
    world.hear(&Health::maintenance(id(0), Wall::default()));
    world.until(500);
    assert_eq!(
        world.said(),
        [
            "30 Raised camera-offline c0: offline since 00:00:00 (it does not answer)",
            "40 Ended camera-offline c0: out of service on purpose after 40 s offline (since 00:00:00)",
        ]
    );
}

#[test]
fn who_was_not_tried_yet_is_not_lost() {
    let mut world = World::new(4);
    for n in 0..4 {
        world.hear(&health(n, State::Offline, &[]));
    }
    world.until(600);
    assert_eq!(world.said(), [""; 0]);
    world.lost([1]);
    world.until(630);
    assert_eq!(world.said().len(), 1);
}

#[test]
fn many_at_once_are_one_and_those_that_stay_away_have_their_own() {
    let mut world = World::new(8);
    world.well(0..8);
    world.until(100);
    for n in 0..5 {
        world.lost([n]);
        world.until(101 + n as u64);
    }
    // One by one afterwards.
    world.until(120);
    world.lost([6]);
    world.until(200);
    let raised = world.said();
    assert_eq!(
        raised,
        [
            "130 Raised camera-offline 5 cameras of 2 villages at once at 00:01:40: probably power or a switch",
            "150 Raised camera-offline c6: offline since 00:02:00 (it does not answer)",
        ]
    );
    let (_, many) = world.open.first_key_value().expect("it was raised first");
    assert_eq!((many.severity, &many.camera.id), (Severity::Major, &id(0)));
    assert_eq!(many.others, [id(1), id(2), id(3), id(4)]);
    world.well([1, 2]);
    world.until(235);
    assert_eq!(
        world.said(),
        [
            "230 Updated camera-offline 5 cameras of 2 villages at once at 00:01:40: probably power or a switch; 3 are still away"
        ]
    );
    world.well([0]);
    world.until(270);
    assert_eq!(
        world.said(),
        [
            "265 Ended camera-offline 5 cameras: 3 are back, and the other 2 have alerts of their own after 2 min 45 s offline (since 00:01:40)",
            "265 Raised camera-offline c3: offline since 00:01:43 (it does not answer)",
            "265 Raised camera-offline c4: offline since 00:01:44 (it does not answer)",
        ]
    );
    world.well(0..8);
    world.until(400);
    assert!(world.open.is_empty());
}

#[test]
fn a_town_without_power_is_one_alert_however_long_it_takes_to_find_out() {
    let mut world = World::new(200);
    world.well(0..200);
    world.until(10);
    // Found to be gone four a second: those at the end when the first is told already.
    for n in 0..50 {
        world.lost(4 * n..4 * n + 4);
        world.until(11 + n as u64);
    }
    world.until(300);
    let raised = world.said().iter().filter(|line| line.contains("Raised")).count();
    assert_eq!((raised, world.open.len()), (1, 1));
    let many = world.open.values().next().expect("one");
    assert_eq!(many.others.len(), 199);
    assert!(many.explain.en.starts_with("200 cameras of 2 villages"), "{}", many.explain.en);
    world.well(0..200);
    world.until(400);
    let said = world.said();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("Ended camera-offline 200 cameras: well again"), "{said:?}");
}

#[test]
fn what_was_open_goes_on_after_a_restart() {
    let mut world = World::new(6);
    world.well(0..6);
    world.until(10);
    world.lost(0..4);
    world.lost([5]);
    world.until(13);
    world.degraded(4, &[Reason::Frozen]);
    world.until(100);
    let before = world.open.clone();
    assert_eq!(before.len(), 2);
    let ongoing: Vec<Ongoing> = before
        .values()
        .map(|open| Ongoing {
            id: open.id,
            kind: open.kind,
            severity: open.severity,
            cameras: std::iter::once(&open.camera.id).chain(&open.others).cloned().collect(),
            source: crate::alert::Source::State,
            earnest: Earnest::Real,
            occurred_at: open.occurred_at,
            explain: open.explain.clone(),
        })
        .collect();
    let mut again = World::new(6);
    (again.now, again.open) = (world.now, before);
    let mut told = Vec::new();
    again.watchman.resume(again.now, ongoing, &mut told);
    assert!(told.is_empty());
    (0..6).for_each(|n| again.hear(&health(n, State::Offline, &[])));
    again.until(200);
    again.lost(0..4);
    again.degraded(4, &[Reason::Frozen]);
    again.well([5]);
    again.until(229);
    assert_eq!(again.said(), [""; 0]);
    again.well(0..6);
    again.until(300);
    let said = again.said();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].contains("Updated") && said[0].contains("4 are still away"), "{said:?}");
    assert!(said[1..].iter().all(|line| line.starts_with("259 Ended")), "{said:?}");
    assert!(again.open.is_empty());
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Lose(usize),
    Degrade(usize),
    Mend(usize),
    Maintain(usize),
    LoseAll,
    Wait(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..8usize).prop_map(Deed::Lose),
        2 => (0..8usize).prop_map(Deed::Degrade),
        3 => (0..8usize).prop_map(Deed::Mend),
        1 => (0..8usize).prop_map(Deed::Maintain),
        1 => Just(Deed::LoseAll),
        6 => (1..50u64).prop_map(Deed::Wait),
    ]
}

proptest! {
    /// Never two alerts for a camera ([`World::take`]); every loss that lasts is told; what was told is closed once all are well; a loss of many is one.
    #[test]
    fn whatever_happens_each_loss_is_told_once(deeds in proptest::collection::vec(deed(), 1..60)) {
        let mut world = World::new(8);
        world.well(0..8);
        let mut lost_at: [Option<Mono>; 8] = [None; 8];
        for deed in deeds {
            let now = world.now.mono;
            match deed {
                Deed::Lose(n) => { world.lost([n]); lost_at[n].get_or_insert(now); }
                Deed::LoseAll => {
                    let fresh = lost_at.iter().all(Option::is_none) && world.open.is_empty();
                    world.lost(0..8);
                    lost_at.iter_mut().for_each(|at| { at.get_or_insert(now); });
                    if fresh {
                        world.until(now.since_start().as_secs() + 30);
                        prop_assert_eq!(world.open.len(), 1);
                        prop_assert!(world.open.values().all(|open| open.others.len() == 7));
                    }
                }
                Deed::Degrade(n) => { world.degraded(n, &[Reason::Frozen]); lost_at[n] = None; }
                Deed::Mend(n) => { world.well([n]); lost_at[n] = None; }
                Deed::Maintain(n) => { world.hear(&Health::maintenance(id(n), Wall::default())); lost_at[n] = None; }
                Deed::Wait(s) => world.until(now.since_start().as_secs() + s),
            }
            for (n, at) in lost_at.iter().enumerate() {
                let is_due = at.is_some_and(|at| world.now.mono.since(at) >= Duration::from_secs(30));
                let is_told = world.open.values().any(|open| open.kind == Kind::CameraOffline && concerns(open, &id(n)));
                prop_assert!(!is_due || is_told, "{} {:?}", n, world.said);
            }
        }
        world.well(0..8);
        world.until(world.now.mono.since_start().as_secs() + 31);
        prop_assert!(world.open.is_empty(), "{:?}", world.said);
    }
}
