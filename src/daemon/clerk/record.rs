//! The record of an alert, and where it lies.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    alert::{Earnest, Judged, life::Life},
    duty::{Duty, Past, Subject},
    id::AlertId,
    mqtt::payload::{AlertData, DeviceData, IncidentData, LifeData},
    store::{Ledger, LedgerError, Space, Write},
    time::Wall,
};

/// Version of what no rule judged.
pub(super) const UNVERSIONED: &str = "000000000000";

/// What is kept of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept")]
pub struct Record {
    /// Grows with each change.
    pub rev: u64,
    /// As it was last told.
    pub data: AlertData,
    /// What was done about it, and what is due.
    pub life: Life,
}

/// A record as it may lie in a store.
#[derive(Deserialize)]
struct Kept {
    rev: u64,
    data: AlertData,
    /// Absent in records from before lives were on record.
    life: Option<Life>,
}

impl From<Kept> for Record {
    fn from(kept: Kept) -> Self {
        let Kept { rev, mut data, life } = kept;
        let life = life.unwrap_or_else(|| {
            let raised_at = data.alert_id.raised_at();
            let life = Life::of_old(raised_at, data.kind, data.severity, data.state);
            data.life = LifeData::from(&life);
            life
        });
        Self { rev, data, life }
    }
}

impl Record {
    /// As it is shown over HTTP.
    pub fn shown(self) -> AlertData {
        AlertData { rev: Some(self.rev), ..self.data }
    }

    /// When it was over and closed, whichever was later; `None` where it is not both.
    pub fn over_at(&self) -> Option<Wall> {
        let ended = at(self.data.ended_at.as_deref()?)?;
        Some(ended.max(self.life.closed()?.at))
    }

    /// Whether it has been over and closed for so long.
    pub(super) fn is_over_since(&self, now: Wall, time: Duration) -> bool {
        self.over_at().is_some_and(|over| over.after(time) <= now)
    }

    /// The alert that leads its incident, where that is another one.
    pub(super) fn lead(&self) -> Option<AlertId> {
        let IncidentData { lead, .. } = self.data.incident.as_ref()?;
        (*lead != self.data.alert_id).then_some(*lead)
    }

    /// Whether others have joined it, so that a command needs their records, too.
    pub fn leads(&self) -> bool {
        self.data.incident.is_some() && self.lead().is_none()
    }

    /// What decides who is told of it.
    pub(super) fn subject(&self, duty: &Duty) -> Subject {
        let data = &self.data;
        Subject {
            kind: data.kind,
            severity: data.severity,
            camera: data.camera.id.clone(),
            entry_point: duty.entry_point(&data.camera.id).cloned(),
            village: data.camera.village.clone(),
            level: data.camera.level,
            classes: data.objects.iter().map(|object| object.class).collect(),
            raised_at: self.life.raised_at(),
        }
    }

    /// What is known of it from before a start.
    pub(super) fn past(&self, duty: &Duty) -> Past {
        let data = &self.data;
        let judged = match &data.device {
            Some(DeviceData::Button(id)) => Judged::Button(id.clone()),
            Some(DeviceData::Sensor(id)) => Judged::Sensor(id.clone()),
            None if data.rule.version == UNVERSIONED => Judged::State,
            None => Judged::Rule { id: data.rule.id.clone(), version: data.rule.version.clone() },
        };
        Past {
            alert: data.alert_id,
            subject: self.subject(duty),
            occurred_at: at(&data.occurred_at).unwrap_or_else(|| data.alert_id.raised_at()),
            judged,
            earnest: if data.drill { Earnest::Drill } else { Earnest::Real },
            lead: self.lead(),
            closed: self.life.state().is_closed(),
        }
    }

    pub(super) fn put(&self) -> Write {
        let value = serde_json::to_vec(self).expect("a record is a plain struct of texts, numbers and lists");
        Write::Put(record_key(self.data.alert_id), value)
    }
}

/// A time as payloads write it.
fn at(text: &str) -> Option<Wall> {
    Some(Wall::from_unix_us(text.parse::<jiff::Timestamp>().ok()?.as_microsecond()))
}

/// Where an alert's record lies, as `from..to`.
pub fn record_range(id: AlertId) -> (Vec<u8>, Vec<u8>) {
    let from = record_key(id);
    let mut to = from.clone();
    to.push(0);
    (from, to)
}

/// Where the records of alerts begin that were raised at `at` or later.
pub fn record_key_at(at: Wall) -> Vec<u8> {
    record_key(AlertId(ulid::Ulid::from_parts(u64::try_from(at.unix_ms()).unwrap_or(0), 0)))
}

/// Where those are listed that joined an alert, as `from..to`.
pub fn member_range(lead: AlertId) -> (Vec<u8>, Vec<u8>) {
    (life_key(&format!("incident/{lead}/")), life_key(&format!("incident/{lead}0")))
}

/// Reads a key of that range.
pub fn member(key: &[u8]) -> Option<AlertId> {
    std::str::from_utf8(key.get(1..)?).ok()?.rsplit('/').next()?.parse().ok()
}

/// Reads a record. One that cannot be read is told (ERROR) and left alone.
pub fn read_record(value: &[u8]) -> Option<Record> {
    serde_json::from_slice(value)
        .inspect_err(|error| tracing::error!(%error, "an alert's record cannot be read; it is left alone"))
        .ok()
}

/// The newest records, newest first, for the page.
pub fn newest(ledger: &dyn Ledger, limit: usize) -> Result<Vec<Record>, LedgerError> {
    let mut records = Vec::new();
    let (from, mut to) = (Space::Alert.from(), Space::Alert.to());
    while records.len() < limit {
        let Some((key, value)) = ledger.last(&from, &to)? else { break };
        records.extend(read_record(&value));
        to = key;
    }
    Ok(records)
}

pub(super) fn record_key(id: AlertId) -> Vec<u8> {
    Space::Alert.key(id.to_string().as_bytes())
}

pub(super) fn life_key(rest: &str) -> Vec<u8> {
    Space::AlertLife.key(rest.as_bytes())
}

pub(super) fn open_key(id: AlertId) -> Vec<u8> {
    life_key(&format!("open/{id}"))
}

pub(super) fn id_of_open(key: &[u8]) -> Option<AlertId> {
    std::str::from_utf8(key.get(1..)?).ok()?.strip_prefix("open/")?.parse().ok()
}

pub(super) fn member_key(lead: AlertId, member: AlertId) -> Vec<u8> {
    life_key(&format!("incident/{lead}/{member}"))
}
