//! A file as it lies on the disk: what of it is whole, with its hashes.
//!
//! Owns reading whole recordings. What bytes of a file mean is `record::mp4`'s.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::record::{
    Fragment,
    mp4::{Facts, ScanError, scan},
};

/// Read at once.
const CHUNK_LEN: usize = 256 * 1024;

/// What of a file is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// What it says of itself.
    pub(super) facts: Option<Facts>,
    pub(super) init_len: u32,
    pub(super) init_sha256: [u8; 32],
    pub(super) fragments: Vec<Fragment>,
    /// Bytes up to the end of the last whole fragment.
    pub(super) len: u64,
}

/// Reads a file and hashes what is whole of it. Takes as long as reading all of it.
pub(super) fn examine(path: &Path) -> Result<Whole, ScanError> {
    let mut file = File::open(path)?;
    let scanned = scan(&mut file)?;
    let init_sha256 = hash(&mut file, 0, scanned.init_len.into())?;
    let mut fragments = Vec::with_capacity(scanned.fragments.len());
    for span in scanned.fragments {
        fragments.push(Fragment {
            offset: span.offset,
            len: span.len,
            from: span.from,
            length: span.length,
            is_key: span.is_key,
            sha256: hash(&mut file, span.offset, span.len.into())?,
        });
    }
    let (facts, init_len, len) = (scanned.facts, scanned.init_len, scanned.whole_len);
    Ok(Whole { facts, init_len, init_sha256, fragments, len })
}

/// SHA-256 of a piece of a file; an error where the file does not have all of it.
pub(super) fn hash(file: &mut (impl Read + Seek), offset: u64, len: u64) -> io::Result<[u8; 32]> {
    file.seek(SeekFrom::Start(offset))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_LEN.min(usize::try_from(len).unwrap_or(CHUNK_LEN))];
    let mut left = len;
    while left > 0 {
        let count = chunk.len().min(usize::try_from(left).unwrap_or(chunk.len()));
        file.read_exact(&mut chunk[..count])?;
        hash.update(&chunk[..count]);
        left -= count as u64;
    }
    Ok(hash.finalize().into())
}
