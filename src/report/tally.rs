//! Counting alerts, one by one, into a report.

use std::collections::BTreeMap;

use jiff::{ToSpan, tz::TimeZone};

use super::{BREACHES_MAX, Breach, Period, PeriodData, Report, StationData, Times, Worth, outages::Outages};
use crate::{
    alert::life::{Reason, State},
    config::Station,
    id::{CameraId, RuleId},
    mqtt::payload::{AlertData, ToldWhy},
    time::Wall,
};

/// A report under way. Memory: some bytes an answer, and a row for each rule and camera.
pub struct Tally {
    period: Period,
    zone: TimeZone,
    /// Until when is known what was.
    until: Wall,
    report: Report,
    acknowledged: Vec<i64>,
    claimed: Vec<i64>,
    closed: Vec<i64>,
    worth: BTreeMap<(RuleId, CameraId), Counts>,
    outages: Outages,
}

#[derive(Default)]
struct Counts {
    alerts: u64,
    resolved: u64,
    right: u64,
    wrong: u64,
}

impl Tally {
    /// Nothing counted yet. `now` matters to a period that is not over alone.
    pub fn new(station: &Station, period: Period, now: Wall) -> Self {
        let zone = station.time_zone.clone();
        let mut report = Report {
            station: StationData { id: station.id.clone(), name: station.name.clone() },
            period: PeriodData::new(&period, &zone, now),
            alerts: super::Volumes::default(),
            answers: super::Answers::default(),
            breaches: super::Breaches::default(),
            dismissed: BTreeMap::new(),
            rules: Vec::new(),
            outages: Vec::new(),
        };
        let mut day = period.first;
        while day <= period.last {
            report.alerts.by_day.insert(day.to_string(), 0);
            day = day.saturating_add(1.day());
        }
        Self {
            period,
            zone,
            until: period.to.min(now),
            report,
            acknowledged: Vec::new(),
            claimed: Vec::new(),
            closed: Vec::new(),
            worth: BTreeMap::new(),
            outages: Outages::default(),
        }
    }

    /// From when on alerts matter: those of our own equipment may have begun long before the period.
    pub fn reach(&self) -> (Wall, Wall) {
        let reach = super::OUTAGE_REACH.as_micros() as i64;
        (Wall::from_unix_us(self.period.from.unix_us().saturating_sub(reach)), self.period.to)
    }

    /// Counts an alert, oldest first.
    pub fn add(&mut self, alert: &AlertData) {
        let raised = at(&alert.life.raised_at).unwrap_or_else(|| alert.alert_id.raised_at());
        if alert.kind.is_of_equipment() {
            let from = at(&alert.occurred_at).unwrap_or(raised);
            return self.outages.add(alert, from, alert.ended_at.as_deref().and_then(at));
        }
        if raised < self.period.from || raised >= self.period.to {
            return;
        }
        if alert.drill {
            self.report.alerts.drills += 1;
            return;
        }
        self.volumes(alert, raised);
        self.worth(alert);
        let is_led = alert.incident.as_ref().is_some_and(|incident| incident.lead != alert.alert_id);
        let is_summarised = alert.life.told.iter().any(|told| told.why == ToldWhy::Summary);
        if !is_led && !is_summarised {
            self.answers(alert, raised);
        }
        self.breach(alert, raised);
    }

    fn volumes(&mut self, alert: &AlertData, raised: Wall) {
        let volumes = &mut self.report.alerts;
        volumes.total += 1;
        let is_led = alert.incident.as_ref().is_some_and(|incident| incident.lead != alert.alert_id);
        volumes.incidents += u64::from(!is_led);
        *volumes.by_severity.entry(alert.severity).or_default() += 1;
        *volumes.by_kind.entry(alert.kind).or_default() += 1;
        *volumes.by_state.entry(alert.state).or_default() += 1;
        *volumes.by_village.entry(alert.camera.village.clone()).or_default() += 1;
        *volumes.by_level.entry(alert.camera.level).or_default() += 1;
        let civil = self.zone.to_datetime(raised.timestamp());
        volumes.by_hour[civil.hour() as usize] += 1;
        *volumes.by_day.entry(civil.date().to_string()).or_default() += 1;
    }

    fn answers(&mut self, alert: &AlertData, raised: Wall) {
        let (answers, life) = (&mut self.report.answers, &alert.life);
        let told = |why| u64::from(life.told.iter().any(|told| told.why == why && !told.posts.is_empty()));
        answers.told += told(ToldWhy::First);
        answers.told_again += told(ToldWhy::Again);
        answers.escalated += told(ToldWhy::Escalated);
        let after = |text: &str| at(text).map(|at| at.us_since(raised).max(0));
        self.acknowledged.extend(life.acknowledged.as_ref().and_then(|done| after(&done.at)));
        self.claimed.extend(life.first_claimed.as_ref().and_then(|done| after(&done.at)));
        let closed = life.closed.as_ref().filter(|closed| closed.by.is_some());
        self.closed.extend(closed.and_then(|closed| after(&closed.at)));
    }

    fn breach(&mut self, alert: &AlertData, raised: Wall) {
        if alert.life.breached_at.is_none() {
            return;
        }
        let breaches = &mut self.report.breaches;
        breaches.count += 1;
        if breaches.alerts.len() < BREACHES_MAX {
            let claimed = alert.life.first_claimed.as_ref().and_then(|done| at(&done.at));
            breaches.alerts.push(Breach {
                alert: alert.alert_id,
                camera: alert.camera.id.clone(),
                kind: alert.kind,
                severity: alert.severity,
                raised_at: raised.to_string(),
                claimed_after_s: claimed.map(|at| tenths(at.us_since(raised))),
            });
        }
    }

    fn worth(&mut self, alert: &AlertData) {
        let reason = alert.life.closed.as_ref().and_then(|closed| closed.reason);
        if alert.state == State::Dismissed {
            *self.report.dismissed.entry(reason.unwrap_or(Reason::Other)).or_default() += 1;
        }
        // What no model judged is no detector's doing.
        if alert.rule.model.is_none() {
            return;
        }
        let of = (alert.rule.id.clone(), alert.camera.id.clone());
        let counts = self.worth.entry(of).or_default();
        counts.alerts += 1;
        match (alert.state, reason) {
            (State::Resolved, _) => counts.resolved += 1,
            (State::Dismissed, Some(Reason::FalseDetection)) => counts.wrong += 1,
            (State::Dismissed, Some(Reason::Known | Reason::Harmless)) => counts.right += 1,
            // Neither of a trial, nor of what was told twice, nor of what nobody looked at, is anything known.
            _ => {}
        }
    }

    /// The report.
    pub fn finish(self) -> Report {
        let mut report = self.report;
        report.answers.acknowledged = times(self.acknowledged);
        report.answers.claimed = times(self.claimed);
        report.answers.closed = times(self.closed);
        report.rules = self
            .worth
            .into_iter()
            .map(|((rule, camera), Counts { alerts, resolved, right, wrong })| {
                let judged = resolved + right + wrong;
                let precision = (judged > 0).then(|| thousandths((resolved + right) as f64 / judged as f64));
                Worth { rule, camera, alerts, resolved, right, wrong, precision }
            })
            .collect();
        report.outages = self.outages.within(&self.period, self.until);
        report
    }
}

fn at(text: &str) -> Option<Wall> {
    Some(Wall::from_unix_us(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()))
}

fn times(mut us: Vec<i64>) -> Times {
    us.sort_unstable();
    let rank = |share: f64| {
        let rank = (share * us.len() as f64).ceil() as usize;
        us.get(rank.saturating_sub(1)).map(|&us| tenths(us))
    };
    Times {
        count: us.len() as u64,
        p50_s: rank(0.5),
        p90_s: rank(0.9),
        max_s: us.last().map(|&us| tenths(us)),
    }
}

fn tenths(us: i64) -> f64 {
    (us as f64 / 100_000.0).round() / 10.0
}

fn thousandths(share: f64) -> f64 {
    (share * 1000.0).round() / 1000.0
}
