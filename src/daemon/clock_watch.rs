//! Whether this machine's civil time can be believed.
//!
//! Deadlines are civil times, so that they survive a restart. A clock that was wrong must not delete evidence: what is deleted for its age waits
//! for a day after civil time has jumped ahead, or where it is far ahead of all that is known. Pure: it is told the time.

use std::time::Duration;

use crate::time::{Mono, Now, Trust, Wall};

/// This program was not written before 2026: an earlier time means that the machine lost its clock.
pub(super) const CLOCK_MIN: Wall = Wall::from_unix_ms(1_767_225_600_000);
/// Civil time that advances by so much more than the monotonic clock was set. (Leap seconds and NTP's steps are smaller.)
const JUMP_MIN: Duration = Duration::from_secs(3600);
/// After so long without any alert on record, a start looks like one with a wrong clock.
const QUIET_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long nothing is deleted for its age then: time for somebody to see the log and set the clock.
const DOUBTED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Watches civil time.
#[derive(Debug)]
pub(super) struct ClockWatch {
    last: Now,
    doubted_until: Option<Mono>,
}

impl ClockWatch {
    /// From the start on, at which the newest alert on record was raised at `newest`.
    pub(super) fn new(now: Now, newest: Option<Wall>) -> Self {
        let is_far = newest.is_some_and(|newest| now.wall > newest.after(QUIET_MAX));
        Self { last: now, doubted_until: is_far.then(|| now.mono + DOUBTED_FOR) }
    }

    /// How far it is believed now.
    pub(super) fn look(&mut self, now: Now) -> Trust {
        let civil = now.wall.us_since(self.last.wall);
        let passed = now.mono.since(self.last.mono);
        self.last = now;
        if civil > (passed + JUMP_MIN).as_micros() as i64 {
            tracing::warn!(clock = %now.wall, "this machine's clock was set ahead: nothing is deleted for its age for a day");
            self.doubted_until = Some(now.mono + DOUBTED_FOR);
        }
        match self.doubted_until {
            _ if now.wall < CLOCK_MIN => Trust::Lost,
            Some(until) if now.mono < until => Trust::Doubted,
            _ => Trust::Believed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mono_s: u64, wall_s: i64) -> Now {
        let wall = Wall::from_unix_us(CLOCK_MIN.unix_us() + wall_s * 1_000_000);
        Now { mono: Mono::from_start(Duration::from_secs(mono_s)), wall }
    }

    #[test]
    fn a_clock_that_jumps_ahead_is_doubted_for_a_day() {
        let mut watch = ClockWatch::new(at(0, 0), None);
        assert_eq!(watch.look(at(10, 10)), Trust::Believed);
        assert_eq!(watch.look(at(20, 3000)), Trust::Believed, "summer time of a badly set clock is no jump");
        assert_eq!(watch.look(at(30, 30_000_000)), Trust::Doubted);
        assert_eq!(watch.look(at(24 * 3600, 30_000_000 + 24 * 3600 - 30)), Trust::Doubted);
        assert_eq!(watch.look(at(24 * 3600 + 31, 30_000_000 + 24 * 3600)), Trust::Believed);
    }

    #[test]
    fn a_lost_clock_reaches_no_deadline_and_setting_it_deletes_nothing() {
        let mut watch = ClockWatch::new(at(0, -200_000_000), None);
        assert_eq!(watch.look(at(10, -199_999_990)), Trust::Lost);
        assert_eq!(watch.look(at(20, 5)), Trust::Doubted);
    }

    #[test]
    fn a_start_long_after_the_newest_alert_is_doubted() {
        let newest = at(0, 0).wall;
        assert_eq!(ClockWatch::new(at(0, 6 * 86_400), Some(newest)).look(at(1, 6 * 86_400)), Trust::Believed);
        assert_eq!(ClockWatch::new(at(0, 8 * 86_400), Some(newest)).look(at(1, 8 * 86_400)), Trust::Doubted);
    }
}
