//! Who is told of what: posts, routes and hours; incidents; budgets.
//!
//! Owns the choice of addressees, which alerts are one incident, and when a rule floods. Pure: it is told the time and what is known. What is
//! written to a post, and when the next tier's turn comes, is the clerk's (`daemon`).
//!
//! ```text
//! Occurrence ─▶ does its rule flood? ─yes─▶ Flooded: told in a summary
//!                     │ no
//!                     ▼
//!               is it part of an open incident? ─yes─▶ Joined: nobody is told anew
//!                     │ no
//!                     ▼
//!               Lead: the first route that fits ─▶ the first tier that has somebody
//! ```

mod budget;
mod incident;
mod presence;
mod routing;
mod subject;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

pub use incident::{INCIDENTS_MAX, MEMBERS_MAX, Pairing};
pub use presence::{PRESENCE_LEN_MAX, Presence};
pub use subject::{Past, Subject};

use crate::{
    alert::{Earnest, Judged, Occurrence, Severity},
    config::{Camera, Config, EntryPoint},
    duty::{
        budget::{Budgets, Count},
        incident::{Arrival, Incidents},
        routing::Routing,
    },
    id::{AlertId, CameraId, EntryPointId, IncidentId, PostId, SensorId},
    time::Wall,
};

/// Who is told, of those that are to be told at one tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Which tier: 0 is told first.
    pub tier: u32,
    /// Who is told. Not empty.
    pub posts: Vec<PostId>,
    /// Who is not, of this tier and of those before it that had nobody; each once, and none that is told.
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
    /// It leads an incident of its own, and these are told. `None`: the station has no posts, and nobody is told by name; all else is as with
    /// posts.
    Lead(Option<Telling>),
    /// It is part of what an open alert already told: nobody is told anew.
    Joined {
        /// Which incident.
        incident: IncidentId,
        /// The alert that leads it.
        lead: AlertId,
    },
    /// Its rule floods: it is told of in a summary.
    Flooded(Flooded),
}

/// What is told of an alert whose rule floods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flooded {
    /// A summary, now.
    Summary(Summary),
    /// Nothing before this time; then ask whether a summary is still due ([`Duty::summary`]).
    Until(Wall),
    /// Nothing: another alert sees to the summary.
    Nothing,
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

/// Who is told of what. What it knows is bounded by the configuration, and by [`INCIDENTS_MAX`].
#[derive(Debug)]
pub struct Duty {
    routing: Routing,
    incidents: Incidents,
    budgets: Budgets,
    /// Of what has no budget of its own.
    per_hour: u32,
    cameras: BTreeMap<CameraId, Arc<Camera>>,
    entry_points: BTreeMap<EntryPointId, EntryPoint>,
}

impl Duty {
    /// Nothing has happened yet, and no post has said that it is there.
    pub fn new(config: &Config) -> Self {
        Self {
            routing: Routing::new(&config.posts, &config.routes),
            incidents: Incidents::new(config.notices.incident, &config.entry_points),
            budgets: Budgets::new(config.notices.summary_every),
            per_hour: config.notices.per_hour,
            cameras: config.cameras.iter().map(|camera| (camera.id.clone(), Arc::clone(camera))).collect(),
            entry_points: config.entry_points.clone(),
        }
    }

    /// What a sensor tells, and what its cameras see about then, is one incident. Said once a sensor, at start.
    pub fn pair(&mut self, sensor: SensorId, pairing: Pairing) {
        self.incidents.pair(sensor, pairing);
    }

    /// A camera's rules are other ones from here on. What was counted of those that are gone is kept for what is still to be said of it.
    pub fn redraw(&mut self, camera: Arc<Camera>) {
        self.cameras.insert(camera.id.clone(), camera);
    }

    /// A post says that it is there, or its will that it is gone. Of a post that is not configured, or whose presence is assumed, it means nothing.
    pub fn presence(&mut self, post: PostId, presence: Presence) {
        self.routing.presence(post, presence);
    }

    /// What becomes of a new alert. Once an alert, when it is raised, and in the order in which they are promised.
    pub fn raised(&mut self, now: Wall, what: &Occurrence) -> Assignment {
        let subject = self.subject(now, what);
        let arrival = Arrival {
            alert: what.id,
            subject: &subject,
            occurred_at: what.occurred_at,
            judged: &what.judged,
            earnest: what.earnest,
        };
        match self.count(now, &arrival) {
            Count::Within => match self.incidents.raised(&arrival) {
                Some(lead) => Assignment::Joined { incident: IncidentId(lead.0), lead },
                None => Assignment::Lead(self.tell(now, &subject, 0)),
            },
            Count::Flooded { summary_at: Some(at) } => Assignment::Flooded(Flooded::Until(at)),
            Count::Flooded { summary_at: None } => Assignment::Flooded(Flooded::Nothing),
            Count::Summary { alerts, since } => {
                let telling = self.tell(now, &subject, 0);
                Assignment::Flooded(Flooded::Summary(Summary { telling, alerts, since }))
            }
        }
    }

    /// The summary that has become due with nothing new to carry it; an alert that was not told carries it then. `None`: another one did.
    pub fn summary(&mut self, now: Wall, past: &Past) -> Option<Summary> {
        let subject = &past.subject;
        let (alerts, since) = self.budgets.summary(now, &past.judged, (subject.kind, &subject.camera))?;
        Some(Summary { telling: self.tell(now, subject, 0), alerts, since })
    }

    /// Who is told at a tier, or at the next one that has somebody. `None`: no such tier is left, or the station has no posts. The last tier is told
    /// whatever holds: as a whole, where nobody of it is on duty and there.
    pub fn tell(&self, now: Wall, what: &Subject, tier: u32) -> Option<Telling> {
        self.routing.tell(now, what, tier)
    }

    /// An alert was closed: nothing joins it any more.
    pub fn closed(&mut self, alert: AlertId) {
        self.incidents.closed(alert);
    }

    /// An alert of before the start. Those of the hour before it are enough, in the order in which they were raised, and before anything is
    /// raised: what is older weighs on nothing.
    pub fn recall(&mut self, past: &Past) {
        let arrival = Arrival {
            alert: past.alert,
            subject: &past.subject,
            occurred_at: past.occurred_at,
            judged: &past.judged,
            earnest: past.earnest,
        };
        if self.count(past.subject.raised_at, &arrival) == Count::Within {
            self.incidents.recall(&arrival, past.lead);
        }
        if past.closed {
            self.closed(past.alert);
        }
    }

    /// What routing has to know of a new alert.
    pub fn subject(&self, now: Wall, what: &Occurrence) -> Subject {
        let place = self.entry_points.get(&what.camera.entry_point);
        let place = place.expect("the configuration was checked: a camera's entry point exists");
        Subject {
            kind: what.kind,
            severity: what.severity,
            camera: what.camera.id.clone(),
            entry_point: Some(what.camera.entry_point.clone()),
            village: place.village.clone(),
            level: place.level,
            classes: what.objects.iter().map(|object| object.class).collect(),
            raised_at: now,
        }
    }

    /// Where a camera looks; `None` where it is not configured (any more).
    pub fn entry_point(&self, camera: &CameraId) -> Option<&EntryPointId> {
        self.cameras.get(camera).map(|camera| &camera.entry_point)
    }

    /// Counts it against its budget. What is critical, meant as an exercise, or of a rule or camera that is not configured, has none.
    fn count(&mut self, now: Wall, arrival: &Arrival<'_>) -> Count {
        let subject = arrival.subject;
        if subject.severity == Severity::Critical || arrival.earnest == Earnest::Drill {
            return Count::Within;
        }
        let Some(camera) = self.cameras.get(&subject.camera) else { return Count::Within };
        let per_hour = match arrival.judged {
            Judged::Rule { id, .. } => match camera.rules.iter().find(|rule| rule.id == *id) {
                Some(rule) => rule.notices_per_hour,
                None => return Count::Within,
            },
            Judged::Sensor(_) | Judged::State | Judged::Button(_) => self.per_hour,
        };
        self.budgets.count(now, arrival.judged, (subject.kind, &camera.id), per_hour)
    }

    /// How many incidents and budgets are kept.
    #[cfg(test)]
    fn remembered(&self) -> (usize, usize) {
        (self.incidents.len(), self.budgets.len())
    }
}
