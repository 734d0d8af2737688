//! From "9 to 11 March, 02:00 to 04:00 on the clock" to spans of time.
//!
//! Owns nothing: pure reckoning over milliseconds since 1970. Between two changes of clocks the clock differs from UTC by a constant, so that the
//! spans of one such stretch are those of the clock, moved and cut to it.

use std::ops::Range;

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use super::Question;
use crate::time::Wall;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// The milliseconds of `within` at which `question` admits a clip's begin: disjoint, ascending. Its cursor is not looked at.
pub(super) fn spans(question: &Question, within: Range<u64>) -> Vec<Range<u64>> {
    let from = question.from.map_or(0, first_ms).max(within.start);
    let to = question.to.map_or(u64::MAX, first_ms).min(within.end);
    if from >= to {
        return Vec::new();
    }
    if question.times_of_day.is_empty() && question.days.is_empty() {
        return std::iter::once(from..to).collect();
    }
    let whole_day = [(0, DAY_MS)];
    let times: Vec<_> = question.times_of_day.iter().map(|&(from, to)| time_span(from, to)).collect();
    let times = if times.is_empty() { &whole_day[..] } else { &times };
    let mut found = Vec::new();
    for (stretch, ahead_ms) in stretches(&question.time_zone, from as i64..to.min(i64::MAX as u64) as i64) {
        let clock = stretch.start + ahead_ms..stretch.end + ahead_ms;
        // A time of day that began the day before may still be on.
        for day in clock.start.div_euclid(DAY_MS) - 1..=(clock.end - 1).div_euclid(DAY_MS) {
            if !question.days.is_empty() && !question.days.contains(&weekday(day)) {
                continue;
            }
            for &(from, to) in times {
                let begin = (day * DAY_MS + from).max(clock.start) - ahead_ms;
                let end = (day * DAY_MS + to).min(clock.end) - ahead_ms;
                if begin < end {
                    found.push(begin as u64..end as u64);
                }
            }
        }
    }
    disjoint(found)
}

/// The first whole millisecond that is not before `wall`.
fn first_ms(wall: Wall) -> u64 {
    let ms = wall.unix_us().div_euclid(1000) + i64::from(wall.unix_us().rem_euclid(1000) != 0);
    u64::try_from(ms).unwrap_or(0)
}

/// Milliseconds from midnight; the end is behind the begin.
fn time_span(from: Time, to: Time) -> (i64, i64) {
    let (begin, end) = (time_ms(from), time_ms(to));
    (begin, if from < to { end } else { end + DAY_MS })
}

fn time_ms(time: Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1000 + (i64::from(time.subsec_nanosecond()) + 999_999) / 1_000_000
}

/// Of a day since 1970-01-01, which was a Thursday.
fn weekday(day: i64) -> Weekday {
    let from_monday = (day + 3).rem_euclid(7) as i8;
    Weekday::from_monday_zero_offset(from_monday).expect("it is in 0..7")
}

/// The stretches of `within` between two changes of clocks, and how far the clock is ahead of UTC in each; ms.
fn stretches(zone: &TimeZone, within: Range<i64>) -> Vec<(Range<i64>, i64)> {
    let at = |ms: i64| Wall::from_unix_ms(ms).timestamp();
    let ahead_ms = |of: Timestamp| i64::from(zone.to_offset(of).seconds()) * 1000;
    let mut stretches = Vec::new();
    let mut begin = within.start;
    let mut ahead = ahead_ms(at(begin));
    for change in zone.following(at(begin)) {
        let end = change.timestamp().as_millisecond().min(within.end);
        if end > begin {
            stretches.push((begin..end, ahead));
        }
        begin = begin.max(end);
        ahead = i64::from(change.offset().seconds()) * 1000;
        if end == within.end {
            break;
        }
    }
    if begin < within.end {
        stretches.push((begin..within.end, ahead));
    }
    stretches
}

fn disjoint(mut spans: Vec<Range<u64>>) -> Vec<Range<u64>> {
    spans.sort_unstable_by_key(|span| span.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("bundled")
    }

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond() as u64
    }

    fn nights(name: &str, from: (i8, i8), to: (i8, i8)) -> Question {
        Question {
            times_of_day: vec![(time(from.0, from.1, 0, 0), time(to.0, to.1, 0, 0))],
            time_zone: zone(name),
            ..Question::default()
        }
    }

    #[test]
    fn times_of_day_are_the_clocks() {
        let question = nights("Asia/Shanghai", (2, 0), (4, 0));
        let found = spans(&question, ms("2026-03-08T16:00:00Z")..ms("2026-03-11T16:00:00Z"));
        let expected = ["2026-03-08", "2026-03-09", "2026-03-10"]
            .map(|day| ms(&format!("{day}T18:00:00Z"))..ms(&format!("{day}T20:00:00Z")));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_repeated_hour_counts_twice_and_one_left_out_never() {
        let berlin = nights("Europe/Berlin", (2, 10), (2, 20));
        let day =
            |day: &str| spans(&berlin, ms(&format!("{day}T00:00:00Z"))..ms(&format!("{day}T03:00:00Z")));
        assert_eq!(day("2026-03-29"), [], "the clock goes from 02:00 to 03:00");
        let at = |hour| ms(&format!("2026-10-25T{hour}:10:00Z"))..ms(&format!("2026-10-25T{hour}:20:00Z"));
        assert_eq!(day("2026-10-25"), [at("00"), at("01")]);
        // A night that is an hour longer ends when the clock says so.
        let night = spans(
            &nights("Europe/Berlin", (22, 0), (5, 0)),
            ms("2026-10-24T12:00:00Z")..ms("2026-10-25T12:00:00Z"),
        );
        assert_eq!(night, vec![ms("2026-10-24T20:00:00Z")..ms("2026-10-25T04:00:00Z")]);
    }

    proptest! {
        /// Against the clock itself, read millisecond by millisecond at places of interest.
        #[test]
        fn spans_are_where_the_clock_says(
            times in proptest::collection::vec((0i64..48, 0i64..48), 0..3),
            days in proptest::collection::vec(0i8..7, 0..4),
            name in prop_oneof![
                Just("UTC"), Just("Asia/Shanghai"), Just("Europe/Berlin"), Just("Australia/Lord_Howe"), Just("America/St_Johns"),
            ],
            begin in prop_oneof![Just("2026-03-27T00:00:00Z"), Just("2026-10-23T00:00:00Z"), Just("2026-04-03T00:00:00Z")],
            bounds in proptest::option::of((0u64..400, 0u64..400)),
        ) {
            let half = |n: i64| time((n / 2) as i8, (n % 2 * 30) as i8, 0, 0);
            let start = ms(begin);
            let step = 15 * 60 * 1000;
            let wall = |n: u64| Wall::from_unix_ms((start + n * step) as i64);
            let question = Question {
                from: bounds.map(|(from, _)| wall(from)),
                to: bounds.map(|(_, to)| wall(to)),
                times_of_day: times.iter().map(|&(from, to)| (half(from), half(to))).collect(),
                days: days.iter().map(|&day| Weekday::from_monday_zero_offset(day).expect("a day")).collect(),
                time_zone: zone(name),
                ..Question::default()
            };
            let found = spans(&question, start..start + 480 * step);
            prop_assert!(found.windows(2).all(|two| two[0].end < two[1].start));
            for at in (0..480 * step).step_by(step as usize).flat_map(|at| [start + at, start + at + step - 1]) {
                let at_wall = Wall::from_unix_ms(at as i64);
                let clock = question.time_zone.to_datetime(at_wall.timestamp());
                let on = |day: Weekday| question.days.is_empty() || question.days.contains(&day);
                let is_on = |&(from, to): &(Time, Time)| {
                    let (now, today) = (clock.time(), clock.weekday());
                    if from < to {
                        on(today) && from <= now && now < to
                    } else {
                        (on(today) && from <= now) || (on(today.previous()) && now < to)
                    }
                };
                let by_clock = match question.times_of_day.as_slice() {
                    [] => on(clock.weekday()),
                    times => times.iter().any(is_on),
                };
                let expected = by_clock
                    && question.from.is_none_or(|from| at_wall >= from)
                    && question.to.is_none_or(|to| at_wall < to);
                prop_assert_eq!(found.iter().any(|span| span.contains(&at)), expected, "{} ({})", at_wall, clock);
            }
        }
    }
}
