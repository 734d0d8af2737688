//! Raw output tensors → candidates in pixels of the network's input.
//!
//! Pure and total: any shapes and any floats give candidates or a typed error, never a panic. Suppression of
//! repeats, and the way back to the picture, belong to `suppress` and `placement`.

mod places;
mod queries;

use super::{
    Class, Description,
    description::{Activation, BoxForm, Kept, Output},
};
use crate::geometry::Size;

/// A tensor as the session gives it, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'a> {
    /// Its name in the graph.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [i64],
    /// Its values.
    pub values: Values<'a>,
}

/// Values of a tensor.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit integers.
    I64(&'a [i64]),
    /// 32-bit integers.
    I32(&'a [i32]),
}

/// A box before suppression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What.
    pub class: Class,
    /// How sure, above 0 and at most 1.
    pub confidence: f32,
    /// Left, top, right, bottom in pixels of the network's input; finite, and left < right, top < bottom.
    pub edges: [f32; 4],
}

/// Why outputs cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOutput {
    /// No tensor of that name.
    #[error("the model has no output \"{name}\"; it has: {have}")]
    Missing {
        /// The name in the description.
        name: String,
        /// What there is.
        have: String,
    },
    /// Numbers of another type.
    #[error("output \"{name}\" holds {found}, where {expected} is expected")]
    Element {
        /// The tensor.
        name: String,
        /// What it holds.
        found: &'static str,
        /// What the family asks for.
        expected: &'static str,
    },
    /// Another shape.
    #[error("output \"{name}\" has the shape {found}, where {expected} is expected")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: String,
        /// What the description asks for.
        expected: String,
    },
    /// Not a number, or infinite.
    #[error("output \"{name}\" holds values that are not numbers (NaN or infinite): the model is damaged")]
    NotFinite {
        /// The tensor.
        name: String,
    },
}

/// Appends what `tensors` hold to `found`, from the description's confidences on, in no order.
///
/// # Errors
/// A tensor is missing, is of another type or shape than the description says, or holds NaN or infinities.
pub fn decode(
    description: &Description,
    tensors: &[Tensor<'_>],
    found: &mut Vec<Candidate>,
) -> Result<(), BadOutput> {
    let network = description.input.size;
    let count = description.classes.count;
    let from = Reader { tensors };
    let mut sink = Sink { kept: &description.classes.kept, found };
    match &description.output {
        Output::Nanodet { boxes, scores, form, activation } => {
            let (boxes, scores) = (from.matrix(boxes, 4)?, from.matrix(scores, count)?);
            queries::scored(&boxes, &scores, *form, *activation, network, &mut sink)
        }
        Output::Detr { boxes, logits, form, activation } => {
            let (boxes, logits) = (from.matrix(boxes, 4)?, from.matrix(logits, count)?);
            queries::scored(&boxes, &logits, *form, *activation, network, &mut sink)
        }
        Output::DetrLabels { labels, boxes, scores, form } => {
            let boxes = from.matrix(boxes, 4)?;
            let (labels, scores) = (from.indices(labels)?, from.list(scores)?);
            queries::labelled(&labels, &boxes, &scores, *form, network, &mut sink)
        }
        Output::NanodetRaw { tensor, strides, reg_max, cell_offset, activation } => {
            let bins = *reg_max as usize + 1;
            let rows = from.matrix(tensor, count + 4 * bins)?;
            let grid = places::Grid { network, strides, cell_offset: *cell_offset };
            places::nanodet(&rows, &grid, count, bins, *activation, &mut sink)
        }
        Output::Yolox { tensor, strides, activation } => {
            let rows = from.matrix(tensor, 5 + count)?;
            let grid = places::Grid { network, strides, cell_offset: 0.0 };
            places::yolox(&rows, &grid, *activation, &mut sink)
        }
        Output::Yolov5 { tensor } => places::yolov5(&from.matrix(tensor, 5 + count)?, &mut sink),
        Output::Yolov8 { tensor } => places::yolov8(&from.transposed(tensor, 4 + count)?, &mut sink),
    }
}

/// Rows of `columns` finite floats.
struct Matrix<'a> {
    name: &'a str,
    rows: usize,
    columns: usize,
    values: &'a [f32],
}

impl<'a> Matrix<'a> {
    fn iter(&self) -> impl Iterator<Item = &'a [f32]> {
        self.values.chunks_exact(self.columns)
    }

    fn expect_rows(&self, rows: usize) -> Result<(), BadOutput> {
        if self.rows == rows {
            return Ok(());
        }
        Err(BadOutput::Shape {
            name: self.name.to_owned(),
            found: format!("[1, {}, …]", self.rows),
            expected: format!("[1, {rows}, …]"),
        })
    }
}

/// Class indices, one a row.
enum Indices<'a> {
    I64(&'a [i64]),
    I32(&'a [i32]),
}

impl Indices<'_> {
    fn len(&self) -> usize {
        match self {
            Self::I64(values) => values.len(),
            Self::I32(values) => values.len(),
        }
    }

    fn get(&self, row: usize) -> Option<usize> {
        match self {
            Self::I64(values) => values.get(row).and_then(|v| usize::try_from(*v).ok()),
            Self::I32(values) => values.get(row).and_then(|v| usize::try_from(*v).ok()),
        }
    }
}

/// Tensors by name, with their shapes checked.
struct Reader<'a> {
    tensors: &'a [Tensor<'a>],
}

impl<'a> Reader<'a> {
    fn named(&self, name: &str) -> Result<&'a Tensor<'a>, BadOutput> {
        self.tensors.iter().find(|tensor| tensor.name == name).ok_or_else(|| {
            let have: Vec<_> = self.tensors.iter().map(|tensor| tensor.name).collect();
            BadOutput::Missing { name: name.to_owned(), have: have.join(", ") }
        })
    }

    fn floats(&self, name: &str) -> Result<(&'a Tensor<'a>, &'a [f32]), BadOutput> {
        let tensor = self.named(name)?;
        let values = match tensor.values {
            Values::F32(values) => values,
            Values::I64(_) => return Err(element(tensor, "i64", "f32")),
            Values::I32(_) => return Err(element(tensor, "i32", "f32")),
        };
        if !all_finite(values) {
            return Err(BadOutput::NotFinite { name: name.to_owned() });
        }
        Ok((tensor, values))
    }

    /// `[1, M, columns]`.
    fn matrix(&self, name: &str, columns: usize) -> Result<Matrix<'a>, BadOutput> {
        let (tensor, values) = self.floats(name)?;
        match tensor.shape {
            [1, rows, c] if fits(&[*rows, *c], values.len()) && *c == columns as i64 => {
                Ok(Matrix { name: tensor.name, rows: *rows as usize, columns, values })
            }
            _ => Err(shape(tensor, format!("[1, M, {columns}]"))),
        }
    }

    /// `[1, rows, M]`; a matrix of `rows` rows.
    fn transposed(&self, name: &str, rows: usize) -> Result<Matrix<'a>, BadOutput> {
        let (tensor, values) = self.floats(name)?;
        match tensor.shape {
            [1, r, m] if *r == rows as i64 && *m > 0 && fits(&[*r, *m], values.len()) => {
                Ok(Matrix { name: tensor.name, rows, columns: *m as usize, values })
            }
            _ => Err(shape(tensor, format!("[1, {rows}, M]"))),
        }
    }

    /// `[1, M]`.
    fn list(&self, name: &str) -> Result<Matrix<'a>, BadOutput> {
        let (tensor, values) = self.floats(name)?;
        match tensor.shape {
            [1, rows] if fits(&[*rows], values.len()) => {
                Ok(Matrix { name: tensor.name, rows: *rows as usize, columns: 1, values })
            }
            _ => Err(shape(tensor, "[1, M]".to_owned())),
        }
    }

    /// `[1, M]` of integers.
    fn indices(&self, name: &str) -> Result<Indices<'a>, BadOutput> {
        let tensor = self.named(name)?;
        let (indices, len) = match tensor.values {
            Values::I64(values) => (Indices::I64(values), values.len()),
            Values::I32(values) => (Indices::I32(values), values.len()),
            Values::F32(_) => return Err(element(tensor, "f32", "i64 or i32")),
        };
        match tensor.shape {
            [1, rows] if fits(&[*rows], len) => Ok(indices),
            _ => Err(shape(tensor, "[1, M]".to_owned())),
        }
    }
}

/// Whether these dimensions hold exactly `len` values.
fn fits(dimensions: &[i64], len: usize) -> bool {
    let product = dimensions.iter().try_fold(1usize, |all, d| all.checked_mul(usize::try_from(*d).ok()?));
    product == Some(len)
}

fn element(tensor: &Tensor<'_>, found: &'static str, expected: &'static str) -> BadOutput {
    BadOutput::Element { name: tensor.name.to_owned(), found, expected }
}

fn shape(tensor: &Tensor<'_>, expected: String) -> BadOutput {
    BadOutput::Shape { name: tensor.name.to_owned(), found: format!("{:?}", tensor.shape), expected }
}

/// Written so that the compiler makes vectors of it: a hundred thousand values are looked at for every frame.
fn all_finite(values: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    let plain = |v: &f32| u32::from(v.to_bits() & EXPONENT == EXPONENT);
    values.chunks(1024).all(|chunk| chunk.iter().map(plain).sum::<u32>() == 0)
}

/// Where candidates go.
struct Sink<'a> {
    kept: &'a [Kept],
    found: &'a mut Vec<Candidate>,
}

impl Sink<'_> {
    /// Less sure than this, nothing is reported.
    fn reported_from_min(&self) -> f32 {
        self.kept.iter().map(|kept| kept.reported_from).fold(1.0, f32::min)
    }

    /// For one place: of each group the surest class above its threshold. `edges` is asked only where there is one.
    fn place(
        &mut self,
        name: &str,
        confidence: impl Fn(usize) -> f32,
        edges: impl Fn() -> [f32; 4],
    ) -> Result<(), BadOutput> {
        let mut best: [Option<(Class, f32)>; 4] = [None; 4];
        let mut any = false;
        for kept in self.kept {
            let sure = confidence(kept.index);
            if sure >= kept.reported_from {
                let slot = &mut best[kept.class.group() as usize];
                if slot.is_none_or(|(_, other)| sure > other) {
                    *slot = Some((kept.class, sure));
                }
                any = true;
            }
        }
        if !any {
            return Ok(());
        }
        let edges = edges();
        if !edges.iter().all(|edge| edge.is_finite()) {
            return Err(BadOutput::NotFinite { name: name.to_owned() });
        }
        if edges[0] < edges[2] && edges[1] < edges[3] {
            let all = best.into_iter().flatten();
            self.found.extend(all.map(|(class, confidence)| Candidate {
                class,
                confidence: confidence.min(1.0),
                edges,
            }));
        }
        Ok(())
    }
}

/// Left, top, right, bottom from centre, width and height.
fn from_centre(x: f32, y: f32, w: f32, h: f32) -> [f32; 4] {
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}

/// Edges in network pixels of a box in any form.
fn edges(values: &[f32], form: BoxForm, network: Size) -> [f32; 4] {
    let [a, b, c, d] = [values[0], values[1], values[2], values[3]];
    let (w, h) = (network.w as f32, network.h as f32);
    match form {
        BoxForm::EdgesPixels => [a, b, c, d],
        BoxForm::EdgesUnit => [a * w, b * h, c * w, d * h],
        BoxForm::CentrePixels => from_centre(a, b, c, d),
        BoxForm::CentreUnit => from_centre(a * w, b * h, c * w, d * h),
    }
}

/// A probability from what the model says of one class; softmax is not one class's matter.
fn activate(activation: Activation, value: f32) -> f32 {
    match activation {
        Activation::None | Activation::Softmax => value,
        Activation::Sigmoid => 1.0 / (1.0 + (-value).exp()),
    }
}

#[cfg(test)]
mod tests;
