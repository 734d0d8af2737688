//! Access units on their way to the decoder.
//!
//! Owns what waits while the camera's decoder is at work, within a budget. When the budget is spent, decoding skips to the newest key frame: a delta
//! without its key is useless, and old pictures are worth less than new ones.

use std::collections::VecDeque;

use crate::camera::AccessUnit;

/// Most bytes that wait for one camera's decoder: two very large key frames, or some ten seconds of a sub stream.
const BYTES_MAX: usize = 4 << 20;
/// Most access units that wait.
const UNITS_MAX: usize = 100;
/// Most access units in one job, so that one camera's backlog does not hold a decoding thread for long.
const JOB_UNITS_MAX: usize = 16;

/// What waits for one camera's decoder.
#[derive(Debug, Default)]
pub(super) struct Feed {
    waiting: VecDeque<AccessUnit>,
    bytes: usize,
    state: State,
    at_work: bool,
}

/// Whether the next unit can be decoded.
#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Only a key frame is let in: at the start of a stream, and after units were skipped.
    #[default]
    NeedsKey,
    /// What it refers to is there.
    Flowing,
}

impl Feed {
    /// Takes a unit in. Says how many units (this one or older ones) were skipped.
    pub(super) fn push(&mut self, unit: AccessUnit) -> u32 {
        if self.state == State::NeedsKey && !unit.is_key {
            return 1;
        }
        self.state = State::Flowing;
        self.bytes += unit.data.len();
        self.waiting.push_back(unit);
        // One unit alone is let in however large it is: the stream's reader has a limit for it.
        let over = (self.bytes > BYTES_MAX && self.waiting.len() > 1) || self.waiting.len() > UNITS_MAX;
        if over { self.skip() } else { 0 }
    }

    /// Drops all that lies before the newest key frame; where that one is the oldest already, everything.
    fn skip(&mut self) -> u32 {
        let newest_key = self.waiting.iter().rposition(|unit| unit.is_key).unwrap_or(0);
        let dropped = if newest_key == 0 {
            self.state = State::NeedsKey;
            self.waiting.len()
        } else {
            newest_key
        };
        self.bytes -= self.waiting.drain(..dropped).map(|unit| unit.data.len()).sum::<usize>();
        dropped as u32
    }

    /// The next job, if the decoder is free and something waits. The decoder counts as at work until [`Feed::returned`].
    pub(super) fn job(&mut self) -> Option<Vec<AccessUnit>> {
        if self.at_work || self.waiting.is_empty() {
            return None;
        }
        let count = self.waiting.len().min(JOB_UNITS_MAX);
        let units: Vec<AccessUnit> = self.waiting.drain(..count).collect();
        self.bytes -= units.iter().map(|unit| unit.data.len()).sum::<usize>();
        self.at_work = true;
        Some(units)
    }

    /// The decoder is free again.
    pub(super) fn returned(&mut self) {
        debug_assert!(self.at_work, "a job came back that was never given out");
        self.at_work = false;
    }

    /// The stream broke off: what waits is of no use, and the next stream begins with a key frame.
    pub(super) fn cut(&mut self) -> u32 {
        let dropped = self.waiting.len() as u32;
        self.waiting.clear();
        self.bytes = 0;
        self.state = State::NeedsKey;
        dropped
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        camera::Codec,
        config::StreamRole,
        time::{MediaTime, Now},
    };

    fn unit(is_key: bool, len: usize) -> AccessUnit {
        AccessUnit {
            role: StreamRole::Sub,
            codec: Codec::H264,
            data: Bytes::from(vec![0; len]),
            is_key,
            media: MediaTime::default(),
            camera_clock: None,
            arrived: Now::default(),
            packets_lost: 0,
        }
    }

    #[test]
    fn a_stream_begins_with_a_key_frame() {
        let mut feed = Feed::default();
        assert_eq!(feed.push(unit(false, 10)), 1);
        assert_eq!(feed.push(unit(true, 10)), 0);
        assert_eq!(feed.push(unit(false, 10)), 0);
        assert_eq!(feed.job().map(|units| units.len()), Some(2));
    }

    #[test]
    fn one_job_is_out_at_a_time() {
        let mut feed = Feed::default();
        feed.push(unit(true, 10));
        assert!(feed.job().is_some());
        feed.push(unit(false, 10));
        assert!(feed.job().is_none());
        feed.returned();
        assert!(feed.job().is_some());
    }

    #[test]
    fn a_spent_budget_skips_to_the_newest_key_frame() {
        let mut feed = Feed::default();
        let mut skipped = 0;
        for i in 0..=UNITS_MAX {
            skipped += feed.push(unit(i % 40 == 0, 10));
        }
        assert_eq!(skipped, 80, "all before the key frame at 80");
        let job = feed.job().expect("waits");
        assert!(job[0].is_key);
        assert_eq!(feed.bytes, (UNITS_MAX + 1 - 80 - job.len()) * 10);
    }

    #[test]
    fn without_a_newer_key_frame_everything_is_skipped_and_a_key_awaited() {
        let mut feed = Feed::default();
        assert_eq!(feed.push(unit(true, BYTES_MAX)), 0);
        assert_eq!(feed.push(unit(false, 1)), 2);
        assert_eq!(feed.push(unit(false, 1)), 1);
        assert_eq!(feed.push(unit(true, 1)), 0);
        assert_eq!(feed.job().map(|units| units.len()), Some(1));
    }
}
