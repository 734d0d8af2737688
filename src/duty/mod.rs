//! Who is told of what: posts, routes and hours; incidents; budgets.
//!
//! Owns the choice of addressees, which alerts are one incident, and when a rule floods. Pure: it is told the time and what is known. What is
//! written to a post, and when the next tier's turn comes, is the clerk's (`daemon`).

use crate::{
    alert::{Judged, Kind, Occurrence, Severity},
    config::Config,
    detect::Class,
    id::{AlertId, CameraId, IncidentId, PostId},
    time::Wall,
};

/// Alerts of one incident, at most; then what comes leads another one. All of them are answered in one batch.
pub const MEMBERS_MAX: usize = 64;

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
    /// Who is told.
    pub telling: Telling,
    /// Alerts that were not told one by one since the last summary, this one included.
    pub alerts: u32,
    /// Since when the rule floods.
    pub since: Wall,
}

/// What the choice of addressees is made by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which alert.
    pub alert: AlertId,
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// Where; its entry point, village and level are the configuration's.
    pub camera: CameraId,
}

/// An alert of the last hour, as it is on record, for who begins again after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What it was.
    pub subject: Subject,
    /// By which rule.
    pub judged: Judged,
    /// What it was about.
    pub classes: Vec<Class>,
    /// When it was promised.
    pub raised_at: Wall,
    /// The alert that led its incident: itself, where it led.
    pub lead: AlertId,
    /// Whether it was still open.
    pub is_open: bool,
}

/// Who is told of what. One owner: the clerk.
#[derive(Debug)]
pub struct Duty {}

impl Duty {
    /// Of a station.
    pub fn new(_config: &Config) -> Self {
        Self {}
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

    /// What was before a restart, oldest first. Once, before all else.
    pub fn recall(&mut self, _now: Wall, _past: impl IntoIterator<Item = Past>) {}
}
