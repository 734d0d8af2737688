//! The time line of one camera's recordings: civil time that never steps back.
//!
//! What is recorded is found by civil time, and the clock of a machine may be set. Owns what becomes of the labels then:
//!
//! | the clock is set | the line |
//! |---|---|
//! | forward, by less than a second | follows at once |
//! | forward, by more | follows where nothing is being recorded; else at the next segment, with a gap ([`super::GapCause::Clock`]) between |
//! | back | goes on at an eighth of its pace until the clock has caught up: nothing is recorded twice under one time, and nothing is left out |

use std::time::Duration;

use crate::time::{Mono, Now, Wall};

/// A step forward of so much is one that is to be seen in the record.
const STEP_MIN_US: i64 = 1_000_000;
/// The pace while the line is ahead of the clock, as a divisor.
const SLOW: u32 = 8;

/// Where the line is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    last: Now,
    at: Wall,
}

impl Line {
    /// Begins at `start`, which may be ahead of the clock: what lies before is on record already.
    pub(super) fn new(now: Now, start: Wall) -> Self {
        Self { last: now, at: start.max(now.wall) }
    }

    /// Where it was last.
    pub(super) fn at(&self) -> Wall {
        self.at
    }

    /// When that was.
    pub(super) fn mono(&self) -> Mono {
        self.last.mono
    }

    /// Goes on to `now`; an instant before the last one changes nothing. A step forward is left out: see [`Self::step`].
    pub(super) fn go(&mut self, now: Now) -> Wall {
        if now.mono <= self.last.mono {
            return self.at;
        }
        let passed = now.mono.since(self.last.mono);
        self.last = now;
        let expected = self.at.after(passed);
        let ahead_us = expected.us_since(now.wall);
        self.at = if ahead_us > 0 {
            let caught_up = Duration::from_micros(ahead_us.unsigned_abs());
            let pace = (passed / SLOW).max(passed.saturating_sub(caught_up));
            self.at.after(pace)
        } else if ahead_us > -STEP_MIN_US {
            now.wall
        } else {
            expected
        };
        self.at
    }

    /// Goes on to `at` at least: what was shown must have had its time.
    pub(super) fn reach(&mut self, at: Wall) {
        self.at = self.at.max(at);
    }

    /// Whether the clock was set forward, and where the line would be if it followed.
    pub(super) fn step(&self) -> Option<Wall> {
        (self.last.wall.us_since(self.at) >= STEP_MIN_US).then_some(self.last.wall)
    }

    /// Follows the step.
    pub(super) fn follow(&mut self) {
        self.at = self.at.max(self.last.wall);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now(mono_ms: u64, wall_ms: i64) -> Now {
        Now { mono: Mono::from_start(Duration::from_millis(mono_ms)), wall: Wall::from_unix_ms(wall_ms) }
    }

    #[test]
    fn steps_are_followed_or_waited_for() {
        let mut line = Line::new(now(0, 10_000), Wall::from_unix_ms(0));
        assert_eq!(line.go(now(1000, 11_000)).unix_ms(), 11_000);
        assert_eq!(line.go(now(2000, 12_400)).unix_ms(), 12_400, "a small step forward");
        assert_eq!(line.go(now(3000, 73_400)).unix_ms(), 13_400, "a minute forward waits");
        assert_eq!(line.step().map(Wall::unix_ms), Some(73_400));
        line.follow();
        assert_eq!((line.at().unix_ms(), line.step()), (73_400, None));
        assert_eq!(line.go(now(4000, 70_400)).unix_ms(), 73_525, "back: an eighth of its pace");
        assert_eq!(line.go(now(8000, 74_400)).unix_ms(), 74_400, "caught up");
        assert_eq!(line.go(now(7000, 1)).unix_ms(), 74_400, "an instant before the last one");
    }

    proptest! {
        #[test]
        fn it_never_steps_back(steps in proptest::collection::vec((0u64..5000, -10_000i64..10_000), 1..100), start in -5000i64..5000) {
            let (mut mono, mut wall) = (0, 0);
            let mut line = Line::new(now(0, 0), Wall::from_unix_ms(start));
            for (passed, set) in steps {
                mono += passed;
                wall += passed as i64 + if set % 3 == 0 { set } else { 0 };
                let before = line.at();
                let at = line.go(now(mono, wall));
                prop_assert!(at >= before && (passed == 0 || at > before));
                if set % 2 == 0 {
                    line.follow();
                }
                prop_assert!(line.at() >= at);
            }
        }
    }
}
