//! The seen log: what was tracked and what was raised, kept compactly beside the recordings.
//!
//! ```text
//! lane ─Passage─▶ chronicler ─Record─▶ Writer ─▶ {volume}/{camera}/{YYYY-MM-DD}/seen.log ─▶ Records ─▶ clip index, shadow replay
//! ```
//! Owns the words, their layout, and the files, which are append-only: from them the clip index can be built anew, and other rules can be tried
//! over what was seen. Which tracks are worth a passage belongs to `lane`; what the rules say of them to `rules`.

mod codec;
mod file;
mod shelf;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

pub use self::{
    codec::{Malformed, decode, encode},
    file::{Damage, LEN_MAX, Records, Why, frame},
    shelf::{Log, clips, lacking_since, logs},
    writer::{HANDLES_MAX, SeenError, Writer, day_of, path_of},
};
use crate::{
    alert::{Alert, Kind},
    clip::Clip,
    config::Direction,
    detect::Class,
    geometry::UnitBox,
    id::{AlertId, CameraId, RuleId, TrackId},
    time::Wall,
};

/// What a file of a camera's day tells, in the order in which it became known. Times are kept to the millisecond.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// By what the following was judged. First in each file, and again after each start of the daemon.
    InForce(InForce),
    /// A passage, or a piece of one.
    Passed(Box<Passed>),
    /// An alert was raised.
    Raised(Raised),
}

/// By what a camera was judged from here on.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// When the daemon started: track ids count anew with each start, and mean something together with this alone.
    pub run: Wall,
    /// Which camera.
    pub camera: CameraId,
    /// The model's name.
    pub model: String,
    /// SHA-256 of its file, in hex.
    pub model_sha256: String,
    /// The camera's rules.
    pub rules: Vec<RuleInForce>,
}

/// A rule of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInForce {
    /// Its id.
    pub id: RuleId,
    /// Changes whenever its meaning does.
    pub version: String,
    /// What it raises.
    pub kind: Kind,
}

/// A passage with its path.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    /// Its facts.
    pub clip: Clip,
    /// How much of the visit it is.
    pub part: Part,
    /// Where it was: a leg for each track that followed it, in order of their begin. Not empty.
    pub path: Vec<Leg>,
}

impl Passed {
    /// Each box that was detected, with its time, in order of time.
    pub fn boxes(&self) -> Vec<(Wall, UnitBox)> {
        let looks = self.path.iter().flat_map(|leg| &leg.looks);
        let mut boxes: Vec<_> =
            looks.filter_map(|look| look.seen.map(|sight| (look.at, sight.bbox))).collect();
        boxes.sort_by_key(|(at, _)| *at);
        boxes
    }
}

/// How much of a visit a passage is. Who stays for long is told of in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its begin; it goes on.
    First,
    /// What came then.
    Further,
    /// What came then, and nothing happened in it: it stood in one place and raised nothing. Kept for shadow replay, and no clip.
    Idle,
}

impl Part {
    /// Whether it is worth a clip.
    pub fn is_clip(self) -> bool {
        self != Self::Idle
    }
}

/// One track's share of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// Its number, within one run of the daemon.
    pub track: TrackId,
    /// Every look at it, in order of time. A frame that the detector was not shown is no look.
    pub looks: Vec<Look>,
    /// What became of it.
    pub end: End,
}

/// What became of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It goes on in the next piece.
    Open,
    /// It was given up then.
    Gone(Wall),
    /// Sight of the camera was lost after that time, and every track with it.
    SightLost(Wall),
}

/// The detector was shown where a track was, or should have been.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// When the frame arrived.
    pub at: Wall,
    /// What was seen of it; `None` where it was not detected.
    pub seen: Option<Sight>,
    /// Whether it had ever moved by then.
    pub moved: bool,
}

/// What was seen of a thing in one look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Where, in shares of the picture; kept in steps of 1/4096.
    pub bbox: UnitBox,
    /// How sure the detector was, 0..=1; kept in steps of 1/200, rounded down.
    pub confidence: f32,
    /// What its track had been taken for most by then.
    pub class: Class,
}

/// An alert as it was when it was raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Its id; its time part is when it was raised.
    pub alert: AlertId,
    /// Which camera.
    pub camera: CameraId,
    /// By which rule.
    pub rule: RuleId,
    /// See [`RuleInForce::version`].
    pub version: String,
    /// What kind.
    pub kind: Kind,
    /// Which way, for what crosses a line.
    pub direction: Option<Direction>,
    /// When it occurred.
    pub at: Wall,
    /// What it was about.
    pub class: Class,
    /// Which tracks.
    pub tracks: Vec<TrackId>,
}

impl Raised {
    /// What is kept of an alert that is raised now.
    pub fn of(alert: &Alert) -> Self {
        Self {
            alert: alert.id,
            camera: alert.camera.id.clone(),
            rule: alert.rule.id.clone(),
            version: alert.rule.version.clone(),
            kind: alert.rule.when.kind(),
            direction: alert.direction,
            at: alert.occurred_at,
            class: alert.objects.first().map_or(Class::Person, |object| object.class),
            tracks: alert.objects.iter().map(|object| object.track).collect(),
        }
    }
}

impl InForce {
    /// What is in force for a camera in the run that began at `run`.
    pub fn of(camera: &Arc<crate::config::Camera>, run: Wall, model: &str, model_sha256: &str) -> Self {
        let rules = camera.rules.iter().map(|rule| RuleInForce {
            id: rule.id.clone(),
            version: rule.version.clone(),
            kind: rule.when.kind(),
        });
        Self {
            run,
            camera: camera.id.clone(),
            model: model.to_owned(),
            model_sha256: model_sha256.to_owned(),
            rules: rules.collect(),
        }
    }
}
