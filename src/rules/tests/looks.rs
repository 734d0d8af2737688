//! Which looks count, and when.

use std::time::Duration;

use super::{world::*, *};
use crate::{
    config::{Condition, Rule},
    detect::Class,
};

#[test]
fn what_never_moved_is_no_visitor_until_it_moves() {
    for rule in [in_view(), enters_zone(), crosses(None)] {
        let mut world = World::new(rule);
        world.look(&[(1, INSIDE.0, INSIDE.1)]);
        world.tracks[0].moved = false;
        world.looks(60.0, &[(1, INSIDE.0, INSIDE.1)]);
        assert_eq!(world.said.len(), 0);
    }
    let mut world = World::new(in_view());
    world.look(&[(1, INSIDE.0, INSIDE.1)]);
    world.tracks[0].moved = false;
    world.looks(60.0, &[(1, INSIDE.0, INSIDE.1)]);
    world.tracks[0].moved = true;
    world.look(&[(1, INSIDE.0, INSIDE.1)]);
    let (raised, occurred) = world.raised()[0];
    assert!(raised as i64 - occurred <= 3000, "it occurs when it moves, not when it was parked");
}

#[test]
fn a_look_counts_by_class_height_and_confidence_and_it_takes_three_of_five() {
    type Spoil = fn(&mut Track);
    let table: [(&str, Spoil, usize); 5] = [
        ("as it should be", |_| {}, 1),
        ("a cow", |track| track.class = Class::Cow, 0),
        ("too small", |track| track.bbox.t = track.bbox.b - 0.05, 0),
        ("unsure", |track| track.confidence = track.confidence.map(|_| 0.4), 0),
        (
            "two looks of five",
            |track| {
                if track.looks % 5 > 1 {
                    track.confidence = track.confidence.map(|_| 0.4);
                }
            },
            0,
        ),
    ];
    for (what, spoil, alerts) in table {
        let mut world = World::new(in_view());
        world.look(&[(1, INSIDE.0, INSIDE.1)]);
        let mut track = world.tracks[0].clone();
        let mut rules = Rules::new(camera(vec![in_view()]), Mint::seeded(1));
        let mut out = vec![];
        for look in 1..=20 {
            track.looks = look;
            track.confidence = Some(0.8);
            spoil(&mut track);
            world.ms += 200;
            rules.update(world.now(), std::slice::from_ref(&track), &[], &mut out);
        }
        assert_eq!(out.iter().filter(|v| v.change == Change::Raised).count(), alerts, "{what}");
    }
}

#[test]
fn frames_that_nobody_looked_at_do_not_count() {
    let mut world = World::new(in_view());
    for _ in 0..3 {
        world.look(&[(1, INSIDE.0, INSIDE.1)]);
        for _ in 0..10 {
            world.skip();
        }
    }
    assert_eq!(world.raised(), [(22 * 200, 0)]);
}

#[test]
fn outside_of_its_hours_a_rule_says_nothing() {
    let table = [
        // 22:00 to 05:00 in China is 14:00 to 21:00 in UTC.
        ("Asia/Shanghai", (22, 0), (5, 0), "2026-03-09T13:59:59Z", 0),
        ("Asia/Shanghai", (22, 0), (5, 0), "2026-03-09T14:00:00Z", 1),
        ("Asia/Shanghai", (22, 0), (5, 0), "2026-03-09T20:59:59Z", 1),
        ("Asia/Shanghai", (22, 0), (5, 0), "2026-03-09T21:00:00Z", 0),
        // In the night in which 2:00 becomes 3:00: 1:59:59 and 3:00 follow each other.
        ("Europe/Berlin", (2, 0), (3, 0), "2026-03-29T00:59:58Z", 0),
        ("Europe/Berlin", (2, 0), (3, 0), "2026-03-29T01:00:00Z", 0),
        ("Europe/Berlin", (3, 0), (4, 0), "2026-03-29T01:00:00Z", 1),
        // In the night in which 3:00 becomes 2:00: 2:30 comes twice.
        ("Europe/Berlin", (2, 0), (3, 0), "2026-10-25T00:30:00Z", 1),
        ("Europe/Berlin", (2, 0), (3, 0), "2026-10-25T01:30:00Z", 1),
        ("Europe/Berlin", (2, 0), (3, 0), "2026-10-25T02:00:00Z", 0),
    ];
    for (zone, from, to, at, alerts) in table {
        let rule = Rule { hours: Some(Arc::new(hours(zone, from, to))), ..in_view() };
        let mut world = World::new(rule);
        world.start = at.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
        world.looks(2.0, &[(1, INSIDE.0, INSIDE.1)]);
        assert_eq!(world.raised().len(), alerts, "{at} for {from:?} to {to:?} in {zone}");
    }
}

#[test]
fn a_stay_counts_from_the_beginning_of_the_hours() {
    let dwells = rule(Condition::Dwell { zone: None, at_least: Duration::from_secs(60) });
    let rule = Rule { hours: Some(Arc::new(hours("Etc/UTC", (12, 10), (13, 0)))), ..dwells };
    let mut world = World::new(rule);
    world.looks(720.0, &[(1, INSIDE.0, INSIDE.1)]);
    let (raised, _) = world.raised()[0];
    assert!((659_000..=660_400).contains(&raised), "{raised}");
}
