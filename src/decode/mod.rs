//! Access units → pixels (GStreamer).
//!
//! Owns decoders (each works in the thread that calls it: see [`Decoder`]), the reading of files, and [`Picture`], the one form
//! that pixels have in this house. Which units are worth decoding is the lane's business; what is in the
//! picture, that of `motion` and `detect`.

mod announced;
mod backend;
mod chain;
mod decoder;
mod family;
pub mod file;
mod picture;
mod probe;
mod raw;
pub mod rgb;
mod times;

pub use backend::Backend;
pub use chain::PICTURE_SIDE_MAX;
pub use decoder::{DecodeError, Decoder, UNIT_BYTES_MAX};
pub use picture::{Chroma, Picture, Plane, Range};

use crate::time::{MediaTime, Now, Wall};

/// A decoded picture with its times. Cheap to clone: the pixels are shared.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Counts the frames of one camera since the daemon started, decoded ones only.
    pub number: u64,
    /// The stream's own time.
    pub media: MediaTime,
    /// When its access unit arrived, by the clock of this machine.
    pub arrived: Now,
    /// The camera's clock, where it tells.
    pub camera_clock: Option<Wall>,
    /// The pixels.
    pub picture: Picture,
}
