//! A wide view: vtest in the middle of a picture of 1920x1440, where people are some 80 pixels tall (17 of the network's).

use std::path::Path;

use cunkou::{
    config::{Provider, ViewPolicy},
    decode::{Chroma, Picture, Range},
    detect::{Class, Detection, Detector, Model, View, ViewPlan},
    geometry::{PixelBox, Size, UnitBox},
    motion::Motion,
};

use super::{footage, nanodet, runtime};

const WIDE: Size = Size::new(1920, 1440);
/// Where vtest lies in it; even, for chroma.
const AT: (usize, usize) = (600, 400);

/// A grey picture with `small` in it.
fn widened(small: &Picture) -> Picture {
    let planes = (0..3)
        .map(|index| {
            let from = small.plane(index);
            let half = if index == 0 { 1 } else { 2 };
            let (w, h) = (WIDE.w as usize / half, WIDE.h as usize / half);
            let (x, y) = (AT.0 / half, AT.1 / half);
            let mut data = vec![if index == 0 { 110 } else { 128 }; w * h];
            for row in 0..from.rows {
                let source = &from.data[row * from.stride..][..from.width];
                data[(y + row) * w + x..][..from.width].copy_from_slice(source);
            }
            (data, w)
        })
        .collect();
    Picture::from_planes(WIDE, Chroma::Planar420, Range::Limited, planes).expect("made to measure")
}

/// People of vtest on the wide picture.
fn people(frame: &[nanodet::Expected]) -> Vec<UnitBox> {
    let (x, y) = (AT.0 as f32, AT.1 as f32);
    let people = frame.iter().filter(|one| one.0 == "person");
    people
        .map(|one| PixelBox { l: one.2 + x, t: one.3 + y, r: one.4 + x, b: one.5 + y }.to_unit(WIDE))
        .collect()
}

fn found(detections: &[Detection], person: &UnitBox) -> bool {
    detections.iter().any(|one| one.class == Class::Person && one.bbox.iou(person) > 0.5)
}

/// The planner's own loop: what is missed by the whole picture gets a crop, and the plan learns from it.
#[test]
fn in_a_wide_view_the_plan_learns_that_crops_find_more() {
    let (Some(runtime), Some(frames)) = (runtime(), footage::vtest(10)) else { return };
    let model = Model::load(Path::new("models"), &"nanodet-g-416-int8".parse().expect("an id"))
        .expect("the shipped model loads");
    let mut detector = Detector::open(&runtime, &model, Provider::Cpu).expect("it opens");
    let mut plan = ViewPlan::new(ViewPolicy::Auto, model.input_side_px());
    let expected = nanodet::expected();
    let (mut whole_found, mut plan_found, mut all, mut calls, mut looks) = (0, 0, 0, 0, 0);
    for (index, ((_, picture), (_, frame))) in frames.zip(&expected).take(40).enumerate() {
        let (picture, people) = (widened(&picture), people(frame));
        let motion = Motion { regions: people.clone(), ..Motion::default() };
        let view = plan.plan(WIDE, &motion, &[]).expect("people move");
        let mut detections = Vec::new();
        detector.detect(&picture, &view, &[], &mut detections).expect("it detects");
        plan.learn(WIDE, &view, &detections, &motion);
        if index < 15 {
            continue;
        }
        looks += 1;
        calls += match &view {
            View::Full => 1,
            View::Crops(crops) => crops.len(),
            View::FullAndCrops(crops) => 1 + crops.len(),
        };
        let sure = |all: &mut Vec<Detection>| {
            all.retain(|one| Some(one.confidence) >= model.threshold(one.class));
        };
        sure(&mut detections);
        all += people.len();
        plan_found += people.iter().filter(|person| found(&detections, person)).count();
        detections.clear();
        detector.detect(&picture, &View::Full, &[], &mut detections).expect("it detects");
        sure(&mut detections);
        whole_found += people.iter().filter(|person| found(&detections, person)).count();
    }
    let share = |count: usize| count as f32 / all as f32;
    let calls = calls as f32 / looks as f32;
    eprintln!(
        "of {all} people, the whole picture finds {}, the plan {}, in {calls} calls a look",
        share(whole_found),
        share(plan_found)
    );
    assert!(share(whole_found) < 0.5, "the whole picture finds {}", share(whole_found));
    assert!(share(plan_found) > 0.8, "the plan finds {}", share(plan_found));
    assert!(calls <= 5.0, "{calls} calls a look");
}
