//! What is true of this station: the checked configuration, with nothing left to check.
//!
//! Owns the types that the rest of the house reads. How they are written in a file, and every error in writing
//! them, belongs to [`super::read`]. Nothing downstream validates these again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Button, Equipment, Map, Neighbour, Notices, Post, Route, Sensor};
use crate::{
    alert::{Kind, Severity},
    detect::Class,
    geometry::{Polygon, Segment},
    id::{
        ButtonId, CameraId, EntryPointId, HoursId, LineId, ModelId, NodeId, RuleId, SensorId, StationId,
        VillageId, VolumeId, ZoneId,
    },
    time::Wall,
};

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it was read; `None` where it was not read from a file.
    pub source: Option<Source>,
    /// Who we are.
    pub station: Station,
    /// Where things lie.
    pub paths: Paths,
    /// The HTTP server: page, metrics, health.
    pub console: Console,
    /// Where alerts go.
    pub broker: Broker,
    /// How much goes into looking where nothing seems to happen.
    pub attention: Attention,
    /// How pixels are made.
    pub decode: Decode,
    /// How things are found in them.
    pub detect: Detect,
    /// How recordings are made.
    pub recording: Recording,
    /// Where recordings lie; never empty, in the order of the file.
    pub volumes: Vec<Arc<Volume>>,
    /// When the state of our own cameras is an alert.
    pub equipment: Equipment,
    /// The villages.
    pub villages: BTreeMap<VillageId, Village>,
    /// The entry points.
    pub entry_points: BTreeMap<EntryPointId, EntryPoint>,
    /// Who can be told, in the order of the file; may be empty.
    pub posts: Vec<Post>,
    /// Who is told of what: the first that fits. In the order of the file.
    pub routes: Vec<Route>,
    /// How much they are told.
    pub notices: Notices,
    /// The cameras, in the order of the file. Ids are unique.
    pub cameras: Vec<Arc<Camera>>,
    /// The buttons.
    pub buttons: BTreeMap<ButtonId, Button>,
    /// The sensors.
    pub sensors: BTreeMap<SensorId, Sensor>,
    /// The neighbouring stations, in the order of the file. Ids are unique, and none is ours.
    pub neighbours: Vec<Arc<Neighbour>>,
    /// Where things lie.
    pub map: Map,
}

/// Where a configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its text, in hex.
    pub sha256: String,
}

impl Source {
    /// Of a text that was read from `path`.
    pub fn new(path: PathBuf, text: &str) -> Self {
        let sha256 = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { path, sha256 }
    }
}

/// A name in both languages. Either may stand for the other where only one was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The station and this daemon of it.
#[derive(Debug, Clone)]
pub struct Station {
    /// Root of the topics.
    pub id: StationId,
    /// This daemon.
    pub node: NodeId,
    /// For people.
    pub name: Name,
    /// Civil time of the rules' hours.
    pub time_zone: TimeZone,
    /// How long an ordered stop may take before the daemon ends anyway.
    pub stop_grace: Duration,
}

/// Where things lie on this machine. All are absolute, or relative to the working directory.
#[derive(Debug, Clone)]
pub struct Paths {
    /// Store, outbox, snapshots.
    pub data: PathBuf,
    /// Model files and their descriptions (`*.toml`).
    pub models: PathBuf,
    /// ONNX Runtime's shared library. `None`: `ORT_DYLIB_PATH`, then the places where set-up puts it.
    pub onnxruntime: Option<PathBuf>,
}

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where it listens; loopback unless somebody wrote otherwise.
    pub listen: SocketAddr,
    /// Where neighbouring stations reach it.
    pub address: Option<url::Url>,
}

/// The MQTT broker.
#[derive(Debug, Clone)]
pub enum Broker {
    /// One inside of this process: for the demo, and for a station that has none.
    Embedded {
        /// Where it listens.
        listen: SocketAddr,
    },
    /// One that somebody runs.
    External(ExternalBroker),
}

/// A broker elsewhere.
#[derive(Debug, Clone)]
pub struct ExternalBroker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// User name and password.
    pub credentials: Option<Credentials>,
    /// TLS, where wanted.
    pub tls: Option<Tls>,
    /// Longest silence on the connection.
    pub keep_alive: Duration,
}

/// TLS to a broker.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM file of the authorities that we trust; nobody else is trusted.
    pub ca: PathBuf,
    /// PEM files of our own certificate chain and key, where the broker asks for them.
    pub client: Option<ClientCertificate>,
}

/// Our certificate.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// PEM file of the chain.
    pub chain: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
}

/// A user name and a password, already resolved from where they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// A text that never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who logs in with it. Never log, print or publish it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// What looking where nothing seems to happen may cost.
#[derive(Debug, Clone, Copy)]
pub struct Attention {
    /// Cores' worth of decoding.
    pub cores: f32,
}

/// How a camera is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionPolicy {
    /// Every frame while the budget lasts; else when the stream gives cause, and now and then.
    Auto,
    /// Every frame.
    Always,
    /// Never.
    Off,
}

/// How pixels are made.
#[derive(Debug, Clone)]
pub struct Decode {
    /// Decoding threads.
    pub threads: NonZeroUsize,
    /// Which decoder.
    pub hardware: Hardware,
}

/// Which decoder is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hardware {
    /// The best that works here: tried once at start, software where none does.
    Auto,
    /// Software only.
    Off,
    /// VA-API or nothing.
    Vaapi,
    /// NVDEC or nothing.
    Nvdec,
    /// Video4Linux stateless or stateful, or nothing.
    V4l2,
}

/// How things are found in pixels.
#[derive(Debug, Clone)]
pub struct Detect {
    /// The model to use, one of those described in [`Paths::models`].
    pub model: ModelId,
    /// Worker threads, a session each.
    pub threads: NonZeroUsize,
    /// What runs the model.
    pub provider: Provider,
}

/// ONNX Runtime's execution provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// The processor.
    Cpu,
    /// NVIDIA, by CUDA.
    Cuda,
    /// NVIDIA, by TensorRT.
    Tensorrt,
    /// Intel, by OpenVINO.
    Openvino,
}

/// How recordings are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Longest time in one file.
    pub segment: Duration,
    /// What is kept from before an alert.
    pub pre_roll: Duration,
    /// What is kept from after it.
    pub post_roll: Duration,
    /// [`RecordPolicy::keep_min`] of a camera that does not say otherwise, or that is not configured any more.
    pub keep_min: Duration,
    /// [`RecordPolicy::keep_max`] of such a camera.
    pub keep_max: Duration,
}

impl Recording {
    /// What is kept of something that was seen in `from..to`.
    pub fn around(&self, from: Wall, to: Wall) -> (Wall, Wall) {
        let pre_roll = i64::try_from(self.pre_roll.as_micros()).unwrap_or(0);
        (Wall::from_unix_us(from.unix_us().saturating_sub(pre_roll)), to.after(self.post_roll))
    }
}

/// A place for recordings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its id.
    pub id: VolumeId,
    /// Its folder.
    pub path: PathBuf,
    /// Bytes that stay free on its disk.
    pub keep_free: u64,
    /// Bytes of recordings at most; `None`: what the disk has.
    pub bytes_max: Option<u64>,
}

/// How a camera is recorded.
#[derive(Debug, Clone)]
pub struct RecordPolicy {
    /// When.
    pub when: RecordWhen,
    /// Which of its streams.
    pub role: StreamRole,
    /// At which hours alone; `None` is always.
    pub hours: Option<Arc<Hours>>,
    /// From then on not any more; `None` is for ever.
    pub until: Option<Wall>,
    /// With sound, where the camera sends it.
    pub audio: bool,
    /// Where.
    pub volume: VolumeId,
    /// 1..=9: where the disk is full or too slow, low numbers stop first.
    pub priority: u8,
    /// Kept for so long whatever happens.
    pub keep_min: Duration,
    /// Deleted after so long, unless held; not less than `keep_min`.
    pub keep_max: Duration,
}

/// When a camera is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordWhen {
    /// All the time.
    Always,
    /// Around alerts.
    Alerts,
    /// Never.
    Off,
}

/// A village.
#[derive(Debug, Clone)]
pub struct Village {
    /// For people.
    pub name: Name,
}

/// How an entry point closes the perimeter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The outer ring around several villages.
    Ring,
    /// A block of one village.
    Block,
    /// A road.
    Line,
    /// A single place.
    Point,
}

impl Level {
    /// From the outside to the inside.
    pub const ALL: [Self; 4] = [Self::Ring, Self::Block, Self::Line, Self::Point];

    /// As in payloads and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Block => "block",
            Self::Line => "line",
            Self::Point => "point",
        }
    }
}

/// A place where a road or path enters a village.
#[derive(Debug, Clone)]
pub struct EntryPoint {
    /// Its village.
    pub village: VillageId,
    /// How it closes the perimeter.
    pub level: Level,
    /// From where one may come within moments. If A is near B, then B is near A; never itself.
    pub near: BTreeSet<EntryPointId>,
    /// For people.
    pub name: Name,
}

/// A camera.
#[derive(Debug, Clone)]
pub struct Camera {
    /// Its id.
    pub id: CameraId,
    /// For people.
    pub name: Name,
    /// Where it looks.
    pub entry_point: EntryPointId,
    /// Out of service on purpose: not connected, and said so.
    pub maintenance: bool,
    /// Its main stream, without credentials.
    pub main: url::Url,
    /// Its sub stream, without credentials.
    pub sub: Option<url::Url>,
    /// For both streams.
    pub credentials: Option<Credentials>,
    /// How media travels.
    pub transport: Transport,
    /// Which stream is analysed.
    pub analyse: StreamRole,
    /// How it is watched.
    pub attention: AttentionPolicy,
    /// Longest time between two looks.
    pub look_every: Duration,
    /// Frames a second that are shown to the detector at most.
    pub detect_fps: f32,
    /// How the detector is called.
    pub view: ViewPolicy,
    /// How it is recorded.
    pub record: RecordPolicy,
    /// Areas that are never looked at: burnt in before detection and in every snapshot.
    pub masks: Vec<Polygon>,
    /// Areas that rules name.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// Lines that rules name.
    pub lines: BTreeMap<LineId, Line>,
    /// What is worth an alert here. Ids are unique.
    pub rules: Vec<Arc<Rule>>,
}

impl RecordPolicy {
    /// Not recorded at all: for trials and tests.
    pub fn off() -> Self {
        const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);
        Self {
            when: RecordWhen::Off,
            role: StreamRole::Main,
            hours: None,
            until: None,
            audio: false,
            volume: VolumeId::usual(),
            priority: 5,
            keep_min: MONTH,
            keep_max: MONTH,
        }
    }
}

impl Camera {
    /// The URL of a stream; the main stream's where there is no sub stream.
    pub fn url(&self, role: StreamRole) -> &url::Url {
        match role {
            StreamRole::Main => &self.main,
            StreamRole::Sub => self.sub.as_ref().unwrap_or(&self.main),
        }
    }
}

/// Which stream of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamRole {
    /// Full resolution.
    Main,
    /// A smaller picture of the same.
    Sub,
}

impl StreamRole {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Sub => "sub",
        }
    }
}

/// How media travels from a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Interleaved in the RTSP connection.
    Tcp,
    /// RTP over UDP.
    Udp,
}

/// How the detector is called for a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewPolicy {
    /// By the size that things turn out to have.
    Auto,
    /// Always one call on the whole picture.
    Full,
    /// Always crops around motion.
    Crops,
}

/// A zone.
#[derive(Debug, Clone)]
pub struct Zone {
    /// For people.
    pub name: Name,
    /// Where.
    pub area: Polygon,
}

/// A line with an inner side.
#[derive(Debug, Clone)]
pub struct Line {
    /// For people.
    pub name: Name,
    /// Where. Directed so that the village's inside is to the **right** of a→b as seen in the picture
    /// ([`crate::geometry::Crossing::LeftToRight`] is the way in).
    pub segment: Segment,
}

/// Which way across a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Into the village.
    In,
    /// Out of it.
    Out,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    /// As in payloads and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// What is worth an alert.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Changes whenever the rule's text does: the first 12 hex digits of a SHA-256 over its meaning.
    pub version: String,
    /// For people.
    pub name: Name,
    /// How bad it is.
    pub severity: Severity,
    /// When it is raised.
    pub when: Condition,
    /// Of what. Not empty.
    pub classes: Vec<Class>,
    /// Smallest height of the thing, as a share of the picture's height.
    pub height_min: f32,
    /// Smallest confidence of a frame that counts.
    pub confidence_min: f32,
    /// A thing is believed when `frames_needed` of its last `frames_window` looks count.
    pub frames_needed: u32,
    /// See `frames_needed`; at least as large, at most 32.
    pub frames_window: u32,
    /// When it applies; `None` is always.
    pub hours: Option<Arc<Hours>>,
    /// How long the rule stays silent on this camera after it raised an alert.
    pub cooldown: Duration,
    /// Alerts of it on this camera in an hour; more of them flood, and are told to posts in summaries.
    pub notices_per_hour: u32,
}

/// When a rule is raised.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Something comes to be in the zone (`None`: the picture).
    ZoneEnter {
        /// Where.
        zone: Option<ZoneId>,
    },
    /// Something that was in the zone leaves it, and remains in view.
    ZoneLeave {
        /// Where.
        zone: ZoneId,
    },
    /// Something stays in the zone.
    Dwell {
        /// Where (`None`: the picture).
        zone: Option<ZoneId>,
        /// For how long.
        at_least: Duration,
    },
    /// Something crosses the line.
    LineCross {
        /// Which.
        line: LineId,
        /// Which way; `None` is both.
        direction: Option<Direction>,
    },
    /// Something crosses the line against the way that is allowed.
    WrongWay {
        /// Which.
        line: LineId,
        /// The way that is allowed.
        allowed: Direction,
    },
}

impl Condition {
    /// The kind of alert that it raises.
    pub fn kind(&self) -> Kind {
        match self {
            Self::ZoneEnter { .. } => Kind::ZoneEnter,
            Self::ZoneLeave { .. } => Kind::ZoneLeave,
            Self::Dwell { .. } => Kind::Dwell,
            Self::LineCross { .. } => Kind::LineCross,
            Self::WrongWay { .. } => Kind::WrongWay,
        }
    }
}

/// Hours of the week in the station's civil time.
#[derive(Debug, Clone)]
pub struct Hours {
    /// Its id.
    pub id: HoursId,
    /// Civil time.
    pub time_zone: TimeZone,
    /// When it applies: any of these. Not empty.
    pub spans: Vec<HoursSpan>,
}

/// One span of a day. Where `to <= from`, it ends on the next day; the weekday is the one on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoursSpan {
    /// On which weekdays it begins. Not empty.
    pub days: Vec<civil::Weekday>,
    /// From, inclusive.
    pub from: civil::Time,
    /// To, exclusive.
    pub to: civil::Time,
}
