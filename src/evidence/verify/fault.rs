//! What can be wrong with a pack, in both languages.
//!
//! Owns the words, and the names that `--json` gives (`code`): never change one.

use serde::Serialize;

use super::{
    super::{Words, keyring::KeyringWrong, moment, seal::KeyId},
    sense::Sense,
};
use crate::time::Wall;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// A file is not there.
    Missing {
        /// Which.
        file: String,
    },
    /// A file belongs to no pack.
    Extra {
        /// Which.
        file: String,
    },
    /// What has a file's name is a link, a folder or something else; it is not followed.
    NoFile {
        /// Which.
        file: String,
    },
    /// It cannot be read.
    Unreadable {
        /// Which.
        file: String,
        /// Why.
        why: String,
    },
    /// The manifest is none.
    NoManifest {
        /// Why.
        why: String,
    },
    /// A newer program wrote the manifest.
    Newer {
        /// Its version.
        version: u32,
    },
    /// The keyring is not believed.
    Keyring(KeyringWrong),
    /// The keyring is another station's.
    KeyringStation,
    /// The manifest names a key that the keyring has not.
    KeyUnknown {
        /// Which.
        key: KeyId,
    },
    /// The key did not sign then.
    KeyTime {
        /// Which.
        key: KeyId,
    },
    /// The key is not known to the trusted keyring.
    Stranger {
        /// Which.
        key: KeyId,
    },
    /// The signature is not the key's over this manifest.
    Signature,
    /// A file that is no video is not the one that the manifest names.
    Changed {
        /// Which.
        file: String,
    },
    /// The initialisation part of a video is not the one that the manifest names.
    Init {
        /// Of which.
        file: String,
    },
    /// A fragment is not the one that the manifest names.
    Fragment {
        /// In which file.
        file: String,
        /// Its number, from 1.
        n: u32,
        /// Its time.
        from: Wall,
        /// The fragment that stands in its place, where it is one of the pack's.
        holds: Option<(String, u32)>,
    },
    /// A file ends too early.
    Truncated {
        /// Which.
        file: String,
        /// Bytes that it should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
        /// The first fragment that is not whole, and its time.
        first: Option<(u32, Wall)>,
    },
    /// A file goes on behind its end.
    TooLong {
        /// Which.
        file: String,
        /// Bytes too much.
        extra: u64,
    },
    /// When it was exported, something was not any more as it was recorded.
    NotAsRecorded {
        /// In which file.
        file: String,
        /// Which fragment, from 1; 0: the initialisation part.
        n: u32,
        /// Its time.
        from: Wall,
    },
    /// The manifest does not agree with itself.
    Sense(Sense),
}

/// Where a fault is, for machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// In which file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// In which fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragment: Option<u32>,
    /// At which time of the recording.
    #[serde(with = "moment::utc_or_null", skip_serializing_if = "Option::is_none")]
    pub from: Option<Wall>,
}

impl Fault {
    /// Its name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "file-missing",
            Self::Extra { .. } => "file-extra",
            Self::NoFile { .. } => "no-file",
            Self::Unreadable { .. } => "unreadable",
            Self::NoManifest { .. } => "manifest-unreadable",
            Self::Newer { .. } => "manifest-newer",
            Self::Keyring(_) => "keyring",
            Self::KeyringStation => "keyring-station",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyTime { .. } => "key-time",
            Self::Stranger { .. } => "key-untrusted",
            Self::Signature => "signature",
            Self::Changed { .. } => "file-changed",
            Self::Init { .. } => "init-changed",
            Self::Fragment { .. } => "fragment-changed",
            Self::Truncated { .. } => "truncated",
            Self::TooLong { .. } => "too-long",
            Self::NotAsRecorded { .. } => "not-as-recorded",
            Self::Sense(_) => "manifest-inconsistent",
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        let (file, fragment, from) = match self {
            Self::Missing { file }
            | Self::Extra { file }
            | Self::NoFile { file }
            | Self::Unreadable { file, .. }
            | Self::Changed { file }
            | Self::Init { file }
            | Self::TooLong { file, .. } => (Some(file), None, None),
            Self::Fragment { file, n, from, .. } | Self::NotAsRecorded { file, n, from } => {
                (Some(file), Some(*n), Some(*from))
            }
            Self::Truncated { file, first, .. } => {
                (Some(file), first.map(|(n, _)| n), first.map(|(_, from)| from))
            }
            _ => (None, None, None),
        };
        Place { file: file.cloned(), fragment, from }
    }

    /// In both languages.
    pub fn words(&self) -> Words {
        let (zh, en) = match self {
            Self::Missing { file } => (format!("缺少文件 {file}"), format!("{file} is missing")),
            Self::Extra { file } => (
                format!("多出文件 {file}，它不属于这份证据"),
                format!("{file} is too much: it is no part of the pack"),
            ),
            Self::NoFile { file } => (
                format!("{file} 不是普通文件（链接、文件夹等），未读取"),
                format!("{file} is no file (a link, a folder…); it was not followed"),
            ),
            Self::Unreadable { file, why } => {
                (format!("{file} 无法读取：{why}"), format!("{file} cannot be read: {why}"))
            }
            Self::NoManifest { why } => (
                format!("manifest.json 已损坏，无法解读：{why}"),
                format!("manifest.json is damaged and cannot be read: {why}"),
            ),
            Self::Newer { version } => (
                format!("manifest.json 的格式版本为 {version}，请用更新的软件核验"),
                format!("manifest.json has version {version}: check it with a newer program"),
            ),
            Self::Keyring(why) => {
                (format!("keyring.json 不可信：{why}"), format!("keyring.json is not believed: {why}"))
            }
            Self::KeyringStation => {
                ("keyring.json 属于另一个派出所".to_owned(), "keyring.json is another station's".to_owned())
            }
            Self::KeyUnknown { key } => (
                format!("密钥串中没有签名密钥 {key}"),
                format!("the keyring has no key {key}, which is said to have signed"),
            ),
            Self::KeyTime { key } => (
                format!("导出时密钥 {key} 并未启用或已停用"),
                format!("key {key} was not in use when the pack was made"),
            ),
            Self::Stranger { key } => (
                format!("签名密钥 {key} 不在所信任的密钥串中"),
                format!("key {key}, which signed, is not known to the trusted keyring"),
            ),
            Self::Signature => (
                "签名与 manifest.json 不符：清单或签名被改动".to_owned(),
                "the signature is not that of manifest.json: one of them was changed".to_owned(),
            ),
            Self::Changed { file } => (format!("{file} 被改动"), format!("{file} was changed")),
            Self::Init { file } => (
                format!("{file} 的初始化部分被改动"),
                format!("the initialisation part of {file} was changed"),
            ),
            Self::Fragment { file, n, from, holds: None } => (
                format!("{file} 第 {n} 段（{from} 起）被改动"),
                format!("fragment {n} of {file} (from {from}) was changed"),
            ),
            Self::Fragment { file, n, from, holds: Some((other, m)) } => (
                format!("{file} 第 {n} 段（{from} 起）的位置上是 {other} 的第 {m} 段"),
                format!("in place of fragment {n} of {file} (from {from}) stands fragment {m} of {other}"),
            ),
            Self::Truncated { file, expected, found, first } => {
                let (zh, en) = first.map_or_else(Default::default, |(n, from)| {
                    (format!("，自第 {n} 段（{from}）起不完整"), format!(", from fragment {n} ({from}) on"))
                });
                (
                    format!("{file} 被截短：应为 {expected} 字节，实为 {found} 字节{zh}"),
                    format!("{file} is cut off: {found} of {expected} bytes are there{en}"),
                )
            }
            Self::TooLong { file, extra } => (
                format!("{file} 末尾多出 {extra} 字节"),
                format!("{file} has {extra} bytes too much at its end"),
            ),
            Self::NotAsRecorded { file, n: 0, .. } => (
                format!("{file} 的初始化部分在导出时已与录制时不符"),
                format!(
                    "the initialisation part of {file} was not as recorded any more when it was exported"
                ),
            ),
            Self::NotAsRecorded { file, n, from } => (
                format!("{file} 第 {n} 段（{from} 起）在导出时已与录制时不符"),
                format!(
                    "fragment {n} of {file} (from {from}) was not as recorded any more when it was exported"
                ),
            ),
            Self::Sense(sense) => {
                let Words { zh, en } = sense.words();
                (format!("清单自相矛盾：{zh}"), format!("the manifest does not agree with itself: {en}"))
            }
        };
        Words { zh, en }
    }
}
