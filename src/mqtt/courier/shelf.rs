//! What was read from the outbox and is not yet sent.
//!
//! Owns the place up to which the outbox was read on this connection, the one read that may be under way, and what its answer is still worth when
//! it comes.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use super::READ_MAX;
use crate::{
    store::{Message, Seq},
    time::Mono,
};

/// How long a read that failed waits for the next.
const REREAD_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// In order.
    stock: VecDeque<(Seq, Message)>,
    /// Up to here it was read.
    read_to: Seq,
    reading: Reading,
    /// Done with while a read was under way, which may still bring them.
    done: BTreeSet<Seq>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reading {
    /// There may be more.
    #[default]
    Idle,
    /// An answer is awaited.
    Asked {
        /// It is to be read from the beginning since: what this brings is for nobody.
        is_stale: bool,
        /// The outbox got more since: there may be more than it brings.
        is_woken: bool,
    },
    /// There is nothing behind `read_to`.
    Empty,
    /// It could not be read.
    Failed { retry_at: Mono },
}

impl Shelf {
    /// The next in stock.
    pub(super) fn next(&mut self) -> Option<(Seq, Message)> {
        self.stock.pop_front()
    }

    /// Behind which place to read, where it is time to.
    pub(super) fn ask(&mut self) -> Option<Seq> {
        let is_time = self.reading == Reading::Idle && self.stock.len() < READ_MAX / 2;
        is_time.then(|| {
            self.reading = Reading::Asked { is_stale: false, is_woken: false };
            self.read_to
        })
    }

    /// The answer.
    pub(super) fn take(&mut self, now: Mono, answer: Result<Vec<(Seq, Message)>, String>) {
        let Reading::Asked { is_stale, is_woken } = self.reading else { return };
        let done = std::mem::take(&mut self.done);
        self.reading = Reading::Idle;
        match answer {
            _ if is_stale => {}
            Ok(messages) => {
                match messages.last() {
                    Some((last, _)) => self.read_to = *last,
                    None if is_woken => {}
                    None => self.reading = Reading::Empty,
                }
                self.stock.extend(messages.into_iter().filter(|(seq, _)| !done.contains(seq)));
            }
            // The store says in the log what is wrong with it.
            Err(_) => self.reading = Reading::Failed { retry_at: now + REREAD_AFTER },
        }
    }

    /// The outbox has more.
    pub(super) fn woken(&mut self) {
        match &mut self.reading {
            Reading::Empty => self.reading = Reading::Idle,
            Reading::Asked { is_woken, .. } => *is_woken = true,
            Reading::Idle | Reading::Failed { .. } => {}
        }
    }

    /// From the beginning: what was passed by may go now, and before what is in stock.
    pub(super) fn begin_again(&mut self) {
        self.stock.clear();
        self.read_to = Seq(0);
        self.reading = match self.reading {
            Reading::Asked { .. } => Reading::Asked { is_stale: true, is_woken: true },
            _ => Reading::Idle,
        };
    }

    /// It is struck or set aside: what was read of it before is void.
    pub(super) fn done_with(&mut self, seq: Seq) {
        self.stock.retain(|(stocked, _)| *stocked != seq);
        if matches!(self.reading, Reading::Asked { .. }) {
            self.done.insert(seq);
        }
    }

    /// Whether nothing is in stock, and nothing behind it.
    pub(super) fn is_bare(&self) -> bool {
        self.stock.is_empty() && self.reading == Reading::Empty
    }

    pub(super) fn retry_at(&self) -> Option<Mono> {
        match self.reading {
            Reading::Failed { retry_at } => Some(retry_at),
            _ => None,
        }
    }

    pub(super) fn tick(&mut self, now: Mono) {
        if self.retry_at().is_some_and(|at| at <= now) {
            self.reading = Reading::Idle;
        }
    }
}
