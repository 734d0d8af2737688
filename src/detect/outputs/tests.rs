//! Any floats and shapes are candidates or a refusal.

use proptest::prelude::*;

use super::*;
use crate::detect::{
    Fit,
    description::{Classes, Colour, Element, Input, Layout, SameAbove},
};

fn description(output: Output) -> Description {
    let kept = [(0, Class::Person), (2, Class::Car), (3, Class::Truck)].map(|(index, class)| Kept {
        index,
        class,
        threshold: 0.5,
        reported_from: 0.25,
    });
    Description {
        name: String::new(),
        file: String::new(),
        sha256: String::new(),
        licence: String::new(),
        source: String::new(),
        input: Input {
            name: "image".to_owned(),
            size: Size::new(48, 32),
            layout: Layout::Nchw,
            element: Element::F32,
            colour: Colour::Rgb,
            fit: Fit::LetterboxCentred,
            pad: 114,
            multiply: [1.0; 3],
            add: [0.0; 3],
            target_size: None,
        },
        output,
        classes: Classes { count: 4, kept: kept.to_vec() },
        same_above: SameAbove { person: 0.5, two_wheeler: 0.5, vehicle: 0.5, animal: 0.5 },
        detections_max: 100,
    }
}

fn families() -> Vec<Output> {
    let name = str::to_owned;
    let strides = vec![8, 16, 32];
    vec![
        Output::Nanodet {
            boxes: name("a"),
            scores: name("b"),
            form: BoxForm::EdgesPixels,
            activation: Activation::None,
        },
        Output::NanodetRaw {
            tensor: name("a"),
            strides: strides.clone(),
            reg_max: 7,
            cell_offset: 0.5,
            activation: Activation::Sigmoid,
        },
        Output::Yolox { tensor: name("a"), strides, activation: Activation::None },
        Output::Yolov5 { tensor: name("a") },
        Output::Yolov8 { tensor: name("a") },
        Output::Detr {
            boxes: name("a"),
            logits: name("b"),
            form: BoxForm::CentreUnit,
            activation: Activation::Softmax,
        },
        Output::DetrLabels {
            labels: name("c"),
            boxes: name("a"),
            scores: name("b"),
            form: BoxForm::EdgesUnit,
        },
    ]
}

fn decoded(output: Output, tensors: &[Tensor<'_>]) -> Result<Vec<Candidate>, BadOutput> {
    let mut found = Vec::new();
    decode(&description(output), tensors, &mut found).map(|()| found)
}

fn yolov5() -> Output {
    Output::Yolov5 { tensor: "a".to_owned() }
}

#[test]
fn one_place_gives_the_surest_class_of_each_group() {
    let row = [10.0, 10.0, 4.0, 6.0, 1.0, 0.6, 0.99, 0.5, 0.7];
    let tensor = Tensor { name: "a", shape: &[1, 1, 9], values: Values::F32(&row) };
    let edges = [8.0, 7.0, 12.0, 13.0];
    let wanted = [
        Candidate { class: Class::Person, confidence: 0.6, edges },
        Candidate { class: Class::Truck, confidence: 0.7, edges },
    ];
    assert_eq!(decoded(yolov5(), &[tensor]), Ok(wanted.to_vec()));
}

#[test]
fn doubtful_ones_are_reported_and_noise_is_not() {
    for (score, reported) in [(0.51, true), (0.26, true), (0.24, false), (-3.0, false)] {
        let row = [10.0, 10.0, 4.0, 6.0, 1.0, score, 0.0, 0.0, 0.0];
        let tensor = Tensor { name: "a", shape: &[1, 1, 9], values: Values::F32(&row) };
        assert_eq!(
            decoded(yolov5(), &[tensor]).map(|found| found.len()),
            Ok(usize::from(reported)),
            "{score}"
        );
    }
}

#[test]
fn what_is_no_number_is_refused_wherever_it_stands() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for at in [0, 4, 8] {
            let mut row = [10.0, 10.0, 4.0, 6.0, 1.0, 0.6, 0.9, 0.5, 0.7];
            row[at] = bad;
            let tensor = Tensor { name: "a", shape: &[1, 1, 9], values: Values::F32(&row) };
            assert_eq!(decoded(yolov5(), &[tensor]), Err(BadOutput::NotFinite { name: "a".to_owned() }));
        }
    }
    // Finite numbers of which no finite box can be made.
    let mut rows = vec![0.0f32; 32 * 9];
    rows[2..6].copy_from_slice(&[1000.0, 0.0, 1.0, 0.9]);
    let tensor = Tensor { name: "a", shape: &[1, 32, 9], values: Values::F32(&rows) };
    let yolox = families().swap_remove(2);
    assert_eq!(decoded(yolox, &[tensor]), Err(BadOutput::NotFinite { name: "a".to_owned() }));
}

fn any_float() -> impl Strategy<Value = f32> {
    prop_oneof![6 => -2.0f32..2.0, 1 => any::<f32>(), 1 => -1e3f32..1e3]
}

/// A shape that fits the number of values more often than not.
fn any_shape() -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        4 => (0i64..40, prop::sample::select(vec![4i64, 8, 9, 36])).prop_map(|(m, c)| vec![1, m, c]),
        2 => (0i64..400).prop_map(|m| vec![1, 8, m]),
        2 => (0i64..40).prop_map(|m| vec![1, m]),
        2 => prop::collection::vec(prop_oneof![-2i64..70, any::<i64>()], 0..5),
    ]
}

proptest! {
    /// Any shapes and any floats give candidates that are boxes, or an error; never a panic.
    #[test]
    fn decoding_is_total(
        shapes in prop::collection::vec(any_shape(), 3),
        floats in prop::collection::vec(any_float(), 36 * 40),
        exact in any::<bool>(),
    ) {
        let labels: Vec<i64> = floats.iter().map(|v| (*v * 3.0) as i64).collect();
        let len = |shape: &[i64]| {
            let product = shape.iter().try_fold(1usize, |all, d| all.checked_mul(usize::try_from(*d).ok()?));
            if exact { product.unwrap_or(7).min(floats.len()) } else { floats.len() }
        };
        let tensors = [
            Tensor { name: "a", shape: &shapes[0], values: Values::F32(&floats[..len(&shapes[0])]) },
            Tensor { name: "b", shape: &shapes[1], values: Values::F32(&floats[..len(&shapes[1])]) },
            Tensor { name: "c", shape: &shapes[2], values: Values::I64(&labels[..len(&shapes[2])]) },
        ];
        for family in families() {
            for candidate in decoded(family, &tensors).unwrap_or_default() {
                let [l, t, r, b] = candidate.edges;
                prop_assert!(candidate.edges.iter().all(|edge| edge.is_finite()));
                prop_assert!(l < r && t < b);
                prop_assert!(candidate.confidence > 0.0 && candidate.confidence <= 1.0);
            }
        }
    }

    /// Right shapes, any floats: as above, and the places of all families are read.
    #[test]
    fn decoding_right_shapes_is_total(floats in prop::collection::vec(any_float(), 32 * 36)) {
        let labels: Vec<i32> = floats.iter().map(|v| (*v * 3.0) as i32).collect();
        for (family, shapes) in families().into_iter().zip([
            [vec![1, 32, 4], vec![1, 32, 4]],
            [vec![1, 32, 36], vec![1, 1]],
            [vec![1, 32, 9], vec![1, 1]],
            [vec![1, 32, 9], vec![1, 1]],
            [vec![1, 8, 32], vec![1, 1]],
            [vec![1, 32, 4], vec![1, 32, 4]],
            [vec![1, 32, 4], vec![1, 32]],
        ]) {
            let product = |shape: &[i64]| shape.iter().product::<i64>() as usize;
            let tensors = [
                Tensor { name: "a", shape: &shapes[0], values: Values::F32(&floats[..product(&shapes[0])]) },
                Tensor { name: "b", shape: &shapes[1], values: Values::F32(&floats[..product(&shapes[1])]) },
                Tensor { name: "c", shape: &[1, 32], values: Values::I32(&labels[..32]) },
            ];
            match decoded(family, &tensors) {
                Ok(found) => {
                    prop_assert!(found.iter().all(|one| one.edges.iter().all(|edge| edge.is_finite())));
                }
                Err(err) => prop_assert!(matches!(err, BadOutput::NotFinite { .. }), "{}", err),
            }
        }
    }
}
