//! Zones, lines, masks and rules of a camera, as somebody draws them (`docs/design/zones.md`).
//!
//! ```text
//! Drawing, wanted ─edit─▶ text ─config::parse─▶ Camera, as it would be ─▶ Sheet: onto the disk ─▶ Cameras: into its lane
//! ```
//! Owns how a drawing gets into the file of the configuration and out of it, and which drawing is in force. Judging by it belongs to `rules`; who may draw,
//! and how that travels, to `console`.

mod cameras;
mod drawing;
mod edit;
mod sheet;
#[cfg(test)]
mod tests;
mod words;

pub use cameras::{Cameras, NotTaken, Seat};
pub use drawing::{Drawing, LineData, Point, RuleData, Side, ZoneData};
pub use edit::{NotEdited, Trouble, edit};
pub use sheet::{KEPT_MAX, NotWritten, Sheet, Written, keep};
