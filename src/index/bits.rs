//! Sets of a shelf's rows, by ordinal.
//!
//! [`Bits`] is what is reckoned with, [`Set`] what lies on disk and in memory. Neither knows what a row is.

use std::ops::Range;

use super::bytes::{In, Out};

const WORD: usize = 64;

/// Ordinals below a fixed number, a bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// None of the ordinals below `len`.
    pub(super) fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(WORD)] }
    }

    pub(super) fn insert(&mut self, ordinal: u16) {
        self.words[usize::from(ordinal) / WORD] |= 1 << (usize::from(ordinal) % WORD);
    }

    pub(super) fn remove(&mut self, ordinal: u16) {
        self.words[usize::from(ordinal) / WORD] &= !(1 << (usize::from(ordinal) % WORD));
    }

    pub(super) fn contains(&self, ordinal: u16) -> bool {
        self.words[usize::from(ordinal) / WORD] & (1 << (usize::from(ordinal) % WORD)) != 0
    }

    pub(super) fn insert_range(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (first, last) = (range.start / WORD, (range.end - 1) / WORD);
        let head = !0 << (range.start % WORD);
        let tail = !0 >> (WORD - 1 - (range.end - 1) % WORD);
        if first == last {
            self.words[first] |= head & tail;
        } else {
            self.words[first] |= head;
            self.words[first + 1..last].fill(!0);
            self.words[last] |= tail;
        }
    }

    /// Keeps what `other` has, too.
    pub(super) fn keep(&mut self, other: &[u64]) {
        self.words.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
    }

    /// Drops what `other` has.
    pub(super) fn drop_all(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Adds what `other` has.
    pub(super) fn add(&mut self, other: &[u64]) {
        self.words.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The first ordinal that is not below `from`.
    pub(super) fn next(&self, from: usize) -> Option<u16> {
        let mut at = from / WORD;
        let mut word = self.words.get(at)? & (!0 << (from % WORD));
        while word == 0 {
            at += 1;
            word = *self.words.get(at)?;
        }
        Some((at * WORD) as u16 + word.trailing_zeros() as u16)
    }

    /// The last ordinal below `before`.
    pub(super) fn previous(&self, before: usize) -> Option<u16> {
        let last = before.min(self.words.len() * WORD).checked_sub(1)?;
        let mut at = last / WORD;
        let mut word = self.words[at] & (!0 >> (WORD - 1 - last % WORD));
        while word == 0 {
            at = at.checked_sub(1)?;
            word = self.words[at];
        }
        Some((at * WORD + (WORD - 1)) as u16 - word.leading_zeros() as u16)
    }

    fn ordinals(&self) -> impl Iterator<Item = u16> {
        let mut next = self.next(0);
        std::iter::from_fn(move || {
            let ordinal = next?;
            next = self.next(usize::from(ordinal) + 1);
            Some(ordinal)
        })
    }
}

/// Ordinals as they are kept: a bit each, or two bytes for each that is in it, whichever is shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Set {
    /// A bit each.
    Dense(Vec<u64>),
    /// Ascending.
    Sparse(Vec<u16>),
}

const DENSE: u8 = 1;
const SPARSE: u8 = 2;

impl Set {
    pub(super) fn of(bits: &Bits) -> Self {
        let count = bits.count();
        if count * 2 < bits.words.len() * 8 {
            let mut ordinals = Vec::with_capacity(count);
            ordinals.extend(bits.ordinals());
            Self::Sparse(ordinals)
        } else {
            Self::Dense(bits.words.clone())
        }
    }

    pub(super) fn add_to(&self, bits: &mut Bits) {
        match self {
            Self::Dense(words) => bits.add(words),
            Self::Sparse(ordinals) => ordinals.iter().for_each(|&ordinal| bits.insert(ordinal)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Sparse(ordinals) if ordinals.is_empty())
    }

    /// Bytes in memory, about.
    pub(super) fn len_bytes(&self) -> usize {
        match self {
            Self::Dense(words) => words.len() * 8,
            Self::Sparse(ordinals) => ordinals.len() * 2,
        }
    }

    /// `kind u8 │ DENSE: words u64… │ SPARSE: count u16, ordinals u16…`
    pub(super) fn write(&self, out: &mut Out) {
        match self {
            Self::Dense(words) => {
                out.u8(DENSE);
                words.iter().for_each(|&word| out.u64(word));
            }
            Self::Sparse(ordinals) => {
                out.u8(SPARSE);
                out.u16(ordinals.len() as u16);
                ordinals.iter().for_each(|&ordinal| out.u16(ordinal));
            }
        }
    }

    /// A set of ordinals below `rows`; `None` where the bytes are none.
    pub(super) fn read(from: &mut In<'_>, rows: usize) -> Option<Self> {
        match from.u8()? {
            DENSE => {
                let words = from.u64s(rows.div_ceil(WORD))?;
                let spare = rows % WORD;
                let is_within = spare == 0 || words.last().is_none_or(|word| word >> spare == 0);
                is_within.then_some(Self::Dense(words))
            }
            SPARSE => {
                let len = usize::from(from.u16()?);
                let ordinals = from.u16s(len)?;
                ordinals.iter().all(|&ordinal| usize::from(ordinal) < rows).then_some(Self::Sparse(ordinals))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_a_set(
            some in proptest::collection::btree_set(0u16..300, 0..60),
            range in (0usize..300, 0usize..300),
            at in 0usize..310,
        ) {
            let mut bits = Bits::none(300);
            some.iter().for_each(|&ordinal| bits.insert(ordinal));
            bits.insert_range(range.0..range.1.max(range.0));
            let mut model: BTreeSet<u16> = some;
            model.extend((range.0..range.1).map(|ordinal| ordinal as u16));
            prop_assert_eq!(bits.ordinals().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(bits.count(), model.len());
            prop_assert_eq!(bits.next(at), model.range(at as u16..).next().copied());
            prop_assert_eq!(bits.previous(at), model.range(..at as u16).next_back().copied());

            let set = Set::of(&bits);
            let mut out = Out::default();
            set.write(&mut out);
            let bytes = out.into_bytes();
            prop_assert_eq!(Set::read(&mut In::new(&bytes), 300), Some(set.clone()));
            let mut again = Bits::none(300);
            set.add_to(&mut again);
            prop_assert_eq!(again, bits);
        }

        #[test]
        fn any_bytes_are_a_set_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60), rows in 0usize..200) {
            if let Some(set) = Set::read(&mut In::new(&bytes), rows) {
                set.add_to(&mut Bits::none(rows));
            }
        }
    }
}
