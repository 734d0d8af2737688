//! From a time of a camera to a film of it.
//!
//! Owns which files a film is made of: segments on record, and the one that is being written. Cutting is [`crate::record::mp4`]'s.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Catalog, Film, ReadError, Recorded, Reel};
use crate::{
    camera::AccessUnit,
    config::StreamRole,
    id::{CameraId, VolumeId},
    record::mp4::{self, CutError, NoPlayback, Scanned, Source, Span},
    store::Refused,
    time::{MediaTime, Mono, Now, Wall},
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
    /// It is coded in a way that browsers do not play piece by piece.
    #[error("{camera}: {}", NoPlayback::NotPlayable)]
    NotPlayable {
        /// Of which camera.
        camera: CameraId,
    },
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
        let files = self.files(camera, from, to).await?;
        let camera = camera.clone();
        blocking(move || cut(files, &camera, from, to)).await
    }

    /// A stream of `from..to` for browsers, from the key frame at or before its begin on.
    ///
    /// # Errors
    /// See [`NoFilm`].
    pub async fn reel(&self, camera: &CameraId, from: Wall, to: Wall) -> Result<Reel, NoFilm> {
        let files = self.files(camera, from, to).await?;
        let camera = camera.clone();
        blocking(move || reel(files, &camera, from, to)).await
    }

    /// Key pictures spread over `from..to`, in order, `count` at most; fewer where there are no more.
    ///
    /// # Errors
    /// See [`NoFilm`].
    pub async fn key_units(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
        count: usize,
    ) -> Result<Vec<AccessUnit>, NoFilm> {
        let files = self.files(camera, from, to).await?;
        let camera = camera.clone();
        blocking(move || {
            let mut opened = open(&files)?;
            let units = key_units(&mut opened, from, to, count);
            if units.is_empty() { Err(NoFilm::Nothing { camera, from, to }) } else { Ok(units) }
        })
        .await
    }

    /// The files that show a moment of `from..to`, in order.
    async fn files(&self, camera: &CameraId, from: Wall, to: Wall) -> Result<Vec<PathBuf>, NoFilm> {
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
        let folders: Vec<(VolumeId, PathBuf)> =
            self.volumes().map(|(id, path)| (id.clone(), path.clone())).collect();
        let camera = camera.clone();
        let unlisted = blocking(move || Ok(unlisted(&folders, &camera, newest.as_ref(), to))).await?;
        files.extend(unlisted);
        Ok(files)
    }
}

/// Reads files beside the tasks that must not wait.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, NoFilm> + Send + 'static,
) -> Result<T, NoFilm> {
    let done = tokio::task::spawn_blocking(read).await;
    done.map_err(|panic| ReadError::Unreadable { path: PathBuf::new(), why: panic.to_string() })?
}

fn open(paths: &[PathBuf]) -> Result<Vec<(File, Scanned)>, NoFilm> {
    let opened = paths.iter().map(|path| {
        let file = File::open(path).map_err(|why| unreadable(path, why.to_string()));
        let mut file = file?;
        let scanned = mp4::scan(&mut file).map_err(|why| unreadable(path, why.to_string()))?;
        Ok((file, scanned))
    });
    opened.collect()
}

fn unreadable(path: &Path, why: String) -> NoFilm {
    ReadError::Unreadable { path: path.to_owned(), why }.into()
}

/// What cannot be read of it is left out: a sheet with one picture less is better than none.
fn key_units(opened: &mut [(File, Scanned)], from: Wall, to: Wall, count: usize) -> Vec<AccessUnit> {
    let keys = opened.iter().enumerate().flat_map(|(place, (_, scanned))| {
        let keys = scanned.fragments.iter().filter(|span| span.is_key && span.from < to);
        keys.map(move |span| (place, *span))
    });
    let keys: Vec<(usize, Span)> = keys.collect();
    // The last one at or before the begin shows it, too.
    let first = keys.iter().rposition(|(_, span)| span.from <= from).unwrap_or(0);
    let keys = &keys[first.min(keys.len())..];
    let count = count.min(keys.len());
    let chosen = (0..count).map(|number| &keys[number * keys.len() / count]);
    chosen.filter_map(|(place, span)| key_unit(&mut opened[*place], span)).collect()
}

fn key_unit((file, scanned): &mut (File, Scanned), span: &Span) -> Option<AccessUnit> {
    let sample =
        *mp4::samples(file, &scanned.tracks, span).ok()?.video.first().filter(|sample| sample.is_key)?;
    let mut bytes = Vec::with_capacity(sample.len as usize);
    file.seek(SeekFrom::Start(sample.offset)).ok()?;
    file.take(sample.len.into()).read_to_end(&mut bytes).ok()?;
    let (codec, data) = scanned.tracks.access_unit(&bytes, true)?;
    Some(AccessUnit {
        role: scanned.facts.as_ref().map_or(StreamRole::Main, |facts| facts.role),
        codec,
        data: data.into(),
        is_key: true,
        media: MediaTime::from_ms(0),
        camera_clock: None,
        arrived: Now { mono: Mono::default(), wall: span.from },
        packets_lost: 0,
    })
}

fn cut(paths: Vec<PathBuf>, camera: &CameraId, from: Wall, to: Wall) -> Result<Film, NoFilm> {
    let mut opened = open(&paths)?;
    let mut sources: Vec<Source<'_, File>> =
        opened.iter_mut().map(|(file, scanned)| Source { scanned, file }).collect();
    match mp4::plan(&mut sources, from, to) {
        Ok(cut) => Ok(Film { cut, files: paths }),
        Err(error) => Err(no_film(error, &paths, camera)),
    }
}

fn reel(paths: Vec<PathBuf>, camera: &CameraId, from: Wall, to: Wall) -> Result<Reel, NoFilm> {
    let mut opened = open(&paths)?;
    let mut sources: Vec<Source<'_, File>> =
        opened.iter_mut().map(|(file, scanned)| Source { scanned, file }).collect();
    match mp4::playback(&mut sources, from, to) {
        Ok(playback) => Ok(Reel { playback, files: paths }),
        Err(NoPlayback::Cut(error)) => Err(no_film(error, &paths, camera)),
        Err(NoPlayback::NotPlayable) => Err(NoFilm::NotPlayable { camera: camera.clone() }),
    }
}

fn no_film(error: CutError, paths: &[PathBuf], camera: &CameraId) -> NoFilm {
    match error {
        CutError::Nothing { from, to } => NoFilm::Nothing { camera: camera.clone(), from, to },
        CutError::Segment { segment, error } => unreadable(&paths[segment], error.to_string()),
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
            found.extend(
                recordings
                    .filter(|path| known.is_none_or(|known| **path > *known))
                    .map(|path| folder.join(path)),
            );
        }
    }
    found.retain(|path| {
        let scanned = File::open(path).ok().and_then(|mut file| mp4::scan(&mut file).ok());
        scanned.is_some_and(|scanned| !scanned.fragments.is_empty())
    });
    // By day and time, which is what the last two names say.
    found.sort_by_cached_key(|path| {
        path.iter()
            .rev()
            .take(2)
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    });
    found
}
