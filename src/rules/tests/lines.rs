//! Crossing a line.

use super::{world::*, *};
use crate::config::{Condition, Direction, Rule};

#[test]
fn a_line_is_crossed_in_the_direction_that_is_asked() {
    use Direction::{In, Out};
    let there = |rule: Rule, from: f32, to: f32| {
        let mut world = World::new(rule);
        world.looks(1.0, &[(1, from, 0.6)]);
        world.walk(2.0, 1, (from, 0.6), (to, 0.6));
        world.changes(Change::Raised).first().map(|verdict| verdict.alert.direction)
    };
    let wrong = |allowed| rule(Condition::WrongWay { line: "gate".parse().expect("an id"), allowed });
    let table = [
        (crosses(None), Some(Some(In)), Some(Some(Out))),
        (crosses(Some(In)), Some(Some(In)), None),
        (crosses(Some(Out)), None, Some(Some(Out))),
        (wrong(In), None, Some(Some(Out))),
        (wrong(Out), Some(Some(In)), None),
    ];
    for (rule, in_says, out_says) in table {
        assert_eq!(there(rule.clone(), 0.3, 0.7), in_says, "{:?} on the way in", rule.when);
        assert_eq!(there(rule.clone(), 0.7, 0.3), out_says, "{:?} on the way out", rule.when);
    }
}

#[test]
fn a_crossing_is_dated_to_the_frame_that_shows_it() {
    let mut world = World::new(crosses(None));
    world.looks(1.0, &[(1, 0.4, 0.6)]);
    world.looks(0.2, &[(1, 0.505, 0.6)]);
    world.looks(0.4, &[(1, 0.52, 0.6)]);
    assert_eq!(world.raised(), [(1400, 1000)]);
}

#[test]
fn whoever_dithers_at_a_line_has_not_crossed_it() {
    let mut world = World::new(crosses(None));
    world.looks(1.0, &[(1, 0.4, 0.6)]);
    for step in 0..100 {
        world.look(&[(1, if step % 2 == 0 { 0.494 } else { 0.506 }, 0.6)]);
    }
    world.walk(1.0, 1, (0.49, 0.6), (0.4, 0.6));
    assert_eq!(world.said.len(), 0);
}

#[test]
fn crossing_to_and_fro_within_seconds_is_one_alert() {
    let mut world = World::new(crosses(None));
    world.looks(1.0, &[(1, 0.4, 0.6)]);
    for _ in 0..10 {
        world.walk(1.0, 1, (0.4, 0.6), (0.6, 0.6));
        world.walk(1.0, 1, (0.6, 0.6), (0.4, 0.6));
    }
    assert_eq!((world.raised().len(), world.ended().len()), (1, 0));
    world.looks(15.0, &[(1, 0.4, 0.6)]);
    assert_eq!((world.raised().len(), world.ended().len()), (1, 1));
    world.walk(1.0, 1, (0.4, 0.6), (0.6, 0.6));
    assert_eq!(world.raised().len(), 2, "long after, it is another event");
}

#[test]
fn a_line_is_crossed_also_between_looks() {
    let mut world = World::new(crosses(None));
    world.looks(0.6, &[(1, 0.2, 0.6)]);
    world.look(&[(1, 0.9, 0.6)]);
    assert_eq!(world.raised().len(), 1, "a fast one is far beyond in the next look");
    let mut world = World::new(crosses(None));
    world.looks(0.6, &[(1, 0.45, 0.6)]);
    world.looks(1.4, &[]);
    world.looks(0.6, &[(1, 0.55, 0.6)]);
    assert_eq!(world.raised().len(), 1, "one who was not seen meanwhile");
}

#[test]
fn a_path_around_the_end_of_a_line_does_not_cross_it() {
    let mut world = World::new(crosses(None));
    world.looks(1.0, &[(1, 0.4, 0.6)]);
    world.walk(1.0, 1, (0.4, 0.6), (0.45, 0.98));
    world.walk(1.0, 1, (0.45, 0.98), (0.55, 0.98));
    world.walk(1.0, 1, (0.55, 0.98), (0.6, 0.6));
    assert_eq!(world.said.len(), 0);
}
