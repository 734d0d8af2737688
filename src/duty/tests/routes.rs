//! Which posts are told.

use super::*;

/// 23:00 of the same day.
const NIGHT: Wall = Wall::from_unix_ms(1_773_028_800_000 + 11 * 3_600_000);

fn online(duty: &mut Duty, posts: &[&str]) {
    for post in posts {
        duty.presence(slug(post), Presence::Online);
    }
}

/// `tier: who; over: why` of what is told.
fn words(telling: Option<Telling>) -> String {
    let Some(telling) = telling else { return "nobody".into() };
    assert!(!telling.posts.is_empty());
    let posts: Vec<_> = telling.posts.iter().map(PostId::as_str).collect();
    let over: Vec<_> =
        telling.passed_over.iter().map(|(post, why)| format!("{post} {}", why.as_str())).collect();
    format!("{}: {}; {}", telling.tier, posts.join(" "), over.join(", "))
}

fn tiers(duty: &Duty, now: Wall, what: &Subject) -> Vec<String> {
    (0..4).map(|tier| words(duty.tell(now, what, tier))).collect()
}

#[test]
fn the_first_tier_that_has_somebody_is_told_and_the_last_one_whatever_holds() {
    let (mut world, mut duty) = (World::new(), duty());
    let gate = world.seen(NOON, "gate-1", Class::Person);
    let gate = duty.subject(NOON, &gate);
    assert_eq!(
        tiers(&duty, NOON, &gate),
        ["0: traffic; checkpoint silent", "2: station; volunteers silent", "2: station; ", "nobody"]
    );
    let night = Subject { severity: Severity::Major, raised_at: NIGHT, ..gate.clone() };
    assert_eq!(
        words(duty.tell(NIGHT, &night, 0)),
        "2: station; checkpoint silent, traffic off-duty, volunteers silent"
    );
    online(&mut duty, &["checkpoint", "volunteers"]);
    assert_eq!(
        tiers(&duty, NOON, &gate),
        ["0: checkpoint traffic; ", "1: volunteers; ", "2: station; ", "nobody"]
    );
    duty.presence(slug("checkpoint"), Presence::Offline);
    assert_eq!(words(duty.tell(NOON, &gate, 0)), "0: traffic; checkpoint silent");
    assert_eq!(words(duty.tell(NOON, &gate, u32::MAX)), "nobody");
}

#[test]
fn a_last_tier_with_nobody_is_told_as_a_whole_and_with_somebody_in_part() {
    let (mut world, mut duty) = (World::new(), duty());
    let bridge = world.seen(NOON, "bridge", Class::Person);
    let bridge = duty.subject(NOON, &bridge);
    assert_eq!(words(duty.tell(NOON, &bridge, 0)), "2: volunteers patrol; checkpoint silent");
    online(&mut duty, &["volunteers", "patrol"]);
    assert_eq!(words(duty.tell(NOON, &bridge, 0)), "2: volunteers; patrol off-duty, checkpoint silent");
    assert_eq!(words(duty.tell(NIGHT, &bridge, 0)), "0: patrol; ");
    assert_eq!(words(duty.tell(NIGHT, &bridge, 1)), "1: patrol; checkpoint silent");
}

#[test]
fn a_route_fits_in_every_respect_or_not_at_all() {
    let (mut world, duty) = (World::new(), duty());
    let by_night = world.seen(NIGHT, "gate-1", Class::Person);
    let fits = duty.subject(NIGHT, &by_night);
    // Who is told at the second tier says which route it is.
    let route = |what: &Subject| words(duty.tell(NIGHT, what, 1)).split(';').next().unwrap_or("").to_owned();
    assert_eq!(route(&fits), "1: station");
    for other in [
        Subject { raised_at: NOON, ..fits.clone() },
        Subject { level: config::Level::Ring, ..fits.clone() },
        Subject { kind: Kind::Dwell, ..fits.clone() },
        Subject { severity: Severity::Major, ..fits.clone() },
    ] {
        assert_eq!(route(&other), "2: station", "{other:?}");
    }
    // A camera that is not configured any more is nowhere, and its alert goes to everybody.
    let gone = Subject { camera: slug("old"), entry_point: None, raised_at: NOON, ..fits.clone() };
    assert_eq!(
        words(duty.tell(NOON, &gone, 0)),
        "0: station traffic; checkpoint silent, patrol off-duty, volunteers silent"
    );
    let elsewhere = Subject { camera: slug("bridge"), raised_at: NOON, entry_point: None, ..fits };
    assert_eq!(route(&elsewhere), "nobody", "the village has to fit, too: it goes to everybody, in one tier");
}

#[test]
fn an_alert_keeps_its_route_while_the_hours_of_posts_go_on() {
    let (mut world, mut duty) = (World::new(), duty());
    online(&mut duty, &["checkpoint", "patrol"]);
    let late = NIGHT.after(Duration::from_secs(6 * 3600));
    let what = world.seen(NIGHT, "gate-1", Class::Person);
    let what = duty.subject(NIGHT, &what);
    assert_eq!(words(duty.tell(NIGHT, &what, 0)), "0: patrol; ");
    assert_eq!(words(duty.tell(late, &what, 0)), "1: checkpoint station; patrol off-duty");
}

#[test]
fn only_posts_that_are_to_say_so_are_silent() {
    let (mut world, mut duty) = (World::new(), duty());
    duty.presence(slug("traffic"), Presence::Offline);
    duty.presence(slug("stranger"), Presence::Online);
    let what = world.seen(NOON, "gate-1", Class::Person);
    assert_eq!(
        duty.raised(NOON, &what),
        Assignment::Lead(Some(Telling {
            tier: 0,
            posts: vec![slug("traffic")],
            passed_over: vec![(slug("checkpoint"), PassedOver::Silent)]
        }))
    );
}

#[test]
fn a_station_without_posts_tells_nobody_by_name() {
    let mut world = World::new();
    let (text, _) = STATION.split_once("[post.station]").expect("it has posts");
    let mut duty = Duty::new(&read(text));
    let what = world.seen(NOON, "gate-1", Class::Person);
    assert_eq!(duty.raised(NOON, &what), Assignment::Lead(None));
    assert_eq!(duty.tell(NOON, &duty.subject(NOON, &what), 0), None);
    let next = world.seen(at(1), "gate-2", Class::Person);
    assert_eq!(joined(&duty.raised(at(1), &next)), Some(what.id), "incidents are kept all the same");
}

#[test]
fn what_a_subject_is_made_of() {
    let (mut world, duty) = (World::new(), duty());
    let what = world.seen(at(3), "mill", Class::Bicycle);
    let subject = duty.subject(at(5), &what);
    let camera = slug("mill");
    assert_eq!(subject.entry_point.as_ref(), duty.entry_point(&camera));
    assert_eq!((subject.camera, subject.village.as_str()), (camera, "east"));
    assert_eq!((subject.level, subject.classes), (config::Level::Point, vec![Class::Bicycle]));
    assert_eq!(
        (subject.kind, subject.severity, subject.raised_at),
        (Kind::ZoneEnter, Severity::Warning, at(5))
    );
    assert_eq!(duty.entry_point(&slug("old")), None);
}
