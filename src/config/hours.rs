//! Whether a rule's hours apply at an instant.
//!
//! The clock on the wall decides, and nothing else: a span applies while the clock reads a time inside of it. An hour
//! that a change of clocks leaves out is therefore never inside, the hour that it repeats is inside both times, and a
//! watch from 22:00 to 05:00 ends at 05:00 on the clock, whether that night had six hours of it or eight.

use jiff::civil::{Time, Weekday};

use super::{Hours, HoursSpan};
use crate::time::Wall;

impl Hours {
    /// Whether any of the spans applies at `wall`.
    pub fn contains(&self, wall: Wall) -> bool {
        let clock = self.time_zone.to_datetime(wall.timestamp());
        self.spans.iter().any(|span| span.contains(clock.weekday(), clock.time()))
    }
}

impl HoursSpan {
    /// Whether the span applies when the clock reads `time` on a `day`.
    fn contains(&self, day: Weekday, time: Time) -> bool {
        if self.from < self.to {
            self.begins_on(day) && self.from <= time && time < self.to
        } else {
            (self.begins_on(day) && self.from <= time) || (self.begins_on(day.previous()) && time < self.to)
        }
    }

    fn begins_on(&self, day: Weekday) -> bool {
        self.days.contains(&day)
    }
}
