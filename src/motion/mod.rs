//! Which part of the frame is worth a detector.
//!
//! Owns the background of one camera's picture, the regions that differ from it, and what the pixels say of the
//! camera's own health. Knows nothing of classes or tracks.

use crate::geometry::UnitBox;

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
