//! Zones, lines, masks and rules of a camera, as somebody draws them (`docs/design/zones.md`).

mod cameras;

pub use cameras::{Cameras, NotTaken, Seat};
