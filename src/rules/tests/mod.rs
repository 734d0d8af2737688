//! Scripted worlds, and what the rules say in them.

mod lines;
mod looks;
mod redraw;
mod visitors;
pub(crate) mod world;
mod zones;

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use self::world::*;
use super::*;
use crate::config::{Condition, Direction, Rule};

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
            let mut out = vec![];
            world.rules.end_all(&mut out);
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
