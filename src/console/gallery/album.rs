//! The last picture of each camera, on the disk.
//!
//! Owns the folder `{data}/pictures`: `CAMERA.MASKS.jpg`, of which `MASKS` says with which masks it was made. A picture that was made with others than
//! the configuration has now, or of a camera that is not in it any more, is deleted: it may show what nobody may see. When a picture was taken is the
//! time of its file.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use super::Print;
use crate::{geometry::Polygon, id::CameraId, time::Wall};

/// Longest file that is read: nothing that was written here comes near it.
const BYTES_MAX: u64 = 1 << 20;

/// Where the pictures lie. All of its acts block.
#[derive(Debug)]
pub(super) struct Album {
    folder: PathBuf,
}

/// The name of a camera's picture that is made with these masks.
pub(super) fn name(camera: &CameraId, masks: &[Polygon]) -> String {
    let mut hash = Sha256::new();
    for mask in masks {
        for corner in mask.corners() {
            hash.update(corner.x.to_le_bytes());
            hash.update(corner.y.to_le_bytes());
        }
        hash.update([0xff]);
    }
    let mark: String = hash.finalize()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{camera}.{mark}.jpg")
}

impl Album {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes the folder where there is none. Says when the pictures of these names were taken, and deletes all others.
    pub(super) fn open(&self, names: &[String]) -> io::Result<BTreeMap<String, Wall>> {
        // Photographs of people are for nobody else on this machine.
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let known = entry.file_name().into_string().ok().filter(|name| names.contains(name));
            match (known, entry.metadata()?.modified()) {
                (Some(name), Ok(at)) => drop(found.insert(name, wall(at))),
                _ => fs::remove_file(entry.path())?,
            }
        }
        Ok(found)
    }

    /// The picture is there whole, or as it was before.
    pub(super) fn put(&self, name: &str, print: &Print) -> io::Result<()> {
        let (at, half) = (self.folder.join(name), self.folder.join(format!("{name}.part")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(&print.jpeg)?;
        file.set_modified(system(print.taken))?;
        fs::rename(half, at)
    }

    /// `None` where there is none.
    pub(super) fn get(&self, name: &str) -> io::Result<Option<Print>> {
        let file = match File::open(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let taken = wall(file.metadata()?.modified()?);
        let mut jpeg = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut jpeg)?;
        Ok(Some(Print { taken, jpeg: jpeg.into() }))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn wall(at: SystemTime) -> Wall {
    let us = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => Wall::from_unix_us(us(since)),
        Err(before) => Wall::from_unix_us(-us(before.duration())),
    }
}

fn system(at: Wall) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.unix_us()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::UnitPoint;

    fn mask(x: f32) -> Polygon {
        let corners = [(0.0, 0.0), (x, 0.0), (x, 0.5)].map(|(x, y)| UnitPoint::new(x, y));
        Polygon::new(corners.to_vec()).expect("a triangle")
    }

    #[test]
    fn pictures_survive_with_their_time_and_those_with_other_masks_do_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let album = Album::new(dir.path().join("pictures"));
        let [gate, gone]: [CameraId; 2] = ["gate", "gone"].map(|id| id.parse().expect("an id"));
        let names = [name(&gate, &[]), name(&gate, &[mask(0.5)]), name(&gone, &[])];
        assert!(names[0] != names[1] && name(&gate, &[mask(0.5)]) != name(&gate, &[mask(0.6)]));
        assert_eq!(album.open(&names).expect("it opens"), BTreeMap::new());
        let print = Print { taken: Wall::from_unix_us(1_773_079_445_123_456), jpeg: vec![1, 2, 3].into() };
        for name in &names {
            album.put(name, &print).expect("writable");
        }
        fs::write(dir.path().join("pictures/gate.1.jpg.part"), "half").expect("writable");
        let now = [name(&gate, &[mask(0.5)])];
        let found = album.open(&now).expect("it opens");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(now[0].clone(), print.taken)]);
        assert_eq!(fs::read_dir(album.folder()).expect("readable").count(), 1);
        assert_eq!(album.get(&now[0]).expect("readable"), Some(print));
        album.remove(&now[0]).expect("removable");
        album.remove(&now[0]).expect("it is gone");
        assert_eq!(album.get(&now[0]).expect("readable"), None);
    }
}
