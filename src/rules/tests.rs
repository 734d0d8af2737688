//! Scripted worlds: tracks that come, go, flicker and change their numbers, and what the rules say.

use std::{collections::BTreeMap, time::Duration};

use jiff::{civil, tz::TimeZone};
use proptest::prelude::*;

use super::*;
use crate::{
    alert::Severity,
    config::{
        Condition, Direction, Hours, HoursSpan, Line, Name, Rule, StreamRole, Transport, ViewPolicy, Zone,
    },
    detect::Class,
    geometry::{Polygon, Segment, UnitBox, UnitPoint},
    time::{Mono, Wall},
};

fn name() -> Name {
    Name { zh: "村口".into(), en: "gate".into() }
}

fn rule(when: Condition) -> Rule {
    Rule {
        id: "rule".parse().expect("an id"),
        version: "000000000000".into(),
        name: name(),
        severity: Severity::Warning,
        when,
        classes: vec![Class::Person, Class::Motorcycle],
        height_min: 0.1,
        confidence_min: 0.5,
        frames_needed: 3,
        frames_window: 5,
        hours: None,
        cooldown: Duration::ZERO,
    }
}

fn enters_zone() -> Rule {
    rule(Condition::ZoneEnter { zone: Some("yard".parse().expect("an id")) })
}

fn in_view() -> Rule {
    rule(Condition::ZoneEnter { zone: None })
}

fn crosses(direction: Option<Direction>) -> Rule {
    rule(Condition::LineCross { line: "gate".parse().expect("an id"), direction })
}

/// A yard in the right half of the picture; a line from the top to the middle, whose inside is the right of the picture.
fn camera(rules: Vec<Rule>) -> Arc<Camera> {
    let corner = |x: f32, y: f32| UnitPoint::new(x, y);
    let yard = Polygon::new(vec![corner(0.5, 0.2), corner(1.0, 0.2), corner(1.0, 1.0), corner(0.5, 1.0)]);
    let gate = Segment::new(corner(0.5, 0.9), corner(0.5, 0.3));
    Arc::new(Camera {
        id: "gate-1".parse().expect("an id"),
        name: name(),
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: "rtsp://127.0.0.1/main".parse().expect("a URL"),
        sub: None,
        credentials: None,
        transport: Transport::Tcp,
        analyse: StreamRole::Main,
        detect_fps: 5.0,
        view: ViewPolicy::Full,
        masks: vec![],
        zones: BTreeMap::from([(
            "yard".parse().expect("an id"),
            Zone { name: name(), area: yard.expect("a polygon") },
        )]),
        lines: BTreeMap::from([("gate".parse().expect("an id"), Line { name: name(), segment: gate })]),
        rules: rules.into_iter().map(Arc::new).collect(),
    })
}

/// 2026-03-09 12:00 in UTC.
const NOON: i64 = 1_773_057_600_000;

/// Tracks by script, five looks a second unless told otherwise.
struct World {
    rules: Rules,
    start: i64,
    ms: u64,
    every_ms: u64,
    tracks: Vec<Track>,
    said: Vec<(u64, Verdict)>,
}

/// Where a track's foot is in a look: number, left to right, top to bottom.
type Feet<'a> = &'a [(u64, f32, f32)];

impl World {
    fn new(rule: Rule) -> Self {
        Self {
            rules: Rules::new(camera(vec![rule]), Mint::seeded(1)),
            start: NOON,
            ms: 0,
            every_ms: 200,
            tracks: vec![],
            said: vec![],
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: Mono::from_start(Duration::from_millis(self.ms)),
            wall: Wall::from_unix_ms(self.start + self.ms as i64),
        }
    }

    fn say(&mut self, ended: &[TrackId]) {
        let mut out = vec![];
        self.rules.update(self.now(), &self.tracks, ended, &mut out);
        self.said.extend(out.into_iter().map(|verdict| (self.ms, verdict)));
        self.ms += self.every_ms;
    }

    /// One look, in which `feet` are seen and other tracks coast.
    fn look(&mut self, feet: Feet<'_>) {
        let at = self.now().mono;
        for track in &mut self.tracks {
            track.looks += 1;
            track.confidence = None;
        }
        for &(id, x, y) in feet {
            let bbox = UnitBox::new(x - 0.03, y - 0.2, x + 0.03, y);
            match self.tracks.iter_mut().find(|track| track.id.0 == id) {
                Some(track) => {
                    track.hits += 1;
                    (track.bbox, track.seen, track.confidence) = (bbox, at, Some(0.8));
                }
                None => self.tracks.push(Track {
                    id: TrackId(id),
                    class: Class::Person,
                    bbox,
                    confidence: Some(0.8),
                    confidence_best: 0.8,
                    looks: 1,
                    hits: 1,
                    born: at,
                    seen: at,
                    moved: true,
                }),
            }
        }
        self.say(&[]);
    }

    /// Looks for so many seconds.
    fn looks(&mut self, seconds: f32, feet: Feet<'_>) {
        for _ in 0..(seconds * 1000.0) as u64 / self.every_ms {
            self.look(feet);
        }
    }

    /// A track goes from one place to another in so many seconds.
    fn walk(&mut self, seconds: f32, id: u64, from: (f32, f32), to: (f32, f32)) {
        let steps = ((seconds * 1000.0) as u64 / self.every_ms).max(1);
        for step in 1..=steps {
            let share = step as f32 / steps as f32;
            self.look(&[(id, from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)]);
        }
    }

    /// A track ends.
    fn end(&mut self, id: u64) {
        self.tracks.retain(|track| track.id.0 != id);
        for track in &mut self.tracks {
            track.looks += 1;
            track.confidence = None;
        }
        self.say(&[TrackId(id)]);
    }

    /// A frame that nobody looked at.
    fn skip(&mut self) {
        for track in &mut self.tracks {
            track.confidence = None;
        }
        self.say(&[]);
    }

    fn changes(&self, change: Change) -> Vec<&Verdict> {
        self.said.iter().filter(|(_, v)| v.change == change).map(|(_, v)| v).collect()
    }

    /// When alerts were raised and when they occurred, in ms of the script.
    fn raised(&self) -> Vec<(u64, i64)> {
        self.said
            .iter()
            .filter(|(_, v)| v.change == Change::Raised)
            .map(|(ms, v)| (*ms, v.alert.occurred_at.unix_ms() - self.start))
            .collect()
    }

    /// When they ended, in ms of the script: told, and dated.
    fn ended(&self) -> Vec<(u64, i64)> {
        let dated = |v: &Verdict| v.alert.ended_at.expect("an end has a time").unix_ms() - self.start;
        self.said.iter().filter(|(_, v)| v.change == Change::Ended).map(|(ms, v)| (*ms, dated(v))).collect()
    }
}

const OUTSIDE: (f32, f32) = (0.3, 0.6);
const INSIDE: (f32, f32) = (0.7, 0.6);

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

/// Hours on every day in a time zone.
fn hours(zone: &str, from: (i8, i8), to: (i8, i8)) -> Hours {
    let time = |(hour, minute)| civil::time(hour, minute, 0, 0);
    Hours {
        id: "night".parse().expect("an id"),
        time_zone: TimeZone::get(zone).expect("a time zone"),
        spans: vec![HoursSpan {
            days: (0..7).map(|d| civil::Weekday::from_monday_zero_offset(d).expect("a day")).collect(),
            from: time(from),
            to: time(to),
        }],
    }
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
    world.rules.end_all(world.now(), &mut out);
    assert_eq!(out.iter().map(|v| v.change).collect::<Vec<_>>(), [Change::Ended, Change::Ended]);
    out.clear();
    world.rules.end_all(world.now(), &mut out);
    assert_eq!(out.len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_the_tracks_do_each_alert_is_raised_once_and_ended_at_most_once(
        script in prop::collection::vec(
            (prop::collection::vec((1_u64..8, 0.0_f32..1.0, 0.0_f32..1.0), 0..5), 0_u64..30, 0_u8..6), 1..120),
        cooldown_s in 0_u64..20,
    ) {
        let night = Arc::new(hours("Etc/UTC", (12, 0), (12, 1)));
        let all: Vec<Rule> = [
            in_view().when,
            enters_zone().when,
            Condition::ZoneLeave { zone: "yard".parse().expect("an id") },
            Condition::Dwell { zone: None, at_least: Duration::from_secs(3) },
            crosses(None).when,
            Condition::WrongWay { line: "gate".parse().expect("an id"), allowed: Direction::In },
        ]
        .into_iter()
        .map(|when| Rule {
            hours: Some(night.clone()),
            cooldown: Duration::from_secs(cooldown_s),
            frames_needed: 1,
            frames_window: 2,
            ..rule(when)
        })
        .collect();
        let play = || {
            let mut world = World::new(in_view());
            world.rules = Rules::new(camera(all.clone()), Mint::seeded(3));
            for (feet, ended, pause) in &script {
                world.every_ms = 100 + 400 * u64::from(*pause);
                let feet: Vec<_> = feet.iter().map(|f| (f.0 + *ended / 29 * 10, f.1, f.2)).collect();
                world.look(&feet);
                if *ended < 8 {
                    world.end(*ended);
                }
                if *pause == 5 {
                    world.skip();
                }
            }
            let (now, mut out) = (world.now(), vec![]);
            world.rules.end_all(now, &mut out);
            world.said.extend(out.into_iter().map(|verdict| (0, verdict)));
            world
        };
        let world = play();
        let told = |world: &World| -> Vec<_> {
            world.said.iter().map(|(ms, v)| (*ms, v.change, v.alert.id, v.alert.objects.clone())).collect()
        };
        prop_assert_eq!(told(&world), told(&play()), "the same script says the same");
        let mut lives: BTreeMap<_, Vec<Change>> = BTreeMap::new();
        for (_, verdict) in &world.said {
            let alert = &verdict.alert;
            lives.entry(alert.id).or_default().push(verdict.change);
            prop_assert!(night.contains(alert.occurred_at), "{} is outside of the hours", alert.occurred_at);
            prop_assert!(!alert.objects.is_empty());
            prop_assert_eq!(alert.ended_at.is_some(), verdict.change == Change::Ended);
            prop_assert!(alert.ended_at.is_none_or(|at| at >= alert.occurred_at));
        }
        for life in lives.values() {
            prop_assert_eq!(life[0], Change::Raised);
            prop_assert_eq!(life[life.len() - 1], Change::Ended);
            let between = &life[1..life.len() - 1];
            prop_assert!(between.iter().all(|change| *change == Change::Updated), "{:?}", life);
        }
    }
}
