//! One visitor, one alert: company, other numbers, silence, news, the end.

use std::time::Duration;

use super::{world::*, *};
use crate::{config::Rule, detect::Class};

#[test]
fn in_the_silence_after_an_alert_others_join_it() {
    let mut world = World::new(Rule { cooldown: Duration::from_secs(60), ..in_view() });
    world.looks(2.0, &[(1, 0.3, 0.6)]);
    world.looks(2.0, &[(1, 0.3, 0.6), (2, 0.7, 0.6)]);
    assert_eq!(world.raised().len(), 1);
    let updates = world.changes(Change::Updated);
    assert_eq!(updates.len(), 1);
    let tracks: Vec<_> = updates[0].alert.objects.iter().map(|object| object.track.0).collect();
    assert_eq!(tracks, [1, 2]);
    world.end(1);
    world.looks(5.0, &[(2, 0.7, 0.6)]);
    assert_eq!(world.ended().len(), 0, "the other is still there");
    world.end(2);
    world.looks(5.0, &[]);
    assert_eq!(world.ended().len(), 1);
    // The alert is over and the rule still silent: who comes now is told of when the silence ends.
    world.looks(70.0, &[(3, 0.5, 0.6)]);
    assert_eq!(world.raised().iter().map(|(ms, _)| ms / 1000).collect::<Vec<_>>(), [0, 60]);
}

#[test]
fn people_who_come_together_are_an_alert_each() {
    let mut world = World::new(in_view());
    world.looks(2.0, &[(1, 0.3, 0.6), (2, 0.37, 0.6), (3, 0.7, 0.6)]);
    assert_eq!(world.raised().len(), 3);
}

#[test]
fn who_goes_on_under_another_number_is_the_same_visitor() {
    // Seconds between, and how far off: whether it is another visitor.
    let table = [(0.4, 0.02, 1), (1.4, 0.05, 1), (0.4, 0.5, 2), (3.4, 0.02, 2)];
    for (gap_s, off, alerts) in table {
        let mut world = World::new(in_view());
        world.looks(3.0, &[(1, 0.4, 0.6)]);
        world.looks(gap_s, &[]);
        world.looks(1.0, &[(2, 0.4 + off, 0.6)]);
        world.end(1);
        world.looks(2.0, &[(2, 0.4 + off, 0.6)]);
        assert_eq!(world.raised().len(), alerts, "after {gap_s} s, {off} away");
        if alerts == 1 {
            world.end(2);
            world.looks(5.0, &[]);
            let ended = world.changes(Change::Ended);
            assert_eq!(ended.len(), 1);
            assert_eq!(ended[0].alert.objects[0].track, TrackId(2), "it ends as the visitor's last track");
        }
    }
}

#[test]
fn a_newcomer_beside_somebody_is_another_visitor() {
    let mut world = World::new(in_view());
    world.looks(3.0, &[(1, 0.4, 0.6)]);
    // Missed in one look, and seen again.
    world.look(&[(2, 0.45, 0.6)]);
    world.looks(3.0, &[(1, 0.4, 0.6), (2, 0.45, 0.6)]);
    let of: Vec<_> = world.changes(Change::Raised).iter().map(|v| v.alert.objects[0].track.0).collect();
    assert_eq!(of, [1, 2]);
}

#[test]
fn who_is_seen_double_for_one_look_is_one_visitor() {
    // How far off the double is, and whether the first is seen again: how many visitors there are.
    let table = [(0.025, false, 1), (0.025, true, 2), (0.055, false, 2)];
    for (off, seen_again, alerts) in table {
        let mut world = World::new(in_view());
        world.walk(3.0, 1, (0.3, 0.6), (0.45, 0.6));
        world.look(&[(1, 0.45, 0.6), (2, 0.45 + off, 0.6)]);
        for step in 0..20 {
            let there = 0.45 + off + 0.01 * step as f32;
            match seen_again {
                true => world.look(&[(1, 0.45, 0.6), (2, there, 0.6)]),
                false => world.look(&[(2, there, 0.6)]),
            }
        }
        assert_eq!(world.raised().len(), alerts, "{off} away, seen again: {seen_again}");
    }
}

#[test]
fn who_may_be_known_already_is_waited_for_by_the_hastiest_rule() {
    let mut world = World::new(Rule { frames_needed: 1, frames_window: 1, ..in_view() });
    world.looks(3.0, &[(1, 0.4, 0.6)]);
    world.looks(3.0, &[(2, 0.42, 0.6)]);
    assert_eq!(world.raised(), [(0, 0)]);
}

#[test]
fn who_goes_out_at_the_side_is_not_who_comes_in_there() {
    let mut world = World::new(in_view());
    world.walk(3.0, 1, (0.7, 0.6), (0.98, 0.6));
    world.looks(0.6, &[]);
    world.walk(3.0, 2, (0.98, 0.6), (0.7, 0.6));
    assert_eq!(world.raised().len(), 2);
}

#[test]
fn a_line_is_crossed_also_by_a_visitor_whose_track_breaks_off() {
    let mut world = World::new(crosses(None));
    world.walk(2.0, 1, (0.3, 0.6), (0.46, 0.6));
    world.looks(0.8, &[]);
    world.walk(1.0, 2, (0.53, 0.6), (0.6, 0.6));
    world.end(1);
    world.walk(1.0, 2, (0.6, 0.6), (0.7, 0.6));
    assert_eq!(world.raised().len(), 1);
}

#[test]
fn a_rider_and_the_motorcycle_are_one_visitor() {
    let mut world = World::new(in_view());
    for step in 0..20 {
        let x = 0.2 + 0.02 * step as f32;
        world.look(&[(1, x, 0.6), (2, x + 0.01, 0.63)]);
        world.tracks[1].class = Class::Motorcycle;
    }
    assert_eq!(world.raised().len(), 1);
    assert_eq!(world.changes(Change::Updated).len(), 1);
}

#[test]
fn news_is_told_now_and_then_and_only_where_it_is_news() {
    let mut world = World::new(in_view());
    for look in 0..150 {
        world.look(&[(1, 0.3, 0.6)]);
        world.tracks[0].confidence_best = 0.6 + 0.003 * look as f32;
    }
    let told: Vec<u64> =
        world.said.iter().filter(|(_, v)| v.change == Change::Updated).map(|(ms, _)| *ms).collect();
    assert!((4..=6).contains(&told.len()), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 5000), "{told:?}");
}

#[test]
fn when_the_stream_is_lost_all_ends() {
    let mut world = World::new(in_view());
    world.looks(2.0, &[(1, 0.3, 0.6), (2, 0.7, 0.6)]);
    let mut out = vec![];
    world.rules.end_all(&mut out);
    assert_eq!(out.iter().map(|v| v.change).collect::<Vec<_>>(), [Change::Ended, Change::Ended]);
    out.clear();
    world.rules.end_all(&mut out);
    assert_eq!(out.len(), 0);
}
