//! The whole audit log, entry by entry: the first thing that is wrong is named.

use std::{
    collections::VecDeque,
    fmt,
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    super::{
        files::{FileError, at},
        keyring::Keyring,
        lines::lines_up_to,
    },
    CHECKPOINTS, Checkpoint, Entry, Receipt,
    entry::LineWrong,
    names,
};

/// A log that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// How many entries it has.
    pub entries: u64,
    /// The hash of the last one.
    pub tip: Receipt,
    /// How many signed checkpoints agree with it.
    pub checkpoints: usize,
}

/// Why a log is not whole, or cannot be walked.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The first entry that is wrong.
    #[error("{}, line {line}: {what}", path.display())]
    Entry {
        /// In which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What.
        what: Wrong,
    },
    /// Every entry is right, and entries are missing behind the last.
    #[error("the log ends with entry {last}, and entry {known} was there: the end was cut off")]
    Truncated {
        /// The last entry that is there.
        last: u64,
        /// One that was, by a signed checkpoint or a manifest.
        known: u64,
    },
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It is no entry.
    Unreadable,
    /// It was changed: its hash is not that of its bytes.
    Changed,
    /// Entries are missing before it.
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// It stands where another should: that one comes later, or it itself was there before.
    Reordered {
        /// The entry that should stand here.
        expected: u64,
        /// The one that does.
        found: u64,
    },
    /// It does not follow from the entry before.
    Link,
    /// It is not the one that a signed checkpoint, or a manifest, names.
    Replaced,
    /// The checkpoint is signed by no key of the station.
    Unsigned,
    /// The line has no end: the program was killed while it wrote it. The next start moves it aside.
    Torn,
}

impl From<LineWrong> for Wrong {
    fn from(wrong: LineWrong) -> Self {
        match wrong {
            LineWrong::Unreadable => Self::Unreadable,
            LineWrong::Hash => Self::Changed,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("it cannot be read"),
            Self::Changed => f.write_str("the entry was changed"),
            Self::Missing { from, to } if from == to => write!(f, "entry {from} is missing before it"),
            Self::Missing { from, to } => write!(f, "entries {from} to {to} are missing before it"),
            Self::Reordered { expected, found } => {
                write!(f, "entry {found} stands in place of entry {expected}")
            }
            Self::Link => f.write_str("the entry does not follow from the one before"),
            Self::Replaced => {
                f.write_str("the entry is not the one that was there when its number was signed")
            }
            Self::Unsigned => f.write_str("the checkpoint is signed by no key of the station"),
            Self::Torn => f.write_str("the last line has no end: a kill tore it"),
        }
    }
}

/// How far a log goes at a moment. It is read without holding up who writes: what is written later is not looked at.
#[derive(Debug)]
pub struct Extent {
    dir: PathBuf,
    /// Files, oldest first, with their lengths.
    files: Vec<(String, u64)>,
    checkpoints_len: u64,
}

/// Walks the log in `dir`, and holds it against the signed checkpoints and against `known` places, such as those that manifests name.
///
/// # Errors
/// The first entry that is wrong, or that its end is missing.
pub fn verify_all(dir: &Path, keyring: &Keyring, known: &[Receipt]) -> Result<Walked, LogFault> {
    Extent::of(dir)?.walk(keyring, known, |_, _| ())
}

impl Extent {
    /// Looks how far the log in `dir` goes. A keyring that is read after it knows every key that has signed by then.
    pub fn of(dir: &Path) -> Result<Self, FileError> {
        // Who writes waits. A copy of the folder has no lock, and needs none.
        let lock = File::open(dir.join("lock")).ok();
        if let Some(lock) = &lock {
            lock.lock_shared().map_err(at(dir, "locked"))?;
        }
        let len_of = |name: &str| {
            let path = dir.join(name);
            fs::metadata(&path).map(|meta| meta.len()).map_err(at(&path, "read"))
        };
        let files = names(dir)?
            .into_iter()
            .map(|name| Ok((name.clone(), len_of(&name)?)))
            .collect::<Result<_, _>>()?;
        let checkpoints_len = if dir.join(CHECKPOINTS).exists() { len_of(CHECKPOINTS)? } else { 0 };
        Ok(Self { dir: dir.to_owned(), files, checkpoints_len })
    }

    /// Walks it, and shows `each` entry that follows from those before, oldest first. Holds it against the signed checkpoints and against `known` places.
    ///
    /// # Errors
    /// The first entry that is wrong, or that its end is missing.
    pub fn walk(
        &self,
        keyring: &Keyring,
        known: &[Receipt],
        mut each: impl FnMut(&Entry, Receipt),
    ) -> Result<Walked, LogFault> {
        let checkpoints = self.checkpoints(keyring)?;
        let mut pins: Vec<Receipt> = known.iter().copied().chain(checkpoints.iter().map(|c| c.tip)).collect();
        pins.sort_by_key(|pin| pin.seq);
        let mut pins = VecDeque::from(pins);
        let mut tip = Receipt::START;
        for (index, (name, len)) in self.files.iter().enumerate() {
            let path = self.dir.join(name);
            let wrong = |line, what| LogFault::Entry { path: path.clone(), line, what };
            for (bytes, line) in lines_up_to(&path, *len)?.zip(1..) {
                let bytes = bytes.map_err(at(&path, "read"))?;
                let Some(bytes) = bytes.strip_suffix(b"\n") else { return Err(wrong(line, Wrong::Torn)) };
                let (entry, receipt) = Entry::read(bytes).map_err(|what| wrong(line, what.into()))?;
                let (expected, found) = (tip.seq + 1, entry.seq);
                if found != expected {
                    let comes_later = found > expected && self.is_behind(index, expected)?;
                    let what = if found < expected || comes_later {
                        Wrong::Reordered { expected, found }
                    } else {
                        Wrong::Missing { from: expected, to: found - 1 }
                    };
                    return Err(wrong(line, what));
                }
                if entry.prev != tip.hash {
                    return Err(wrong(line, Wrong::Link));
                }
                tip = receipt;
                while let Some(pin) = pins.pop_front_if(|pin| pin.seq <= tip.seq) {
                    if pin.seq == tip.seq && pin.hash != tip.hash {
                        return Err(wrong(line, Wrong::Replaced));
                    }
                }
                each(&entry, receipt);
            }
        }
        match pins.back() {
            Some(pin) if pin.seq > 0 => Err(LogFault::Truncated { last: tip.seq, known: pin.seq }),
            _ => Ok(Walked { entries: tip.seq, tip, checkpoints: checkpoints.len() }),
        }
    }

    /// Whether an entry with this number stands in this file or in a newer one.
    fn is_behind(&self, index: usize, seq: u64) -> Result<bool, FileError> {
        for (name, len) in &self.files[index..] {
            let path = self.dir.join(name);
            for line in lines_up_to(&path, *len)? {
                let line = line.map_err(at(&path, "read"))?;
                if Entry::read(line.strip_suffix(b"\n").unwrap_or(&line)).is_ok_and(|(e, _)| e.seq == seq) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The checkpoints that were written whole; a torn one was never relied on.
    fn checkpoints(&self, keyring: &Keyring) -> Result<Vec<Checkpoint>, LogFault> {
        if self.checkpoints_len == 0 {
            return Ok(Vec::new());
        }
        let path = self.dir.join(CHECKPOINTS);
        let mut checkpoints = Vec::new();
        for (bytes, line) in lines_up_to(&path, self.checkpoints_len)?.zip(1..) {
            let bytes = bytes.map_err(at(&path, "read"))?;
            let wrong = |what| LogFault::Entry { path: path.clone(), line, what };
            let Some(bytes) = bytes.strip_suffix(b"\n") else { break };
            let checkpoint: Checkpoint =
                serde_json::from_slice(bytes).map_err(|_| wrong(Wrong::Unreadable))?;
            if !checkpoint.is_signed(keyring) {
                return Err(wrong(Wrong::Unsigned));
            }
            checkpoints.push(checkpoint);
        }
        Ok(checkpoints)
    }
}
