//! Which time a report is about: a day, a week or a month of the station's civil time.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::time::Wall;

/// How long a time a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday.
    Week,
    /// From the first to the last of a month.
    Month,
}

impl Span {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As in parameters and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first day of the span that holds `day`.
    fn first(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days()),
            Self::Month => day.first_of_month(),
        }
    }

    /// The first day behind the span that begins with `first`.
    fn behind(self, first: Date) -> Date {
        match self {
            Self::Day => first.saturating_add(1.day()),
            Self::Week => first.saturating_add(7.days()),
            Self::Month => first.saturating_add(1.month()),
        }
    }
}

/// A day, a week or a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// How long.
    pub span: Span,
    /// Its first day.
    pub first: Date,
    /// Its last day.
    pub last: Date,
    /// Its begin.
    pub from: Wall,
    /// Its end, exclusive.
    pub to: Wall,
}

impl Period {
    /// The period that holds `day`. Days are as long as the clocks of `zone` make them.
    pub fn holding(span: Span, day: Date, zone: &TimeZone) -> Self {
        let first = span.first(day);
        let behind = span.behind(first);
        Self {
            span,
            first,
            last: behind.saturating_sub(1.day()),
            from: midnight(first, zone),
            to: midnight(behind, zone),
        }
    }

    /// The newest period that is over at `now`.
    pub fn last_whole(span: Span, now: Wall, zone: &TimeZone) -> Self {
        let today = zone.to_datetime(now.timestamp()).date();
        Self::holding(span, span.first(today).saturating_sub(1.day()), zone)
    }
}

/// When a day begins; at the ends of the calendar, when that is nearest.
fn midnight(day: Date, zone: &TimeZone) -> Wall {
    let at = zone.to_timestamp(day.at(0, 0, 0, 0));
    Wall::from_unix_us(at.map_or(i64::MAX, jiff::Timestamp::as_microsecond))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    #[test]
    fn periods_begin_and_end_by_the_calendar() {
        let shanghai = zone("Asia/Shanghai");
        for (span, at, first, last) in [
            (Span::Day, "2026-03-09", "2026-03-09", "2026-03-09"),
            (Span::Week, "2026-03-09", "2026-03-09", "2026-03-15"),
            (Span::Week, "2026-03-15", "2026-03-09", "2026-03-15"),
            (Span::Week, "2026-01-01", "2025-12-29", "2026-01-04"),
            (Span::Month, "2026-02-28", "2026-02-01", "2026-02-28"),
            (Span::Month, "2024-02-01", "2024-02-01", "2024-02-29"),
        ] {
            let period = Period::holding(span, day(at), &shanghai);
            assert_eq!((period.first, period.last), (day(first), day(last)), "{span:?} of {at}");
        }
        let period = Period::holding(Span::Day, day("2026-03-09"), &shanghai);
        assert_eq!(period.from.to_string(), "2026-03-08T16:00:00.000Z");
        assert_eq!(period.to.to_string(), "2026-03-09T16:00:00.000Z");
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_make_it() {
        let period = Period::holding(Span::Day, day("2026-03-29"), &zone("Europe/Berlin"));
        assert_eq!(period.to.us_since(period.from), 23 * 3600 * 1_000_000);
    }

    #[test]
    fn the_last_whole_period_is_over() {
        let (zone, now) = (zone("Asia/Shanghai"), Wall::from_unix_ms(1_773_079_445_123)); // 2026-03-10 02:04
        for (span, first) in
            [(Span::Day, "2026-03-09"), (Span::Week, "2026-03-02"), (Span::Month, "2026-02-01")]
        {
            let period = Period::last_whole(span, now, &zone);
            assert_eq!(period.first, day(first), "{span:?}");
            assert!(period.to <= now);
        }
    }
}
