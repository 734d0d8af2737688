//! The file operations of a writer: a real disk, or one that tests make full, broken or slow.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What is done with files. Paths are below the volume's folder.
pub(super) trait Files: Send {
    /// A file that is open for writing.
    type File: Send;

    /// Creates a file that must not be there yet, and the folders on its way.
    fn create(&mut self, path: &Path) -> io::Result<Self::File>;
    /// Appends.
    fn write(&mut self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Cuts it back to so many bytes.
    fn cut(&mut self, file: &mut Self::File, len: u64) -> io::Result<()>;
    /// Returns once what was written is on the disk, the file's place in its folder included.
    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Bytes that are free on the disk.
    fn free(&mut self) -> io::Result<u64>;
}

/// A folder on a disk.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
}

/// A file of it, and its folder.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    /// Until the file's name in it is on the disk.
    folder: Option<File>,
}

impl Disk {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Files for Disk {
    type File = DiskFile;

    fn create(&mut self, path: &Path) -> io::Result<DiskFile> {
        let path = self.root.join(path);
        let folder = path.parent().unwrap_or(&self.root);
        let create = || fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Pictures of people are for nobody else on this machine.
                fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                create()?
            }
            created => created?,
        };
        Ok(DiskFile { file, folder: Some(File::open(folder)?) })
    }

    fn write(&mut self, file: &mut DiskFile, bytes: &[u8]) -> io::Result<()> {
        file.file.write_all(bytes)
    }

    fn cut(&mut self, file: &mut DiskFile, len: u64) -> io::Result<()> {
        file.file.set_len(len)
    }

    fn sync(&mut self, file: &mut DiskFile) -> io::Result<()> {
        file.file.sync_data()?;
        file.folder.take().map_or(Ok(()), |folder| folder.sync_all())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.root.join(path))
    }

    fn free(&mut self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
