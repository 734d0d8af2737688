//! The folder `access` of the station's data: the machine's own token, and the code for the first account.
//!
//! Owns these files, which their owner alone may read. Who can read them has the store as well.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::account::Token;

/// The file, below the station's data.
pub const LOCAL_TOKEN: &str = "access/local-token";
const SETUP_CODE: &str = "access/setup-code";
/// Crockford's: without the letters that look like others.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code.
const CODE_LEN: usize = 8;
/// Longest file, bytes.
const LEN_MAX: usize = 256;

/// A file of these with which something could not be done.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}; whoever runs the daemon must own this folder", path.display())]
pub struct AccessFileError {
    path: PathBuf,
    source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> AccessFileError {
    let path = path.to_owned();
    move |source| AccessFileError { path, source }
}

/// The machine's own token, made where there is none.
pub(super) fn local_token(data: &Path) -> Result<Token, AccessFileError> {
    let path = data.join(LOCAL_TOKEN);
    make_folder(&path)?;
    if let Some(token) = read(&path).map_err(at(&path))?.as_deref().and_then(|text| Token::read(text.trim()))
    {
        fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(at(&path))?;
        return Ok(token);
    }
    let token = Token::new().map_err(|error| at(&path)(io::Error::other(error)))?;
    write(&path, &token.spell_hex()).map_err(at(&path))?;
    Ok(token)
}

/// One that is kept nowhere.
pub(super) fn passing_token(data: &Path) -> Result<Token, AccessFileError> {
    Token::new().map_err(|error| at(&data.join(LOCAL_TOKEN))(io::Error::other(error)))
}

/// A code that makes the first account, once.
pub(super) struct SetupCode {
    path: PathBuf,
    hash: [u8; 32],
}

impl SetupCode {
    /// A new one. Gives it as it is to be told.
    pub(super) fn make(data: &Path) -> Result<(Self, String), AccessFileError> {
        let path = data.join(SETUP_CODE);
        let code = letters(CODE_LEN).map_err(at(&path))?;
        let written = make_folder(&path).and_then(|()| write(&path, &code).map_err(at(&path)));
        if let Err(error) = written {
            tracing::error!(%error, "the code for the first account cannot be written down; it is in this log alone");
        }
        Ok((Self { path, hash: hash(&code) }, code))
    }

    /// Removes one that an earlier start has left.
    pub(super) fn clear(data: &Path) {
        // Where there is none, nothing is to be done; where it stays, it opens nothing.
        let _ = fs::remove_file(data.join(SETUP_CODE));
    }

    /// Whether this is the code.
    pub(super) fn is(&self, text: &str) -> bool {
        hash(text) == self.hash
    }

    /// It was used.
    pub(super) fn used(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the used code for the first account cannot be removed; it opens nothing any more");
        }
    }
}

/// As it is compared: hashes, so that how long it takes says nothing; and as people write it.
fn hash(text: &str) -> [u8; 32] {
    let letters =
        text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        });
    Sha256::digest(Zeroizing::new(letters.collect::<String>()).as_bytes()).into()
}

/// Readable letters by chance.
pub(super) fn letters(count: usize) -> io::Result<String> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    // 256 is a multiple of 32: each letter is as likely.
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

fn make_folder(path: &Path) -> Result<(), AccessFileError> {
    let folder = path.parent().expect("it lies in a folder");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| fs::set_permissions(folder, Permissions::from_mode(0o700))).map_err(at(folder))
}

fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    match fs::read(path) {
        Ok(bytes) if bytes.len() <= LEN_MAX => Ok(String::from_utf8(bytes).ok().map(Zeroizing::new)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// After a kill the old or the new one is there.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn the_local_token_is_kept_and_read_by_its_owner_alone() {
        let data = tempfile::tempdir().expect("a folder");
        let token = local_token(data.path()).expect("made");
        let path = data.path().join(LOCAL_TOKEN);
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        assert_eq!(local_token(data.path()).expect("read").hash(), token.hash(), "kept over a restart");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
        assert_eq!(local_token(data.path()).expect("read").hash(), token.hash());
        assert_eq!(mode(&path), 0o600);
        for damaged in ["", "xyz", &"0".repeat(4000)] {
            fs::write(&path, damaged).expect("writable");
            let made = local_token(data.path()).expect("made anew");
            assert_ne!(made.hash(), token.hash());
            assert_eq!(local_token(data.path()).expect("read").hash(), made.hash());
        }
    }

    #[test]
    fn a_code_is_read_as_people_write_it_and_goes_once_used() {
        let data = tempfile::tempdir().expect("a folder");
        let (code, text) = SetupCode::make(data.path()).expect("made");
        let path = data.path().join(SETUP_CODE);
        assert_eq!((text.len(), mode(&path)), (CODE_LEN, 0o600));
        assert_eq!(fs::read_to_string(&path).expect("there").trim(), text);
        for written in [
            text.clone(),
            text.to_lowercase(),
            format!(" {} {}", &text[..4], &text[4..]),
            text.replace('0', "o").replace('1', "l"),
        ] {
            assert!(code.is(&written), "{written} for {text}");
        }
        for other in ["", "00000000", &text[1..]] {
            assert!(!code.is(other) || other == text, "{other}");
        }
        code.used();
        assert!(!path.exists());
        let (_, again) = SetupCode::make(data.path()).expect("made");
        assert_ne!(again, text);
        SetupCode::clear(data.path());
        assert!(!path.exists());
    }
}
