//! What the store keeps of a segment: all but the table of its fragments.
//!
//! Owns the layout of heads and of shelf entries, and nothing else. Reading never panics, whatever the bytes. (`n`: see `varint`.)
//!
//! ```text
//! head:  version u8 = 1 │ length µs n │ bytes n │ init_len n │ init_sha256 │ fragments n │ chain_sha256 │ table: at n, len n │ skew ms, 0 or sn+1 │ volume │ path
//! shelf: version u8 = 1 │ length µs n │ bytes n
//! ```

use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    keys,
    varint::{Rest, put, put_signed, put_text},
};
use crate::{
    config::StreamRole,
    id::{CameraId, VolumeId},
    record::{Fragment, Segment},
    time::Wall,
};

const VERSION: u8 = 1;

/// A segment that is on record, without the table of its fragments ([`super::Catalog::segment`] has that).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose.
    pub camera: CameraId,
    /// Of which of its streams.
    pub role: StreamRole,
    /// On which volume.
    pub volume: VolumeId,
    /// Below the volume's folder; no component of it leads upwards.
    pub path: PathBuf,
    /// When its first picture arrived, by the clock of this machine.
    pub from: Wall,
    /// When its last picture had been shown; not before `from`.
    pub to: Wall,
    /// Its length in bytes.
    pub bytes: u64,
    /// Length in bytes of the initialisation part.
    pub init_len: u32,
    /// SHA-256 of that part.
    pub init_sha256: [u8; 32],
    /// How many fragments it has.
    pub fragments: u32,
    /// SHA-256 over the SHA-256s of its fragments, in order ([`Recorded::chain_of`]).
    pub chain_sha256: [u8; 32],
    /// How far the camera's clock was ahead, ms.
    pub skew_ms: Option<i64>,
    /// Where its table lies in the day's file of tables; `None` where it could not be written.
    pub(super) table: Option<TableAt>,
}

/// A place in a file of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TableAt {
    pub(super) offset: u64,
    pub(super) len: u32,
}

impl Recorded {
    /// The head of a segment whose table lies at `table`.
    pub(super) fn of(segment: &Segment, table: Option<TableAt>) -> Self {
        Self {
            camera: segment.camera.clone(),
            role: segment.role,
            volume: segment.volume.clone(),
            path: segment.path.clone(),
            from: segment.from,
            to: segment.to.max(segment.from),
            bytes: segment.bytes,
            init_len: segment.init_len,
            init_sha256: segment.init_sha256,
            fragments: u32::try_from(segment.fragments.len()).unwrap_or(u32::MAX),
            chain_sha256: Self::chain_of(&segment.fragments),
            skew_ms: segment.skew_ms,
            table,
        }
    }

    /// SHA-256 over the SHA-256s (32 bytes each) of fragments, in order.
    pub fn chain_of(fragments: &[Fragment]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for fragment in fragments {
            hash.update(fragment.sha256);
        }
        hash.finalize().into()
    }

    /// The segment, with the table that was found; `None` where that is not the table of this segment.
    pub(super) fn with(&self, fragments: Vec<Fragment>) -> Option<Segment> {
        if Self::chain_of(&fragments) != self.chain_sha256 {
            return None;
        }
        Some(Segment {
            camera: self.camera.clone(),
            role: self.role,
            volume: self.volume.clone(),
            path: self.path.clone(),
            from: self.from,
            to: self.to,
            bytes: self.bytes,
            init_len: self.init_len,
            init_sha256: self.init_sha256,
            fragments,
            skew_ms: self.skew_ms,
        })
    }

    /// Whether it shows any moment of `from..to`.
    pub fn touches(&self, from: Wall, to: Wall) -> bool {
        self.from < to && self.to > from
    }

    pub(super) fn key(&self) -> Vec<u8> {
        keys::segment(&self.camera, self.from, self.role)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let path = self.path.to_string_lossy();
        let mut out = Vec::with_capacity(110 + path.len());
        out.push(VERSION);
        put(&mut out, length_us(self.from, self.to));
        put(&mut out, self.bytes);
        put(&mut out, self.init_len.into());
        out.extend_from_slice(&self.init_sha256);
        put(&mut out, self.fragments.into());
        out.extend_from_slice(&self.chain_sha256);
        let TableAt { offset, len } = self.table.unwrap_or(TableAt { offset: 0, len: 0 });
        put(&mut out, offset);
        put(&mut out, len.into());
        match self.skew_ms {
            None => out.push(0),
            Some(ms) => {
                out.push(1);
                put_signed(&mut out, ms);
            }
        }
        put_text(&mut out, self.volume.as_str());
        put_text(&mut out, &path);
        out
    }

    /// The head of an entry; `None` where it was not written by this program.
    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let (camera, from, role) = keys::read_segment(key)?;
        let mut rest = Rest(value);
        if rest.take()? != [VERSION] {
            return None;
        }
        let to = ended(from, rest.number()?)?;
        let bytes = rest.number()?;
        let init_len = rest.small()?;
        let init_sha256 = rest.take()?;
        let fragments = rest.small()?;
        let chain_sha256 = rest.take()?;
        let table = TableAt { offset: rest.number()?, len: rest.small()? };
        let skew_ms = match rest.take()? {
            [0] => None,
            [1] => Some(rest.signed()?),
            _ => return None,
        };
        let volume = rest.text()?.parse().ok()?;
        let path = inner_path(rest.text()?)?;
        let table = (table.len > 0).then_some(table);
        let head = Self {
            camera,
            role,
            volume,
            path,
            from,
            to,
            bytes,
            init_len,
            init_sha256,
            fragments,
            chain_sha256,
            skew_ms,
            table,
        };
        rest.is_empty().then_some(head)
    }
}

/// What the janitor has to know of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OnShelf {
    pub(super) camera: CameraId,
    pub(super) role: StreamRole,
    pub(super) from: Wall,
    pub(super) to: Wall,
    pub(super) bytes: u64,
}

impl OnShelf {
    pub(super) fn of(head: &Recorded) -> Self {
        Self { camera: head.camera.clone(), role: head.role, from: head.from, to: head.to, bytes: head.bytes }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put(&mut out, length_us(self.from, self.to));
        put(&mut out, self.bytes);
        out
    }

    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let (_, camera, from, role) = keys::read_shelf(key)?;
        let mut rest = Rest(value);
        if rest.take()? != [VERSION] {
            return None;
        }
        let (to, bytes) = (ended(from, rest.number()?)?, rest.number()?);
        rest.is_empty().then_some(Self { camera, role, from, to, bytes })
    }
}

pub(super) fn length_us(from: Wall, to: Wall) -> u64 {
    u64::try_from(to.us_since(from)).unwrap_or(0)
}

pub(super) fn ended(from: Wall, length_us: u64) -> Option<Wall> {
    Some(Wall::from_unix_us(from.unix_us().checked_add(i64::try_from(length_us).ok()?)?))
}

/// A path that stays below its volume.
pub(super) fn inner_path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let is_inner = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_inner && !text.is_empty()).then(|| path.to_owned())
}
