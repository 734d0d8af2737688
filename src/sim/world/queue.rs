//! What happens next, in virtual time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::script::StationFault;
use crate::{
    lane,
    mqtt::courier,
    time::{Mono, Now, Wall},
};

/// Something that happens at an instant.
#[derive(Debug)]
pub(super) enum Happening {
    /// A camera's lane is told something.
    Lane { camera: usize, event: lane::Event },
    /// A camera sends its next access unit on this connection.
    Unit { camera: usize, connection: u32 },
    /// Whoever reads a camera has heard nothing for the limit, if the last unit was this one.
    Silence { camera: usize, connection: u32, unit: u64 },
    /// A detector is done with the frame at hand.
    Detected { worker: usize },
    /// The clerk has made the picture of the first verdict that waits, and promises it.
    Promise,
    /// The office looks for deadlines.
    Sweep,
    /// Somebody does something about an alert.
    Person,
    /// The courier is told something.
    Courier(courier::Event),
    /// A message reaches the broker, unless the connection broke on the way.
    Published { connection: u32, pkid: u16, message: crate::store::Message },
    /// The station is hit by a fault.
    Fault(StationFault),
}

/// Happenings in the order of time, and of their making where times are equal.
pub(super) struct Queue {
    now: Now,
    made: u64,
    heap: BinaryHeap<Reverse<Entry>>,
    /// Grows with each kill of the process: what was on its way in it is gone.
    life: u32,
}

struct Entry {
    at: Mono,
    order: u64,
    /// `None` outlives the process.
    life: Option<u32>,
    happening: Happening,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl Queue {
    pub(super) fn new(now: Now) -> Self {
        Self { now, made: 0, heap: BinaryHeap::new(), life: 0 }
    }

    pub(super) fn now(&self) -> Now {
        self.now
    }

    /// Something that outlives the process.
    pub(super) fn at(&mut self, at: Mono, happening: Happening) {
        self.push(at, None, happening);
    }

    /// Something inside of the process: a kill makes it never happen.
    pub(super) fn after(&mut self, delay: Duration, happening: Happening) {
        self.push(self.now.mono + delay, Some(self.life), happening);
    }

    /// As [`Self::after`], at an instant.
    pub(super) fn alarm(&mut self, at: Mono, happening: Happening) {
        self.push(at.max(self.now.mono), Some(self.life), happening);
    }

    /// The process is killed.
    pub(super) fn kill(&mut self) {
        self.life += 1;
    }

    /// Civil time is set.
    pub(super) fn set_clock(&mut self, by_us: i64) {
        self.now.wall = Wall::from_unix_us(self.now.wall.unix_us() + by_us);
    }

    pub(super) fn next_until(&mut self, end: Mono) -> Option<(Now, Happening)> {
        loop {
            let Reverse(entry) = self.heap.pop()?;
            if entry.at > end {
                return None;
            }
            self.now = self.now.after(entry.at.since(self.now.mono));
            if entry.life.is_none_or(|life| life == self.life) {
                return Some((self.now, entry.happening));
            }
        }
    }

    fn push(&mut self, at: Mono, life: Option<u32>, happening: Happening) {
        self.made += 1;
        self.heap.push(Reverse(Entry { at, order: self.made, life, happening }));
    }
}
