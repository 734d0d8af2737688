//! Whether a pack is whole: offline, on any machine, by nothing but its bytes.
//!
//! Owns every question that `cunkou verify` asks. It follows no path that a pack names: the names that a pack may have are known, and links are not
//! followed. Nothing in a pack makes it panic.

mod fault;
mod packs;
mod sense;
mod source;
mod video;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use self::source::Source;
pub use self::{
    fault::{Fault, Place},
    packs::{ChainFault, check_chains},
    sense::Sense,
};
use super::{
    files,
    keyring::{KEYRING_LEN_MAX, Key, Keyring, KeyringWrong, Standing},
    manifest::{KEYRING, MANIFEST, Manifest, PAGE, SIGNATURE, VERSION, video_name},
    seal::{PublicKey, Signature, Sum},
};

/// Largest manifest that is read, in bytes: some days of one camera.
const MANIFEST_LEN_MAX: u64 = 256 * 1024 * 1024;
/// Largest page.
const PAGE_LEN_MAX: u64 = 256 * 1024 * 1024;

/// What was found out about a pack.
#[derive(Debug)]
pub struct Report {
    /// Where it is.
    pub path: PathBuf,
    /// Its manifest, where that can be read; believe it only where [`Self::signed_by`] has a key.
    pub manifest: Option<Manifest>,
    /// The SHA-256 of the manifest's bytes.
    pub manifest_sum: Option<Sum>,
    /// The key whose signature over these bytes is right.
    pub signed_by: Option<PublicKey>,
    /// How far that key is known; `None`: no trusted keyring was given, or nothing is signed.
    pub standing: Option<Standing>,
    /// Everything that is wrong. Empty: it is whole.
    pub faults: Vec<Fault>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
pub enum NotAPack {
    /// It cannot be read.
    #[error("{}: it cannot be read: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// It is no folder.
    #[error("{}: a pack is a folder; name the folder, not a file in it", path.display())]
    NoFolder {
        /// Which.
        path: PathBuf,
    },
    /// It has nothing of a pack.
    #[error("{}: it has no {MANIFEST}, no {SIGNATURE} and no {KEYRING}: it is no pack", path.display())]
    Nothing {
        /// Which.
        path: PathBuf,
    },
    /// The keyring to trust is none.
    #[error("{}: {why}", path.display())]
    Keyring {
        /// Which.
        path: PathBuf,
        /// Why not.
        why: KeyringWrong,
    },
}

/// Reads a keyring that one trusts.
pub fn read_keyring(path: &Path) -> Result<Keyring, NotAPack> {
    let unreadable = |why| NotAPack::Unreadable { path: path.to_owned(), why };
    let bytes = std::fs::File::open(path).and_then(|file| files::all_up_to(file, KEYRING_LEN_MAX));
    let wrong = |why| NotAPack::Keyring { path: path.to_owned(), why };
    Keyring::read(&bytes.map_err(unreadable)?).map_err(wrong)
}

/// Checks the pack in the folder `path`, and its key against `trusted` where one is given.
///
/// # Errors
/// There is no pack at all. Whatever is wrong with one is in the report.
pub fn check_pack(path: &Path, trusted: Option<&Keyring>) -> Result<Report, NotAPack> {
    let source = Source::open(path)?;
    if ![MANIFEST, SIGNATURE, KEYRING].iter().any(|name| source.has(name)) {
        return Err(NotAPack::Nothing { path: path.to_owned() });
    }
    let mut check = Check { source, faults: Vec::new() };
    check.faults.extend(check.source.no_files().map(|file| Fault::NoFile { file: file.to_owned() }));
    let bytes = check.read(MANIFEST, MANIFEST_LEN_MAX);
    let manifest = bytes.as_deref().and_then(|bytes| check.manifest(bytes));
    let keyring = check.keyring();
    let signature = check.signature();
    let mut report = Report {
        path: path.to_owned(),
        manifest_sum: bytes.as_deref().map(Sum::of),
        manifest: None,
        signed_by: None,
        standing: None,
        faults: Vec::new(),
    };
    if let (Some(manifest), Some(bytes)) = (&manifest, &bytes) {
        let key = check.key(manifest, keyring.as_ref(), trusted);
        if let (Some(key), Some(signature)) = (&key, signature) {
            if key.public.has_signed(bytes, &signature) {
                report.signed_by = Some(key.public);
                report.standing = trusted.map(|trusted| check.standing(key, keyring.as_ref(), trusted));
            } else {
                check.faults.push(Fault::Signature);
            }
        }
        check.content(manifest);
    }
    check.extra(manifest.as_ref());
    report.manifest = manifest;
    report.faults = check.faults;
    Ok(report)
}

/// A check under way.
struct Check {
    source: Source,
    faults: Vec<Fault>,
}

impl Check {
    /// A file's bytes; a fault where it cannot be had.
    fn read(&mut self, name: &str, max: u64) -> Option<Vec<u8>> {
        let file = || name.to_owned();
        if !self.source.has(name) {
            // What has its name and is no file is told already.
            if !self.source.has_no_file(name) {
                self.faults.push(Fault::Missing { file: file() });
            }
            return None;
        }
        let read = self.source.file(name).and_then(|file| files::all_up_to(file, max));
        read.map_err(|why| self.faults.push(Fault::Unreadable { file: file(), why: why.to_string() })).ok()
    }

    fn manifest(&mut self, bytes: &[u8]) -> Option<Manifest> {
        /// What says whether the rest can be read.
        #[derive(serde::Deserialize)]
        struct Head {
            version: u32,
        }
        let read = serde_json::from_slice::<Head>(bytes).and_then(|head| match head.version {
            VERSION => serde_json::from_slice(bytes).map(Ok),
            version => Ok(Err(version)),
        });
        match read {
            Ok(Ok(manifest)) => return Some(manifest),
            Ok(Err(version)) => self.faults.push(Fault::Newer { version }),
            Err(why) => self.faults.push(Fault::NoManifest { why: why.to_string() }),
        }
        None
    }

    fn keyring(&mut self) -> Option<Keyring> {
        let bytes = self.read(KEYRING, KEYRING_LEN_MAX)?;
        Keyring::read(&bytes).map_err(|why| self.faults.push(Fault::Keyring(why))).ok()
    }

    fn signature(&mut self) -> Option<Signature> {
        let bytes = self.read(SIGNATURE, 1024)?;
        let signature = bytes.try_into().map(Signature);
        signature.map_err(|_| self.faults.push(Fault::Signature)).ok()
    }

    /// The key that is said to have signed: the pack's own keyring has it, or else the trusted one.
    fn key(
        &mut self,
        manifest: &Manifest,
        keyring: Option<&Keyring>,
        trusted: Option<&Keyring>,
    ) -> Option<Key> {
        let id = manifest.key;
        if keyring.is_some_and(|keyring| *keyring.station() != manifest.station.id) {
            self.faults.push(Fault::KeyringStation);
        }
        let key = keyring.and_then(|keyring| keyring.find(id)).or_else(|| trusted?.find(id));
        let Some(key) = key else {
            // Without a keyring that can be read, that is told already.
            if keyring.is_some() {
                self.faults.push(Fault::KeyUnknown { key: id });
            }
            return None;
        };
        // A keyring in a pack may leave out that the key was handed over from; one that is trusted does not.
        let created = manifest.created.utc;
        let is_used = |key: &Key| key.from <= created && key.until.is_none_or(|until| created <= until);
        let known = trusted.and_then(|trusted| trusted.find(id));
        if ![Some(key), known].into_iter().flatten().all(is_used) {
            self.faults.push(Fault::KeyTime { key: id });
        }
        Some(key.clone())
    }

    fn standing(&mut self, key: &Key, keyring: Option<&Keyring>, trusted: &Keyring) -> Standing {
        let standing = keyring.unwrap_or(trusted).standing(&key.public, trusted);
        if standing == Standing::Stranger {
            self.faults.push(Fault::Stranger { key: key.id });
        }
        standing
    }

    /// Everything that the manifest says, against itself and against the files.
    fn content(&mut self, manifest: &Manifest) {
        self.faults.extend(sense::contradictions(manifest).into_iter().map(Fault::Sense));
        for (name, max) in [(KEYRING, KEYRING_LEN_MAX), (PAGE, PAGE_LEN_MAX)] {
            let said = manifest.files.iter().find(|said| said.file == name);
            // A keyring that is not there is told already.
            let bytes = if name == KEYRING && !self.source.has(name) { None } else { self.read(name, max) };
            if let (Some(said), Some(bytes)) = (said, bytes)
                && (said.sha256 != Sum::of(&bytes) || said.bytes != bytes.len() as u64)
            {
                self.faults.push(Fault::Changed { file: name.to_owned() });
            }
        }
        for (index, video) in manifest.videos.iter().enumerate() {
            // Another name is told already, and is nobody's to open.
            if video.file != video_name(index, manifest.videos.len()) {
                continue;
            }
            self.video(manifest, video);
        }
    }

    /// Files that are no part of the pack. Without a manifest nobody knows which videos are.
    fn extra(&mut self, manifest: Option<&Manifest>) {
        let mut known = BTreeSet::from([MANIFEST, SIGNATURE, KEYRING, PAGE]);
        let Some(manifest) = manifest else { return };
        known.extend(manifest.videos.iter().map(|video| video.file.as_str()));
        let extra = self.source.names().filter(|name| !known.contains(name));
        self.faults.extend(extra.map(|file| Fault::Extra { file: file.to_owned() }));
    }
}
