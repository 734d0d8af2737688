//! When a rule floods, and what a restart knows.

use super::*;

const MINUTE: u64 = 60;

/// Minutes after noon at which a rule with a budget of four raises; what becomes of it: `lead`, `flooded`, or the summary's count and since when.
fn check(title: &str, steps: &[(u64, &str)]) {
    let (mut world, mut duty) = (World::new(), duty());
    for (minute, expected) in steps {
        let now = at(minute * MINUTE);
        let what = world.seen(now, "gate-1", Class::Person);
        assert_eq!(words(&duty.raised(now, &what)), *expected, "{title}: minute {minute}");
    }
}

fn words(assignment: &Assignment) -> String {
    match assignment {
        Assignment::Lead(Some(_)) => "lead".into(),
        Assignment::Lead(None) => panic!("there are posts"),
        Assignment::Joined { .. } => "joined".into(),
        Assignment::Flooded(Flooded::Nothing) => "flooded".into(),
        Assignment::Flooded(Flooded::Until(at)) => format!("flooded until {}", minute_of(*at)),
        Assignment::Flooded(Flooded::Summary(summary)) => summed_up(summary),
    }
}

fn summed_up(summary: &Summary) -> String {
    assert_eq!(summary.telling.as_ref().map(|telling| telling.tier), Some(0));
    format!("{} since {}", summary.alerts, minute_of(summary.since))
}

fn minute_of(at: Wall) -> i64 {
    at.us_since(NOON) / 60_000_000
}

#[test]
fn a_rule_floods_past_its_budget_until_an_hour_is_within_it() {
    check(
        "each minute",
        &[
            (0, "lead"),
            (1, "lead"),
            (2, "lead"),
            (3, "lead"),
            (4, "1 since 4"),
            (5, "flooded until 14"),
            (6, "flooded"),
            (13, "flooded"),
            (14, "4 since 4"),
            (15, "flooded until 24"),
            (24, "2 since 4"),
            (40, "1 since 4"),
            // The hour before minute 66 has five, the one before 76 three.
            (66, "1 since 4"),
            (76, "lead"),
            (90, "lead"),
            (91, "1 since 91"),
        ],
    );
    check(
        "seldom enough",
        &[(0, "lead"), (16, "lead"), (32, "lead"), (48, "lead"), (64, "lead"), (80, "lead")],
    );
    check(
        "a day later",
        &[(0, "lead"), (1, "lead"), (2, "lead"), (3, "lead"), (4, "1 since 4"), (1440, "lead")],
    );
}

#[test]
fn what_came_before_a_flood_fell_silent_is_told_once() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut untold = Vec::new();
    for minute in 0..8 {
        let now = at(minute * MINUTE);
        let what = world.seen(now, "gate-1", Class::Person);
        let assignment = duty.raised(now, &what);
        if minute > 4 {
            untold.push(past(&duty, now, &what, &assignment, false));
        }
    }
    let told = |duty: &mut Duty, minute| {
        let summary = duty.summary(at(minute * MINUTE), &untold[0]);
        summary.as_ref().map(summed_up)
    };
    assert_eq!(told(&mut duty, 13), None, "it is not time");
    assert_eq!(told(&mut duty, 14), Some("3 since 4".to_owned()));
    assert_eq!(told(&mut duty, 30), None, "nothing came since");
    // The next one opens another ten minutes.
    let what = world.seen(at(31 * MINUTE), "gate-1", Class::Person);
    assert_eq!(words(&duty.raised(at(31 * MINUTE), &what)), "1 since 4");
    assert_eq!(told(&mut duty, 50), None, "it was told with that one");
}

#[test]
fn a_sensor_that_chatters_floods_like_a_rule() {
    let (mut world, mut duty) = (World::new(), duty());
    let per_hour = read(STATION).notices.per_hour;
    for second in 0..=u64::from(per_hour) {
        let now = at(second * MINUTE);
        let spoke = duty.raised(now, &world.spoke(now, "door", "gate-1"));
        assert_eq!(matches!(spoke, Assignment::Flooded(_)), second == u64::from(per_hour), "{second}");
    }
}

#[test]
fn each_rule_floods_on_its_camera_alone() {
    let (mut world, mut duty) = (World::new(), duty());
    for minute in 0..9 {
        let now = at(minute * MINUTE);
        let what = world.seen(now, "gate-1", Class::Person);
        assert_eq!(matches!(duty.raised(now, &what), Assignment::Flooded(_)), minute >= 4);
        if minute >= 4 {
            for other in [
                Occurrence { judged: rule("other"), ..world.seen(now, "gate-1", Class::Cow) },
                Occurrence {
                    severity: Severity::Critical,
                    judged: rule("grave"),
                    ..world.seen(now, "gate-1", Class::Person)
                },
                Occurrence { earnest: Earnest::Drill, ..world.seen(now, "gate-1", Class::Person) },
                world.pressed(now, "gate-1"),
                world.spoke(now, "door", "gate-1"),
                Occurrence {
                    judged: Judged::State,
                    objects: vec![],
                    ..world.seen(now, "gate-1", Class::Person)
                },
                Occurrence { judged: rule("of-yesterday"), ..world.seen(now, "gate-1", Class::Car) },
            ] {
                assert_eq!(words(&duty.raised(now, &other)), "lead", "{:?}", other.judged);
            }
        }
    }
    let elsewhere = world.seen(at(9 * MINUTE), "gate-2", Class::Person);
    assert_eq!(words(&duty.raised(at(9 * MINUTE), &elsewhere)), "lead");
}

#[test]
fn what_floods_leads_no_incident_and_lengthens_none() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut lead = None;
    for second in 0..40 {
        let what = world.seen(at(second), "gate-1", Class::Person);
        let assignment = duty.raised(at(second), &what);
        match second {
            0 => lead = Some(what.id),
            1..4 => assert_eq!(joined(&assignment), lead),
            _ => assert!(matches!(assignment, Assignment::Flooded(_)), "{second}"),
        }
    }
    let what = world.seen(at(40), "gate-2", Class::Person);
    assert_eq!(words(&duty.raised(at(40), &what)), "lead");
}

#[test]
fn a_clock_that_is_set_back_neither_floods_for_ever_nor_forgets() {
    let (mut world, mut duty) = (World::new(), duty());
    let mut raise = |now: Wall| {
        let what = world.seen(now, "gate-1", Class::Person);
        words(&duty.raised(now, &what))
    };
    let back = |seconds: i64| Wall::from_unix_us(NOON.unix_us() - seconds * 1_000_000);
    for second in [0, 60, 120, 180] {
        raise(at(second));
    }
    assert_eq!(raise(at(240)), "1 since 4");
    assert_eq!(raise(back(600)), "1 since 4", "ten minutes back it is still the same hour");
    assert_eq!(raise(back(86_400)), "lead", "a day back it is another");
}

#[test]
fn a_restart_knows_the_last_hour() {
    let (mut world, mut before) = (World::new(), duty());
    let mut told = Vec::new();
    for minute in [0, 1, 2, 3, 4, 5] {
        let now = at(minute * MINUTE);
        let what = world.seen(now, "gate-1", Class::Person);
        let assignment = before.raised(now, &what);
        told.push(past(&before, now, &what, &assignment, false));
    }
    let (lead, member, over) = (
        world.seen(at(330), "mill", Class::Person),
        world.seen(at(335), "mill", Class::Person),
        world.seen(at(340), "bridge", Class::Car),
    );
    for (now, what, closed) in [(at(330), &lead, false), (at(335), &member, false), (at(340), &over, true)] {
        let assignment = before.raised(now, what);
        told.push(past(&before, now, what, &assignment, closed));
    }
    before.closed(over.id);
    let mut after = duty();
    for past in &told {
        after.recall(past);
    }
    for (camera, class, expected) in [
        ("gate-1", Class::Person, "flooded"),
        ("mill", Class::Person, "lead"),
        ("bridge", Class::Car, "lead"),
        ("gate-2", Class::Person, "joined"),
    ] {
        let what = world.seen(at(360), camera, class);
        let assignment = after.raised(at(360), &what);
        assert_eq!(words(&assignment), expected, "{camera}");
        assert_eq!(assignment, before.raised(at(360), &what), "{camera}");
    }
}
