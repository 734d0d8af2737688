//! The packs of each camera, one after the other: which there were, and where they were put.
//!
//! Owns the folder `evidence`: an index of lines for each camera, to which is only added. A pack names the one before by its sum, so that one
//! that is kept back is missed by whoever has the others.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    files::{self, FileError, at},
    lines::{lines, mend},
    manifest::ChainFacts,
    moment,
    seal::Sum,
};
use crate::{id::CameraId, time::Wall};

/// One pack, as the index has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEntry {
    /// From 1.
    pub no: u64,
    /// SHA-256 of its manifest.
    pub manifest: Sum,
    /// SHA-256 of the manifest before.
    pub previous: Option<Sum>,
    /// What it gives.
    #[serde(with = "moment::utc")]
    pub from: Wall,
    /// See `from`.
    #[serde(with = "moment::utc")]
    pub to: Wall,
    /// Where it was put.
    pub path: PathBuf,
    /// When.
    #[serde(with = "moment::utc")]
    pub at: Wall,
    /// The audit entry that asked for it.
    pub audit_seq: u64,
}

/// Why an index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is not as this program wrote it.
    #[error("{}, line {line}: it does not follow from the line before; put the file back from a backup", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
}

/// A camera's index, held alone.
#[derive(Debug)]
pub(super) struct Chain {
    path: PathBuf,
    last: Option<ChainEntry>,
    _alone: File,
}

impl Chain {
    /// Opens a camera's index below `dir`; waits for an export that is under way.
    pub(super) fn open(dir: &Path, camera: &CameraId) -> Result<Self, ChainError> {
        files::make_private_dir(dir).map_err(at(dir, "made"))?;
        let lock = dir.join(format!("{camera}.lock"));
        let alone = files::lock(&lock).map_err(at(&lock, "locked"))?;
        let path = dir.join(format!("{camera}.jsonl"));
        mend(&path)?;
        let last = read(&path)?.pop();
        Ok(Self { path, last, _alone: alone })
    }

    /// The newest pack.
    pub(super) fn last(&self) -> Option<&ChainEntry> {
        self.last.as_ref()
    }

    /// The place of the next one.
    pub(super) fn next(&self) -> ChainFacts {
        ChainFacts {
            no: self.last.as_ref().map_or(0, |last| last.no) + 1,
            previous: self.last.as_ref().map(|last| last.manifest),
        }
    }

    /// Adds a pack; on disk when this returns.
    pub(super) fn add(&mut self, entry: ChainEntry) -> Result<(), ChainError> {
        let mut line =
            serde_json::to_vec(&entry).map_err(io::Error::from).map_err(at(&self.path, "written"))?;
        line.push(b'\n');
        let mut file = files::open_to_append(&self.path).map_err(at(&self.path, "opened"))?;
        file.write_all(&line).and_then(|()| file.sync_data()).map_err(at(&self.path, "written"))?;
        self.last = Some(entry);
        Ok(())
    }
}

/// The packs of a camera that were ever made, oldest first, from its index below `dir`.
pub(super) fn packs(dir: &Path, camera: &CameraId) -> Result<Vec<ChainEntry>, ChainError> {
    read(&dir.join(format!("{camera}.jsonl")))
}

fn read(path: &Path) -> Result<Vec<ChainEntry>, ChainError> {
    let mut entries: Vec<ChainEntry> = Vec::new();
    if !path.exists() {
        return Ok(entries);
    }
    for (bytes, line) in lines(path)?.zip(1..) {
        let bytes = bytes.map_err(at(path, "read"))?;
        let entry: Option<ChainEntry> = serde_json::from_slice(&bytes).ok();
        let follows = |entry: &ChainEntry| {
            entry.no == line && entry.previous == entries.last().map(|last: &ChainEntry| last.manifest)
        };
        match entry.filter(follows) {
            Some(entry) => entries.push(entry),
            None => return Err(ChainError::Changed { path: path.to_owned(), line }),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(chain: &Chain) -> ChainEntry {
        let ChainFacts { no, previous } = chain.next();
        let (from, at) = (Wall::from_unix_ms(1), Wall::from_unix_ms(2));
        let manifest = Sum::of(&no.to_be_bytes());
        ChainEntry { no, manifest, previous, from, to: at, path: format!("{no}").into(), at, audit_seq: no }
    }

    #[test]
    fn packs_are_numbered_over_restarts_and_torn_lines() {
        let root = tempfile::tempdir().unwrap();
        let camera = "gate".parse().unwrap();
        for no in 1..=4 {
            let mut chain = Chain::open(root.path(), &camera).unwrap();
            assert_eq!(chain.next().no, no);
            let next = entry(&chain);
            chain.add(next).unwrap();
            let mut file = File::options().append(true).open(root.path().join("gate.jsonl")).unwrap();
            file.write_all(b"{\"no\":").unwrap();
        }
        drop(Chain::open(root.path(), &camera).unwrap());
        let all = packs(root.path(), &camera).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(all[3].previous, Some(all[2].manifest));
        assert!(packs(root.path(), &"other".parse().unwrap()).unwrap().is_empty());
    }

    #[test]
    fn a_line_that_was_taken_out_is_named() {
        let root = tempfile::tempdir().unwrap();
        let camera = "gate".parse().unwrap();
        let mut chain = Chain::open(root.path(), &camera).unwrap();
        for _ in 0..3 {
            let next = entry(&chain);
            chain.add(next).unwrap();
        }
        drop(chain);
        let path = root.path().join("gate.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        let without: String =
            text.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, l)| format!("{l}\n")).collect();
        std::fs::write(&path, without).unwrap();
        assert!(matches!(Chain::open(root.path(), &camera), Err(ChainError::Changed { line: 2, .. })));
    }
}
