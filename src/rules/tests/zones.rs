//! Coming into a zone, staying there, leaving it.

use std::time::Duration;

use super::world::*;
use crate::config::Condition;

#[test]
fn who_comes_into_a_zone_alerts_once_from_the_first_look_inside() {
    let mut world = World::new(enters_zone());
    world.walk(2.0, 1, OUTSIDE, INSIDE);
    world.looks(60.0, &[(1, INSIDE.0, INSIDE.1)]);
    // 0.3 → 0.7 in ten looks: the sixth is the first that is clearly inside, the eighth the third.
    assert_eq!(world.raised(), [(1400, 1000)]);
    assert_eq!(world.said.len(), 1, "nothing is told again while somebody stands there");
    let left = world.ms as i64 - 200;
    world.walk(1.0, 1, INSIDE, OUTSIDE);
    world.looks(12.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    let (told, dated) = world.ended()[0];
    assert!((10_000..11_500).contains(&(told as i64 - left)), "told {told}, left {left}");
    assert!((0..1000).contains(&(dated - left)), "dated {dated}, left {left}");
}

#[test]
fn who_steps_out_for_some_seconds_is_the_same_stay_and_for_longer_another() {
    for (out_s, alerts) in [(3.0, 1), (8.0, 1), (13.0, 2)] {
        let mut world = World::new(enters_zone());
        world.walk(2.0, 1, OUTSIDE, INSIDE);
        world.looks(out_s, &[(1, OUTSIDE.0, OUTSIDE.1)]);
        world.looks(5.0, &[(1, INSIDE.0, INSIDE.1)]);
        assert_eq!(world.raised().len(), alerts, "out for {out_s} s");
    }
}

#[test]
fn jitter_at_the_edge_of_a_zone_is_neither_in_nor_out() {
    let mut world = World::new(enters_zone());
    world.looks(1.0, &[(1, 0.4, 0.6)]);
    for step in 0..300 {
        world.look(&[(1, if step % 2 == 0 { 0.495 } else { 0.505 }, 0.6)]);
    }
    assert_eq!(world.said.len(), 0);
}

#[test]
fn a_zone_that_reaches_the_edge_of_the_picture_holds_who_is_cut_there() {
    let mut world = World::new(enters_zone());
    world.looks(2.0, &[(1, 0.8, 1.0)]);
    assert_eq!(world.raised().len(), 1);
}

#[test]
fn who_leaves_a_zone_and_remains_in_view_alerts_when_that_is_asked() {
    let leaves = rule(Condition::ZoneLeave { zone: "yard".parse().expect("an id") });
    let mut world = World::new(leaves.clone());
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised(), []);
    world.looks(15.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    assert_eq!(world.raised(), [(3400, 3000)]);
    assert_eq!(world.ended().len(), 1, "it is over some time after");
    let mut world = World::new(leaves);
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    world.end(1);
    world.looks(15.0, &[]);
    assert_eq!(world.said.len(), 0, "who is gone altogether has not left the zone for another place");
}

#[test]
fn who_stays_long_enough_alerts_once_at_that_time() {
    let dwells = |at_least_s| {
        rule(Condition::Dwell {
            zone: Some("yard".parse().expect("an id")),
            at_least: Duration::from_secs(at_least_s),
        })
    };
    let mut world = World::new(dwells(8));
    world.looks(7.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised(), []);
    // Seen or not, looked at or not: it stays.
    for _ in 0..30 {
        world.skip();
    }
    world.looks(60.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised(), [(8000, 8000)]);
    let mut world = World::new(dwells(8));
    world.looks(5.0, &[(1, INSIDE.0, INSIDE.1)]);
    world.looks(12.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    world.looks(5.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised(), [], "two short stays are not a long one");
}
