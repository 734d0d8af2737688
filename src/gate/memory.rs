//! Access units in memory: what waits for the decoder, or for a reason to be decoded.
//!
//! Owns what is kept of a stream and what is dropped when its budget is spent. Units are of use from a key frame on alone, so that it always begins
//! with one.

use std::{collections::VecDeque, time::Duration};

use crate::{camera::AccessUnit, time::Mono};

/// Most bytes of one camera: ten seconds of a sub stream of 800 kbit/s, or two very large key frames.
pub(super) const BYTES_MAX: usize = 1 << 20;
/// The same while they wait for a decoder that is behind: a main stream's key frame alone may have 2 MiB.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// Most access units that are kept for a reason to be decoded: ten seconds of 25 a second, with some to spare.
pub(super) const UNITS_MAX: usize = 300;
/// Most access units that wait for a decoder which is behind, before it is better to begin at a newer key frame.
const WAITING_UNITS_MAX: usize = 100;
/// The group before the newest key frame is kept for so long: what caused a suspicion may have come just before it.
const GROUP_KEPT: Duration = Duration::from_secs(1);

/// What is kept of one stream.
#[derive(Debug, Default)]
pub(super) struct Memory {
    units: VecDeque<AccessUnit>,
    bytes: usize,
    state: State,
}

/// Whether the next unit is of use.
#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Only a key frame is let in: at the start of a stream, and after units were dropped.
    #[default]
    NeedsKey,
    /// What it refers to is there, or was handed out.
    Flowing,
}

/// What became of a unit that was to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is there.
    Yes,
    /// It is of no use: there was no key frame yet.
    NeedsKey,
    /// It is there, and there is no room for the next one: the group is too long.
    Full,
}

impl Memory {
    /// Takes in a unit that is to be decoded at once. Says how many units (this one or older ones) were skipped, since decoding is behind.
    pub(super) fn queue(&mut self, unit: AccessUnit) -> u32 {
        if !self.admit(unit) {
            return 1;
        }
        // One unit alone is let in however large it is: the stream's reader has a limit for it.
        let over = (self.bytes > WAITING_BYTES_MAX && self.units.len() > 1)
            || self.units.len() > UNITS_MAX + WAITING_UNITS_MAX;
        if over { self.skip() } else { 0 }
    }

    /// Takes in a unit that is kept in case there is cause to decode it.
    pub(super) fn keep(&mut self, unit: AccessUnit) -> Kept {
        if !self.admit(unit) {
            return Kept::NeedsKey;
        }
        self.forget_old();
        // A key frame alone is kept however large it is.
        let full = (self.bytes > BYTES_MAX && self.units.len() > 1) || self.units.len() >= UNITS_MAX;
        if full { Kept::Full } else { Kept::Yes }
    }

    /// Says when the wanted picture begins to matter, and how many units before it are dropped: decoding starts at the newest key
    /// frame that came no later than `since`, or at the oldest there is.
    pub(super) fn start_at(&mut self, since: Mono) {
        let start = self.units.iter().rposition(|unit| unit.is_key && unit.arrived.mono <= since);
        self.drop_first(start.unwrap_or(0));
    }

    /// Keeps only the newest key frame and what follows it.
    pub(super) fn start_at_newest(&mut self) {
        let start = self.units.iter().rposition(|unit| unit.is_key);
        self.drop_first(start.unwrap_or(0));
    }

    /// The newest key frame; stays where it is.
    pub(super) fn newest_key(&self) -> Option<&AccessUnit> {
        self.units.iter().rev().find(|unit| unit.is_key)
    }

    /// Copies of all units from the newest key frame on, or of all where there is none; they stay where they are, and share their bytes.
    pub(super) fn newest_group(&self) -> Vec<AccessUnit> {
        let start = self.units.iter().rposition(|unit| unit.is_key).unwrap_or(0);
        self.units.range(start..).cloned().collect()
    }

    /// Takes out the oldest units, at most so many.
    pub(super) fn take(&mut self, at_most: usize) -> Vec<AccessUnit> {
        let count = self.units.len().min(at_most);
        let units: Vec<AccessUnit> = self.units.drain(..count).collect();
        self.bytes -= units.iter().map(|unit| unit.data.len()).sum::<usize>();
        units
    }

    /// How many units there are.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// The stream broke off: what is there is of no use, and the next stream begins with a key frame. Says how many units are lost.
    pub(super) fn cut(&mut self) -> u32 {
        let dropped = self.units.len() as u32;
        *self = Self::default();
        dropped
    }

    /// Whether the unit is of use.
    fn admit(&mut self, unit: AccessUnit) -> bool {
        if self.state == State::NeedsKey && !unit.is_key {
            return false;
        }
        self.state = State::Flowing;
        self.bytes += unit.data.len();
        self.units.push_back(unit);
        true
    }

    /// Drops all that lies before the newest key frame; where that one is the oldest already, everything.
    fn skip(&mut self) -> u32 {
        let newest_key = self.units.iter().rposition(|unit| unit.is_key).unwrap_or(0);
        let dropped = if newest_key == 0 {
            self.state = State::NeedsKey;
            self.units.len()
        } else {
            newest_key
        };
        self.drop_first(dropped);
        dropped as u32
    }

    /// Drops the groups that can hold no cause any more.
    fn forget_old(&mut self) {
        let Some(newest) = self.units.back().map(|unit| unit.arrived.mono) else { return };
        let old = |unit: &AccessUnit| unit.is_key && newest.since(unit.arrived.mono) >= GROUP_KEPT;
        let start = self.units.iter().rposition(old);
        // Beyond its room the group before goes at once.
        let spent = self.bytes > BYTES_MAX || self.units.len() >= UNITS_MAX;
        let start = if spent { self.units.iter().rposition(|unit| unit.is_key) } else { start };
        self.drop_first(start.unwrap_or(0));
    }

    fn drop_first(&mut self, count: usize) {
        self.bytes -= self.units.drain(..count).map(|unit| unit.data.len()).sum::<usize>();
    }
}
