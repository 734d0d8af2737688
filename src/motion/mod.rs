//! Which part of the frame is worth a detector.
//!
//! Owns the background of one camera's picture, the regions that differ from it, and what the pixels say of the
//! camera's own health. Knows nothing of classes or tracks.

mod background;
mod grid;
mod regions;
#[cfg(test)]
mod tests;

use crate::{
    decode::Picture,
    geometry::{PixelBox, Polygon, UnitBox, UnitPoint},
};
use background::{Background, Difference};
use grid::{Grid, Shape};
use regions::{CellBox, REGIONS_MAX, Regions};

/// What moved in a frame, and what the frame is like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Motion {
    /// Boxes around what differs from the background, largest first, at most 16.
    pub regions: Vec<UnitBox>,
    /// Share of the picture that differs, 0..=1. A whole picture that changes at once (lights, infrared switching, a moved camera) is
    /// reported as one region and resets the background.
    pub changed_share: f32,
    /// Mean luma, 0..=255.
    pub luma_mean: f32,
    /// Standard deviation of luma, 0..=128: near 0 for black, white or covered.
    pub luma_deviation: f32,
    /// The frame repeats the one before to the last bit.
    pub repeats: bool,
}

/// Looks for which something that has stopped stays a region, unless [`MotionDetector::absorbing_after`] says otherwise: half a
/// minute of ten looks a second.
pub const ABSORB_AFTER_LOOKS: u32 = 300;

/// Finds what moves in one camera's pictures.
///
/// It compares luma in cells of 8x8 pixels (larger ones in pictures above 1280 pixels) with a background that follows slow
/// changes of light, against a threshold that each cell learns from its own noise. What comes and then stops stays a region for
/// [`ABSORB_AFTER_LOOKS`] looks and is background from then on; when it goes away again, what was behind it is still known.
/// One that fidgets stays up to three times as long. The first look finds nothing, since there is nothing to compare with.
/// Allocates at the first look and after a change of size, and not otherwise.
#[derive(Debug)]
pub struct MotionDetector {
    masks: Vec<Polygon>,
    absorb_after: u32,
    grid: Grid,
    /// Cells that are not looked at.
    masked: Vec<bool>,
    background: Background,
    excess: Vec<f32>,
    regions: Regions,
    /// Of the look before.
    hash: Option<u64>,
}

impl MotionDetector {
    /// A detector that has seen nothing yet, and looks everywhere.
    pub fn new() -> Self {
        Self {
            masks: Vec::new(),
            absorb_after: ABSORB_AFTER_LOOKS,
            grid: Grid::new(),
            masked: Vec::new(),
            background: Background::default(),
            excess: Vec::new(),
            regions: Regions::default(),
            hash: None,
        }
    }

    /// Leaves out every cell that a mask touches with its middle or a corner.
    pub fn masked(mut self, masks: &[Polygon]) -> Self {
        self.masks = masks.to_vec();
        self
    }

    /// Lets what has stopped become background after so many looks, at least one.
    pub fn absorbing_after(mut self, looks: u32) -> Self {
        self.absorb_after = looks.max(1);
        self
    }

    /// Forgets the background: the next look is the first. For a stream that was interrupted.
    pub fn reset(&mut self) {
        self.background.clear();
        self.hash = None;
    }

    /// Looks at the next picture of the camera, and writes into `out` what it finds.
    pub fn look(&mut self, picture: &Picture, out: &mut Motion) {
        let (scene, shape) = self.grid.take(picture);
        if shape == Shape::New {
            self.reset();
            self.mask_cells();
        }
        out.luma_mean = scene.mean;
        out.luma_deviation = scene.deviation;
        out.repeats = self.hash.replace(scene.hash) == Some(scene.hash);
        out.regions.clear();
        out.regions.reserve(REGIONS_MAX);
        let difference =
            self.background.look(&self.grid.luma, &self.masked, self.absorb_after, &mut self.excess);
        match difference {
            Difference::None => out.changed_share = 0.0,
            Difference::Whole => {
                out.changed_share = 1.0;
                out.regions.push(UnitBox::FULL);
            }
            Difference::Share(share) => {
                out.changed_share = share;
                let grid = &self.grid;
                let found = self.regions.find(&self.excess, grid.cols);
                out.regions.extend(found.iter().map(|cells| unit_box(grid, cells)));
            }
        }
    }

    fn mask_cells(&mut self) {
        let Grid { picture, cell, cols, rows, .. } = self.grid;
        let (w, h) = (picture.w.max(1) as f32, picture.h.max(1) as f32);
        self.masked.clear();
        for index in 0..cols * rows {
            let (x, y) = ((index % cols) as f32, (index / cols) as f32);
            let spots = [(0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
            let covered = spots.iter().any(|(dx, dy)| {
                let spot = UnitPoint::new((x + dx) * cell as f32 / w, (y + dy) * cell as f32 / h);
                self.masks.iter().any(|mask| mask.contains(spot))
            });
            self.masked.push(covered);
        }
    }
}

impl Default for MotionDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// With one cell more on each side: a thing that covers a small part of a cell does not lift it over its threshold.
fn unit_box(grid: &Grid, cells: &CellBox) -> UnitBox {
    let side = grid.cell as f32;
    PixelBox {
        l: cells.l as f32 * side - side,
        t: cells.t as f32 * side - side,
        r: (cells.r + 2) as f32 * side,
        b: (cells.b + 2) as f32 * side,
    }
    .to_unit(grid.picture)
    .clamped()
}
