//! A film as bytes: a cut, and the files that its pieces lie in.
//!
//! Owns reading it. Which byte lies where is the cut's ([`crate::record::mp4::Cut`]); nobody holds a whole film in memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
};

use sha2::{Digest, Sha256};

use crate::record::mp4::{Cut, Stretch};

/// Read at once while hashing, bytes.
const STEP: u64 = 256 * 1024;

/// A film.
#[derive(Debug)]
pub struct Film {
    /// How it is put together.
    pub cut: Cut,
    /// The files of its segments, as its pieces count them.
    pub files: Vec<PathBuf>,
}

impl Film {
    /// The bytes `range` of it, as far as there are any. Blocks while the disk works.
    ///
    /// # Errors
    /// A file is gone, shorter than it was, or cannot be read.
    pub fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let mut bytes =
            Vec::with_capacity((range.end.min(self.cut.total_len) - range.start.min(range.end)) as usize);
        let mut open: Option<(usize, File)> = None;
        for stretch in self.cut.stretches(range) {
            let piece = match stretch {
                Stretch::Head(head) => {
                    bytes.extend_from_slice(head);
                    continue;
                }
                Stretch::File(piece) => piece,
            };
            let path = &self.files[piece.segment];
            let file = match &mut open {
                Some((segment, file)) if *segment == piece.segment => file,
                _ => &mut open.insert((piece.segment, File::open(path)?)).1,
            };
            file.seek(SeekFrom::Start(piece.offset))?;
            if file.take(piece.len).read_to_end(&mut bytes)? as u64 != piece.len {
                let why = format!("{} is shorter than it was", path.display());
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
            }
        }
        Ok(bytes)
    }

    /// SHA-256 of the whole. Blocks.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn sha256(&self) -> io::Result<[u8; 32]> {
        let (mut hash, mut at) = (Sha256::new(), 0);
        while at < self.cut.total_len {
            let next = (at + STEP).min(self.cut.total_len);
            hash.update(self.read(at..next)?);
            at = next;
        }
        Ok(hash.finalize().into())
    }
}
