//! How a record lies in its frame.
//!
//! Owns the layout, and nothing else. Integers of fixed length are big-endian; *n* is a LEB128 integer, *z* one that is zigzag-coded; a text is
//! its length in bytes (*n*) and UTF-8; a list is its length (*n*) and its items; an id that is minted is 16 bytes; a word of a closed list is its
//! place in it (u8), 0xff where there is none; a time is milliseconds since the Unix epoch (i64), or since the passage's begin (*z*).
//!
//! ```text
//! in force: run time │ camera text │ model text │ sha256 text │ rules: id text, version text, kind
//! raised:   alert │ camera text │ rule text │ version text │ kind │ direction │ time │ class │ tracks: n
//! passed:   clip │ camera, entry point, village text │ level │ from time │ to z │ class │ confidence f32 │ zones, lines: text │ direction
//!           │ kinds │ alerts │ light │ part │ legs: track n, end u8 (0 open, 1 gone, 2 sight lost), [end z], looks
//! look:     flags u8 │ z: time since the look before, less that one's │ [class u8] │ [confidence u8, 1/200 │ 4 edges z, 1/4096, since the last seen]
//! ```
//! A look's flags: 1 seen, 2 a class follows, 4 has moved; others must be 0. Reading never panics, whatever the bytes; what is left over is refused.

mod read;

use ulid::Ulid;

use self::read::Rest;
use super::{End, InForce, Leg, Part, Passed, Raised, Record};
use crate::{
    alert::Kind,
    clip::Light,
    config::{Direction, Level},
    detect::Class,
    time::Wall,
};

/// Steps of a share of the picture.
const STEPS: f32 = 4096.0;
/// Steps of a confidence: thresholds in hundredths lie on them, so that rounding down changes no comparison.
const SURE_STEPS: f32 = 200.0;
const NONE: u8 = 0xff;

const SEEN: u8 = 1;
const CLASS: u8 = 2;
const MOVED: u8 = 4;

const KINDS: [Kind; 16] = [
    Kind::LineCross,
    Kind::ZoneEnter,
    Kind::ZoneLeave,
    Kind::WrongWay,
    Kind::Dwell,
    Kind::VehicleStopped,
    Kind::Crowd,
    Kind::Livestock,
    Kind::NightPassage,
    Kind::WatchHit,
    Kind::PanicButton,
    Kind::ExternalSensor,
    Kind::CameraOffline,
    Kind::CameraTamper,
    Kind::CameraDegraded,
    Kind::ClosureLost,
];
const LEVELS: [Level; 4] = [Level::Ring, Level::Block, Level::Line, Level::Point];
const DIRECTIONS: [Direction; 2] = [Direction::In, Direction::Out];
const LIGHTS: [Light; 2] = [Light::Day, Light::Night];
const PARTS: [Part; 4] = [Part::Whole, Part::First, Part::Further, Part::Idle];

/// Kinds of records, as their frames carry them.
const IN_FORCE: u8 = 1;
const PASSED: u8 = 2;
const RAISED: u8 = 3;

/// A frame is whole and is no record that this program knows: what in it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its {0} cannot be read: was it written by a newer program?")]
pub struct Malformed(pub &'static str);

/// Record → kind and content of its frame.
pub fn encode(record: &Record) -> (u8, Vec<u8>) {
    let mut out = Out(Vec::with_capacity(256));
    let kind = match record {
        Record::InForce(it) => {
            out.in_force(it);
            IN_FORCE
        }
        Record::Passed(it) => {
            out.passed(it);
            PASSED
        }
        Record::Raised(it) => {
            out.raised(it);
            RAISED
        }
    };
    (kind, out.0)
}

/// Kind and content of a frame → record.
///
/// # Errors
/// What of it cannot be read.
pub fn decode(kind: u8, content: &[u8]) -> Result<Record, Malformed> {
    let mut rest = Rest(content);
    let record = match kind {
        IN_FORCE => Record::InForce(rest.in_force()?),
        PASSED => Record::Passed(Box::new(rest.passed()?)),
        RAISED => Record::Raised(rest.raised()?),
        _ => return Err(Malformed("kind")),
    };
    if rest.0.is_empty() { Ok(record) } else { Err(Malformed("end")) }
}

struct Out(Vec<u8>);

impl Out {
    fn n(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn z(&mut self, value: i64) {
        self.n(((value << 1) ^ (value >> 63)) as u64);
    }

    fn text(&mut self, text: &str) {
        self.n(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn time(&mut self, at: Wall) {
        self.0.extend_from_slice(&at.unix_ms().to_be_bytes());
    }

    fn ulid(&mut self, id: Ulid) {
        self.0.extend_from_slice(&id.0.to_be_bytes());
    }

    fn word<T: PartialEq>(&mut self, list: &[T], word: &T) {
        let place = list.iter().position(|it| it == word);
        self.0.push(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(NONE));
    }

    fn direction(&mut self, direction: Option<Direction>) {
        match direction {
            Some(direction) => self.word(&DIRECTIONS, &direction),
            None => self.0.push(NONE),
        }
    }

    fn in_force(&mut self, it: &InForce) {
        self.time(it.run);
        self.text(it.camera.as_str());
        self.text(&it.model);
        self.text(&it.model_sha256);
        self.n(it.rules.len() as u64);
        for rule in &it.rules {
            self.text(rule.id.as_str());
            self.text(&rule.version);
            self.word(&KINDS, &rule.kind);
        }
    }

    fn raised(&mut self, it: &Raised) {
        self.ulid(it.alert.0);
        self.text(it.camera.as_str());
        self.text(it.rule.as_str());
        self.text(&it.version);
        self.word(&KINDS, &it.kind);
        self.direction(it.direction);
        self.time(it.at);
        self.0.push(it.class as u8);
        self.n(it.tracks.len() as u64);
        for track in &it.tracks {
            self.n(track.0);
        }
    }

    fn passed(&mut self, it: &Passed) {
        let clip = &it.clip;
        self.ulid(clip.id.0);
        self.text(clip.camera.as_str());
        self.text(clip.entry_point.as_str());
        self.text(clip.village.as_str());
        self.word(&LEVELS, &clip.level);
        self.time(clip.from);
        let from_ms = clip.from.unix_ms();
        self.z(clip.to.unix_ms().saturating_sub(from_ms));
        self.0.push(clip.class as u8);
        self.0.extend_from_slice(&clip.confidence.to_be_bytes());
        self.n(clip.zones.len() as u64);
        for zone in &clip.zones {
            self.text(zone.as_str());
        }
        self.n(clip.lines.len() as u64);
        for line in &clip.lines {
            self.text(line.as_str());
        }
        self.direction(clip.direction);
        self.n(clip.kinds.len() as u64);
        for kind in &clip.kinds {
            self.word(&KINDS, kind);
        }
        self.n(clip.alerts.len() as u64);
        for alert in &clip.alerts {
            self.ulid(alert.0);
        }
        self.word(&LIGHTS, &clip.light);
        self.word(&PARTS, &it.part);
        self.n(it.path.len() as u64);
        for leg in &it.path {
            self.leg(leg, from_ms);
        }
    }

    fn leg(&mut self, leg: &Leg, from_ms: i64) {
        self.n(leg.track.0);
        match leg.end {
            End::Open => self.0.push(0),
            End::Gone(at) | End::SightLost(at) => {
                self.0.push(if matches!(leg.end, End::Gone(_)) { 1 } else { 2 });
                self.z(at.unix_ms().saturating_sub(from_ms));
            }
        }
        self.n(leg.looks.len() as u64);
        let mut before = Before::new(from_ms);
        for look in &leg.looks {
            let class = look.seen.map(|sight| sight.class).filter(|class| Some(*class) != before.class);
            let flag = |is: bool, flag: u8| if is { flag } else { 0 };
            let flags = flag(look.seen.is_some(), SEEN) | flag(class.is_some(), CLASS);
            self.0.push(flags | flag(look.moved, MOVED));
            let step = look.at.unix_ms().wrapping_sub(before.ms);
            self.z(step.wrapping_sub(before.step));
            (before.ms, before.step) = (look.at.unix_ms(), step);
            let Some(sight) = look.seen else { continue };
            if let Some(class) = class {
                self.0.push(class as u8);
                before.class = Some(class);
            }
            // 0.45 as a float lies a little below 90/200: what is that near to a step is on it.
            self.0.push((sight.confidence.clamp(0.0, 1.0) * SURE_STEPS + 1e-3).floor() as u8);
            let bbox = sight.bbox;
            for (edge, before) in [bbox.l, bbox.t, bbox.r, bbox.b].into_iter().zip(&mut before.edges) {
                let edge = (edge.clamp(0.0, 1.0) * STEPS).round() as i64;
                self.z(edge - *before);
                *before = edge;
            }
        }
    }
}

/// What a look is told in difference to.
struct Before {
    ms: i64,
    step: i64,
    class: Option<Class>,
    edges: [i64; 4],
}

impl Before {
    fn new(from_ms: i64) -> Self {
        Self { ms: from_ms, step: 0, class: None, edges: [0; 4] }
    }
}
