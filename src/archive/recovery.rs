//! What a start finds: files of which nothing is on record, since the last run was killed.
//!
//! ```text
//! look (before anything is recorded): names and lengths alone ─▶ run (beside the recording): scan, cut, hash ─▶ archivist
//! ```
//! Looks into the folders of days since a camera's newest entry alone: there are millions of files. What is found then is read whole, since its hashes are
//! wanted; that takes as long as the disk takes, and nobody waits for it. Owns which files are looked at and what becomes of each. That every file is on record,
//! or the other way round, is proven by `cunkou check --store`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::{
    Archive, Catalog, Entry, SLACK, Sender, days,
    file::{Whole, examine},
    head::Recorded,
};
use crate::{
    config::Config,
    id::{CameraId, VolumeId},
    record::{Gap, GapCause, Segment, mp4::ScanError},
    store::Refused,
    time::Wall,
};

/// Folder of a volume for files of which nothing can be used.
pub(super) const DAMAGED_NAME: &str = "damaged";
/// A segment lies in the folder of the day on which it began, and the newest on record may not be the newest that was begun.
const LOOK_BACK: Duration = Duration::from_secs(3600 + 600);
/// How often the log says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What was found.
#[derive(Debug)]
pub struct Recovery {
    started: Wall,
    cameras: BTreeMap<CameraId, Found>,
}

/// Of one camera.
#[derive(Debug, Default)]
struct Found {
    /// The last moment of which anything is on record.
    end: Option<Wall>,
    /// The newest gap on record.
    gap: Option<Gap>,
    is_configured: bool,
    loose: Vec<Loose>,
    /// On record, and not there.
    gone: Vec<Recorded>,
}

/// A file that is not as it is on record.
#[derive(Debug)]
struct Loose {
    volume: VolumeId,
    folder: PathBuf,
    /// Below `folder`.
    path: PathBuf,
    len: u64,
    known: Option<Recorded>,
}

/// What becomes of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is a segment.
    Segment(Segment),
    /// Its tail was cut off; what is on record holds.
    Cut,
    /// Nothing of it can be used, and it was moved away.
    Damaged,
    /// It says that it is another camera's; it stays where it is.
    Foreign,
}

impl Recovery {
    /// Compares names and lengths with what is on record. To be called before anything is recorded.
    pub async fn look(catalog: &Catalog, config: &Config, started: Wall) -> Result<Self, Refused> {
        let mut ids: BTreeSet<CameraId> = catalog.cameras().await?.into_iter().collect();
        for volume in &config.volumes {
            let folder = volume.path.clone();
            ids.extend(spawn_blocking(move || days::cameras_in(&folder)).await.unwrap_or_default());
        }
        // That is no camera's.
        ids.retain(|id| id.as_str() != DAMAGED_NAME);
        let mut cameras = BTreeMap::new();
        for id in ids {
            let newest = catalog.segment_before(&id, Wall::from_unix_us(i64::MAX)).await?;
            let told = catalog.gap_before(&id, Wall::from_unix_us(i64::MAX)).await?;
            let since = newest.as_ref().map(|segment| back(segment.from));
            let end = newest.map(|segment| segment.to).max(told.as_ref().map(|gap| gap.to));
            // All whose files may lie in the folders that are looked at.
            let day = since.and_then(|since| days::begin_of(days::day_of(since)));
            let known = match day {
                Some(day) => catalog.heads_since(&id, back(day)).await?,
                None => Vec::new(),
            };
            let volumes: Vec<(VolumeId, PathBuf)> =
                config.volumes.iter().map(|volume| (volume.id.clone(), volume.path.clone())).collect();
            let is_configured = config.cameras.iter().any(|camera| camera.id == id);
            let camera = id.clone();
            let found = spawn_blocking(move || compare(&camera, since, known, &volumes)).await;
            let (loose, gone) = found.unwrap_or_default();
            cameras.insert(id, Found { end, gap: told, is_configured, loose, gone });
        }
        Ok(Self { started, cameras })
    }

    /// From when on the recorder has to explain a camera's time: what lies before is explained by the recovery.
    pub fn start_of(&self, camera: &CameraId) -> Wall {
        let end = self.cameras.get(camera).and_then(|found| found.end);
        end.map_or(self.started, |end| end.max(self.started))
    }

    /// Files that will be read.
    pub fn files(&self) -> usize {
        self.cameras.values().map(|found| found.loose.len()).sum()
    }

    /// What [`Self::run`] will make of files of which nothing is on record. Reads them, and changes nothing; what cannot be read is not among it.
    pub(super) async fn foreseen(self) -> Vec<(CameraId, PathBuf, Outcome)> {
        let mut foreseen = Vec::new();
        for (camera, found) in self.cameras {
            for loose in found.loose.into_iter().filter(|loose| loose.known.is_none()) {
                let (path, owner) = (loose.file(), camera.clone());
                let judged = spawn_blocking(move || judge(&owner, &loose)).await;
                if let Ok(Ok(outcome)) = judged {
                    foreseen.push((camera.clone(), path, outcome));
                }
            }
        }
        foreseen
    }

    /// Puts on record what was found, and that nothing was recorded since. Ends early when told to stop: the next start finds the rest.
    pub async fn run(self, archive: Archive, entries: Sender, stop: CancellationToken) {
        let (began, files) = (Instant::now(), self.files());
        let (mut told_at, mut done, mut bytes) = (began, 0usize, 0u64);
        if files > 0 {
            tracing::info!(
                files,
                cameras = self.cameras.len(),
                "files of which nothing is on record are read"
            );
        }
        for (camera, found) in self.cameras {
            let mut end = found.end;
            for gone in found.gone {
                if let Err(refused) = archive.lost(gone).await {
                    tracing::warn!(%camera, %refused, "that a recording is gone could not be put on record; the next start tries again");
                }
            }
            for loose in found.loose {
                if stop.is_cancelled() {
                    tracing::warn!(
                        left = files - done,
                        "not all files could be put on record; the next start goes on"
                    );
                    return;
                }
                let known = loose.known.clone();
                let (file, owner) = (loose.file(), camera.clone());
                let outcome = spawn_blocking(move || recover(&owner, &loose)).await.map_err(io::Error::other);
                done += 1;
                match outcome.map_err(ScanError::from).flatten() {
                    Ok(Outcome::Segment(segment)) => {
                        let before = hole(&camera, end, found.gap.as_ref(), segment.from);
                        end = end.max(Some(segment.to));
                        bytes += segment.bytes;
                        let rest = known.filter(|known| known.to > segment.to).map(|known| Gap {
                            camera: camera.clone(),
                            from: segment.to,
                            to: known.to,
                            cause: GapCause::Missing,
                        });
                        let told =
                            [before.map(Entry::Gap), Some(Entry::Segment(segment)), rest.map(Entry::Gap)];
                        for entry in told.into_iter().flatten() {
                            if entries.send(entry).await.is_err() {
                                return;
                            }
                        }
                    }
                    Ok(Outcome::Cut) => {
                        tracing::warn!(file = %file.display(), "the torn end of a recording was cut off")
                    }
                    Ok(Outcome::Foreign) => {
                        tracing::error!(file = %file.display(), "the file says that it is another camera's: it is left alone, and not on record");
                    }
                    Ok(Outcome::Damaged) => {
                        tracing::warn!(file = %file.display(), "nothing of the file can be used: it was moved to the folder {DAMAGED_NAME} of its volume");
                        if let Some(known) = known
                            && let Err(refused) = archive.lost(known).await
                        {
                            tracing::warn!(%camera, %refused, "that a recording is gone could not be put on record");
                        }
                    }
                    Err(error) => {
                        tracing::error!(file = %file.display(), %error, "the file could not be read; the next start tries again")
                    }
                }
                if told_at.elapsed() >= TELL_EVERY {
                    told_at = Instant::now();
                    tracing::info!(done, files, mb = bytes / 1_000_000, "files are read");
                }
            }
            if let Some(from) = end.filter(|&end| found.is_configured && end < self.started) {
                let gap = Gap { camera, from, to: self.started, cause: GapCause::Stopped };
                if entries.send(Entry::Gap(gap)).await.is_err() {
                    return;
                }
            }
        }
        if files > 0 {
            let took_ms = began.elapsed().as_millis() as u64;
            tracing::info!(files, mb = bytes / 1_000_000, took_ms, "what the last run left is on record");
        }
    }
}

/// Why nothing was recorded between the last that is on record and a recording that was found behind it: the gap that was last told went on until
/// then, or the program was stopped.
fn hole(camera: &CameraId, end: Option<Wall>, gap: Option<&Gap>, to: Wall) -> Option<Gap> {
    let from = end.filter(|&end| to.us_since(end) >= SLACK.as_micros() as i64)?;
    let lasting =
        gap.filter(|gap| gap.to == from && !matches!(gap.cause, GapCause::Deleted | GapCause::Missing));
    let (from, cause) = lasting.map_or((from, GapCause::Stopped), |gap| (gap.from, gap.cause));
    Some(Gap { camera: camera.clone(), from, to, cause })
}

/// Some time before.
fn back(at: Wall) -> Wall {
    Wall::from_unix_us(at.unix_us().saturating_sub(LOOK_BACK.as_micros() as i64))
}

/// Files that are not as they are on record, and what is on record and not there. A folder that is not there says nothing: its disk may be away.
fn compare(
    camera: &CameraId,
    since: Option<Wall>,
    known: Vec<Recorded>,
    volumes: &[(VolumeId, PathBuf)],
) -> (Vec<Loose>, Vec<Recorded>) {
    let mut known: BTreeMap<(VolumeId, PathBuf), Recorded> =
        known.into_iter().map(|head| ((head.volume.clone(), head.path.clone()), head)).collect();
    let (mut loose, mut seen) = (Vec::new(), BTreeSet::new());
    for (volume, folder) in volumes {
        for day in days::days_in(folder, camera) {
            if since.is_some_and(|since| day < days::day_of(since)) {
                continue;
            }
            let below = Path::new(camera.as_str()).join(day.to_string());
            seen.insert((volume.clone(), below.clone()));
            for name in days::names(&folder.join(&below)).into_iter().filter(|name| name.ends_with(".mp4")) {
                let path = below.join(name);
                let known = known.remove(&(volume.clone(), path.clone()));
                // What was closed long ago is as it was.
                if known.as_ref().is_some_and(|head| since.is_some_and(|since| head.from < since)) {
                    continue;
                }
                let Ok(meta) = fs::metadata(folder.join(&path)) else { continue };
                if known.as_ref().is_none_or(|head| head.bytes != meta.len()) {
                    let (volume, folder) = (volume.clone(), folder.clone());
                    loose.push(Loose { volume, folder, path, len: meta.len(), known });
                }
            }
        }
    }
    // So that what lies between two of them is explained.
    loose.sort_by(|a, b| a.path.cmp(&b.path));
    let is_gone = |head: &Recorded| {
        head.path.parent().is_some_and(|below| seen.contains(&(head.volume.clone(), below.to_owned())))
    };
    (loose, known.into_values().filter(is_gone).collect())
}

impl Loose {
    fn file(&self) -> PathBuf {
        self.folder.join(&self.path)
    }
}

/// What is to become of a file: a segment, as far as it is whole. Changes nothing.
fn judge(camera: &CameraId, loose: &Loose) -> Result<Outcome, ScanError> {
    if loose.known.as_ref().is_some_and(|known| known.bytes < loose.len) {
        return Ok(Outcome::Cut);
    }
    let whole = match examine(&loose.file()) {
        Ok(whole) => whole,
        Err(ScanError::Io(error)) => return Err(error.into()),
        Err(_) => return Ok(Outcome::Damaged),
    };
    if whole.facts.as_ref().is_some_and(|facts| facts.camera != *camera) {
        return Ok(Outcome::Foreign);
    }
    Ok(segment(camera, loose, &whole).map_or(Outcome::Damaged, Outcome::Segment))
}

/// Makes of a file what is to become of it.
fn recover(camera: &CameraId, loose: &Loose) -> Result<Outcome, ScanError> {
    let outcome = judge(camera, loose)?;
    let whole_len = match &outcome {
        Outcome::Segment(segment) => segment.bytes,
        Outcome::Cut => loose.known.as_ref().map_or(loose.len, |known| known.bytes),
        Outcome::Damaged => {
            move_away(loose)?;
            return Ok(outcome);
        }
        Outcome::Foreign => return Ok(outcome),
    };
    if whole_len < loose.len {
        cut(&loose.file(), whole_len)?;
    }
    Ok(outcome)
}

/// `None` where there is no whole fragment.
fn segment(camera: &CameraId, loose: &Loose, whole: &Whole) -> Option<Segment> {
    let (first, last) = (whole.fragments.first()?, whole.fragments.last()?);
    let facts = whole.facts.as_ref();
    let known = loose.known.as_ref();
    let from = known.map_or(first.from, |known| known.from);
    let role = known.map(|known| known.role).or(facts.map(|facts| facts.role));
    Some(Segment {
        camera: camera.clone(),
        role: role.unwrap_or(crate::config::StreamRole::Main),
        volume: loose.volume.clone(),
        path: loose.path.clone(),
        from,
        to: last.from.after(last.length).max(from),
        bytes: whole.len,
        init_len: whole.init_len,
        init_sha256: whole.init_sha256,
        fragments: whole.fragments.clone(),
        skew_ms: facts.and_then(|facts| facts.skew_ms),
    })
}

fn cut(file: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(file)?;
    file.set_len(len)?;
    file.sync_all()
}

fn move_away(loose: &Loose) -> io::Result<()> {
    let to = loose.folder.join(DAMAGED_NAME).join(&loose.path);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::rename(loose.file(), to)
}
