//! How much lies on each volume.
//!
//! Owns a sum that is kept together with what it is the sum of, in the same note. Reading never panics.

use std::collections::BTreeMap;

use super::{
    Catalog, keys,
    varint::{Rest, put},
};
use crate::{
    id::VolumeId,
    store::{Refused, Space, Write},
};

const VERSION: u8 = 1;

/// What lies on a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) segments: u64,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: u64) {
        *self = Self { bytes: self.bytes.saturating_add(bytes), segments: self.segments + 1 };
    }

    pub(super) fn take(&mut self, bytes: u64) {
        *self = Self { bytes: self.bytes.saturating_sub(bytes), segments: self.segments.saturating_sub(1) };
    }

    pub(super) fn keep(self, volume: &VolumeId) -> Write {
        let mut value = vec![VERSION];
        put(&mut value, self.bytes);
        put(&mut value, self.segments);
        Write::Put(keys::tally(volume), value)
    }

    fn read(value: &[u8]) -> Option<Self> {
        let mut rest = Rest(value);
        let [version] = rest.take()?;
        let tally = Self { bytes: rest.number()?, segments: rest.number()? };
        (version == VERSION && rest.is_empty()).then_some(tally)
    }
}

impl Catalog {
    /// How much lies on each volume, those that are not configured any more included.
    pub(super) async fn tallies(&self) -> Result<BTreeMap<VolumeId, Tally>, Refused> {
        let (mut tallies, mut range) = (BTreeMap::new(), (Space::Tally.from(), Space::Tally.to()));
        loop {
            let pairs = self.step(&mut range).await?;
            if pairs.is_empty() {
                return Ok(tallies);
            }
            for (key, value) in pairs {
                let volume = std::str::from_utf8(&key[1..]).ok().and_then(|id| id.parse().ok());
                tallies.extend(volume.zip(Tally::read(&value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_read_as_it_was_kept() {
        let mut tally = Tally::default();
        [5, 1 << 40, 7].into_iter().for_each(|bytes| tally.add(bytes));
        tally.take(5);
        let Write::Put(_, value) = tally.keep(&VolumeId::usual()) else { panic!("it is kept") };
        assert_eq!(Tally::read(&value), Some(Tally { bytes: (1 << 40) + 7, segments: 2 }));
        assert!((0..value.len()).all(|len| Tally::read(&value[..len]).is_none()));
        tally.take(u64::MAX);
        assert_eq!(tally, Tally { bytes: 0, segments: 1 });
    }
}
