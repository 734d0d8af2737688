//! The tables of fragments, in one file a day and camera beside the recordings.
//!
//! Owns the layout of a table and of `fragments.log`. A table that is lost or damaged is no loss: it is made anew from the recording, and the hash
//! on record proves either. So nothing is synced here. (`n`: see `varint`.)
//!
//! ```text
//! table: version u8 = 1 │ count n │ fragments │ first 8 bytes of SHA-256 over all before
//! fragment: distance from the end of the one before, bytes sn │ length, bytes n │ distance from its end, µs sn │ length, µs n, and whether it is a key in the lowest bit │ SHA-256
//! ```

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    head::TableAt,
    varint::{Rest, put, put_signed},
};
use crate::{record::Fragment, time::Wall};

/// The file of tables, beside the segments of a day.
pub const TABLE_NAME: &str = "fragments.log";

const VERSION: u8 = 1;
const CHECK_LEN: usize = 8;
/// Longest table that is read: an hour of fragments of a tenth of a second, twice.
const TABLE_LEN_MAX: u32 = 4 * 1024 * 1024;
/// The least that a fragment takes.
const FRAGMENT_LEN_MIN: usize = 36;

/// The file of tables for a segment with `path` below the folder of its volume.
pub(super) fn file_of(volume: &Path, path: &Path) -> PathBuf {
    volume.join(path).with_file_name(TABLE_NAME)
}

pub(super) fn encode(fragments: &[Fragment]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + fragments.len() * 48);
    out.push(VERSION);
    put(&mut out, fragments.len() as u64);
    let (mut end, mut shown) = (0u64, 0i64);
    for fragment in fragments {
        put_signed(&mut out, fragment.offset.wrapping_sub(end) as i64);
        put(&mut out, fragment.len.into());
        put_signed(&mut out, fragment.from.unix_us().wrapping_sub(shown));
        put(&mut out, length_us(fragment) << 1 | u64::from(fragment.is_key));
        out.extend_from_slice(&fragment.sha256);
        end = fragment.offset.wrapping_add(fragment.len.into());
        shown = fragment.from.unix_us().wrapping_add(length_us(fragment) as i64);
    }
    let check = Sha256::digest(&out);
    out.extend_from_slice(&check[..CHECK_LEN]);
    out
}

/// The fragments of a table; `None` where it is damaged.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Fragment>> {
    let (body, check) = bytes.split_last_chunk::<CHECK_LEN>()?;
    if Sha256::digest(body)[..CHECK_LEN] != check[..] {
        return None;
    }
    let mut rest = Rest(body);
    if rest.take()? != [VERSION] {
        return None;
    }
    let count = usize::try_from(rest.number()?).ok()?;
    if count > body.len() / FRAGMENT_LEN_MIN {
        return None;
    }
    let mut fragments = Vec::with_capacity(count);
    let (mut end, mut shown) = (0u64, 0i64);
    for _ in 0..count {
        let offset = end.wrapping_add(rest.signed()? as u64);
        let len = rest.small()?;
        let from = shown.wrapping_add(rest.signed()?);
        let length = rest.number()?;
        let (us, is_key) = (length >> 1, length & 1 == 1);
        let sha256 = rest.take()?;
        let length = Duration::from_micros(us);
        fragments.push(Fragment { offset, len, from: Wall::from_unix_us(from), length, is_key, sha256 });
        end = offset.wrapping_add(len.into());
        shown = from.wrapping_add(us as i64);
    }
    rest.is_empty().then_some(fragments)
}

/// Appends tables to a file; says where each lies.
pub(super) fn append(file: &Path, tables: &[Vec<u8>]) -> io::Result<Vec<TableAt>> {
    let mut log = OpenOptions::new().create(true).append(true).open(file)?;
    let mut offset = log.metadata()?.len();
    log.write_all(&tables.concat())?;
    let places = tables.iter().map(|table| {
        let at = TableAt { offset, len: u32::try_from(table.len()).unwrap_or(0) };
        offset += table.len() as u64;
        at
    });
    Ok(places.collect())
}

/// The fragments of the table at a place; `None` where there is none that can be read.
pub(super) fn read(file: &Path, at: TableAt) -> Option<Vec<Fragment>> {
    if at.len > TABLE_LEN_MAX {
        return None;
    }
    let mut bytes = vec![0; at.len as usize];
    File::open(file).and_then(|log| log.read_exact_at(&mut bytes, at.offset)).ok()?;
    decode(&bytes)
}

/// Lengths beyond some hundred thousand years do not occur.
fn length_us(fragment: &Fragment) -> u64 {
    u64::try_from(fragment.length.as_micros()).unwrap_or(u64::MAX).min(i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_fragment() -> impl Strategy<Value = Fragment> {
        let times = (any::<i64>(), 0u64..1 << 50);
        (any::<u64>(), any::<u32>(), times, any::<bool>(), any::<[u8; 32]>()).prop_map(
            |(offset, len, (from, length), is_key, sha256)| Fragment {
                offset,
                len,
                from: Wall::from_unix_us(from),
                length: Duration::from_micros(length),
                is_key,
                sha256,
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(fragments in proptest::collection::vec(any_fragment(), 0..9)) {
            prop_assert_eq!(decode(&encode(&fragments)), Some(fragments));
        }

        #[test]
        fn what_is_damaged_is_refused(fragments in proptest::collection::vec(any_fragment(), 0..9), at: usize, flip in 1u8..) {
            let bytes = encode(&fragments);
            let mut damaged = bytes.clone();
            damaged[at % bytes.len()] ^= flip;
            prop_assert_eq!(decode(&damaged), None);
            prop_assert_eq!(decode(&bytes[..at % bytes.len()]), None);
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(first) = body.first_mut() {
                *first = VERSION;
            }
            let check = Sha256::digest(&body);
            body.extend_from_slice(&check[..CHECK_LEN]);
            let _ = decode(&body);
        }
    }

    #[test]
    fn a_fragment_of_two_seconds_takes_some_45_bytes() {
        let fragments: Vec<Fragment> = (0..300)
            .map(|n| Fragment {
                offset: 800 + n * 100_000,
                len: 100_000,
                from: Wall::from_unix_ms(1_773_079_445_123 + n as i64 * 2003),
                length: Duration::from_micros(2_000_123),
                is_key: true,
                sha256: [7; 32],
            })
            .collect();
        assert!((40..46).contains(&(encode(&fragments).len() / 300)));
    }

    #[test]
    fn tables_lie_one_behind_the_other() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(TABLE_NAME);
        let fragment = |n: u8| Fragment {
            offset: n.into(),
            len: 10,
            from: Wall::from_unix_ms(5),
            length: Duration::from_secs(2),
            is_key: n == 1,
            sha256: [n; 32],
        };
        let first = append(&file, &[encode(&[fragment(1)]), encode(&[])]).expect("writable");
        let second = append(&file, &[encode(&[fragment(2), fragment(3)])]).expect("writable");
        assert_eq!(read(&file, first[0]), Some(vec![fragment(1)]));
        assert_eq!(read(&file, first[1]), Some(vec![]));
        assert_eq!(read(&file, second[0]), Some(vec![fragment(2), fragment(3)]));
        assert_eq!(read(&file, TableAt { offset: 1, ..second[0] }), None);
    }
}
