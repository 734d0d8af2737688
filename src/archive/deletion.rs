//! Deletions on record: decided, then done.
//!
//! Owns how a deletion lies on disk. It is on record before the file goes, with all that is needed to finish it after a crash. Reading never panics. (`n`: see
//! `varint`.)
//!
//! ```text
//! value: version u8 = 1 │ rule u8 │ at µs sn │ length µs n │ bytes n │ chain_sha256 │ under way only: volume, path
//! ```

use std::path::PathBuf;

use super::{
    head::{Recorded, ended, inner_path, length_us},
    keys::{self, Stage},
    retention::Rule,
    varint::{Rest, put, put_signed, put_text},
};
use crate::{
    config::StreamRole,
    id::{CameraId, VolumeId},
    store::Write,
    time::Wall,
};

const VERSION: u8 = 1;

/// A segment that retention has deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Whose.
    pub camera: CameraId,
    /// Of which of its streams.
    pub role: StreamRole,
    /// When it began.
    pub from: Wall,
    /// When it ended.
    pub to: Wall,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 over the SHA-256s of its fragments, in order.
    pub chain_sha256: [u8; 32],
    /// By which rule.
    pub rule: Rule,
    /// When that was decided.
    pub at: Wall,
}

/// Where a file lies that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) volume: VolumeId,
    pub(super) path: PathBuf,
}

impl Deletion {
    pub(super) fn of(head: &Recorded, rule: Rule, at: Wall) -> (Self, Place) {
        let deletion = Self {
            camera: head.camera.clone(),
            role: head.role,
            from: head.from,
            to: head.to,
            bytes: head.bytes,
            chain_sha256: head.chain_sha256,
            rule,
            at,
        };
        (deletion, Place { volume: head.volume.clone(), path: head.path.clone() })
    }

    /// The write that says that it is decided.
    pub(super) fn under_way(&self, place: &Place) -> Write {
        let mut value = self.encode();
        put_text(&mut value, place.volume.as_str());
        put_text(&mut value, &place.path.to_string_lossy());
        Write::Put(self.key(Stage::UnderWay), value)
    }

    /// The writes that say that it is done: with them, everything of the segment is gone but this.
    pub(super) fn done(&self, place: &Place) -> [Write; 4] {
        [
            Write::Delete(self.key(Stage::UnderWay)),
            Write::Put(self.key(Stage::Done), self.encode()),
            Write::Delete(keys::segment(&self.camera, self.from, self.role)),
            Write::Delete(keys::shelf(&place.volume, &self.camera, self.from, self.role)),
        ]
    }

    /// What an entry of the first stage says; `None` where it was not written by this program.
    pub(super) fn read_under_way(key: &[u8], value: &[u8]) -> Option<(Self, Place)> {
        let (deletion, mut rest) = Self::decode(key, value)?;
        let place = Place { volume: rest.text()?.parse().ok()?, path: inner_path(rest.text()?)? };
        rest.is_empty().then_some((deletion, place))
    }

    /// What an entry of the last stage says; `None` as above.
    pub(super) fn read_done(key: &[u8], value: &[u8]) -> Option<Self> {
        let (deletion, rest) = Self::decode(key, value)?;
        rest.is_empty().then_some(deletion)
    }

    fn key(&self, stage: Stage) -> Vec<u8> {
        keys::deletion(stage, &self.camera, self.from, self.role)
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, number(self.rule)];
        put_signed(&mut out, self.at.unix_us());
        put(&mut out, length_us(self.from, self.to));
        put(&mut out, self.bytes);
        out.extend_from_slice(&self.chain_sha256);
        out
    }

    fn decode<'a>(key: &[u8], value: &'a [u8]) -> Option<(Self, Rest<'a>)> {
        let (camera, from, role) = keys::read_deletion(key)?;
        let mut rest = Rest(value);
        let [version, rule] = rest.take()?;
        let rule = [Rule::Age, Rule::Space].into_iter().find(|&known| number(known) == rule)?;
        let at = Wall::from_unix_us(rest.signed()?);
        let (to, bytes) = (ended(from, rest.number()?)?, rest.number()?);
        let deletion = Self { camera, role, from, to, bytes, chain_sha256: rest.take()?, rule, at };
        (version == VERSION).then_some((deletion, rest))
    }
}

/// The numbers are on disk: never change one, never give one away again.
fn number(rule: Rule) -> u8 {
    match rule {
        Rule::Age => 1,
        Rule::Space => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deletion() -> (Deletion, Place) {
        let at = Wall::from_unix_ms;
        let deletion = Deletion {
            camera: "gate".parse().expect("an id"),
            role: StreamRole::Sub,
            from: at(1000),
            to: at(2000),
            bytes: 77,
            chain_sha256: [9; 32],
            rule: Rule::Space,
            at: at(5000),
        };
        (deletion, Place { volume: VolumeId::usual(), path: "gate/2026-03-09/1.mp4".into() })
    }

    #[test]
    fn both_stages_are_read_as_they_were_written() {
        let (deletion, place) = deletion();
        let Write::Put(key, value) = deletion.under_way(&place) else { panic!("it is kept") };
        assert_eq!(Deletion::read_under_way(&key, &value), Some((deletion.clone(), place.clone())));
        assert_eq!(Deletion::read_done(&key, &value), None);
        let [_, Write::Put(key, value), ..] = deletion.done(&place) else { panic!("it is kept") };
        assert_eq!(Deletion::read_done(&key, &value), Some(deletion));
        assert_eq!(Deletion::read_under_way(&key, &value), None);
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic_and_never_lead_out_of_the_volume(at: usize, flip in 1u8.., is_cut: bool) {
            let (deletion, place) = deletion();
            let Write::Put(key, mut value) = deletion.under_way(&place) else { panic!("it is kept") };
            let at = at % value.len();
            if is_cut { value.truncate(at) } else { value[at] ^= flip }
            if let Some((_, place)) = Deletion::read_under_way(&key, &value) {
                prop_assert!(place.path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
            let _ = Deletion::read_done(&key, &value);
        }
    }
}
