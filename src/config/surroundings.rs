//! What a configuration takes from the machine around it: environment variables, files with secrets, the number of cores.
//!
//! Owns the questions and the two who answer them: the [`Machine`], and [`Canned`] answers for tests, fuzzing and replay.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read},
    num::NonZeroUsize,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Longest secret, in bytes.
pub const SECRET_LEN_MAX: u64 = 4096;

/// Who answers what a configuration asks of the machine.
pub trait Surroundings {
    /// The value of an environment variable, if it is set (and UTF-8).
    fn variable(&self, name: &str) -> Option<String>;

    /// What a file with a secret contains, as it is.
    ///
    /// # Errors
    /// Where it cannot be read, or where others can read it too.
    fn secret(&self, path: &Path) -> Result<String, NoSecret>;

    /// Processor cores that this process may use.
    fn cores(&self) -> NonZeroUsize;
}

/// Why a file gives no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSecret {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is a folder, a pipe or the like.
    #[error("it is not a regular file")]
    NotAFile,
    /// Others may read it.
    #[error("its mode is {mode:04o}, so that others may read or change it")]
    TooOpen {
        /// Permission bits.
        mode: u32,
    },
    /// It is longer than any secret.
    #[error("it is longer than {SECRET_LEN_MAX} bytes")]
    TooLong,
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The system says no.
    #[error("it cannot be read ({0})")]
    Unreadable(ErrorKind),
}

/// The machine that we run on.
#[derive(Debug, Clone, Copy)]
pub struct Machine;

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        // `std::env::var` of a name with `=` or NUL is an error, never a panic.
        std::env::var(name).ok()
    }

    fn secret(&self, path: &Path) -> Result<String, NoSecret> {
        let told = |e: std::io::Error| match e.kind() {
            ErrorKind::NotFound => NoSecret::Missing,
            kind => NoSecret::Unreadable(kind),
        };
        // Looked at before it is opened, since opening a pipe waits; and again once open, since that one is read.
        if !std::fs::metadata(path).map_err(told)?.is_file() {
            return Err(NoSecret::NotAFile);
        }
        let file = File::open(path).map_err(told)?;
        let mode = file.metadata().map_err(told)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(NoSecret::TooOpen { mode });
        }
        let mut bytes = Vec::new();
        file.take(SECRET_LEN_MAX + 1).read_to_end(&mut bytes).map_err(told)?;
        if bytes.len() as u64 > SECRET_LEN_MAX {
            return Err(NoSecret::TooLong);
        }
        String::from_utf8(bytes).map_err(|_| NoSecret::NotText)
    }

    fn cores(&self) -> NonZeroUsize {
        std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    }
}

/// Answers that are known beforehand.
#[derive(Debug, Clone)]
pub struct Canned {
    /// Environment variables by name.
    pub variables: BTreeMap<String, String>,
    /// Files with secrets by path. What is not here is missing.
    pub secrets: BTreeMap<PathBuf, Result<String, NoSecret>>,
    /// Processor cores.
    pub cores: NonZeroUsize,
}

/// No variable, no file, two cores.
impl Default for Canned {
    fn default() -> Self {
        Self {
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            cores: NonZeroUsize::MIN.saturating_add(1),
        }
    }
}

impl Surroundings for Canned {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn secret(&self, path: &Path) -> Result<String, NoSecret> {
        self.secrets.get(path).cloned().unwrap_or(Err(NoSecret::Missing))
    }

    fn cores(&self) -> NonZeroUsize {
        self.cores
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn a_secret_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert_eq!(Machine.secret(&path), Err(NoSecret::Missing));
        std::fs::write(&path, "s3cret\n").unwrap();
        for (mode, expected) in [
            (0o600, Ok("s3cret\n".to_owned())),
            (0o400, Ok("s3cret\n".to_owned())),
            (0o640, Err(NoSecret::TooOpen { mode: 0o640 })),
            (0o604, Err(NoSecret::TooOpen { mode: 0o604 })),
            (0o620, Err(NoSecret::TooOpen { mode: 0o620 })),
        ] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(Machine.secret(&path), expected, "{mode:o}");
        }
        assert_eq!(Machine.secret(folder.path()), Err(NoSecret::NotAFile));
    }

    #[test]
    fn a_secret_file_is_short_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (bytes, expected) in [
            (vec![b'x'; SECRET_LEN_MAX as usize + 1], Err(NoSecret::TooLong)),
            (vec![0xff, 0xfe], Err(NoSecret::NotText)),
            (vec![b'x'; 3], Ok("xxx".to_owned())),
        ] {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_eq!(Machine.secret(&path), expected);
        }
    }
}
