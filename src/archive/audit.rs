//! Proof that catalog, files and gaps agree.
//!
//! Owns what is compared with what, and the words for what does not agree. Changes nothing. To be run while nothing records.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    fs::{self, File},
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use super::{
    Catalog, Left, ReadError, SLACK, What, coverage::cover, days, file::hash, head::Recorded, keys,
    left::Leftovers, recovery::DAMAGED_NAME, table::TABLE_NAME, tally::Tally,
};
use crate::{
    config::Config,
    id::{CameraId, HoldId, VolumeId},
    record::GapCause,
    store::Refused,
    time::Wall,
};

/// How thoroughly it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Names and lengths.
    Names,
    /// Every fragment of every file is read and hashed anew.
    Hashes,
}

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what its sentence says")]
pub enum Finding {
    /// On record, and not there.
    Gone { path: PathBuf },
    /// On record with another length.
    Length { path: PathBuf, recorded: u64, found: u64 },
    /// Its bytes are not those that were recorded.
    Altered { path: PathBuf, from: Wall, to: Wall },
    /// It cannot be read.
    Unreadable { path: PathBuf, why: String },
    /// It lies on a volume that is not configured.
    NoVolume { volume: VolumeId, segments: u64 },
    /// There, and not on record.
    Unknown { path: PathBuf },
    /// A time that nobody explains.
    Unexplained { camera: CameraId, from: Wall, to: Wall },
    /// Two recordings of one time.
    Overlap { camera: CameraId, from: Wall, to: Wall },
    /// What lies on a volume does not add up.
    Sum { volume: VolumeId, what: &'static str, catalog: (u64, u64), found: (u64, u64) },
    /// Not done yet, and not wrong: see [`Finding::is_wrong`].
    Left(Left),
    /// It holds nothing: nothing of its time was recorded.
    HoldOfNothing { hold: HoldId, camera: CameraId, from: Wall, to: Wall },
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Cameras with anything on record.
    pub cameras: u64,
    /// Segments on record.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Gaps in their time lines.
    pub gaps: u64,
    /// Holds in force.
    pub holds: u64,
    /// Files in the volumes' folders for damaged ones: told, and nothing wrong.
    pub damaged: u64,
    /// What a kill has left, and the next start does.
    pub left: u64,
    /// What does not agree.
    pub findings: u64,
}

impl Finding {
    /// Whether a person is needed. Otherwise the next start of the daemon is enough.
    pub fn is_wrong(&self) -> bool {
        !matches!(self, Self::Left(_))
    }

    /// Its name for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gone { .. } => "gone",
            Self::Length { .. } => "length",
            Self::Altered { .. } => "altered",
            Self::Unreadable { .. } => "unreadable",
            Self::NoVolume { .. } => "no-volume",
            Self::Unknown { .. } => "unknown",
            Self::Unexplained { .. } => "unexplained",
            Self::Overlap { .. } => "overlap",
            Self::Sum { .. } => "sum",
            Self::HoldOfNothing { .. } => "hold-of-nothing",
            Self::Left(left) => left.name(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone { path } => write!(f, "{}: is on record and not there", path.display()),
            Self::Length { path, recorded, found } => {
                write!(f, "{}: has {found} bytes, and {recorded} on record", path.display())
            }
            Self::Altered { path, from, to } => {
                write!(f, "{}: what it shows from {from} to {to} is not what was recorded", path.display())
            }
            Self::Unreadable { path, why } => write!(f, "{}: cannot be read: {why}", path.display()),
            Self::NoVolume { volume, segments } => {
                write!(
                    f,
                    "volume {volume}: is not configured, and {segments} segments lie on it: declare it again"
                )
            }
            Self::Unknown { path } => {
                write!(f, "{}: is not on record, and no start of the daemon takes it on", path.display())
            }
            Self::Unexplained { camera, from, to } => {
                write!(f, "camera {camera}: nobody explains why nothing was recorded from {from} to {to}")
            }
            Self::Overlap { camera, from, to } => {
                write!(f, "camera {camera}: {from} to {to} was recorded twice")
            }
            Self::Sum { volume, what, catalog, found } => write!(
                f,
                "volume {volume}: {what} says {} bytes in {} segments, and the catalog {} in {}",
                found.0, found.1, catalog.0, catalog.1
            ),
            Self::HoldOfNothing { hold, camera, from, to } => {
                write!(f, "hold {hold}: nothing was recorded of camera {camera} from {from} to {to}")
            }
            Self::Left(left) => left.fmt(f),
        }
    }
}

/// Compares everything, and tells each thing that does not agree as it is found.
pub async fn audit(
    catalog: &Catalog,
    config: &Config,
    depth: Depth,
    now: Wall,
    tell: &mut impl FnMut(Finding),
) -> Result<Summary, Refused> {
    let (mut summary, mut sums) = (Summary::default(), BTreeMap::<VolumeId, Tally>::new());
    let mut told = |summary: &mut Summary, finding: Finding| {
        *if finding.is_wrong() { &mut summary.findings } else { &mut summary.left } += 1;
        tell(finding);
    };
    let left = Leftovers::look(catalog, config, now).await?;
    for left in &left.all {
        told(&mut summary, Finding::Left(left.clone()));
    }
    let mut cameras: BTreeSet<CameraId> = catalog.cameras().await?.into_iter().collect();
    summary.cameras = cameras.len() as u64;
    for volume in &config.volumes {
        let folder = volume.path.clone();
        cameras.extend(spawn_blocking(move || days::cameras_in(&folder)).await.unwrap_or_default());
        let damaged = volume.path.join(DAMAGED_NAME);
        summary.damaged += spawn_blocking(move || files_below(&damaged)).await.unwrap_or_default();
    }
    cameras.retain(|camera| camera.as_str() != DAMAGED_NAME);
    for camera in &cameras {
        let heads = catalog.heads_since(camera, Wall::from_unix_us(i64::MIN)).await?;
        summary.segments += heads.len() as u64;
        for head in &heads {
            summary.bytes += head.bytes;
            sums.entry(head.volume.clone()).or_default().add(head.bytes);
            let is_explained = catalog.file(head).is_some_and(|file| left.explains(&file));
            if !is_explained && let Some(finding) = look(catalog, head, depth).await? {
                told(&mut summary, finding);
            }
        }
        for finding in line(catalog, camera, &heads, left.recorded(camera), now, &mut summary.gaps).await? {
            told(&mut summary, finding);
        }
        for volume in &config.volumes {
            let known =
                heads.iter().filter(|head| head.volume == volume.id).map(|head| head.path.clone()).collect();
            let (folder, camera) = (volume.path.clone(), camera.clone());
            let unknown =
                spawn_blocking(move || strangers(&folder, &camera, &known)).await.unwrap_or_default();
            for path in unknown.into_iter().filter(|path| !left.explains(path)) {
                told(&mut summary, Finding::Unknown { path });
            }
        }
    }
    for finding in add_up(catalog, config, &sums).await? {
        told(&mut summary, finding);
    }
    for hold in catalog.holds().await?.into_iter().filter(|hold| hold.release.is_none()) {
        summary.holds += 1;
        let what = &hold.what;
        let is_past = what.to < now;
        let is_left = left.recorded(&what.camera).iter().any(|&(from, to)| from < what.to && to > what.from);
        if is_past
            && !is_left
            && catalog.segments(&what.camera, what.from, what.to).await?.segments.is_empty()
        {
            let (camera, from, to) = (what.camera.clone(), what.from, what.to);
            told(&mut summary, Finding::HoldOfNothing { hold: hold.id, camera, from, to });
        }
    }
    Ok(summary)
}

/// A file against its head.
async fn look(catalog: &Catalog, head: &Recorded, depth: Depth) -> Result<Option<Finding>, Refused> {
    // Told once for the volume.
    let Some(path) = catalog.file(head) else { return Ok(None) };
    let (file, recorded) = (path.clone(), head.bytes);
    let found = spawn_blocking(move || fs::metadata(&file).map(|meta| meta.len())).await;
    let found = match found.map_err(std::io::Error::other).flatten() {
        Ok(len) => len,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(Finding::Gone { path }));
        }
        Err(error) => return Ok(Some(Finding::Unreadable { path, why: error.to_string() })),
    };
    if found != recorded {
        return Ok(Some(Finding::Length { path, recorded, found }));
    }
    if depth == Depth::Names {
        return Ok(None);
    }
    let segment = match catalog.segment(head).await {
        Ok(segment) => segment,
        Err(ReadError::Store(refused)) => return Err(refused),
        Err(ReadError::Altered { path }) => {
            return Ok(Some(Finding::Altered { path, from: head.from, to: head.to }));
        }
        Err(error) => return Ok(Some(Finding::Unreadable { path, why: error.to_string() })),
    };
    let file = path.clone();
    let altered = spawn_blocking(move || {
        let mut file = File::open(file)?;
        if hash(&mut file, 0, segment.init_len.into())? != segment.init_sha256 {
            return Ok(Some((segment.from, segment.to)));
        }
        for fragment in &segment.fragments {
            if hash(&mut file, fragment.offset, fragment.len.into())? != fragment.sha256 {
                return Ok(Some((fragment.from, fragment.from.after(fragment.length))));
            }
        }
        Ok(None)
    });
    Ok(match altered.await.map_err(std::io::Error::other).flatten() {
        Ok(altered) => altered.map(|(from, to)| Finding::Altered { path, from, to }),
        Err(error) => Some(Finding::Unreadable { path, why: error.to_string() }),
    })
}

/// The time line of a camera, from the first to the last that is on record of it. What is behind the last is explained by the next start.
async fn line(
    catalog: &Catalog,
    camera: &CameraId,
    heads: &[Recorded],
    left: &[(Wall, Wall)],
    now: Wall,
    count: &mut u64,
) -> Result<Vec<Finding>, Refused> {
    let (first, last) = (Wall::from_unix_us(i64::MIN), Wall::from_unix_us(i64::MAX));
    let gaps = catalog.gaps_on_record(camera, first, last).await?;
    let mut recorded: Vec<(Wall, Wall)> = heads.iter().map(|head| (head.from, head.to)).collect();
    // That something is missing, and was told to be, is explained. What is left as missing is not.
    let told = |cause| if cause == GapCause::Missing { GapCause::Deleted } else { cause };
    let gaps: Vec<(Wall, Wall, GapCause)> =
        gaps.iter().map(|gap| (gap.from, gap.to, told(gap.cause))).collect();
    let spans = recorded.iter().copied().chain(gaps.iter().map(|gap| (gap.0, gap.1)));
    let begin = spans.clone().map(|span| span.0).min();
    let end = spans.map(|span| span.1).max().map(|end| end.min(now));
    recorded.extend(left);
    recorded.sort_unstable();
    let (Some(begin), Some(end)) = (begin, end) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for stretch in cover(begin, end, &recorded, &gaps) {
        *count += u64::from(matches!(stretch.what, What::Gap(_)));
        if stretch.what == What::Gap(GapCause::Missing) {
            findings.push(Finding::Unexplained {
                camera: camera.clone(),
                from: stretch.from,
                to: stretch.to,
            });
        }
    }
    for pair in recorded.windows(2) {
        let (from, to) = (pair[1].0, pair[0].1.min(pair[1].1));
        if to.us_since(from) >= SLACK.as_micros() as i64 {
            findings.push(Finding::Overlap { camera: camera.clone(), from, to });
        }
    }
    Ok(findings)
}

/// Files in a camera's folders that nothing explains.
fn strangers(volume: &Path, camera: &CameraId, known: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut strangers = Vec::new();
    for day in days::names(&volume.join(camera.as_str())) {
        let below = Path::new(camera.as_str()).join(&day);
        if !volume.join(&below).is_dir() {
            strangers.push(volume.join(&below));
        }
        for name in days::names(&volume.join(&below)) {
            let is_beside = name == days::SEEN_NAME || name == TABLE_NAME;
            if !is_beside && !known.contains(&below.join(&name)) {
                strangers.push(volume.join(&below).join(name));
            }
        }
    }
    strangers.sort_unstable();
    strangers
}

fn files_below(folder: &Path) -> u64 {
    let below = days::names(folder).into_iter().map(|name| folder.join(name));
    below.map(|path| if path.is_dir() { files_below(&path) } else { 1 }).sum()
}

/// Shelves and sums against the catalog.
async fn add_up(
    catalog: &Catalog,
    config: &Config,
    sums: &BTreeMap<VolumeId, Tally>,
) -> Result<Vec<Finding>, Refused> {
    let tallies = catalog.tallies().await?;
    let pair = |tally: Option<&Tally>| tally.map_or((0, 0), |tally| (tally.bytes, tally.segments));
    let mut findings = Vec::new();
    let volumes: BTreeSet<&VolumeId> = sums.keys().chain(tallies.keys()).collect();
    for volume in volumes {
        let in_catalog = pair(sums.get(volume));
        let mut on_shelves = Tally::default();
        let mut range = keys::shelves_behind(volume, None);
        loop {
            let pairs = catalog.step(&mut range).await?;
            if pairs.is_empty() {
                break;
            }
            let shelves = pairs.iter().filter_map(|(key, value)| super::head::OnShelf::decode(key, value));
            shelves.for_each(|shelf| on_shelves.add(shelf.bytes));
        }
        for (what, found) in [("the sum", pair(tallies.get(volume))), ("its shelf", pair(Some(&on_shelves)))]
        {
            if found != in_catalog {
                findings.push(Finding::Sum { volume: volume.clone(), what, catalog: in_catalog, found });
            }
        }
        let is_configured = config.volumes.iter().any(|configured| configured.id == *volume);
        if !is_configured && in_catalog.1 > 0 {
            findings.push(Finding::NoVolume { volume: volume.clone(), segments: in_catalog.1 });
        }
    }
    Ok(findings)
}
