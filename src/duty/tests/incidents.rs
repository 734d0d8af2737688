//! Which alerts are one incident.

use super::*;

/// Something that is raised some seconds after noon, and which one it joins, by its number from 0.
type Step = (u64, &'static str, Severity, &'static [Class], Option<usize>);

use Class::{Bicycle, Car, Cow, Dog, Motorcycle, Person, Truck};
use Severity::{Critical, Info, Major, Warning};

#[test]
fn what_is_one_incident() {
    let tables: &[(&str, &[Step])] = &[
        (
            "one place, within half a minute of the last",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (30, "gate-2", Warning, &[Person], Some(0)),
                (60, "gate-1", Warning, &[Person], Some(0)),
                (91, "gate-1", Warning, &[Person], None),
                (92, "gate-1", Warning, &[Person], Some(3)),
            ],
        ),
        (
            "near places, said on either side, from one to the next",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (20, "mill", Warning, &[Person], Some(0)),
                (40, "bridge", Warning, &[Person], Some(0)),
                (60, "mill", Warning, &[Person], Some(0)),
            ],
        ),
        (
            "a place that is near to none of the incident's, or was left too long ago",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (1, "bridge", Warning, &[Person], None),
                (25, "mill", Warning, &[Person], Some(1)),
                (33, "gate-1", Warning, &[Person], Some(1)),
            ],
        ),
        (
            "people and what they ride",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (1, "gate-1", Warning, &[Bicycle], Some(0)),
                (2, "gate-1", Warning, &[Motorcycle, Person], Some(0)),
                (3, "gate-1", Warning, &[Car], None),
                (4, "gate-1", Warning, &[Truck], Some(3)),
                (5, "gate-1", Warning, &[Dog], None),
                (6, "gate-1", Warning, &[Cow], Some(5)),
            ],
        ),
        (
            "a sort that the lead did not tell of is news",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (1, "gate-1", Warning, &[Person, Car], None),
                (2, "gate-1", Warning, &[Car], Some(1)),
            ],
        ),
        (
            "no more severe than the lead",
            &[
                (0, "gate-1", Warning, &[Person], None),
                (1, "gate-1", Info, &[Person], Some(0)),
                (2, "gate-1", Major, &[Person], None),
                (3, "gate-1", Critical, &[Person], None),
                (4, "gate-1", Critical, &[Person], Some(3)),
                (5, "gate-1", Warning, &[Person], Some(3)),
            ],
        ),
        (
            "what no detector saw is on its own",
            &[
                (0, "gate-1", Warning, &[], None),
                (1, "gate-1", Warning, &[], None),
                (2, "gate-1", Warning, &[Person], None),
            ],
        ),
    ];
    for (title, steps) in tables {
        let (mut world, mut duty) = (World::new(), duty());
        let mut ids = Vec::new();
        for (number, (seconds, camera, severity, classes, expected)) in steps.iter().enumerate() {
            let mut what = world.seen(at(*seconds), camera, Person);
            // What one rule tells of one camera again is another matter.
            what.judged = rule(&format!("other-{number}"));
            what.severity = *severity;
            what.objects = classes.iter().copied().map(object).collect();
            ids.push(what.id);
            let lead = joined(&duty.raised(at(*seconds), &what));
            assert_eq!(lead, expected.map(|number| ids[number]), "{title}: step {number}");
        }
    }
}

#[test]
fn who_comes_a_while_after_another_is_another_visitor() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut ids = Vec::new();
    for (seconds, camera, by, expected) in [
        (0, "gate-1", "other", None),
        // Company, one after the other.
        (8, "gate-1", "other", Some(0)),
        (16, "gate-1", "other", Some(0)),
        // Seen by another camera and another rule: the same people.
        (30, "gate-2", "other", Some(0)),
        (31, "gate-1", "grave", Some(0)),
        // Fifteen seconds behind the last of them: somebody else, and what is seen of him goes with him.
        (32, "gate-1", "other", None),
        (40, "mill", "other", Some(5)),
    ] {
        let mut what = world.seen(at(seconds), camera, Class::Person);
        what.judged = rule(by);
        ids.push(what.id);
        let lead = joined(&duty.raised(at(seconds), &what));
        assert_eq!(lead, expected.map(|number: usize| ids[number]), "{seconds} s, {camera}, {by}");
    }
}

#[test]
fn nothing_joins_what_is_closed_though_a_member_may_close() {
    let (mut world, mut duty) = (World::new(), duty());
    let [lead, member, next, last] =
        [0, 1, 2, 3].map(|seconds| world.seen(at(seconds), "gate-1", Class::Person));
    assert_eq!(joined(&duty.raised(at(0), &lead)), None);
    assert_eq!(joined(&duty.raised(at(1), &member)), Some(lead.id));
    duty.closed(member.id);
    assert_eq!(joined(&duty.raised(at(2), &next)), Some(lead.id));
    duty.closed(lead.id);
    assert_eq!(joined(&duty.raised(at(3), &last)), None);
}

#[test]
fn buttons_are_calls_of_their_own() {
    let (mut world, mut duty) = (World::new(), duty());
    let calls = [0, 1].map(|seconds| world.pressed(at(seconds), "gate-1"));
    let seen = world.seen(at(2), "gate-1", Class::Person);
    for (seconds, what) in calls.iter().chain([&seen]).enumerate() {
        assert_eq!(joined(&duty.raised(at(seconds as u64), what)), None);
    }
}

#[test]
fn an_exercise_takes_in_nothing_that_is_meant() {
    let (mut world, mut duty) = (World::new(), duty());
    let drill = Occurrence { earnest: Earnest::Drill, ..world.seen(at(0), "gate-1", Class::Person) };
    let real = world.seen(at(1), "gate-1", Class::Person);
    let second = Occurrence { earnest: Earnest::Drill, ..world.seen(at(2), "gate-1", Class::Person) };
    assert_eq!(joined(&duty.raised(at(0), &drill)), None);
    assert_eq!(joined(&duty.raised(at(1), &real)), None);
    assert_eq!(joined(&duty.raised(at(2), &second)), Some(drill.id));
}

fn with_a_door() -> (World, Duty) {
    let mut duty = duty();
    let within = Duration::from_secs(10);
    duty.pair(slug("door"), Pairing { cameras: vec![slug("gate-2"), slug("bridge")], within });
    (World::new(), duty)
}

#[test]
fn what_a_sensor_tells_and_what_its_cameras_see_is_one_incident() {
    // The sensor first.
    let (mut world, mut duty) = with_a_door();
    let door = world.spoke(at(0), "door", "gate-1");
    assert_eq!(joined(&duty.raised(at(0), &door)), None);
    for (seconds, camera, class, expected) in [
        (1, "gate-1", Class::Person, None),
        (10, "bridge", Class::Person, Some(door.id)),
        (10, "gate-2", Class::Car, Some(door.id)),
        (11, "gate-2", Class::Dog, None),
    ] {
        let what = world.seen(at(seconds), camera, class);
        assert_eq!(joined(&duty.raised(at(seconds), &what)), expected, "{camera} at {seconds}");
    }
    // What is seen first; who stays for a minute is seen all that time.
    let (mut world, mut duty) = with_a_door();
    let seen = Occurrence { occurred_at: at(0), ..world.seen(at(60), "gate-2", Class::Person) };
    assert_eq!(joined(&duty.raised(at(60), &seen)), None);
    for (seconds, sensor, expected) in [(70, "door", Some(seen.id)), (71, "window", None)] {
        let what = world.spoke(at(seconds), sensor, "gate-2");
        assert_eq!(joined(&duty.raised(at(seconds), &what)), expected, "{sensor} at {seconds}");
    }
    let early = Occurrence { occurred_at: at(5), ..world.spoke(at(72), "door", "gate-2") };
    assert_eq!(joined(&duty.raised(at(72), &early)), Some(seen.id), "it spoke while somebody was there");
    let late = world.spoke(at(80), "door", "gate-2");
    assert_eq!(joined(&duty.raised(at(80), &late)), None);
}

#[test]
fn a_grave_sensor_leads_an_incident_of_its_own() {
    let (mut world, mut duty) = with_a_door();
    let seen = world.seen(at(0), "gate-2", Class::Person);
    let grave = Occurrence { severity: Severity::Critical, ..world.spoke(at(1), "door", "gate-2") };
    let next = world.seen(at(2), "gate-2", Class::Person);
    assert_eq!(joined(&duty.raised(at(0), &seen)), None);
    assert_eq!(joined(&duty.raised(at(1), &grave)), None);
    assert_eq!(joined(&duty.raised(at(2), &next)), Some(grave.id), "the newest that takes it");
}

#[test]
fn of_too_many_incidents_the_oldest_is_forgotten() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut raise = |seconds: u64, camera: &str| {
        let mut what = world.seen(at(seconds), camera, Class::Person);
        what.judged = rule("other");
        (what.id, joined(&duty.raised(at(seconds), &what)))
    };
    let leads: Vec<_> = (0..=INCIDENTS_MAX as u64).map(|number| raise(31 * number, "gate-1")).collect();
    assert!(leads.iter().all(|(_, lead)| lead.is_none()));
    // A clock that was set back finds the second one, and the first no more.
    assert_eq!(raise(31, "gate-2").1, Some(leads[1].0));
    assert_eq!(raise(0, "gate-2").1, None);
}

#[test]
fn an_incident_that_is_full_is_followed_by_another() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut raise = || {
        let mut what = world.seen(at(0), "gate-1", Class::Person);
        what.judged = rule("other");
        (what.id, joined(&duty.raised(at(0), &what)))
    };
    let (first, _) = raise();
    for _ in 1..MEMBERS_MAX {
        assert_eq!(raise().1, Some(first));
    }
    let (second, lead) = raise();
    assert_eq!(lead, None);
    assert_eq!(raise().1, Some(second));
}
