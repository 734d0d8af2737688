//! Latest-wins slots, one a key, served by urgency.
//!
//! Whoever puts an item says until when it should be served; the earliest such time is served first, and among equals the one that came
//! first. Times are absolute, so that whatever waits becomes the most urgent at last: a busy camera cannot starve a
//! quiet one. A key that waits keeps its place when its item is overwritten, and a key whose item is being worked on is not
//! served again until that work is done: a camera cannot overtake itself.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::time::Mono;

/// One slot a key, the newest item wins. Shared between one producer a key and any number of workers.
#[derive(Debug)]
pub struct Slots<K, T> {
    inner: Mutex<Inner<K, T>>,
    ready: Condvar,
}

#[derive(Debug)]
struct Inner<K, T> {
    slots: HashMap<K, Slot<T>>,
    /// Keys that hold an item and are not being worked on, in the order in which they are served.
    turn: BTreeSet<(Place, K)>,
    /// Counts what was put, so that equals are served in the order in which they came.
    came: u64,
    closed: bool,
}

/// Until when something should be served, and which of all it was.
type Place = (Mono, u64);

#[derive(Debug)]
struct Slot<T> {
    item: Option<(Place, T)>,
    busy: bool,
}

/// An item under work. The key is served again once this is dropped.
#[derive(Debug)]
pub struct Taken<'a, K: Ord + Hash + Clone, T> {
    slots: &'a Slots<K, T>,
    key: K,
    item: Option<T>,
}

impl<K: Ord + Hash + Clone, T> Slots<K, T> {
    /// No slots yet; they are made as keys appear.
    pub fn new() -> Self {
        let inner = Inner { slots: HashMap::new(), turn: BTreeSet::new(), came: 0, closed: false };
        Self { inner: Mutex::new(inner), ready: Condvar::new() }
    }

    /// Guards the bookkeeping alone, never held while an item is worked on; a panic elsewhere cannot leave it half-done.
    fn lock(&self) -> MutexGuard<'_, Inner<K, T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item into its key's slot, to be served until `due` if that can be. Gives back what it displaced, or the item itself where the
    /// slots are closed. What displaces takes over the place of what it displaces, or an earlier one.
    pub fn put(&self, key: K, due: Mono, item: T) -> Option<T> {
        let mut inner = self.lock();
        if inner.closed {
            return Some(item);
        }
        inner.came += 1;
        let place = (due, inner.came);
        let Inner { slots, turn, .. } = &mut *inner;
        let slot = slots.entry(key.clone()).or_insert(Slot { item: None, busy: false });
        let displaced = slot.item.take();
        let kept = displaced.as_ref().map_or(place, |(before, _)| place.min(*before));
        slot.item = Some((kept, item));
        if !slot.busy {
            if let Some((before, _)) = &displaced {
                turn.remove(&(*before, key.clone()));
            }
            turn.insert((kept, key));
            self.ready.notify_one();
        }
        displaced.map(|(_, item)| item)
    }

    /// The next item in turn; waits for one. `None` once the slots are closed and empty of turns.
    pub fn take(&self) -> Option<Taken<'_, K, T>> {
        let mut inner = self.lock();
        loop {
            if inner.closed {
                return None;
            }
            if let Some(taken) = self.next(&mut inner) {
                return Some(taken);
            }
            inner = self.ready.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next item in turn, if one waits.
    pub fn try_take(&self) -> Option<Taken<'_, K, T>> {
        self.next(&mut self.lock())
    }

    fn next(&self, inner: &mut Inner<K, T>) -> Option<Taken<'_, K, T>> {
        while let Some((_, key)) = inner.turn.pop_first() {
            if let Some(slot) = inner.slots.get_mut(&key)
                && let Some((_, item)) = slot.item.take()
            {
                slot.busy = true;
                return Some(Taken { slots: self, key, item: Some(item) });
            }
        }
        None
    }

    /// Forgets a key and gives back what waited there.
    pub fn remove(&self, key: &K) -> Option<T> {
        let mut inner = self.lock();
        let (place, item) = inner.slots.remove(key).and_then(|slot| slot.item)?;
        inner.turn.remove(&(place, key.clone()));
        Some(item)
    }

    /// Wakes every worker and lets no further item in. What waits is dropped.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.slots.clear();
        inner.turn.clear();
        self.ready.notify_all();
    }

    /// How many items wait.
    pub fn waiting(&self) -> usize {
        self.lock().turn.len()
    }
}

impl<K: Ord + Hash + Clone, T> Default for Slots<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Hash + Clone, T> Taken<'_, K, T> {
    /// Whose it is.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The item, for keeps; the key stays busy until `self` is dropped.
    ///
    /// # Panics
    /// Where it was already taken out.
    pub fn item(&mut self) -> T {
        self.item.take().expect("an item is taken out once")
    }
}

impl<K: Ord + Hash + Clone, T> Drop for Taken<'_, K, T> {
    fn drop(&mut self) {
        let mut inner = self.slots.lock();
        let Some(slot) = inner.slots.get_mut(&self.key) else { return };
        slot.busy = false;
        if let Some((place, _)) = slot.item {
            inner.turn.insert((place, self.key.clone()));
            self.slots.ready.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_start(std::time::Duration::from_millis(ms))
    }

    /// All as urgent as each other.
    fn put(slots: &Slots<char, u32>, key: char, item: u32) -> Option<u32> {
        slots.put(key, at(0), item)
    }

    fn drain(slots: &Slots<char, u32>) -> Vec<(char, u32)> {
        std::iter::from_fn(|| slots.try_take().map(|mut t| (*t.key(), t.item()))).collect()
    }

    #[test]
    fn the_newest_wins_and_keeps_its_place() {
        let slots = Slots::new();
        assert_eq!(put(&slots, 'a', 1), None);
        assert_eq!(put(&slots, 'b', 2), None);
        assert_eq!(put(&slots, 'a', 3), Some(1));
        assert_eq!(drain(&slots), [('a', 3), ('b', 2)]);
    }

    #[test]
    fn a_busy_camera_cannot_starve_a_quiet_one() {
        let slots = Slots::new();
        put(&slots, 'a', 0);
        let mut served = Vec::new();
        for round in 1..=6 {
            let mut taken = slots.try_take().expect("something waits");
            put(&slots, 'a', round);
            if round == 2 {
                put(&slots, 'q', 100);
            }
            served.push((*taken.key(), taken.item()));
        }
        let at = served.iter().position(|(key, _)| *key == 'q').expect("the quiet one is served");
        assert!(at <= 3, "{served:?}");
    }

    #[test]
    fn a_key_is_worked_on_by_one_worker_at_a_time() {
        let slots = Slots::new();
        put(&slots, 'a', 1);
        let taken = slots.try_take().expect("waits");
        put(&slots, 'a', 2);
        assert!(slots.try_take().is_none(), "a is busy");
        drop(taken);
        assert_eq!(drain(&slots), [('a', 2)]);
    }

    #[test]
    fn a_removed_key_that_comes_again_is_still_worked_on_by_one_worker_at_a_time() {
        let slots = Slots::new();
        put(&slots, 'a', 1);
        assert_eq!(slots.remove(&'a'), Some(1));
        put(&slots, 'a', 2);
        let taken = slots.try_take().expect("waits");
        put(&slots, 'a', 3);
        assert!(slots.try_take().is_none(), "a is busy, and its old turn is gone");
        drop(taken);
        assert_eq!(drain(&slots), [('a', 3)]);
    }

    #[test]
    fn the_most_urgent_is_served_first_and_nobody_waits_for_ever() {
        let slots = Slots::new();
        slots.put('s', at(500), 1);
        slots.put('u', at(50), 2);
        assert_eq!(drain(&slots), [('u', 2), ('s', 1)]);
        // A camera that always has something urgent, against one that has waited.
        slots.put('s', at(500), 1);
        let mut served = Vec::new();
        for now in (0..1000).step_by(100) {
            slots.put('u', at(now + 50), 0);
            served.extend(slots.try_take().map(|mut taken| (*taken.key(), taken.item())));
        }
        assert!(served.contains(&('s', 1)), "{served:?}");
    }

    #[test]
    fn what_displaces_is_as_urgent_as_the_more_urgent_of_both() {
        let slots = Slots::new();
        slots.put('a', at(10), 1);
        slots.put('b', at(20), 2);
        assert_eq!(slots.put('a', at(30), 3), Some(1));
        assert_eq!(drain(&slots), [('a', 3), ('b', 2)], "its place is kept");
        slots.put('a', at(30), 1);
        slots.put('b', at(20), 2);
        slots.put('a', at(10), 3);
        assert_eq!(drain(&slots), [('a', 3), ('b', 2)], "it moves up");
    }

    #[test]
    fn closing_wakes_who_waits_and_refuses_more() {
        let slots: Slots<char, u32> = Slots::new();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take().is_none());
            slots.close();
            assert!(waiter.join().expect("joins"));
        });
        assert_eq!(put(&slots, 'a', 1), Some(1));
    }
}
