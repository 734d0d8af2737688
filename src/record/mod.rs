//! Recording without transcoding: fragments, segments, volumes, and what explains each second that is not there.
//!
//! ```text
//! stream ─AccessUnit─▶ Recorder (pure) ─Fragment─▶ Writer (a thread a volume) ─▶ segment files
//!                          └─Gap─▶ archive ◀─Segment─┘
//! ```
//! A segment is a fragmented MP4 file that is whole up to its last complete fragment, whatever is killed. This floor knows no pixels, no
//! rules and no store: what it has done and not done is handed on as [`Segment`] and [`Gap`].

mod deck;
mod film;
mod line;
pub mod live;
pub mod mp4;
mod pre_roll;
mod recorder;
pub mod seen;
mod spell;
#[cfg(test)]
mod testing;
mod writer;

pub use deck::{Deck, Surroundings};
pub use recorder::{Act, Event, Recorder, SegmentKey};
pub use writer::{Pen, Valve, Writer, Writers, Written};

use std::{path::PathBuf, time::Duration};

use crate::{
    camera::{AccessUnit, AudioUnit},
    config::StreamRole,
    id::{AlertId, CameraId, VolumeId},
    time::{Mono, Wall},
};

/// A file that is closed: nothing is written to it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Whose.
    pub camera: CameraId,
    /// Of which of its streams.
    pub role: StreamRole,
    /// On which volume.
    pub volume: VolumeId,
    /// Below the volume's folder.
    pub path: PathBuf,
    /// When its first picture arrived, by the clock of this machine.
    pub from: Wall,
    /// When its last picture had been shown.
    pub to: Wall,
    /// Its length in bytes, up to the last complete fragment.
    pub bytes: u64,
    /// Length in bytes of the initialisation part, in front of the first fragment.
    pub init_len: u32,
    /// SHA-256 of that part.
    pub init_sha256: [u8; 32],
    /// In order; not empty.
    pub fragments: Vec<Fragment>,
    /// How far the camera's clock was ahead of this machine's when the segment began, ms; `None` where the camera does not tell.
    pub skew_ms: Option<i64>,
}

/// A stretch of a segment that stands for itself: `prft`, `moof` and `mdat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// From the begin of the file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    /// When its first picture arrived.
    pub from: Wall,
    /// How long it shows.
    pub length: Duration,
    /// Whether playing may begin here.
    pub is_key: bool,
    /// Of all its bytes.
    pub sha256: [u8; 32],
}

/// A time of which there is no recording: `from..to`, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub camera: CameraId,
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub to: Wall,
    /// Why.
    pub cause: GapCause,
}

/// Why there is no recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapCause {
    /// The camera was away, or sent nothing that could be recorded.
    Offline,
    /// It is out of service on purpose.
    Maintenance,
    /// Recording is switched off for it.
    Off,
    /// It is not recorded at these hours.
    Schedule,
    /// Whoever owns it had agreed to be recorded up to a day, and that is over.
    AgreementEnded,
    /// It is recorded around alerts, and there was none.
    Quiet,
    /// The disk was full.
    DiskFull,
    /// The disk failed.
    DiskFailed,
    /// The disk was too slow, so that something had to go.
    Shed,
    /// The daemon did not run.
    Stopped,
    /// The machine's clock was set forward: this time never was.
    Clock,
    /// It was recorded, and has served its purpose: deleted by retention.
    Deleted,
    /// It was recorded, and is not there any more; nobody knows why.
    Missing,
}

impl GapCause {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Offline,
        Self::Maintenance,
        Self::Off,
        Self::Schedule,
        Self::AgreementEnded,
        Self::Quiet,
        Self::DiskFull,
        Self::DiskFailed,
        Self::Shed,
        Self::Stopped,
        Self::Clock,
        Self::Deleted,
        Self::Missing,
    ];

    /// As written in questions and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Maintenance => "maintenance",
            Self::Off => "off",
            Self::Schedule => "schedule",
            Self::AgreementEnded => "agreement-ended",
            Self::Quiet => "quiet",
            Self::DiskFull => "disk-full",
            Self::DiskFailed => "disk-failed",
            Self::Shed => "shed",
            Self::Stopped => "stopped",
            Self::Clock => "clock",
            Self::Deleted => "deleted",
            Self::Missing => "missing",
        }
    }
}

/// An alert's recording is on the disk, as far as there is one: what of its time was recorded and what was not has been told before this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Whose.
    pub camera: CameraId,
    /// Which.
    pub alert: AlertId,
    /// Its pre-roll's begin.
    pub from: Wall,
    /// Its post-roll's end.
    pub to: Wall,
}

/// What a recorder tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A segment is closed and on the disk.
    Segment(Segment),
    /// There is no recording of a time. Told again with the same begin and a later end while it lasts.
    Gap(Gap),
    /// All that there will be of an alert's recording is on the disk.
    Ready(Ready),
}

/// What is recorded of a stream, in the order in which it came.
#[derive(Debug, Clone)]
enum Sample {
    Picture(AccessUnit),
    Sound(AudioUnit),
}

impl Sample {
    /// Whether a file may begin with it.
    fn is_key(&self) -> bool {
        matches!(self, Self::Picture(unit) if unit.is_key)
    }

    fn len(&self) -> usize {
        match self {
            Self::Picture(unit) => unit.data.len(),
            Self::Sound(unit) => unit.data.len(),
        }
    }

    fn arrived(&self) -> Mono {
        match self {
            Self::Picture(unit) => unit.arrived.mono,
            Self::Sound(unit) => unit.arrived.mono,
        }
    }
}
