//! Who is told of what: posts, routes and hours; incidents; budgets.
//!
//! Owns the choice of addressees, which alerts are one incident, and when a rule floods. Pure: it is told the time and what is known. What is
//! written to a post, and when the next tier's turn comes, is the clerk's (`daemon`).

use std::collections::BTreeMap;

use crate::{
    alert::{Earnest, Judged, Kind, Occurrence, Severity},
    config::{Config, Level},
    detect::Class,
    id::{AlertId, CameraId, EntryPointId, IncidentId, PostId, VillageId},
    time::Wall,
};

/// Whether a post can be reached, as its own client and will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    Online,
    /// It is gone.
    Offline,
}

/// Who is told, of those that are to be told at one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Which tier: 0 is told first.
    pub tier: u32,
    /// Who is told. Not empty.
    pub posts: Vec<PostId>,
    /// Who is not, of this tier and of those before it that had nobody.
    pub passed_over: Vec<(PostId, PassedOver)>,
}

/// Why a post is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// Its will says that it is gone, or it never said that it is there.
    Silent,
    /// It is off duty at this hour.
    OffDuty,
}

impl PassedOver {
    /// As in payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::OffDuty => "off-duty",
        }
    }
}

/// What becomes of a new alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// It leads an incident of its own, and these are told; `None` at a station without posts.
    Lead(Option<Telling>),
    /// It is part of what an open alert already told: nobody is told anew.
    Joined {
        /// Which incident.
        incident: IncidentId,
        /// The alert that leads it.
        lead: AlertId,
    },
    /// Its rule floods: it is told of in a summary.
    Flooded {
        /// The summary, where one is due now.
        summary: Option<Summary>,
    },
}

/// What is told instead of each alert of a rule that floods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Who is told. `None`: the station has no posts.
    pub telling: Option<Telling>,
    /// Alerts that were not told one by one since the last summary, this one included.
    pub alerts: u32,
    /// Since when the rule floods.
    pub since: Wall,
}

/// What routing has to know of an alert. The same for its whole life, so that it keeps its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// Where; of several cameras the first one.
    pub camera: CameraId,
    /// Where that looks; `None` where it is not configured any more.
    pub entry_point: Option<EntryPointId>,
    /// Of which village.
    pub village: VillageId,
    /// How the entry point closes the perimeter.
    pub level: Level,
    /// What it is about; empty where no detector saw it.
    pub classes: Vec<Class>,
    /// When it was promised.
    pub raised_at: Wall,
}

/// An alert of before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub alert: AlertId,
    /// What is known of it.
    pub subject: Subject,
    /// When it began.
    pub occurred_at: Wall,
    /// By what it was judged.
    pub judged: Judged,
    /// Whether it was meant.
    pub earnest: Earnest,
    /// The alert that leads its incident, where that is another one.
    pub lead: Option<AlertId>,
    /// Whether it was closed.
    pub closed: bool,
}

/// Who is told of what. One owner: the clerk.
#[derive(Debug)]
pub struct Duty {
    cameras: BTreeMap<CameraId, EntryPointId>,
}

impl Duty {
    /// Of a station.
    pub fn new(config: &Config) -> Self {
        let cameras = config.cameras.iter().map(|camera| (camera.id.clone(), camera.entry_point.clone()));
        Self { cameras: cameras.collect() }
    }

    /// A post came, or went.
    pub fn presence(&mut self, _post: PostId, _presence: Presence) {}

    /// What becomes of a new alert. Once for each.
    pub fn raised(&mut self, _now: Wall, _what: &Occurrence) -> Assignment {
        Assignment::Lead(None)
    }

    /// Who is told at this tier, or at the next one that has somebody; `None` where none is left.
    pub fn tell(&self, _now: Wall, _what: &Subject, _tier: u32) -> Option<Telling> {
        None
    }

    /// An alert was closed: nothing joins it any more.
    pub fn closed(&mut self, _alert: AlertId) {}

    /// An alert of before the start.
    pub fn recall(&mut self, _past: &Past) {}

    /// Where a camera looks; `None` where it is not configured (any more).
    pub fn entry_point(&self, camera: &CameraId) -> Option<&EntryPointId> {
        self.cameras.get(camera)
    }
}
