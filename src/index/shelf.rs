//! A shelf: some ten thousand rows that lie in the order of their ids, and do not change any more.
//!
//! Owns what of a shelf is written where, and which of its rows are removed. Choosing rows is the catalogue's.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use super::{
    IndexError, Measures,
    bits::{Bits, Set},
    bytes::{In, Out},
    catalogue::Catalogue,
    keys::{Part, piece_key, range, shelf_key, shelf_of},
    names::Names,
    row::{Row, read_one, read_run, write_run},
};
use crate::{
    id::ClipId,
    store::{Ledger, Write},
};

const VERSION: u8 = 1;
/// A catalogue's bytes in one value, at most: sled moves pages that are much longer into files of their own.
const PIECE_LEN: usize = 48 * 1024;
/// A catalogue has no more of them: more than all of a shelf's rows have facets for.
const PIECES_MAX: u32 = 4096;

/// What is known of a shelf at any time.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) number: u32,
    pub(super) first: ClipId,
    pub(super) last: ClipId,
    rows: u32,
    /// Rows of one run.
    run_rows: u16,
    /// Pieces of the catalogue.
    pieces: u32,
    removed: Option<Bits>,
    /// Where it is in memory.
    catalogue: Option<Arc<Catalogue>>,
}

impl Shelf {
    /// A new shelf of `rows`, which are in the order of their ids and not empty, and what has to be written for it.
    pub(super) fn of(number: u32, rows: &[Row], names: &Names, measures: &Measures) -> (Self, Vec<Write>) {
        let catalogue = Catalogue::of(rows, &names.places);
        let bytes = catalogue.encode();
        let pieces = bytes.chunks(PIECE_LEN);
        let runs = rows.chunks(measures.run_rows.into());
        let shelf = Self {
            number,
            first: rows.first().expect("a shelf has rows").id,
            last: rows.last().expect("a shelf has rows").id,
            rows: rows.len() as u32,
            run_rows: measures.run_rows,
            pieces: pieces.len() as u32,
            removed: None,
            catalogue: Some(Arc::new(catalogue)),
        };
        let mut writes = vec![Write::Put(shelf_key(Part::Shelf, number), shelf.entry())];
        let put = |part, at, value| Write::Put(piece_key(part, number, at), value);
        writes.extend((0..).zip(pieces).map(|(at, piece)| put(Part::Catalogue, at, piece.to_vec())));
        writes.extend((0..).zip(runs).map(|(at, run)| put(Part::Rows, at, write_run(run))));
        (shelf, writes)
    }

    /// `version u8 │ first u128 │ last u128 │ rows u32 │ rows of a run u16 │ pieces of the catalogue u32`
    fn entry(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.u8(VERSION);
        out.u128(self.first.0.0);
        out.u128(self.last.0.0);
        out.u32(self.rows);
        out.u16(self.run_rows);
        out.u32(self.pieces);
        out.into_bytes()
    }

    fn read(key: &[u8], entry: &[u8]) -> Option<Self> {
        let mut from = In::new(entry);
        if from.u8()? != VERSION {
            return None;
        }
        let mut id = || from.u128().map(|id| ClipId(ulid::Ulid(id)));
        let (first, last) = (id()?, id()?);
        let (rows, run_rows, pieces) = (from.u32()?, from.u16()?, from.u32()?);
        from.end()?;
        let is_sound = first <= last
            && (1..=u32::from(u16::MAX) + 1).contains(&rows)
            && run_rows > 0
            && pieces <= PIECES_MAX;
        is_sound.then_some(Self {
            number: shelf_of(key)?,
            first,
            last,
            rows,
            run_rows,
            pieces,
            removed: None,
            catalogue: None,
        })
    }

    /// Every shelf, without its catalogue.
    pub(super) fn read_all(ledger: &impl Ledger) -> Result<BTreeMap<u32, Self>, IndexError> {
        let entries = |part| {
            let (from, to) = range(part);
            ledger.range(&from, &to, usize::MAX)
        };
        let mut shelves = BTreeMap::new();
        for (key, entry) in entries(Part::Shelf)? {
            let shelf =
                Self::read(&key, &entry).ok_or_else(|| IndexError::damaged("the entry of a shelf"))?;
            shelves.insert(shelf.number, shelf);
        }
        for (key, value) in entries(Part::Removed)? {
            let removed = |shelf: &Self| {
                let mut bits = Bits::none(shelf.rows as usize);
                Set::read(&mut In::new(&value), shelf.rows as usize)?.add_to(&mut bits);
                Some(bits)
            };
            let shelf = shelf_of(&key).and_then(|number| shelves.get_mut(&number));
            let shelf = shelf.ok_or_else(|| IndexError::damaged("the removed rows of no shelf"))?;
            shelf.removed =
                Some(removed(shelf).ok_or_else(|| IndexError::damaged("the removed rows of a shelf"))?);
        }
        Ok(shelves)
    }

    pub(super) fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Rows that are not removed.
    pub(super) fn rows_left(&self) -> usize {
        self.rows() - self.removed.as_ref().map_or(0, Bits::count)
    }

    pub(super) fn removed(&self) -> Option<&Bits> {
        self.removed.as_ref()
    }

    pub(super) fn set_removed(&mut self, removed: Bits) {
        self.removed = Some(removed);
    }

    /// What is removed once `more` is.
    pub(super) fn removed_with(&self, more: &Bits) -> Bits {
        let mut all = more.clone();
        if let Some(removed) = &self.removed {
            all.add(removed.words());
        }
        all
    }

    /// The write that keeps which rows are removed.
    pub(super) fn write_removed(&self, removed: &Bits) -> Write {
        let mut out = Out::default();
        Set::of(removed).write(&mut out);
        Write::Put(shelf_key(Part::Removed, self.number), out.into_bytes())
    }

    /// The writes after which nothing of it is left.
    pub(super) fn write_gone(&self) -> Vec<Write> {
        let pieces = (0..self.pieces).map(|at| piece_key(Part::Catalogue, self.number, at));
        let runs =
            (0..self.rows.div_ceil(self.run_rows.into())).map(|at| piece_key(Part::Rows, self.number, at));
        let own = [Part::Shelf, Part::Removed].map(|part| shelf_key(part, self.number));
        pieces.chain(runs).chain(own).map(Write::Delete).collect()
    }

    /// Bytes of its catalogue in memory, about; 0 where it is not there.
    pub(super) fn len_bytes(&self) -> usize {
        self.catalogue.as_ref().map_or(0, |catalogue| catalogue.len_bytes())
    }

    /// Takes its catalogue into memory.
    pub(super) fn take_in(&mut self, ledger: &impl Ledger) -> Result<(), IndexError> {
        self.catalogue = Some(self.catalogue(ledger)?);
        Ok(())
    }

    /// Gives up its catalogue's place in memory.
    pub(super) fn let_go(&mut self) {
        self.catalogue = None;
    }

    /// Its catalogue; read where it is not in memory.
    pub(super) fn catalogue(&self, ledger: &impl Ledger) -> Result<Arc<Catalogue>, IndexError> {
        if let Some(catalogue) = &self.catalogue {
            return Ok(Arc::clone(catalogue));
        }
        let key = |piece| piece_key(Part::Catalogue, self.number, piece);
        let pieces = ledger.range(&key(0), &key(u32::MAX), self.pieces as usize)?;
        let bytes = pieces.into_iter().flat_map(|(_, piece)| piece).collect::<Vec<_>>();
        let catalogue = Catalogue::decode(&bytes).filter(|catalogue| catalogue.rows() == self.rows());
        catalogue.map(Arc::new).ok_or_else(|| IndexError::damaged("the catalogue of a shelf"))
    }

    /// Ordinals of the rows that begin in the same millisecond as `id`, removed ones among them.
    pub(super) fn same_ms(&self, ledger: &impl Ledger, id: ClipId) -> Result<Range<usize>, IndexError> {
        if id < self.first || id > self.last {
            return Ok(0..0);
        }
        let ms = id.0.timestamp_ms();
        Ok(self.catalogue(ledger)?.times().rows(&(ms..ms + 1)))
    }

    /// One row; `last_run` is the run that was read last, with its number.
    pub(super) fn row(
        &self,
        ledger: &impl Ledger,
        row: u16,
        last_run: &mut Option<(u16, Vec<u8>)>,
    ) -> Result<Row, IndexError> {
        let (run, at) = (row / self.run_rows, row % self.run_rows);
        let damaged = || IndexError::damaged("a row of a shelf");
        if last_run.as_ref().is_none_or(|(last, _)| *last != run) {
            let value = ledger.get(&piece_key(Part::Rows, self.number, run.into()))?;
            *last_run = Some((run, value.ok_or_else(damaged)?));
        }
        last_run.as_ref().and_then(|(_, run)| read_one(run, at.into())).ok_or_else(damaged)
    }

    /// All rows but those of `removed`.
    pub(super) fn rows_without(
        &self,
        ledger: &impl Ledger,
        removed: &Bits,
        names: &Names,
    ) -> Result<Vec<Row>, IndexError> {
        let key = |run| piece_key(Part::Rows, self.number, run);
        let runs = ledger.range(&key(0), &key(u32::MAX), usize::MAX)?;
        let mut rows = Vec::with_capacity(self.rows());
        for (_, run) in runs {
            rows.extend(read_run(&run).ok_or_else(|| IndexError::damaged("the rows of a shelf"))?);
        }
        let is_whole = rows.len() == self.rows() && rows.is_sorted_by(|one, next| one.id < next.id);
        if !is_whole || rows.iter().any(|row| names.places.name(row.place).is_none()) {
            return Err(IndexError::damaged("the rows of a shelf"));
        }
        let mut ordinals = 0..=u16::MAX;
        rows.retain(|_| ordinals.next().is_some_and(|ordinal| !removed.contains(ordinal)));
        Ok(rows)
    }
}
