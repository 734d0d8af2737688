//! When each device was last heard of, and what it said by which id.
//!
//! Owns the sign of life, who is overdue, and that the same word is not heard twice. Kept under [`Space::Device`], within a second or so of the word: a kill in
//! between forgets it, and what is delivered again then may be an update more.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::Device;
use crate::{
    alert::Earnest,
    config::{Config, Name},
    store::{Space, Write},
    time::Wall,
};

/// Ids of words that are remembered of each device.
const IDS_MAX: usize = 32;

/// What is on record of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Since when it is configured, as far as this station has seen it, in milliseconds since 1970.
    since_ms: i64,
    /// When it was last heard of.
    seen_ms: Option<i64>,
    ids: VecDeque<String>,
}

/// How a device is, for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub device: Device,
    /// For people.
    pub name: Name,
    /// When it was last heard of.
    pub seen: Option<Wall>,
    /// It should have been heard of.
    pub is_overdue: bool,
    /// Whether a press that does not say so is meant.
    pub earnest: Earnest,
}

/// What is on record of all devices.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: BTreeMap<Device, Entry>,
    terms: BTreeMap<Device, (Name, Earnest, Option<Duration>)>,
    /// What is to be written.
    changed: BTreeSet<Device>,
}

impl Ledger {
    /// Of what is configured, with what was written by [`Self::writes`]. What cannot be read is as if it had not been there.
    pub(super) fn new(config: &Config, kept: &[(Vec<u8>, Vec<u8>)], now: Wall) -> Self {
        let buttons = config.buttons.iter().map(|(id, button)| {
            (Device::Button(id.clone()), (button.name.clone(), button.earnest, button.sign_of_life))
        });
        let sensors = config.sensors.iter().map(|(id, sensor)| {
            (Device::Sensor(id.clone()), (sensor.name.clone(), Earnest::Real, sensor.sign_of_life))
        });
        let terms: BTreeMap<_, _> = buttons.chain(sensors).collect();
        let mut ledger = Self { entries: BTreeMap::new(), terms, changed: BTreeSet::new() };
        for device in ledger.terms.keys() {
            let key = device.key();
            let kept = kept.iter().find(|(known, _)| *known == key);
            let entry = kept.and_then(|(_, value)| serde_json::from_slice::<Entry>(value).ok());
            if entry.is_none() {
                ledger.changed.insert(device.clone());
            }
            let fresh = Entry { since_ms: now.unix_ms(), seen_ms: None, ids: VecDeque::new() };
            ledger.entries.insert(device.clone(), entry.unwrap_or(fresh));
        }
        ledger
    }

    /// It was heard of. Says whether a word with this id is news.
    pub(super) fn hear(&mut self, now: Wall, device: &Device, id: Option<&str>) -> bool {
        let Some(entry) = self.entries.get_mut(device) else { return false };
        entry.seen_ms = Some(now.unix_ms());
        self.changed.insert(device.clone());
        let Some(id) = id else { return true };
        if entry.ids.iter().any(|known| known == id) {
            return false;
        }
        entry.ids.push_back(id.to_owned());
        if entry.ids.len() > IDS_MAX {
            entry.ids.pop_front();
        }
        true
    }

    /// What is to be written since this was last asked.
    pub(super) fn writes(&mut self) -> Vec<Write> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .filter_map(|device| {
                let entry = self.entries.get(&device)?;
                let value =
                    serde_json::to_vec(entry).expect("an entry is a plain struct of texts and numbers");
                Some(Write::Put(device.key(), value))
            })
            .collect()
    }

    /// All devices, in order.
    pub(super) fn standings(&self, now: Wall) -> Vec<Standing> {
        let standing = |(device, (name, earnest, term)): (&Device, &(Name, Earnest, Option<Duration>))| {
            let entry = self.entries.get(device)?;
            let last = Wall::from_unix_ms(entry.seen_ms.unwrap_or(entry.since_ms).max(entry.since_ms));
            Some(Standing {
                device: device.clone(),
                name: name.clone(),
                seen: entry.seen_ms.map(Wall::from_unix_ms),
                is_overdue: term.is_some_and(|term| last.after(term) < now),
                earnest: *earnest,
            })
        };
        self.terms.iter().filter_map(standing).collect()
    }
}

impl Device {
    /// Where its entry lies.
    pub(super) fn key(&self) -> Vec<u8> {
        Space::Device.key(self.to_string().as_bytes())
    }
}
