//! The file of the configuration while somebody draws on it.
//!
//! Owns reading it as a whole, writing it so that a kill leaves the old text or the new one, and keeping what it was. Blocks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};
use toml_edit::{DocumentMut, TomlError};

use super::words::keys;
use crate::{
    config::{self, Config, Problem, Problems, Source},
    time::Wall,
};

/// Former texts that are kept; then the oldest goes.
pub const KEPT_MAX: usize = 50;

/// The file, as it was read.
#[derive(Debug)]
pub struct Sheet {
    path: PathBuf,
    /// Its text.
    pub text: String,
    /// SHA-256 of it, in hex.
    pub base: String,
    /// What it says.
    pub config: Config,
    /// The same, with the words in between.
    pub file: DocumentMut,
}

/// A new text, on the disk beside the file and not yet in its place. Gone again where it is dropped.
#[derive(Debug)]
pub struct Written {
    beside: PathBuf,
    target: PathBuf,
    before: String,
}

/// Why a text is not written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// Somebody else has written it.
    #[error("the file has changed since it was read: read the zones anew, and draw again")]
    Stale,
    /// The system.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Sheet {
    /// Reads it.
    ///
    /// # Errors
    /// Everything that is wrong with it, also that it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Problems> {
        let text = config::text_of(path)?;
        let config = config::parse_as(&text, path)?;
        let base = Source::new(path.to_owned(), &text).sha256;
        let file = text.parse().map_err(|error: TomlError| {
            Problems(vec![Problem {
                file: path.display().to_string(),
                line: 1,
                column: 1,
                what: "this cannot be changed here".to_owned(),
                why: error.message().to_owned(),
                mend: "change the file by hand".to_owned(),
            }])
        })?;
        Ok(Self { path: path.to_owned(), text, base, config, file })
    }

    /// What another text in this file would say.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(&self, text: &str) -> Result<Config, Problems> {
        config::parse_as(text, &self.path)
    }

    /// Hours that rules may name.
    pub fn hours(&self) -> Vec<String> {
        keys(self.file.get("hours"))
    }

    /// Why it cannot be written, as far as that can be known before; `None` where it can.
    pub fn locked(&self) -> Option<String> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = target.parent().unwrap_or(Path::new("/"));
        let name = target.display();
        let mode = fs::metadata(&target).map(|it| it.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o222 == 0) {
            return Some(format!("{name} is marked read-only: chmod u+w it to draw here"));
        }
        if access(&target, Access::WRITE_OK).is_err() {
            return Some(format!(
                "{name} may not be written by the daemon's user: let it own the file to draw here"
            ));
        }
        if access(folder, Access::WRITE_OK).is_err() {
            let folder = folder.display();
            return Some(format!(
                "{folder} may not be written by the daemon's user, and a new file is put there first: let it write there to draw here"
            ));
        }
        None
    }

    /// Writes another text beside it, of the same mode and owner, and sees that it is on the disk.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn write(&self, text: &str) -> Result<Written, NotWritten> {
        // A link stays one: what it leads to is replaced.
        let target = fs::canonicalize(&self.path).map_err(|source| failed(&self.path, source))?;
        let name = target.file_name().and_then(|name| name.to_str()).unwrap_or("cunkou.toml");
        let beside = target.with_file_name(format!(".{name}.new"));
        let written = Written { beside, target, before: self.base.clone() };
        let (beside, target) = (&written.beside, &written.target);
        let write = || -> io::Result<()> {
            let old = fs::metadata(target)?;
            // What a kill left.
            let _ = fs::remove_file(beside);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
            file.write_all(text.as_bytes())?;
            // Who may not give files away keeps them for himself, as an editor would.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(fs::Permissions::from_mode(old.permissions().mode() & 0o7777))?;
            file.sync_all()
        };
        write().map_err(|source| failed(beside, source))?;
        Ok(written)
    }
}

impl Written {
    /// Puts it in the file's place, unless that was changed meanwhile. When this returns it is there whatever happens.
    ///
    /// # Errors
    /// The file was changed, or the system refuses.
    pub fn put(self) -> Result<(), NotWritten> {
        let now =
            config::text_of(&self.target).ok().map(|text| Source::new(self.target.clone(), &text).sha256);
        if now.as_deref() != Some(self.before.as_str()) {
            return Err(NotWritten::Stale);
        }
        let put = fs::rename(&self.beside, &self.target).and_then(|()| {
            let folder = self.target.parent().unwrap_or(Path::new("/"));
            File::open(folder)?.sync_all()
        });
        put.map_err(|source| failed(&self.target, source))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Nothing is there any more where it was put in its place.
        let _ = fs::remove_file(&self.beside);
    }
}

/// Keeps a former text in a folder of its own, for nobody else on this machine, since a configuration may have passwords in it.
///
/// # Errors
/// The disk does not take it.
pub fn keep(folder: &Path, now: Wall, text: &str, base: &str) -> Result<(), NotWritten> {
    let at = now.timestamp().strftime("%Y%m%dT%H%M%S");
    let short = base.get(..12).unwrap_or(base);
    let path = folder.join(format!("{at}.{:03}Z-{short}.toml", now.unix_ms().rem_euclid(1000)));
    let keep = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()?;
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut names: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        names.retain(|name| name.extension().is_some_and(|ending| ending == "toml"));
        names.sort();
        let over = names.len().saturating_sub(KEPT_MAX);
        names.into_iter().take(over).try_for_each(fs::remove_file)
    };
    keep().map_err(|source| failed(&path, source))
}

fn failed(path: &Path, source: io::Error) -> NotWritten {
    NotWritten::Disk { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(folder: &Path) -> (PathBuf, Sheet) {
        let path = folder.join("cunkou.toml");
        fs::write(&path, config::demo_toml()).expect("writes");
        let sheet = Sheet::read(&path).unwrap_or_else(|problems| panic!("{problems}"));
        (path, sheet)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        let mut names: Vec<String> =
            entries.map(|it| it.expect("reads").file_name().into_string().expect("a name")).collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_text_takes_the_place_of_the_old_one_with_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, sheet) = sheet(folder.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changes");
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink(&path, &link).expect("links");
        let linked = Sheet::read(&link).expect("it is the same");
        assert_eq!((linked.base.as_str(), linked.locked()), (sheet.base.as_str(), None));
        let text = format!("{}# more\n", sheet.text);
        linked.write(&text).expect("writes").put().expect("nobody else writes");
        assert_eq!(fs::read_to_string(&path).expect("reads"), text);
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
        assert_eq!(names(folder.path()), ["cunkou.toml", "link.toml"]);
    }

    #[test]
    fn a_file_that_was_changed_meanwhile_is_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, sheet) = sheet(folder.path());
        let written = sheet.write("# mine\n").expect("writes");
        fs::write(&path, "# theirs\n").expect("writes");
        assert!(matches!(written.put(), Err(NotWritten::Stale)));
        assert_eq!(fs::read_to_string(&path).expect("reads"), "# theirs\n");
        assert_eq!(names(folder.path()), ["cunkou.toml"], "nothing is left beside it");
    }

    #[test]
    fn what_is_marked_read_only_is_locked() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, sheet) = sheet(folder.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("changes");
        assert!(sheet.locked().expect("it is locked").contains("read-only"));
    }

    #[test]
    fn the_newest_former_texts_are_kept_for_nobody_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let history = folder.path().join("history");
        for i in 0..(KEPT_MAX as i64 + 3) {
            let now = Wall::from_unix_ms(1_773_057_600_000 + i);
            keep(&history, now, &format!("# {i}\n"), "0123456789abcdef").expect("keeps");
        }
        let names = names(&history);
        assert_eq!(names.len(), KEPT_MAX);
        assert_eq!(names[0], "20260309T120000.003Z-0123456789ab.toml");
        let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode(&history), mode(&history.join(&names[0]))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(history.join(&names[49])).expect("reads"), "# 52\n");
    }
}
