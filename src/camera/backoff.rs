//! When to try a camera again: for ever, but neither all at once nor into a lock-out.
//!
//! Pure: told what happened, answers how long to wait. Does not wait, and does not know the time.

use std::time::Duration;

use super::Ending;
use crate::id::Mint;

/// A stream that lasted this long was a good one: the next failure is the first again.
const LASTED_MIN: Duration = Duration::from_secs(10);

/// What sort of failure repeats itself, and how fast it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// The network, a reboot, a hiccup: likely to pass by itself.
    Passing,
    /// The camera answers, and says no to the URL or has no codec for us: somebody must change something.
    Standing,
    /// The camera says no to the password. Cameras lock out after some 5 to 7 wrong ones within half an hour (Hikvision, Dahua),
    /// and then lock out the operator as well.
    Password,
}

impl Sort {
    fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Auth => Self::Password,
            Ending::NotFound(_) | Ending::Unsupported(_) => Self::Standing,
            Ending::Refused(_)
            | Ending::Timeout { .. }
            | Ending::NoKeyframe(_)
            | Ending::Closed
            | Ending::Garbage(_) => Self::Passing,
        }
    }

    /// The longest wait after the first failure, and after many.
    fn waits(self) -> (Duration, Duration) {
        let (first_s, many_s) = match self {
            Self::Passing => (1, 60),
            Self::Standing => (10, 60),
            Self::Password => (120, 900),
        };
        (Duration::from_secs(first_s), Duration::from_secs(many_s))
    }
}

/// Jittered exponential backoff of one stream. Never gives up.
///
/// | ending | first wait | then doubles up to |
/// |---|---|---|
/// | closed, refused, timeout, garbage | 0.5 to 1 s | 30 to 60 s |
/// | not found, unsupported | 5 to 10 s | 30 to 60 s |
/// | wrong password | 1 to 2 min | 7.5 to 15 min |
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    /// The sort of the last failure, and how many of it came in a row before it.
    failures: Option<(Sort, u32)>,
}

impl Backoff {
    /// No failure yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stream ended so: how long to wait before the next attempt. Between half and all of the step, at random, so that
    /// cameras that went away together do not come back together.
    pub fn failed(&mut self, ending: &Ending, mint: &mut Mint) -> Duration {
        let sort = Sort::of(ending);
        let before = match self.failures {
            Some((last, before)) if last == sort => before.saturating_add(1),
            _ => 0,
        };
        self.failures = Some((sort, before));
        let (first, many) = sort.waits();
        let step = first.saturating_mul(2u32.saturating_pow(before)).min(many);
        step.mul_f64(0.5 + 0.5 * mint.unit())
    }

    /// The stream delivered for so long before it ended. Ten seconds forgive all failures; a camera that
    /// falls over sooner each time is still backed off from.
    pub fn streamed(&mut self, lasted: Duration) {
        if lasted >= LASTED_MIN {
            self.failures = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused() -> Ending {
        Ending::Refused("nobody listens".to_owned())
    }

    fn waits(ending: &Ending, count: usize, seed: u64) -> Vec<Duration> {
        let (mut backoff, mut mint) = (Backoff::new(), Mint::seeded(seed));
        (0..count).map(|_| backoff.failed(ending, &mut mint)).collect()
    }

    #[test]
    fn waits_double_from_a_second_to_a_minute() {
        let steps_s = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0];
        for (wait, step) in waits(&refused(), 8, 1).into_iter().zip(steps_s) {
            assert!((step / 2.0..=step).contains(&wait.as_secs_f64()), "{wait:?} of {step} s");
        }
    }

    #[test]
    fn a_wrong_password_is_not_tried_into_a_lock_out() {
        for seed in 0..100 {
            let (mut tries, mut at) = (1, Duration::ZERO);
            for wait in waits(&Ending::Auth, 20, seed) {
                at += wait;
                tries += usize::from(at <= Duration::from_secs(1800));
            }
            assert!(tries <= 7, "{tries} tries in half an hour");
        }
    }

    #[test]
    fn only_a_stream_that_lasts_forgives() {
        for (lasted_s, expected_s) in [(0, 8.0), (9, 8.0), (10, 1.0), (3600, 1.0)] {
            let (mut backoff, mut mint) = (Backoff::new(), Mint::seeded(3));
            for _ in 0..3 {
                backoff.failed(&refused(), &mut mint);
            }
            backoff.streamed(Duration::from_secs(lasted_s));
            let wait = backoff.failed(&Ending::Closed, &mut mint).as_secs_f64();
            assert!((expected_s / 2.0..=expected_s).contains(&wait), "lasted {lasted_s} s: {wait} s");
        }
    }

    #[test]
    fn another_sort_of_failure_starts_anew() {
        let (mut backoff, mut mint) = (Backoff::new(), Mint::seeded(3));
        for _ in 0..8 {
            backoff.failed(&refused(), &mut mint);
        }
        assert!(backoff.failed(&Ending::NotFound(String::new()), &mut mint) <= Duration::from_secs(10));
    }

    #[test]
    fn cameras_that_went_together_come_back_apart() {
        let first: std::collections::BTreeSet<Duration> =
            (0..50).map(|seed| waits(&refused(), 1, seed)[0]).collect();
        assert!(first.len() > 40, "{first:?}");
    }

    proptest! {
        #[test]
        fn no_wait_is_zero_or_longer_than_its_limit(kinds in proptest::collection::vec(0u8..4, 1..200), seed: u64) {
            let (mut backoff, mut mint) = (Backoff::new(), Mint::seeded(seed));
            for kind in kinds {
                let (ending, limit_s) = match kind {
                    0 => (Ending::Auth, 900),
                    1 => (Ending::Unsupported(String::new()), 60),
                    2 => (Ending::Closed, 60),
                    _ => (refused(), 60),
                };
                let wait = backoff.failed(&ending, &mut mint);
                prop_assert!(wait >= Duration::from_millis(500) && wait <= Duration::from_secs(limit_s));
            }
        }
    }
}
