//! The order of what is promised.
//!
//! Owns the sequence: which message comes next, what waits, what was acknowledged, what no broker will ever take. A promise, and
//! whatever its caller wants to record together with it, is one commit of the ledger. Who sends, and when, is not its business.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Ledger, LedgerError, Message, NotAMessage, Seq, Space, Write,
    record::{decode_message, encode_message},
};

/// Acknowledged messages whose striking is not durable yet, at most, while the disk can be written to: so many may be sent once more after a
/// crash. While it is full they are kept in mind; there can be no more of them than messages were waiting.
pub const STRUCK_MAX: usize = 128;
/// Messages kept on record that no broker will ever take, at most; beyond it the oldest go.
pub const ASIDE_MAX: usize = 1000;
/// Records read at once while counting.
const COUNT_STEP: usize = 500;

/// What was promised and not yet acknowledged, in order.
///
/// Its length is limited by the disk alone: alerts are never dropped. Striking is written together with the next promise, after
/// [`STRUCK_MAX`] strikes, or by [`Outbox::settle`]; until then a crash brings a repeat, which at-least-once allows.
#[derive(Debug)]
pub struct Outbox<L> {
    ledger: L,
    /// The next message's.
    next: Seq,
    /// Entries on disk, the struck ones included.
    on_disk: u64,
    /// Acknowledged, but still on disk.
    struck: BTreeSet<Seq>,
    aside: usize,
}

/// A message that no broker will ever take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it stood.
    pub seq: Seq,
    /// Why it was passed over.
    pub why: String,
    /// The message, or why it cannot be read.
    pub message: Result<Message, NotAMessage>,
}

impl<L: Ledger> Outbox<L> {
    /// Finds the order again. An entry that cannot be read is set aside and told (ERROR).
    pub fn open(ledger: L) -> Result<Self, LedgerError> {
        let after_last = ledger
            .last(&Space::Outbox.from(), &Space::Outbox.to())?
            .and_then(|(key, _)| Space::seq_of(&key))
            .map_or(1, |seq| seq.0 + 1);
        let noted = ledger
            .get(&Space::OutboxNext.from())?
            .and_then(|value| value.try_into().ok())
            .map_or(1, u64::from_be_bytes);
        let aside = count(&ledger, Space::Aside)?;
        let mut outbox = Self {
            ledger,
            next: Seq(after_last.max(noted).max(1)),
            on_disk: 0,
            struck: BTreeSet::new(),
            aside,
        };
        for (seq, why) in outbox.count_waiting()? {
            tracing::error!(seq = seq.0, %why, "a promised message cannot be read; it is kept on record and passed over");
            outbox.set_aside(seq, &why.to_string())?;
        }
        Ok(outbox)
    }

    /// One atomic, durable batch: the caller's own `writes` and the outbox entries of `messages`, in order. Once it returns, delivery is
    /// promised. After an error nothing is promised, and the same call may be made again.
    ///
    /// Panics where `writes` touch the outbox's own spaces.
    pub fn promise(&mut self, writes: Vec<Write>, messages: &[Message]) -> Result<Range<Seq>, LedgerError> {
        let mut batch = writes;
        for write in &batch {
            let (Write::Put(key, _) | Write::Delete(key)) = write;
            assert!(!Space::is_outbox(key), "a caller writes only in spaces of its own");
        }
        let first = self.next;
        let mut seq = first;
        for message in messages {
            batch.push(Write::Put(Space::Outbox.seq_key(seq), encode_message(message)?));
            seq = Seq(seq.0 + 1);
        }
        if seq != first {
            batch.push(Write::Put(Space::OutboxNext.from(), seq.0.to_be_bytes().to_vec()));
        }
        self.commit_with_struck(batch)?;
        self.next = seq;
        self.on_disk += messages.len() as u64;
        Ok(first..seq)
    }

    /// One atomic, durable batch that nothing is promised with.
    ///
    /// Panics where `writes` touch the outbox's own spaces.
    pub fn note(&mut self, writes: Vec<Write>) -> Result<(), LedgerError> {
        for write in &writes {
            let (Write::Put(key, _) | Write::Delete(key)) = write;
            assert!(!Space::is_outbox(key), "a caller writes only in spaces of its own");
        }
        self.ledger.commit(writes)
    }

    /// What waits behind `after`, in order, at most `limit`.
    pub fn waiting(&self, after: Seq, limit: usize) -> Result<Vec<(Seq, Message)>, LedgerError> {
        let from = Space::Outbox.seq_key(Seq(after.0.saturating_add(1)));
        // Struck entries are still there; reading so many more always suffices.
        let records = self.ledger.range(&from, &self.end(), limit.saturating_add(self.struck.len()))?;
        let mut waiting = Vec::with_capacity(limit.min(records.len()));
        for (key, value) in records {
            let Some(seq) = Space::seq_of(&key) else { continue };
            if self.struck.contains(&seq) {
                continue;
            }
            if waiting.len() == limit {
                break;
            }
            let message = decode_message(&value).map_err(|e| LedgerError::Failed {
                path: "the outbox".into(),
                what: format!("message {} could be read at start and cannot now: {e}", seq.0),
            })?;
            waiting.push((seq, message));
        }
        Ok(waiting)
    }

    /// The broker has acknowledged these: they are not sent again, save after a crash. What does not wait is ignored.
    pub fn strike(&mut self, seqs: &[Seq]) -> Result<(), LedgerError> {
        for &seq in seqs.iter().filter(|&&seq| seq < self.next) {
            if !self.struck.contains(&seq) && self.ledger.get(&Space::Outbox.seq_key(seq))?.is_some() {
                self.struck.insert(seq);
            }
        }
        if self.struck.len() >= STRUCK_MAX { self.settle() } else { Ok(()) }
    }

    /// Makes all striking durable.
    pub fn settle(&mut self) -> Result<(), LedgerError> {
        if self.struck.is_empty() { Ok(()) } else { self.commit_with_struck(Vec::new()) }
    }

    /// Moves a message that no broker will ever take out of the way, durably, with the reason. It stays on record. What does not wait is ignored.
    pub fn set_aside(&mut self, seq: Seq, why: &str) -> Result<(), LedgerError> {
        let key = Space::Outbox.seq_key(seq);
        if seq >= self.next || self.struck.contains(&seq) {
            return Ok(());
        }
        let Some(record) = self.ledger.get(&key)? else { return Ok(()) };
        let mut batch =
            vec![Write::Put(Space::Aside.seq_key(seq), encode_aside(why, &record)), Write::Delete(key)];
        let is_full = self.aside >= ASIDE_MAX;
        if is_full {
            let oldest = self.ledger.range(&Space::Aside.from(), &Space::Aside.to(), 1)?;
            batch.extend(oldest.into_iter().map(|(key, _)| Write::Delete(key)));
        }
        self.ledger.commit(batch)?;
        self.on_disk -= 1;
        self.aside += usize::from(!is_full);
        Ok(())
    }

    /// The newest messages that were set aside, newest last, at most `limit`.
    pub fn aside(&self, limit: usize) -> Result<Vec<Aside>, LedgerError> {
        let records = self.ledger.range(&Space::Aside.from(), &Space::Aside.to(), ASIDE_MAX)?;
        let newest = records.len().saturating_sub(limit);
        Ok(records[newest..]
            .iter()
            .filter_map(|(key, value)| Some(decode_aside(Space::seq_of(key)?, value)))
            .collect())
    }

    /// How many messages wait for the broker.
    pub fn len(&self) -> u64 {
        self.on_disk - self.struck.len() as u64
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence number that the next message will have.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// The ledger, for reading what others keep in it.
    pub fn ledger(&self) -> &L {
        &self.ledger
    }

    fn commit_with_struck(&mut self, mut batch: Vec<Write>) -> Result<(), LedgerError> {
        batch.extend(self.struck.iter().map(|&seq| Write::Delete(Space::Outbox.seq_key(seq))));
        self.ledger.commit(batch)?;
        self.on_disk -= self.struck.len() as u64;
        self.struck.clear();
        Ok(())
    }

    /// The end of what was promised. A commit that failed may have left entries behind it: they are overwritten by the promises that
    /// come next, or found as promised at the next start.
    fn end(&self) -> Vec<u8> {
        Space::Outbox.seq_key(self.next)
    }

    /// Counts what waits, and finds what cannot be read.
    fn count_waiting(&mut self) -> Result<Vec<(Seq, NotAMessage)>, LedgerError> {
        let mut unreadable = Vec::new();
        let mut from = Space::Outbox.from();
        loop {
            let records = self.ledger.range(&from, &Space::Outbox.to(), COUNT_STEP)?;
            let Some((last, _)) = records.last() else { return Ok(unreadable) };
            from = last.iter().copied().chain([0]).collect();
            self.on_disk += records.len() as u64;
            for (key, value) in &records {
                if let (Some(seq), Err(why)) = (Space::seq_of(key), decode_message(value)) {
                    unreadable.push((seq, why));
                }
            }
        }
    }
}

fn count<L: Ledger>(ledger: &L, space: Space) -> Result<usize, LedgerError> {
    Ok(ledger.range(&space.from(), &space.to(), ASIDE_MAX)?.len())
}

/// version u8 = 1 │ reason: length u16, UTF-8 │ the message's record
fn encode_aside(why: &str, record: &[u8]) -> Vec<u8> {
    let why = &why.as_bytes()[..why.floor_char_boundary(1000)];
    let mut out = vec![1];
    out.extend_from_slice(&(why.len() as u16).to_be_bytes());
    out.extend_from_slice(why);
    out.extend_from_slice(record);
    out
}

fn decode_aside(seq: Seq, bytes: &[u8]) -> Aside {
    let split = || {
        let (head, rest) = bytes.split_first_chunk::<3>()?;
        let (why, record) = rest.split_at_checked(usize::from(u16::from_be_bytes([head[1], head[2]])))?;
        (head[0] == 1).then(|| (String::from_utf8_lossy(why).into_owned(), decode_message(record)))
    };
    let (why, message) = split().unwrap_or_else(|| (String::new(), Err(NotAMessage::Malformed("reason"))));
    Aside { seq, why, message }
}
