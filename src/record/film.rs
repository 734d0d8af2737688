//! A film as bytes: a head in memory, and pieces of files behind it.
//!
//! Owns which byte lies where. What the bytes mean belongs to [`super::mp4`]; nobody holds a whole film in memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::PathBuf,
};

use sha2::{Digest, Sha256};

/// Read at once while hashing, bytes.
const STEP: usize = 256 * 1024;

/// A film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// What lies in front.
    pub head: Vec<u8>,
    /// What follows, in order.
    pub pieces: Vec<Piece>,
}

/// Some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which file.
    pub path: PathBuf,
    /// Where they begin.
    pub offset: u64,
    /// How many there are.
    pub len: u64,
}

impl Film {
    /// Its length, bytes.
    pub fn byte_len(&self) -> u64 {
        self.head.len() as u64 + self.pieces.iter().map(|piece| piece.len).sum::<u64>()
    }

    /// The first bytes of `range`, at most `max`; empty where it lies behind the end. Blocks while the disk works.
    ///
    /// # Errors
    /// A file is gone, shorter than it was, or cannot be read.
    pub fn read(&self, range: Range<u64>, max: usize) -> io::Result<Vec<u8>> {
        let want = (range.end.min(self.byte_len()).saturating_sub(range.start)).min(max as u64) as usize;
        let mut bytes = Vec::with_capacity(want);
        if let Some(head) = usize::try_from(range.start).ok().and_then(|from| self.head.get(from..)) {
            bytes.extend_from_slice(&head[..head.len().min(want)]);
        }
        let mut at = self.head.len() as u64;
        for piece in &self.pieces {
            let from = range.start + bytes.len() as u64;
            if bytes.len() < want && (at..at + piece.len).contains(&from) {
                let skip = from - at;
                let take = (piece.len - skip).min((want - bytes.len()) as u64);
                let mut file = File::open(&piece.path)?;
                file.seek(SeekFrom::Start(piece.offset + skip))?;
                if file.take(take).read_to_end(&mut bytes)? as u64 != take {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        format!("{} is shorter than it was", piece.path.display()),
                    ));
                }
            }
            at += piece.len;
        }
        Ok(bytes)
    }

    /// SHA-256 of the whole. Blocks.
    ///
    /// # Errors
    /// See [`Self::read`].
    pub fn sha256(&self) -> io::Result<[u8; 32]> {
        let (mut hash, mut at) = (Sha256::new(), 0);
        loop {
            let bytes = self.read(at..u64::MAX, STEP)?;
            if bytes.is_empty() {
                return Ok(hash.finalize().into());
            }
            at += bytes.len() as u64;
            hash.update(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(folder: &std::path::Path) -> (Film, Vec<u8>) {
        let bytes: Vec<u8> = (0..200u8).collect();
        let path = folder.join("segment");
        std::fs::write(&path, &bytes).expect("a temporary folder can be written to");
        let piece = |offset: u64, len: u64| Piece { path: path.clone(), offset, len };
        let pieces = vec![piece(100, 20), piece(0, 0), piece(7, 5), piece(150, 50)];
        let mut whole = vec![255, 254, 253];
        for piece in &pieces {
            whole.extend(&bytes[piece.offset as usize..(piece.offset + piece.len) as usize]);
        }
        (Film { head: vec![255, 254, 253], pieces }, whole)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_range_is_what_it_is_of_the_whole(from in 0usize..90, len in 0usize..90, max in 1usize..40) {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (film, whole) = film(folder.path());
            prop_assert_eq!(film.byte_len(), whole.len() as u64);
            let read = film.read(from as u64..(from + len) as u64, max).expect("it is all there");
            let to = (from + len.min(max)).min(whole.len());
            prop_assert_eq!(&read[..], whole.get(from..to).unwrap_or_default());
            prop_assert_eq!(film.sha256().expect("it is all there"), <[u8; 32]>::from(Sha256::digest(&whole)));
        }
    }

    #[test]
    fn a_file_that_lost_bytes_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (film, _) = film(folder.path());
        std::fs::write(folder.path().join("segment"), [0; 160]).expect("it can be written to");
        assert_eq!(film.read(0..20, 100).expect("that part is there").len(), 20);
        assert_eq!(film.sha256().expect_err("it is shorter").kind(), io::ErrorKind::UnexpectedEof);
    }
}
