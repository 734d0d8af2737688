//! From a time of a camera to a film of it.
//!
//! Owns which files a film is made of: segments on record, and the one that is being written. Cutting is [`crate::record::mp4`]'s.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Catalog, ReadError, Recorded};
use crate::{
    id::{CameraId, VolumeId},
    record::{
        Film,
        mp4::{self, CutError, Scanned, Source},
    },
    store::Refused,
    time::Wall,
};

/// Longest film.
pub const FILM_MAX: Duration = Duration::from_secs(2 * 3600);

/// Why there is no film.
#[derive(Debug, thiserror::Error)]
pub enum NoFilm {
    /// Nothing was recorded then; the gap ledger says why.
    #[error("{camera}: there is no recording from {from} to {to}; its time line says why")]
    Nothing {
        /// Of which camera.
        camera: CameraId,
        /// As asked.
        from: Wall,
        /// As asked.
        to: Wall,
    },
    /// It would be longer than [`FILM_MAX`].
    #[error("a film is at most {} hours long: ask for it in parts", FILM_MAX.as_secs() / 3600)]
    TooLong,
    /// The store.
    #[error(transparent)]
    Store(#[from] Refused),
    /// A file.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

impl Catalog {
    /// A film of `from..to`, from the key frame at or before its begin on. Where the camera changed its coding it ends there, and where there are gaps the
    /// picture stands still for so long.
    ///
    /// # Errors
    /// See [`NoFilm`].
    pub async fn film(&self, camera: &CameraId, from: Wall, to: Wall) -> Result<Film, NoFilm> {
        if to.us_since(from) > FILM_MAX.as_micros() as i64 {
            return Err(NoFilm::TooLong);
        }
        let page = self.segments(camera, from, to).await?;
        let mut files = Vec::with_capacity(page.segments.len());
        for segment in &page.segments {
            let file = self.file(segment);
            files.push(file.ok_or_else(|| ReadError::NoVolume(segment.volume.clone()))?);
        }
        let newest = self.segment_before(camera, to).await?;
        let folders: Vec<(VolumeId, PathBuf)> = self.volumes().map(|(id, path)| (id.clone(), path.clone())).collect();
        let camera = camera.clone();
        let made = tokio::task::spawn_blocking(move || {
            files.extend(unlisted(&folders, &camera, newest.as_ref(), to));
            cut(files, &camera, from, to)
        });
        made.await.map_err(|panic| ReadError::Unreadable { path: PathBuf::new(), why: panic.to_string() })?
    }
}

fn cut(paths: Vec<PathBuf>, camera: &CameraId, from: Wall, to: Wall) -> Result<Film, NoFilm> {
    let unreadable =
        |path: &Path, why: String| NoFilm::from(ReadError::Unreadable { path: path.to_owned(), why });
    let mut opened: Vec<(File, Scanned)> = Vec::with_capacity(paths.len());
    for path in &paths {
        let mut file = File::open(path).map_err(|why| unreadable(path, why.to_string()))?;
        let scanned = mp4::scan(&mut file).map_err(|why| unreadable(path, why.to_string()))?;
        opened.push((file, scanned));
    }
    let mut sources: Vec<Source<'_, File>> =
        opened.iter_mut().map(|(file, scanned)| Source { scanned, file }).collect();
    match mp4::plan(&mut sources, from, to) {
        Ok(cut) => Ok(Film { cut, files: paths }),
        Err(CutError::Nothing { .. }) => Err(NoFilm::Nothing { camera: camera.clone(), from, to }),
        Err(CutError::Segment { segment, error }) => Err(unreadable(&paths[segment], error.to_string())),
    }
}

/// What a camera records just now, or has recorded so lately that it is not on record yet: files of the last day whose names come after that of the newest
/// segment on record. What has nothing whole in it yet is passed over.
fn unlisted(
    folders: &[(VolumeId, PathBuf)],
    camera: &CameraId,
    newest: Option<&Recorded>,
    to: Wall,
) -> Vec<PathBuf> {
    let today = jiff::tz::Offset::UTC.to_datetime(to.timestamp()).date();
    let days = [today.yesterday().unwrap_or(today), today];
    let mut found = Vec::new();
    for (volume, folder) in folders {
        let known = newest.filter(|newest| newest.volume == *volume).map(|newest| newest.path.as_path());
        for day in days {
            let below = Path::new(camera.as_str()).join(day.to_string());
            let Ok(entries) = std::fs::read_dir(folder.join(&below)) else { continue };
            let names = entries.filter_map(|entry| Some(below.join(entry.ok()?.file_name())));
            let recordings = names.filter(|path| path.extension().is_some_and(|ending| ending == "mp4"));
            found.extend(recordings.filter(|path| known.is_none_or(|known| **path > *known)).map(|path| folder.join(path)));
        }
    }
    found.retain(|path| {
        let scanned = File::open(path).ok().and_then(|mut file| mp4::scan(&mut file).ok());
        scanned.is_some_and(|scanned| !scanned.fragments.is_empty())
    });
    // By day and time, which is what the last two names say.
    found.sort_by_cached_key(|path| path.iter().rev().take(2).map(ToOwned::to_owned).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>());
    found
}
