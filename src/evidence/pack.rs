//! An export: the bytes of a range, untouched, and everything that proves them, in one folder.
//!
//! Owns what is written where and in which order: nothing bears its final name before all of it is on disk, and no number of a camera's chain is
//! given twice, whatever is killed. Recordings are read, never changed; that nobody deletes them meanwhile is up to the caller.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    audit::Receipt,
    chain::{Chain, ChainEntry, ChainError},
    copy::copy,
    files::{self, FileError, at},
    keys::{Keys, KeysError},
    manifest::{
        CameraFacts, ChainFacts, ClockFacts, ExporterFacts, FORMAT, FileFacts, FragmentFacts, GapFacts,
        KEYRING, MANIFEST, Manifest, ModelFacts, PAGE, Range, Recorded, RuleFacts, SIGNATURE, SoftwareFacts,
        StationFacts, VERSION, Video, video_name,
    },
    moment::Moment,
    page,
    purpose::{Actor, Purpose},
    seal::{KeyId, Sum},
    select::{Picked, select},
};
use crate::{
    config::StreamRole,
    record::{Gap, Segment},
    time::Wall,
};

/// What is to be exported: one camera, one range.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who exports.
    pub actor: Actor,
    /// What for.
    pub purpose: Purpose,
    /// Our station.
    pub station: StationFacts,
    /// Its civil time.
    pub time_zone: TimeZone,
    /// Which camera.
    pub camera: CameraFacts,
    /// The first moment that is asked for.
    pub from: Wall,
    /// The first one after it.
    pub to: Wall,
    /// Segments of the camera that may have something of it, in any order; others are passed over.
    pub segments: Vec<Segment>,
    /// The camera's gaps; those outside are passed over.
    pub gaps: Vec<Gap>,
    /// The alerts in the range, as the station has them.
    pub alerts: Vec<Value>,
    /// The passages in the range, as the index has them.
    pub passages: Vec<Value>,
    /// The model that looked.
    pub model: Option<ModelFacts>,
    /// The rules that held.
    pub rules: Vec<RuleFacts>,
    /// The folder in which the pack's folder is made.
    pub into: PathBuf,
}

/// Opens a segment's file. The one who knows the volumes gives it.
pub type Open<'a> = &'a dyn Fn(&Segment) -> io::Result<File>;

/// A pack that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its folder.
    pub path: PathBuf,
    /// Its number among the packs of its camera.
    pub no: u64,
    /// SHA-256 of its manifest.
    pub manifest: Sum,
    /// The key that signed it.
    pub key: KeyId,
    /// From its first picture.
    pub from: Wall,
    /// To the end of its last.
    pub to: Wall,
    /// How many files of video.
    pub videos: usize,
    /// How many fragments.
    pub fragments: usize,
    /// Bytes of video.
    pub bytes: u64,
    /// What is not as it was recorded. The pack has it as it is now, and says so.
    pub differing: Vec<Differing>,
}

/// Something that is not as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// In which file of the pack.
    pub file: String,
    /// Which fragment, from 1; 0: the initialisation part.
    pub n: u32,
    /// Its time.
    pub from: Wall,
    /// How many of its bytes are still there.
    pub len: u64,
    /// How many were recorded.
    pub recorded_len: u64,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The export could not be written down, so it is not made.
    #[error(transparent)]
    Audit(#[from] super::audit::AuditError),
    /// There is nothing to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The camera's chain cannot be gone on with.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The range ends before it begins.
    #[error("the range ends ({to}) before it begins ({from})")]
    Range {
        /// Its begin.
        from: Wall,
        /// Its end.
        to: Wall,
    },
    /// There is no recording of any of it.
    #[error("nothing is recorded of camera {camera} between {from} and {to}")]
    Nothing {
        /// Which camera.
        camera: crate::id::CameraId,
        /// The begin.
        from: Wall,
        /// The end.
        to: Wall,
    },
    /// A part of it was recorded in another stream: one pack has one.
    #[error(
        "camera {camera} was recorded in its stream {} until {until}, and in its stream {} from {from} on: export what is before and what is behind it one after the other", before.as_str(), behind.as_str()
    )]
    Streams {
        /// Which camera.
        camera: crate::id::CameraId,
        /// The stream that comes first.
        before: StreamRole,
        /// Its end.
        until: Wall,
        /// The one behind it.
        behind: StreamRole,
        /// Its begin.
        from: Wall,
    },
    /// There is such a folder.
    #[error("{}: it exists; nothing is written over", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// The clock is wrong.
    #[error("the clock says {now}, and the signing key was made at {made}: set the clock")]
    Clock {
        /// What it says.
        now: Wall,
        /// When the key was made.
        made: Wall,
    },
}

/// Writes the pack that `order` asks for. The audit log has `audit` for it.
pub(super) fn write(
    order: &Order,
    open: Open<'_>,
    chains: &Path,
    keys: &Path,
    audit: Receipt,
    now: Wall,
) -> Result<Exported, ExportError> {
    let Order { from, to, camera, .. } = order;
    if to <= from {
        return Err(ExportError::Range { from: *from, to: *to });
    }
    let picked = select(&order.segments, *from, *to);
    if picked.is_empty() {
        return Err(ExportError::Nothing { camera: camera.id.clone(), from: *from, to: *to });
    }
    one_stream(&picked)?;
    let mut chain = Chain::open(chains, &camera.id)?;
    finish(&chain)?;
    let keys = Keys::open(keys)?;
    let made = keys.keyring().current().from;
    if now < made {
        return Err(ExportError::Clock { now, made });
    }
    let place = chain.next();
    let begin = picked[0].fragments[0].from.timestamp().strftime("%Y%m%dT%H%M%SZ");
    let path = order.into.join(format!("cunkou-{}-{begin}-no{}", camera.id, place.no));
    if path.symlink_metadata().is_ok() {
        return Err(ExportError::Exists { path });
    }
    fs::create_dir_all(&order.into).map_err(at(&order.into, "made"))?;
    // What the chain keeps must hold wherever the next one is called from.
    let into = order.into.canonicalize().map_err(at(&order.into, "found"))?;
    if into.to_str().is_none() {
        let why = io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8");
        return Err(at(&into, "used for packs")(why).into());
    }
    let path = into.join(path.file_name().unwrap_or_default());
    let partial = partial(&path);
    remove_leftovers(&into, camera.id.as_str(), place.no)?;
    files::make_private_dir(&partial).map_err(at(&partial, "made"))?;
    let written = fill(&partial, order, &picked, open, &keys, place, audit, now);
    let (manifest, sum) = match written {
        Ok(written) => written,
        Err(error) => {
            // The error that led here is the one to tell.
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
    };
    chain.add(ChainEntry {
        no: place.no,
        manifest: sum,
        previous: place.previous,
        from: manifest.given.from.utc,
        to: manifest.given.to.utc,
        path: path.clone(),
        at: now,
        audit_seq: audit.seq,
    })?;
    finish(&chain)?;
    Ok(Exported {
        path,
        no: place.no,
        manifest: sum,
        key: keys.id(),
        from: manifest.given.from.utc,
        to: manifest.given.to.utc,
        videos: manifest.videos.len(),
        fragments: manifest.fragments().count(),
        bytes: manifest.videos.iter().map(|video| video.bytes).sum(),
        differing: differing(&manifest),
    })
}

/// Files of one stream go on one behind the other; a picture of another size, of which nobody knows why, does not.
fn one_stream(picked: &[Picked<'_>]) -> Result<(), ExportError> {
    let differ = |pair: &&[Picked<'_>]| pair[0].segment.role != pair[1].segment.role;
    let Some([before, behind]) = picked.windows(2).find(differ) else { return Ok(()) };
    Err(ExportError::Streams {
        camera: before.segment.camera.clone(),
        before: before.segment.role,
        until: before.segment.to,
        behind: behind.segment.role,
        from: behind.segment.from,
    })
}

/// Where a pack is while it is written.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

/// Removes what exports of this camera that never came to have the number `no` have left behind.
fn remove_leftovers(into: &Path, camera: &str, no: u64) -> Result<(), FileError> {
    let (begin, end) = (format!("cunkou-{camera}-"), format!("-no{no}.partial"));
    let is_ours = |name: &str| {
        // What remains is a time, and not the rest of another camera's name.
        let time = name.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(&end));
        time.is_some_and(|time| time.len() == 16 && !time.contains('-'))
    };
    let entries = fs::read_dir(into).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(at(into, "listed"))? {
        if entry.file_name().to_str().is_some_and(is_ours) {
            fs::remove_dir_all(entry.path()).map_err(at(&entry.path(), "removed"))?;
        }
    }
    Ok(())
}

/// Gives the newest pack its name, where a kill came between its number and its name.
fn finish(chain: &Chain) -> Result<(), ExportError> {
    let Some(last) = chain.last() else { return Ok(()) };
    let partial = partial(&last.path);
    if partial.is_dir() && last.path.symlink_metadata().is_err() {
        fs::rename(&partial, &last.path).map_err(at(&partial, "renamed"))?;
        last.path.parent().map_or(Ok(()), files::sync_dir).map_err(at(&last.path, "synced"))?;
    }
    Ok(())
}

/// Writes all of a pack's files.
#[expect(
    clippy::too_many_arguments,
    reason = "each is another thing, and this is the one place where they meet"
)]
fn fill(
    dir: &Path,
    order: &Order,
    picked: &[Picked<'_>],
    open: Open<'_>,
    keys: &Keys,
    chain: ChainFacts,
    audit: Receipt,
    now: Wall,
) -> Result<(Manifest, Sum), ExportError> {
    let zone = &order.time_zone;
    let moment = |at: Wall| Moment::new(at, zone);
    let names = (0..picked.len()).map(|index| video_name(index, picked.len()));
    let videos = picked.iter().zip(names).map(|(picked, name)| copy(dir, name, picked, open, zone));
    let videos = videos.collect::<Result<Vec<Video>, FileError>>()?;
    let fragments = || videos.iter().flat_map(|video| &video.fragments);
    let begin = fragments().map(|fragment| fragment.from).min().unwrap_or(order.from);
    let end = fragments().map(FragmentFacts::to).max().unwrap_or(order.to);
    let gaps = order.gaps.iter().filter(|gap| gap.from < order.to && gap.to > order.from);
    let mut manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        station: order.station.clone(),
        camera: order.camera.clone(),
        chain,
        asked: Range { from: moment(order.from), to: moment(order.to) },
        given: Range { from: moment(begin), to: moment(end) },
        merkle: Manifest::tree(&videos),
        videos,
        clock: ClockFacts::usual(),
        gaps: gaps
            .map(|gap| GapFacts { from: gap.from, to: gap.to, cause: gap.cause.as_str().to_owned() })
            .collect(),
        alerts: order.alerts.clone(),
        passages: order.passages.clone(),
        model: order.model.clone(),
        rules: order.rules.clone(),
        software: SoftwareFacts::this(),
        audit,
        exporter: ExporterFacts { who: order.actor.who().to_owned(), unit: order.actor.unit().to_owned() },
        purpose: order.purpose.purpose().to_owned(),
        case: order.purpose.case().to_owned(),
        files: Vec::new(),
        key: keys.id(),
        created: moment(now),
    };
    let page = page::render(&manifest, zone).into_bytes();
    let keyring = keys.keyring().to_bytes();
    manifest.files = vec![FileFacts::of(KEYRING, &keyring), FileFacts::of(PAGE, &page)];
    let bytes = manifest.to_bytes();
    let signature = keys.sign(&bytes);
    for (name, bytes) in
        [(KEYRING, &keyring[..]), (PAGE, &page), (MANIFEST, &bytes), (SIGNATURE, &signature.0)]
    {
        let path = dir.join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(at(&path, "written"))?;
    }
    files::sync_dir(dir).map_err(at(dir, "synced"))?;
    Ok((manifest, Sum::of(&bytes)))
}

fn differing(manifest: &Manifest) -> Vec<Differing> {
    let mut all = Vec::new();
    for video in &manifest.videos {
        let mut add = |n, from, len, recorded: Option<Recorded>| {
            let file = || video.file.clone();
            all.extend(recorded.map(|r| Differing { file: file(), n, from, len, recorded_len: r.len }));
        };
        add(0, video.segment.from.utc, video.init.len, video.init.differs_from);
        video.fragments.iter().for_each(|f| add(f.n, f.from, f.len, f.differs_from));
    }
    all
}
