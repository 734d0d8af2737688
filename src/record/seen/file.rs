//! How a file of records lies on disk, and how it is read whatever became of it.
//!
//! Owns frames and damage. All integers are big-endian:
//!
//! ```text
//! file:  frame*
//! frame: C5 53 6E │ version u8 = 1 │ kind u8 │ length u24 │ CRC-32C of version, kind, length and content u32 │ content
//! ```
//! A frame is written whole. A kill or a full disk can leave a torn one, at the end or, after the next start, in the middle: reading says so, and goes
//! on at the next whole frame.

use std::{io, path::Path};

use memchr::memmem;

use super::{Malformed, Record, decode, encode};

/// Most bytes of a frame's content.
pub const LEN_MAX: usize = 1 << 20;

const MARK: [u8; 3] = [0xc5, 0x53, 0x6e];
const VERSION: u8 = 1;
const HEAD_LEN: usize = 12;

/// A record that would not fit is refused: no passage has so many looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of {0} bytes is longer than {LEN_MAX}")]
pub struct TooLong(pub usize);

/// A record in its frame.
///
/// # Errors
/// Where it is longer than [`LEN_MAX`].
pub fn frame(record: &Record) -> Result<Vec<u8>, TooLong> {
    let (kind, content) = encode(record);
    if content.len() > LEN_MAX {
        return Err(TooLong(content.len()));
    }
    let mut out = Vec::with_capacity(HEAD_LEN + content.len());
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&[VERSION, kind]);
    out.extend_from_slice(&(content.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&checksum(&out[3..8], &content).to_be_bytes());
    out.extend_from_slice(&content);
    Ok(out)
}

fn checksum(head: &[u8], content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), content)
}

/// Bytes of a file that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at {at} are lost: {why}")]
pub struct Damage {
    /// Where they begin.
    pub at: u64,
    /// How many they are.
    pub len: u64,
    /// What is wrong with them.
    pub why: Why,
}

/// Why bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The file ends in the middle of a frame: what was written last when the power went.
    #[error("the file ends in the middle of a record")]
    Torn,
    /// They are not what was written.
    #[error("they are not what was written")]
    Damaged,
    /// A whole frame of another version.
    #[error(
        "they have version {0}, and this program reads version {VERSION}: were they written by a newer one?"
    )]
    Version(u8),
    /// A whole frame, and no record.
    #[error("{0}")]
    Malformed(Malformed),
}

/// The records of a file, in order, and what of it is damaged. Never panics, whatever the bytes.
#[derive(Debug, Clone)]
pub struct Records {
    bytes: Vec<u8>,
    at: usize,
}

impl Records {
    /// Of a file's content.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Of a file. It is read whole: a day of a busy camera is some megabytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        std::fs::read(path).map(Self::new)
    }

    /// The frame that begins at `at`, with its length; what is wrong with it otherwise.
    fn whole(&self, at: usize) -> Result<(u8, u8, &[u8]), Why> {
        let rest = &self.bytes[at..];
        let (head, rest) = rest.split_at_checked(HEAD_LEN).ok_or(Why::Torn)?;
        if head[..3] != MARK {
            return Err(Why::Damaged);
        }
        let len = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
        if len > LEN_MAX {
            return Err(Why::Damaged);
        }
        let content = rest.get(..len).ok_or(Why::Torn)?;
        if head[8..] != checksum(&head[3..8], content).to_be_bytes() {
            return Err(Why::Damaged);
        }
        Ok((head[3], head[4], content))
    }

    /// Where the next whole frame after `at` begins, or the file ends.
    fn resume(&self, at: usize) -> usize {
        let from = at + 1;
        let marks = memmem::find_iter(self.bytes.get(from..).unwrap_or_default(), &MARK);
        marks.map(|mark| from + mark).find(|mark| self.whole(*mark).is_ok()).unwrap_or(self.bytes.len())
    }
}

impl Iterator for Records {
    type Item = Result<Record, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        if at >= self.bytes.len() {
            return None;
        }
        let (next, found) = match self.whole(at) {
            Ok((version, kind, content)) => {
                let found = match version {
                    VERSION => decode(kind, content).map_err(Why::Malformed),
                    other => Err(Why::Version(other)),
                };
                (at + HEAD_LEN + content.len(), found)
            }
            Err(why) => {
                let next = self.resume(at);
                // A frame that promises more than there is, with others after it, was torn and written after.
                let torn = why == Why::Torn && next == self.bytes.len();
                (next, Err(if torn { Why::Torn } else { Why::Damaged }))
            }
        };
        self.at = next;
        Some(found.map_err(|why| Damage { at: at as u64, len: (next - at) as u64, why }))
    }
}
