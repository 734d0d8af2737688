//! Detections → tracks: which detection in this frame is which in the last.
//!
//! Owns association, birth and death of tracks within one camera. What a track means belongs to
//! `rules`. A track is never an identity.

use crate::{detect::Class, geometry::UnitBox, id::TrackId, time::Mono};

/// One thing over time, as of the newest frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its number.
    pub id: TrackId,
    /// What it has been taken for most, weighted by confidence.
    pub class: Class,
    /// Where it is: the detection of this frame where there is one, else where it should be by now.
    pub bbox: UnitBox,
    /// Confidence of this frame's detection; `None` where it was not detected in this frame.
    pub confidence: Option<f32>,
    /// Best confidence so far.
    pub confidence_best: f32,
    /// Looks in which it was detected, in all.
    pub hits: u32,
    /// When it was first detected.
    pub born: Mono,
    /// When it was last detected.
    pub seen: Mono,
    /// Whether it has ever moved: born where there was motion, or displaced since. What never moved is not a visitor.
    pub moved: bool,
}
