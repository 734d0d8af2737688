//! MP4: recordings are written, found again, and cut, without decoding a picture.
//!
//! ```text
//! AccessUnit ─Muxer─▶ init, fragments ─▶ a segment file, and viewers (MSE) as they are
//!                                             │
//!                         scan ◀──────────────┤   what of it is whole
//!                         plan ◀──────────────┤   a cut: head + pieces of segments = one progressive file
//!                         playback ◀──────────┘   init, fragments with times of their own: a stream for browsers (MSE)
//! ```
//! Owns every byte of these files (ISO/IEC 14496-12, -14, -15; CMAF, ISO/IEC 23000-19). Knows no clock, no folder, no index and no network; files
//! are read through [`std::io::Read`] and [`std::io::Seek`]. No bytes, whoever wrote them, make it panic.

mod annex_b;
mod boxes;
mod codecs;
mod cut;
mod facts;
mod init;
mod movie;
mod muxer;
mod nals;
mod parameters;
mod playback;
mod scan;
mod tables;
#[cfg(test)]
mod tests;
mod track;

pub use cut::{Cut, CutEnd, CutError, Piece, Source, Stretch, plan};
pub use facts::Facts;
pub use movie::{Sample, Samples, Tracks, mute};
pub use muxer::{FragmentBytes, Muxer, NotTaken};
pub use playback::{NoPlayback, Part, Playback, playback};
pub use scan::{ScanError, Scanned, Span, samples, scan};
pub use track::{AudioTrack, Law, NoTrack, VideoTrack};

use std::time::Duration;

/// Ticks a second of pictures, as [`crate::time::MediaTime`] has them.
pub const VIDEO_TIMESCALE: u32 = 90_000;
/// A fragment is never larger, in bytes.
pub const FRAGMENT_BYTES_MAX: usize = 64 << 20;
/// How far the time of a picture may be behind the latest one: see [`crate::camera::AccessUnit::media`].
pub const STEP_BACK_MAX: Duration = Duration::from_secs(2);
/// How far it may be ahead of the latest one. Streams that are silent for longer have ended long before.
pub const STEP_AHEAD_MAX: Duration = Duration::from_secs(60);
