//! A film as bytes: a cut, and the files that its pieces lie in.
//!
//! Owns reading it. Which byte lies where is the cut's ([`crate::record::mp4::Cut`]); nobody holds a whole film in memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::record::mp4::{Cut, Playback, Stretch};

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
            read_to(&mut bytes, file, piece.len, path)?;
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

/// A stream for browsers: a plan, and the files that its parts lie in.
#[derive(Debug)]
pub struct Reel {
    /// How it is put together.
    pub playback: Playback,
    /// The files of its segments, as its parts count them.
    pub files: Vec<PathBuf>,
}

impl Reel {
    /// Its part of this number, counted from 0; `None` behind the last one. Blocks while the disk works.
    ///
    /// # Errors
    /// A file is gone, shorter than it was, or cannot be read.
    pub fn read(&self, number: usize) -> io::Result<Option<Vec<u8>>> {
        let Some(part) = self.playback.parts.get(number) else { return Ok(None) };
        let path = &self.files[part.segment];
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(part.offset))?;
        let mut bytes = Vec::with_capacity(part.len as usize);
        read_to(&mut bytes, &mut file, part.len.into(), path)?;
        part.apply(&mut bytes);
        Ok(Some(bytes))
    }
}

/// Appends `len` bytes of a file.
fn read_to(bytes: &mut Vec<u8>, file: &mut File, len: u64, path: &Path) -> io::Result<()> {
    if file.take(len).read_to_end(bytes)? as u64 != len {
        let why = format!("{} is shorter than it was", path.display());
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
    }
    Ok(())
}
