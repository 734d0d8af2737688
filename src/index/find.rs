//! Finding: shelves and head, merged in the order that was asked for.
//!
//! A shelf is opened when the merge comes to its time and not before; of an opened shelf, rows are read one by one, as they go to the page. Until its row is read, a
//! place in a shelf is known to the millisecond by its catalogue; only where that does not decide is the id needed.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use super::{
    Cursor, Index, IndexError, Order, PAGE_MAX, Page, Question,
    bits::Bits,
    catalogue::Catalogue,
    row::Row,
    shelf::Shelf,
    sought::{Sought, ids_of},
};
use crate::{clip::Clip, id::ClipId, store::Ledger};

/// An opened shelf, and how far it is.
struct Opened<'i> {
    shelf: &'i Shelf,
    catalogue: Arc<Catalogue>,
    chosen: Bits,
    at: u16,
    last_run: Option<(u16, Vec<u8>)>,
    /// The one at `at`, once it is read.
    row: Option<Row>,
}

/// Where in the page's order: the lowest number is first.
type Rank = u128;

impl Order {
    fn rank(self, id: u128) -> Rank {
        match self {
            Self::Newest => !id,
            Self::Oldest => id,
        }
    }

    /// Of the first that could be in a millisecond.
    fn rank_of_ms(self, ms: u64) -> Rank {
        let ids = ids_of(&(ms..ms + 1));
        match self {
            Self::Newest => self.rank(ids.end.0.0 - 1),
            Self::Oldest => self.rank(ids.start.0.0),
        }
    }

    fn first(self, chosen: &Bits, rows: usize) -> Option<u16> {
        match self {
            Self::Newest => chosen.previous(rows),
            Self::Oldest => chosen.next(0),
        }
    }

    fn behind(self, chosen: &Bits, at: u16) -> Option<u16> {
        match self {
            Self::Newest => chosen.previous(at.into()),
            Self::Oldest => chosen.next(usize::from(at) + 1),
        }
    }
}

impl<L: Ledger> Index<L> {
    /// A page of what `question` asks for.
    ///
    /// Asked again with the same cursor it is the same page, but for clips that came in between or were removed.
    pub fn find(&self, question: &Question) -> Result<Page, IndexError> {
        self.is_sound()?;
        let limit = question.limit.min(PAGE_MAX);
        let mut page = Page { clips: Vec::with_capacity(limit), next: None };
        let sought = Sought::new(question, &self.names);
        if sought.is_in_vain() || limit == 0 {
            return Ok(page);
        }
        let order = sought.order();
        let mut head = self.in_head(&sought).peekable();
        let mut closed = self.shelves_in_order(order).peekable();
        let mut opened: Vec<Opened<'_>> = Vec::new();
        // Rank, whether the row is read, which of the opened.
        let mut places = BinaryHeap::<Reverse<(Rank, bool, usize)>>::new();
        loop {
            let head_rank = head.peek().map(|row| order.rank(row.id.0.0));
            let best = places.peek().map(|Reverse((rank, ..))| *rank).into_iter().chain(head_rank).min();
            if let Some((_, shelf)) = closed.next_if(|(rank, _)| best.is_none_or(|best| *rank <= best)) {
                if let Some(shelf) = self.open_shelf(shelf, &sought)? {
                    let rank = order.rank_of_ms(shelf.catalogue.times().at(shelf.at));
                    places.push(Reverse((rank, false, opened.len())));
                    opened.push(shelf);
                }
                continue;
            }
            let Some(best) = best else { break };
            let row =
                if head_rank == Some(best) && places.peek().is_none_or(|Reverse((rank, ..))| *rank > best) {
                    head.next().cloned()
                } else {
                    let Some(Reverse((_, is_read, at))) = places.pop() else { break };
                    let shelf = &mut opened[at];
                    if !is_read {
                        let row = shelf.shelf.row(&self.ledger, shelf.at, &mut shelf.last_run)?;
                        if sought.is_behind(row.id) {
                            places.push(Reverse((order.rank(row.id.0.0), true, at)));
                            shelf.row = Some(row);
                            continue;
                        }
                    }
                    if let Some(next) = order.behind(&shelf.chosen, shelf.at) {
                        shelf.at = next;
                        places.push(Reverse((order.rank_of_ms(shelf.catalogue.times().at(next)), false, at)));
                    }
                    shelf.row.take()
                };
            let Some(row) = row else { continue };
            if page.clips.len() == limit {
                page.next = page.clips.last().map(|clip| Cursor(clip.id));
                break;
            }
            let clip = self.names.clip(row).ok_or_else(|| IndexError::damaged("a name of a row"))?;
            page.clips.push(clip);
        }
        Ok(page)
    }

    /// The clip with an id.
    pub fn get(&self, id: ClipId) -> Result<Option<Clip>, IndexError> {
        self.is_sound()?;
        let row = match self.head.rows().get(&id) {
            Some(new) => Some(new.row.clone()),
            None => self.on_shelves(id)?.map(|(_, _, row)| row),
        };
        let clip = |row| self.names.clip(row).ok_or_else(|| IndexError::damaged("a name of a row"));
        row.map(clip).transpose()
    }

    /// The shelf and the ordinal of a row that is not removed.
    pub(super) fn on_shelves(&self, id: ClipId) -> Result<Option<(u32, u16, Row)>, IndexError> {
        for shelf in self.shelves.values() {
            let mut last_run = None;
            for row in shelf.same_ms(&self.ledger, id)? {
                let ordinal = row as u16;
                if shelf.removed().is_some_and(|removed| removed.contains(ordinal)) {
                    continue;
                }
                let row = shelf.row(&self.ledger, ordinal, &mut last_run)?;
                if row.id == id {
                    return Ok(Some((shelf.number, ordinal, row)));
                }
            }
        }
        Ok(None)
    }

    /// The head's rows that are sought, in order.
    pub(super) fn in_head<'i>(&'i self, sought: &'i Sought<'i>) -> impl Iterator<Item = &'i Row> {
        let rows = self.head.rows();
        let ends = rows.first_key_value().zip(rows.last_key_value());
        let mut spans = ends.map_or(Vec::new(), |((&first, _), (&last, _))| sought.spans(first, last));
        if sought.order() == Order::Newest {
            spans.reverse();
        }
        spans
            .into_iter()
            .flat_map(move |span| -> Box<dyn Iterator<Item = _>> {
                match sought.order() {
                    Order::Newest => Box::new(rows.range(ids_of(&span)).rev()),
                    Order::Oldest => Box::new(rows.range(ids_of(&span))),
                }
            })
            .map(|(_, new)| new)
            .filter(|new| sought.admits(new) && sought.is_behind(new.row.id))
            .map(|new| &new.row)
    }

    /// Shelves by the rank of the first row that they could have.
    fn shelves_in_order(&self, order: Order) -> impl Iterator<Item = (Rank, &Shelf)> {
        let end = |shelf: &Shelf| match order {
            Order::Newest => shelf.last,
            Order::Oldest => shelf.first,
        };
        let mut all: Vec<_> =
            self.shelves.values().map(|shelf| (order.rank(end(shelf).0.0), shelf)).collect();
        all.sort_unstable_by_key(|(rank, _)| *rank);
        all.into_iter()
    }

    fn open_shelf<'i>(
        &self,
        shelf: &'i Shelf,
        sought: &Sought<'_>,
    ) -> Result<Option<Opened<'i>>, IndexError> {
        let Some((catalogue, chosen)) = self.choose(shelf, sought)? else { return Ok(None) };
        let first = sought.order().first(&chosen, shelf.rows());
        Ok(first.map(|at| Opened { shelf, catalogue, chosen, at, last_run: None, row: None }))
    }

    /// A shelf's rows that are sought; `None` where its time is not.
    pub(super) fn choose(
        &self,
        shelf: &Shelf,
        sought: &Sought<'_>,
    ) -> Result<Option<(Arc<Catalogue>, Bits)>, IndexError> {
        let spans = sought.spans(shelf.first, shelf.last);
        if spans.is_empty() {
            return Ok(None);
        }
        let catalogue = shelf.catalogue(&self.ledger)?;
        let chosen = catalogue.choose(sought, &spans, shelf.removed());
        Ok(Some((catalogue, chosen)))
    }
}
