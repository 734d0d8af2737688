//! What is kept of a stream in case an alert wants what came before it.
//!
//! Owns how much is kept. Units share their bytes with whoever else holds them; nothing is copied.

use std::{collections::VecDeque, time::Duration};

use super::Sample;
use crate::{
    camera::AccessUnit,
    time::{Mono, Wall},
};

/// Most bytes of one camera.
const BYTES_MAX: usize = 2 << 20;
/// Most samples, sound included: a minute of 50 a second.
const SAMPLES_MAX: usize = 3_000;

/// Units from a key frame on.
#[derive(Debug)]
pub(super) struct PreRoll {
    length: Duration,
    kept: VecDeque<(Wall, Sample)>,
    bytes: usize,
}

impl PreRoll {
    /// Keeps what is needed to begin so long ago.
    pub(super) fn new(length: Duration) -> Self {
        Self { length, kept: VecDeque::new(), bytes: 0 }
    }

    /// Takes in the next one. Says whether older ones had to go before their time.
    pub(super) fn push(&mut self, at: Wall, sample: Sample) -> bool {
        if self.kept.is_empty() && !sample.is_key() {
            return false;
        }
        let now = sample.arrived();
        self.bytes += sample.len();
        self.kept.push_back((at, sample));
        while self.next_key().is_some_and(|(_, arrived)| now.since(arrived) >= self.length) {
            self.forget_group();
        }
        let mut short = false;
        while self.bytes > BYTES_MAX || self.kept.len() > SAMPLES_MAX {
            self.forget_group();
            short = true;
        }
        short
    }

    /// When the first one came.
    pub(super) fn from(&self) -> Option<Wall> {
        self.kept.front().map(|(at, _)| *at)
    }

    /// When the last one came.
    pub(super) fn newest(&self) -> Option<Mono> {
        self.kept.back().map(|(_, sample)| sample.arrived())
    }

    /// Copies of the pictures from the newest key frame on.
    pub(super) fn newest_group(&self) -> Vec<AccessUnit> {
        let start = self.kept.iter().rposition(|(_, sample)| sample.is_key()).unwrap_or(self.kept.len());
        let picture = |(_, sample): &(Wall, Sample)| match sample {
            Sample::Picture(unit) => Some(unit.clone()),
            Sample::Sound(_) => None,
        };
        self.kept.range(start..).filter_map(picture).collect()
    }

    /// Hands out all of them, oldest first.
    pub(super) fn take(&mut self) -> VecDeque<(Wall, Sample)> {
        self.bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        drop(self.take());
    }

    /// The second key frame.
    fn next_key(&self) -> Option<(usize, Mono)> {
        let at = 1 + self.kept.iter().skip(1).position(|(_, sample)| sample.is_key())?;
        Some((at, self.kept[at].1.arrived()))
    }

    /// Forgets all before the second key frame; everything where there is none.
    fn forget_group(&mut self) {
        let count = self.next_key().map_or(self.kept.len(), |(at, _)| at);
        self.bytes -= self.kept.drain(..count).map(|(_, sample)| sample.len()).sum::<usize>();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::unit, *};

    fn push(pre_roll: &mut PreRoll, ms: i64, is_key: bool, len: usize) -> bool {
        pre_roll.push(Wall::from_unix_ms(ms), Sample::Picture(unit(ms as u64, is_key, len)))
    }

    #[test]
    fn it_begins_with_the_key_frame_at_or_before_its_length() {
        let mut pre_roll = PreRoll::new(Duration::from_secs(3));
        assert!(!push(&mut pre_roll, 0, false, 10));
        assert_eq!(pre_roll.from(), None, "nothing can begin before a key frame");
        for ms in (100..=10_000).step_by(100) {
            push(&mut pre_roll, ms, ms % 2000 == 0, 10);
        }
        assert_eq!(pre_roll.from(), Some(Wall::from_unix_ms(6000)));
        let group: Vec<i64> = pre_roll.newest_group().iter().map(|unit| unit.media.ms()).collect();
        assert_eq!(group, [10_000]);
        assert_eq!(pre_roll.take().len(), 41);
        assert_eq!((pre_roll.from(), pre_roll.bytes), (None, 0));
    }

    #[test]
    fn it_shortens_where_it_would_take_too_much() {
        let mut pre_roll = PreRoll::new(Duration::from_secs(10));
        let short: Vec<bool> = (0..6).map(|n| push(&mut pre_roll, n * 1000, true, 500 << 10)).collect();
        assert_eq!(short, [false, false, false, false, true, true]);
        assert_eq!(pre_roll.from(), Some(Wall::from_unix_ms(2000)));
        assert!(push(&mut pre_roll, 6000, false, 3 << 20), "a group that is too large alone");
        assert_eq!((pre_roll.from(), pre_roll.bytes), (None, 0));
    }
}
