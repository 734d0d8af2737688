//! The files of the seen log, as they are written.
//!
//! Owns where they lie, which are open, and that each begins with what was in force. Blocks: it belongs on a thread where that costs nothing. When to
//! sync, and what to do while a disk is full, is for whoever calls.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::{civil::Date, tz::TimeZone};

use super::{InForce, Record, file::TooLong, frame};
use crate::{id::CameraId, time::Wall};

/// Files that are open at most; the one that was used longest ago is closed for another.
pub const HANDLES_MAX: usize = 128;

/// Name of a file in its day's folder.
const NAME: &str = "seen.log";

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// The disk, or the system.
    #[error("{path} cannot be written: {source}")]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It would never fit.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Nobody said where the camera's log lies.
    #[error("the configuration has no camera {0}")]
    Stranger(CameraId),
}

impl SeenError {
    /// Whether another attempt may go better.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Disk { .. })
    }
}

/// The day of a moment, in UTC.
pub fn day_of(at: Wall) -> Date {
    TimeZone::UTC.to_datetime(at.timestamp()).date()
}

/// Where a camera's log of a day lies, in the folder of its volume.
pub fn path_of(volume: &Path, camera: &CameraId, day: Date) -> PathBuf {
    volume.join(camera.as_str()).join(day.to_string()).join(NAME)
}

/// Appends records to the files of all cameras.
#[derive(Debug)]
pub struct Writer {
    cameras: BTreeMap<CameraId, Place>,
    /// The one that was used last is last.
    open: Vec<Handle>,
}

#[derive(Debug)]
struct Place {
    volume: PathBuf,
    in_force: InForce,
    /// The days of which the files know what is in force: around midnight, there are two.
    told: [Option<Date>; 2],
}

#[derive(Debug)]
struct Handle {
    camera: CameraId,
    day: Date,
    path: PathBuf,
    file: File,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Synced,
    Unsynced,
}

impl Writer {
    /// For these cameras: the folder of each one's volume, and what it is judged by.
    pub fn new(cameras: impl IntoIterator<Item = (PathBuf, InForce)>) -> Self {
        let place = |(volume, in_force): (PathBuf, InForce)| {
            (in_force.camera.clone(), Place { volume, in_force, told: [None; 2] })
        };
        Self { cameras: cameras.into_iter().map(place).collect(), open: Vec::new() }
    }

    /// Appends a record to its camera's file of the day on which it became known. The bytes are with the system then, not on the disk:
    /// see [`Self::sync`]. What is in force is written with what follows it.
    ///
    /// # Errors
    /// Nothing of the record was written, or as much as could not be taken back.
    pub fn write(&mut self, record: &Record) -> Result<(), SeenError> {
        let (camera, at) = match record {
            Record::Passed(passed) => (&passed.clip.camera, passed.clip.to),
            Record::Raised(raised) => (&raised.camera, raised.alert.raised_at()),
            Record::InForce(in_force) => {
                self.judge_by(in_force);
                return Ok(());
            }
        };
        let framed = frame(record)?;
        let day = day_of(at);
        let mut handle = self.take(camera, day)?;
        let place = self.cameras.get_mut(camera).expect("its file is open");
        let mut written = Ok(());
        if !place.told.contains(&Some(day)) {
            let in_force = frame(&Record::InForce(place.in_force.clone()))?;
            written = handle.append(&in_force);
            if written.is_ok() {
                place.told = [Some(day), place.told[0]];
            }
        }
        let written = written.and_then(|()| handle.append(&framed));
        match written {
            Ok(()) => {
                self.open.push(handle);
                Ok(())
            }
            Err(source) => Err(SeenError::Disk { path: handle.path, source }),
        }
    }

    /// What is in force from here on goes before the next record of its camera, in whichever file that is.
    fn judge_by(&mut self, in_force: &InForce) {
        if let Some(place) = self.cameras.get_mut(&in_force.camera) {
            place.in_force = in_force.clone();
            place.told = [None; 2];
        }
    }

    /// Makes durable what was written. Says every file that could not be.
    pub fn sync(&mut self) -> Vec<SeenError> {
        let mut failed = Vec::new();
        self.open.retain_mut(|handle| match handle.sync() {
            Ok(()) => true,
            Err(source) => {
                failed.push(SeenError::Disk { path: handle.path.clone(), source });
                false
            }
        });
        failed
    }

    /// Takes a file out of the open ones, or opens it.
    fn take(&mut self, camera: &CameraId, day: Date) -> Result<Handle, SeenError> {
        let place = self.cameras.get(camera).ok_or_else(|| SeenError::Stranger(camera.clone()))?;
        if let Some(i) = self.open.iter().position(|handle| handle.day == day && handle.camera == *camera) {
            return Ok(self.open.remove(i));
        }
        if self.open.len() >= HANDLES_MAX {
            let mut oldest = self.open.remove(0);
            oldest.sync().map_err(|source| SeenError::Disk { path: oldest.path, source })?;
        }
        let path = path_of(&place.volume, camera, day);
        let opened = open(&path);
        match opened {
            Ok(file) => Ok(Handle { camera: camera.clone(), day, path, file, state: State::Synced }),
            Err(source) => Err(SeenError::Disk { path, source }),
        }
    }
}

impl Handle {
    fn append(&mut self, framed: &[u8]) -> io::Result<()> {
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(framed);
        self.state = State::Unsynced;
        if written.is_err() {
            // A torn frame costs a reader nothing but itself; where it cannot be taken back, it stays.
            let _ = self.file.set_len(before);
        }
        written
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.state == State::Unsynced {
            self.file.sync_data()?;
            self.state = State::Synced;
        }
        Ok(())
    }
}

/// Where people went is for nobody else on this machine.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}
