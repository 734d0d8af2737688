//! Reading what is on record.
//!
//! Owns which entries answer a question. Reads are in steps, so that the store's thread is not held for long; what was told to the archive less
//! than some seconds ago may not be there yet.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    coverage::{Stretch, What, cover},
    deletion::Deletion,
    file::examine,
    gap::{self, GAPS_MAX, GapPage, GapPlace, Question},
    head::{OnShelf, Recorded},
    hold::Hold,
    keys, table,
};
use crate::{
    config::Config,
    id::{CameraId, VolumeId},
    record::{Gap, GapCause, Segment},
    store::{Desk, Pair, Refused, Space},
    time::Wall,
};

/// Segments on one page, at most.
pub const SEGMENTS_MAX: usize = 1000;
/// How long it takes at most until a segment that is closed is on record.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// Entries read at once.
const STEP: usize = 256;
/// Entries that are looked at for one page of gaps, at most: beyond it the page ends with the camera that it is at.
const SCAN_MAX: usize = 32_768;

/// What is known of recordings. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    desk: Desk,
    folders: Arc<BTreeMap<VolumeId, PathBuf>>,
    /// How long ago what is recorded just now may have begun.
    open_max: Duration,
}

/// Segments of one camera by begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPage {
    /// Oldest first.
    pub segments: Vec<Recorded>,
    /// Ask again with this begin, where there is more.
    pub next: Option<Wall>,
}

/// Why the fragments of a segment are not known.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store.
    #[error(transparent)]
    Store(#[from] Refused),
    /// Its volume is not configured any more.
    #[error("the volume {0} is not configured: declare it again to reach what lies on it")]
    NoVolume(VolumeId),
    /// Its file cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file is not what was recorded.
    #[error("{path}: is not as it was recorded: its fragments do not have the hash that is on record")]
    Altered {
        /// Which.
        path: PathBuf,
    },
}

impl Catalog {
    /// Reads from a store whose segments lie on the configured volumes.
    pub fn new(desk: Desk, config: &Config) -> Self {
        let folders = config.volumes.iter().map(|volume| (volume.id.clone(), volume.path.clone())).collect();
        Self { desk, folders: Arc::new(folders), open_max: config.recording.segment + TOLD_WITHIN }
    }

    /// Where a segment's file lies; `None` where its volume is not configured any more.
    pub fn file(&self, segment: &Recorded) -> Option<PathBuf> {
        self.path_of(&segment.volume, &segment.path)
    }

    /// Where something lies that is below a volume's folder; `None` where the volume is not configured any more.
    pub fn path_of(&self, volume: &VolumeId, below: &Path) -> Option<PathBuf> {
        Some(self.folders.get(volume)?.join(below))
    }

    /// Segments of a camera that show a moment of `from..to`, oldest first, [`SEGMENTS_MAX`] at most.
    pub async fn segments(&self, camera: &CameraId, from: Wall, to: Wall) -> Result<SegmentPage, Refused> {
        let mut segments: Vec<Recorded> = self.segment_before(camera, from).await?.into_iter().collect();
        segments.retain(|segment| segment.touches(from, to));
        let mut range = keys::segments(camera, from, to);
        loop {
            let pairs = self.step(&mut range).await?;
            let is_last = pairs.len() < STEP;
            for (key, value) in pairs {
                if segments.len() == SEGMENTS_MAX {
                    let next = keys::read_segment(&key).map(|(_, from, _)| from);
                    return Ok(SegmentPage { segments, next });
                }
                segments.extend(Recorded::decode(&key, &value));
            }
            if is_last {
                return Ok(SegmentPage { segments, next: None });
            }
        }
    }

    /// The segment that shows a moment.
    pub async fn segment_at(&self, camera: &CameraId, at: Wall) -> Result<Option<Recorded>, Refused> {
        let just_after = Wall::from_unix_us(at.unix_us().saturating_add(1));
        let last = self.segment_before(camera, just_after).await?;
        Ok(last.filter(|segment| segment.to > at))
    }

    /// A segment with the table of its fragments, whose hash was compared with the one on record. Where the table is lost, the file is read anew.
    pub async fn segment(&self, recorded: &Recorded) -> Result<Segment, ReadError> {
        let folder =
            self.folders.get(&recorded.volume).ok_or_else(|| ReadError::NoVolume(recorded.volume.clone()))?;
        let (folder, recorded) = (folder.clone(), recorded.clone());
        let path = folder.join(&recorded.path);
        let file = path.clone();
        let found = tokio::task::spawn_blocking(move || {
            let tabled =
                recorded.table.and_then(|at| table::read(&table::file_of(&folder, &recorded.path), at));
            match tabled.and_then(|fragments| recorded.with(fragments)) {
                Some(segment) => Ok(Some(segment)),
                None => examine(&file).map(|whole| recorded.with(whole.fragments)),
            }
        });
        let unreadable = |why: String| ReadError::Unreadable { path: path.clone(), why };
        let found = found.await.map_err(|panic| unreadable(panic.to_string()))?;
        found.map_err(|error| unreadable(error.to_string()))?.ok_or(ReadError::Altered { path })
    }

    /// The time line of a camera: recordings and gaps that tile `from..to`, up to `now`.
    pub async fn coverage(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
        now: Wall,
    ) -> Result<Vec<Stretch>, Refused> {
        Ok(self.line(camera, from, to, now).await?.0)
    }

    /// Gaps up to `now`, by camera and begin.
    pub async fn gaps(&self, question: &Question, now: Wall) -> Result<GapPage, Refused> {
        let mut cameras = question.cameras.clone();
        if cameras.is_empty() {
            cameras = self.cameras().await?;
        }
        cameras.sort_unstable();
        cameras.dedup();
        let limit = question.limit.min(GAPS_MAX);
        let (mut page, mut looked_at) = (GapPage { gaps: Vec::new(), next: None }, 0);
        for camera in cameras {
            let from = match &question.after {
                Some(after) if camera < after.camera => continue,
                Some(after) if camera == after.camera => after.from.max(question.from),
                _ => question.from,
            };
            if from >= question.to {
                continue;
            }
            if looked_at >= SCAN_MAX {
                page.next = Some(GapPlace { camera, from });
                return Ok(page);
            }
            let (line, count) = self.line(&camera, from, question.to, now).await?;
            looked_at += count;
            for Stretch { from, to, what } in line {
                let What::Gap(cause) = what else { continue };
                if !question.asks_for(from, to, cause) {
                    continue;
                }
                if page.gaps.len() == limit {
                    page.next = Some(GapPlace { camera, from });
                    return Ok(page);
                }
                page.gaps.push(Gap { camera: camera.clone(), from, to, cause });
            }
        }
        Ok(page)
    }

    /// Every camera of which a segment or a gap is on record, also those that are not configured any more.
    pub async fn cameras(&self) -> Result<Vec<CameraId>, Refused> {
        let mut cameras = Vec::new();
        for space in [Space::Segment, Space::Gap] {
            let mut last: Option<CameraId> = None;
            loop {
                let (from, to) = keys::cameras_behind(space, last.as_ref());
                let next = self.desk.range(from, to, 1).await?;
                let Some((key, _)) = next.first() else { break };
                // Both keys begin with the camera.
                let Some(camera) = keys::camera_of(key) else { break };
                cameras.push(camera.clone());
                last = Some(camera);
            }
        }
        cameras.sort_unstable();
        cameras.dedup();
        Ok(cameras)
    }

    /// Every hold, the released ones included, oldest first.
    pub async fn holds(&self) -> Result<Vec<Hold>, Refused> {
        let (mut holds, mut range) = (Vec::new(), (Space::Hold.from(), Space::Hold.to()));
        loop {
            let pairs = self.step(&mut range).await?;
            let is_last = pairs.len() < STEP;
            holds.extend(pairs.iter().filter_map(|(key, value)| Hold::decode(key, value)));
            if is_last {
                return Ok(holds);
            }
        }
    }

    /// What retention has deleted of a camera, of segments that began in `from..to`; the oldest [`SEGMENTS_MAX`].
    pub async fn deletions(&self, camera: &CameraId, from: Wall, to: Wall) -> Result<Vec<Deletion>, Refused> {
        let (from, to) = keys::deletions_of(camera, from, to);
        let pairs = self.desk.range(from, to, SEGMENTS_MAX).await?;
        Ok(pairs.iter().filter_map(|(key, value)| Deletion::read_done(key, value)).collect())
    }

    /// The newest segment of a camera that began before `at`.
    pub(super) async fn segment_before(
        &self,
        camera: &CameraId,
        at: Wall,
    ) -> Result<Option<Recorded>, Refused> {
        let (from, to) = keys::segments(camera, Wall::from_unix_us(i64::MIN), at);
        let last = self.desk.last(from, to).await?;
        Ok(last.and_then(|(key, value)| Recorded::decode(&key, &value)))
    }

    /// The newest gap of a camera that began before `at`.
    pub(super) async fn gap_before(&self, camera: &CameraId, at: Wall) -> Result<Option<Gap>, Refused> {
        let (from, to) = keys::gaps(camera, Wall::from_unix_us(i64::MIN), at);
        let last = self.desk.last(from, to).await?;
        Ok(last.and_then(|(key, value)| gap::read(&key, &value)))
    }

    /// Gaps of a camera that are on record and have a moment in `from..to`.
    pub(super) async fn gaps_on_record(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
    ) -> Result<Vec<Gap>, Refused> {
        let mut gaps: Vec<Gap> = self.gap_before(camera, from).await?.into_iter().collect();
        let mut range = keys::gaps(camera, from, to);
        loop {
            let pairs = self.step(&mut range).await?;
            let is_last = pairs.len() < STEP;
            gaps.extend(pairs.iter().filter_map(|(key, value)| gap::read(key, value)));
            if is_last {
                return Ok(gaps);
            }
        }
    }

    /// The oldest of a camera on a volume that begin at `from` or later, `limit` at most.
    pub(super) async fn shelf(
        &self,
        volume: &VolumeId,
        camera: &CameraId,
        from: Wall,
        limit: usize,
    ) -> Result<Vec<OnShelf>, Refused> {
        let (from, to) = keys::shelves(volume, camera, from);
        let pairs = self.desk.range(from, to, limit).await?;
        Ok(pairs.iter().filter_map(|(key, value)| OnShelf::decode(key, value)).collect())
    }

    /// Every segment of a camera that began at `since` or later.
    pub(super) async fn heads_since(&self, camera: &CameraId, since: Wall) -> Result<Vec<Recorded>, Refused> {
        let (mut heads, mut range) =
            (Vec::new(), keys::segments(camera, since, Wall::from_unix_us(i64::MAX)));
        loop {
            let pairs = self.step(&mut range).await?;
            let is_last = pairs.len() < STEP;
            heads.extend(pairs.iter().filter_map(|(key, value)| Recorded::decode(key, value)));
            if is_last {
                return Ok(heads);
            }
        }
    }

    /// Cameras of which something lies on a volume.
    pub(super) async fn cameras_on(&self, volume: &VolumeId) -> Result<Vec<CameraId>, Refused> {
        let mut cameras: Vec<CameraId> = Vec::new();
        loop {
            let (from, to) = keys::shelves_behind(volume, cameras.last());
            let next = self.desk.range(from, to, 1).await?;
            let Some((_, camera, _, _)) = next.first().and_then(|(key, _)| keys::read_shelf(key)) else {
                return Ok(cameras);
            };
            cameras.push(camera);
        }
    }

    /// The store.
    pub(super) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Every volume's folder.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (&VolumeId, &PathBuf)> {
        self.folders.iter()
    }

    /// The folder of a volume.
    pub(super) fn folder(&self, volume: &VolumeId) -> Option<&PathBuf> {
        self.folders.get(volume)
    }

    /// The time line, and how many entries it was made of.
    async fn line(
        &self,
        camera: &CameraId,
        from: Wall,
        to: Wall,
        now: Wall,
    ) -> Result<(Vec<Stretch>, usize), Refused> {
        let to = to.min(now);
        let mut recorded = Vec::new();
        let mut begin = from;
        loop {
            let page = self.segments(camera, begin, to).await?;
            recorded.extend(page.segments.iter().map(|segment| (segment.from, segment.to)));
            let Some(next) = page.next else { break };
            begin = next;
        }
        let gaps = self.gaps_on_record(camera, from, to).await?;
        let gaps: Vec<(Wall, Wall, GapCause)> =
            gaps.iter().map(|gap| (gap.from, gap.to, gap.cause)).collect();
        let mut line = cover(from, to, &recorded, &gaps);
        if let Some(Stretch { from, what: what @ What::Gap(GapCause::Missing), .. }) = line.last_mut()
            && now.us_since(*from) <= self.open_max.as_micros() as i64
        {
            *what = What::Open;
        }
        Ok((line, recorded.len() + gaps.len()))
    }

    /// The next entries of a range, which is shortened to what is behind them.
    pub(super) async fn step(&self, range: &mut keys::KeyRange) -> Result<Vec<Pair>, Refused> {
        let pairs = self.desk.range(range.0.clone(), range.1.clone(), STEP).await?;
        if let Some((key, _)) = pairs.last() {
            range.0 = keys::behind(key);
        }
        Ok(pairs)
    }
}
