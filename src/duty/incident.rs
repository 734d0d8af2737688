//! Which alerts are one incident.
//!
//! Owns the incidents that something may still join: a few, for moments each. Who is told, and what is done with all alerts of one, is decided
//! elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::subject::{Sorts, Subject};
use crate::{
    alert::{Earnest, Judged, Severity},
    config::EntryPoint,
    id::{AlertId, CameraId, EntryPointId, RuleId, SensorId},
    time::Wall,
};

/// Incidents at most that something may join; of more, those that are longest without an alert are forgotten, and nothing joins them.
pub const INCIDENTS_MAX: usize = 1024;

/// Alerts of one incident at most, its lead included; what comes then leads another one. All of them are answered in one batch.
pub const MEMBERS_MAX: usize = 64;

/// Alerts of one incident that are remembered, the newest ones.
const SIGHTINGS_MAX: usize = 16;

/// One visitor is one alert of a rule on a camera: what that rule tells there again is somebody else. Within this time it is company; later, another visitor, of
/// whom posts are told anew.
const COMPANY: Duration = Duration::from_secs(10);

/// What a sensor and its cameras have to do with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// What sees that it is right.
    pub cameras: Vec<CameraId>,
    /// For so long before or after the sensor spoke.
    pub within: Duration,
}

/// An alert that may join one, or lead one of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    /// Which.
    pub(super) alert: AlertId,
    /// What is known of it.
    pub(super) subject: &'a Subject,
    /// When it began.
    pub(super) occurred_at: Wall,
    /// By what it was judged.
    pub(super) judged: &'a Judged,
    /// Whether it is meant.
    pub(super) earnest: Earnest,
}

/// The incidents that something may join, the one with the newest alert last.
#[derive(Debug)]
pub(super) struct Incidents {
    window: Duration,
    near: BTreeMap<EntryPointId, BTreeSet<EntryPointId>>,
    pairings: BTreeMap<SensorId, Pairing>,
    open: VecDeque<Incident>,
}

/// An incident, by the alert that leads it.
#[derive(Debug)]
struct Incident {
    lead: AlertId,
    severity: Severity,
    earnest: Earnest,
    /// Alerts of it.
    members: usize,
    /// Of the lead, and of what was seen beside a sensor.
    sorts: Sorts,
    sightings: VecDeque<Sighting>,
}

/// An alert of an incident.
#[derive(Debug, Clone)]
struct Sighting {
    camera: CameraId,
    entry_point: Option<EntryPointId>,
    /// The sensor that spoke; `None`: the camera saw it.
    sensor: Option<SensorId>,
    /// The rule that raised it.
    rule: Option<RuleId>,
    began: Wall,
    raised: Wall,
}

impl Incidents {
    pub(super) fn new(window: Duration, entry_points: &BTreeMap<EntryPointId, EntryPoint>) -> Self {
        let near = entry_points.iter().map(|(id, place)| (id.clone(), place.near.clone())).collect();
        Self { window, near, pairings: BTreeMap::new(), open: VecDeque::new() }
    }

    pub(super) fn pair(&mut self, sensor: SensorId, pairing: Pairing) {
        self.pairings.insert(sensor, pairing);
    }

    /// The lead of the incident that an alert joins; `None`: it leads one.
    pub(super) fn raised(&mut self, arrival: &Arrival<'_>) -> Option<AlertId> {
        let sighting = arrival.sighting()?;
        let joined = self.open.iter().rev().find(|open| self.takes(open, arrival, &sighting));
        let lead = joined.map(|open| open.lead);
        self.remember(arrival, sighting, lead);
        lead
    }

    /// What an alert of before the start was: part of the incident that `lead` leads, or a lead.
    pub(super) fn recall(&mut self, arrival: &Arrival<'_>, lead: Option<AlertId>) {
        if let Some(sighting) = arrival.sighting() {
            self.remember(arrival, sighting, lead);
        }
    }

    pub(super) fn closed(&mut self, alert: AlertId) {
        self.open.retain(|open| open.lead != alert);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Adds it to the incident of its lead, if something may still join that; or opens one.
    fn remember(&mut self, arrival: &Arrival<'_>, sighting: Sighting, lead: Option<AlertId>) {
        let mut incident = match lead {
            None => Incident {
                lead: arrival.alert,
                severity: arrival.subject.severity,
                earnest: arrival.earnest,
                members: 0,
                sorts: Sorts::default(),
                sightings: VecDeque::new(),
            },
            Some(lead) => {
                let at = self.open.iter().position(|open| open.lead == lead);
                let Some(incident) = at.and_then(|at| self.open.remove(at)) else { return };
                incident
            }
        };
        incident.members += 1;
        incident.sorts = incident.sorts.and(arrival.sorts());
        incident.sightings.push_back(sighting);
        if incident.sightings.len() > SIGHTINGS_MAX {
            incident.sightings.pop_front();
        }
        self.open.push_back(incident);
        if self.open.len() > INCIDENTS_MAX {
            self.open.pop_front();
        }
    }

    fn takes(&self, open: &Incident, arrival: &Arrival<'_>, sighting: &Sighting) -> bool {
        let is_of_sort = !arrival.sorts().is_empty() && arrival.sorts().is_within(open.sorts);
        open.members < MEMBERS_MAX
            && arrival.subject.severity <= open.severity
            && arrival.earnest == open.earnest
            && !open.is_another(sighting)
            && open.sightings.iter().any(|other| {
                (is_of_sort && self.is_close(sighting, other))
                    || self.is_pair(sighting, other)
                    || self.is_pair(other, sighting)
            })
    }

    /// Both were raised within moments, at places between which one is on the way for no longer.
    fn is_close(&self, one: &Sighting, other: &Sighting) -> bool {
        let (Some(here), Some(there)) = (&one.entry_point, &other.entry_point) else { return false };
        let is_near = here == there || self.near.get(here).is_some_and(|near| near.contains(there));
        is_near && one.raised.us_since(other.raised).unsigned_abs() <= micros(self.window)
    }

    /// One is what a sensor told, the other what one of its cameras saw about then.
    fn is_pair(&self, spoken: &Sighting, seen: &Sighting) -> bool {
        let pairing = spoken.sensor.as_ref().and_then(|sensor| self.pairings.get(sensor));
        pairing.is_some_and(|pairing| {
            seen.sensor.is_none()
                && pairing.cameras.contains(&seen.camera)
                && spoken.apart_us(seen) <= micros(pairing.within)
        })
    }
}

impl Incident {
    /// Its rule has told of the incident's visitors on this camera, and this is not one of them.
    fn is_another(&self, sighting: &Sighting) -> bool {
        let is_same = |other: &&Sighting| {
            other.rule.is_some() && other.rule == sighting.rule && other.camera == sighting.camera
        };
        let mut before = self.sightings.iter().filter(is_same).peekable();
        before.peek().is_some()
            && before.all(|other| sighting.raised.us_since(other.raised).unsigned_abs() > micros(COMPANY))
    }
}

impl Arrival<'_> {
    fn sorts(&self) -> Sorts {
        Sorts::of(&self.subject.classes)
    }

    /// What it is within an incident; `None`: it joins none, and nothing joins it. Buttons are a call of their own each, and what no camera saw and
    /// no sensor told is not in one place.
    fn sighting(&self) -> Option<Sighting> {
        let sensor = match self.judged {
            Judged::Sensor(sensor) => Some(sensor.clone()),
            Judged::Rule { .. } | Judged::State if !self.sorts().is_empty() => None,
            Judged::Rule { .. } | Judged::State | Judged::Button(_) => return None,
        };
        Some(Sighting {
            camera: self.subject.camera.clone(),
            entry_point: self.subject.entry_point.clone(),
            sensor,
            rule: match self.judged {
                Judged::Rule { id, .. } => Some(id.clone()),
                Judged::State | Judged::Button(_) | Judged::Sensor(_) => None,
            },
            began: self.occurred_at.min(self.subject.raised_at),
            raised: self.subject.raised_at,
        })
    }
}

impl Sighting {
    /// Microseconds between the end of one and the begin of the other; 0 where they overlap. An alert is taken to last from its begin until it was
    /// raised.
    fn apart_us(&self, other: &Self) -> u64 {
        let gap = self.began.us_since(other.raised).max(other.began.us_since(self.raised));
        u64::try_from(gap).unwrap_or(0)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
