//! A simulated disk, for virtual time.
//!
//! Owns what a disk may do to us: be full, fail before or after writing, lose power in the middle of a batch. It keeps what
//! is durable apart from what is only in memory, and does nothing by chance: whoever holds the [`SimDisk`] says what happens when.

use std::{
    collections::BTreeMap,
    io,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{Ledger, LedgerError, Pair, Write, within_limits};

/// What the disk does to each commit until told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing: it works.
    #[default]
    None,
    /// It is full: the commit is refused.
    Full,
    /// It fails before anything is written.
    FailsBefore,
    /// It fails after all was written: the batch is there although nobody was told, as after reopening an engine that failed.
    FailsAfter,
    /// The power is lost before the batch is on the disk.
    CrashBefore,
    /// The power is lost after the batch is on the disk, but before anybody was told.
    CrashAfter,
}

/// A disk that outlives the processes that use it. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    durable: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Grows with each crash: a ledger opened before is dead.
    life: u64,
    fault: Fault,
    commits: u64,
}

impl SimDisk {
    /// An empty disk that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens to each commit from now on. A crash happens once; after it the disk works.
    pub fn set_fault(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// The power is lost, now: ledgers that are open on this disk are dead, and what they had in memory is gone.
    pub fn crash(&self) {
        self.state().life += 1;
    }

    /// Commits that became durable so far.
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

/// The simulated ledger: sees what is durable, as long as it lives.
#[derive(Debug)]
pub struct SimLedger {
    disk: SimDisk,
    life: u64,
    /// What is in memory: durable, or lost with the next crash.
    seen: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl SimLedger {
    /// As after a start: sees exactly what is durable.
    pub fn open(disk: &SimDisk) -> Self {
        let state = disk.state();
        Self { life: state.life, seen: state.durable.clone(), disk: disk.clone() }
    }

    fn alive(&self) -> Result<(), LedgerError> {
        if self.disk.state().life == self.life { Ok(()) } else { Err(failed("the power was lost")) }
    }
}

impl Ledger for SimLedger {
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), LedgerError> {
        self.alive()?;
        within_limits(&writes)?;
        let mut state = self.disk.state();
        match state.fault {
            Fault::None => {
                apply(&mut state.durable, &writes);
                state.commits += 1;
                drop(state);
                apply(&mut self.seen, &writes);
                Ok(())
            }
            Fault::Full => Err(LedgerError::Full {
                path: "a simulated disk".into(),
                source: io::Error::from(io::ErrorKind::StorageFull),
            }),
            Fault::FailsBefore => Err(failed("input/output error")),
            Fault::FailsAfter => {
                apply(&mut state.durable, &writes);
                state.commits += 1;
                drop(state);
                apply(&mut self.seen, &writes);
                Err(failed("input/output error"))
            }
            Fault::CrashBefore | Fault::CrashAfter => {
                if state.fault == Fault::CrashAfter {
                    apply(&mut state.durable, &writes);
                    state.commits += 1;
                }
                state.fault = Fault::None;
                state.life += 1;
                Err(failed("the power was lost"))
            }
        }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        self.alive()?;
        Ok(self.seen.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, LedgerError> {
        self.alive()?;
        if from >= to {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        Ok(self.seen.range::<[u8], _>(bounds).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, LedgerError> {
        self.alive()?;
        if from >= to {
            return Ok(None);
        }
        let bounds = (Bound::Included(from), Bound::Excluded(to));
        Ok(self.seen.range::<[u8], _>(bounds).next_back().map(|(k, v)| (k.clone(), v.clone())))
    }
}

fn apply(map: &mut BTreeMap<Vec<u8>, Vec<u8>>, writes: &[Write]) {
    for write in writes {
        match write {
            Write::Put(key, value) => map.insert(key.clone(), value.clone()),
            Write::Delete(key) => map.remove(key),
        };
    }
}

fn failed(what: &str) -> LedgerError {
    LedgerError::Failed { path: "a simulated disk".into(), what: what.into() }
}
