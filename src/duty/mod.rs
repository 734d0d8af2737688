//! Who is told of what: posts, routes and hours; incidents; budgets.
//!
//! Owns the choice of addressees, which alerts are one incident, and when a rule floods. Pure: it is told the time and what is known. What is
//! written to a post, and when the next tier's turn comes, is the clerk's (`daemon`).

use crate::{
    id::{AlertId, IncidentId, PostId},
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

/// What becomes of a new alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// It leads an incident of its own, and these are told.
    Lead(Telling),
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
