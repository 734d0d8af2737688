//! Scenes in which the plan has to choose how to look.

use proptest::prelude::*;

use super::*;
use crate::{detect::Class, id::TrackId, time::Mono};

const WIDE: Size = Size::new(1920, 1440);

fn moving(regions: &[UnitBox]) -> Motion {
    Motion { regions: regions.to_vec(), ..Motion::default() }
}

/// A box whose foot is at (x, y), `px` high and half as wide in pixels of WIDE.
fn person_box(x: f32, y: f32, px: f32) -> UnitBox {
    let (w, h) = (px / 2.0 / 1920.0, px / 1440.0);
    UnitBox::new(x - w / 2.0, y - h, x + w / 2.0, y)
}

fn person(bbox: UnitBox) -> Detection {
    Detection { class: Class::Person, confidence: 0.7, bbox }
}

fn track(bbox: UnitBox, moved: bool) -> Track {
    Track {
        id: TrackId(1),
        class: Class::Person,
        bbox,
        confidence: Some(0.7),
        confidence_best: 0.7,
        hits: 5,
        looks: 5,
        born: Mono::ZERO,
        seen: Mono::ZERO,
        moved,
    }
}

/// Runs a scene in which people of one size walk: the whole picture finds them from 32 network pixels on, crops
/// always do. Returns the last view.
fn walk(plan: &mut ViewPlan, px: f32, frames: usize) -> View {
    let mut last = View::Full;
    for index in 0..frames {
        let at = person_box(0.2 + 0.002 * index as f32, 0.5, px);
        let motion = moving(&[at]);
        let view = plan.plan(WIDE, &motion, &[]).expect("there is motion");
        let large = px * 416.0 / 1920.0 >= 32.0;
        let cropped = match &view {
            View::Full => false,
            View::Crops(crops) | View::FullAndCrops(crops) => {
                crops.iter().any(|crop| holds(&crop.to_unit(WIDE), &at))
            }
        };
        let seen = (large && !matches!(view, View::Crops(_))) || cropped;
        let found: Vec<_> = seen.then(|| person(at)).into_iter().collect();
        plan.learn(WIDE, &view, &found, &motion);
        last = view;
    }
    last
}

#[test]
fn nothing_moves_and_nobody_is_there_so_nothing_is_called_but_the_heartbeat() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let looks: Vec<u32> = (0..60).filter(|_| plan.plan(WIDE, &moving(&[]), &[]).is_some()).collect();
    assert_eq!(looks, [0, 25, 50]);
}

#[test]
fn what_never_moved_is_left_to_the_heartbeat() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let cone = [track(person_box(0.5, 0.5, 200.0), false)];
    let looks = (0..60).filter(|_| plan.plan(WIDE, &moving(&[]), &cone).is_some()).count();
    assert_eq!(looks, 3);
}

#[test]
fn somebody_who_stands_still_is_looked_at_and_later_less_often() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let standing = [track(person_box(0.5, 0.5, 200.0), true)];
    let looks: Vec<u32> = (1..=45).filter(|_| plan.plan(WIDE, &moving(&[]), &standing).is_some()).collect();
    assert_eq!(looks[..25], (1..=25).collect::<Vec<_>>());
    assert_eq!(looks[25..], [30, 35, 40, 45]);
}

#[test]
fn large_people_are_looked_at_in_the_whole_picture() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    assert_eq!(walk(&mut plan, 300.0, 50), View::Full);
}

#[test]
fn small_people_are_found_out_by_a_probe_and_get_crops_until_they_are_large() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let view = walk(&mut plan, 80.0, 60);
    assert!(matches!(&view, View::Crops(crops) | View::FullAndCrops(crops) if crops.len() == 1), "{view:?}");
    let view = walk(&mut plan, 300.0, 60);
    assert_eq!(view, View::Full, "they came near");
}

#[test]
fn in_crops_mode_the_whole_picture_is_seen_now_and_then() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    walk(&mut plan, 80.0, 60);
    let at = person_box(0.5, 0.5, 80.0);
    let motion = moving(&[at]);
    let whole = (0..100)
        .filter(|_| {
            let view = plan.plan(WIDE, &motion, &[]).expect("motion");
            plan.learn(WIDE, &view, &[person(at)], &motion);
            !matches!(view, View::Crops(_))
        })
        .count();
    assert!((3..=5).contains(&whole), "{whole} of 100");
}

#[test]
fn far_and_near_things_each_get_what_they_need() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let (far, near) = (person_box(0.3, 0.2, 60.0), person_box(0.7, 0.95, 500.0));
    let motion = moving(&[near, far]);
    let both = [person(far), person(near)];
    for _ in 0..10 {
        plan.learn(WIDE, &View::FullAndCrops(vec![]), &both, &motion);
    }
    match plan.plan(WIDE, &motion, &[]) {
        Some(View::FullAndCrops(crops)) => {
            assert_eq!(crops.len(), 1);
            assert!(holds(&crops[0].to_unit(WIDE), &far));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn fruitless_probes_become_rare() {
    let mut plan = ViewPlan::new(ViewPolicy::Auto, 416);
    let leaves = moving(&[person_box(0.5, 0.5, 60.0)]);
    let mut probes = 0;
    for _ in 0..1000 {
        let view = plan.plan(WIDE, &leaves, &[]).expect("motion");
        probes += usize::from(view != View::Full);
        plan.learn(WIDE, &view, &[], &leaves);
    }
    assert!((3..=12).contains(&probes), "{probes} probes");
}

#[test]
fn more_than_four_crops_are_taken_in_turns() {
    let mut plan = ViewPlan::new(ViewPolicy::Crops, 416);
    let regions: Vec<_> = [0.1, 0.3, 0.5, 0.7, 0.9]
        .into_iter()
        .flat_map(|x| [person_box(x, 0.1, 40.0), person_box(x, 0.9, 40.0)])
        .collect();
    let motion = moving(&regions);
    let mut seen = vec![false; regions.len()];
    for _ in 0..3 {
        let Some(View::Crops(crops)) = plan.plan(WIDE, &motion, &[]) else { panic!("crops") };
        assert!(crops.len() <= CROPS_MAX);
        for (seen, region) in seen.iter_mut().zip(&regions) {
            *seen |= crops.iter().any(|crop| holds(&crop.to_unit(WIDE), region));
        }
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn a_picture_that_changes_as_a_whole_is_looked_at_as_a_whole() {
    for policy in [ViewPolicy::Auto, ViewPolicy::Crops] {
        let mut plan = ViewPlan::new(policy, 416);
        assert_eq!(plan.plan(WIDE, &moving(&[UnitBox::FULL]), &[]), Some(View::Full));
    }
}

fn any_box() -> impl Strategy<Value = UnitBox> {
    let edge = || prop_oneof![8 => -0.2f32..1.2, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)];
    (edge(), edge(), edge(), edge()).prop_map(|(l, t, r, b)| UnitBox { l, t, r, b })
}

proptest! {
    /// Whatever moves, crops lie inside of the frame, are not empty and at most four.
    #[test]
    fn crops_lie_inside_of_the_frame(
        w in 1u32..4000,
        h in 1u32..4000,
        regions in prop::collection::vec(any_box(), 0..17),
        small in any::<bool>(),
    ) {
        let frame = Size::new(w, h);
        let policy = if small { ViewPolicy::Crops } else { ViewPolicy::Auto };
        let mut plan = ViewPlan::new(policy, 416);
        let motion = moving(&regions);
        for _ in 0..20 {
            let Some(view) = plan.plan(frame, &motion, &[]) else { continue };
            if let View::Crops(crops) | View::FullAndCrops(crops) = &view {
                prop_assert!((1..=CROPS_MAX).contains(&crops.len()));
                for crop in crops {
                    prop_assert!(crop.w > 0 && crop.h > 0);
                    prop_assert!(crop.x + crop.w <= w && crop.y + crop.h <= h, "{:?}", crop);
                }
            }
            let found: Vec<_> = regions.iter().take(3).map(|region| person(*region)).collect();
            plan.learn(frame, &view, &found, &motion);
        }
    }
}
