//! The index of clips: which passages there were, by all that is known of them.
//!
//! ```text
//! insert ─▶ head (a batch is one value; sorted in memory) ─seal─▶ shelves (rows in runs, and a catalogue of who has what)
//!             └───────────────── find: merged in order, a page at a time ──────────────┘
//! ```
//! Owns the index's layout in a ledger of its own, and answering. Nothing is only here: what is lost can be made again from the recordings, so that
//! an index that is damaged may be thrown away. Pure but for the ledger: no clock, no thread. The thread is [`Librarian`]'s.
//! `docs/design/index.md` has the reasons.

pub mod bench;
mod bits;
mod bytes;
mod catalogue;
mod find;
mod head;
mod keys;
mod librarian;
mod names;
mod question;
mod remove;
mod row;
mod shelf;
mod sought;
mod spans;
#[cfg(test)]
mod tests;
mod times;

use std::{collections::BTreeMap, fmt, iter::Peekable};

pub use librarian::{Librarian, LibrarianThread, Unanswered};
pub use question::{Cursor, NotACursor, Order, PAGE_MAX, Page, Question};

use self::{
    head::{Head, Seals},
    keys::{Part, batch_key, batch_of, key, range},
    names::Names,
    row::{ROW_LEN_MAX, Row, write_run},
    shelf::Shelf,
};
use crate::{
    clip::Clip,
    id::ClipId,
    store::{self, Ledger, LedgerError, Write},
};

/// Bytes of a shelf, at most: it is one commit, in which it may take the place of another one.
const SHELF_LEN_MAX: usize = store::BATCH_LEN_MAX / 4 * 3;
/// Rows and bytes of a batch, at most: it is one value.
const BATCH_ROWS_MAX: usize = 1000;
const BATCH_LEN_MAX: usize = 128 * 1024;
/// Bytes of the batches of one commit, at most.
const COMMIT_LEN_MAX: usize = 1024 * 1024;

/// Why the index cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The ledger cannot.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What lies there was not written by this program, or was damaged since.
    #[error(
        "the index of clips is damaged: {what} cannot be read. Move its folder away: it is made again from the recordings"
    )]
    Damaged {
        /// What.
        what: &'static str,
    },
    /// A commit failed, and what it has left on the disk could not be read yet: the next write tries it.
    #[error("the index of clips has to be read again after a failed write; the next write does it")]
    Stale,
    /// A clip with so many alerts or zones that no row takes it.
    #[error("clip {id} would be {len} bytes long in the index, which takes at most {ROW_LEN_MAX}")]
    TooLong {
        /// Which.
        id: ClipId,
        /// Its length in bytes.
        len: usize,
    },
}

impl IndexError {
    fn damaged(what: &'static str) -> Self {
        Self::Damaged { what }
    }
}

/// How large things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Rows of a shelf, 4 to 65536. The head has a quarter more at most.
    pub shelf_rows: usize,
    /// Rows of a run: what is read for one row. Not 0.
    pub run_rows: u16,
    /// Bytes of catalogues in memory, at most. Those of the newest shelves are there; older ones are read each time.
    pub catalogues_len: usize,
}

impl Default for Measures {
    fn default() -> Self {
        Self { shelf_rows: 32 * 1024, run_rows: 32, catalogues_len: 160 * 1024 * 1024 }
    }
}

/// The index of clips over a ledger that is its alone.
pub struct Index<L> {
    ledger: L,
    measures: Measures,
    names: Names,
    head: Head,
    seals: Seals,
    next_batch: u64,
    shelves: BTreeMap<u32, Shelf>,
    next_shelf: u32,
    /// Of catalogues in memory, about.
    catalogues_len: usize,
    /// A commit failed, and what the ledger has could not be read since.
    is_stale: bool,
}

/// A shelf that is being made of the head's oldest rows.
struct Sealing {
    shelf: Shelf,
    ids: Vec<ClipId>,
    seals: Seals,
    writes: Vec<Write>,
}

impl<L> fmt::Debug for Index<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("head", &self.head.len())
            .field("shelves", &self.shelves.len())
            .field("catalogues_len", &self.catalogues_len)
            .finish_non_exhaustive()
    }
}

impl<L: Ledger> Index<L> {
    /// Opens what is in the ledger: the head, and the catalogues of the newest shelves.
    pub fn open(ledger: L) -> Result<Self, IndexError> {
        Self::open_with(ledger, Measures::default())
    }

    /// As [`Self::open`], with other measures.
    pub fn open_with(ledger: L, measures: Measures) -> Result<Self, IndexError> {
        let mut index = Self {
            ledger,
            measures,
            names: Names::default(),
            head: Head::default(),
            seals: Seals::default(),
            next_batch: 0,
            shelves: BTreeMap::new(),
            next_shelf: 0,
            catalogues_len: 0,
            is_stale: true,
        };
        index.read()?;
        Ok(index)
    }

    /// Takes what the ledger has for the truth.
    fn read(&mut self) -> Result<(), IndexError> {
        self.names = Names::read(&self.ledger)?;
        self.shelves = Shelf::read_all(&self.ledger)?;
        let seals = self.ledger.get(&key(Part::Seals, &[]))?;
        let seals = seals.map_or(Some(Seals::default()), |bytes| Seals::decode(&bytes));
        self.seals = seals.ok_or_else(|| IndexError::damaged("what went to shelves"))?;
        self.head = Head::default();
        let (from, to) = range(Part::Head);
        for (key, value) in self.ledger.range(&from, &to, usize::MAX)? {
            let read =
                batch_of(&key).and_then(|batch| self.head.read(batch, &value, &self.seals, &self.names));
            read.ok_or_else(|| IndexError::damaged("a batch of new clips"))?;
        }
        self.next_batch = self.head.last_batch().max(self.seals.last_batch()).map_or(0, |last| last + 1);
        self.next_shelf = self.shelves.keys().next_back().map_or(0, |last| last + 1);
        self.take_in_newest()?;
        self.is_stale = false;
        Ok(())
    }

    /// The one way to the ledger. Where it is not known whether a commit was written, the ledger is asked, at once or with the next commit.
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), IndexError> {
        let written = self.ledger.commit(writes);
        if matches!(written, Err(LedgerError::Failed { .. })) {
            self.is_stale = true;
            // The error that led here is the one to tell; that it is still stale shows with the next call.
            let _ = self.refresh();
        }
        Ok(written?)
    }

    /// What is in memory is what is on the disk, once this returns.
    fn refresh(&mut self) -> Result<(), IndexError> {
        if self.is_stale {
            // Of a ledger that has closed itself over an error, only a commit opens it.
            self.ledger.commit(Vec::new())?;
            self.read()?;
        }
        Ok(())
    }

    /// Fails while what is in memory may differ from what is on the disk.
    fn is_sound(&self) -> Result<(), IndexError> {
        if self.is_stale { Err(IndexError::Stale) } else { Ok(()) }
    }

    /// Clips that are in it.
    pub fn len(&self) -> u64 {
        let on_shelves: usize = self.shelves.values().map(Shelf::rows_left).sum();
        (self.head.len() + on_shelves) as u64
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns once the clips are durable, and says how many of them are new. A clip whose id is there already is passed over.
    ///
    /// Best in the order of time, some hundreds at once. After an error some of the clips may be in it: insert the same ones again. Clips that come later than some ten
    /// thousand newer ones are found all the same, but cost each question that reaches their time.
    pub fn insert(&mut self, clips: &[Clip]) -> Result<usize, IndexError> {
        let mut new = 0;
        for some in clips.chunks(BATCH_ROWS_MAX * 8) {
            self.tend()?;
            let rows = self.new_rows(some)?;
            let mut rows = rows.into_values().peekable();
            while rows.peek().is_some() {
                new += self.insert_some(&mut rows)?;
            }
        }
        Ok(new)
    }

    /// Rows of the clips that are not there yet.
    fn new_rows(&mut self, clips: &[Clip]) -> Result<BTreeMap<ClipId, Row>, IndexError> {
        self.names.forget();
        // Most clips are newer than all that is on shelves.
        let newest = self.shelves.values().map(|shelf| shelf.last).max();
        let mut rows = BTreeMap::new();
        for clip in clips {
            let id = clip.id;
            let is_there = rows.contains_key(&id)
                || self.head.rows().contains_key(&id)
                || (Some(id) <= newest && self.on_shelves(id)?.is_some());
            if is_there {
                continue;
            }
            let row = self.names.row(clip);
            let len = row.len();
            if len > ROW_LEN_MAX {
                self.names.forget();
                return Err(IndexError::TooLong { id, len });
            }
            rows.insert(id, row);
        }
        Ok(rows)
    }

    /// As many rows as one commit takes.
    fn insert_some(&mut self, rows: &mut Peekable<impl Iterator<Item = Row>>) -> Result<usize, IndexError> {
        let mut writes = self.names.writes();
        let (mut batches, mut len) = (Vec::new(), 0);
        while len < COMMIT_LEN_MAX && rows.peek().is_some() {
            let mut batch_len = 0;
            let mut batch = Vec::new();
            while batch.len() < BATCH_ROWS_MAX && batch_len < BATCH_LEN_MAX {
                let Some(row) = rows.next() else { break };
                batch_len += row.len();
                batch.push(row);
            }
            let number = self.next_batch + batches.len() as u64;
            writes.push(Write::Put(batch_key(number), write_run(&batch)));
            batches.push((number, batch));
            len += batch_len;
        }
        self.commit(writes)?;
        self.names.keep();
        self.next_batch += batches.len() as u64;
        let new = batches.iter().map(|(_, batch)| batch.len()).sum();
        for (number, batch) in batches {
            self.head.add(number, batch, &self.names).expect("its places were numbered for it");
        }
        Ok(new)
    }

    /// Whether [`Self::tend`] has something to do.
    pub fn is_untidy(&self) -> bool {
        self.is_stale || self.head.len() >= self.measures.shelf_rows / 4 * 5
    }

    /// Moves the head's oldest rows to a shelf while it has a shelf of them and a quarter of one: what comes late finds its place in the quarter. Inserting and removing do it by themselves; whoever does it when
    /// nothing else is to be done makes them quicker.
    pub fn tend(&mut self) -> Result<(), IndexError> {
        self.refresh()?;
        while self.is_untidy() {
            let Sealing { shelf, ids, seals, writes } = self.sealing();
            self.commit(writes)?;
            self.head.take(ids);
            self.seals = seals;
            self.next_shelf += 1;
            self.add_shelf(shelf);
        }
        Ok(())
    }

    /// The head's oldest rows as a shelf: fewer of them where they are very long.
    fn sealing(&self) -> Sealing {
        let rows = self.head.rows().values().map(|new| &new.row).take(self.measures.shelf_rows);
        let mut rows: Vec<Row> = rows.cloned().collect();
        let (shelf, mut writes) = loop {
            let made = Shelf::of(self.next_shelf, &rows, &self.names, &self.measures);
            if rows.len() == 1 || made.1.iter().map(len_of).sum::<usize>() <= SHELF_LEN_MAX {
                break made;
            }
            rows.truncate(rows.len() / 2);
        };
        let ids: Vec<ClipId> = rows.iter().map(|row| row.id).collect();
        let spent = self.head.spent_without(&ids);
        let first_left = self.head.first_batch_but(&spent);
        let seals = self.seals.with(self.next_batch.saturating_sub(1), shelf.last, first_left);
        writes.extend(spent.into_iter().map(|batch| Write::Delete(batch_key(batch))));
        writes.push(Write::Put(key(Part::Seals, &[]), seals.encode()));
        Sealing { shelf, ids, seals, writes }
    }

    fn add_shelf(&mut self, shelf: Shelf) {
        self.catalogues_len += shelf.len_bytes();
        self.shelves.insert(shelf.number, shelf);
        while self.catalogues_len > self.measures.catalogues_len {
            let in_memory = self.shelves.values_mut().filter(|shelf| shelf.len_bytes() > 0);
            let Some(oldest) = in_memory.min_by_key(|shelf| shelf.last) else { break };
            self.catalogues_len -= oldest.len_bytes();
            oldest.let_go();
        }
    }

    fn drop_shelf(&mut self, number: u32) {
        if let Some(shelf) = self.shelves.remove(&number) {
            self.catalogues_len -= shelf.len_bytes();
        }
    }

    fn take_in_newest(&mut self) -> Result<(), IndexError> {
        self.catalogues_len = 0;
        let mut all: Vec<&mut Shelf> = self.shelves.values_mut().collect();
        all.sort_unstable_by_key(|shelf| std::cmp::Reverse(shelf.last));
        for shelf in all {
            shelf.take_in(&self.ledger)?;
            self.catalogues_len += shelf.len_bytes();
            if self.catalogues_len > self.measures.catalogues_len {
                self.catalogues_len -= shelf.len_bytes();
                shelf.let_go();
                break;
            }
        }
        Ok(())
    }
}

fn len_of(write: &Write) -> usize {
    match write {
        Write::Put(key, value) => key.len() + value.len(),
        Write::Delete(key) => key.len(),
    }
}
