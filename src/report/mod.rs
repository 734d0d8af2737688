//! Answer times on record: what was raised in a day, a week or a month, who answered when, and what each rule was worth.
//!
//! Owns the counting ([`Tally`]) and the page to print ([`page`]). Pure, and the same from the same records: nothing in it depends on when it is asked, save
//! for a period that is not over. Finding the records is the store's.

mod outages;
mod page;
mod period;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

pub use self::{
    page::page,
    period::{Period, Span},
    tally::Tally,
};
use crate::{
    alert::{
        Kind, Severity,
        life::{Reason, State},
    },
    config::{Level, Name},
    id::{AlertId, CameraId, RuleId, StationId, VillageId},
    time::Wall,
};

/// Breaches that are listed one by one; all are counted.
pub const BREACHES_MAX: usize = 500;
/// How far back an outage may have begun and still be found.
pub const OUTAGE_REACH: std::time::Duration = std::time::Duration::from_secs(31 * 24 * 3600);

/// A report. Alerts count where they were raised within the period; those of our own equipment are outages, and count nowhere else; exercises are counted apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Whose.
    pub station: StationData,
    /// About which time.
    pub period: PeriodData,
    /// How many alerts.
    pub alerts: Volumes,
    /// How fast they were answered.
    pub answers: Answers,
    /// For whom nobody was on the way within ten minutes.
    pub breaches: Breaches,
    /// Why alerts were dismissed.
    pub dismissed: BTreeMap<Reason, u64>,
    /// What each rule was worth on each camera.
    pub rules: Vec<Worth>,
    /// When cameras were not there.
    pub outages: Vec<Outage>,
}

/// Whose report it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StationData {
    /// Its id.
    pub id: StationId,
    /// For people.
    pub name: Name,
}

/// About which time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeriodData {
    /// Day, week or month.
    pub span: Span,
    /// First day, of the station's civil time.
    pub first: String,
    /// Last day.
    pub last: String,
    /// Begin, RFC 3339 in UTC.
    pub from: String,
    /// End, exclusive, RFC 3339 in UTC.
    pub to: String,
    /// IANA name.
    pub time_zone: String,
    /// Whether it is over: else more may come.
    pub whole: bool,
}

/// How many alerts there were.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Volumes {
    /// All of them.
    pub total: u64,
    /// Things that happened: alerts of one incident are one.
    pub incidents: u64,
    /// Exercises, which are not counted elsewhere.
    pub drills: u64,
    /// By severity.
    pub by_severity: BTreeMap<Severity, u64>,
    /// By kind.
    pub by_kind: BTreeMap<Kind, u64>,
    /// By where they stand now.
    pub by_state: BTreeMap<State, u64>,
    /// By village.
    pub by_village: BTreeMap<VillageId, u64>,
    /// By how the entry point closes the perimeter.
    pub by_level: BTreeMap<Level, u64>,
    /// By hour of the day, station's civil time.
    pub by_hour: [u64; 24],
    /// By day, station's civil time; each day of the period.
    pub by_day: BTreeMap<String, u64>,
}

/// How fast alerts were answered, from when they were raised. Those that another alert led, and those told in a summary, are answered with that one and not counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Answers {
    /// Alerts of which somebody was told by name.
    pub told: u64,
    /// Of which somebody was told again, since nobody had acknowledged.
    pub told_again: u64,
    /// For which a further tier was told.
    pub escalated: u64,
    /// Until somebody had seen it.
    pub acknowledged: Times,
    /// Until somebody was on the way.
    pub claimed: Times,
    /// Until somebody had closed it.
    pub closed: Times,
}

/// How long something took, seconds to a tenth; null where it never happened.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Times {
    /// How often it happened.
    pub count: u64,
    /// Half took no longer (nearest rank).
    pub p50_s: Option<f64>,
    /// Nine of ten took no longer.
    pub p90_s: Option<f64>,
    /// The longest.
    pub max_s: Option<f64>,
}

/// Alerts for which nobody was on the way within ten minutes.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Breaches {
    /// How many.
    pub count: u64,
    /// The first [`BREACHES_MAX`] of them, oldest first.
    pub alerts: Vec<Breach>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Breach {
    /// Which.
    pub alert: AlertId,
    /// Where.
    pub camera: CameraId,
    /// What kind.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// When it was raised.
    pub raised_at: String,
    /// After how many seconds somebody was on the way all the same.
    pub claimed_after_s: Option<f64>,
}

/// What a rule was worth on a camera.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worth {
    /// The rule.
    pub rule: RuleId,
    /// The camera.
    pub camera: CameraId,
    /// Alerts.
    pub alerts: u64,
    /// Of these, dealt with.
    pub resolved: u64,
    /// Dismissed although all was as told: somebody known, or harmless.
    pub right: u64,
    /// Dismissed because nothing of the kind was there.
    pub wrong: u64,
    /// Share of those that were judged (dealt with, right, wrong) in which the detector was right, 0..=1; null where none was judged.
    pub precision: Option<f64>,
}

/// When a camera was not there, within the period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outage {
    /// Which.
    pub camera: CameraId,
    /// What kind.
    pub kind: Kind,
    /// How often.
    pub times: u64,
    /// How long in all, seconds.
    pub total_s: u64,
    /// How long at most at one time, seconds.
    pub longest_s: u64,
    /// Whether it was so at the end of the period.
    pub goes_on: bool,
}

impl PeriodData {
    fn new(period: &Period, zone: &TimeZone, now: Wall) -> Self {
        Self {
            span: period.span,
            first: period.first.to_string(),
            last: period.last.to_string(),
            from: period.from.to_string(),
            to: period.to.to_string(),
            time_zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            whole: period.to <= now,
        }
    }
}
