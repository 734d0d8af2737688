//! What a kill has left undone, as the next start will do it.
//!
//! Owns telling it apart from what is wrong. Looks with the eyes of the recovery, and changes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use super::{
    Catalog, Recovery,
    deletion::Deletion,
    keys::{self, Stage},
    recovery::{DAMAGED_NAME, Outcome},
};
use crate::{config::Config, id::CameraId, store::Refused, time::Wall};

/// Something that a kill has left undone. The next start does it: nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// A recording that was not closed, or not put on record.
    Recording {
        /// Its file.
        path: PathBuf,
        /// What it shows, up to its last whole fragment.
        from: Wall,
        /// See `from`.
        to: Wall,
    },
    /// A file without a whole fragment, which is moved away.
    Scrap {
        /// It.
        path: PathBuf,
    },
    /// A recording whose deletion is on record, and not done.
    Deletion {
        /// Its file, which may be gone.
        path: PathBuf,
    },
}

impl Left {
    /// Its name for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Recording { .. } => "recording",
            Self::Scrap { .. } => "scrap",
            Self::Deletion { .. } => "deletion",
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Recording { path, .. } | Self::Scrap { path } | Self::Deletion { path } => path,
        }
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        match self {
            Self::Recording { from, to, .. } => {
                write!(
                    f,
                    "{path}: was being recorded when the program was killed; the next start puts {from} to {to} on record"
                )
            }
            Self::Scrap { .. } => {
                write!(
                    f,
                    "{path}: had been begun when the program was killed, and holds nothing yet; the next start moves it to the folder {DAMAGED_NAME}"
                )
            }
            Self::Deletion { .. } => {
                write!(f, "{path}: was being deleted when the program was killed; the next start finishes it")
            }
        }
    }
}

/// All that was left.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    pub(super) all: Vec<Left>,
    paths: BTreeSet<PathBuf>,
    recorded: BTreeMap<CameraId, Vec<(Wall, Wall)>>,
}

impl Leftovers {
    /// Looks for it. What the next start would not take on is not among it.
    pub(super) async fn look(catalog: &Catalog, config: &Config, now: Wall) -> Result<Self, Refused> {
        let mut left = Self::default();
        let mut range = keys::deletions(Stage::UnderWay);
        loop {
            let pairs = catalog.step(&mut range).await?;
            if pairs.is_empty() {
                break;
            }
            let under_way = pairs.iter().filter_map(|(key, value)| Deletion::read_under_way(key, value));
            for (_, place) in under_way {
                left.add(catalog.path_of(&place.volume, &place.path).map(|path| Left::Deletion { path }));
            }
        }
        for (camera, path, outcome) in Recovery::look(catalog, config, now).await?.foreseen().await {
            let found = match outcome {
                Outcome::Segment(segment) => {
                    left.recorded.entry(camera).or_default().push((segment.from, segment.to));
                    Some(Left::Recording { path, from: segment.from, to: segment.to })
                }
                Outcome::Damaged => Some(Left::Scrap { path }),
                Outcome::Cut | Outcome::Foreign => None,
            };
            left.add(found);
        }
        Ok(left)
    }

    fn add(&mut self, left: Option<Left>) {
        self.paths.extend(left.iter().map(|left| left.path().to_owned()));
        self.all.extend(left);
    }

    /// Whether it is explained by what was left why a file is there, or not there.
    pub(super) fn explains(&self, path: &Path) -> bool {
        self.paths.contains(path)
    }

    /// Which times of a camera will be on record, oldest first.
    pub(super) fn recorded(&self, camera: &CameraId) -> &[(Wall, Wall)] {
        self.recorded.get(camera).map_or(&[], Vec::as_slice)
    }
}
