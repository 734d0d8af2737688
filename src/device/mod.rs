//! What calls from outside: buttons and sensors.
//!
//! ```text
//! payload ─▶ ButtonWord ─▶ Calls ──┐
//!        └▶ SensorWord ─▶ Alarms ──┴▶ Deed: tell an alert, record its cameras, hold what they recorded
//! ```
//! Owns what a press or a word of a sensor leads to, which of them are one, and who has not been heard of for too long. Pure: no clock, no store, no network.
//! How messages come and where deeds go is the daemon's (`daemon::devices`).

mod alarms;
mod calls;
mod ledger;
mod sentence;
#[cfg(test)]
mod tests;
mod word;

pub use ledger::Standing;
pub use word::{ButtonWord, Press, Report, SensorWord};

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::tz::TimeZone;

use self::{alarms::Alarms, calls::Calls, ledger::Ledger};
use crate::{
    alert::{Change, Occurrence, Ongoing, Source},
    archive::NewHold,
    config::{Camera, Config},
    id::{AlertId, ButtonId, CameraId, Mint, SensorId},
    store::Write,
    time::Now,
};

/// A button or a sensor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// A button.
    Button(ButtonId),
    /// A sensor.
    Sensor(SensorId),
}

impl Device {
    /// As in lists.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Button(_) => "button",
            Self::Sensor(_) => "sensor",
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Button(id) => id.as_str(),
            Self::Sensor(id) => id.as_str(),
        }
    }
}

/// `button/school`, as in topics.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Button(id) => write!(f, "button/{id}"),
            Self::Sensor(id) => write!(f, "sensor/{id}"),
        }
    }
}

/// What follows from a word, or from the time: to be done in order.
#[derive(Debug)]
pub enum Deed {
    /// This camera is recorded from its pre-roll on, for this alert.
    Film(CameraId, AlertId),
    /// It need not be any more, but for its post-roll.
    Cut(CameraId, AlertId),
    /// An alert.
    Tell(Change, Box<Occurrence>),
    /// What was recorded is held.
    Hold(Box<NewHold>),
}

/// There is no such device in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {0} in the configuration")]
pub struct Unknown(pub Device);

/// All buttons and sensors of a station.
#[derive(Debug)]
pub struct Devices {
    calls: Calls,
    alarms: Alarms,
    ledger: Ledger,
}

/// What all of them need.
#[derive(Debug)]
struct Station {
    time_zone: TimeZone,
    cameras: BTreeMap<CameraId, Arc<Camera>>,
}

impl Station {
    fn cameras(&self, ids: &[CameraId]) -> (Arc<Camera>, Vec<CameraId>) {
        let first = ids.first().and_then(|first| self.cameras.get(first));
        let first = first.expect("the configuration was checked: a device has a camera, which exists");
        (Arc::clone(first), ids[1..].to_vec())
    }
}

impl Devices {
    /// Those that are configured, of whom nobody calls. `kept`: all of [`crate::store::Space::Device`].
    pub fn new(config: &Config, kept: &[(Vec<u8>, Vec<u8>)], mut mint: Mint, now: Now) -> Self {
        let station = || Station {
            time_zone: config.station.time_zone.clone(),
            cameras: config.cameras.iter().map(|camera| (camera.id.clone(), Arc::clone(camera))).collect(),
        };
        Self {
            calls: Calls::new(config, station(), mint.split()),
            alarms: Alarms::new(config, station(), mint),
            ledger: Ledger::new(config, kept, now.wall),
        }
    }

    /// Takes up what was open when the daemon stopped, as if its last word had come just now; says what belongs to nobody any more. Once, before anything is heard.
    pub fn resume(&mut self, now: Now, ongoing: Vec<Ongoing>, deeds: &mut Vec<Deed>) -> Vec<Ongoing> {
        let mut left = Vec::new();
        for one in ongoing {
            let is_taken = match &one.source {
                Source::Button(button) => self.calls.resume(now, button, &one, deeds),
                Source::Sensor(sensor) => self.alarms.resume(now, sensor, &one),
                Source::State => false,
            };
            if !is_taken {
                left.push(one);
            }
        }
        left
    }

    /// A button spoke. Says which alert that concerns; `None` where it is no news, or a sign of life.
    pub fn button(
        &mut self,
        now: Now,
        id: &ButtonId,
        word: ButtonWord,
        deeds: &mut Vec<Deed>,
    ) -> Result<Option<AlertId>, Unknown> {
        let device = Device::Button(id.clone());
        if !self.calls.knows(id) {
            return Err(Unknown(device));
        }
        let press = match word {
            ButtonWord::Alive => None,
            ButtonWord::Pressed(press) => Some(press),
        };
        let is_news =
            self.ledger.hear(now.wall, &device, press.as_ref().and_then(|press| press.id.as_deref()));
        Ok(press.filter(|_| is_news).and_then(|press| self.calls.press(now, id, press, deeds)))
    }

    /// A sensor spoke.
    pub fn sensor(
        &mut self,
        now: Now,
        id: &SensorId,
        word: SensorWord,
        deeds: &mut Vec<Deed>,
    ) -> Result<(), Unknown> {
        let device = Device::Sensor(id.clone());
        if !self.alarms.knows(id) {
            return Err(Unknown(device));
        }
        let message = match &word {
            SensorWord::Alarm(report) | SensorWord::Clear(report) => report.id.as_deref(),
            SensorWord::Alive => None,
        };
        if self.ledger.hear(now.wall, &device, message) {
            self.alarms.hear(now, id, word, deeds);
        }
        Ok(())
    }

    /// Time passed: to be called once a second or so.
    pub fn tick(&mut self, now: Now, deeds: &mut Vec<Deed>) {
        self.calls.tick(now, deeds);
        self.alarms.tick(now, deeds);
    }

    /// What is to be kept since this was last asked.
    pub fn writes(&mut self) -> Vec<Write> {
        self.ledger.writes()
    }

    /// How all of them are, in order.
    pub fn standings(&self, now: Now) -> Vec<Standing> {
        self.ledger.standings(now.wall)
    }
}
