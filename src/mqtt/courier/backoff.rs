//! How long to wait before connecting again, and how often to say that the broker is away.

use std::time::Duration;

use crate::{id::Mint, time::Mono};

/// Shortest and longest wait, before jitter.
const WAIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// How often the log repeats that the broker is away.
const TELL_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Backoff {
    attempts: u32,
    tell_at: Mono,
    mint: Mint,
}

impl Backoff {
    pub(super) fn new(mint: Mint) -> Self {
        Self { attempts: 0, tell_at: Mono::ZERO, mint }
    }

    /// The next loss is news.
    pub(super) fn connected(&mut self) {
        self.tell_at = Mono::ZERO;
    }

    /// The connection was a good one: the next wait is the shortest.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    pub(super) fn is_time_to_tell(&mut self, now: Mono) -> bool {
        let is_time = self.tell_at <= now;
        if is_time {
            self.tell_at = now + TELL_EVERY;
        }
        is_time
    }

    /// Twice the last, half of it jitter: many nodes must not come back at the same moment.
    pub(super) fn next_wait(&mut self) -> Duration {
        let doubled = WAIT.0.saturating_mul(1 << self.attempts.min(16)).min(WAIT.1);
        self.attempts = self.attempts.saturating_add(1);
        doubled.mul_f64(0.5 + 0.5 * self.mint.unit())
    }
}
