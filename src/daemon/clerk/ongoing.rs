//! What goes on over a restart, although nobody has watched in between.
//!
//! Owns the choice: the state of a camera, a button's call and a sensor's word are taken up by who told them, as long as who and where are still configured.
//! What a rule saw is not: its tracks are gone.

use std::collections::BTreeSet;

use crate::{
    alert::{Earnest, Ongoing, Source},
    config::Config,
    id::{ButtonId, CameraId, SensorId},
    mqtt::payload::{AlertData, DeviceData},
    time::Wall,
    watchman::Watchman,
};

/// Who takes up what.
#[derive(Debug)]
pub(super) struct Followed {
    cameras: BTreeSet<CameraId>,
    buttons: BTreeSet<ButtonId>,
    sensors: BTreeSet<SensorId>,
}

impl Followed {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            cameras: config.cameras.iter().map(|camera| camera.id.clone()).collect(),
            buttons: config.buttons.keys().cloned().collect(),
            sensors: config.sensors.keys().cloned().collect(),
        }
    }

    /// What is to be known to take an alert up; `None` where nobody does.
    pub(super) fn ongoing(&self, data: &AlertData) -> Option<Ongoing> {
        let source = match &data.device {
            Some(DeviceData::Button(id)) => self.buttons.contains(id).then(|| Source::Button(id.clone()))?,
            Some(DeviceData::Sensor(id)) => self.sensors.contains(id).then(|| Source::Sensor(id.clone()))?,
            None => Watchman::follows(data.kind).then_some(Source::State)?,
        };
        let at: jiff::Timestamp = data.occurred_at.parse().ok()?;
        let is_open = data.ended_at.is_none() && self.cameras.contains(&data.camera.id);
        is_open.then(|| Ongoing {
            id: data.alert_id,
            kind: data.kind,
            severity: data.severity,
            cameras: std::iter::once(&data.camera.id).chain(&data.cameras).cloned().collect(),
            source,
            earnest: if data.drill { Earnest::Drill } else { Earnest::Real },
            occurred_at: Wall::from_unix_us(at.as_microsecond()),
            explain: data.explain.clone(),
        })
    }
}
