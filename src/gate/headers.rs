//! What an access unit says of itself without being decoded.

use crate::camera::{AccessUnit, Codec};

/// What kind of picture an access unit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// Decoding may start here.
    Key,
    /// Refers to others.
    Predicted,
}

/// What an access unit says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitFacts {
    /// Its bytes.
    pub bytes: u32,
    /// Its kind.
    pub kind: PictureKind,
    /// Its coding.
    pub codec: Codec,
}

/// Reads the headers of one stream.
#[derive(Debug, Default)]
pub struct Headers {}

impl Headers {
    /// Reads those of the next unit.
    pub fn read(&mut self, unit: &AccessUnit) -> UnitFacts {
        let kind = if unit.is_key { PictureKind::Key } else { PictureKind::Predicted };
        UnitFacts { bytes: unit.data.len() as u32, kind, codec: unit.codec }
    }
}
