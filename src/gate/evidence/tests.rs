//! Evidence over scripted streams: ten units a second, a key frame every two seconds, sizes with some chance in them.

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::*;

const GROUP: u64 = 20;

/// A camera, and somebody who looks whenever it gives cause.
struct Script {
    evidence: Evidence,
    random: SmallRng,
    sent: u64,
    /// What units that are no key frames weigh more than in quiet, in doublings.
    more: f32,
    /// How much sizes vary by chance, in doublings.
    chance: f32,
    /// QP of key frames and of others.
    qp: (u8, u8),
    b_frames: bool,
    causes: u32,
}

impl Script {
    fn new() -> Self {
        let random = SmallRng::seed_from_u64(3);
        let (evidence, qp) = (Evidence::new(), (21, 24));
        Self { evidence, random, sent: 0, more: 0.0, chance: 0.15, qp, b_frames: false, causes: 0 }
    }

    fn now(&self) -> Mono {
        Mono::from_start(Duration::from_millis(self.sent * 100))
    }

    fn unit(&mut self) -> Suspicion {
        let place = self.sent % GROUP;
        let chance = (self.random.random::<f32>() - 0.5) * 3.5 * self.chance;
        // Units grow along their group, as real ones do.
        let usual = 1_500.0 * (0.2 + place as f32 / GROUP as f32);
        let (kind, bytes, qp) = match place {
            0 => (PictureKind::Key, 40_000.0, self.qp.0),
            _ if self.b_frames && !place.is_multiple_of(3) => {
                (PictureKind::Bidirectional, usual / 8.0 * (self.more + chance).exp2(), self.qp.1 + 2)
            }
            _ => (PictureKind::Predicted, usual * (self.more + chance).exp2(), self.qp.1),
        };
        let is_reference = kind != PictureKind::Bidirectional;
        let facts = UnitFacts { bytes: bytes as u32, filler: 0, kind, is_reference, qp: Some(qp), slices: 1 };
        let suspicion = self.evidence.unit(self.now(), &facts);
        self.sent += 1;
        suspicion
    }

    /// So many seconds in which each cause is looked into, in vain. Says how many causes there were.
    fn quiet(&mut self, seconds: u64) -> u32 {
        let before = self.causes;
        let end = self.sent + seconds * 10;
        while self.sent < end {
            if self.unit().gives_cause() {
                self.causes += 1;
                self.look(20, Outcome::Nothing);
            }
        }
        self.causes - before
    }

    /// It is awake for so many units.
    fn look(&mut self, units: u64, outcome: Outcome) {
        self.evidence.watched(self.now());
        for _ in 0..units {
            assert!(!self.unit().gives_cause(), "whoever looks need not be called");
        }
        self.evidence.looked(outcome);
    }

    /// Somebody comes. After how many units it gives cause, if within ten seconds.
    fn arrival(&mut self, more: f32) -> Option<u64> {
        self.more = more;
        (0..100).find(|_| self.unit().gives_cause())
    }
}

#[test]
fn quiet_gives_cause_about_as_seldom_as_is_stated() {
    for (what, b_frames) in [("P", false), ("B", true)] {
        let mut script = Script { b_frames, ..Script::new() };
        script.quiet(60);
        let causes = script.quiet(30 * 60);
        assert!(causes <= 36, "{what}: {causes} in 30 minutes");
    }
}

#[test]
fn an_arrival_gives_cause_and_says_when_it_began() {
    for (what, b_frames, more) in [("P", false, 1.0), ("B", true, 1.5)] {
        let mut script = Script { b_frames, ..Script::new() };
        script.quiet(125);
        let came = script.now();
        let units = script.arrival(more);
        assert!(units.is_some_and(|units| units <= 12), "{what}: {units:?}");
        let since = script.evidence.since();
        let early = came.since(since).max(since.since(came));
        assert!(early <= Duration::from_millis(1_000), "{what}: {early:?}");
    }
}

#[test]
fn where_size_is_kept_the_qp_tells() {
    let mut script = Script::new();
    script.quiet(120);
    script.qp.1 += 3;
    assert!(script.arrival(0.0).is_some_and(|units| units <= 15));
}

#[test]
fn a_slow_drift_is_no_arrival() {
    let mut script = Script::new();
    script.quiet(120);
    let mut causes = 0;
    for _ in 0..600 {
        script.more += 1.0 / 600.0;
        causes += script.quiet(1);
    }
    assert!(causes <= 15, "{causes} in ten minutes in which sizes doubled");
}

#[test]
fn a_step_in_noise_becomes_quiet() {
    let mut script = Script::new();
    script.quiet(120);
    (script.more, script.chance) = (3.0, 0.4);
    assert!(script.quiet(60) >= 1, "it is worth a look once");
    let causes = script.quiet(10 * 60);
    assert!(causes <= 15, "{causes} in ten minutes");
    assert!(script.arrival(5.0).is_some(), "an arrival is still one");
}

#[test]
fn what_is_seen_of_a_thing_is_not_learnt_as_quiet() {
    let mut script = Script::new();
    script.quiet(120);
    for visit in 0..4 {
        assert!(script.arrival(1.2).is_some(), "visit {visit}");
        script.look(300, Outcome::Thing);
        script.more = 0.0;
        script.quiet(20);
    }
    assert!(script.evidence.worth() > 0.9);
}

#[test]
fn worth_follows_from_the_rate_and_then_from_what_is_found() {
    let mut script = Script::new();
    script.quiet(60);
    assert!(!script.evidence.is_poor(), "nothing speaks against it");
    for _ in 0..4 {
        script.quiet(20);
        script.look(50, Outcome::Thing);
    }
    assert!(script.evidence.is_poor(), "four things were found that it had not announced");

    let mut rationed = Script { qp: (30, 25), ..Script::new() };
    rationed.quiet(60);
    assert!(rationed.evidence.is_poor(), "key frames are coarser than others: the rate is strict");
    for _ in 0..4 {
        assert!(rationed.arrival(2.0).is_some());
        rationed.look(50, Outcome::Thing);
        rationed.more = 0.0;
        rationed.quiet(20);
    }
    assert!(!rationed.evidence.is_poor(), "it announced four");
}

#[test]
fn a_new_stream_is_weighed_for_a_while_before_it_gives_cause() {
    let mut script = Script::new();
    script.quiet(120);
    script.evidence.cut();
    script.more = 3.0;
    assert!((1..u64::from(WARM_UNITS)).all(|_| !script.unit().gives_cause()));
}

proptest! {
    #[test]
    fn any_facts_give_a_suspicion(
        units in proptest::collection::vec((any::<u32>(), any::<u32>(), 0..3u8, any::<bool>(), proptest::option::of(0..=51u8), 0..3u16, 0..900_000u64), 0..300)
    ) {
        let mut evidence = Evidence::new();
        let mut at = Mono::ZERO;
        for (number, (bytes, filler, kind, is_reference, qp, slices, passed_us)) in units.into_iter().enumerate() {
            let kind = [PictureKind::Key, PictureKind::Predicted, PictureKind::Bidirectional][usize::from(kind)];
            at = at + Duration::from_micros(passed_us);
            let Suspicion(suspicion) = evidence.unit(at, &UnitFacts { bytes, filler, kind, is_reference, qp, slices });
            prop_assert!(suspicion.is_finite() && suspicion >= 0.0);
            prop_assert!(evidence.since() <= at);
            prop_assert!((0.0..=1.0).contains(&evidence.worth()));
            match number % 50 {
                20 => evidence.watched(at),
                40 => evidence.looked([Outcome::Nothing, Outcome::Moved, Outcome::Thing][number % 3]),
                _ => {}
            }
        }
    }
}
