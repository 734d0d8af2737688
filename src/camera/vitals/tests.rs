//! Scripts of a camera's life, in virtual time.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{camera::Codec, config::StreamRole, time::MediaTime};

const FIRST_MS: i64 = 1_790_000_000_000;

struct Script {
    vitals: Vitals,
    now: Now,
    /// Camera clock minus ours; `None` where it does not tell.
    skew_ms: Option<i64>,
    /// Units since the last key frame.
    since_key: u32,
    changes: Vec<(State, Vec<Reason>)>,
}

impl Script {
    fn new() -> Self {
        let now =
            Now { mono: Mono::from_start(Duration::from_millis(1234)), wall: Wall::from_unix_ms(FIRST_MS) };
        let camera = "gate-1".parse().expect("an id");
        let vitals = Vitals::new(camera, &Limits::default(), now);
        Self { vitals, now, skew_ms: None, since_key: 0, changes: Vec::new() }
    }

    fn started() -> Self {
        let mut script = Self::new();
        script.vitals.connecting(script.now);
        script.vitals.playing(script.now, &info());
        script
    }

    fn noted(&mut self, changed: bool) {
        let health = self.vitals.health(self.now);
        if changed {
            self.changes.push((health.state, health.reasons.into_iter().collect()));
        }
    }

    /// Units at `fps` for so long, a key frame each `gop` units (0: none), and a tick a second.
    fn units(&mut self, seconds: u32, fps: u32, gop: u32) -> &mut Self {
        for _ in 0..seconds {
            for _ in 0..fps {
                let is_key = gop > 0 && self.since_key.is_multiple_of(gop);
                self.since_key += 1;
                let unit = unit(self.now, is_key, self.skew_ms);
                let changed = self.vitals.unit(self.now, &unit);
                self.noted(changed);
                self.now = self.now.after(Duration::from_secs(1) / fps);
            }
            if fps == 0 {
                self.now = self.now.after(Duration::from_secs(1));
            }
            let changed = self.vitals.tick(self.now);
            self.noted(changed);
        }
        self
    }

    /// Frames that look like `motion`, one a second, while units go on.
    fn pictures(&mut self, seconds: u32, motion: &Motion) -> &mut Self {
        for _ in 0..seconds {
            self.units(1, 10, 10);
            let changed = self.vitals.picture(self.now, motion);
            self.noted(changed);
        }
        self
    }

    fn health(&self) -> Health {
        self.vitals.health(self.now)
    }

    fn reasons(&self) -> Vec<Reason> {
        self.health().reasons.into_iter().collect()
    }
}

fn info() -> StreamInfo {
    StreamInfo { codec: Codec::H264, size: None, rfc6381: None, audio: None }
}

fn unit(now: Now, is_key: bool, skew_ms: Option<i64>) -> AccessUnit {
    AccessUnit {
        role: StreamRole::Main,
        codec: Codec::H264,
        data: Bytes::from_static(&[0; 1250]),
        is_key,
        media: MediaTime::default(),
        camera_clock: skew_ms.map(|ms| Wall::from_unix_ms(now.wall.unix_ms() + ms)),
        arrived: now,
        packets_lost: 0,
    }
}

fn picture(luma_mean: f32, luma_deviation: f32, repeats: bool) -> Motion {
    Motion { luma_mean, luma_deviation, repeats, ..Motion::default() }
}

#[test]
fn a_camera_is_offline_until_its_first_unit_and_says_why() {
    let mut script = Script::new();
    let refused = Ending::Refused("10.0.0.9:554: Connection refused".to_owned());
    let silent = Ending::Timeout { phase: "media", after: Duration::from_secs(10) };
    assert_eq!((script.health().state, script.reasons()), (State::Offline, vec![]));

    type Step = fn(&mut Vitals, Now, &Ending) -> bool;
    type Case<'a> = (&'static str, Step, &'a Ending, bool, State, &'static [Reason]);
    let steps: [Case<'_>; 8] = [
        ("connects", |v, now, _| v.connecting(now), &refused, false, State::Offline, &[]),
        ("is refused", Vitals::ended, &refused, true, State::Offline, &[Reason::Refused]),
        ("connects", |v, now, _| v.connecting(now), &refused, false, State::Offline, &[Reason::Refused]),
        ("plays", |v, now, _| v.playing(now, &info()), &refused, false, State::Offline, &[Reason::Refused]),
        ("sends", |v, now, _| v.unit(now, &unit(now, true, None)), &refused, true, State::Online, &[]),
        ("is silent", Vitals::ended, &silent, true, State::Offline, &[Reason::Timeout]),
        ("is silent", Vitals::ended, &silent, false, State::Offline, &[Reason::Timeout]),
        ("wants a password", Vitals::ended, &Ending::Auth, true, State::Offline, &[Reason::Auth]),
    ];
    let mut since = script.now.wall;
    for (what, step, ending, changes, state, reasons) in steps {
        script.now = script.now.after(Duration::from_secs(1));
        assert_eq!(step(&mut script.vitals, script.now, ending), changes, "{what}");
        since = if changes { script.now.wall } else { since };
        let health = script.health();
        assert_eq!(
            (health.state, script.reasons().as_slice(), health.since),
            (state, reasons, since),
            "{what}"
        );
    }
    assert_eq!(script.health().detail.as_deref(), Some("the camera refuses the user name or password"));
    assert_eq!(script.health().last_frame, Some(Wall::from_unix_ms(FIRST_MS + 5000)));
}

#[test]
fn rates_are_told() {
    let mut script = Script::started();
    script.units(20, 25, 25);
    let health = script.health();
    assert!((health.fps - 25.0).abs() < 1.0 && (health.kbps - 250.0).abs() < 10.0, "{health:?}");
    assert_eq!((health.state, health.detail), (State::Online, None));
}

#[test]
fn a_stream_without_key_frames_is_degraded_until_one_comes() {
    let mut script = Script::started();
    script.units(29, 10, 0);
    assert_eq!(script.health().state, State::Online);
    script.units(3, 10, 0);
    assert_eq!(script.reasons(), [Reason::NoKeyframe]);
    assert_eq!(script.health().detail.as_deref(), Some("no key frame for more than 30s"));
    script.since_key = 0;
    script.units(1, 10, 300);
    assert_eq!(script.health().state, State::Online);
    assert_eq!(script.changes.len(), 3, "{:?}", script.changes);
}

#[test]
fn a_rate_is_low_by_the_measure_of_its_own_stream() {
    let low: &'static [Reason] = &[Reason::FpsLow];
    type Case = (&'static str, &'static [(u32, u32)], &'static [Reason]);
    let cases: [Case; 8] = [
        ("steady", &[(60, 25)], &[]),
        ("one a second is what this camera sends", &[(120, 1)], &[]),
        ("a hiccup", &[(60, 25), (8, 5), (5, 25)], &[]),
        ("at night with half the rate", &[(60, 25), (60, 12)], &[]),
        ("a fifth for long", &[(60, 25), (20, 5)], low),
        ("and back", &[(60, 25), (20, 5), (15, 25)], &[]),
        ("set to fewer", &[(60, 25), (1500, 8)], &[]),
        ("nearly nothing from the start", &[(20, 0)], low),
    ];
    for (what, parts, reasons) in cases {
        let mut script = Script::started();
        script.vitals.unit(script.now, &unit(script.now, true, None));
        for &(seconds, fps) in parts {
            script.units(seconds, fps, 1);
        }
        assert_eq!(script.reasons(), reasons, "{what}");
    }
}

#[test]
fn a_camera_that_is_set_up_anew_is_learnt_anew() {
    for (what, codec, reasons) in
        [("another codec", Codec::H265, &[][..]), ("the same", Codec::H264, &[Reason::FpsLow])]
    {
        let mut script = Script::started();
        script.units(60, 25, 25);
        script.vitals.playing(script.now, &StreamInfo { codec, ..info() });
        script.units(20, 5, 25);
        assert_eq!(script.reasons(), reasons, "{what}");
    }
}

#[test]
fn a_clock_that_is_wrong_is_a_reason_and_its_skew_is_told() {
    const LONG_AGO: i64 = -FIRST_MS + 60_000;
    let wrong: &'static [Reason] = &[Reason::Clock];
    type Case = (&'static str, &'static [(u32, Option<i64>)], &'static [Reason], Option<i64>);
    let cases: [Case; 7] = [
        ("not told", &[(60, None)], &[], None),
        ("a little behind", &[(60, Some(-800))], &[], Some(-800)),
        ("an hour ahead", &[(30, Some(3_600_000))], wrong, Some(3_600_000)),
        ("1970", &[(30, Some(LONG_AGO))], wrong, Some(LONG_AGO)),
        ("briefly", &[(30, Some(0)), (8, Some(60_000)), (20, Some(0))], &[], Some(0)),
        ("between both limits it stays", &[(30, Some(6_000)), (60, Some(4_500))], wrong, Some(4_500)),
        ("put right", &[(30, Some(60_000)), (20, Some(100))], &[], Some(100)),
    ];
    for (what, parts, reasons, skew_ms) in cases {
        let mut script = Script::started();
        for &(seconds, skew_ms) in parts {
            script.skew_ms = skew_ms;
            script.units(seconds, 10, 10);
        }
        assert_eq!(script.reasons(), reasons, "{what}");
        let close = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 20,
            (a, b) => a == b,
        };
        assert!(close(script.health().clock_skew_ms, skew_ms), "{what}: {:?}", script.health().clock_skew_ms);
    }
    let mut script = Script::started();
    script.skew_ms = Some(-3_600_000);
    script.units(30, 10, 10);
    assert_eq!(script.health().detail.as_deref(), Some("the camera's clock is 3600 s behind"));
}

#[test]
fn skew_is_smoothed_over_seconds() {
    let mut script = Script::started();
    for number in 0..300 {
        script.skew_ms = Some(if number % 2 == 0 { -400 } else { 400 });
        script.units(1, 10, 10);
        if number > 30 {
            let skew_ms = script.health().clock_skew_ms.expect("told");
            assert!(skew_ms.abs() < 100, "{skew_ms}");
        }
    }
}

#[test]
fn what_pixels_show_is_a_reason_when_it_lasts() {
    let good = picture(110.0, 45.0, false);
    let cases: [(&str, Motion, u32, &[Reason]); 9] = [
        ("good", good.clone(), 200, &[]),
        ("a static night scene within a GOP", picture(110.0, 45.0, true), 50, &[]),
        ("frozen", picture(110.0, 45.0, true), 70, &[Reason::Frozen]),
        ("a dark moment", picture(5.0, 3.0, false), 20, &[]),
        ("dark", picture(5.0, 3.0, false), 40, &[Reason::Dark]),
        ("a noisy night", picture(40.0, 9.0, false), 200, &[]),
        ("bright", picture(250.0, 2.0, false), 40, &[Reason::Bright]),
        ("covered", picture(90.0, 2.0, false), 40, &[Reason::Covered]),
        ("covered and frozen", picture(90.0, 2.0, true), 70, &[Reason::Frozen, Reason::Covered]),
    ];
    for (what, motion, seconds, reasons) in cases {
        let mut script = Script::started();
        script.pictures(5, &good).pictures(seconds, &motion);
        assert_eq!(script.reasons(), reasons, "{what}");
        script.pictures(15, &good);
        assert_eq!(script.health().state, State::Online, "{what}, and good again");
    }
}

#[test]
fn a_new_connection_starts_with_a_clean_picture() {
    let mut script = Script::started();
    script.pictures(40, &picture(5.0, 3.0, false));
    assert_eq!(script.reasons(), [Reason::Dark]);
    script.vitals.ended(script.now, &Ending::Closed);
    assert!(!script.vitals.picture(script.now, &picture(5.0, 3.0, false)), "a late frame of the old one");
    script.vitals.playing(script.now, &info());
    script.units(1, 10, 10);
    assert_eq!(script.health().state, State::Online);
}

#[derive(Debug, Clone)]
enum Event {
    Connecting,
    Playing,
    Unit { is_key: bool, skew_ms: Option<i64> },
    Ended(u8),
    Picture { luma: f32, deviation: f32, repeats: bool },
    Tick,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Connecting),
        Just(Event::Playing),
        (any::<bool>(), any::<Option<i64>>())
            .prop_map(|(is_key, skew)| Event::Unit { is_key, skew_ms: skew.map(|ms| ms / 4) }),
        (0u8..3).prop_map(Event::Ended),
        (any::<f32>(), any::<f32>(), any::<bool>()).prop_map(|(luma, deviation, repeats)| Event::Picture {
            luma,
            deviation,
            repeats
        }),
        Just(Event::Tick),
    ]
}

proptest! {
    #[test]
    fn a_change_is_told_exactly_when_there_is_one(
        events in proptest::collection::vec((event(), 0u64..20_000), 1..100),
    ) {
        let mut script = Script::new();
        for (event, passed_ms) in events {
            let before = script.health();
            script.now = script.now.after(Duration::from_millis(passed_ms));
            let (vitals, now) = (&mut script.vitals, script.now);
            let changed = match event {
                Event::Connecting => vitals.connecting(now),
                Event::Playing => vitals.playing(now, &info()),
                Event::Unit { is_key, skew_ms } => vitals.unit(now, &unit(now, is_key, skew_ms)),
                Event::Ended(0) => vitals.ended(now, &Ending::Auth),
                Event::Ended(1) => vitals.ended(now, &Ending::Closed),
                Event::Ended(_) => vitals.ended(now, &Ending::NoKeyframe(Duration::ZERO)),
                Event::Picture { luma, deviation, repeats } => {
                    vitals.picture(now, &picture(luma, deviation, repeats))
                }
                Event::Tick => vitals.tick(now),
            };
            let after = script.health();
            prop_assert_eq!(changed, (before.state, &before.reasons) != (after.state, &after.reasons));
            prop_assert_eq!(after.since, if changed { script.now.wall } else { before.since });
            prop_assert!(after.fps.is_finite() && after.kbps.is_finite());
            match after.state {
                State::Online => prop_assert!(after.reasons.is_empty()),
                State::Degraded => prop_assert!(!after.reasons.is_empty()),
                State::Offline | State::Maintenance => prop_assert!(after.reasons.len() <= 1),
            }
            prop_assert_eq!(after.detail.is_some(), after.state != State::Online);
        }
    }
}
