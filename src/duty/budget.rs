//! When a rule, a sensor or the state of a camera floods.
//!
//! Owns the count of its alerts on a camera over the last hour, and when its next summary is due. The hour is kept in twelve buckets of five
//! minutes by the clock on the wall, so that it is 55 to 60 minutes long.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    alert::{Judged, Kind},
    id::{CameraId, RuleId, SensorId},
    time::Wall,
};

const BUCKETS: usize = 12;
const BUCKET_US: i64 = 300 * 1_000_000;

/// What counting an alert says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Within the budget, or without one.
    Within,
    /// Its rule floods.
    Flooded {
        /// When a summary is due at the latest, where this is the first alert since the last one.
        summary_at: Option<Wall>,
    },
    /// Its rule floods, and a summary is due.
    Summary {
        /// Alerts since the last one.
        alerts: u32,
        /// Since when it floods.
        since: Wall,
    },
}

/// What floods on a camera.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Spring {
    Rule(RuleId),
    Sensor(SensorId),
    State(Kind),
}

/// The last hour of each rule on each camera. An entry each at most, of those that were ever counted.
#[derive(Debug)]
pub(super) struct Budgets {
    summary_every: Duration,
    hours: BTreeMap<(Spring, CameraId), Hour>,
}

/// The last hour of a rule on a camera.
#[derive(Debug, Default)]
struct Hour {
    /// Number of the newest bucket, from the epoch.
    newest: i64,
    /// Alerts in the bucket of number n, at n modulo [`BUCKETS`].
    buckets: [u32; BUCKETS],
    flood: Option<Flood>,
}

#[derive(Debug, Clone, Copy)]
struct Flood {
    since: Wall,
    summary_at: Wall,
    /// Alerts since then.
    untold: u32,
}

impl Budgets {
    pub(super) fn new(summary_every: Duration) -> Self {
        Self { summary_every, hours: BTreeMap::new() }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.hours.len()
    }

    /// Counts an alert of a rule that may have `per_hour`. It floods where the hour had as many before.
    /// A call for help is never too much.
    pub(super) fn count(&mut self, now: Wall, by: &Judged, of: (Kind, &CameraId), per_hour: u32) -> Count {
        let Some(spring) = spring(by, of) else { return Count::Within };
        let hour = self.hours.entry(spring).or_default();
        let before = hour.add(now);
        if before < per_hour {
            hour.flood = None;
            return Count::Within;
        }
        let Some(flood) = &mut hour.flood else {
            hour.flood = Some(Flood { since: now, summary_at: now, untold: 0 });
            return Count::Summary { alerts: 1, since: now };
        };
        flood.untold = flood.untold.saturating_add(1);
        match flood.summary(now, self.summary_every) {
            Some((alerts, since)) => Count::Summary { alerts, since },
            None => {
                let is_first = flood.untold == 1;
                Count::Flooded { summary_at: is_first.then(|| flood.summary_at.after(self.summary_every)) }
            }
        }
    }

    /// The summary of what was not told yet, where one is due though nothing came: how many alerts, and since when it floods.
    pub(super) fn summary(&mut self, now: Wall, by: &Judged, of: (Kind, &CameraId)) -> Option<(u32, Wall)> {
        let flood = self.hours.get_mut(&spring(by, of)?)?.flood.as_mut()?;
        if flood.untold == 0 { None } else { flood.summary(now, self.summary_every) }
    }
}

impl Flood {
    /// What is told of it now, where it is time.
    fn summary(&mut self, now: Wall, every: Duration) -> Option<(u32, Wall)> {
        // A clock that was set back makes it due, too.
        let waited = u64::try_from(now.us_since(self.summary_at)).ok().map(Duration::from_micros);
        if waited.is_some_and(|waited| waited < every) {
            return None;
        }
        self.summary_at = now;
        Some((std::mem::take(&mut self.untold), self.since))
    }
}

impl Hour {
    /// One more; how many there were before it.
    fn add(&mut self, now: Wall) -> u32 {
        let number = now.unix_us().div_euclid(BUCKET_US);
        let ahead = number.saturating_sub(self.newest);
        if ahead >= BUCKETS as i64 || ahead <= -(BUCKETS as i64) {
            // An hour of silence, or a clock that was set by as much: nothing of it is of the last hour.
            self.buckets = [0; BUCKETS];
            self.newest = number;
        } else if ahead > 0 {
            for gone in self.newest + 1..=number {
                self.buckets[slot(gone)] = 0;
            }
            self.newest = number;
        }
        // A clock that was set back by less counts on where it was.
        let before = self.buckets.iter().fold(0u32, |sum, &count| sum.saturating_add(count));
        let newest = &mut self.buckets[slot(self.newest)];
        *newest = newest.saturating_add(1);
        before
    }
}

fn spring(by: &Judged, (kind, camera): (Kind, &CameraId)) -> Option<(Spring, CameraId)> {
    let spring = match by {
        Judged::Rule { id, .. } => Spring::Rule(id.clone()),
        Judged::Sensor(id) => Spring::Sensor(id.clone()),
        Judged::State => Spring::State(kind),
        Judged::Button(_) => return None,
    };
    Some((spring, camera.clone()))
}

fn slot(number: i64) -> usize {
    number.rem_euclid(BUCKETS as i64) as usize
}
