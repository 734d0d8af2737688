//! Pictures in memory: those that were asked for last.
//!
//! Owns how many bytes they may take together, and which go first. Pure.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use bytes::Bytes;

use crate::time::Wall;

/// A picture as JPEG.
#[derive(Debug, PartialEq, Eq)]
pub struct Print {
    /// When it was taken.
    pub taken: Wall,
    /// The file.
    pub jpeg: Bytes,
}

/// Pictures by what they are of.
#[derive(Debug)]
pub(super) struct Shelf<K> {
    bytes_max: usize,
    bytes: usize,
    /// Counts what is put here and asked for.
    uses: u64,
    kept: HashMap<K, (u64, Arc<Print>)>,
}

impl<K: Eq + Hash + Clone> Shelf<K> {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, uses: 0, kept: HashMap::new() }
    }

    pub(super) fn get(&mut self, of: &K) -> Option<Arc<Print>> {
        self.uses += 1;
        let (used, print) = self.kept.get_mut(of)?;
        *used = self.uses;
        Some(Arc::clone(print))
    }

    /// Puts one here in place of another one of the same thing. What was not asked for for the longest time goes where there is no room.
    pub(super) fn put(&mut self, of: K, print: Arc<Print>) {
        self.uses += 1;
        self.bytes += print.jpeg.len();
        if let Some((_, old)) = self.kept.insert(of, (self.uses, print)) {
            self.bytes -= old.jpeg.len();
        }
        while self.bytes > self.bytes_max {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| *used).map(|(of, _)| of.clone());
            let Some((_, gone)) = oldest.and_then(|of| self.kept.remove(&of)) else { break };
            self.bytes -= gone.jpeg.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(ms: i64, len: usize) -> Arc<Print> {
        Arc::new(Print { taken: Wall::from_unix_ms(ms), jpeg: Bytes::from(vec![7; len]) })
    }

    #[test]
    fn what_was_not_asked_for_for_the_longest_time_goes_first() {
        let mut shelf = Shelf::new(100);
        shelf.put("a", print(1, 40));
        shelf.put("b", print(2, 40));
        assert_eq!(shelf.get(&"a").map(|it| it.taken.unix_ms()), Some(1));
        shelf.put("c", print(3, 40));
        assert!(shelf.get(&"b").is_none() && shelf.get(&"a").is_some() && shelf.get(&"c").is_some());
        shelf.put("c", print(4, 10));
        shelf.put("d", print(5, 50));
        assert!(shelf.get(&"a").is_some(), "the newer one of the same takes less");
        shelf.put("e", print(6, 101));
        assert!(shelf.get(&"e").is_none() && shelf.get(&"a").is_none(), "what is too large leaves nothing");
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_what_is_kept(puts in prop::collection::vec((0u8..6, 0usize..60), 0..40)) {
            let mut shelf = Shelf::new(100);
            for (of, len) in puts {
                shelf.put(of, print(0, len));
                let sum: usize = shelf.kept.values().map(|(_, print)| print.jpeg.len()).sum();
                prop_assert_eq!(shelf.bytes, sum);
                prop_assert!(sum <= 100);
            }
        }
    }
}
