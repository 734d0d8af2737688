//! The archive over a simulated store and real folders.

mod keeping;
mod recovering;
mod retaining;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::civil::date;
use tokio::sync::watch;

use super::*;
use crate::{
    archive::{deletion::Deletion, keys::Stage, tally::Tally},
    config::{self, Config, StreamRole, Volume},
    id::{CameraId, Mint, VolumeId},
    metrics::Metrics,
    record::{Fragment, GapCause},
    store::{Desk, DeskThread, Outbox, SimDisk, SimLedger},
    time::{Clock, Trust, Wall},
};

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// An archive in a folder of its own.
pub(super) struct World {
    _folder: tempfile::TempDir,
    pub(super) disk: SimDisk,
    pub(super) config: Config,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    pub(super) trust: watch::Sender<Trust>,
}

/// One life of a daemon.
pub(super) struct Life {
    pub(super) archive: Archive,
    pub(super) archivist: Archivist,
    pub(super) thread: DeskThread,
}

impl World {
    pub(super) fn new(bytes_max: Option<u64>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config =
            config::parse(config::demo_toml(), "demo.toml", Path::new("config"), &config::Machine)
                .expect("the demo is valid");
        config.volumes =
            vec![Arc::new(Volume { id: volume(), path: folder.path().join("v"), keep_free: 0, bytes_max })];
        for camera in ["gate", "road"] {
            let known = (*config.cameras[0]).clone();
            let record =
                config::RecordPolicy { keep_min: 24 * HOUR, keep_max: 48 * HOUR, ..known.record.clone() };
            config.cameras.push(Arc::new(config::Camera { id: id(camera), record, ..known }));
        }
        config.recording.keep_min = 24 * HOUR;
        config.recording.keep_max = 48 * HOUR;
        let trust = watch::Sender::new(Trust::Believed);
        Self {
            _folder: folder,
            disk: SimDisk::new(),
            config,
            metrics: Metrics::new(),
            clock: Clock::start(),
            trust,
        }
    }

    pub(super) async fn begin(&self) -> Life {
        let outbox = Outbox::open(SimLedger::open(&self.disk)).expect("opens");
        let (desk, thread) = Desk::start(outbox, self.metrics.clone()).expect("starts");
        let (metrics, mint) = (self.metrics.clone(), Mint::seeded(1));
        let started = Archivist::start(desk, &self.config, self.clock, self.trust.subscribe(), metrics, mint);
        let Started { archive, archivist, .. } = started.await.expect("starts");
        Life { archive, archivist, thread }
    }

    pub(super) fn volume(&self) -> PathBuf {
        self.config.volumes[0].path.clone()
    }

    /// So many hours ago.
    pub(super) fn ago(&self, hours: u32) -> Wall {
        Wall::from_unix_us(self.clock.now().wall.unix_us() - (HOUR * hours).as_micros() as i64)
    }

    /// A segment of an hour with a file of `bytes` bytes.
    pub(super) fn segment(&self, camera: &str, from: Wall, bytes: u64) -> Segment {
        let day = days::day_of(from);
        let path = PathBuf::from(format!("{camera}/{day}/{}.mp4", from.unix_us()));
        let file = self.volume().join(&path);
        fs::create_dir_all(file.parent().expect("it has one")).expect("a folder");
        fs::write(&file, vec![7; bytes as usize]).expect("a file");
        let fragment = |offset: u64, len: u64, after: Duration| Fragment {
            offset,
            len: len as u32,
            from: from.after(after),
            length: HOUR / 2,
            is_key: true,
            sha256: [offset as u8; 32],
        };
        let half = bytes / 2;
        Segment {
            camera: id(camera),
            role: StreamRole::Main,
            volume: volume(),
            path,
            from,
            to: from.after(HOUR),
            bytes,
            init_len: 0,
            init_sha256: [1; 32],
            fragments: vec![fragment(0, half, Duration::ZERO), fragment(half, bytes - half, HOUR / 2)],
            skew_ms: Some(-3),
        }
    }
}

impl Life {
    pub(super) async fn tell(&mut self, entries: impl IntoIterator<Item = Entry>) {
        self.archivist.waiting.extend(entries);
        self.archivist.write().await;
    }

    pub(super) async fn end(self) {
        drop(self.archivist);
        self.thread.stop(Duration::ZERO).await;
    }

    pub(super) async fn begins(&self, camera: &str) -> Vec<Wall> {
        let (from, to) = (Wall::from_unix_us(0), Wall::from_unix_us(i64::MAX));
        let page = self.archive.catalog().segments(&id(camera), from, to).await.expect("reads");
        page.segments.into_iter().map(|segment| segment.from).collect()
    }
}

pub(super) fn id(text: &str) -> CameraId {
    text.parse().expect("an id")
}

pub(super) fn volume() -> VolumeId {
    VolumeId::usual()
}

fn segments(world: &World, camera: &str, hours_ago: &[u32]) -> Vec<Segment> {
    hours_ago.iter().map(|&hours| world.segment(camera, world.ago(hours), 1000)).collect()
}
