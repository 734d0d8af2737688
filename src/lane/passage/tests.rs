//! Scripted visits, and what is kept of them.

use std::time::Duration;

use super::*;
use crate::{
    config::{Condition, Rule},
    rules::{
        Rules,
        tests::world::{Feet, INSIDE, OUTSIDE, World, camera, crosses, enters_zone, in_view, rule},
    },
};

/// The rules' scripted world, and the passages that come of it.
pub(crate) struct Stage {
    pub(crate) world: World,
    passages: Passages,
    pub(crate) passed: Vec<Passage>,
}

impl Stage {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        let camera = camera(rules);
        let mut world = World::new(in_view());
        world.rules = Rules::new(Arc::clone(&camera), Mint::seeded(1));
        let passages = Passages::new(&camera, SureFrom::default(), Mint::seeded(2));
        Self { world, passages, passed: Vec::new() }
    }

    fn told(&mut self, act: impl FnOnce(&mut World)) {
        let (now, before) = (self.world.now(), self.world.said.len());
        act(&mut self.world);
        let verdicts: Vec<Verdict> = self.world.said[before..].iter().map(|(_, it)| it.clone()).collect();
        let successions: Vec<_> = self.world.rules.successions().collect();
        let judgement =
            Judgement { now, tracks: &self.world.tracks, successions: &successions, verdicts: &verdicts };
        self.passages.judged(judgement, &mut self.passed);
    }

    pub(crate) fn look(&mut self, feet: Feet<'_>) {
        self.told(|world| world.look(feet));
    }

    pub(crate) fn looks(&mut self, seconds: f32, feet: Feet<'_>) {
        for _ in 0..(seconds * 1000.0) as u64 / self.world.every_ms {
            self.look(feet);
        }
    }

    pub(crate) fn walk(&mut self, seconds: f32, id: u64, from: (f32, f32), to: (f32, f32)) {
        let steps = ((seconds * 1000.0) as u64 / self.world.every_ms).max(1);
        for step in 1..=steps {
            let share = step as f32 / steps as f32;
            self.look(&[(id, from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)]);
        }
    }

    pub(crate) fn end(&mut self, id: u64) {
        self.told(|world| world.end(id));
    }

    pub(crate) fn skip(&mut self) {
        self.told(World::skip);
    }

    pub(crate) fn lose_sight(&mut self) {
        let mut out = vec![];
        self.world.rules.end_all(&mut out);
        self.world.tracks.clear();
        self.passages.lose_sight(&mut self.passed);
    }

    /// When passages began and ended, in ms of the script.
    fn times(&self) -> Vec<(i64, i64)> {
        let ms = |at: Wall| at.unix_ms() - self.world.start;
        self.passed.iter().map(|passage| (ms(passage.from), ms(passage.to))).collect()
    }
}

#[test]
fn one_visit_is_one_passage_with_its_facts() {
    let mut stage = Stage::new(vec![enters_zone(), crosses(None)]);
    stage.looks(1.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    stage.walk(2.0, 1, OUTSIDE, INSIDE);
    stage.looks(0.4, &[]);
    stage.end(1);
    assert!(stage.passed.is_empty(), "somebody may turn out to go on for it");
    stage.looks(4.0, &[]);
    assert_eq!(stage.times(), [(0, 2800)]);
    let passage = &stage.passed[0];
    assert_eq!(passage.zones, ["yard".parse().expect("an id")]);
    assert_eq!(passage.lines, ["gate".parse().expect("an id")]);
    assert_eq!((passage.direction, passage.class), (Some(Direction::In), Class::Person));
    assert_eq!(passage.id.began_at(), passage.from);
    let raised = stage.world.changes(Change::Raised);
    assert_eq!(passage.alerts, raised.iter().map(|verdict| verdict.alert.id).collect::<Vec<_>>());
    let mut kinds = passage.kinds.clone();
    kinds.sort_by_key(|kind| kind.as_str());
    assert_eq!(kinds, [Kind::LineCross, Kind::ZoneEnter]);
    assert_eq!((passage.part, passage.path.len()), (Part::Whole, 1));
    let leg = &passage.path[0];
    assert_eq!(leg.end, End::Gone(Wall::from_unix_ms(stage.world.start + 3400)));
    assert_eq!(leg.looks.iter().map(|look| look.seen.is_some()).collect::<Vec<_>>(), {
        let mut seen = vec![true; 15];
        seen.extend([false; 2]);
        seen
    });
}

#[test]
fn what_never_moved_or_was_hardly_seen_is_no_passage() {
    let quiet = || Stage::new(vec![rule(Condition::ZoneLeave { zone: "yard".parse().expect("an id") })]);
    // Whether it moved, in how many looks it is seen: whether it passed.
    for (moved, looks, passes) in [(true, 2, false), (true, 3, true), (false, 50, false)] {
        let mut stage = quiet();
        for _ in 0..looks {
            stage.told(|world| {
                for track in &mut world.tracks {
                    track.moved = moved;
                }
                world.look(&[(1, 0.3, 0.6)]);
                for track in &mut world.tracks {
                    track.moved = moved;
                }
            });
        }
        stage.end(1);
        stage.looks(4.0, &[]);
        assert_eq!(stage.passed.len(), usize::from(passes), "moved {moved}, {looks} looks");
    }
}

#[test]
fn what_stood_there_counts_from_shortly_before_it_moves() {
    let mut stage = Stage::new(vec![in_view()]);
    for step in 0..3000 {
        stage.told(|world| {
            world.look(&[(1, 0.3, 0.6)]);
            world.tracks[0].moved = false;
        });
        let kept = stage.passages.open[0].legs[0].looks.len();
        assert!(kept <= 52, "{kept} looks at {step}");
    }
    stage.world.tracks[0].moved = true;
    stage.walk(2.0, 1, (0.3, 0.6), (0.6, 0.6));
    stage.end(1);
    stage.looks(4.0, &[]);
    assert_eq!(stage.times(), [(590_000, 601_800)]);
}

#[test]
fn who_goes_on_under_another_number_is_one_passage() {
    for (off, passages) in [(0.02, 1), (0.5, 2)] {
        let mut stage = Stage::new(vec![in_view()]);
        stage.looks(3.0, &[(1, 0.3, 0.6)]);
        stage.looks(0.4, &[]);
        stage.looks(1.0, &[(2, 0.3 + off, 0.6)]);
        stage.end(1);
        stage.looks(2.0, &[(2, 0.3 + off, 0.6)]);
        stage.end(2);
        stage.looks(4.0, &[]);
        assert_eq!(stage.passed.len(), passages, "{off} away");
        let tracks: Vec<u64> = stage.passed.iter().flat_map(|it| &it.path).map(|leg| leg.track.0).collect();
        assert_eq!(tracks, [1, 2]);
        if passages == 1 {
            assert_eq!(stage.passed[0].alerts.len(), 1);
            assert_eq!(stage.times()[0].0, 0);
        }
    }
}

#[test]
fn who_joins_an_alert_has_it() {
    let mut stage = Stage::new(vec![Rule { cooldown: Duration::from_secs(60), ..in_view() }]);
    stage.looks(2.0, &[(1, 0.3, 0.6)]);
    stage.looks(2.0, &[(1, 0.3, 0.6), (2, 0.7, 0.6)]);
    stage.lose_sight();
    let alerts: Vec<_> = stage.passed.iter().map(|passage| passage.alerts.clone()).collect();
    assert_eq!(alerts.len(), 2);
    assert_eq!((alerts[0].len(), &alerts[0]), (1, &alerts[1]));
    assert!(stage.passed.iter().all(|it| matches!(it.path[0].end, End::SightLost(_))));
}

#[test]
fn who_stays_is_told_of_in_pieces_and_what_stands_there_is_no_clip() {
    let mut stage = Stage::new(vec![enters_zone()]);
    stage.looks(1.0, &[(1, OUTSIDE.0, OUTSIDE.1)]);
    stage.walk(2.0, 1, OUTSIDE, INSIDE);
    stage.looks(1900.0, &[(1, INSIDE.0, INSIDE.1)]);
    stage.walk(2.0, 1, INSIDE, OUTSIDE);
    stage.end(1);
    stage.looks(4.0, &[]);
    let parts: Vec<Part> = stage.passed.iter().map(|it| it.part).collect();
    assert_eq!(parts, [Part::First, Part::Idle, Part::Idle, Part::Further]);
    let alerts: Vec<usize> = stage.passed.iter().map(|it| it.alerts.len()).collect();
    assert_eq!(alerts, [1, 0, 0, 0], "told once");
    assert!(stage.passed[..3].iter().all(|it| it.path[0].end == End::Open));
    for (i, piece) in stage.passed.iter().enumerate() {
        assert_eq!(piece.zones.len(), 1, "it was in the yard in each piece");
        let lines = if i == 0 || i == 3 { 1 } else { 0 };
        assert_eq!(piece.lines.len(), lines, "piece {i}");
    }
    assert_eq!(stage.passed[3].direction, Some(Direction::Out));
    let looks: usize = stage.passed.iter().map(|it| it.path[0].looks.len()).sum();
    assert_eq!(looks, 5 + 10 + 9500 + 10, "each look once");
}

#[test]
fn a_frame_that_nobody_looked_at_is_no_look_and_a_clock_set_back_does_not_turn_time_around() {
    let mut stage = Stage::new(vec![in_view()]);
    stage.looks(1.0, &[(1, 0.3, 0.6)]);
    for _ in 0..20 {
        stage.skip();
    }
    stage.world.start -= 3_600_000;
    stage.looks(1.0, &[(1, 0.4, 0.6)]);
    stage.lose_sight();
    let looks = &stage.passed[0].path[0].looks;
    assert_eq!(looks.len(), 10);
    assert!(looks.is_sorted_by_key(|look| look.at), "{looks:?}");
    assert!(stage.passed[0].from <= stage.passed[0].to);
}
