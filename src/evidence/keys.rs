//! The station's keys on disk: made at the first run, handed over, destroyed.
//!
//! Owns the folder `keys`: `keyring.json`, and `KEY.secret` of the one key that signs now. No secret leaves this folder. A secret that has been
//! handed over from is overwritten and removed; a disk that keeps old blocks (flash, snapshots, backups) may have it for longer.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    files::{self, FileError, at},
    keyring::{KEYRING_LEN_MAX, Keyring, KeyringWrong},
    seal::{KeyId, SecretKey, Signature},
};
use crate::{id::StationId, time::Wall};

const KEYRING: &str = "keyring.json";
const SECRET: &str = "secret";
/// Largest file of a secret, in bytes.
const SECRET_LEN_MAX: u64 = 100;

/// The key that signs now. While it is held, no other process hands over to another.
#[derive(Debug)]
pub struct Keys {
    secret: SecretKey,
    keyring: Keyring,
    _shared: File,
}

/// How keys were found at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// There were none: this is the first run.
    Made(KeyId),
    /// They are there.
    There(KeyId),
}

/// Why there is nothing to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The keyring is not what this program wrote.
    #[error("{}: {why}; put it back from a backup", path.display())]
    Keyring {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: KeyringWrong,
    },
    /// The keyring is of another station.
    #[error("{}: the keys are those of station {has}, and this is {is}: each station has keys of its own", path.display())]
    Station {
        /// Where.
        path: PathBuf,
        /// Whose they are.
        has: StationId,
        /// Who we are.
        is: StationId,
    },
    /// The secret is not there.
    #[error("{}: the secret key is not there; put it back from a backup", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The secret is not that of the keyring's last key.
    #[error("{}: it is not the secret of the keyring's last key; put it back from a backup", path.display())]
    Wrong {
        /// Where it is.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("{}: others may read the secret key: chmod 600 it, and rotate the key", path.display())]
    Exposed {
        /// Where it is.
        path: PathBuf,
    },
    /// There are secrets without a keyring.
    #[error("{}: there are secret keys and no {KEYRING}; put it back from a backup", path.display())]
    NoKeyring {
        /// Where.
        path: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gives no randomness for a key: {0}")]
    Random(#[from] rand::rand_core::OsError),
}

impl Keys {
    /// Makes keys at the first run, and removes what a kill has left behind. Waits for those who are signing.
    pub fn prepare(dir: &Path, station: &StationId, now: Wall) -> Result<Prepared, KeysError> {
        files::make_private_dir(dir).map_err(at(dir, "made"))?;
        let _alone = lock(dir)?;
        if let Some(keyring) = read_keyring(dir)? {
            if keyring.station() != station {
                let (has, is) = (keyring.station().clone(), station.clone());
                return Err(KeysError::Station { path: dir.to_owned(), has, is });
            }
            let id = keyring.current().id;
            read_secret(dir, id)?;
            for (path, _) in secrets(dir)?.into_iter().filter(|(_, of)| *of != Some(id)) {
                destroy(&path).map_err(at(&path, "destroyed"))?;
            }
            return Ok(Prepared::There(id));
        }
        // One secret without a keyring is a first run that was cut short; nothing was ever signed with it.
        let secret = match &secrets(dir)?[..] {
            [] => new_secret(dir)?,
            [(_, Some(id))] => read_secret(dir, *id)?,
            _ => return Err(KeysError::NoKeyring { path: dir.to_owned() }),
        };
        write_keyring(dir, &Keyring::new(station.clone(), &secret, now))?;
        Ok(Prepared::Made(secret.public().id()))
    }

    /// Opens the keys that [`Self::prepare`] has found or made.
    pub fn open(dir: &Path) -> Result<Self, KeysError> {
        let path = dir.join("lock");
        let shared = File::open(&path).map_err(at(&path, "opened"))?;
        shared.lock_shared().map_err(at(&path, "locked"))?;
        let missing = || KeysError::NoKeyring { path: dir.to_owned() };
        let keyring = read_keyring(dir)?.ok_or_else(missing)?;
        let secret = read_secret(dir, keyring.current().id)?;
        Ok(Self { secret, keyring, _shared: shared })
    }

    /// Makes a new key, has the old one hand over to it, and destroys the old secret. Gives the old and the new key. Waits for those who are
    /// signing; who holds [`Keys`] waits for ever.
    pub fn rotate(dir: &Path, now: Wall) -> Result<(KeyId, KeyId), KeysError> {
        let _alone = lock(dir)?;
        let mut keyring = read_keyring(dir)?.ok_or_else(|| KeysError::NoKeyring { path: dir.to_owned() })?;
        let old_id = keyring.current().id;
        let old = read_secret(dir, old_id)?;
        // Killed after this, the new secret is not in the keyring and goes with the next start; killed after the keyring was written, the old one does.
        let new = new_secret(dir)?;
        keyring.hand_over(&old, &new, now);
        write_keyring(dir, &keyring)?;
        let path = secret_path(dir, old_id);
        destroy(&path).map_err(at(&path, "destroyed"))?;
        Ok((old_id, new.public().id()))
    }

    /// The public keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The key that signs.
    pub fn id(&self) -> KeyId {
        self.keyring.current().id
    }

    /// Signs exactly these bytes.
    pub fn sign(&self, bytes: &[u8]) -> Signature {
        self.secret.sign(bytes)
    }
}

fn lock(dir: &Path) -> Result<File, KeysError> {
    let path = dir.join("lock");
    Ok(files::lock(&path).map_err(at(&path, "locked"))?)
}

fn secret_path(dir: &Path, id: KeyId) -> PathBuf {
    dir.join(format!("{id}.{SECRET}"))
}

/// The secrets in the folder, and of which key each says that it is.
fn secrets(dir: &Path) -> Result<Vec<(PathBuf, Option<KeyId>)>, KeysError> {
    let entries = fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let paths = entries.map_err(at(dir, "listed"))?.into_iter().map(|entry| entry.path());
    let of = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
    let named = paths.filter(|path| path.extension().is_some_and(|end| end == SECRET));
    Ok(named.map(|path| (path.clone(), of(&path))).collect())
}

/// Makes a secret and writes it.
fn new_secret(dir: &Path) -> Result<SecretKey, KeysError> {
    let secret = SecretKey::make()?;
    let path = secret_path(dir, secret.public().id());
    files::replace(&path, secret.to_text().as_bytes()).map_err(at(&path, "written"))?;
    Ok(secret)
}

fn read_secret(dir: &Path, id: KeyId) -> Result<SecretKey, KeysError> {
    let path = secret_path(dir, id);
    let file = match files::open_plain(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(KeysError::Missing { path }),
        Err(e) => return Err(at(&path, "read")(e).into()),
    };
    if file.metadata().map_err(at(&path, "read"))?.mode() & 0o077 != 0 {
        return Err(KeysError::Exposed { path });
    }
    let bytes = Zeroizing::new(files::all_up_to(file, SECRET_LEN_MAX).map_err(at(&path, "read"))?);
    let secret = std::str::from_utf8(&bytes).ok().and_then(SecretKey::from_text);
    secret.filter(|secret| secret.public().id() == id).ok_or(KeysError::Wrong { path })
}

fn read_keyring(dir: &Path) -> Result<Option<Keyring>, KeysError> {
    let path = dir.join(KEYRING);
    match files::read_up_to(&path, KEYRING_LEN_MAX) {
        Ok(bytes) => Keyring::read(&bytes).map(Some).map_err(|why| KeysError::Keyring { path, why }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(at(&path, "read")(e).into()),
    }
}

fn write_keyring(dir: &Path, keyring: &Keyring) -> Result<(), KeysError> {
    let path = dir.join(KEYRING);
    Ok(files::replace(&path, &keyring.to_bytes()).map_err(at(&path, "written"))?)
}

/// Overwrites a file and removes it.
fn destroy(path: &Path) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(4096);
    io::Write::write_all(&mut &file, &vec![0; len])?;
    file.sync_all()?;
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), files::sync_dir)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Wall = Wall::from_unix_ms(1_773_079_445_123);

    fn station() -> StationId {
        "demo".parse().unwrap()
    }

    fn made() -> (tempfile::TempDir, PathBuf, KeyId) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("data/keys");
        let Prepared::Made(id) = Keys::prepare(&dir, &station(), NOW).unwrap() else { panic!("made") };
        (root, dir, id)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn are_made_once_and_only_for_their_owner() {
        let (_root, dir, id) = made();
        assert_eq!(Keys::prepare(&dir, &station(), NOW).unwrap(), Prepared::There(id));
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&secret_path(&dir, id)), 0o600);
        let keys = Keys::open(&dir).unwrap();
        assert!(keys.keyring().current().public.has_signed(b"x", &keys.sign(b"x")));
        let secret = fs::read_to_string(secret_path(&dir, id)).unwrap();
        assert!(!format!("{keys:?}").contains(secret.trim()));
        let public = fs::read_to_string(dir.join(KEYRING)).unwrap();
        assert!(!public.contains(secret.trim()));
    }

    #[test]
    fn a_key_is_handed_over_and_its_secret_destroyed() {
        let (_root, dir, first) = made();
        let (old, new) = Keys::rotate(&dir, NOW).unwrap();
        assert_eq!(old, first);
        assert!(!secret_path(&dir, old).exists());
        let keys = Keys::open(&dir).unwrap();
        assert_eq!(keys.id(), new);
        assert_eq!(keys.keyring().keys().len(), 2);
        assert!(keys.keyring().find(first).is_some(), "the public key stays");
    }

    #[test]
    fn what_a_kill_leaves_behind_goes() {
        let (_root, dir, id) = made();
        // Killed before the keyring was written: a secret that nobody knows.
        let stray = new_secret(&dir).unwrap().public().id();
        assert_eq!(Keys::prepare(&dir, &station(), NOW).unwrap(), Prepared::There(id));
        assert!(!secret_path(&dir, stray).exists() && secret_path(&dir, id).exists());
        // Killed in the first run, before there was a keyring.
        fs::remove_file(dir.join(KEYRING)).unwrap();
        assert_eq!(Keys::prepare(&dir, &station(), NOW).unwrap(), Prepared::Made(id));
        // Two secrets without one are no first run.
        new_secret(&dir).unwrap();
        fs::remove_file(dir.join(KEYRING)).unwrap();
        assert!(matches!(Keys::prepare(&dir, &station(), NOW), Err(KeysError::NoKeyring { .. })));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let (_root, dir, id) = made();
        let path = secret_path(&dir, id);
        let text = fs::read_to_string(&path).unwrap();
        let other: StationId = "other".parse().unwrap();
        assert!(matches!(Keys::prepare(&dir, &other, NOW), Err(KeysError::Station { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Keys::open(&dir), Err(KeysError::Exposed { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut damaged = text.clone().into_bytes();
        damaged[0] = if damaged[0] == b'0' { b'1' } else { b'0' };
        fs::write(&path, damaged).unwrap();
        let error = Keys::open(&dir).unwrap_err();
        assert!(matches!(error, KeysError::Wrong { .. }));
        assert!(!format!("{error:?} {error}").contains(&text[1..20]));
        fs::remove_file(&path).unwrap();
        assert!(matches!(Keys::open(&dir), Err(KeysError::Missing { .. })));
        assert!(matches!(Keys::prepare(&dir, &station(), NOW), Err(KeysError::Missing { .. })));
    }
}
