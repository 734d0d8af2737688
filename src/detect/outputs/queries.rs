//! Rows that carry a whole box: DETR queries, and places that were decoded in the graph.

use super::{BadOutput, Indices, Matrix, Sink, activate, edges};
use crate::{
    detect::description::{Activation, BoxForm},
    geometry::Size,
};

/// A box and the scores of all classes a row.
pub(super) fn scored(
    boxes: &Matrix<'_>,
    scores: &Matrix<'_>,
    form: BoxForm,
    activation: Activation,
    network: Size,
    sink: &mut Sink<'_>,
) -> Result<(), BadOutput> {
    boxes.expect_rows(scores.rows)?;
    for (bbox, row) in boxes.iter().zip(scores.iter()) {
        let edges = || edges(bbox, form, network);
        match activation {
            Activation::None => sink.place(boxes.name, |class| row[class], edges)?,
            Activation::Sigmoid => {
                sink.place(boxes.name, |class| activate(Activation::Sigmoid, row[class]), edges)?;
            }
            Activation::Softmax => {
                let top = row.iter().copied().fold(f32::MIN, f32::max);
                let all: f32 = row.iter().map(|logit| (logit - top).exp()).sum();
                sink.place(boxes.name, |class| (row[class] - top).exp() / all, edges)?;
            }
        }
    }
    Ok(())
}

/// A class index, a box and a score a row.
pub(super) fn labelled(
    labels: &Indices<'_>,
    boxes: &Matrix<'_>,
    scores: &Matrix<'_>,
    form: BoxForm,
    network: Size,
    sink: &mut Sink<'_>,
) -> Result<(), BadOutput> {
    boxes.expect_rows(labels.len())?;
    scores.expect_rows(labels.len())?;
    for (row, (bbox, score)) in boxes.iter().zip(scores.values).enumerate() {
        let label = labels.get(row);
        let confidence = |class: usize| if label == Some(class) { *score } else { 0.0 };
        sink.place(boxes.name, confidence, || edges(bbox, form, network))?;
    }
    Ok(())
}
