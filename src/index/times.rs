//! When each row of a shelf begins, in a good two bytes a row.
//!
//! Rows are in the order of time, so that those of one stretch of 65.536 s lie together: what is kept is where each stretch begins, and each row's
//! place in its stretch. Stretches without rows take nothing.

use std::ops::Range;

use super::bytes::{In, Out};

const STRETCH_BITS: u32 = 16;

/// Times, ms since 1970, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    base: u64,
    /// From the first to the last.
    length: u64,
    /// Number of each stretch that has rows, ascending.
    stretches: Vec<u32>,
    /// Its first row.
    starts: Vec<u16>,
    /// Of each row.
    within: Vec<u16>,
}

impl Times {
    /// Of times that are ascending, not more than 65536, and not more than 8900 years apart (the range of an id's time).
    pub(super) fn of(times: impl IntoIterator<Item = u64>) -> Self {
        let mut all =
            Self { base: 0, length: 0, stretches: Vec::new(), starts: Vec::new(), within: Vec::new() };
        for (at, ms) in times.into_iter().enumerate() {
            if at == 0 {
                all.base = ms;
            }
            let offset = ms - all.base;
            all.length = offset;
            let stretch = (offset >> STRETCH_BITS) as u32;
            if all.stretches.last() != Some(&stretch) {
                all.stretches.push(stretch);
                all.starts.push(at as u16);
            }
            all.within.push(offset as u16);
        }
        all
    }

    pub(super) fn len(&self) -> usize {
        self.within.len()
    }

    /// Bytes in memory, about.
    pub(super) fn len_bytes(&self) -> usize {
        self.stretches.len() * 6 + self.within.len() * 2
    }

    /// How many rows begin before `ms`.
    pub(super) fn before(&self, ms: u64) -> usize {
        let Some(offset) = ms.checked_sub(self.base) else { return 0 };
        // Most questions are about whole shelves.
        if offset > self.length {
            return self.len();
        }
        let stretch = offset >> STRETCH_BITS;
        let at = self.stretches.partition_point(|&one| u64::from(one) < stretch);
        let Some(&start) = self.starts.get(at) else { return self.len() };
        if u64::from(self.stretches[at]) > stretch {
            return start.into();
        }
        let rows = usize::from(start)..self.starts.get(at + 1).map_or(self.len(), |&end| end.into());
        rows.start + self.within[rows].partition_point(|&within| within < offset as u16)
    }

    /// The rows that begin in `span`.
    pub(super) fn rows(&self, span: &Range<u64>) -> Range<usize> {
        self.before(span.start)..self.before(span.end)
    }

    /// When a row begins.
    pub(super) fn at(&self, row: u16) -> u64 {
        let stretch = self.starts.partition_point(|&start| start <= row) - 1;
        self.base
            + (u64::from(self.stretches[stretch]) << STRETCH_BITS)
            + u64::from(self.within[usize::from(row)])
    }

    /// `base u64 │ stretches: count u16, numbers u32…, first rows u16… │ each row's place in its stretch u16…`
    pub(super) fn write(&self, out: &mut Out) {
        out.u64(self.base);
        out.u32(self.stretches.len() as u32);
        self.stretches.iter().for_each(|&stretch| out.u32(stretch));
        self.starts.iter().chain(&self.within).for_each(|&number| out.u16(number));
    }

    /// The times of `rows` rows; `None` where the bytes are none.
    pub(super) fn read(from: &mut In<'_>, rows: usize) -> Option<Self> {
        let base = from.u64()?;
        let count = usize::try_from(from.u32()?).ok()?;
        let (stretches, starts, within) = (from.u32s(count)?, from.u16s(count)?, from.u16s(rows)?);
        let length = u64::from(*stretches.last()?) << STRETCH_BITS | u64::from(*within.last()?);
        let times = Self { base, length, stretches, starts, within };
        let is_ascending = times.stretches.is_sorted_by(|one, next| one < next)
            && times.starts.is_sorted_by(|one, next| one < next);
        let is_within = times.starts.first() == Some(&0)
            && times.starts.last().is_some_and(|&last| usize::from(last) < rows)
            && base < 1 << 48;
        (is_ascending && is_within).then_some(times)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_are_kept_and_found(
            gaps in proptest::collection::vec(prop_oneof![4 => 0u64..3, 4 => 0u64..20_000, 1 => 0u64..10_000_000_000], 1..80),
            base in 0u64..2_000_000_000_000,
            probe in 0usize..80,
        ) {
            let mut now = base;
            let all: Vec<u64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            let times = Times::of(all.iter().copied());
            let mut out = Out::default();
            times.write(&mut out);
            let bytes = out.into_bytes();
            prop_assert_eq!(Times::read(&mut In::new(&bytes), all.len()), Some(times.clone()));
            for (row, &ms) in all.iter().enumerate() {
                prop_assert_eq!(times.at(row as u16), ms);
            }
            let probe = all[probe % all.len()];
            for ms in [0, probe.saturating_sub(1), probe, probe + 1, probe + 70_000, u64::MAX] {
                prop_assert_eq!(times.before(ms), all.iter().filter(|&&one| one < ms).count());
            }
        }

        #[test]
        fn any_bytes_are_times_or_none(mut bytes in proptest::collection::vec(any::<u8>(), 0..60), rows in 0usize..20) {
            if bytes.len() > 11 {
                bytes[9..12].fill(0);
            }
            if let Some(times) = Times::read(&mut In::new(&bytes), rows) {
                times.before(u64::MAX / 2);
                (0..rows as u16).for_each(|row| { times.at(row); });
            }
        }
    }
}
