//! When a rule floods.
//!
//! Owns the count of a rule's alerts on a camera over the last hour, and when its next summary is due. The hour is kept in twelve buckets of five
//! minutes by the clock on the wall, so that it is 55 to 60 minutes long.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    id::{CameraId, RuleId},
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
    Flooded,
    /// Its rule floods, and a summary is due.
    Summary {
        /// Alerts since the last one.
        alerts: u32,
        /// Since when it floods.
        since: Wall,
    },
}

/// The last hour of each rule on each camera. An entry each at most, of those that were ever counted.
#[derive(Debug)]
pub(super) struct Budgets {
    summary_every: Duration,
    hours: BTreeMap<(RuleId, CameraId), Hour>,
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
    pub(super) fn count(&mut self, now: Wall, rule: &RuleId, camera: &CameraId, per_hour: u32) -> Count {
        let hour = self.hours.entry((rule.clone(), camera.clone())).or_default();
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
        // A clock that was set back makes it due, too.
        let waited = u64::try_from(now.us_since(flood.summary_at)).ok().map(Duration::from_micros);
        if waited.is_some_and(|waited| waited < self.summary_every) {
            return Count::Flooded;
        }
        let alerts = std::mem::take(&mut flood.untold);
        flood.summary_at = now;
        Count::Summary { alerts, since: flood.since }
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

fn slot(number: i64) -> usize {
    number.rem_euclid(BUCKETS as i64) as usize
}
