//! What is kept of one passage: the words that recording, index, evidence and pages share.
//!
//! A passage is one visitor before one camera, from the first look to the last. It is a clip whether or not its video was recorded, and whether
//! or not it became an alert. Things, no identities: nothing here tells one person from another.

use crate::{
    alert::Kind,
    config::{Direction, Level},
    detect::Class,
    id::{AlertId, CameraId, ClipId, EntryPointId, LineId, VillageId, ZoneId},
    time::Wall,
};

/// One passage. Written once, when it is over; never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Its id; its time part is `from`.
    pub id: ClipId,
    /// Where.
    pub camera: CameraId,
    /// Where the camera stands, as the configuration had it then.
    pub entry_point: EntryPointId,
    /// See `entry_point`.
    pub village: VillageId,
    /// See `entry_point`.
    pub level: Level,
    /// The first look that saw it.
    pub from: Wall,
    /// The last one; not before `from`.
    pub to: Wall,
    /// What it is, by most of its looks.
    pub class: Class,
    /// The best look's, 0..1.
    pub confidence: f32,
    /// Zones in which its feet were, by id; each once.
    pub zones: Vec<ZoneId>,
    /// Lines that it crossed, by id; each once.
    pub lines: Vec<LineId>,
    /// The way it crossed the last of them.
    pub direction: Option<Direction>,
    /// Kinds of the alerts that it raised or joined; each once.
    pub kinds: Vec<Kind>,
    /// Those alerts.
    pub alerts: Vec<AlertId>,
    /// By what light.
    pub light: Light,
}

/// By what light a camera saw something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Light {
    /// In colour.
    Day,
    /// In infrared, or in the dark.
    Night,
}

impl Light {
    /// As written in questions and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Night => "night",
        }
    }
}
