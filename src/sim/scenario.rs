//! Which camera shows what, and when: a list of cameras and a list of events.
//!
//! Written by hand (TOML or JSON) or drawn from a seed. Serialisable, so that a test or a bench knows the truth. What the
//! events do to a stream, second by second, belongs to `timeline`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};

use super::{
    SimError,
    auth::Login,
    material::{Coding, Format, Material},
};
use crate::{camera::Codec, id::CameraId};

/// Most cameras of one village.
pub const CAMERAS_MAX: usize = 4_096;
/// Most events of one scenario.
pub const EVENTS_MAX: usize = 1_000_000;
/// Largest scenario file, in bytes.
pub const FILE_MAX: u64 = 128 << 20;
/// Of the village drawn from a seed: shortest and longest pause between the end of a visit and the next one.
const PAUSE_S: std::ops::Range<f64> = 5.0..20.0;
/// The first visit of such a village comes within this time, on its first camera.
const FIRST_S: f64 = 4.0;

/// What a simulated camera films.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A still street, where somebody comes when the scenario says so.
    #[default]
    Street,
    /// The same street as it was filmed: several people at any time, over and over.
    Busy,
    /// A video file of your own, over and over.
    File(PathBuf),
}

/// How the track's URL is written in the session description. Cameras do either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// `track1`, below `Content-Base`.
    #[default]
    Relative,
    /// The whole URL.
    Absolute,
}

/// A simulated camera: `rtsp://…/{id}` is its main stream, `rtsp://…/{id}/sub` its sub stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimCamera {
    /// Its id, which is its path.
    pub id: CameraId,
    /// What it films.
    #[serde(default)]
    pub material: Source,
    /// How it codes.
    #[serde(default = "h264", with = "codec_text")]
    pub codec: Codec,
    /// How it codes, in every detail, as in `h264-vbr512max1024-gop2s`; stands above `codec`. `None`: that codec's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coding: Option<Coding>,
    /// What its picture is like.
    #[serde(default)]
    pub format: Format,
    /// User and password that it asks for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// How it writes URLs.
    #[serde(default)]
    pub control: Control,
}

impl SimCamera {
    /// A camera over the still street, H.264, open to all.
    pub fn new(id: CameraId) -> Self {
        Self {
            id,
            material: Source::Street,
            codec: Codec::H264,
            coding: None,
            format: Format::Village,
            login: None,
            control: Control::Relative,
        }
    }

    /// How it codes.
    pub fn coding(&self) -> Coding {
        self.coding.unwrap_or(Coding::of(self.codec))
    }
}

/// What goes wrong with a camera. Times count from the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Closes all connections, and answers nobody.
    Away {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
    },
    /// Keeps all connections, and says nothing.
    Frozen {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
    },
    /// Asks for another user and password from now on, and closes all connections.
    Login(Login),
    /// Sends bytes that are neither RTSP nor RTP.
    Garbage {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
    },
    /// Flips bits in the video: packets arrive, and what they carry is broken.
    Corrupt {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
    },
    /// Loses datagrams. Streams over TCP lose nothing.
    Loss {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Sends the other stream's picture size, with its parameter sets, in mid-stream.
    OtherSize {
        /// How long.
        #[serde(rename = "for_s", with = "seconds")]
        lasts: Duration,
    },
    /// Its clock, as told by sender reports, is wrong by this much more from now on.
    ClockJump {
        /// Milliseconds; negative: into the past.
        by_ms: i64,
    },
}

impl Fault {
    /// How long it lasts; `None`: from now on.
    pub fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Away { lasts }
            | Self::Frozen { lasts }
            | Self::Garbage { lasts }
            | Self::Corrupt { lasts }
            | Self::Loss { lasts, .. }
            | Self::OtherSize { lasts } => Some(*lasts),
            Self::Login(_) | Self::ClockJump { .. } => None,
        }
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Somebody comes: the visit of this number, counted from 0.
    Visit(usize),
    /// Something breaks.
    Fault(Fault),
}

/// Something happens at one camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Where.
    pub camera: CameraId,
    /// When, from the start of the village. A visit begins at the next key frame, and after the visit before.
    #[serde(rename = "at_s", with = "seconds")]
    pub at: Duration,
    /// What.
    pub kind: EventKind,
}

/// The whole script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Seeds everything that is drawn: RTP offsets, noise on the wire, and the events of [`Scenario::village`].
    #[serde(default)]
    pub seed: u64,
    /// A session without a sign of life from its client ends after this.
    #[serde(default = "minute", rename = "session_timeout_s", with = "seconds")]
    pub session_timeout: Duration,
    /// All events happen again after this. `None`: once.
    #[serde(default, rename = "repeat_s", with = "maybe_seconds", skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Duration>,
    /// The cameras. Ids are unique.
    pub cameras: Vec<SimCamera>,
    /// What happens, in any order.
    #[serde(default)]
    pub events: Vec<Event>,
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn h264() -> Codec {
    Codec::H264
}

impl Scenario {
    /// Cameras over the still street, and nothing happens.
    pub fn quiet(cameras: &[CameraId]) -> Self {
        Self {
            seed: 0,
            session_timeout: minute(),
            repeat: None,
            cameras: cameras.iter().cloned().map(SimCamera::new).collect(),
            events: Vec::new(),
        }
    }

    /// A village where people come and go: each camera has a visit every 15 to 40 seconds or so, never two at once, the
    /// first one within seconds. After `length` it all happens again. `visits` are the lengths of the visits that the
    /// material has ([`Material::visit_lengths`]). The same seed gives the same village.
    pub fn village(cameras: &[CameraId], seed: u64, length: Duration, visits: &[Duration]) -> Self {
        let mut scenario = Self { seed, repeat: Some(length), ..Self::quiet(cameras) };
        if visits.is_empty() {
            return scenario;
        }
        for (index, camera) in cameras.iter().enumerate() {
            let mut random =
                SmallRng::seed_from_u64(seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let first = if index == 0 { FIRST_S / 2.0..FIRST_S } else { 2.0..PAUSE_S.end + 10.0 };
            let mut at = Duration::from_secs_f64(random.random_range(first));
            loop {
                let visit = random.random_range(0..visits.len());
                if at + visits[visit] > length || scenario.events.len() == EVENTS_MAX {
                    break;
                }
                // Whole milliseconds survive being written down.
                let at_ms = Duration::from_millis(at.as_millis() as u64);
                scenario.events.push(Event {
                    camera: camera.clone(),
                    at: at_ms,
                    kind: EventKind::Visit(visit),
                });
                at += visits[visit] + Duration::from_secs_f64(random.random_range(PAUSE_S));
            }
        }
        scenario.events.sort_by_key(|event| event.at);
        scenario
    }

    /// Reads a scenario from a file: JSON where its name ends so, else TOML.
    pub fn read(path: &Path) -> Result<Self, SimError> {
        let failed = |why: String| SimError::ScenarioFile { path: path.to_owned(), why };
        let length = fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
        if length > FILE_MAX {
            return Err(failed(format!("it has {length} bytes, more than {FILE_MAX}")));
        }
        let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        let parsed = if path.extension().is_some_and(|e| e == "json") {
            serde_json::from_str(&text).map_err(|e| e.to_string())
        } else {
            toml::from_str(&text).map_err(|e| e.to_string())
        };
        parsed.map_err(failed)
    }

    /// Everything that is wrong with it, all at once.
    pub fn check(&self, material: &Material) -> Result<(), SimError> {
        let mut wrong = Vec::new();
        if self.cameras.is_empty() || self.cameras.len() > CAMERAS_MAX {
            wrong.push(format!("{} cameras: a village has 1 to {CAMERAS_MAX}", self.cameras.len()));
        }
        if self.events.len() > EVENTS_MAX {
            wrong.push(format!("{} events: at most {EVENTS_MAX}", self.events.len()));
        }
        if self.session_timeout < Duration::from_secs(1) {
            wrong.push("session_timeout_s: at least 1".to_owned());
        }
        if self.repeat.is_some_and(|repeat| self.events.iter().any(|event| event.at >= repeat)) {
            wrong.push("repeat_s: longer than the time of the last event".to_owned());
        }
        let mut known = BTreeMap::new();
        for camera in &self.cameras {
            if known.insert(&camera.id, camera).is_some() {
                wrong.push(format!("camera {}: there are two of this name", camera.id));
            }
            if material.reel_of(camera).is_none() {
                wrong.push(format!(
                    "camera {}: no material was prepared for it in {}",
                    camera.id,
                    camera.coding()
                ));
            }
        }
        for (number, event) in self.events.iter().enumerate().take(EVENTS_MAX) {
            let Some(camera) = known.get(&event.camera) else {
                wrong.push(format!("event {number}: no camera {}", event.camera));
                continue;
            };
            let EventKind::Visit(visit) = event.kind else { continue };
            let visits = match (&camera.material, material.reel_of(camera)) {
                (Source::Street, Some(reel)) => reel.cuts.visits.len(),
                _ => 0,
            };
            if visit >= visits {
                wrong.push(format!(
                    "event {number}: camera {} has {visits} visits, there is no number {visit}",
                    camera.id
                ));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(SimError::Scenario { wrong }) }
    }
}

/// Durations as seconds, in a scenario file.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        // Ten years: nothing runs longer, and sums of such times do not overflow.
        if !(0.0..=315_360_000.0).contains(&seconds) {
            return Err(D::Error::custom(format!("{seconds} s: a time from 0 to 315360000 s is wanted")));
        }
        Ok(Duration::from_micros((seconds * 1e6).round() as u64))
    }
}

mod maybe_seconds {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::seconds::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        super::seconds::deserialize(from).map(Some)
    }
}

mod codec_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::super::material::codec_name;
    use crate::camera::Codec;

    pub(super) fn serialize<S: Serializer>(value: &Codec, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(codec_name(*value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Codec, D::Error> {
        let text = String::deserialize(from)?;
        [Codec::H264, Codec::H265, Codec::Mjpeg]
            .into_iter()
            .find(|&codec| codec_name(codec) == text)
            .ok_or_else(|| D::Error::custom(format!("codec \"{text}\": h264, h265 or mjpeg is wanted")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::auth::Scheme;

    fn ids(names: &[&str]) -> Vec<CameraId> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_village_repeats_itself_and_nobody_meets() {
        let visits = [Duration::from_secs(16), Duration::from_secs(9)];
        let draw = |seed| Scenario::village(&ids(&["a", "b", "c"]), seed, Duration::from_secs(3600), &visits);
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let village = draw(7);
        assert!(village.events[0].at <= Duration::from_secs(4), "{:?}", village.events[0]);
        for camera in ids(&["a", "b", "c"]) {
            let mine: Vec<_> = village.events.iter().filter(|e| e.camera == camera).collect();
            for pair in mine.windows(2) {
                let EventKind::Visit(visit) = pair[0].kind else { panic!("{pair:?}") };
                assert!(pair[0].at + visits[visit] < pair[1].at, "{pair:?}");
            }
            let mean_s = 3600.0 / mine.len() as f64;
            assert!((15.0..40.0).contains(&mean_s), "{mean_s}");
        }
    }

    #[test]
    fn a_scenario_survives_being_written_down() {
        let mut scenario =
            Scenario::village(&ids(&["a", "b"]), 1, Duration::from_secs(60), &[Duration::from_secs(10)]);
        scenario.cameras[0].codec = Codec::H265;
        scenario.cameras[1].coding = Some("h264-cbr512fill-gop2s".parse().unwrap());
        scenario.cameras[1].format = Format::Fleet;
        scenario.cameras[0].login =
            Some(Login { user: "u".into(), password: "p".into(), scheme: Scheme::Basic });
        scenario.cameras[1].material = Source::File("x.mp4".into());
        let lasts = Duration::from_millis(1500);
        for fault in
            [Fault::Away { lasts }, Fault::Loss { lasts, per_mille: 20 }, Fault::ClockJump { by_ms: -5 }]
        {
            let kind = EventKind::Fault(fault);
            scenario.events.push(Event { camera: "a".parse().unwrap(), at: lasts, kind });
        }
        let text = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&text).unwrap(), scenario, "{text}");
    }

    #[test]
    fn a_scenario_is_written_by_hand() {
        let text = r#"
            [[cameras]]
            id = "gate"
            login = { user = "u", password = "p" }
            [[cameras]]
            id = "yard"
            material = "busy"
            codec = "mjpeg"
            format = "fleet"
            [[cameras]]
            id = "road"
            material = { file = "road.mp4" }
            control = "absolute"
            coding = "h265-q30-gop2s"
            [[events]]
            camera = "gate"
            at_s = 2.5
            kind = { visit = 1 }
            [[events]]
            camera = "yard"
            at_s = 10
            kind = { fault = { away = { for_s = 5 } } }
        "#;
        let scenario: Scenario = toml::from_str(text).unwrap();
        assert_eq!(scenario.events[0].at, Duration::from_millis(2500));
        assert_eq!(scenario.events[1].kind, EventKind::Fault(Fault::Away { lasts: Duration::from_secs(5) }));
        assert_eq!(scenario.cameras[2].material, Source::File("road.mp4".into()));
        assert_eq!(scenario.cameras[2].coding().codec, Codec::H265);
        assert_eq!(
            (scenario.cameras[1].format, scenario.cameras[0].format),
            (Format::Fleet, Format::Village)
        );
        for bad in [
            "seed = -1",
            "cameras = [{ id = \"A\" }]",
            "cameras = []\nevent = 1",
            "cameras = [{ id = \"a\", codec = \"vp8\" }]",
            "cameras = [{ id = \"a\", coding = \"h264\" }]",
            "cameras = [{ id = \"a\", format = \"wide\" }]",
        ] {
            assert!(toml::from_str::<Scenario>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut scenario = Scenario::quiet(&ids(&["a", "a"]));
        scenario.events.push(Event {
            camera: "b".parse().unwrap(),
            at: Duration::ZERO,
            kind: EventKind::Visit(0),
        });
        scenario.events.push(Event {
            camera: "a".parse().unwrap(),
            at: Duration::ZERO,
            kind: EventKind::Visit(0),
        });
        let Err(SimError::Scenario { wrong }) = scenario.check(&Material::default()) else { panic!() };
        assert_eq!(wrong.len(), 5, "{wrong:#?}");
    }
}
