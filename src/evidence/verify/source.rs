//! The files of a pack, without following anything out of it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{super::files, NotAPack};

/// A folder, as it was listed.
pub(super) struct Source {
    dir: PathBuf,
    entries: BTreeMap<String, Is>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Is {
    File,
    Another,
}

impl Source {
    pub(super) fn open(dir: &Path) -> Result<Self, NotAPack> {
        let unreadable = |why| NotAPack::Unreadable { path: dir.to_owned(), why };
        if !fs::metadata(dir).map_err(unreadable)?.is_dir() {
            return Err(NotAPack::NoFolder { path: dir.to_owned() });
        }
        let mut entries = BTreeMap::new();
        for entry in fs::read_dir(dir).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // Of a link, the link's own.
            let is = if entry.file_type().map_err(unreadable)?.is_file() { Is::File } else { Is::Another };
            entries.insert(entry.file_name().to_string_lossy().into_owned(), is);
        }
        Ok(Self { dir: dir.to_owned(), entries })
    }

    /// Whether there is a file of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.get(name) == Some(&Is::File)
    }

    /// Whether there is something of this name that is no file.
    pub(super) fn has_no_file(&self, name: &str) -> bool {
        self.entries.get(name) == Some(&Is::Another)
    }

    /// The names of all files.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, is)| **is == Is::File).map(|(name, _)| name.as_str())
    }

    /// The names of what is no file.
    pub(super) fn no_files(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter(|(_, is)| **is == Is::Another).map(|(name, _)| name.as_str())
    }

    /// Opens a file that was listed.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        if !self.has(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        files::open_plain(&self.dir.join(name))
    }
}
