//! Who has failed too often waits, longer each time.
//!
//! Pure: it is handed the time. Owns how long. A try is counted before it is judged, so that a hundred at once are a hundred; one that succeeds is taken
//! back. What is remembered is bounded, and forgotten after an hour of quiet: nobody is locked out by somebody else for good.

use std::{collections::HashMap, hash::Hash, time::Duration};

use crate::time::Mono;

/// The first wait.
const WAIT_MIN: Duration = Duration::from_secs(30);
/// No wait is longer.
const WAIT_MAX: Duration = Duration::from_secs(900);
/// After so long without a try everything is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);
/// Keys that are remembered; then the one that was quiet for longest is forgotten.
const KEYS_MAX: usize = 10_000;

/// Failures, by whatever has failed.
#[derive(Debug, Clone)]
pub struct Waits<K> {
    /// So many failures cost nothing.
    free: u32,
    failed: HashMap<K, Failed>,
}

#[derive(Debug, Clone, Copy)]
struct Failed {
    count: u32,
    last: Mono,
}

impl<K: Hash + Eq + Clone> Waits<K> {
    /// Nobody has failed yet; `free` failures cost nothing.
    pub fn new(free: u32) -> Self {
        Self { free, failed: HashMap::new() }
    }

    /// How long this one still has to wait; `None`: he may try.
    pub fn wait(&self, key: &K, now: Mono) -> Option<Duration> {
        let failed = self.failed.get(key)?;
        let left = self.wait_after(failed.count).saturating_sub(now.since(failed.last));
        (!left.is_zero()).then_some(left)
    }

    /// He tries: that counts as a failure until [`Self::succeeded`] or [`Self::forgive`] says otherwise.
    pub fn tried(&mut self, key: K, now: Mono) {
        if self.failed.len() >= KEYS_MAX && !self.failed.contains_key(&key) {
            self.make_room(now);
        }
        let failed = self.failed.entry(key).or_insert(Failed { count: 0, last: now });
        if now.since(failed.last) >= FORGOTTEN_AFTER {
            failed.count = 0;
        }
        failed.count = failed.count.saturating_add(1);
        failed.last = now;
    }

    /// He has succeeded: nothing is held against him.
    pub fn succeeded(&mut self, key: &K) {
        self.failed.remove(key);
    }

    /// His last try was none; those before still count.
    pub fn forgive(&mut self, key: &K) {
        if let Some(failed) = self.failed.get_mut(key) {
            failed.count = failed.count.saturating_sub(1);
        }
    }

    fn wait_after(&self, count: u32) -> Duration {
        match count.checked_sub(self.free) {
            None => Duration::ZERO,
            Some(over) => WAIT_MAX.min(WAIT_MIN.saturating_mul(1 << over.min(10))),
        }
    }

    fn make_room(&mut self, now: Mono) {
        self.failed.retain(|_, failed| now.since(failed.last) < FORGOTTEN_AFTER);
        if self.failed.len() >= KEYS_MAX
            && let Some(oldest) = self.failed.iter().min_by_key(|(_, failed)| failed.last)
        {
            let oldest = oldest.0.clone();
            self.failed.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(s: u64) -> Mono {
        Mono::from_start(Duration::from_secs(s))
    }

    #[test]
    fn five_failures_are_free_and_then_it_takes_longer_each_time() {
        let (mut waits, mut now, mut waited) = (Waits::new(5), 0, Vec::new());
        for _ in 0..12 {
            waits.tried("li", at(now));
            let wait = waits.wait(&"li", at(now)).unwrap_or_default().as_secs();
            waited.push(wait);
            assert!(wait == 0 || waits.wait(&"li", at(now + wait - 1)).is_some());
            now += wait;
            assert_eq!(waits.wait(&"li", at(now)), None);
        }
        assert_eq!(waited, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        assert_eq!(waits.wait(&"wu", at(now)), None, "nobody else waits");
    }

    #[test]
    fn who_succeeds_or_keeps_quiet_begins_anew() {
        let mut waits = Waits::new(1);
        waits.tried("li", at(0));
        assert!(waits.wait(&"li", at(29)).is_some());
        waits.succeeded(&"li");
        assert_eq!(waits.wait(&"li", at(0)), None);
        for _ in 0..9 {
            waits.tried("li", at(0));
        }
        waits.tried("li", at(3600));
        assert_eq!(waits.wait(&"li", at(3600)), Some(WAIT_MIN), "the first of a new hour");
    }

    #[test]
    fn a_try_that_was_none_is_taken_back_alone() {
        let mut waits = Waits::new(2);
        waits.tried("a", at(0));
        waits.tried("a", at(0));
        waits.forgive(&"a");
        assert_eq!(waits.wait(&"a", at(0)), None);
        waits.tried("a", at(1));
        assert!(waits.wait(&"a", at(1)).is_some());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_newest_stay() {
        let mut waits = Waits::new(1);
        for n in 0..KEYS_MAX as u64 + 50 {
            waits.tried(n, at(n / 100));
        }
        assert!(waits.failed.len() <= KEYS_MAX);
        assert!(waits.wait(&(KEYS_MAX as u64 + 49), at(KEYS_MAX as u64 / 100)).is_some());
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_the_longest_wait(free in 0u32..40, tries in proptest::collection::vec(0u64..2000, 1..100)) {
            let (mut waits, mut now) = (Waits::new(free), 0);
            for pause in tries {
                now += pause;
                waits.tried((), at(now));
                prop_assert!(waits.wait(&(), at(now)).is_none_or(|wait| wait <= WAIT_MAX));
            }
            prop_assert_eq!(waits.wait(&(), at(now + WAIT_MAX.as_secs())), None);
        }
    }
}
