//! The shipped model on real footage.

use std::{fs, path::Path};

use cunkou::{
    config::Provider,
    detect::{Class, Detection, Detector, Model, View},
    geometry::Size,
};

use super::{footage, runtime};

const VTEST: Size = Size::new(768, 576);

/// `[class, confidence, left, top, right, bottom]`, in pixels.
type Expected = (String, f32, f32, f32, f32, f32);

fn expected() -> Vec<(usize, Vec<Expected>)> {
    let text = fs::read_to_string("tests/models/vtest.json").expect("committed beside");
    serde_json::from_str(&text).expect("made by expect_vtest.py")
}

fn iou(one: &Detection, other: &Expected) -> f32 {
    let bbox = cunkou::geometry::PixelBox { l: other.2, t: other.3, r: other.4, b: other.5 };
    one.bbox.iou(&bbox.to_unit(VTEST))
}

#[test]
fn nanodet_finds_on_vtest_what_python_finds() {
    let (Some(runtime), Some(frames)) = (runtime(), footage::vtest(10)) else { return };
    let model = Model::load(Path::new("models"), &"nanodet-g-416-int8".parse().expect("an id"))
        .expect("the shipped model loads");
    let mut detector = Detector::open(&runtime, &model, Provider::Cpu).expect("it opens");
    let expected = expected();
    let (mut matched, mut wanted, mut made) = (0, 0, 0);
    let (mut off_px, mut off_score) = (Vec::new(), Vec::new());
    let mut out = Vec::new();
    for ((number, picture), (expected_number, expected)) in frames.zip(&expected) {
        assert_eq!(number, *expected_number);
        out.clear();
        detector.detect(&picture, &View::Full, &[], &mut out).expect("it detects");
        out.retain(|one| Some(one.confidence) >= model.threshold(one.class));
        wanted += expected.iter().filter(|one| one.0 == "person").count();
        made += out.iter().filter(|one| one.class == Class::Person).count();
        for one in expected.iter().filter(|one| one.0 == "person") {
            let best = out
                .iter()
                .filter(|d| d.class.as_str() == one.0)
                .max_by(|a, b| iou(a, one).total_cmp(&iou(b, one)));
            let Some(best) = best.filter(|best| iou(best, one) > 0.5) else { continue };
            matched += 1;
            let bbox = best.bbox.to_pixels(VTEST);
            let off = [bbox.l - one.2, bbox.t - one.3, bbox.r - one.4, bbox.b - one.5];
            off_px.push(off.into_iter().map(f32::abs).fold(0.0, f32::max));
            off_score.push((best.confidence - one.1).abs());
        }
    }
    let share = |of: &[f32], limit: f32| of.iter().filter(|v| **v <= limit).count() as f32 / of.len() as f32;
    let (recall, precision) = (matched as f32 / wanted as f32, matched as f32 / made as f32);
    let (near_px, near_score) = (share(&off_px, 2.0), share(&off_score, 0.05));
    eprintln!(
        "recall {recall}, precision {precision}, within 2 px {near_px}, within 0.05 {near_score}, {wanted} people"
    );
    assert!(wanted > 400, "{wanted} people");
    assert!(recall >= 0.97 && precision >= 0.97, "recall {recall}, precision {precision}");
    // The rest are people of whom two neighbouring places are equally sure, so that a rounding decides which box stays.
    assert!(near_px >= 0.90, "within 2 px: {near_px}");
    assert!(near_score >= 0.95, "within 0.05: {near_score}");
}
