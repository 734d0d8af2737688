//! What is reported of a trial, in JSON's words.

use std::time::Duration;

use serde::Serialize;

use super::{Caught, Tried};
use crate::gate::Cause;

/// All encodings.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// By name, in the order in which they were tried.
    pub encodings: serde_json::Map<String, serde_json::Value>,
    /// Visits caught, of those that decoding everything catches: 0..=1 over all encodings.
    pub caught_share: f64,
    /// Time between looks without cause that was granted, in seconds.
    pub guard_s: f64,
}

/// One encoding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfEncoding {
    /// Visits in the film.
    pub visits: usize,
    /// How many were caught.
    pub caught: usize,
    /// The same where everything is decoded.
    pub caught_always: usize,
    /// Caught by a look for which the stream gave cause.
    pub caught_by_stream: usize,
    /// From begin to caught; absent where none was.
    pub delay_ms: Option<Delay>,
    /// The same where everything is decoded.
    pub delay_always_ms: Option<Delay>,
    /// Access units that were decoded, of all.
    pub decoded_share: f64,
    /// Looks and times awake.
    pub looks: u64,
    /// Those in which nothing was found.
    pub looks_empty: u64,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Delay {
    /// Median.
    pub p50: u64,
    /// Longest.
    pub max: u64,
}

/// One encoding, watched by the gate and all the time.
pub fn report(gated: &Tried, always: &Tried) -> OfEncoding {
    let of = |tried: &Tried| tried.caught.iter().flatten().copied().collect::<Vec<Caught>>();
    let (caught, caught_always) = (of(gated), of(always));
    OfEncoding {
        visits: gated.caught.len(),
        caught: caught.len(),
        caught_always: caught_always.len(),
        caught_by_stream: caught.iter().filter(|caught| caught.cause == Cause::Stream).count(),
        delay_ms: delay(&caught),
        delay_always_ms: delay(&caught_always),
        decoded_share: (gated.decoded as f64 / gated.units.max(1) as f64 * 1e4).round() / 1e4,
        looks: gated.looks,
        looks_empty: gated.looks_empty,
    }
}

fn delay(caught: &[Caught]) -> Option<Delay> {
    let mut delays: Vec<Duration> = caught.iter().map(|caught| caught.delay).collect();
    delays.sort_unstable();
    let ms = |delay: &Duration| delay.as_millis() as u64;
    Some(Delay { p50: ms(delays.get(delays.len() / 2)?), max: ms(delays.last()?) })
}
