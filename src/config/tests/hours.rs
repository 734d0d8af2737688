//! Hours through changes of clocks.

use crate::time::Wall;

use super::*;

fn hours(time_zone: &str, spans: &str) -> Hours {
    let text = GOOD
        .replace("Asia/Shanghai", time_zone)
        .replace("{ days = [\"mon\", \"fri\"], from = \"22:00\", to = \"05:00\" }", spans);
    let rule = read(&text).cameras[0].rules[0].clone();
    Hours::clone(rule.hours.as_ref().unwrap())
}

fn at(utc: &str) -> Wall {
    Wall::from_unix_us(utc.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

#[test]
fn hours_go_by_the_clock_on_the_wall() {
    const NIGHT: &str = r#"{ from = "22:00", to = "05:00" }"#;
    const SMALL: &str = r#"{ from = "02:00", to = "03:00" }"#;
    const HALF: &str = r#"{ from = "02:30", to = "04:00" }"#;
    const FRIDAY: &str = r#"{ days = ["fri"], from = "22:00", to = "05:00" }"#;
    const SUNDAY: &str = r#"{ days = ["sun"], from = "00:00", to = "24:00" }"#;
    const TWO: &str = r#"{ days = ["mon"], from = "08:00", to = "09:00" }, { days = ["tue"], from = "08:00", to = "09:00" }"#;
    let (china, berlin) = ("Asia/Shanghai", "Europe/Berlin");
    // Germany 2026: 29 March 02:00 → 03:00 (01:00 UTC), 25 October 03:00 → 02:00 (01:00 UTC). China keeps UTC+8.
    for (zone, spans, utc, expected) in [
        // Over midnight; from is inside, to is not.
        (china, NIGHT, "2026-03-09T13:59:59.999999Z", false),
        (china, NIGHT, "2026-03-09T14:00:00Z", true),
        (china, NIGHT, "2026-03-09T16:00:00Z", true),
        (china, NIGHT, "2026-03-09T20:59:59.999999Z", true),
        (china, NIGHT, "2026-03-09T21:00:00Z", false),
        // The night in which Germany changes its clocks is like any other in China.
        (china, SMALL, "2026-03-28T18:30:00Z", true),
        // The weekday is that of the beginning: Friday's night ends on Saturday, and Thursday's is not meant.
        (china, FRIDAY, "2026-03-13T15:00:00Z", true),
        (china, FRIDAY, "2026-03-13T20:59:00Z", true),
        (china, FRIDAY, "2026-03-12T20:59:00Z", false),
        (china, FRIDAY, "2026-03-14T15:00:00Z", false),
        // A whole day, in the station's zone and not in UTC: Sunday begins on Saturday at 16:00 UTC.
        (china, SUNDAY, "2026-03-14T15:59:59Z", false),
        (china, SUNDAY, "2026-03-14T16:00:00Z", true),
        (china, SUNDAY, "2026-03-15T15:59:59Z", true),
        (china, SUNDAY, "2026-03-15T16:00:00Z", false),
        // Any of several spans.
        (china, TWO, "2026-03-09T00:30:00Z", true),
        (china, TWO, "2026-03-10T00:30:00Z", true),
        (china, TWO, "2026-03-11T00:30:00Z", false),
        // Spring: 02:00 to 03:00 is never on the clock; 01:59:59 is followed by 03:00:00.
        (berlin, SMALL, "2026-03-28T01:30:00Z", true),
        (berlin, SMALL, "2026-03-29T00:59:59Z", false),
        (berlin, SMALL, "2026-03-29T01:00:00Z", false),
        (berlin, SMALL, "2026-03-30T00:30:00Z", true),
        // A span that begins in the missing hour begins after it.
        (berlin, HALF, "2026-03-29T00:59:59Z", false),
        (berlin, HALF, "2026-03-29T01:00:00Z", true),
        (berlin, HALF, "2026-03-29T01:59:59Z", true),
        (berlin, HALF, "2026-03-29T02:00:00Z", false),
        // A night over the change ends at 05:00 on the clock, an hour of waiting earlier.
        (berlin, NIGHT, "2026-03-28T20:59:59Z", false),
        (berlin, NIGHT, "2026-03-28T21:00:00Z", true),
        (berlin, NIGHT, "2026-03-29T02:59:59Z", true),
        (berlin, NIGHT, "2026-03-29T03:00:00Z", false),
        // Autumn: 02:00 to 03:00 comes twice, and both times count.
        (berlin, SMALL, "2026-10-24T23:59:59Z", false),
        (berlin, SMALL, "2026-10-25T00:00:00Z", true),
        (berlin, SMALL, "2026-10-25T00:59:59Z", true),
        (berlin, SMALL, "2026-10-25T01:00:00Z", true),
        (berlin, SMALL, "2026-10-25T01:59:59Z", true),
        (berlin, SMALL, "2026-10-25T02:00:00Z", false),
        // A night over the change, an hour longer.
        (berlin, NIGHT, "2026-10-24T20:00:00Z", true),
        (berlin, NIGHT, "2026-10-25T03:59:59Z", true),
        (berlin, NIGHT, "2026-10-25T04:00:00Z", false),
        // Sunday, 25 hours long.
        (berlin, SUNDAY, "2026-10-24T22:00:00Z", true),
        (berlin, SUNDAY, "2026-10-25T22:59:59Z", true),
        (berlin, SUNDAY, "2026-10-25T23:00:00Z", false),
    ] {
        assert_eq!(hours(zone, spans).contains(at(utc)), expected, "{zone} {spans} {utc}");
    }
}

#[test]
fn hours_answer_for_any_clock() {
    let night = hours("Asia/Shanghai", r#"{ from = "22:00", to = "05:00" }"#);
    for wall in [i64::MIN, -1, 0, i64::MAX] {
        night.contains(Wall::from_unix_us(wall));
    }
    assert!(night.contains(at("1969-12-31T16:00:00Z")));
}
