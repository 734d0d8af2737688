//! Where in its space the index keeps what: the second byte of each key.

use crate::store::Space;

/// What lies behind a key. The numbers are on disk: never change one, never give one away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    /// Table, number → name.
    Names = 1,
    /// Batch → rows that came at once.
    Head = 2,
    /// One value: which rows of which batches are on shelves ([`super::head::Seals`]).
    Seals = 3,
    /// Shelf → what is true of it as a whole.
    Shelf = 4,
    /// Shelf, piece → catalogue.
    Catalogue = 5,
    /// Shelf, run → rows.
    Rows = 6,
    /// Shelf → which of its rows are removed.
    Removed = 7,
}

/// The key for `rest`.
pub(super) fn key(part: Part, rest: &[u8]) -> Vec<u8> {
    Space::Index.key(&[&[part as u8], rest].concat())
}

/// The keys of a part.
pub(super) fn range(part: Part) -> (Vec<u8>, Vec<u8>) {
    (key(part, &[]), Space::Index.key(&[part as u8 + 1]))
}

pub(super) fn batch_key(batch: u64) -> Vec<u8> {
    key(Part::Head, &batch.to_be_bytes())
}

pub(super) fn shelf_key(part: Part, shelf: u32) -> Vec<u8> {
    key(part, &shelf.to_be_bytes())
}

pub(super) fn piece_key(part: Part, shelf: u32, piece: u32) -> Vec<u8> {
    key(part, &[shelf.to_be_bytes(), piece.to_be_bytes()].concat())
}

/// The batch of a key of [`batch_key`].
pub(super) fn batch_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(2..)?.try_into().ok()?))
}

/// The shelf of a key of [`shelf_key`].
pub(super) fn shelf_of(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(2..)?.try_into().ok()?))
}
