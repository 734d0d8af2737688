//! What the index is asked, and what it answers.

use std::{fmt, str::FromStr};

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};

use crate::{
    alert::Kind,
    clip::{Clip, Light},
    config::{Direction, Level},
    detect::Class,
    id::{CameraId, ClipId, EntryPointId, LineId, VillageId, ZoneId},
    time::Wall,
};

/// Clips on one page, at most.
pub const PAGE_MAX: usize = 200;

/// Which clips are asked for. As it is by default it asks for all of them, newest first; each member narrows it. An empty list
/// does not narrow; in one that is not empty, any of its members will do.
///
/// A clip's place in time is its begin in whole milliseconds, as its id has it.
#[derive(Debug, Clone)]
pub struct Question {
    /// Those that begin then or later.
    pub from: Option<Wall>,
    /// Those that begin before it.
    pub to: Option<Wall>,
    /// Those that begin while the clock in `time_zone` reads a time from the first of these up to the second, which is not among them. A second that is
    /// not later than the first is on the next day. An hour that a change of clocks repeats counts both times, one that it leaves out never.
    pub times_of_day: Vec<(Time, Time)>,
    /// Those of these days: of the day on which its time of day began, where there are times of day.
    pub days: Vec<Weekday>,
    /// Of `times_of_day` and `days`.
    pub time_zone: TimeZone,
    /// Of these cameras.
    pub cameras: Vec<CameraId>,
    /// At these entry points.
    pub entry_points: Vec<EntryPointId>,
    /// In these villages.
    pub villages: Vec<VillageId>,
    /// On these levels of the perimeter.
    pub levels: Vec<Level>,
    /// In one of these zones at some time.
    pub zones: Vec<ZoneId>,
    /// Across one of these lines.
    pub lines: Vec<LineId>,
    /// Of these classes.
    pub classes: Vec<Class>,
    /// In these directions.
    pub directions: Vec<Direction>,
    /// With an alert of these kinds.
    pub kinds: Vec<Kind>,
    /// By this light.
    pub lights: Vec<Light>,
    /// As sure as that, 0..1; compared in whole hundredths.
    pub confidence_min: f32,
    /// Which are first.
    pub order: Order,
    /// Those behind the page before ([`Page::next`]).
    pub after: Option<Cursor>,
    /// At most so many; no more than [`PAGE_MAX`].
    pub limit: usize,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            times_of_day: Vec::new(),
            days: Vec::new(),
            time_zone: TimeZone::UTC,
            cameras: Vec::new(),
            entry_points: Vec::new(),
            villages: Vec::new(),
            levels: Vec::new(),
            zones: Vec::new(),
            lines: Vec::new(),
            classes: Vec::new(),
            directions: Vec::new(),
            kinds: Vec::new(),
            lights: Vec::new(),
            confidence_min: 0.0,
            order: Order::default(),
            after: None,
            limit: 100,
        }
    }
}

/// Which clips are first. Those that begin in the same millisecond are in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The newest.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
}

/// Clips, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Not more than asked for.
    pub clips: Vec<Clip>,
    /// Where to go on; `None` where there are no more.
    pub next: Option<Cursor>,
}

/// A place in the order of clips: behind one of them. It stays where it is, whatever comes and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor(pub(super) ClipId);

/// Why a text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no place among clips: use what a page before has as \"next\"")]
pub struct NotACursor {
    /// What was written.
    pub text: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;
    fn from_str(text: &str) -> Result<Self, NotACursor> {
        text.parse().map(Self).map_err(|_| NotACursor { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_short_text() {
        let text = "01JQ0000000000000000000000";
        assert_eq!(text.parse::<Cursor>().map(|cursor| cursor.to_string()), Ok(text.to_owned()));
        for bad in ["", "01JQ", "01JQ000000000000000000000!", "村"] {
            assert!(bad.parse::<Cursor>().is_err_and(|error| error.to_string().contains(bad)), "{bad}");
        }
    }
}
