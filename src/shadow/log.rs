//! What was kept of a camera, read back for a trial.
//!
//! Owns which files are read, in which order, and how much of them is held at once.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::{
    id::CameraId,
    record::seen::{Damage, Record, Records, day_of},
    time::Wall,
};

/// What was read of one camera.
#[derive(Debug, Default)]
pub struct Log {
    /// Files.
    pub files: u64,
    /// Passages, and pieces of them.
    pub passages: u64,
    /// Looks in them.
    pub looks: u64,
    /// Parts that are damaged, and were passed over.
    pub damaged: Vec<(PathBuf, Damage)>,
    /// When the first passage began.
    pub from: Option<Wall>,
    /// When the last one ended.
    pub to: Option<Wall>,
    /// Passages at the begin that were left out, since there were too many looks.
    pub left_out: u64,
}

/// A log that is there cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct LogError {
    path: PathBuf,
    source: io::Error,
}

impl Log {
    /// Everything that was kept of a camera in these folders since the day of `since`, in order of days. Of more than `looks_max` looks, the newest. Blocks.
    ///
    /// # Errors
    /// A folder or file is there and cannot be read.
    pub fn read(
        &mut self,
        volumes: &[&Path],
        camera: &CameraId,
        since: Wall,
        looks_max: usize,
    ) -> Result<Vec<Record>, LogError> {
        let mut held = 0;
        let mut kept = VecDeque::new();
        for path in files(volumes, camera, day_of(since))? {
            let records = match Records::open(&path) {
                Ok(records) => records,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(LogError { path, source }),
            };
            self.files += 1;
            for record in records {
                match record {
                    Ok(record) => {
                        held += looks(&record);
                        kept.push_back(record);
                    }
                    Err(damage) => self.damaged.push((path.clone(), damage)),
                }
                while held > looks_max {
                    let Some(gone) = kept.pop_front() else { break };
                    held -= looks(&gone);
                    self.left_out += u64::from(matches!(gone, Record::Passed(_)));
                }
            }
        }
        kept.iter().for_each(|record| self.count(record));
        Ok(kept.into())
    }

    /// Bytes that are damaged.
    pub fn lost_bytes(&self) -> u64 {
        self.damaged.iter().map(|(_, damage)| damage.len).sum()
    }

    fn count(&mut self, record: &Record) {
        let Record::Passed(passed) = record else { return };
        self.passages += 1;
        self.looks += looks(record) as u64;
        self.from = Some(self.from.map_or(passed.clip.from, |from| from.min(passed.clip.from)));
        self.to = Some(self.to.map_or(passed.clip.to, |to| to.max(passed.clip.to)));
    }
}

/// The logs of a camera from a day on, oldest first.
fn files(volumes: &[&Path], camera: &CameraId, first: Date) -> Result<Vec<PathBuf>, LogError> {
    let mut files: Vec<(Date, PathBuf)> = Vec::new();
    for volume in volumes {
        let folder = volume.join(camera.as_str());
        let failed = |source| LogError { path: folder.clone(), source };
        let days = match std::fs::read_dir(&folder) {
            Ok(days) => days,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(failed(source)),
        };
        for entry in days {
            let entry = entry.map_err(failed)?;
            let day = entry.file_name().to_str().and_then(|name| name.parse::<Date>().ok());
            if let Some(day) = day.filter(|day| *day >= first) {
                files.push((day, entry.path().join("seen.log")));
            }
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn looks(record: &Record) -> usize {
    match record {
        Record::Passed(passed) => passed.path.iter().map(|leg| leg.looks.len()).sum(),
        Record::InForce(_) | Record::Raised(_) => 0,
    }
}
