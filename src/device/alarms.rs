//! Sensors that spoke: when that is an alert, and when it is over.

use std::{collections::BTreeMap, time::Duration};

use super::{Deed, SensorWord, Station, sentence, word::believed};
use crate::{
    alert::{Change, Earnest, Judged, Kind, Occurrence, Ongoing},
    config::{Config, Name, Sensor},
    id::{AlertId, Mint, SensorId},
    time::{Mono, Now, Wall},
};

/// An alert of a sensor that goes on speaking is updated so often at most: what shakes, shakes many times a second.
const UPDATE_EVERY: Duration = Duration::from_secs(10);

/// All sensors, and those that spoke.
#[derive(Debug)]
pub(super) struct Alarms {
    station: Station,
    mint: Mint,
    sensors: BTreeMap<SensorId, Sensor>,
    open: BTreeMap<SensorId, Alarm>,
}

#[derive(Debug)]
struct Alarm {
    alert: AlertId,
    began: Wall,
    last: Mono,
    times: u32,
    told_at: Mono,
    /// What was said of it before a restart; `None`: what this knows.
    said: Option<Name>,
}

impl Alarms {
    pub(super) fn new(config: &Config, station: Station, mint: Mint) -> Self {
        Self { station, mint, sensors: config.sensors.clone(), open: BTreeMap::new() }
    }

    pub(super) fn knows(&self, id: &SensorId) -> bool {
        self.sensors.contains_key(id)
    }

    pub(super) fn resume(&mut self, now: Now, id: &SensorId, ongoing: &Ongoing) -> bool {
        if !self.knows(id) || self.open.contains_key(id) {
            return false;
        }
        let alarm = Alarm {
            alert: ongoing.id,
            began: ongoing.occurred_at,
            last: now.mono,
            times: 1,
            told_at: now.mono,
            said: Some(ongoing.explain.clone()),
        };
        self.open.insert(id.clone(), alarm);
        true
    }

    pub(super) fn hear(&mut self, now: Now, id: &SensorId, word: SensorWord, deeds: &mut Vec<Deed>) {
        let report = match word {
            SensorWord::Alive => return,
            SensorWord::Clear(_) => {
                self.end(now, id, deeds);
                return;
            }
            SensorWord::Alarm(report) => report,
        };
        if let Some(alarm) = self.open.get_mut(id) {
            alarm.last = now.mono;
            alarm.times = alarm.times.saturating_add(1);
            if now.mono.since(alarm.told_at) >= UPDATE_EVERY {
                (alarm.told_at, alarm.said) = (now.mono, None);
                deeds.extend(self.tell(Change::Updated, id, None));
            }
            return;
        }
        let Some(sensor) = self.sensors.get(id) else { return };
        if sensor.hours.as_ref().is_some_and(|hours| !hours.contains(now.wall)) {
            return;
        }
        let alarm = Alarm {
            alert: self.mint.alert(now.wall),
            began: believed(now, report.at),
            last: now.mono,
            times: 1,
            told_at: now.mono,
            said: None,
        };
        self.open.insert(id.clone(), alarm);
        deeds.extend(self.tell(Change::Raised, id, None));
    }

    pub(super) fn tick(&mut self, now: Now, deeds: &mut Vec<Deed>) {
        let is_over = |id: &SensorId, alarm: &Alarm| {
            let lasts = self.sensors.get(id).map_or(Duration::ZERO, |sensor| sensor.lasts);
            now.mono.since(alarm.last) >= lasts
        };
        let over: Vec<SensorId> =
            self.open.iter().filter(|(id, alarm)| is_over(id, alarm)).map(|(id, _)| id.clone()).collect();
        for id in over {
            self.end(now, &id, deeds);
        }
    }

    fn end(&mut self, now: Now, id: &SensorId, deeds: &mut Vec<Deed>) {
        deeds.extend(self.tell(Change::Ended, id, Some(now.wall)));
        self.open.remove(id);
    }

    fn tell(&self, change: Change, id: &SensorId, ended_at: Option<Wall>) -> Option<Deed> {
        let (sensor, alarm) = (self.sensors.get(id)?, self.open.get(id)?);
        let (camera, others) = self.station.cameras(&sensor.cameras);
        let ended_at = ended_at.map(|at| at.max(alarm.began));
        let time_zone = &self.station.time_zone;
        let said =
            || sentence::sensor(&sensor.name, sensor.kind, alarm.began, alarm.times, ended_at, time_zone);
        let occurrence = Occurrence {
            id: alarm.alert,
            kind: Kind::ExternalSensor,
            severity: sensor.severity,
            camera,
            others,
            judged: Judged::Sensor(id.clone()),
            direction: None,
            occurred_at: alarm.began,
            ended_at,
            objects: Vec::new(),
            earnest: Earnest::Real,
            explain: alarm.said.clone().unwrap_or_else(said),
        };
        Some(Deed::Tell(change, Box::new(occurrence)))
    }
}
