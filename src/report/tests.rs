//! A report over a table of alerts.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::{config, mqtt::payload::AlertData};

fn station() -> config::Station {
    let config = config::parse(config::demo_toml(), "demo", std::path::Path::new("config"), &config::Machine);
    let mut station = config.expect("the demo is valid").station;
    station.time_zone = TimeZone::get("Asia/Shanghai").expect("a zone");
    station
}

/// `2026-03-09T…+08:00` as on the wire.
fn time(clock: &str) -> String {
    let at: jiff::Timestamp = format!("2026-03-09T{clock}+08:00").parse().expect("a time");
    format!("{at:.3}")
}

fn alert(number: u64, raised: &str, change: impl FnOnce(&mut Value)) -> AlertData {
    let raised = time(raised);
    let mut alert = json!({
        "alert_id": ulid::Ulid::from_parts(number, 0).to_string(),
        "kind": "zone-enter", "severity": "warning", "state": "raised",
        "camera": {"id": "gate-1", "name": {"zh": "门", "en": "Gate"}, "village": "willow", "level": "line", "direction": null},
        "occurred_at": raised, "ended_at": null, "respond_by": raised,
        "rule": {"id": "visitor", "version": "1", "model": {"name": "m", "sha256": "0"}},
        "objects": [], "snapshot": null, "clip": null, "explain": {"zh": "", "en": ""},
        "life": {"raised_at": raised},
    });
    change(&mut alert);
    serde_json::from_value(alert).expect("an alert")
}

fn done(clock: &str) -> Value {
    json!({"at": time(clock), "by": {"who": "Li", "unit": "station"}})
}

fn told(why: &str, posts: &[&str]) -> Value {
    json!({"at": time("02:00:00"), "why": why, "tier": 0, "posts": posts})
}

fn report(alerts: &[AlertData]) -> Report {
    let (station, now) = (station(), Wall::from_unix_ms(1_800_000_000_000));
    let day = "2026-03-09".parse().expect("a date");
    let mut tally = Tally::new(&station, Period::holding(Span::Day, day, &station.time_zone), now);
    alerts.iter().for_each(|alert| tally.add(alert));
    tally.finish()
}

#[test]
fn alerts_are_counted_by_the_station_s_clock() {
    let report = report(&[
        alert(1, "00:00:00", |_| {}),
        alert(2, "23:59:59", |alert| alert["severity"] = json!("critical")),
        alert(3, "02:30:00", |alert| alert["drill"] = json!(true)),
        alert(4, "02:31:00", |alert| {
            let lead = ulid::Ulid::from_parts(1, 0).to_string();
            alert["incident"] = json!({"id": lead, "lead": lead});
        }),
        // The day before, and the day after.
        alert(5, "00:00:00", |alert| alert["life"]["raised_at"] = json!("2026-03-08T15:59:59.999Z")),
        alert(6, "00:00:00", |alert| alert["life"]["raised_at"] = json!("2026-03-09T16:00:00Z")),
    ]);
    let alerts = &report.alerts;
    assert_eq!((alerts.total, alerts.incidents, alerts.drills), (3, 2, 1));
    assert_eq!(alerts.by_severity, [(Severity::Warning, 2), (Severity::Critical, 1)].into());
    assert_eq!((alerts.by_hour[0], alerts.by_hour[2], alerts.by_hour[23]), (1, 1, 1));
    assert_eq!(alerts.by_day, [("2026-03-09".to_owned(), 3)].into());
    assert!(report.period.whole);
}

#[test]
fn answers_are_timed_from_when_the_alert_was_raised() {
    let answered = |number, acknowledged: &str, claimed: &str| {
        alert(number, "02:00:00", |alert| {
            alert["life"]["told"] = json!([told("first", &["station"]), told("again", &["station"])]);
            alert["life"]["acknowledged"] = done(acknowledged);
            alert["life"]["first_claimed"] = done(claimed);
        })
    };
    let nobody = alert(9, "02:00:00", |alert| {
        alert["life"]["told"] = json!([told("first", &[]), told("escalated", &["patrol"])]);
        alert["life"]["breached_at"] = json!(time("02:10:00"));
        alert["life"]["closed"] = json!({"at": time("02:10:00")});
    });
    let late = alert(10, "02:00:00", |alert| {
        alert["life"]["breached_at"] = json!(time("02:10:00"));
        alert["life"]["first_claimed"] = done("02:11:00.5");
    });
    let summarised = alert(11, "02:00:00", |alert| {
        alert["life"]["told"] = json!([told("summary", &["station"])]);
        alert["life"]["acknowledged"] = done("03:00:00");
    });
    let all = [
        answered(1, "02:00:10", "02:01:00"),
        answered(2, "02:00:20", "02:02:00"),
        answered(3, "02:00:30", "02:03:00"),
        nobody,
        late,
        summarised,
    ];
    let report = report(&all);
    let answers = &report.answers;
    assert_eq!((answers.told, answers.told_again, answers.escalated), (3, 3, 1));
    let acknowledged = Times { count: 3, p50_s: Some(20.0), p90_s: Some(30.0), max_s: Some(30.0) };
    assert_eq!(answers.acknowledged, acknowledged);
    assert_eq!((answers.claimed.count, answers.claimed.max_s), (4, Some(660.5)));
    // Nobody closed it: it expired.
    assert_eq!(answers.closed, Times::default());
    assert_eq!(report.breaches.count, 2);
    let claimed: Vec<_> = report.breaches.alerts.iter().map(|breach| breach.claimed_after_s).collect();
    assert_eq!(claimed, [None, Some(660.5)]);
}

#[test]
fn a_rule_is_worth_what_people_said_of_its_alerts() {
    let closed = |number, state: &str, reason: Option<&str>| {
        alert(number, "02:00:00", |alert| {
            alert["state"] = json!(state);
            alert["life"]["closed"] =
                json!({"at": time("02:05:00"), "by": {"who": "Li", "unit": "s"}, "reason": reason});
        })
    };
    let report = report(&[
        closed(1, "resolved", None),
        closed(2, "dismissed", Some("known")),
        closed(3, "dismissed", Some("false-detection")),
        closed(4, "dismissed", Some("false-detection")),
        closed(5, "dismissed", Some("test")),
        closed(6, "expired", None),
        alert(7, "02:00:00", |alert| {
            // No model is to blame for a button.
            alert["rule"] = json!({"id": "panic-button", "version": "1"});
        }),
    ]);
    assert_eq!(
        report.rules,
        [Worth {
            rule: "visitor".parse().expect("an id"),
            camera: "gate-1".parse().expect("an id"),
            alerts: 6,
            resolved: 1,
            right: 1,
            wrong: 2,
            precision: Some(0.5),
        }]
    );
    assert_eq!(report.dismissed, [(Reason::FalseDetection, 2), (Reason::Known, 1), (Reason::Test, 1)].into());
}

#[test]
fn an_outage_is_counted_within_the_period_and_once_for_a_camera() {
    let outage = |number, from: &str, to: Option<&str>, others: &[&str]| {
        alert(number, "02:00:00", |alert| {
            alert["kind"] = json!("camera-offline");
            alert["occurred_at"] = json!(from);
            alert["ended_at"] = json!(to);
            alert["cameras"] = json!(others);
        })
    };
    let report = report(&[
        // From the day before to 01:00.
        outage(1, "2026-03-07T00:00:00Z", Some("2026-03-08T17:00:00Z"), &[]),
        // Alone, then with others: one outage of gate-1.
        outage(2, "2026-03-09T02:00:00Z", Some("2026-03-09T02:10:00Z"), &[]),
        outage(3, "2026-03-09T02:05:00Z", Some("2026-03-09T02:20:00Z"), &["gate-2"]),
        // Goes on.
        outage(4, "2026-03-09T15:00:00Z", None, &[]),
        // Over before.
        outage(5, "2026-03-08T01:00:00Z", Some("2026-03-08T02:00:00Z"), &["gate-3"]),
    ]);
    let found: Vec<_> = report
        .outages
        .iter()
        .map(|outage| {
            (outage.camera.as_str(), outage.times, outage.total_s, outage.longest_s, outage.goes_on)
        })
        .collect();
    assert_eq!(found, [("gate-1", 3, 3600 + 1200 + 3600, 3600, true), ("gate-2", 1, 900, 900, false)]);
    assert_eq!(report.alerts.total, 0);
}

#[test]
fn the_same_records_make_the_same_report_and_a_page_without_holes() {
    let alerts = [
        alert(1, "02:00:00", |alert| {
            alert["camera"]["village"] = json!("willow");
            alert["life"]["breached_at"] = json!(time("02:10:00"));
        }),
        alert(2, "03:00:00", |alert| alert["kind"] = json!("camera-offline")),
    ];
    let first = report(&alerts);
    assert_eq!(serde_json::to_string(&first).ok(), serde_json::to_string(&report(&alerts)).ok());
    let page = page(&first);
    for part in ["日报", "2026-03-09", "进入区域", "gate-1", "visitor", "摄像机离线", "超十分钟"]
    {
        assert!(page.contains(part), "{part}");
    }
    // Every element that is opened is closed.
    for tag in ["table", "tr", "td", "th", "figure", "svg", "dl", "small", "main"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
