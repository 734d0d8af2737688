//! What one camera costs, and what its stream is worth: written by its lane, read by whoever shares out the budget.
//!
//! Owns numbers alone. What follows from them belongs to [`super::Budget`].

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::Claim;

/// A byte of a P frame takes so much longer to decode than one of a key frame, on top of it, and half of the bytes are of P frames.
const DELTA_BYTES_COST_MORE: f64 = 0.6;

/// Decoding that was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Access units decoded.
    pub units: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Processor time that it took, motion included.
    pub took: Duration,
}

/// Sums since the start, for one camera. Each is right by itself; together they may be a unit apart.
#[derive(Debug, Default)]
pub struct Account {
    bytes: AtomicU64,
    decoded_bytes: AtomicU64,
    decoded_ns: AtomicU64,
    key_looks: AtomicU64,
    key_ns: AtomicU64,
    key_bytes: AtomicU64,
    says_little: AtomicBool,
    streams: AtomicBool,
}

/// Sums as they were read at one time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    bytes: u64,
    decoded_bytes: u64,
    decoded_ns: u64,
    key_looks: u64,
    key_ns: u64,
    key_bytes: u64,
}

impl Account {
    pub(super) fn arrived(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn decoded(&self, spent: &Spent, is_guard: bool) {
        self.decoded_bytes.fetch_add(spent.bytes, Relaxed);
        self.decoded_ns.fetch_add(spent.took.as_nanos() as u64, Relaxed);
        if is_guard && spent.units == 1 {
            self.key_looks.fetch_add(1, Relaxed);
            self.key_ns.fetch_add(spent.took.as_nanos() as u64, Relaxed);
            self.key_bytes.fetch_add(spent.bytes, Relaxed);
        }
    }

    pub(super) fn says_little(&self, says_little: bool) {
        self.says_little.store(says_little, Relaxed);
    }

    pub(super) fn streams(&self, streams: bool) {
        self.streams.store(streams, Relaxed);
    }

    /// Whether the camera's stream has proved to say little of what moves before it.
    pub fn is_poor(&self) -> bool {
        self.says_little.load(Relaxed)
    }

    /// Reads all sums.
    pub fn read(&self) -> Reading {
        Reading {
            bytes: self.bytes.load(Relaxed),
            decoded_bytes: self.decoded_bytes.load(Relaxed),
            decoded_ns: self.decoded_ns.load(Relaxed),
            key_looks: self.key_looks.load(Relaxed),
            key_ns: self.key_ns.load(Relaxed),
            key_bytes: self.key_bytes.load(Relaxed),
        }
    }

    /// What the camera may claim, by what happened since `before`, which was read so long ago.
    pub fn claim(&self, before: &Reading, ago: Duration) -> Claim {
        let now = self.read();
        let per_s = |sum: u64| sum as f64 / ago.as_secs_f64().max(1e-3);
        let ns_per_byte = match now.decoded_bytes - before.decoded_bytes {
            0 => None,
            bytes => {
                let of_keys = (now.key_bytes - before.key_bytes) as f64 / bytes as f64;
                let measured = (now.decoded_ns - before.decoded_ns) as f64 / bytes as f64;
                Some(measured * (1.0 + DELTA_BYTES_COST_MORE * of_keys))
            }
        };
        let looks = now.key_looks - before.key_looks;
        let key_look = (looks > 0).then(|| Duration::from_nanos((now.key_ns - before.key_ns) / looks));
        Claim {
            always: ns_per_byte.map(|ns| (per_s(now.bytes - before.bytes) * ns / 1e9) as f32),
            key_look,
            is_poor: self.is_poor(),
            streams: self.streams.load(Relaxed),
        }
    }
}
