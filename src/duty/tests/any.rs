//! What holds whatever happens.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Happening {
    /// Seconds since the last; a clock may be set back.
    after: i64,
    camera: usize,
    severity: Severity,
    rule: &'static str,
    classes: Vec<Class>,
    earnest: Earnest,
    device: u8,
    /// Which alert is closed then, counted from the newest.
    closes: Option<usize>,
    presence: Option<(usize, Presence)>,
}

const POSTS: [&str; 6] = ["station", "checkpoint", "patrol", "traffic", "volunteers", "stranger"];

fn any_happening() -> impl Strategy<Value = Happening> {
    let severity =
        prop::sample::select(vec![Severity::Info, Severity::Warning, Severity::Major, Severity::Critical]);
    let presence = prop::sample::select(vec![Presence::Online, Presence::Offline]);
    (
        prop_oneof![20 => 0..40i64, 3 => 0..4000i64, 1 => -100_000..0i64],
        0..4usize,
        severity,
        prop::sample::select(vec!["visitor", "grave", "other", "old"]),
        proptest::collection::vec(prop::sample::select(Class::ALL.to_vec()), 0..3),
        prop::sample::select(vec![Earnest::Real, Earnest::Real, Earnest::Real, Earnest::Drill]),
        0..12u8,
        proptest::option::weighted(0.1, 0..5usize),
        proptest::option::weighted(0.2, (0..POSTS.len(), presence)),
    )
        .prop_map(|(after, camera, severity, rule, classes, earnest, device, closes, presence)| {
            Happening { after, camera, severity, rule, classes, earnest, device, closes, presence }
        })
}

fn play(happenings: &[Happening]) -> Vec<(Wall, Occurrence, Assignment)> {
    let (mut world, mut duty) = (World::new(), duty());
    duty.pair(
        slug("door"),
        Pairing { cameras: vec![slug("gate-1"), slug("mill")], within: Duration::from_secs(15) },
    );
    let mut story: Vec<(Wall, Occurrence, Assignment)> = Vec::new();
    let mut now = NOON;
    for it in happenings {
        now = Wall::from_unix_us(now.unix_us() + it.after * 1_000_000);
        if let Some((post, presence)) = it.presence {
            duty.presence(slug(POSTS[post]), presence);
        }
        let closes = it.closes.and_then(|back| story.iter().rev().nth(back));
        if let Some((_, what, _)) = closes {
            duty.closed(what.id);
        }
        let camera = world.config.cameras[it.camera].id.clone();
        let mut what = match it.device {
            0 => world.pressed(now, camera.as_str()),
            1 | 2 => world.spoke(now, "door", camera.as_str()),
            _ => {
                let mut seen = world.seen(now, camera.as_str(), Class::Person);
                seen.judged = rule(it.rule);
                seen.objects = it.classes.iter().copied().map(object).collect();
                seen
            }
        };
        what.severity = it.severity;
        what.earnest = it.earnest;
        let assignment = duty.raised(now, &what);
        story.push((now, what, assignment));
    }
    // A memory that grows with what happened would be found here.
    let (incidents, counts) = duty.remembered();
    let (rules, sensors, cameras) = (3, 1, 4);
    assert!(incidents <= INCIDENTS_MAX && counts <= (rules + sensors) * cameras, "{incidents} {counts}");
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn somebody_is_told_and_nothing_grave_is_lost(happenings in proptest::collection::vec(any_happening(), 1..120)) {
        let story = play(&happenings);
        let mut leads: BTreeMap<AlertId, &Occurrence> = BTreeMap::new();
        for (_, what, assignment) in &story {
            match assignment {
                Assignment::Lead(telling) => {
                    prop_assert!(telling.as_ref().is_some_and(|telling| !telling.posts.is_empty()));
                    leads.insert(what.id, what);
                }
                Assignment::Joined { lead, .. } => {
                    let lead = leads.get(lead).expect("only what was told leads");
                    prop_assert!(what.severity <= lead.severity);
                    prop_assert_eq!(what.earnest, lead.earnest);
                    prop_assert!(!matches!(what.judged, Judged::Button(_)));
                    prop_assert!(!matches!(lead.judged, Judged::Button(_)));
                }
                Assignment::Flooded(flooded) => {
                    prop_assert!(what.severity < Severity::Critical && what.earnest == Earnest::Real);
                    prop_assert!(!matches!(what.judged, Judged::Button(_)));
                    if let Flooded::Summary(summary) = flooded {
                        prop_assert!(summary.alerts >= 1 && summary.telling.is_some());
                    }
                }
            }
        }
        let again = play(&happenings);
        prop_assert!(story.iter().map(|(_, _, it)| it).eq(again.iter().map(|(_, _, it)| it)));
    }

    #[test]
    fn each_tier_leads_to_somebody_until_the_last(
        online in proptest::collection::vec(0..POSTS.len(), 0..6),
        camera in 0..4usize,
        hour in 0..48u64,
        from in 0..5u32,
    ) {
        let (mut world, mut duty) = (World::new(), duty());
        for post in online {
            duty.presence(slug(POSTS[post]), Presence::Online);
        }
        let now = at(hour * 3600);
        let camera = world.config.cameras[camera].id.clone();
        let what = world.seen(now, camera.as_str(), Class::Person);
        let what = duty.subject(now, &what);
        let telling = duty.tell(now, &what, from);
        prop_assert!(telling.is_some() || from > 0);
        if let Some(telling) = telling {
            prop_assert!(!telling.posts.is_empty() && telling.tier >= from);
            for (number, (post, _)) in telling.passed_over.iter().enumerate() {
                prop_assert!(!telling.posts.contains(post));
                prop_assert!(telling.passed_over[..number].iter().all(|(other, _)| other != post));
            }
            // What is told now is told again where that tier is asked for by name.
            let again = duty.tell(now, &what, telling.tier).expect("it was there");
            prop_assert_eq!(again.posts, telling.posts);
        }
    }
}
