//! Luma in cells: the picture made small, and what it is like as a whole.
//!
//! Owns the one pass over the pixels. What a change of a cell means belongs to [`super::background`].

use crate::{decode::Picture, geometry::Size};

/// Smallest side of a cell in pixels.
const CELL_MIN: u32 = 8;

/// Longest side of a picture whose cells have [`CELL_MIN`]; larger pictures have larger cells, so that the work on cells does
/// not grow with them.
const FINE_SIDE_MAX: u32 = 1280;

/// Rows between two that are sampled for the deviation.
const SAMPLE_EVERY: usize = 8;

/// A picture in cells, row by row. Reused from picture to picture.
#[derive(Debug)]
pub(super) struct Grid {
    /// Of the picture, in pixels.
    pub(super) picture: Size,
    /// Side of a cell in pixels; the last column and row may be smaller.
    pub(super) cell: u32,
    /// Columns and rows of cells.
    pub(super) cols: usize,
    pub(super) rows: usize,
    /// Mean luma of each cell, 0..=255.
    pub(super) luma: Vec<f32>,
    /// Sums of one row of cells by column of pixels: at most 128 rows of 255, which fit.
    column_sums: Vec<u16>,
}

/// What the pixels are like as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scene {
    pub(super) mean: f32,
    pub(super) deviation: f32,
    /// Equal for pictures with equal luma; others share it by chance in one of 2^64.
    pub(super) hash: u64,
}

impl Grid {
    /// Of no picture yet.
    pub(super) fn new() -> Self {
        let picture = Size::new(0, 0);
        Self { picture, cell: CELL_MIN, cols: 0, rows: 0, luma: Vec::new(), column_sums: Vec::new() }
    }

    /// Takes a picture in. Whether the grid has another shape than before.
    pub(super) fn take(&mut self, picture: &Picture) -> (Scene, Shape) {
        let shape = self.fit(picture.size());
        let plane = picture.luma();
        let cell = self.cell as usize;
        let (mut sum, mut sampled, mut squares, mut samples) = (0u64, 0u64, 0u64, 0u64);
        let mut hash = Hash::new(plane.width, plane.rows);
        for row in 0..self.rows {
            let from = row * cell;
            let to = (from + cell).min(plane.rows);
            self.column_sums.fill(0);
            for y in from..to {
                let line = &plane.data[y * plane.stride..][..plane.width];
                for (sum, luma) in self.column_sums.iter_mut().zip(line) {
                    *sum += u16::from(*luma);
                }
                hash.line(line);
                if y % SAMPLE_EVERY == 0 {
                    let (line_sum, line_squares) = moments(line);
                    sampled += line_sum;
                    squares += line_squares;
                    samples += line.len() as u64;
                }
            }
            let means = &mut self.luma[row * self.cols..][..self.cols];
            for (mean, columns) in means.iter_mut().zip(self.column_sums.chunks(cell)) {
                let cell_sum: u32 = columns.iter().map(|sum| u32::from(*sum)).sum();
                sum += u64::from(cell_sum);
                *mean = cell_sum as f32 / (columns.len() * (to - from)) as f32;
            }
        }
        let pixels = (plane.width * plane.rows).max(1) as f64;
        let samples = samples.max(1) as f64;
        let sampled_mean = sampled as f64 / samples;
        let variance = (squares as f64 / samples - sampled_mean * sampled_mean).max(0.0);
        let scene = Scene {
            mean: (sum as f64 / pixels) as f32,
            deviation: variance.sqrt() as f32,
            hash: hash.finish(),
        };
        (scene, shape)
    }

    fn fit(&mut self, picture: Size) -> Shape {
        if picture == self.picture {
            return Shape::Same;
        }
        self.picture = picture;
        let longest = picture.w.max(picture.h);
        self.cell = CELL_MIN * longest.div_ceil(FINE_SIDE_MAX).max(1).next_power_of_two();
        self.cols = picture.w.div_ceil(self.cell) as usize;
        self.rows = picture.h.div_ceil(self.cell) as usize;
        self.luma.clear();
        self.luma.resize(self.cols * self.rows, 0.0);
        self.column_sums.clear();
        self.column_sums.resize(picture.w as usize, 0);
        Shape::New
    }
}

/// Whether a picture has the shape of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Same,
    New,
}

/// Sum and sum of squares.
fn moments(line: &[u8]) -> (u64, u64) {
    line.chunks(4096).fold((0, 0), |(sum, squares), part| {
        let (mut s, mut q) = (0u32, 0u32);
        for luma in part {
            let luma = u32::from(*luma);
            s += luma;
            q += luma * luma;
        }
        (sum + u64::from(s), squares + u64::from(q))
    })
}

/// Four lanes of multiply and rotate, so that the pass over the pixels stays bound by memory. Not for adversaries.
struct Hash([u64; 4]);

impl Hash {
    fn new(width: usize, rows: usize) -> Self {
        Self([width as u64, rows as u64, 3, 4])
    }

    fn line(&mut self, line: &[u8]) {
        let mut blocks = line.chunks_exact(32);
        for block in &mut blocks {
            for (lane, word) in self.0.iter_mut().zip(block.chunks_exact(8)) {
                let word = u64::from_le_bytes(*word.first_chunk().expect("chunks of 8"));
                *lane = (*lane ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            }
        }
        for byte in blocks.remainder() {
            self.0[0] = (self.0[0] ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0.iter().fold(0, |all, lane| (all ^ lane).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Chroma, Range};

    fn picture(w: u32, h: u32, luma: impl Fn(u32, u32) -> u8) -> Picture {
        let stride = w as usize + 5;
        let mut plane = vec![255; stride * h as usize];
        for y in 0..h {
            for x in 0..w {
                plane[y as usize * stride + x as usize] = luma(x, y);
            }
        }
        Picture::from_planes(Size::new(w, h), Chroma::None, Range::Limited, vec![(plane, stride)])
            .expect("fits")
    }

    #[test]
    fn cells_are_means_and_edges_are_not_diluted() {
        let mut grid = Grid::new();
        let (scene, shape) = grid.take(&picture(20, 12, |x, y| if x < 16 && y < 8 { 40 } else { 200 }));
        assert_eq!((grid.cols, grid.rows, shape), (3, 2, Shape::New));
        assert_eq!(grid.luma, [40.0, 40.0, 200.0, 200.0, 200.0, 200.0]);
        let mean = (128.0 * 40.0 + 112.0 * 200.0) / 240.0;
        assert!((scene.mean - mean).abs() < 0.01, "{scene:?}");
        assert!((scene.deviation - 80.0).abs() < 8.0, "{scene:?}");
    }

    #[test]
    fn one_bit_changes_the_hash_wherever_it_is() {
        let mut grid = Grid::new();
        let base = grid.take(&picture(70, 33, |x, y| (x * y) as u8)).0.hash;
        for (px, py) in [(0, 0), (69, 32), (64, 7), (31, 20)] {
            let bent = |x, y| (x * y) as u8 ^ u8::from((x, y) == (px, py));
            assert_ne!(grid.take(&picture(70, 33, bent)).0.hash, base, "{px},{py}");
        }
        assert_eq!(grid.take(&picture(70, 33, |x, y| (x * y) as u8)).0.hash, base);
    }

    #[test]
    fn large_pictures_have_large_cells() {
        let mut grid = Grid::new();
        for (w, h, cell) in
            [(640, 360, 8), (1280, 720, 8), (1920, 1080, 16), (3840, 2160, 32), (1080, 1920, 16)]
        {
            grid.fit(Size::new(w, h));
            assert_eq!(grid.cell, cell, "{w}x{h}");
        }
    }
}
