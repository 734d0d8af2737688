//! When cameras were not there.

use std::collections::BTreeMap;

use super::{Outage, Period};
use crate::{alert::Kind, id::CameraId, mqtt::payload::AlertData, time::Wall};

/// Outages of a period, as they are found.
#[derive(Debug, Default)]
pub(super) struct Outages(BTreeMap<(CameraId, Kind), Vec<Away>>);

/// From when to when; `None` where it goes on.
type Away = (Wall, Option<Wall>);

impl Outages {
    /// Takes in an alert of our own equipment; it concerns each camera that it names.
    pub(super) fn add(&mut self, alert: &AlertData, from: Wall, to: Option<Wall>) {
        for camera in std::iter::once(&alert.camera.id).chain(&alert.cameras) {
            self.0.entry((camera.clone(), alert.kind)).or_default().push((from, to));
        }
    }

    /// What of them lies within the period, the longest first. What has not ended goes on to `until`.
    pub(super) fn within(self, period: &Period, until: Wall) -> Vec<Outage> {
        let mut outages: Vec<Outage> = self
            .0
            .into_iter()
            .filter_map(|((camera, kind), spans)| {
                let mut outage = Outage { camera, kind, times: 0, total_s: 0, longest_s: 0, goes_on: false };
                let mut total_us = 0;
                for (from, to) in merged(spans, until) {
                    let us = to.min(until).us_since(from.max(period.from));
                    if us <= 0 {
                        continue;
                    }
                    outage.times += 1;
                    total_us += us;
                    outage.longest_s = outage.longest_s.max(us as u64 / 1_000_000);
                    outage.goes_on |= to >= until;
                }
                outage.total_s = total_us as u64 / 1_000_000;
                (outage.times > 0).then_some(outage)
            })
            .collect();
        outages.sort_by(|a, b| (b.total_s, &a.camera).cmp(&(a.total_s, &b.camera)));
        outages
    }
}

/// A camera that is told alone and with others was away once.
fn merged(mut spans: Vec<Away>, until: Wall) -> Vec<(Wall, Wall)> {
    spans.sort();
    let mut merged: Vec<(Wall, Wall)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        let to = to.unwrap_or(until);
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    merged
}
