//! Attention over scripted streams: 15 frames a second, and a decoder that answers at once.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{
    camera::Codec,
    config::StreamRole,
    time::{MediaTime, Now, Wall},
};

const EVERY: Duration = Duration::from_secs(6);
const PROMISE: Duration = Duration::from_secs(10);
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 15);
const QUIET: Suspicion = Suspicion::NONE;
const CAUSE: Suspicion = Suspicion::CAUSE;

struct Script {
    attention: Attention,
    now: Mono,
    /// Units sent.
    sent: u64,
    /// Key frames are so many units apart; `None`: only the first is one.
    group: Option<u64>,
    /// Nothing can be made of what it sends.
    is_blind: bool,
    /// Every look, when it was asked for, and the numbers of its units.
    looks: Vec<(Mono, Look, Vec<u64>)>,
}

impl Script {
    fn new(grant: Grant, group: Option<u64>) -> Self {
        let now = Mono::ZERO + Duration::from_secs(100);
        let share = Share { grant, ..Share::default() };
        let attention = Attention::new(PROMISE, 5.0, share, 0.3, now);
        Self { attention, now, sent: 0, group, is_blind: false, looks: Vec::new() }
    }

    fn sparse(group: u64) -> Self {
        Self::new(Grant::Sparse { every: EVERY }, Some(group))
    }

    /// The next unit, and the look that it leads to; answered at once.
    fn unit(&mut self, suspicion: Suspicion, moved: bool) {
        let number = self.sent;
        let is_key = self.group.map_or(number == 0, |group| number.is_multiple_of(group));
        self.sent += 1;
        self.now = self.now + FRAME;
        let unit = AccessUnit {
            role: StreamRole::Sub,
            codec: Codec::H264,
            data: Bytes::from(vec![0xff; if is_key { 40_000 } else { 2_000 }]),
            is_key,
            media: MediaTime { ticks_90k: number as i64 },
            camera_clock: None,
            arrived: Now { mono: self.now, wall: Wall::default() },
            packets_lost: 0,
        };
        if self.attention.grant == Grant::Always || self.attention.grant == Grant::Off {
            self.attention.unit(self.now, unit);
        } else {
            self.attention.streams_since.get_or_insert(self.now);
            self.attention.weighed(self.now, unit, suspicion);
        }
        self.answer(moved);
    }

    /// Does every job that is to be done.
    fn answer(&mut self, moved: bool) {
        while let Some(look) = self.attention.look(self.now) {
            let newest = look.units.last().map(|unit| unit.arrived.mono).filter(|_| !self.is_blind);
            let bytes = look.units.iter().map(|unit| unit.data.len() as u64).sum();
            let spent = Spent { units: look.units.len() as u32, bytes, took: Duration::from_millis(4) };
            let numbers = look.units.iter().map(|unit| unit.media.ticks_90k as u64).collect();
            self.looks.push((self.now, look, numbers));
            self.attention.returned(self.now, newest, moved, &spent);
        }
    }

    fn quiet(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.unit(QUIET, false);
        }
    }

    /// What was decoded since the look of this number.
    fn decoded_since(&self, look: usize) -> Vec<u64> {
        self.looks[look..].iter().flat_map(|(_, _, numbers)| numbers.clone()).collect()
    }
}

#[test]
fn a_sleeping_camera_is_looked_at_within_its_promise_at_key_frames_alone() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(120));
    for (_, look, numbers) in &script.looks {
        assert_eq!((look.cause, look.then, numbers.len()), (Cause::Guard, Then::Close, 1));
        assert!(numbers[0].is_multiple_of(30), "{numbers:?}");
    }
    for pair in script.looks.windows(2) {
        let apart = pair[1].0.since(pair[0].0);
        assert!(apart <= PROMISE && apart >= Duration::from_secs(4), "{apart:?}");
    }
    assert!((14..=24).contains(&script.looks.len()), "about every six seconds: {}", script.looks.len());
}

#[test]
fn a_cause_is_followed_from_the_key_frame_in_memory_on_and_until_nothing_is_left_of_it() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(20));
    while script.sent % 30 != 20 {
        script.unit(QUIET, false);
    }
    let (before, first) = (script.looks.len(), script.sent);
    script.unit(CAUSE, true);
    let (at, look, numbers) = &script.looks[before];
    assert_eq!((look.cause, look.then), (Cause::Stream, Then::Keep));
    assert_eq!(numbers.first(), Some(&(first - 20)), "from the key frame on");
    assert_eq!(numbers.last(), Some(&first), "up to what gave cause");
    assert!(look.due.since(*at) <= Duration::from_millis(50), "at once");
    assert!(look.fps >= 15.0 && look.from <= *at, "every frame from the cause on");
    // Somebody is there for ten seconds, then gone.
    for _ in 0..150 {
        script.unit(QUIET, true);
        script.attention.judged(script.now, Judged { live: true, young: false, thing: true, raised: false });
    }
    let gone = script.sent;
    script.quiet(Duration::from_secs(30));
    let decoded = script.decoded_since(before);
    let awake = decoded.windows(2).take_while(|pair| pair[1] == pair[0] + 1).count() as u64 + 1;
    assert!(first - 20 + awake >= gone + 28, "not before two seconds after: {awake}");
    assert!(first - 20 + awake <= gone + 90, "and at the next key frame: {awake}");
    assert!(script.looks.last().is_some_and(|(_, look, _)| look.cause == Cause::Guard), "it sleeps again");
}

#[test]
fn a_cause_just_after_a_key_frame_is_followed_from_the_one_before() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(20));
    while script.sent % 30 != 2 {
        script.unit(QUIET, false);
    }
    let (before, sent) = (script.looks.len(), script.sent);
    // What rises since before the key frame.
    let unit = script.now - 3 * FRAME;
    script.attention.wake(script.now, Cause::Stream, unit);
    script.answer(false);
    assert_eq!(script.looks[before].2.first(), Some(&(sent - 32)));
}

#[test]
fn what_a_look_finds_keeps_the_camera_awake_and_motion_that_is_nothing_does_so_once() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(20));
    let mut woken = 0;
    let before = script.looks.len();
    for _ in 0..15 * 14 {
        let was_asleep = script.attention.is_asleep();
        script.unit(QUIET, true);
        woken += u32::from(was_asleep && !script.attention.is_asleep());
    }
    assert_eq!(woken, 1, "trees wake it once");
    let decoded = script.decoded_since(before).len();
    assert!((60..150).contains(&decoded), "for some seconds: {decoded}");
    script.attention.judged(script.now, Judged { live: true, young: true, thing: false, raised: false });
    assert!(!script.attention.is_asleep(), "what is tracked wakes it in any case");
}

#[test]
fn a_group_too_long_for_memory_is_decoded_as_it_comes_and_lazily() {
    let mut script = Script::new(Grant::Sparse { every: EVERY }, None);
    script.quiet(Duration::from_secs(60));
    let lazy: Vec<_> = script.looks.iter().filter(|(_, look, _)| look.cause == Cause::LongGroup).collect();
    let numbers: Vec<u64> = lazy.iter().flat_map(|(_, _, numbers)| numbers.clone()).collect();
    assert_eq!(numbers[0], 0, "from its key frame on");
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "without a gap");
    assert!(numbers.len() + LAZY_UNITS >= script.sent as usize, "to its end");
    assert!(lazy.iter().skip(12).all(|(_, look, _)| look.fps <= 1.0 && look.units.len() >= LAZY_UNITS));
    // A cause is looked at closely, and then it is lazy again.
    let before = script.looks.len();
    script.unit(CAUSE, true);
    assert_eq!(script.looks[before].1.cause, Cause::Stream);
    assert!(script.looks[before].1.fps >= 15.0);
    script.quiet(Duration::from_secs(20));
    assert!(script.looks.last().is_some_and(|(_, look, _)| look.fps <= 1.0));
}

#[test]
fn key_frames_farther_apart_than_the_promise_are_not_waited_for() {
    let mut script = Script::sparse(15 * 18);
    script.quiet(Duration::from_secs(100));
    for pair in script.looks.windows(2) {
        let apart = pair[1].0.since(pair[0].0);
        assert!(apart <= PROMISE + 2 * FRAME, "{apart:?}");
    }
}

#[test]
fn what_cannot_be_decoded_is_not_tried_over_and_over_and_its_promise_counts_as_broken() {
    let mut script = Script::sparse(30);
    script.is_blind = true;
    script.quiet(Duration::from_secs(60));
    assert!(
        (30..=45).contains(&script.looks.len()),
        "each key frame, and now and then: {}",
        script.looks.len()
    );
    assert!(script.attention.late_since(script.now).is_some());
}

#[test]
fn it_does_not_sleep_before_what_woke_it_was_looked_at() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(20));
    script.attention.wake(script.now, Cause::Stream, script.now);
    let look = script.attention.look(script.now).expect("it is awake");
    // The decoder is ten seconds behind.
    for _ in 0..150 {
        script.unit(QUIET, false);
    }
    assert!(!script.attention.is_asleep());
    let newest = look.units.last().map(|unit| unit.arrived.mono);
    script.attention.returned(script.now, newest, false, &Spent::default());
    script.quiet(Duration::from_secs(10));
    assert!(script.attention.is_asleep());
}

#[test]
fn a_job_of_a_stream_that_broke_off_says_nothing_of_the_next_one() {
    let mut script = Script::sparse(30);
    script.quiet(Duration::from_secs(20));
    script.attention.wake(script.now, Cause::Stream, script.now);
    let look = script.attention.look(script.now).expect("it is awake");
    script.attention.cut();
    let newest = look.units.last().map(|unit| unit.arrived.mono);
    script.attention.returned(script.now, newest, true, &Spent::default());
    script.attention.judged(script.now, Judged { live: true, young: true, thing: true, raised: false });
    assert!(script.attention.is_asleep(), "nothing is there to be looked at");
    assert_eq!(
        script.attention.late_since(script.now + Duration::from_secs(60)),
        None,
        "it is away, not overlooked"
    );
}

#[test]
fn always_decodes_every_unit_and_off_none() {
    let mut script = Script::new(Grant::Always, Some(30));
    script.quiet(Duration::from_secs(10));
    assert_eq!(script.decoded_since(0), (0..script.sent).collect::<Vec<_>>());
    script.attention.granted(script.now, Grant::Off);
    let before = script.looks.len();
    script.quiet(Duration::from_secs(30));
    assert_eq!(script.looks.len(), before);
    script.attention.granted(script.now, Grant::Sparse { every: EVERY });
    script.quiet(Duration::from_secs(5));
    assert!(script.looks.len() > before, "it is looked at again, from a key frame on");
    assert!(script.looks[before].2[0].is_multiple_of(30));
}

#[test]
fn cameras_that_start_together_are_not_looked_at_together() {
    let mut at = vec![0_u32; 200];
    for camera in 0..100 {
        let mut script = Script::sparse(30);
        script.attention.phase = camera as f32 / 100.0;
        script.quiet(Duration::from_secs(380));
        for (when, ..) in &script.looks {
            let group = when.since_start().as_secs() as usize / 2 - 50;
            at[group.min(199)] += 1;
        }
    }
    // A hundred cameras every six seconds, in groups of two seconds: some 33 looks a group.
    let worst = at[30..190].iter().max().copied().unwrap_or_default();
    assert!(worst < 60, "{at:?}");
}

#[derive(Debug, Clone)]
enum Step {
    Unit { cause: bool, moved: bool },
    Judged { live: bool, thing: bool },
    Granted(Grant),
    Nudged,
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let grant = prop_oneof![
        Just(Grant::Always),
        Just(Grant::Off),
        (2_u64..10).prop_map(|s| Grant::Sparse { every: Duration::from_secs(s) }),
    ];
    let step = prop_oneof![
        200 => (proptest::bool::weighted(0.02), proptest::bool::weighted(0.1))
            .prop_map(|(cause, moved)| Step::Unit { cause, moved }),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(live, thing)| Step::Judged { live, thing }),
        1 => grant.prop_map(Step::Granted),
        1 => Just(Step::Nudged),
        1 => Just(Step::Cut),
    ];
    proptest::collection::vec(step, 1..900)
}

proptest! {
    #[test]
    fn what_is_decoded_can_be_decoded(steps in steps(), group in 1_u64..400) {
        let mut script = Script::sparse(group);
        let mut closes = vec![0];
        for step in steps {
            let was_asleep = script.attention.is_asleep();
            match step {
                Step::Unit { cause, moved } => script.unit(if cause { CAUSE } else { QUIET }, moved),
                Step::Judged { live, thing } => {
                    script.attention.judged(script.now, Judged { live, young: false, thing, raised: false });
                    script.answer(false);
                }
                Step::Granted(grant) => {
                    script.attention.granted(script.now, grant);
                    script.answer(false);
                }
                Step::Nudged => {
                    script.attention.nudged(script.now);
                    script.answer(false);
                }
                Step::Cut => {
                    script.attention.cut();
                    // Another connection begins with a key frame.
                    script.sent = script.sent.next_multiple_of(group);
                }
            }
            if !was_asleep && script.attention.is_asleep() {
                closes.push(script.looks.len());
            }
            prop_assert!(script.attention.memory.len() <= UNITS_MAX + 100);
        }
        // Without a decoder that goes on, a look begins at a key frame; with one, just behind the look before.
        let mut expected = None;
        for (index, (_, look, numbers)) in script.looks.iter().enumerate() {
            if closes.contains(&index) || look.then == Then::Close {
                expected = None;
            }
            let first = numbers[0];
            match expected {
                Some(next) if next == first => {}
                _ => prop_assert!(look.units[0].is_key, "look {index} of {:?} starts at {first}, expected {expected:?}", look.cause),
            }
            prop_assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
            expected = (look.then == Then::Keep).then(|| numbers[numbers.len() - 1] + 1);
        }
    }
}
