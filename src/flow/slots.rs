//! Latest-wins slots, one a key, served in turn.
//!
//! A key that waits keeps its place when its item is overwritten, and a key whose item is being worked on is not
//! served again until that work is done: a busy camera can neither starve a quiet one nor overtake itself.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

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
    turn: VecDeque<K>,
    closed: bool,
}

#[derive(Debug)]
struct Slot<T> {
    item: Option<T>,
    busy: bool,
}

/// An item under work. The key is served again once this is dropped.
#[derive(Debug)]
pub struct Taken<'a, K: Eq + Hash + Clone, T> {
    slots: &'a Slots<K, T>,
    key: K,
    item: Option<T>,
}

impl<K: Eq + Hash + Clone, T> Slots<K, T> {
    /// No slots yet; they are made as keys appear.
    pub fn new() -> Self {
        let inner = Inner { slots: HashMap::new(), turn: VecDeque::new(), closed: false };
        Self { inner: Mutex::new(inner), ready: Condvar::new() }
    }

    /// Guards the bookkeeping alone, never held while an item is worked on; a panic elsewhere cannot leave it half-done.
    fn lock(&self) -> MutexGuard<'_, Inner<K, T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item into its key's slot. Gives back what it displaced, or the item itself where the slots are closed.
    pub fn put(&self, key: K, item: T) -> Option<T> {
        let mut inner = self.lock();
        if inner.closed {
            return Some(item);
        }
        let slot = inner.slots.entry(key.clone()).or_insert(Slot { item: None, busy: false });
        let displaced = slot.item.replace(item);
        if displaced.is_none() && !slot.busy {
            inner.turn.push_back(key);
            self.ready.notify_one();
        }
        displaced
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
        while let Some(key) = inner.turn.pop_front() {
            if let Some(slot) = inner.slots.get_mut(&key)
                && let Some(item) = slot.item.take()
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
        inner.turn.retain(|waiting| waiting != key);
        inner.slots.remove(key).and_then(|slot| slot.item)
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

impl<K: Eq + Hash + Clone, T> Default for Slots<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash + Clone, T> Taken<'_, K, T> {
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

impl<K: Eq + Hash + Clone, T> Drop for Taken<'_, K, T> {
    fn drop(&mut self) {
        let mut inner = self.slots.lock();
        let Some(slot) = inner.slots.get_mut(&self.key) else { return };
        slot.busy = false;
        if slot.item.is_some() {
            inner.turn.push_back(self.key.clone());
            self.slots.ready.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(slots: &Slots<char, u32>) -> Vec<(char, u32)> {
        std::iter::from_fn(|| slots.try_take().map(|mut t| (*t.key(), t.item()))).collect()
    }

    #[test]
    fn the_newest_wins_and_keeps_its_place() {
        let slots = Slots::new();
        assert_eq!(slots.put('a', 1), None);
        assert_eq!(slots.put('b', 2), None);
        assert_eq!(slots.put('a', 3), Some(1));
        assert_eq!(drain(&slots), [('a', 3), ('b', 2)]);
    }

    #[test]
    fn a_busy_camera_cannot_starve_a_quiet_one() {
        let slots = Slots::new();
        slots.put('a', 0);
        let mut served = Vec::new();
        for round in 1..=6 {
            let mut taken = slots.try_take().expect("something waits");
            slots.put('a', round);
            if round == 2 {
                slots.put('q', 100);
            }
            served.push((*taken.key(), taken.item()));
        }
        let at = served.iter().position(|(key, _)| *key == 'q').expect("the quiet one is served");
        assert!(at <= 3, "{served:?}");
    }

    #[test]
    fn a_key_is_worked_on_by_one_worker_at_a_time() {
        let slots = Slots::new();
        slots.put('a', 1);
        let taken = slots.try_take().expect("waits");
        slots.put('a', 2);
        assert!(slots.try_take().is_none(), "a is busy");
        drop(taken);
        assert_eq!(drain(&slots), [('a', 2)]);
    }

    #[test]
    fn a_removed_key_that_comes_again_is_still_worked_on_by_one_worker_at_a_time() {
        let slots = Slots::new();
        slots.put('a', 1);
        assert_eq!(slots.remove(&'a'), Some(1));
        slots.put('a', 2);
        let taken = slots.try_take().expect("waits");
        slots.put('a', 3);
        assert!(slots.try_take().is_none(), "a is busy, and its old turn is gone");
        drop(taken);
        assert_eq!(drain(&slots), [('a', 3)]);
    }

    #[test]
    fn closing_wakes_who_waits_and_refuses_more() {
        let slots: Slots<char, u32> = Slots::new();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| slots.take().is_none());
            slots.close();
            assert!(waiter.join().expect("joins"));
        });
        assert_eq!(slots.put('a', 1), Some(1));
    }
}
