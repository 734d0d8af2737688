//! Boxes of one thing, and of several.

use super::*;
use crate::{
    detect::{Class, placement::Fit},
    geometry::{PixelRect, Size},
};

const SAME: SameAbove = SameAbove { person: 0.5, two_wheeler: 0.5, vehicle: 0.5, animal: 0.5 };
const PICTURE: Size = Size::new(1000, 1000);

fn candidate(class: Class, confidence: f32, edges: [f32; 4]) -> Candidate {
    Candidate { class, confidence, edges }
}

fn found(view: usize, cut: bool, confidence: f32, [l, t, r, b]: [f32; 4]) -> Found {
    let bbox = UnitBox { l, t, r, b };
    Found { detection: Detection { class: Class::Person, confidence, bbox }, view, cut }
}

fn merged(mut all: Vec<Found>) -> Vec<f32> {
    let mut out = Vec::new();
    merge(&mut all, &SAME, 100, &mut out);
    out.iter().map(|one| one.confidence).collect()
}

#[test]
fn the_surest_of_a_group_stays_and_other_groups_do_not_mind() {
    let mut all = vec![
        candidate(Class::Car, 0.6, [0.0, 0.0, 10.0, 10.0]),
        candidate(Class::Truck, 0.7, [1.0, 0.0, 11.0, 10.0]),
        candidate(Class::Person, 0.5, [0.0, 0.0, 10.0, 10.0]),
        candidate(Class::Car, 0.4, [6.0, 0.0, 16.0, 10.0]),
    ];
    suppress(&mut all, &SAME);
    let kept: Vec<_> = all.iter().map(|one| (one.class, one.confidence)).collect();
    assert_eq!(kept, [(Class::Truck, 0.7), (Class::Person, 0.5), (Class::Car, 0.4)]);
}

#[test]
fn the_work_is_bounded_and_the_surest_are_kept() {
    let mut all: Vec<_> = (0..10_000)
        .map(|i| {
            let x = 20.0 * i as f32;
            candidate(Class::Dog, (i * 7919 % 10_000) as f32 / 10_000.0, [x, 0.0, x + 10.0, 10.0])
        })
        .collect();
    suppress(&mut all, &SAME);
    assert_eq!(all.len(), CANDIDATES_MAX);
    assert!(all.iter().all(|one| one.confidence >= 0.9487), "{:?}", all.last());
}

#[test]
fn a_box_at_an_inner_edge_of_a_crop_is_cut_and_at_the_pictures_edge_it_is_not() {
    let network = Size::new(100, 100);
    // A crop in the upper left corner of the picture: its right and lower edges are inner ones.
    let part = PixelRect { x: 0, y: 0, w: 500, h: 500 };
    let placed = Placement::new(PICTURE, part, network, Fit::Stretch).expect("fits");
    for (edges, cut) in [
        ([0.0, 0.0, 50.0, 50.0], false),
        ([40.0, 40.0, 60.0, 60.0], false),
        ([80.0, 40.0, 99.0, 60.0], true),
        ([40.0, 80.0, 60.0, 105.0], true),
    ] {
        let one = on_picture(&candidate(Class::Person, 0.9, edges), &placed, 0).expect("inside");
        assert_eq!(one.cut, cut, "{edges:?}");
        assert!(one.detection.bbox.r <= 0.5 && one.detection.bbox.b <= 0.5, "never beyond the crop");
    }
    assert_eq!(on_picture(&candidate(Class::Person, 0.9, [101.0, 0.0, 120.0, 10.0]), &placed, 0), None);
}

#[test]
fn views_of_one_frame_are_merged() {
    let whole = [0.40, 0.40, 0.50, 0.60];
    let nearly = [0.41, 0.40, 0.50, 0.61];
    let part = [0.40, 0.52, 0.50, 0.60];
    let child = [0.40, 0.52, 0.46, 0.60];
    let beside = [0.55, 0.40, 0.65, 0.60];
    for (what, all, kept) in [
        (
            "one thing in two views",
            vec![found(0, false, 0.6, whole), found(1, false, 0.8, nearly)],
            vec![0.8],
        ),
        ("a surer part of it", vec![found(0, true, 0.9, part), found(1, false, 0.5, whole)], vec![0.5]),
        (
            "a part that nobody has whole",
            vec![found(0, true, 0.9, part), found(1, false, 0.5, beside)],
            vec![0.9, 0.5],
        ),
        ("two parts of it", vec![found(0, true, 0.9, part), found(1, true, 0.4, whole)], vec![0.4]),
        ("two in one view", vec![found(0, false, 0.9, whole), found(0, false, 0.5, nearly)], vec![0.9, 0.5]),
        (
            "a child before it, not cut",
            vec![found(0, false, 0.9, child), found(1, false, 0.5, whole)],
            vec![0.9, 0.5],
        ),
    ] {
        assert_eq!(merged(all), kept, "{what}");
    }
}

#[test]
fn no_more_than_asked_for_and_after_what_is_there() {
    let mut all: Vec<_> = (0..10)
        .map(|i| found(0, false, 0.5 + 0.01 * i as f32, [0.1 * i as f32, 0.0, 0.1 * i as f32 + 0.05, 0.1]))
        .collect();
    let mut out = vec![found(0, false, 0.1, [0.0, 0.0, 0.1, 0.1]).detection];
    merge(&mut all, &SAME, 3, &mut out);
    let confidences: Vec<_> = out.iter().map(|one| one.confidence).collect();
    assert_eq!(confidences, [0.1, 0.59, 0.58, 0.57]);
}
