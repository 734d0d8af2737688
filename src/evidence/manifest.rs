//! The manifest of a pack: what was given, by whom, to whom, what for, and by which bytes it is known.
//!
//! Pure. Owns the form of `manifest.json`, version 1. Members are added, never given another meaning; readers ignore those that they do not know.
//! Whether a manifest agrees with itself is `sense`'s, whether with the files beside it `verify`'s.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    audit::Receipt,
    merkle,
    moment::{self, Moment},
    seal::{KeyId, Sum},
};
use crate::{
    config::{Camera, Direction, EntryPoint, Level, Name, Station, StreamRole, Village},
    id::{CameraId, EntryPointId, NodeId, RuleId, StationId, VillageId, VolumeId},
    time::Wall,
};

/// What the file says that it is.
pub const FORMAT: &str = "cunkou.evidence";
/// The form's version.
pub const VERSION: u32 = 1;
/// Names in a pack.
pub const MANIFEST: &str = "manifest.json";
/// See [`MANIFEST`].
pub const SIGNATURE: &str = "manifest.sig";
/// See [`MANIFEST`].
pub const KEYRING: &str = "keyring.json";
/// See [`MANIFEST`].
pub const PAGE: &str = "index.html";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Which station gave it.
    pub station: StationFacts,
    /// What was seen from.
    pub camera: CameraFacts,
    /// Its place among the packs of the camera.
    pub chain: ChainFacts,
    /// What was asked for.
    pub asked: Range,
    /// From the first picture that is given to the end of the last: begins earlier than asked, where a picture can be shown.
    pub given: Range,
    /// The video, a file for each segment that it came from, in order of time.
    pub videos: Vec<Video>,
    /// Over the fragments of all files, in order.
    pub merkle: MerkleFacts,
    /// By which clock times are.
    pub clock: ClockFacts,
    /// Times in the range asked of which there is no recording, and why.
    pub gaps: Vec<GapFacts>,
    /// The alerts in the range, as the station has them.
    pub alerts: Vec<Value>,
    /// The passages in the range, as the index has them.
    pub passages: Vec<Value>,
    /// The model that looked, where one did.
    pub model: Option<ModelFacts>,
    /// The rules that held.
    pub rules: Vec<RuleFacts>,
    /// What wrote this.
    pub software: SoftwareFacts,
    /// The entry of the audit log in which the export was asked for.
    pub audit: Receipt,
    /// Who exported.
    pub exporter: ExporterFacts,
    /// What for.
    pub purpose: String,
    /// The case's reference.
    pub case: String,
    /// The other files of the pack, but for this one and its signature.
    pub files: Vec<FileFacts>,
    /// The key that signed.
    pub key: KeyId,
    /// When.
    pub created: Moment,
}

/// Which station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StationFacts {
    /// Its id.
    pub id: StationId,
    /// Which daemon of it.
    pub node: NodeId,
    /// For people.
    pub name: Name,
    /// IANA name of the time zone of local times; empty where it has none.
    pub time_zone: String,
}

/// Which camera, and where it stood when it was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraFacts {
    /// Its id.
    pub id: CameraId,
    /// For people.
    pub name: Name,
    /// Where it looks.
    pub entry_point: EntryPointId,
    /// For people.
    pub entry_point_name: Name,
    /// Of which village.
    pub village: VillageId,
    /// For people.
    pub village_name: Name,
    /// How the entry point closes the perimeter.
    pub level: Level,
    /// The way that is seen, where it is one.
    pub direction: Option<Direction>,
}

impl StationFacts {
    /// As the configuration has them.
    pub fn of(station: &Station) -> Self {
        Self {
            id: station.id.clone(),
            node: station.node.clone(),
            name: station.name.clone(),
            time_zone: station.time_zone.iana_name().unwrap_or_default().to_owned(),
        }
    }
}

impl CameraFacts {
    /// As the configuration has them: `entry_point` is the camera's, `village` the entry point's.
    pub fn of(camera: &Camera, entry_point: &EntryPoint, village: &Village) -> Self {
        Self {
            id: camera.id.clone(),
            name: camera.name.clone(),
            entry_point: camera.entry_point.clone(),
            entry_point_name: entry_point.name.clone(),
            village: entry_point.village.clone(),
            village_name: village.name.clone(),
            level: entry_point.level,
            direction: None,
        }
    }
}

/// A pack's place among those of its camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainFacts {
    /// From 1.
    pub no: u64,
    /// SHA-256 of the manifest before; `None` in the first.
    pub previous: Option<Sum>,
}

/// A range of time: `from..to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Its first moment.
    pub from: Moment,
    /// The first after it.
    pub to: Moment,
}

/// A file of video: the bytes of a segment, untouched, from a fragment to a fragment, behind its initialisation part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Its name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Of all its bytes.
    pub sha256: Sum,
    /// Where it came from.
    pub segment: SegmentFacts,
    /// How far the camera's clock was ahead when the segment began, ms; `None`: it did not tell.
    pub skew_ms: Option<i64>,
    /// What stands in front of the fragments.
    pub init: Init,
    /// In order of time, without anything between.
    pub fragments: Vec<FragmentFacts>,
}

/// The file of the recording from which a video was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFacts {
    /// Which stream.
    pub role: StreamRole,
    /// On which volume.
    pub volume: VolumeId,
    /// Below the volume's folder.
    pub path: String,
    /// When it began.
    pub from: Moment,
    /// When it ended.
    pub to: Moment,
}

/// The initialisation part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Init {
    /// Bytes.
    pub len: u64,
    /// Of all of them.
    pub sha256: Sum,
    /// What was recorded, where it is not that any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub differs_from: Option<Recorded>,
}

/// A fragment in a video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FragmentFacts {
    /// Its number in the file, from 1.
    pub n: u32,
    /// When its first picture arrived, UTC.
    #[serde(with = "moment::utc")]
    pub from: Wall,
    /// How long it shows, ms.
    pub length_ms: u64,
    /// From the begin of the file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
    /// Whether playing may begin here.
    pub is_key: bool,
    /// Of all its bytes, as they are given.
    pub sha256: Sum,
    /// From the begin of the segment, bytes.
    pub segment_offset: u64,
    /// What was recorded, where it is not that any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub differs_from: Option<Recorded>,
}

/// What was written when it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Bytes.
    pub len: u64,
    /// Of all of them.
    pub sha256: Sum,
}

/// A root, and over how many leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerkleFacts {
    /// How many fragments.
    pub leaves: u64,
    /// See [`merkle::root`].
    pub root: Sum,
}

/// By which clock times are, and how the cameras' was measured against it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// Whose clock.
    pub times: String,
    /// How `skew_ms` was measured.
    pub skew: String,
}

impl ClockFacts {
    /// How this program does it.
    pub(super) fn usual() -> Self {
        Self {
            times: "arrival at the station, by the clock of the station's machine".to_owned(),
            skew:
                "time in the camera's RTCP sender reports, less the station's clock, when the segment began"
                    .to_owned(),
        }
    }
}

/// A time of which there is no recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapFacts {
    /// Its first moment, UTC.
    #[serde(with = "moment::utc")]
    pub from: Wall,
    /// The first after it, UTC.
    #[serde(with = "moment::utc")]
    pub to: Wall,
    /// Why: see [`crate::record::GapCause::as_str`].
    pub cause: String,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFacts {
    /// Its id.
    pub id: RuleId,
    /// Changes with its meaning.
    pub version: String,
}

/// What wrote a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftwareFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl SoftwareFacts {
    /// This program.
    pub(super) fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Who exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExporterFacts {
    /// The name.
    pub who: String,
    /// The unit.
    pub unit: String,
}

/// A file of the pack that is no video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Of all its bytes.
    pub sha256: Sum,
}

impl FileFacts {
    /// Of a file that is at hand.
    pub(super) fn of(file: &str, bytes: &[u8]) -> Self {
        Self { file: file.to_owned(), bytes: bytes.len() as u64, sha256: Sum::of(bytes) }
    }
}

impl Manifest {
    /// As it is written, and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("texts, numbers and JSON are always JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Every fragment, in order, with the name of its file.
    pub fn fragments(&self) -> impl Iterator<Item = (&str, &FragmentFacts)> {
        self.videos.iter().flat_map(|video| video.fragments.iter().map(|f| (video.file.as_str(), f)))
    }

    /// The tree over its fragments.
    pub(super) fn tree(videos: &[Video]) -> MerkleFacts {
        let leaves: Vec<Sum> = videos.iter().flat_map(|v| v.fragments.iter().map(|f| f.sha256)).collect();
        MerkleFacts { leaves: leaves.len() as u64, root: merkle::root(&leaves) }
    }
}

impl FragmentFacts {
    /// When its last picture has been shown.
    pub fn to(&self) -> Wall {
        self.from.after(std::time::Duration::from_millis(self.length_ms))
    }
}

/// The name of video number `index` (from 0) of `count`.
pub(super) fn video_name(index: usize, count: usize) -> String {
    if count == 1 { "clip.mp4".to_owned() } else { format!("clip-{}.mp4", index + 1) }
}
