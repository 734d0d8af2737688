//! The audit log: who did what, when, what for. Append-only, hash-chained, on disk when a call returns.
//!
//! Owns the folder `audit`: a file of lines for each month (`2026-03.jsonl`), `checkpoints.jsonl`, and what a kill tore off (`torn-*`). What
//! must be written down is for others to know. Processes take turns: each write takes a lock and looks whether somebody has written.

mod checkpoint;
mod entry;
mod tail;
mod walk;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

pub use self::{
    checkpoint::Checkpoint,
    entry::{Act, Action, Entry, Receipt},
    walk::{Extent, LogFault, Walked, Wrong, verify_all},
};
use super::{
    files::{self, FileError, at},
    keys::Keys,
    lines::{LINE_LEN_MAX, mend},
    purpose::{Actor, Purpose},
};
use crate::time::Wall;

/// After so many entries at most the log's end is signed.
const CHECKPOINT_EVERY: u64 = 256;
const CHECKPOINTS: &str = "checkpoints.jsonl";

/// The log, open for more.
#[derive(Debug, Clone)]
pub(super) struct AuditLog {
    dir: PathBuf,
    /// Where it ended when we last wrote or looked; `None` after a failure.
    end: Option<End>,
}

#[derive(Debug, Clone)]
struct End {
    /// The newest file's name; empty where there is none.
    name: String,
    len: u64,
    tip: Receipt,
}

/// Why something could not be written down. Then it must not be done.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The end of the log is not as this program wrote it, and no kill did that.
    #[error("{}: the audit log was changed: {what}. Keep the folder as it is for those who look into it, move it away, and start again: a new log begins", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        what: Wrong,
    },
    /// An entry is too large.
    #[error("an audit entry of {len} bytes; at most {LINE_LEN_MAX} are taken: name fewer results")]
    TooLong {
        /// Its length.
        len: usize,
    },
}

/// The log has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) receipt: Receipt,
    /// Whether its end should be signed now.
    pub(super) checkpoint: CheckpointDue,
}

/// Whether the end of the log should be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CheckpointDue {
    Yes,
    No,
}

impl AuditLog {
    /// Opens the log in `dir`, which is made where it does not exist, and checks its end. A line that a kill tore is moved aside, logged, and
    /// written down in the log itself.
    pub(super) fn open(dir: &Path, now: Wall) -> Result<Self, AuditError> {
        files::make_private_dir(dir).map_err(at(dir, "made"))?;
        let mut log = Self { dir: dir.to_owned(), end: None };
        let _alone = log.lock()?;
        log.find_end(now)?;
        Ok(log)
    }

    /// Writes it down; on disk when this returns.
    pub(super) fn append(&mut self, now: Wall, act: &Act) -> Result<Written, AuditError> {
        let _alone = self.lock()?;
        self.find_end(now)?;
        let receipt = self.write(now, act)?;
        let checkpoint =
            if receipt.seq.is_multiple_of(CHECKPOINT_EVERY) { CheckpointDue::Yes } else { CheckpointDue::No };
        Ok(Written { receipt, checkpoint })
    }

    /// Signs the log's end; on disk when this returns.
    pub(super) fn checkpoint(&mut self, now: Wall, keys: &Keys) -> Result<(), AuditError> {
        let _alone = self.lock()?;
        let tip = self.find_end(now)?;
        let path = self.dir.join(CHECKPOINTS);
        mend(&path)?;
        let checkpoint = Checkpoint::new(tip, now, keys);
        let mut line = serde_json::to_vec(&checkpoint).expect("texts and numbers are always JSON");
        line.push(b'\n');
        let mut file = files::open_to_append(&path).map_err(at(&path, "opened"))?;
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(at(&path, "written"))?;
        Ok(())
    }

    fn lock(&self) -> Result<File, AuditError> {
        let path = self.dir.join("lock");
        Ok(files::lock(&path).map_err(at(&path, "locked"))?)
    }

    /// Where the log ends; read anew where somebody else has written, or where we failed to.
    fn find_end(&mut self, now: Wall) -> Result<Receipt, AuditError> {
        let names = names(&self.dir)?;
        let newest = names.last().cloned().unwrap_or_default();
        let path = self.dir.join(&newest);
        let len = match newest.as_str() {
            "" => 0,
            _ => fs::metadata(&path).map_err(at(&path, "read"))?.len(),
        };
        if let Some(end) = &self.end
            && end.name == newest
            && end.len == len
        {
            return Ok(end.tip);
        }
        self.end = None;
        let mut torn = None;
        let (mut len, mut tip) = (len, Receipt::START);
        // The newest file is empty where a kill came between its making and its first line.
        for name in names.iter().rev() {
            let path = self.dir.join(name);
            let mended = mend(&path)?;
            if *name == newest {
                len = mended.len;
                torn = mended.torn;
            }
            if let Some(last) = tail::check(&path)? {
                tip = last;
                break;
            }
        }
        self.end = Some(End { name: newest, len, tip });
        let Some(torn) = torn else { return Ok(tip) };
        tracing::warn!(
            "the last {} bytes of the audit log were torn by a kill; they are kept in {}",
            torn.bytes,
            torn.aside.display()
        );
        let act = Act {
            actor: Actor::daemon(),
            purpose: Purpose::of_the_station("a line that was torn by a kill is moved aside"),
            action: Action::LogRepaired,
            what: json!({ "bytes": torn.bytes, "aside": torn.aside.file_name().map(|name| name.to_string_lossy()) }),
            results: Vec::new(),
        };
        self.write(now, &act)
    }

    /// Adds a line. The lock is held, and the end is known.
    fn write(&mut self, now: Wall, act: &Act) -> Result<Receipt, AuditError> {
        let end = self.end.take().expect("it is found before anything is written");
        let (line, receipt) = Entry::after(end.tip, now, act).to_line();
        if line.len() > LINE_LEN_MAX {
            let len = line.len();
            self.end = Some(end);
            return Err(AuditError::TooLong { len });
        }
        // A clock that is set back does not open an older file again.
        let name = end.name.clone().max(format!("{}.jsonl", now.timestamp().strftime("%Y-%m")));
        let path = self.dir.join(&name);
        let is_new = name != end.name;
        let (mut file, len) = if is_new {
            let file = files::open_to_append(&path).map_err(at(&path, "made"))?;
            (file, 0)
        } else {
            (File::options().append(true).open(&path).map_err(at(&path, "opened"))?, end.len)
        };
        if let Err(e) = file.write_all(&line).and_then(|()| file.sync_data()) {
            // Half a line would be taken for a kill's; where it cannot be taken back, it is moved aside later.
            let _ = file.set_len(len);
            return Err(at(&path, "written")(e).into());
        }
        self.end = Some(End { name, len: len + line.len() as u64, tip: receipt });
        Ok(receipt)
    }
}

/// The log's files, oldest first.
fn names(dir: &Path) -> Result<Vec<String>, FileError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let names =
        entries.map_err(at(dir, "listed"))?.into_iter().filter_map(|e| e.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_month(name)).collect();
    names.sort();
    Ok(names)
}

/// `2026-03.jsonl`.
fn is_month(name: &str) -> bool {
    let bytes = name.as_bytes();
    name.strip_suffix(".jsonl").is_some_and(|month| month.len() == 7)
        && bytes[..7].iter().enumerate().all(|(at, b)| if at == 4 { *b == b'-' } else { b.is_ascii_digit() })
}

#[cfg(test)]
mod tests;
