//! Still pictures of recordings and of what is kept in memory: one to recognise a clip or a camera by, or a sheet of several.
//!
//! Owns how many, how large, and that masks are burnt in. Key pictures alone are decoded, each by itself.

use crate::{
    alert::snapshot::{self, SnapshotError},
    camera::AccessUnit,
    decode::{Backend, DecodeError, Decoder, Picture},
    geometry::Polygon,
};

/// Quality of a single picture: it is one of many on a page.
const QUALITY: u8 = 75;
/// Width of a thumbnail, and of a picture on a sheet, in pixels at most.
const WIDTH: u32 = 320;
/// Pictures on a sheet, and beside each other on it.
pub(super) const SHEET: (usize, usize) = (12, 4);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoStill {
    /// No decoder takes it.
    #[error("the recording cannot be decoded: {0}")]
    Decode(#[from] DecodeError),
    /// Nothing comes out of the decoder.
    #[error("nothing in the recording can be decoded")]
    Nothing,
    /// It cannot be written as JPEG.
    #[error(transparent)]
    Picture(#[from] SnapshotError),
}

/// One key picture as JPEG, at most `width` pixels wide. Blocks.
pub(in super::super) fn picture(
    backend: &Backend,
    unit: &AccessUnit,
    masks: &[Polygon],
    width: u32,
) -> Result<Vec<u8>, NoStill> {
    let picture = decoded(backend, unit)?.ok_or(NoStill::Nothing)?;
    Ok(snapshot::scaled(&picture, masks, width, QUALITY)?)
}

/// A sheet of the pictures, as JPEG; of one picture: that. Blocks.
pub(super) fn sheet(backend: &Backend, units: &[AccessUnit], masks: &[Polygon]) -> Result<Vec<u8>, NoStill> {
    let mut pictures = Vec::with_capacity(units.len());
    let mut failed = None;
    for unit in units {
        match decoded(backend, unit) {
            Ok(picture) => pictures.extend(picture),
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if pictures.is_empty() => Err(error.into()),
        None if pictures.is_empty() => Err(NoStill::Nothing),
        _ => Ok(snapshot::sheet(&pictures, masks, SHEET.1, WIDTH)?),
    }
}

fn decoded(backend: &Backend, unit: &AccessUnit) -> Result<Option<Picture>, DecodeError> {
    let mut frames = Vec::with_capacity(1);
    let mut decoder = Decoder::new(backend, unit.codec)?;
    decoder.decode(unit, &mut frames)?;
    decoder.drain(&mut frames);
    Ok(frames.pop().map(|frame| frame.picture))
}
