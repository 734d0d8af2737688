//! Whether an alert is shared with a neighbour.
//!
//! Owns the judgement over one alert and one agreement, and the count of the hour. What follows from it is [`super::sharing`]'s.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    alert::Severity,
    config::{Agreement, Config},
    id::{CameraId, EntryPointId},
    mqtt::payload::AlertData,
    time::Wall,
};

const HOUR: Duration = Duration::from_secs(3600);

/// Why an alert is not shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// The agreement is over.
    Over,
    /// It is not about such alerts, such places, or these hours.
    NotAgreed,
    /// There were too many in this hour.
    TooMany,
}

/// Where cameras look, for agreements that name entry points.
#[derive(Debug)]
pub struct Places(BTreeMap<CameraId, EntryPointId>);

impl Places {
    /// Of a station.
    pub fn of(config: &Config) -> Self {
        let place =
            |camera: &std::sync::Arc<crate::config::Camera>| (camera.id.clone(), camera.entry_point.clone());
        Self(config.cameras.iter().map(place).collect())
    }
}

/// Whether an agreement still holds.
pub fn holds(agreement: &Agreement, now: Wall) -> bool {
    agreement.time_zone.to_datetime(now.timestamp()).date() <= agreement.until
}

/// Whether a new alert is what was agreed upon, the count of the hour left out.
pub fn judge(agreement: &Agreement, places: &Places, now: Wall, alert: &AlertData) -> Result<(), Withheld> {
    if !holds(agreement, now) {
        return Err(Withheld::Over);
    }
    let is_anywhere = agreement.entry_points.is_empty() && agreement.villages.is_empty();
    let entry_point = places.0.get(&alert.camera.id);
    let is_there = is_anywhere
        || agreement.villages.contains(&alert.camera.village)
        || entry_point.is_some_and(|entry_point| agreement.entry_points.contains(entry_point));
    let fits = is_there
        && alert.severity >= agreement.severity_min
        && agreement.kinds.contains(&alert.kind)
        && (agreement.drills || !alert.drill)
        && agreement.hours.as_ref().is_none_or(|hours| hours.contains(now));
    if fits { Ok(()) } else { Err(Withheld::NotAgreed) }
}

/// How many alerts a neighbour got in the last hour, and how many it did not get since that was last said.
#[derive(Debug, Default)]
pub struct Count {
    shared: VecDeque<Wall>,
    withheld: u64,
    told_at: Option<Wall>,
}

impl Count {
    /// Of the last hour, as it is on record; in the order in which they were raised.
    pub fn recalled(shared: impl IntoIterator<Item = Wall>) -> Self {
        Self { shared: shared.into_iter().collect(), ..Self::default() }
    }

    /// Counts one more; refuses it where there were `per_hour` already. What is critical is not counted.
    pub fn one_more(&mut self, now: Wall, per_hour: u32, severity: Severity) -> Result<(), Withheld> {
        if severity == Severity::Critical {
            return Ok(());
        }
        // An hour of a clock that was set back ends when it would have.
        while self.shared.front().is_some_and(|at| at.after(HOUR) <= now) {
            self.shared.pop_front();
        }
        if self.shared.len() >= per_hour as usize {
            self.withheld += 1;
            return Err(Withheld::TooMany);
        }
        self.shared.push_back(now);
        Ok(())
    }

    /// How many were withheld, once an hour where there are some.
    pub fn to_tell(&mut self, now: Wall) -> Option<u64> {
        let is_time = self.told_at.is_none_or(|at| at.after(HOUR) <= now);
        if self.withheld == 0 || !is_time {
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}
