//! How segments are deleted.
//!
//! Owns the order "on record, then gone, then done", so that a kill in between leaves nothing undone, and the gaps that deletions leave. What goes, and when, is
//! the janitor's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tokio::task::spawn_blocking;

use super::{
    Archivist, Catalog, SLACK,
    deletion::{Deletion, Place},
    gap,
    head::{OnShelf, Recorded},
    keys::{self, Stage},
    retention::Rule,
};
use crate::{
    config::Volume,
    id::CameraId,
    metrics::OfCause,
    record::{Gap, GapCause},
    store::{Refused, Write},
    time::Wall,
};

/// Why a look at a volume ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Hindered {
    #[error(transparent)]
    Store(#[from] Refused),
    #[error("{path}: {source}")]
    Disk { path: PathBuf, source: io::Error },
}

/// Deletes: on record first, then the files, then what is done is on record.
pub(super) async fn carry_out(
    archivist: &mut Archivist,
    volume: &Volume,
    deletions: Vec<(OnShelf, Rule)>,
) -> Result<(), Hindered> {
    if deletions.is_empty() {
        return Ok(());
    }
    let (at, mut under_way, mut writes) = (archivist.clock.now().wall, Vec::new(), Vec::new());
    for (segment, rule) in deletions {
        let key = keys::segment(&segment.camera, segment.from, segment.role);
        let found = archivist.catalog.desk().range(key.clone(), keys::behind(&key), 1).await?;
        match found.first().and_then(|(key, value)| Recorded::decode(key, value)) {
            Some(head) if head.volume == volume.id => {
                let (deletion, place) = Deletion::of(&head, rule, at);
                writes.push(deletion.under_way(&place));
                under_way.push((deletion, place));
            }
            _ => {
                tracing::error!(volume = %volume.id, camera = %segment.camera, from = %segment.from, "a segment is on a shelf and not in the catalog; `cunkou check --store` says more");
                writes.push(Write::Delete(keys::shelf(
                    &volume.id,
                    &segment.camera,
                    segment.from,
                    segment.role,
                )));
            }
        }
    }
    archivist.put(writes).await?;
    finish(archivist, under_way).await
}

/// Deletes the files of deletions that are on record, and puts on record that it is done.
async fn finish(archivist: &mut Archivist, under_way: Vec<(Deletion, Place)>) -> Result<(), Hindered> {
    let files: Vec<Option<PathBuf>> = under_way
        .iter()
        .map(|(_, place)| Some(archivist.catalog.folder(&place.volume)?.join(&place.path)))
        .collect();
    let (mut writes, mut gone, mut hindered) = (Vec::new(), Vec::new(), None);
    let removed = spawn_blocking(move || remove(&files)).await.map_err(io::Error::other);
    let removed = removed.map_err(|source| Hindered::Disk { path: PathBuf::new(), source })?;
    for ((deletion, place), removed) in under_way.into_iter().zip(removed) {
        match removed {
            Ok(()) => gone.push((deletion, place)),
            Err((path, source)) => hindered = Some(Hindered::Disk { path, source }),
        }
    }
    for (deletion, place) in &gone {
        writes.extend(deletion.done(place));
        archivist.tally(&place.volume).take(deletion.bytes);
        archivist.metrics.segments_deleted.get_or_create(&OfCause { cause: deletion.rule.as_str() }).inc();
        tracing::debug!(camera = %deletion.camera, from = %deletion.from, bytes = deletion.bytes, rule = deletion.rule.as_str(), "deleted");
    }
    writes.extend(gaps(&archivist.catalog, &gone).await?.iter().map(gap::keep));
    writes.extend(archivist.tallies.iter().map(|(volume, tally)| tally.keep(volume)));
    archivist.put(writes).await?;
    hindered.map_or(Ok(()), Err)
}

/// The gaps that deletions leave; one that continues another makes that one longer.
async fn gaps(catalog: &Catalog, gone: &[(Deletion, Place)]) -> Result<Vec<Gap>, Refused> {
    let mut by_camera: BTreeMap<&CameraId, Vec<(Wall, Wall)>> = BTreeMap::new();
    for (deletion, _) in gone {
        by_camera.entry(&deletion.camera).or_default().push((deletion.from, deletion.to));
    }
    let mut gaps = Vec::new();
    for (camera, mut times) in by_camera {
        times.sort_unstable();
        let mut last =
            catalog.gap_before(camera, Wall::from_unix_us(times[0].0.unix_us().saturating_add(1))).await?;
        for (from, to) in times {
            let joins = |gap: &Gap| {
                gap.cause == GapCause::Deleted && from.us_since(gap.to) < SLACK.as_micros() as i64
            };
            match &mut last {
                Some(gap) if joins(gap) => gap.to = gap.to.max(to),
                _ => {
                    gaps.extend(last.take().filter(|gap| gap.cause == GapCause::Deleted));
                    last = Some(Gap { camera: camera.clone(), from, to, cause: GapCause::Deleted });
                }
            }
        }
        gaps.extend(last);
    }
    Ok(gaps)
}

type Removed = Result<(), (PathBuf, io::Error)>;

/// Removes files, durably. One that is not there is gone; so is one whose volume nobody knows any more.
fn remove(files: &[Option<PathBuf>]) -> Vec<Removed> {
    let mut folders: BTreeSet<&Path> = BTreeSet::new();
    let each = files.iter().map(|file| {
        let Some(file) = file else { return Ok(()) };
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err((file.clone(), error)),
            _ => {
                folders.extend(file.parent());
                Ok(())
            }
        }
    });
    let removed = each.collect();
    for folder in folders {
        // Where the power goes before it is on the disk, the file is back, and `cunkou check --store` tells of it.
        if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
            tracing::debug!(folder = %folder.display(), %error, "a folder could not be synced");
        }
    }
    removed
}

impl Archivist {
    /// Finishes the deletions that a kill interrupted.
    pub(super) async fn finish_interrupted(&mut self) -> Result<(), Refused> {
        let mut range = keys::deletions(Stage::UnderWay);
        loop {
            let pairs = self.catalog.step(&mut range).await?;
            if pairs.is_empty() {
                return Ok(());
            }
            let under_way: Vec<_> =
                pairs.iter().filter_map(|(key, value)| Deletion::read_under_way(key, value)).collect();
            tracing::info!(count = under_way.len(), "deletions that were interrupted are finished");
            match finish(self, under_way).await {
                Ok(()) => {}
                Err(Hindered::Store(refused)) => return Err(refused),
                Err(hindered) => {
                    tracing::error!(%hindered, "a deletion could not be finished; the next start tries again")
                }
            }
        }
    }
}
