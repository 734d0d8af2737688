//! The ledger on a real disk; the one place that names sled.
//!
//! Owns durability: what sled promises, and what we add. sled 0.34 writes a batch to its log and calls `sync_file_range`, which is
//! enough against a kill and not against a power cut: it flushes neither the disk's cache nor the length of the file. So a commit here is
//! one atomic batch, sled's flush, and then `fdatasync` of sled's own log file, of each blob file that is new (sled
//! moves pages beyond some 128 KiB into files of their own), and `fsync` of the directory where one was made. sled's background flusher is off:
//! nothing is written between commits, so that a segment of the log is never reused before what replaced it
//! is really on the disk.
//!
//! A disk that is nearly full is refused before sled notices, since sled does not survive an error while it writes: after one, the engine is closed and
//! opened again, which recovers what was durable.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt,
    fs::{File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{Ledger, LedgerError, Pair, Write, within_limits};

/// Below this much free space (bytes) nothing is written.
const FLOOR_LEN: u64 = 2 * 1024 * 1024;
/// Below this much free space (bytes) only deletions are written: sled takes its log in segments of 512 KiB, moves live pages
/// before it frees dead ones, and everything else on the disk grows as well.
const RESERVE_LEN: u64 = 8 * 1024 * 1024;
/// sled's page cache, in bytes. The default of 1 GiB is for servers.
const CACHE_LEN: u64 = 32 * 1024 * 1024;
/// How long the lock of an engine that was just closed may linger: its threads let go of it in their own time.
const UNLOCK_TRIES: u32 = 100;
const UNLOCK_WAIT: Duration = Duration::from_millis(20);

/// The ledger on disk, in a directory of its own. One process at a time.
pub struct SledLedger {
    dir: PathBuf,
    /// Held as long as the ledger lives. sled has a lock of its own, which lingers, and which it takes too late for [`tidy`].
    _lock: File,
    /// Free space below which nothing but deletions, and nothing at all, is written; bytes.
    reserve_len: u64,
    floor_len: u64,
    /// `None` after a write failed and opening failed as well: the next commit tries again.
    engine: Option<Engine>,
}

struct Engine {
    db: sled::Db,
    /// sled's log file, opened once more to sync it: a sync is of the file, whoever opened it.
    log: File,
    blobs: PathBuf,
    blobs_synced: BTreeSet<OsString>,
}

/// Without what is in it: sled's own would print the whole store.
impl fmt::Debug for SledLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledLedger").field("dir", &self.dir).field("is_open", &self.engine.is_some()).finish()
    }
}

impl SledLedger {
    /// Opens the ledger in `dir`, which is made where it does not exist.
    ///
    /// Errors say when another process has it open, when the disk is full, and when what is there cannot be read; in that case no file
    /// is deleted. (sled itself may blank parts of a log that it finds damaged, before it says so.)
    pub fn open(dir: &Path) -> Result<Self, LedgerError> {
        Self::open_with(dir, RESERVE_LEN, FLOOR_LEN)
    }

    pub(super) fn open_with(dir: &Path, reserve_len: u64, floor_len: u64) -> Result<Self, LedgerError> {
        let mut ledger =
            Self { dir: dir.to_owned(), _lock: lock(dir)?, reserve_len, floor_len, engine: None };
        ledger.engine = Some(ledger.start()?);
        Ok(ledger)
    }

    fn start(&self) -> Result<Engine, LedgerError> {
        tidy(&self.dir).map_err(|e| self.io_error("cannot be tidied", e))?;
        let mut tries_left = UNLOCK_TRIES;
        let db = loop {
            let config = sled::Config::new()
                .path(&self.dir)
                .cache_capacity(CACHE_LEN)
                .mode(sled::Mode::LowSpace)
                .flush_every_ms(None);
            // sled panics over some kinds of damage; nothing of it is left behind that could be used.
            match catch_unwind(AssertUnwindSafe(|| config.open())) {
                Ok(Ok(db)) => break db,
                Ok(Err(sled::Error::Io(e))) if e.to_string().contains("could not acquire lock") => {
                    tries_left -= 1;
                    if tries_left == 0 {
                        return Err(in_use(&self.dir));
                    }
                    thread::sleep(UNLOCK_WAIT);
                }
                Ok(Err(e)) => return Err(self.engine_error(e)),
                Err(_) => return Err(self.damaged("the engine gave up over it")),
            }
        };
        let log = File::open(self.dir.join("db")).map_err(|e| self.io_error("cannot be synced", e))?;
        let mut engine = Engine { db, log, blobs: self.dir.join("blobs"), blobs_synced: BTreeSet::new() };
        let parent = self.dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        engine
            .sync()
            .and_then(|()| sync_dir(&self.dir))
            .and_then(|()| parent.map_or(Ok(()), sync_dir))
            .map_err(|e| self.io_error("cannot be synced", e))?;
        Ok(engine)
    }

    fn engine(&self) -> Result<&Engine, LedgerError> {
        self.engine
            .as_ref()
            .ok_or_else(|| self.failed("it is closed after a failed write; the next write opens it again"))
    }

    /// Closes the engine and opens it again: it sees exactly what is on the disk.
    fn restart(&mut self) {
        self.engine = None;
        // The error that led here is the one to tell; that it is still closed shows with the next call.
        self.engine = self.start().ok();
    }

    /// A disk with less than `needed` bytes free is full.
    fn refuse_below(&self, needed: u64) -> Result<(), LedgerError> {
        let free = rustix::fs::statvfs(&self.dir).map(|s| s.f_bavail.saturating_mul(s.f_frsize));
        match free {
            Ok(free) if free < needed => Err(LedgerError::Full {
                path: self.dir.display().to_string(),
                source: io::Error::new(
                    io::ErrorKind::StorageFull,
                    format!("{} KiB are free, and {} are needed", free / 1024, needed / 1024),
                ),
            }),
            // A file system that does not tell is taken at its word when it is written to.
            _ => Ok(()),
        }
    }

    fn engine_error(&self, error: sled::Error) -> LedgerError {
        match error {
            sled::Error::Io(e) => self.io_error("cannot be read or written", e),
            sled::Error::Corruption { at, .. } => self.damaged(
                &at.map_or("a checksum is wrong".to_owned(), |at| format!("a checksum is wrong at {at:?}")),
            ),
            other => self.failed(&other.to_string()),
        }
    }

    fn damaged(&self, how: &str) -> LedgerError {
        self.failed(&format!(
            "it is damaged ({how}). No file was deleted: move the directory away to begin a new one, and keep it, since promised alerts may \
             lie in it"
        ))
    }

    fn io_error(&self, what: &str, e: io::Error) -> LedgerError {
        io_error(&self.dir, what, e)
    }

    fn failed(&self, what: &str) -> LedgerError {
        failed(&self.dir, what)
    }
}

impl Engine {
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), sled::Error> {
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(key, value),
                Write::Delete(key) => batch.remove(key),
            }
        }
        self.db.apply_batch(batch)?;
        self.db.flush()?;
        self.sync()?;
        Ok(())
    }

    /// Everything that sled has written survives a power cut once this returns.
    fn sync(&mut self) -> io::Result<()> {
        self.log.sync_data()?;
        let mut present = BTreeSet::new();
        for entry in std::fs::read_dir(&self.blobs)? {
            present.insert(entry?.file_name());
        }
        let mut is_new = false;
        for name in present.difference(&self.blobs_synced) {
            match File::open(self.blobs.join(name)) {
                Ok(blob) => blob.sync_data()?,
                // sled removes a blob from another thread once nothing points to it.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            }
            is_new = true;
        }
        if is_new {
            sync_dir(&self.blobs)?;
        }
        self.blobs_synced = present;
        Ok(())
    }
}

impl Ledger for SledLedger {
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), LedgerError> {
        within_limits(&writes)?;
        let is_removing = writes.iter().all(|write| matches!(write, Write::Delete(_)));
        self.refuse_below(if is_removing { self.floor_len } else { self.reserve_len })?;
        if self.engine.is_none() {
            self.engine = Some(self.start()?);
        }
        let engine = self.engine.as_mut().expect("it was opened a line ago");
        engine.commit(writes).map_err(|e| {
            let error = self.engine_error(e);
            self.restart();
            error
        })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        let value = self.engine()?.db.get(key).map_err(|e| self.engine_error(e))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Pair>, LedgerError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let pairs = self.engine()?.db.range(from..to).take(limit);
        pairs
            .map(|pair| pair.map(|(k, v)| (k.to_vec(), v.to_vec())).map_err(|e| self.engine_error(e)))
            .collect()
    }

    fn last(&self, from: &[u8], to: &[u8]) -> Result<Option<Pair>, LedgerError> {
        if from >= to {
            return Ok(None);
        }
        let pair =
            self.engine()?.db.range(from..to).next_back().transpose().map_err(|e| self.engine_error(e))?;
        Ok(pair.map(|(k, v)| (k.to_vec(), v.to_vec())))
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the directory, and takes its lock.
fn lock(dir: &Path) -> Result<File, LedgerError> {
    std::fs::create_dir_all(dir).map_err(|e| io_error(dir, "cannot be made", e))?;
    let lock = File::create(dir.join("lock")).map_err(|e| io_error(dir, "cannot be locked", e))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(in_use(dir)),
        Err(TryLockError::Error(e)) => Err(io_error(dir, "cannot be locked", e)),
    }
}

/// Removes a snapshot that sled did not finish writing, since the disk was full or the process was killed. sled would take it for
/// a snapshot, and for damage; the log, and the snapshot before, have everything that is in it.
fn tidy(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("snap.") && name.to_string_lossy().ends_with(".generating") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn in_use(dir: &Path) -> LedgerError {
    failed(dir, "another process has it open: stop that one, or give this one a data directory of its own")
}

fn io_error(dir: &Path, what: &str, e: io::Error) -> LedgerError {
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            LedgerError::Full { path: dir.display().to_string(), source: e }
        }
        _ => failed(dir, &format!("it {what}: {e}")),
    }
}

fn failed(dir: &Path, what: &str) -> LedgerError {
    LedgerError::Failed { path: dir.display().to_string(), what: what.to_owned() }
}
