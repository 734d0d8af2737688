//! Which access unit a picture came from.
//!
//! Decoders give pictures back in another order than they took units, and know them by a timestamp alone. Owns the
//! timestamps that we hand in, which never jump, whatever a camera's clock does. Pure.

use std::collections::VecDeque;

use crate::{
    camera::AccessUnit,
    time::{MediaTime, Now, Wall},
};

/// Units under way in a decoder, at most: H.264 and H.265 reorder no more than 16 frames.
pub(super) const UNDER_WAY_MAX: usize = 48;

/// A step of a stream's time larger than this is a jump of its clock, in ticks of 1/90000 s.
const JUMP_90K: i64 = 10 * 90_000;

/// Where the decoder's time begins, so that it can go back a little.
const START_90K: i64 = 3600 * 90_000;

/// What a frame takes from the unit that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) media: MediaTime,
    pub(super) arrived: Now,
    pub(super) camera_clock: Option<Wall>,
}

/// The units that a decoder holds.
#[derive(Debug)]
pub(super) struct Times {
    /// Decoder time minus stream time, in ticks.
    offset_90k: i64,
    /// The stream's time at the last unit, and the decoder's highest so far.
    last: Option<(MediaTime, i64)>,
    under_way: VecDeque<(u64, Stamp)>,
}

impl Times {
    pub(super) fn new() -> Self {
        Self { offset_90k: 0, last: None, under_way: VecDeque::with_capacity(UNDER_WAY_MAX) }
    }

    /// Takes a unit in; returns its timestamp for the decoder in nanoseconds, unlike any other under way.
    pub(super) fn enter(&mut self, unit: &AccessUnit) -> u64 {
        let media = unit.media.ticks_90k;
        let highest = match self.last {
            None => {
                self.offset_90k = START_90K.saturating_sub(media);
                START_90K
            }
            Some((before, highest)) => {
                if media.abs_diff(before.ticks_90k) > JUMP_90K as u64 {
                    self.offset_90k = highest.saturating_add(90_000).saturating_sub(media);
                }
                highest
            }
        };
        let ticks = media.saturating_add(self.offset_90k);
        self.last = Some((unit.media, highest.max(ticks)));
        let mut ns = u64::try_from(i128::from(ticks) * 100_000 / 9).unwrap_or_default();
        while self.under_way.iter().any(|(known, _)| *known == ns) {
            ns += 1;
        }
        if self.under_way.len() == UNDER_WAY_MAX {
            self.under_way.pop_front();
        }
        let stamp = Stamp { media: unit.media, arrived: unit.arrived, camera_clock: unit.camera_clock };
        self.under_way.push_back((ns, stamp));
        ns
    }

    /// The unit of a picture with this timestamp; the oldest under way where the decoder has changed it. Units before it
    /// in the order of display are forgotten: their pictures will not come any more.
    pub(super) fn leave(&mut self, ns: Option<u64>) -> Option<Stamp> {
        let at = self.under_way.iter().position(|(known, _)| Some(*known) == ns).unwrap_or(0);
        let (ns, stamp) = self.under_way.remove(at)?;
        self.under_way.retain(|(other, _)| *other > ns);
        Some(stamp)
    }

    /// Forgets what is under way.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{camera::Codec, config::StreamRole};

    fn unit(media_ms: i64) -> AccessUnit {
        AccessUnit {
            role: StreamRole::Main,
            codec: Codec::H264,
            data: Bytes::new(),
            is_key: false,
            media: MediaTime::from_ms(media_ms),
            camera_clock: Some(Wall::from_unix_ms(media_ms)),
            arrived: Now::default(),
            packets_lost: 0,
        }
    }

    #[test]
    fn b_frames_keep_their_own_times() {
        let mut times = Times::new();
        let stamps: Vec<u64> = [0, 300, 100, 200].map(|ms| times.enter(&unit(ms))).to_vec();
        let shown = [stamps[0], stamps[2], stamps[3], stamps[1]];
        let back: Vec<_> = shown.iter().map(|ns| times.leave(Some(*ns)).map(|s| s.media.ms())).collect();
        assert_eq!(back, [Some(0), Some(100), Some(200), Some(300)]);
        assert_eq!(times.leave(None), None);
    }

    #[test]
    fn a_jump_of_the_clock_is_no_jump_for_the_decoder() {
        let mut times = Times::new();
        let mut stamps = vec![];
        for ms in [1_000_000, 1_000_040, 5, 45, 80_000_000, 80_000_040, -7_000_000] {
            stamps.push(times.enter(&unit(ms)));
        }
        assert!(stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
        let span = stamps[6] - stamps[0];
        assert!(span < 4_000_000_000, "{span} ns");
        assert_eq!(times.leave(Some(stamps[2])).map(|s| s.media.ms()), Some(5));
    }

    #[test]
    fn equal_times_are_told_apart_and_lost_units_forgotten() {
        let mut times = Times::new();
        let stamps: Vec<u64> = (0..3).map(|_| times.enter(&unit(7))).collect();
        assert!(stamps[0] != stamps[1] && stamps[1] != stamps[2]);
        assert!(times.leave(Some(stamps[1])).is_some());
        assert_eq!(times.under_way.len(), 1, "the first is not coming any more");
        for ms in 0..1000 {
            times.enter(&unit(ms * 40));
        }
        assert_eq!(times.under_way.len(), UNDER_WAY_MAX);
    }
}
