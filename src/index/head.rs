//! The newest rows: in memory in their order, on disk as they came.
//!
//! Owns which rows are there and which batch holds each; reads and writes no ledger. When the oldest of them go to a shelf, the batches that have others, too, stay as they
//! are: a [`Seals`] says which of their rows are on shelves.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    bytes::{In, Out},
    names::Names,
    row::{Row, read_run},
};
use crate::id::ClipId;

/// A row of the head.
#[derive(Debug)]
pub(super) struct NewRow {
    batch: u64,
    /// See [`Row::facets`]: what most rows are passed over for.
    pub(super) facets: u64,
    pub(super) row: Row,
}

/// Rows that are on no shelf yet.
#[derive(Debug, Default)]
pub(super) struct Head {
    rows: BTreeMap<ClipId, NewRow>,
    /// Of each batch on disk: how many of its rows are here.
    batches: BTreeMap<u64, usize>,
}

impl Head {
    pub(super) fn rows(&self) -> &BTreeMap<ClipId, NewRow> {
        &self.rows
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a batch; `None` where one of its rows has a place that nobody knows.
    pub(super) fn add(&mut self, batch: u64, rows: Vec<Row>, names: &Names) -> Option<()> {
        self.batches.entry(batch).or_default();
        for row in rows {
            let facets = row.facets(names.places.name(row.place)?.level);
            if let Some(before) = self.rows.insert(row.id, NewRow { batch, facets, row }) {
                self.leave(before.batch);
            }
            *self.batches.entry(batch).or_default() += 1;
        }
        Some(())
    }

    /// Reads a batch; `None` where it is none.
    pub(super) fn read(&mut self, batch: u64, value: &[u8], seals: &Seals, names: &Names) -> Option<()> {
        let mut rows = read_run(value)?;
        rows.retain(|row| !seals.contains(batch, row.id));
        self.add(batch, rows, names)
    }

    /// Takes rows away; the batches that have none left are gone from the disk with the same commit.
    pub(super) fn take(&mut self, ids: impl IntoIterator<Item = ClipId>) {
        for id in ids {
            if let Some(new) = self.rows.remove(&id) {
                self.leave(new.batch);
            }
        }
        self.batches.retain(|_, rows| *rows > 0);
    }

    fn leave(&mut self, batch: u64) {
        if let Some(rows) = self.batches.get_mut(&batch) {
            *rows -= 1;
        }
    }

    /// The batches that would have no rows left without `rows`, those that have none as it is among them.
    pub(super) fn spent_without<'a>(&self, rows: impl IntoIterator<Item = &'a ClipId>) -> Vec<u64> {
        let mut left = self.batches.clone();
        for new in rows.into_iter().filter_map(|id| self.rows.get(id)) {
            if let Some(rows) = left.get_mut(&new.batch) {
                *rows -= 1;
            }
        }
        left.into_iter().filter(|&(_, rows)| rows == 0).map(|(batch, _)| batch).collect()
    }

    /// The batches that hold any of `ids`, each with its other rows.
    pub(super) fn batches_without(&self, ids: &BTreeSet<ClipId>) -> BTreeMap<u64, Vec<&Row>> {
        let mut batches: BTreeMap<u64, Vec<&Row>> =
            ids.iter().filter_map(|id| self.rows.get(id)).map(|new| (new.batch, Vec::new())).collect();
        for (id, new) in &self.rows {
            if let Some(rest) = batches.get_mut(&new.batch)
                && !ids.contains(id)
            {
                rest.push(&new.row);
            }
        }
        batches
    }

    /// The oldest batch, but for those of `spent`, which are ascending.
    pub(super) fn first_batch_but(&self, spent: &[u64]) -> Option<u64> {
        self.batches.keys().copied().find(|batch| spent.binary_search(batch).is_err())
    }

    /// The newest batch.
    pub(super) fn last_batch(&self) -> Option<u64> {
        self.batches.keys().next_back().copied()
    }
}

/// Which rows of which batches are on shelves: of each batch up to the first number, the rows up to the second.
///
/// Rows go to a shelf from the oldest on, so that one pair says what went. A row that comes late, behind the pair in time and not in
/// batches, is not mistaken for one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seals(Vec<(u64, ClipId)>);

impl Seals {
    pub(super) fn contains(&self, batch: u64, id: ClipId) -> bool {
        self.0.iter().any(|&(last_batch, last)| batch <= last_batch && id <= last)
    }

    /// With one more; without those that say nothing any more, where the oldest batch is `first`.
    pub(super) fn with(&self, batch: u64, id: ClipId, first: Option<u64>) -> Self {
        let mut seals = self.0.clone();
        seals.retain(|&(last_batch, last)| last > id && first.is_some_and(|first| first <= last_batch));
        seals.push((batch, id));
        Self(seals)
    }

    /// The newest batch of which rows are on shelves.
    pub(super) fn last_batch(&self) -> Option<u64> {
        self.0.iter().map(|&(batch, _)| batch).max()
    }

    /// `batch u64, id u128 …`
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Out::default();
        for &(batch, id) in &self.0 {
            out.u64(batch);
            out.u128(id.0.0);
        }
        out.into_bytes()
    }

    /// `None` where the bytes are none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = In::new(bytes);
        let mut seals = Vec::new();
        while from.end().is_none() {
            seals.push((from.u64()?, ClipId(ulid::Ulid(from.u128()?))));
        }
        Some(Self(seals))
    }
}
