//! Removing: retention, and whoever may.
//!
//! A row on a shelf is marked; a shelf of which half is marked is made anew without them, and one without rows is gone. The head's rows are taken out of
//! their batches.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Index, IndexError, Question, bits::Bits, keys::batch_key, len_of, row::write_run, shelf::Shelf,
    sought::Sought,
};
use crate::{
    id::{CameraId, ClipId},
    store::{Ledger, Write},
    time::Wall,
};

/// Bytes of one commit, at most; a shelf that is made anew may be longer by itself.
const COMMIT_LEN_MAX: usize = 512 * 1024;

/// What becomes of a shelf.
enum Fate {
    Marked(Bits),
    Gone,
    Anew(Shelf),
}

impl<L: Ledger> Index<L> {
    /// Removes clips, and says how many of them were there. Returns once that is durable; after an error some may be removed: do it again.
    pub fn remove(&mut self, ids: &[ClipId]) -> Result<u64, IndexError> {
        self.tend()?;
        let in_head: BTreeSet<ClipId> =
            ids.iter().copied().filter(|id| self.head.rows().contains_key(id)).collect();
        let mut on_shelves = BTreeMap::<u32, Bits>::new();
        for &id in ids {
            if let Some((number, row, _)) = self.on_shelves(id)? {
                let none = || Bits::none(self.shelves[&number].rows());
                on_shelves.entry(number).or_insert_with(none).insert(row);
            }
        }
        self.remove_found(&in_head, on_shelves)
    }

    /// Removes those of the cameras' clips that began before `before`, and says how many there were. As [`Self::remove`]. All cameras of one time at once: each
    /// shelf is then looked through and written once.
    pub fn remove_before(&mut self, cameras: &[CameraId], before: Wall) -> Result<u64, IndexError> {
        self.tend()?;
        if cameras.is_empty() {
            // A question without cameras is about all of them.
            return Ok(0);
        }
        let question = Question { cameras: cameras.to_vec(), to: Some(before), ..Question::default() };
        let sought = Sought::new(&question, &self.names);
        if sought.is_in_vain() {
            return Ok(0);
        }
        let in_head = self.in_head(&sought).map(|row| row.id).collect();
        let mut on_shelves = BTreeMap::new();
        for shelf in self.shelves.values() {
            let chosen = self.choose(shelf, &sought)?.map(|(_, chosen)| chosen);
            on_shelves
                .extend(chosen.filter(|chosen| !chosen.is_empty()).map(|chosen| (shelf.number, chosen)));
        }
        self.remove_found(&in_head, on_shelves)
    }

    fn remove_found(
        &mut self,
        in_head: &BTreeSet<ClipId>,
        on_shelves: BTreeMap<u32, Bits>,
    ) -> Result<u64, IndexError> {
        let removed = in_head.len() + on_shelves.values().map(Bits::count).sum::<usize>();
        if !in_head.is_empty() {
            self.remove_in_head(in_head)?;
        }
        let (mut writes, mut fates) = (Vec::new(), Vec::new());
        for (number, rows) in on_shelves {
            let (fate, more) = self.fate(number, &rows)?;
            let is_full = writes.iter().chain(&more).map(len_of).sum::<usize>() > COMMIT_LEN_MAX;
            if is_full && !writes.is_empty() {
                self.commit_fates(std::mem::take(&mut writes), std::mem::take(&mut fates))?;
            }
            writes.extend(more);
            fates.push((number, fate));
        }
        if !writes.is_empty() {
            self.commit_fates(writes, fates)?;
        }
        Ok(removed as u64)
    }

    /// A batch without some of its rows is written in its own place.
    fn remove_in_head(&mut self, ids: &BTreeSet<ClipId>) -> Result<(), IndexError> {
        let write = |(batch, rest): (u64, Vec<_>)| match rest.is_empty() {
            true => Write::Delete(batch_key(batch)),
            false => Write::Put(batch_key(batch), write_run(rest)),
        };
        let writes: Vec<Write> = self.head.batches_without(ids).into_iter().map(write).collect();
        // A batch is all or nothing; batches are not, and need not be.
        let mut some = Vec::new();
        for write in writes {
            some.push(write);
            if some.iter().map(len_of).sum::<usize>() > COMMIT_LEN_MAX {
                self.commit(std::mem::take(&mut some))?;
            }
        }
        self.commit(some)?;
        self.head.take(ids.iter().copied());
        Ok(())
    }

    fn fate(&mut self, number: u32, rows: &Bits) -> Result<(Fate, Vec<Write>), IndexError> {
        let shelf = &self.shelves[&number];
        let removed = shelf.removed_with(rows);
        let left = shelf.rows() - removed.count();
        if left == 0 {
            return Ok((Fate::Gone, shelf.write_gone()));
        }
        if left * 2 > shelf.rows() {
            let write = shelf.write_removed(&removed);
            return Ok((Fate::Marked(removed), vec![write]));
        }
        let rows = shelf.rows_without(&self.ledger, &removed, &self.names)?;
        let mut writes = shelf.write_gone();
        let (anew, more) = Shelf::of(self.next_shelf, &rows, &self.names, &self.measures);
        // Two that are made anew with one commit need two.
        self.next_shelf += 1;
        writes.extend(more);
        Ok((Fate::Anew(anew), writes))
    }

    fn commit_fates(&mut self, writes: Vec<Write>, fates: Vec<(u32, Fate)>) -> Result<(), IndexError> {
        self.commit(writes)?;
        for (number, fate) in fates {
            match fate {
                Fate::Marked(removed) => {
                    if let Some(shelf) = self.shelves.get_mut(&number) {
                        shelf.set_removed(removed);
                    }
                }
                Fate::Gone => self.drop_shelf(number),
                Fate::Anew(shelf) => {
                    self.drop_shelf(number);
                    self.add_shelf(shelf);
                }
            }
        }
        Ok(())
    }
}
