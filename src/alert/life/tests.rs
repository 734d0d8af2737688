//! Lives: each deadline to the second, each rule of who may, and whatever people say in whatever order.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    alert::{Kind, Severity},
    duty::Telling,
    id::Mint,
};

const START: Wall = Wall::from_unix_ms(1_773_079_445_123);
const TIERS: u32 = 3;

fn at(s: u64) -> Wall {
    START.after(Duration::from_secs(s))
}

/// Three tiers with a post each; of the middle one nobody is there.
fn tell(tier: u32) -> Option<Telling> {
    let tier = if tier == 1 { 2 } else { tier };
    let posts = vec![format!("post-{tier}").parse().expect("an id")];
    (tier < TIERS).then_some(Telling { tier, posts, passed_over: Vec::new() })
}

fn begun(severity: Severity) -> Life {
    begun_as(Terms::of(Kind::ZoneEnter, severity, Pursuit::Lead))
}

fn begun_as(terms: Terms) -> Life {
    let mut life = Life::begin(START, terms);
    let _ = life.tell(START, ToldWhy::First, tell(0).expect("there is a first tier"));
    life
}

fn actor(who: &str, unit: &str) -> Actor {
    Actor { who: who.to_owned(), unit: unit.to_owned(), station: None }
}

fn command(id: u64, verb: Verb, actor: Actor) -> Command {
    let mut mint = Mint::seeded(id);
    Command {
        id: mint.command(START),
        alert: mint.alert(START),
        verb,
        actor,
        if_rev: None,
        reason: (verb == Verb::Dismiss).then_some(Reason::Known),
        note: (verb == Verb::Annotate).then(|| "a remark".to_owned()),
        at: None,
    }
}

/// Reaches everything that is due until then, each at its time, and says what had an effect, and when.
fn until(life: &mut Life, from: &mut Wall, to: Wall) -> Vec<(u64, Deadline)> {
    let mut effects = Vec::new();
    while let Some((deadline, due)) = life
        .dues()
        .iter()
        .map(|(deadline, at)| (*deadline, *at))
        .min_by_key(|(deadline, at)| (*at, *deadline))
        && due <= to
    {
        *from = due.max(*from);
        assert_eq!(life.overdue(*from), Some(deadline));
        if due == *from {
            let early = Wall::from_unix_ms(due.unix_ms() - 1);
            assert_eq!(life.clone().reach(early, deadline, &tell), None, "a moment before");
        }
        if life.reach(*from, deadline, &tell).is_some() {
            effects.push((from.us_since(START) as u64 / 1_000_000, deadline));
        }
        assert_eq!(life.clone().reach(*from, deadline, &tell), None, "once");
    }
    *from = to;
    effects
}

#[test]
fn who_is_left_alone_is_told_again_escalated_breached_and_expired_to_the_second() {
    use Deadline::*;
    let full = vec![(60, Remind), (180, Escalate), (240, Remind), (600, Breach), (600, Expire)];
    let critical = vec![(60, Remind), (180, Escalate), (240, Remind), (600, Breach), (3600, Expire)];
    let of = |kind, severity, pursuit| {
        let mut life = begun_as(Terms::of(kind, severity, pursuit));
        until(&mut life, &mut START.clone(), at(10_000))
    };
    assert_eq!(of(Kind::ZoneEnter, Severity::Warning, Pursuit::Lead), full);
    assert_eq!(of(Kind::PanicButton, Severity::Critical, Pursuit::Lead), critical);
    assert_eq!(of(Kind::ZoneEnter, Severity::Info, Pursuit::Lead), [(600, Expire)]);
    assert_eq!(of(Kind::ZoneEnter, Severity::Major, Pursuit::Joined), [(600, Breach), (600, Expire)]);
    assert_eq!(of(Kind::ZoneEnter, Severity::Major, Pursuit::Flooded), [(600, Expire)]);
    let equipment = of(Kind::CameraOffline, Severity::Warning, Pursuit::Lead);
    assert_eq!(equipment, [(60, Remind), (180, Escalate), (240, Remind)]);
}

#[test]
fn a_claim_holds_for_its_lease_is_renewed_by_its_holder_and_lapses_into_the_same_tier() {
    let mut life = begun(Severity::Warning);
    let mut now = START;
    let _ = until(&mut life, &mut now, at(200));
    assert_eq!((life.state(), life.tier()), (State::Escalated, 2));
    let claimed = life.obey(at(200), 4, &command(1, Verb::Claim, actor("li", "north")), &tell);
    assert_eq!(claimed, Ok(Obeyed::Changed(Changed::default())));
    assert_eq!(until(&mut life, &mut now, at(700)), []);
    let renewed = life.obey(at(700), 5, &command(2, Verb::Claim, actor("li", "north")), &tell);
    assert_eq!(renewed, Ok(Obeyed::Changed(Changed::default())));
    let claim = life.claim().expect("he goes").clone();
    assert_eq!((claim.since, claim.until), (at(200), at(1300)));
    let late = life.obey(at(701), 6, &command(3, Verb::Claim, actor("wu", "north")), &tell);
    assert!(matches!(&late, Err(NotDone::Conflict(why)) if why.contains("li (north)")), "{late:?}");

    let effects = until(&mut life, &mut now, at(1400));
    assert_eq!(
        effects,
        [(1300, Deadline::Lapse), (1360, Deadline::Remind)],
        "the ten minutes do not count anew"
    );
    let told = life.told().last().expect("somebody is told");
    assert_eq!((life.state(), told.why, told.tier), (State::Raised, ToldWhy::Again, 2));
    assert_eq!(until(&mut life, &mut now, at(5000)), [(1900, Deadline::Expire)]);
    assert_eq!((life.state(), life.breached_at()), (State::Expired, None));
    assert_eq!(life.first_claimed().map(|done| done.by.who.as_str()), Some("li"));
}

#[test]
fn an_acknowledgement_stops_the_reminder_and_nothing_else() {
    let mut life = begun(Severity::Warning);
    let mut now = at(10);
    let acked = life.obey(now, 1, &command(1, Verb::Ack, actor("li", "north")), &tell);
    assert_eq!(acked, Ok(Obeyed::Changed(Changed::default())));
    assert_eq!(life.state(), State::Acknowledged);
    let again = life.obey(now, 2, &command(2, Verb::Ack, actor("wu", "north")), &tell);
    assert_eq!(again, Ok(Obeyed::Idle));
    let effects = until(&mut life, &mut now, at(600));
    assert_eq!(effects, [(180, Deadline::Escalate), (600, Deadline::Breach), (600, Deadline::Expire)]);
}

#[test]
fn while_it_is_claimed_it_is_the_units() {
    let mut life = begun(Severity::Warning);
    let by = |life: &mut Life, id, verb, who: &str, unit: &str| {
        life.obey(at(5), 1, &command(id, verb, actor(who, unit)), &tell)
    };
    assert!(by(&mut life, 1, Verb::Claim, "li", "north").is_ok());
    for (id, verb) in [(2, Verb::Release), (3, Verb::Resolve), (4, Verb::Dismiss)] {
        let refused = by(&mut life, id, verb, "he", "south");
        assert!(
            matches!(&refused, Err(NotDone::Forbidden(why)) if why.contains("li (north)")),
            "{refused:?}"
        );
    }
    for (id, verb) in [(5, Verb::Ack), (6, Verb::Annotate), (7, Verb::Escalate)] {
        assert!(by(&mut life, id, verb, "he", "south").is_ok(), "{verb:?}");
    }
    assert_eq!((life.state(), life.tier()), (State::Claimed, 2), "help comes, and he still goes");
    assert!(by(&mut life, 8, Verb::Resolve, "wu", "north").is_ok());
    let closed = by(&mut life, 9, Verb::Claim, "li", "north");
    assert!(matches!(closed, Err(NotDone::Conflict(_))));
    assert!(by(&mut life, 10, Verb::Annotate, "he", "south").is_ok(), "a remark may follow the end");
    assert_eq!(life.notes().count(), 2);
}

#[test]
fn what_makes_no_sense_is_late_or_comes_from_elsewhere_is_refused_and_changes_nothing() {
    let good = command(1, Verb::Claim, actor("li", "north"));
    let elsewhere = Actor { station: Some("south".parse().expect("an id")), ..actor("li", "north") };
    let note = |len: usize| Some("字".repeat(len));
    let cases: [(&str, Command); 13] = [
        ("invalid", Command { actor: actor("", "north"), ..good.clone() }),
        ("invalid", Command { actor: actor("li", &"n".repeat(65)), ..good.clone() }),
        ("invalid", Command { actor: actor("l\ni", "north"), ..good.clone() }),
        ("invalid", Command { note: note(501), ..good.clone() }),
        ("invalid", Command { note: Some("  ".into()), ..good.clone() }),
        ("invalid", Command { note: Some("a\u{1}".into()), ..good.clone() }),
        ("invalid", Command { reason: Some(Reason::Known), ..good.clone() }),
        ("invalid", Command { verb: Verb::Dismiss, ..good.clone() }),
        ("invalid", Command { verb: Verb::Dismiss, reason: Some(Reason::Other), ..good.clone() }),
        ("invalid", Command { verb: Verb::Annotate, ..good.clone() }),
        ("expired", Command { at: Some(at(9)), ..good.clone() }),
        ("forbidden", Command { actor: elsewhere.clone(), ..good.clone() }),
        ("conflict", Command { if_rev: Some(3), ..good.clone() }),
    ];
    for (what, command) in cases {
        let mut life = begun(Severity::Warning);
        let refused = life.obey(at(40), 4, &command, &tell).expect_err(what);
        let is = match refused {
            NotDone::Conflict(_) => "conflict",
            NotDone::Forbidden(_) => "forbidden",
            NotDone::Invalid(_) => "invalid",
            NotDone::Expired(_) => "expired",
        };
        assert_eq!((is, &life), (what, &begun(Severity::Warning)), "{command:?}");
    }
    let mut life = begun(Severity::Warning);
    life.share("south".parse().expect("an id"));
    for good in [
        Command { note: note(500), at: Some(at(10)), if_rev: Some(4), ..good.clone() },
        Command { actor: elsewhere, ..good },
    ] {
        assert!(life.clone().obey(at(40), 4, &good, &tell).is_ok(), "{good:?}");
    }
}

#[test]
fn who_joins_an_incident_stands_as_its_lead_does() {
    let joined = || begun_as(Terms::of(Kind::ZoneEnter, Severity::Warning, Pursuit::Joined));
    let mut lead = begun(Severity::Warning);
    let mut life = joined();
    life.follow(at(1), &lead);
    assert_eq!(life, joined());
    assert!(lead.obey(at(2), 1, &command(1, Verb::Ack, actor("li", "north")), &tell).is_ok());
    life.follow(at(3), &lead);
    assert_eq!(life.state(), State::Acknowledged);
    assert!(lead.obey(at(4), 2, &command(2, Verb::Claim, actor("wu", "north")), &tell).is_ok());
    let mut life = joined();
    life.follow(at(5), &lead);
    assert_eq!((life.state(), life.claim()), (State::Claimed, lead.claim()));
    assert_eq!(until(&mut life, &mut at(5), at(700)), [(604, Deadline::Lapse)]);
    assert_eq!(life.told().count(), 1, "whoever follows is not told");
}

#[test]
fn what_is_kept_of_tellings_is_bounded_by_the_posts_that_they_name() {
    let posts: Vec<_> = (0..256).map(|post| format!("post-{post}").parse().expect("an id")).collect();
    let mut life = Life::begin(START, Terms::of(Kind::ZoneEnter, Severity::Warning, Pursuit::Lead));
    for _ in 0..10 {
        let telling = Telling { tier: 0, posts: posts.clone(), passed_over: Vec::new() };
        let _ = life.tell(START, ToldWhy::Again, telling);
    }
    assert_eq!(life.told().count(), 2);
    for _ in 0..100 {
        let _ = life.tell(START, ToldWhy::Again, tell(0).expect("there is a first tier"));
    }
    assert_eq!(life.told().count(), 32);
}

/// Something that comes to an alert.
#[derive(Debug, Clone)]
enum Step {
    /// Time goes by, and deadlines are reached.
    Wait(u64),
    /// Somebody says something new, or what was said before comes once more, or late.
    Say { verb: Verb, who: u8, unit: u8, if_rev: bool, lost: bool },
    /// What was said so many commands ago comes again.
    Repeat(prop::sample::Index),
    /// The daemon is killed, and reads what is on record.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let say = (
        prop::sample::select(&Verb::ALL[..]),
        0..3u8,
        0..2u8,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    );
    let step = prop_oneof![
        3 => (0..250u64).prop_map(Step::Wait),
        6 => say.prop_map(|(verb, who, unit, if_rev, lost)| Step::Say { verb, who, unit, if_rev, lost }),
        2 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn whatever_people_say_in_whatever_order(
        steps in steps(),
        severity in prop::sample::select(&[Severity::Info, Severity::Warning, Severity::Critical][..]),
    ) {
        let (mut life, mut rev, mut now) = (begun(severity), 1, START);
        let mut said: Vec<(Command, Option<u64>)> = Vec::new();
        // When it was raised, at first or again, and who went from when to when.
        let (mut raised, mut went): (Wall, Vec<(Wall, Wall)>) = (START, Vec::new());
        for (index, step) in steps.into_iter().enumerate() {
            let before = life.clone();
            match step {
                Step::Wait(s) => {
                    let to = now.after(Duration::from_secs(s));
                    for (at_s, deadline) in until(&mut life, &mut now, to) {
                        rev += 1;
                        if deadline == Deadline::Lapse {
                            raised = at(at_s);
                            let claim = before.claim().expect("who lapses had claimed");
                            prop_assert_eq!(raised, claim.until);
                            went.last_mut().expect("somebody went").1 = raised;
                        }
                    }
                }
                Step::Restart => {
                    let kept = serde_json::to_vec(&life).expect("a plain struct");
                    life = serde_json::from_slice(&kept).expect("what we write, we read");
                    prop_assert_eq!(&life, &before);
                }
                Step::Repeat(_) if said.is_empty() => {}
                Step::Repeat(which) => {
                    let (command, effect) = &said[which.index(said.len())];
                    if let Some(effect) = effect && said.iter().rev().filter(|(_, rev)| rev.is_some()).take(32).any(|(other, _)| other.id == command.id) {
                        let again = life.obey(now, rev, command, &tell);
                        prop_assert_eq!(again, Ok(Obeyed::Repeated { rev: *effect }));
                        prop_assert_eq!(&life, &before);
                    }
                }
                Step::Say { lost: true, .. } => {}
                Step::Say { verb, who, unit, if_rev, .. } => {
                    let by = actor(&format!("p{who}"), &format!("u{unit}"));
                    let mut command = command(index as u64, verb, by.clone());
                    command.if_rev = if_rev.then_some(rev);
                    let outcome = life.obey(now, rev, &command, &tell);
                    if let Ok(Obeyed::Changed(_)) = &outcome {
                        rev += 1;
                        match (verb, before.claim()) {
                            (Verb::Claim, Some(claim)) => prop_assert_eq!(&claim.by, &by),
                            (Verb::Claim, None) => went.push((now, Wall::from_unix_ms(i64::MAX / 2000))),
                            (Verb::Release, Some(claim)) => {
                                prop_assert_eq!(&claim.by.unit, &by.unit);
                                raised = now;
                                went.last_mut().expect("somebody went").1 = now;
                            }
                            (Verb::Release, None) => prop_assert!(false, "nobody had claimed it"),
                            _ => {}
                        }
                        said.push((command, Some(rev)));
                    } else {
                        prop_assert_eq!(&life, &before, "a command without effect changes nothing");
                        said.push((command, None));
                    }
                }
            }
            if before.state().is_closed() {
                prop_assert_eq!(life.state(), before.state());
                prop_assert_eq!(life.closed(), before.closed());
                prop_assert!(life.dues().is_empty());
            }
            prop_assert_eq!(life.claim().is_some(), life.state() == State::Claimed);
            prop_assert_eq!(life.closed().is_some(), life.state().is_closed());
            prop_assert!(life.dues().values().all(|due| *due > now), "nothing that is due is forgotten");
            prop_assert!(life.claim().is_none_or(|claim| now < claim.until));
            if !life.state().is_closed() && life.claim().is_none() {
                prop_assert!(now < raised.after(expiry(severity)), "it expires");
            }
            let respond_by = life.respond_by();
            if now >= respond_by && severity != Severity::Info {
                let goes = went.iter().any(|(from, to)| *from < respond_by && respond_by <= *to);
                let closed = life.closed().is_some_and(|closed| closed.at < respond_by);
                prop_assert_eq!(life.breached_at(), (!goes && !closed).then_some(respond_by));
            } else {
                prop_assert_eq!(life.breached_at(), None);
            }
        }
    }
}
