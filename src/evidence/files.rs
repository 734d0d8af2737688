//! Files that must be there when a call returns.
//!
//! Owns how evidence is written and read: synced, whole or not at all, never through a link. What is in a file belongs to others.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{Mode, OFlags};

/// A file or folder with which something could not be done.
#[derive(Debug, thiserror::Error)]
#[error("{}: it cannot be {done}: {source}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// What was to be done with it: `read`, `written`…
    pub done: &'static str,
    /// Why not.
    pub source: io::Error,
}

/// Says of an error which file it is about.
pub(super) fn at(path: &Path, done: &'static str) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError { path, done, source }
}

/// Makes a folder, and those above it, that only its owner may enter.
pub(super) fn make_private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if fs::metadata(dir)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// What was made in, renamed in or removed from a folder stays so.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Writes a file that only its owner may read, in place of any that was there: after a kill, the old or the new one is there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_parent(path)
}

/// Opens a file for lines to be added at its end; made where it is not there, readable by its owner alone.
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(path)?;
    sync_parent(path)?;
    Ok(file)
}

/// Locks a file of this name until what is returned is dropped; waits for others.
pub(super) fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Reads a file of at most `max` bytes.
pub(super) fn read_up_to(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    all_up_to(open_plain(path)?, max)
}

/// Reads to the end, which must come after at most `max` bytes.
pub(super) fn all_up_to(from: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}

/// Opens a file to read; a link in its last place is not followed, and what is no file is refused.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    Ok(file)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => sync_dir(Path::new(".")),
    }
}
