//! Access units and bytes a second over the last five seconds.
//!
//! Pure, and of a fixed size whatever the stream sends.

use crate::time::Mono;

const BUCKET_MS: u64 = 500;
/// Ten whole buckets and the one that fills.
const BUCKETS: u64 = 11;
/// Shortest time that a rate is taken over: two units in the first millisecond are not 2000 a second.
const SPAN_MIN_S: f32 = 1.0;

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    number: u64,
    units: u32,
    bytes: u64,
}

/// The last five seconds of a stream.
#[derive(Debug)]
pub(super) struct Rates {
    start: Mono,
    buckets: [Bucket; BUCKETS as usize],
}

/// Rates of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rate {
    /// Access units a second.
    pub(super) fps: f32,
    /// Kilobits (1000 bits) a second.
    pub(super) kbps: f32,
}

impl Rates {
    /// Of a stream that starts now.
    pub(super) fn new(start: Mono) -> Self {
        Self { start, buckets: Default::default() }
    }

    /// An access unit arrived.
    pub(super) fn add(&mut self, now: Mono, bytes: usize) {
        let number = number(now);
        let bucket = &mut self.buckets[(number % BUCKETS) as usize];
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::default() };
        }
        bucket.units = bucket.units.saturating_add(1);
        bucket.bytes = bucket.bytes.saturating_add(bytes as u64);
    }

    /// The rates now.
    pub(super) fn rate(&self, now: Mono) -> Rate {
        let newest = number(now);
        let oldest = newest.saturating_sub(BUCKETS - 1);
        let (units, bytes) = self
            .buckets
            .iter()
            .filter(|bucket| (oldest..=newest).contains(&bucket.number))
            .fold((0.0, 0.0), |(units, bytes), bucket| {
                (units + bucket.units as f32, bytes + bucket.bytes as f32)
            });
        let from_ms = (oldest * BUCKET_MS).max(ms(self.start));
        let span_s = (ms(now).saturating_sub(from_ms) as f32 / 1000.0).max(SPAN_MIN_S);
        Rate { fps: units / span_s, kbps: bytes * 8.0 / 1000.0 / span_s }
    }
}

fn ms(at: Mono) -> u64 {
    u64::try_from(at.since_start().as_millis()).unwrap_or(u64::MAX)
}

fn number(at: Mono) -> u64 {
    ms(at) / BUCKET_MS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_start(Duration::from_millis(ms))
    }

    #[test]
    fn rates_are_those_of_the_last_five_seconds() {
        let start_ms = 7_130;
        assert_eq!(Rates::new(at(start_ms)).rate(at(start_ms)), Rate::default());
        // 25 units of 5000 bytes a second for ten seconds, then nothing.
        for (ms, fps, kbps) in
            [(1_000, 25.0, 1000.0), (3_000, 25.0, 1000.0), (9_990, 25.0, 1000.0), (16_000, 0.0, 0.0)]
        {
            let mut seen = Rates::new(at(start_ms));
            (0..250u64)
                .map(|unit| unit * 40)
                .filter(|&unit_ms| unit_ms < ms)
                .for_each(|unit_ms| seen.add(at(start_ms + unit_ms), 5_000));
            let rate = seen.rate(at(start_ms + ms));
            assert!(
                (rate.fps - fps).abs() < 1.0 && (rate.kbps - kbps).abs() < 40.0,
                "after {ms} ms: {rate:?}"
            );
        }
    }

    #[test]
    fn a_first_burst_is_not_a_rate_of_thousands() {
        let mut rates = Rates::new(at(0));
        (0..50).for_each(|_| rates.add(at(1), 1000));
        assert!(rates.rate(at(2)).fps <= 50.0);
    }
}
