//! Encoded material: what simulated cameras show, encoded once and shared by all of them.
//!
//! A [`Reel`] is one encoded sequence in two sizes with the places where it may be cut; a [`Material`] holds the reels that
//! a scenario needs. Reels are made by [`studio`] and kept by [`cache`]. When what is shown belongs to `timeline`; how
//! it travels, to `rtp`.

mod cache;
mod coding;
mod encoder;
mod film;
mod pixels;
mod recode;
mod street;
mod studio;

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
pub use coding::{BFrames, Coding, Gop, NoCoding, RateControl};
pub use recode::{EncodedFilm, FilmUnit, NightNoise, Recoding, encode_film};
use serde::{Deserialize, Serialize};
pub use street::{Guise, Street};

use super::{
    SimError,
    rtp::{self, Packet},
    scenario::{Scenario, SimCamera, Source},
};
use crate::{camera::Codec, config::StreamRole, geometry::Size};

/// Where Debian's `opencv-doc` puts the footage, and where set-up puts it, relative to the repository.
const FOOTAGE_PLACES: [&str; 3] = [
    "/usr/share/doc/opencv-doc/examples/data/vtest.avi",
    "/usr/share/doc/opencv-doc/examples/data/vtest.avi.gz",
    ".cache/footage/vtest.mp4",
];

/// How far preparation has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done, for a person.
    pub step: &'static str,
    /// Share of the whole that is done, 0..=1.
    pub done: f32,
}

/// Where things come from and go to.
#[derive(Debug, Clone)]
pub struct Studio {
    /// Folder for encoded reels; made where it is missing.
    pub cache: PathBuf,
    /// Footage of the village street. `None`: where set-up or Debian's `opencv-doc` put it.
    pub footage: Option<PathBuf>,
}

/// A frame rate: so many frames in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Frames.
    pub frames: u32,
    /// Seconds; not zero.
    pub seconds: u32,
}

impl Rate {
    /// Nanoseconds from frame 0 to frame `frame`.
    pub fn ns_at(self, frame: u64) -> u64 {
        self.scaled(frame, 1_000_000_000) as u64
    }

    /// Ticks of the RTP clock (1/90000 s) from frame 0 to frame `frame`, wrapped to what RTP carries.
    pub fn rtp_ticks_at(self, frame: u64) -> u32 {
        self.scaled(frame, u64::from(rtp::CLOCK_HZ)) as u32
    }

    /// The first frame that is not earlier than `ns` after frame 0.
    pub fn frame_at_or_after(self, ns: u64) -> u64 {
        let unit = 1_000_000_000 * u128::from(self.seconds);
        (u128::from(ns) * u128::from(self.frames)).div_ceil(unit) as u64
    }

    fn scaled(self, frame: u64, per_second: u64) -> u128 {
        u128::from(frame) * u128::from(per_second) * u128::from(self.seconds) / u128::from(self.frames)
    }
}

/// One encoded picture, and its packets.
#[derive(Debug)]
pub struct Unit {
    /// The access unit: Annex B with parameter sets in front of each key frame, or a JFIF picture.
    pub data: Bytes,
    /// Decoding may start here.
    pub is_key: bool,
    /// What goes over the wire, sharing `data`'s memory.
    pub packets: Box<[Packet]>,
}

/// A sequence in one size.
#[derive(Debug)]
pub struct Track {
    /// Its coding.
    pub codec: Codec,
    /// Its picture.
    pub size: Size,
    /// Its frame rate.
    pub rate: Rate,
    /// Parameter sets (SPS and PPS; VPS, SPS and PPS), without start codes. Empty for JPEG.
    pub parameter_sets: Vec<Bytes>,
    /// All of its access units.
    pub units: Vec<Arc<Unit>>,
}

/// What a camera's picture is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Two streams, main in the footage's own size and sub half of it each way, at the footage's own frame rate; a visitor
    /// appears in a key frame.
    #[default]
    Village,
    /// One stream as a town's sub streams are: 640x360, 15 frames a second. A visitor appears in the middle of a group, in
    /// each visit at another place of it.
    Fleet,
}

impl Format {
    /// Its picture; `None`: the footage's own.
    fn size(self) -> Option<Size> {
        (self == Self::Fleet).then_some(Size::new(640, 360))
    }

    /// Its frame rate; `None`: the footage's own.
    fn rate(self) -> Option<Rate> {
        (self == Self::Fleet).then_some(Rate { frames: 15, seconds: 1 })
    }
}

/// Somebody comes. The first unit is a key frame. Frames are counted from there: `seen_from` <= `shows_from` <
/// `shows_until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitCut {
    /// Which units.
    pub units: Range<usize>,
    /// The first frame that shows something of the person; 0 in [`Format::Village`].
    pub seen_from: usize,
    /// The first frame in which the person is half in the picture: it covers at least half of the median count of pixels that
    /// it covers over its walk.
    pub shows_from: usize,
    /// How many of them, from the start, show the person; nobody is in the rest.
    pub shows_until: usize,
}

/// Where a sequence may be cut. Each range begins at a key frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cuts {
    /// Units from key frame to key frame. `still` and all visits are whole multiples of it.
    pub gop: usize,
    /// The footage as it is. Empty where the scene was composed.
    pub whole: Range<usize>,
    /// Nothing happens. Empty for footage that was not composed.
    pub still: Range<usize>,
    /// Somebody comes.
    pub visits: Vec<VisitCut>,
}

/// One encoded sequence, in two sizes where its format has two.
#[derive(Debug)]
pub struct Reel {
    /// Full size.
    pub main: Track,
    /// Half of it each way. `None`: the camera has one stream.
    pub sub: Option<Track>,
    /// Where it may be cut; the same for both.
    pub cuts: Cuts,
}

impl Reel {
    /// The track of a role: of a camera with one stream, always that one.
    pub fn track(&self, role: StreamRole) -> &Track {
        match role {
            StreamRole::Main => &self.main,
            StreamRole::Sub => self.sub.as_ref().unwrap_or(&self.main),
        }
    }
}

/// Names a reel: what was filmed, and how it is coded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ReelKey {
    source: Source,
    format: Format,
    coding: Coding,
}

impl ReelKey {
    fn usual(source: &Source, codec: Codec) -> Self {
        Self { source: source.clone(), format: Format::Village, coding: Coding::of(codec) }
    }
}

impl From<&SimCamera> for ReelKey {
    fn from(camera: &SimCamera) -> Self {
        Self { source: camera.material.clone(), format: camera.format, coding: camera.coding() }
    }
}

impl fmt::Display for ReelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.source {
            Source::Street => "street".into(),
            Source::Busy => "busy".into(),
            Source::File(path) => path.file_stem().unwrap_or_default().to_string_lossy(),
        };
        write!(f, "{name}")?;
        if self.format == Format::Fleet {
            f.write_str("-fleet")?;
        }
        if self.coding == Coding::of(self.coding.codec) {
            write!(f, "-{}", codec_name(self.coding.codec))
        } else {
            write!(f, "-{}", self.coding)
        }
    }
}

/// `h264`, `h265` or `mjpeg`.
pub fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::H264 => "h264",
        Codec::H265 => "h265",
        Codec::Mjpeg => "mjpeg",
    }
}

/// The reels that a village needs.
#[derive(Debug, Default)]
pub struct Material {
    reels: BTreeMap<ReelKey, Arc<Reel>>,
}

impl Material {
    /// The village street in H.264, from the footage that set-up installed. Takes some seconds the first time, and
    /// a moment when the cache has it. Blocks: call it from a thread that may wait.
    pub fn prepare(cache: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, SimError> {
        let studio = Studio { cache: cache.to_owned(), footage: None };
        Self::prepare_reels(&studio, [ReelKey::usual(&Source::Street, Codec::H264)], progress)
    }

    /// All that the cameras of a scenario show. Blocks, like [`Material::prepare`].
    pub fn prepare_for(
        scenario: &Scenario,
        studio: &Studio,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, SimError> {
        Self::prepare_reels(studio, scenario.cameras.iter().map(ReelKey::from), progress)
    }

    fn prepare_reels(
        studio: &Studio,
        wanted: impl IntoIterator<Item = ReelKey>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, SimError> {
        let mut material = Self::default();
        for key in wanted {
            if material.reels.contains_key(&key) {
                continue;
            }
            let footage = match &key.source {
                Source::File(path) => path.clone(),
                Source::Street | Source::Busy => find_footage(studio)?,
            };
            let path = cache::path_of(&studio.cache, &key.to_string(), &footage)?;
            let reel = match cache::load(&path) {
                Some(reel) => reel,
                None => {
                    let footage = film::unpack(&footage, &studio.cache)?;
                    let encoded = match key.source {
                        Source::Street => studio::compose(&footage, key.format, &key.coding, progress)?,
                        Source::Busy | Source::File(_) => {
                            studio::transcode(&footage, key.format, &key.coding, progress)?
                        }
                    };
                    cache::store(&path, &encoded)?;
                    encoded.into_reel()
                }
            };
            material.reels.insert(key, Arc::new(reel));
        }
        Ok(material)
    }

    /// The reel that shows `source` in the village's format and this codec's usual coding, if it was prepared.
    pub fn reel(&self, source: &Source, codec: Codec) -> Option<Arc<Reel>> {
        self.reels.get(&ReelKey::usual(source, codec)).cloned()
    }

    /// The reel that a camera plays, if it was prepared.
    pub fn reel_of(&self, camera: &SimCamera) -> Option<Arc<Reel>> {
        self.reels.get(&ReelKey::from(camera)).cloned()
    }

    /// How long each visit of the village street lasts; empty where it was not prepared.
    pub fn visit_lengths(&self) -> Vec<Duration> {
        let street = self.reels.values().find(|reel| !reel.cuts.visits.is_empty());
        street.map_or_else(Vec::new, |reel| {
            let length =
                |visit: &VisitCut| Duration::from_nanos(reel.main.rate.ns_at(visit.units.len() as u64));
            reel.cuts.visits.iter().map(length).collect()
        })
    }

    /// How long somebody is in the picture in each of the street's visits.
    pub fn seen_lengths(&self) -> Vec<Duration> {
        let street = self.reels.values().find(|reel| !reel.cuts.visits.is_empty());
        street.map_or_else(Vec::new, |reel| {
            let frames = |visit: &VisitCut| visit.shows_until.saturating_sub(visit.seen_from) as u64;
            let length = |visit: &VisitCut| Duration::from_nanos(reel.main.rate.ns_at(frames(visit)));
            reel.cuts.visits.iter().map(length).collect()
        })
    }
}

fn find_footage(studio: &Studio) -> Result<PathBuf, SimError> {
    match &studio.footage {
        Some(path) if path.is_file() => Ok(path.clone()),
        Some(path) => Err(SimError::NoFootage { looked: path.display().to_string() }),
        None => FOOTAGE_PLACES
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
            .ok_or_else(|| SimError::NoFootage { looked: FOOTAGE_PLACES.join(", ") }),
    }
}

/// A sequence as the encoders gave it.
#[derive(Debug)]
struct Encoded {
    codec: Codec,
    rate: Rate,
    cuts: Cuts,
    main: EncodedTrack,
    sub: Option<EncodedTrack>,
}

/// One size of it.
#[derive(Debug)]
struct EncodedTrack {
    size: Size,
    /// Access units; whether each is a key frame.
    units: Vec<(Bytes, bool)>,
}

impl Encoded {
    fn into_reel(self) -> Reel {
        let track = |encoded: EncodedTrack| {
            let units: Vec<Arc<Unit>> = encoded
                .units
                .into_iter()
                .map(|(data, is_key)| {
                    let packets = rtp::packetise(self.codec, &data).into();
                    Arc::new(Unit { data, is_key, packets })
                })
                .collect();
            let parameter_sets =
                units.first().map_or_else(Vec::new, |u| rtp::parameter_sets(self.codec, &u.data));
            Track { codec: self.codec, size: encoded.size, rate: self.rate, parameter_sets, units }
        };
        Reel { main: track(self.main), sub: self.sub.map(track), cuts: self.cuts }
    }
}
