//! Rows that belong to places of a grid: NanoDet, YOLOX; and the YOLO heads that were decoded in the graph.

use super::{BadOutput, Matrix, Sink, activate, from_centre};
use crate::{detect::description::Activation, geometry::Size};

/// Places, row by row, one level after another.
pub(super) struct Grid<'a> {
    pub(super) network: Size,
    /// Pixels from place to place, by level.
    pub(super) strides: &'a [u32],
    /// Where in its cell a place lies, in strides.
    pub(super) cell_offset: f32,
}

/// One place of a grid, in network pixels.
struct Place {
    x: f32,
    y: f32,
    stride: f32,
}

impl Grid<'_> {
    /// How many places there are. A level that does not divide the input is rounded up, as convolutions with padding do.
    fn len(&self) -> usize {
        self.strides
            .iter()
            .map(|s| self.network.w.div_ceil(*s) as usize * self.network.h.div_ceil(*s) as usize)
            .sum()
    }

    fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.strides.iter().flat_map(move |&stride| {
            let (columns, rows) = (self.network.w.div_ceil(stride), self.network.h.div_ceil(stride));
            let at = move |index: u32| (index as f32 + self.cell_offset) * stride as f32;
            (0..rows).flat_map(move |row| {
                (0..columns).map(move |column| Place { x: at(column), y: at(row), stride: stride as f32 })
            })
        })
    }
}

/// Scores, then four distributions of distances.
pub(super) fn nanodet(
    rows: &Matrix<'_>,
    grid: &Grid<'_>,
    class_count: usize,
    bins: usize,
    activation: Activation,
    sink: &mut Sink<'_>,
) -> Result<(), BadOutput> {
    rows.expect_rows(grid.len())?;
    for (row, place) in rows.iter().zip(grid.iter()) {
        let (scores, distances) = row.split_at(class_count);
        let edges = || {
            let side = |index: usize| mean_bin(&distances[index * bins..][..bins]) * place.stride;
            [place.x - side(0), place.y - side(1), place.x + side(2), place.y + side(3)]
        };
        sink.place(rows.name, |class| activate(activation, scores[class]), edges)?;
    }
    Ok(())
}

/// Expected bin of a distribution given as logits: the integral of generalised focal loss.
fn mean_bin(logits: &[f32]) -> f32 {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let (mut all, mut weighted) = (0.0, 0.0);
    for (bin, logit) in logits.iter().enumerate() {
        let weight = (logit - top).exp();
        all += weight;
        weighted += weight * bin as f32;
    }
    weighted / all
}

/// Offsets from the place, logarithms of the size, objectness, scores.
pub(super) fn yolox(
    rows: &Matrix<'_>,
    grid: &Grid<'_>,
    activation: Activation,
    sink: &mut Sink<'_>,
) -> Result<(), BadOutput> {
    rows.expect_rows(grid.len())?;
    let least = sink.reported_from_min();
    for (row, place) in rows.iter().zip(grid.iter()) {
        let object = activate(activation, row[4]);
        if object < least {
            continue;
        }
        let edges = || {
            let (x, y) = (place.x + row[0] * place.stride, place.y + row[1] * place.stride);
            from_centre(x, y, row[2].exp() * place.stride, row[3].exp() * place.stride)
        };
        sink.place(rows.name, |class| object * activate(activation, row[5 + class]), edges)?;
    }
    Ok(())
}

/// Centre and size in pixels, objectness, scores.
pub(super) fn yolov5(rows: &Matrix<'_>, sink: &mut Sink<'_>) -> Result<(), BadOutput> {
    let least = sink.reported_from_min();
    for row in rows.iter().filter(|row| row[4] >= least) {
        let edges = || from_centre(row[0], row[1], row[2], row[3]);
        sink.place(rows.name, |class| row[4] * row[5 + class], edges)?;
    }
    Ok(())
}

/// Centre and size in pixels, scores; a row a number, a column a place.
pub(super) fn yolov8(planes: &Matrix<'_>, sink: &mut Sink<'_>) -> Result<(), BadOutput> {
    let places = planes.columns;
    let at = |row: usize, place: usize| planes.values[row * places + place];
    for place in 0..places {
        let edges = || from_centre(at(0, place), at(1, place), at(2, place), at(3, place));
        sink.place(planes.name, |class| at(4 + class, place), edges)?;
    }
    Ok(())
}
