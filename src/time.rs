//! Clocks, kept apart by type.
//!
//! [`Wall`] is civil time (UTC): what is written down and shown. [`Mono`] never jumps: what is
//! waited for and measured. [`MediaTime`] is what a stream counts. Pure code is handed a [`Now`]; only tasks
//! and threads ask a [`Clock`]. Time zones belong to the rules' hours, not here.

use std::{
    fmt,
    ops::{Add, Sub},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Civil time: microseconds since 1970-01-01T00:00:00Z. May jump when a clock is set. Kept as that number; on the wire it is written out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(i64);

impl Wall {
    /// From microseconds since the Unix epoch.
    pub const fn from_unix_us(us: i64) -> Self {
        Self(us)
    }

    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn unix_us(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    pub const fn unix_ms(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by `by`.
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// `self - earlier` in microseconds; negative where `earlier` is later.
    pub const fn us_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As a `jiff` timestamp; civil times outside jiff's range (years ±9999) are clamped.
    pub fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-03-09T18:04:05.123Z`.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp())
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Monotonic time: nanoseconds since an arbitrary start (of the process, or of a simulation).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mono(u64);

impl Mono {
    /// The start itself.
    pub const ZERO: Self = Self(0);

    /// From the time since the start.
    pub fn from_start(since: Duration) -> Self {
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Time since the start.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }

    /// `self - earlier`, or zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Mono {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.6}s", self.since_start().as_secs_f64())
    }
}

/// A stream's own time in ticks of 1/90000 s, unwrapped, from an arbitrary start. Streams with other
/// clock rates are converted on entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct MediaTime {
    /// Ticks of 1/90000 s.
    pub ticks_90k: i64,
}

impl MediaTime {
    /// From ticks of any clock rate.
    pub fn from_ticks(ticks: i64, clock_rate_hz: u32) -> Self {
        let scaled = i128::from(ticks) * 90_000 / i128::from(clock_rate_hz.max(1));
        Self { ticks_90k: scaled.clamp(i64::MIN.into(), i64::MAX.into()) as i64 }
    }

    /// From milliseconds.
    pub const fn from_ms(ms: i64) -> Self {
        Self { ticks_90k: ms.saturating_mul(90) }
    }

    /// Milliseconds, rounded down.
    pub const fn ms(self) -> i64 {
        self.ticks_90k.div_euclid(90)
    }

    /// `self - earlier`, or zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        let ticks = self.ticks_90k.saturating_sub(earlier.ticks_90k).max(0) as u64;
        Duration::from_nanos((u128::from(ticks) * 1_000_000 / 90).min(u64::MAX.into()) as u64)
    }
}

/// One instant, in both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Never jumps.
    pub mono: Mono,
    /// UTC.
    pub wall: Wall,
}

impl Now {
    /// The instant `by` later, as far as anybody knows.
    pub fn after(self, by: Duration) -> Self {
        Self { mono: self.mono + by, wall: self.wall.after(by) }
    }
}

/// How far civil time is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Deadlines are reached when it says so.
    Believed,
    /// Nothing is deleted for its age.
    Doubted,
    /// It is before this program was written: no deadline is reached.
    Lost,
}

/// The machine's clock. Simulations do not have one: they make their own [`Now`].
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic time starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Now.
    pub fn now(&self) -> Now {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Now { mono: Mono::from_start(self.start.elapsed()), wall: Wall(wall) }
    }

    /// The `Instant` at which monotonic time is `at`, for timers.
    pub fn instant(&self, at: Mono) -> Instant {
        self.start + at.since_start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_is_written_in_utc_with_milliseconds() {
        assert_eq!(Wall::from_unix_ms(1_773_079_445_123).to_string(), "2026-03-09T18:04:05.123Z");
        assert_eq!(Wall::from_unix_us(-1).to_string(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn media_time_converts_clock_rates() {
        assert_eq!(MediaTime::from_ticks(8000, 8000).ms(), 1000);
        assert_eq!(
            MediaTime::from_ticks(90_000, 90_000).since(MediaTime::from_ms(500)),
            Duration::from_millis(500)
        );
        assert_eq!(MediaTime::from_ms(1).since(MediaTime::from_ms(2)), Duration::ZERO);
    }
}
