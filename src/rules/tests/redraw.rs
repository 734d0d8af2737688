//! Zones, lines and rules that change while somebody is there.

use std::time::Duration;

use super::world::*;
use crate::{
    config::{Condition, Line, Rule, Zone},
    geometry::{Polygon, Segment, UnitPoint},
    rules::*,
};

/// As it is, but the yard is the left half of the picture, and the gate runs at a fifth of it.
fn elsewhere(rules: Vec<Rule>) -> Arc<Camera> {
    let mut other = Camera::clone(&camera(rules));
    let corners = [(0.0, 0.2), (0.5, 0.2), (0.5, 1.0), (0.0, 1.0)];
    let area = Polygon::new(corners.map(|(x, y)| UnitPoint::new(x, y)).to_vec()).expect("a polygon");
    let segment = Segment::new(UnitPoint::new(0.2, 0.9), UnitPoint::new(0.2, 0.3));
    other.zones.insert("yard".parse().expect("an id"), Zone { name: name(), area });
    other.lines.insert("gate".parse().expect("an id"), Line { name: name(), segment });
    Arc::new(other)
}

fn changed(rule: Rule) -> Rule {
    Rule { version: "111111111111".into(), ..rule }
}

fn named(id: &str, rule: Rule) -> Rule {
    Rule { id: id.parse().expect("an id"), ..rule }
}

fn redraw(world: &mut World, camera: &Arc<Camera>) {
    let mut out = vec![];
    world.rules.redraw(camera, &mut out);
    world.said.extend(out.into_iter().map(|verdict| (world.ms, verdict)));
}

#[test]
fn what_means_the_same_goes_on_as_if_nothing_had_happened() {
    let dwells = rule(Condition::Dwell {
        zone: Some("yard".parse().expect("an id")),
        at_least: Duration::from_secs(8),
    });
    let mut world = World::new(dwells.clone());
    world.looks(5.0, &[(1, INSIDE.0, INSIDE.1)]);
    redraw(&mut world, &camera(vec![named("other", in_view()), Rule { notices_per_hour: 3, ..dwells }]));
    world.looks(20.0, &[(1, INSIDE.0, INSIDE.1)]);
    let of_rule = world.said.iter().filter(|(_, verdict)| verdict.alert.rule.id.as_str() == "rule");
    assert_eq!(of_rule.map(|(ms, _)| *ms).collect::<Vec<_>>(), [8000], "its time counts from before");
}

#[test]
fn an_open_alert_goes_on_where_its_rule_does_and_ends_where_it_is_gone() {
    let mut world = World::new(in_view());
    world.rules = Rules::new(camera(vec![in_view(), named("gone", in_view())]), Mint::seeded(1));
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised().len(), 2);
    let seen = world.ms as i64 - 200;
    redraw(&mut world, &elsewhere(vec![changed(in_view())]));
    let ended = world.changes(Change::Ended);
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].alert.rule.id.as_str(), "gone");
    assert_eq!(world.ended()[0].1, seen, "dated to when it was last seen");
    world.looks(30.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(
        (world.raised().len(), world.ended().len()),
        (2, 1),
        "the other one goes on, and is not raised anew"
    );
    world.end(1);
    world.looks(5.0, &[]);
    let last = world.said.last().expect("something was said");
    assert_eq!((last.1.change, last.1.alert.rule.version.as_str()), (Change::Ended, "000000000000"));
}

#[test]
fn an_alert_of_a_zone_that_moved_away_is_over_like_one_of_who_left_it() {
    let mut world = World::new(enters_zone());
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    redraw(&mut world, &elsewhere(vec![changed(enters_zone())]));
    assert_eq!(world.ended(), []);
    world.looks(15.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.ended().len(), 1);
    world.walk(2.0, 1, INSIDE, (0.2, 0.6));
    let raised = world.changes(Change::Raised);
    assert_eq!(raised.len(), 2, "it comes into the zone where that is now");
    assert_eq!(raised[1].alert.rule.version, "111111111111", "by the rule as it is now");
}

#[test]
fn who_stands_in_a_zone_that_is_drawn_around_him_is_told_of() {
    let mut world = World::new(enters_zone());
    world.looks(3.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    redraw(&mut world, &elsewhere(vec![changed(enters_zone())]));
    world.looks(2.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    assert_eq!(world.raised(), [(3400, 3000)], "from the first look after it");
}

#[test]
fn a_line_that_is_moved_over_somebody_was_not_crossed_by_him() {
    let mut world = World::new(crosses(None));
    // Over the line as it is, and not clear of it yet: then it lies far to his left.
    world.walk(2.0, 1, (0.4, 0.6), (0.505, 0.6));
    redraw(&mut world, &elsewhere(vec![changed(crosses(None))]));
    world.looks(3.0, &[(1, 0.505, 0.6)]);
    assert_eq!(world.said.len(), 0);
    world.walk(3.0, 1, (0.505, 0.6), (0.05, 0.6));
    assert_eq!(world.raised().len(), 1);
}

#[test]
fn a_stay_in_a_zone_that_was_changed_counts_from_the_change() {
    let dwells = rule(Condition::Dwell {
        zone: Some("yard".parse().expect("an id")),
        at_least: Duration::from_secs(8),
    });
    let mut world = World::new(dwells.clone());
    world.looks(5.0, &[(1, INSIDE.0, INSIDE.1)]);
    redraw(&mut world, &camera(vec![changed(dwells)]));
    world.looks(20.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised(), [(13_000, 13_000)]);
}

#[test]
fn a_rule_of_another_kind_is_another_rule() {
    let mut world = World::new(in_view());
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    let dwells = Condition::Dwell { zone: None, at_least: Duration::from_secs(5) };
    redraw(&mut world, &camera(vec![changed(rule(dwells))]));
    assert_eq!(world.ended().len(), 1);
    world.looks(6.0, &[(1, INSIDE.0, INSIDE.1)]);
    assert_eq!(world.raised().len(), 2, "its time counts from the change");
}

#[test]
fn a_silence_outlasts_a_change() {
    let quiet = Rule { cooldown: Duration::from_secs(60), ..in_view() };
    let mut world = World::new(quiet.clone());
    world.looks(3.0, &[(1, INSIDE.0, INSIDE.1)]);
    world.end(1);
    world.looks(5.0, &[]);
    redraw(&mut world, &elsewhere(vec![changed(quiet)]));
    world.looks(5.0, &[(2, OUTSIDE.0, OUTSIDE.1)]);
    assert_eq!(world.raised().len(), 1);
}
