//! Any floats of any shape are candidates, or a refusal: for each family that ships with the tests.
#![no_main]

use cunkou::detect::{
    Description,
    outputs::{Tensor, Values, decode},
};
use libfuzzer_sys::fuzz_target;

const DESCRIPTIONS: [&str; 8] = [
    include_str!("../../tests/models/nanodet.toml"),
    include_str!("../../tests/models/nanodet-raw.toml"),
    include_str!("../../tests/models/yolox.toml"),
    include_str!("../../tests/models/yolov5.toml"),
    include_str!("../../tests/models/yolov8.toml"),
    include_str!("../../tests/models/detr.toml"),
    include_str!("../../tests/models/detr-labels.toml"),
    include_str!("../../tests/models/detr-softmax.toml"),
];

fuzz_target!(|data: &[u8]| {
    let [family, rows, columns, rest @ ..] = data else { return };
    let text = DESCRIPTIONS[usize::from(*family) % DESCRIPTIONS.len()];
    let description = Description::read(text).expect("the descriptions of the tests are valid");
    let floats: Vec<f32> =
        rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let labels: Vec<i64> = floats.iter().map(|value| *value as i64).collect();
    let shape = [1, i64::from(*rows), i64::from(*columns)];
    let names = description.output.tensors();
    for integers in [false, true] {
        let values = |index: usize| match (integers, index) {
            (true, 0) => Values::I64(&labels),
            _ => Values::F32(&floats),
        };
        let tensors: Vec<Tensor<'_>> = names
            .iter()
            .enumerate()
            .map(|(index, name)| Tensor { name, shape: &shape, values: values(index) })
            .collect();
        let mut found = Vec::new();
        if decode(&description, &tensors, &mut found).is_ok() {
            for candidate in found {
                let [l, t, r, b] = candidate.edges;
                assert!(candidate.edges.iter().all(|edge| edge.is_finite()) && l < r && t < b);
                assert!(candidate.confidence > 0.0 && candidate.confidence <= 1.0);
            }
        }
    }
});
