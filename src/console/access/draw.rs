//! Some of many by chance, seen one by one: each is as likely.
//!
//! Pure. Owns the draw (reservoir sampling, algorithm R). Nothing that was not drawn is kept.

use rand::Rng;

/// At most `wanted` of whatever comes.
#[derive(Debug)]
pub(super) struct Draw<T> {
    wanted: usize,
    seen: u64,
    drawn: Vec<T>,
}

impl<T> Draw<T> {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, seen: 0, drawn: Vec::new() }
    }

    /// The next one; `make` is asked where it is drawn.
    pub(super) fn offer(&mut self, chance: &mut impl Rng, make: impl FnOnce() -> T) {
        self.seen += 1;
        if self.drawn.len() < self.wanted {
            self.drawn.push(make());
        } else if let Some(place) = self.drawn.get_mut(chance.random_range(0..self.seen) as usize) {
            *place = make();
        }
    }

    pub(super) fn drawn(self) -> Vec<T> {
        self.drawn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn each_is_as_likely() {
        let (mut chance, mut count) = (SmallRng::seed_from_u64(3), [0u32; 20]);
        for _ in 0..10_000 {
            let mut draw = Draw::new(5);
            for n in 0..20usize {
                draw.offer(&mut chance, || n);
            }
            for n in draw.drawn() {
                count[n] += 1;
            }
        }
        // A quarter of ten thousand each, within five times the deviation of 43.
        assert!(count.iter().all(|&count| (2285..2715).contains(&count)), "{count:?}");
    }

    proptest! {
        #[test]
        fn none_is_drawn_twice(of in 0usize..60, wanted in 0usize..20, seed in any::<u64>()) {
            let (mut chance, mut draw) = (SmallRng::seed_from_u64(seed), Draw::new(wanted));
            for n in 0..of {
                draw.offer(&mut chance, || n);
            }
            let mut drawn = draw.drawn();
            prop_assert_eq!(drawn.len(), of.min(wanted));
            drawn.sort_unstable();
            drawn.dedup();
            prop_assert_eq!(drawn.len(), of.min(wanted));
        }
    }
}
