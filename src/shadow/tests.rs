//! The same rules over the log of a run raise what was raised; others raise what they ask for.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    alert::Change,
    config::{Condition, Level, Rule},
    lane::passage::{Passage, tests::Stage},
    record::seen::{InForce, Records, frame},
    rules::tests::world::{INSIDE, OUTSIDE, camera, crosses, enters_zone, in_view, rule},
};

/// What a run of the script has in its log, read back from its bytes.
fn logged(stage: &mut Stage, rules: &[Rule]) -> Vec<Record> {
    let camera = camera(rules.to_vec());
    let clip = |passage: Passage| {
        let place = crate::config::EntryPoint {
            village: "v".parse().expect("an id"),
            level: Level::Point,
            near: Default::default(),
            name: camera.name.clone(),
        };
        Record::Passed(Box::new(passage.at(&camera, &place)))
    };
    let mut records = vec![Record::InForce(InForce::of(&camera, Wall::default(), "model", "00"))];
    records
        .extend(stage.world.changes(Change::Raised).iter().map(|it| Record::Raised(Raised::of(&it.alert))));
    records.extend(stage.passed.drain(..).map(clip));
    let bytes: Vec<u8> = records.iter().flat_map(|record| frame(record).expect("short")).collect();
    Records::new(bytes).map(|record| record.expect("whole")).collect()
}

fn outcomes(tried: &[Tried]) -> Tally {
    let mut tally = Tally::default();
    for one in tried {
        tally += one.outcome;
    }
    tally
}

fn all_rules(cooldown: Duration) -> Vec<Rule> {
    let yard = || "yard".parse().expect("an id");
    let conditions = [
        in_view().when,
        enters_zone().when,
        Condition::ZoneLeave { zone: yard() },
        Condition::Dwell { zone: Some(yard()), at_least: Duration::from_secs(3) },
        crosses(None).when,
    ];
    let numbered = conditions.into_iter().enumerate();
    numbered
        .map(|(i, when)| Rule { id: format!("rule-{i}").parse().expect("an id"), cooldown, ..rule(when) })
        .collect()
}

/// Where somebody goes: from, to, seconds, seconds hidden after it.
type Step = ((f32, f32), (f32, f32), u8, u8);

fn play(rules: &[Rule], visits: &[Vec<Step>]) -> Stage {
    let mut stage = Stage::new(rules.to_vec());
    for (n, visit) in visits.iter().enumerate() {
        let id = n as u64 + 1;
        for (from, to, seconds, hidden) in visit {
            stage.walk(f32::from(*seconds), id, *from, *to);
            stage.looks(f32::from(*hidden) * 0.4, &[]);
            if *hidden == 3 {
                for _ in 0..10 {
                    stage.skip();
                }
            }
        }
        stage.end(id);
        stage.looks(visit.len() as f32, &[]);
    }
    stage.looks(20.0, &[]);
    stage.lose_sight();
    stage
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_same_rules_raise_the_same_alerts(
        visits in prop::collection::vec(prop::collection::vec(
            ((0.05f32..0.95, 0.3f32..0.95), (0.05f32..0.95, 0.3f32..0.95), 1..6u8, 0..4u8), 1..4), 1..6),
        cooldown_s in 0..2u64,
    ) {
        let rules = all_rules(Duration::from_secs(cooldown_s * 10));
        let mut stage = play(&rules, &visits);
        let records = logged(&mut stage, &rules);
        let tried = replay(&camera(rules), records, Wall::default());
        let raised = stage.world.changes(Change::Raised).len() as u64;
        let tally = outcomes(&tried);
        prop_assert_eq!(tally, Tally { both: raised, only_then: 0, only_now: 0 }, "{:?}", tried);
    }
}

#[test]
fn other_rules_raise_what_they_ask_for() {
    let mut stage = Stage::new(vec![enters_zone()]);
    stage.looks(1.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    stage.walk(2.0, 1, OUTSIDE, INSIDE);
    stage.looks(8.0, &[(1, INSIDE.0, INSIDE.1)]);
    stage.end(1);
    stage.looks(5.0, &[]);
    stage.walk(4.0, 2, (0.1, 0.6), (0.4, 0.6));
    stage.end(2);
    stage.looks(5.0, &[]);
    let records = logged(&mut stage, &[enters_zone()]);
    let yard = || "yard".parse().expect("an id");
    let table = [
        (enters_zone(), Tally { both: 1, only_then: 0, only_now: 0 }),
        (in_view(), Tally { both: 1, only_then: 0, only_now: 1 }),
        (Rule { height_min: 0.5, ..enters_zone() }, Tally { both: 0, only_then: 1, only_now: 0 }),
        (Rule { confidence_min: 0.9, ..enters_zone() }, Tally { both: 0, only_then: 1, only_now: 0 }),
        (
            Rule { id: "new".parse().expect("an id"), ..crosses(None) },
            Tally { both: 0, only_then: 1, only_now: 1 },
        ),
        (
            Rule {
                id: "stays".parse().expect("an id"),
                ..rule(Condition::Dwell { zone: Some(yard()), at_least: Duration::from_secs(5) })
            },
            Tally { both: 0, only_then: 1, only_now: 1 },
        ),
    ];
    for (rule, expected) in table {
        let tried = replay(&camera(vec![rule.clone()]), records.clone(), Wall::default());
        assert_eq!(outcomes(&tried), expected, "{rule:?}");
    }
}

#[test]
fn tracks_of_another_run_are_others() {
    let rules = [in_view()];
    let run = |at: i64| {
        let mut stage = Stage::new(rules.to_vec());
        stage.world.start += at;
        stage.looks(4.0, &[(1, 0.3, 0.6)]);
        stage.lose_sight();
        let mut records = logged(&mut stage, &rules);
        if let Record::InForce(in_force) = &mut records[0] {
            in_force.run = Wall::from_unix_ms(at);
        }
        records
    };
    let records = [run(0), run(3000)].concat();
    let tried = replay(&camera(rules.to_vec()), records.clone(), Wall::default());
    assert_eq!(outcomes(&tried), Tally { both: 2, only_then: 0, only_now: 0 });
    let later = tried[1].at;
    assert!(tried[0].at < later);
    assert_eq!(replay(&camera(rules.to_vec()), records, later).len(), 1, "what came before is not told");
}
