//! Writers: one thread a volume, which alone touches its files.
//!
//! ```text
//! Recorder ─Pen─▶ Queue (64 MiB a volume, refuses) ─▶ record-VOLUME: create · write · fdatasync ─Written─▶ Recorder
//! ```
//! A slow disk never stalls anybody else: what does not fit into the queue is refused, low priorities first. A disk that is full or fails is tried again for
//! ever, and said. Owns the files while they are written; what is in them belongs to the recorder, and when they are deleted to the archive.

mod files;
mod queue;
#[cfg(test)]
mod tests;
mod work;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, thread};

use bytes::Bytes;
use tokio::sync::oneshot;

use self::{
    files::Disk,
    queue::{Job, Place, Queue},
    work::Work,
};
use super::{GapCause, SegmentKey};
use crate::{
    config::{Camera, Config, Volume},
    id::{CameraId, VolumeId},
    metrics::Metrics,
};

/// Bytes of one volume that wait to be written.
pub(super) const WAITING_MAX: usize = 64 << 20;

/// The writer's last word on a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// So many of its fragments are on the disk, synced; the file ends behind the last of them.
    pub fragments: usize,
    /// What was in the way, where not all are.
    pub trouble: Option<GapCause>,
}

/// The writers of all volumes.
#[derive(Debug)]
pub struct Writers {
    all: BTreeMap<VolumeId, Writer>,
}

/// The writer of one volume. Stop it after those who write.
#[derive(Debug)]
pub struct Writer {
    queue: Arc<Queue>,
    thread: thread::JoinHandle<()>,
}

/// How a writer is told how full its volume is.
#[derive(Debug)]
pub struct Valve(Arc<Queue>);

impl Valve {
    /// From whoever deletes there: cameras with a priority below `below` (1..=10) are refused as on a full disk.
    pub fn press(&self, below: u8) {
        self.0.press(below);
    }
}

/// What one camera writes with. Never waits.
#[derive(Debug, Clone)]
pub struct Pen {
    queue: Arc<Queue>,
    camera: CameraId,
    priority: u8,
}

impl Writers {
    /// A writer for each volume on which a camera is recorded.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(config: &Config, metrics: &Metrics) -> io::Result<Self> {
        let recorded = |volume: &Volume| {
            let on = |camera: &&Arc<Camera>| {
                camera.record.volume == volume.id && super::Recorder::wants_stream(camera)
            };
            config.cameras.iter().filter(on).count()
        };
        let all = config
            .volumes
            .iter()
            .map(|volume| (volume, recorded(volume)))
            .filter(|(_, cameras)| *cameras > 0)
            .map(|(volume, cameras)| Ok((volume.id.clone(), Writer::start(volume, cameras, metrics)?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { all })
    }

    /// What a camera writes with; `None` where it is not recorded.
    pub fn pen(&self, camera: &Camera) -> Option<Pen> {
        let writer = self.all.get(&camera.record.volume)?;
        super::Recorder::wants_stream(camera).then(|| writer.pen(camera.id.clone(), camera.record.priority))
    }

    /// The writers, by volume.
    pub fn iter(&self) -> impl Iterator<Item = (&VolumeId, &Writer)> {
        self.all.iter()
    }

    /// Writes what waits, closes all files, and ends the threads. Blocks.
    pub fn stop(self) {
        self.all.into_values().for_each(Writer::stop);
    }
}

impl Writer {
    /// Starts the thread `record-VOLUME`, for so many cameras. The volume's folder is made when it is needed.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(volume: &Volume, cameras: usize, metrics: &Metrics) -> io::Result<Self> {
        Self::over(Disk::new(volume.path.clone()), volume, cameras, metrics)
    }

    fn over<D: files::Files + 'static>(
        disk: D,
        volume: &Volume,
        cameras: usize,
        metrics: &Metrics,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(WAITING_MAX, cameras));
        let work = Work::new(disk, volume, Arc::clone(&queue), metrics);
        let name = format!("record-{}", volume.id);
        let thread = thread::Builder::new().name(name).spawn(move || work.run())?;
        Ok(Self { queue, thread })
    }

    /// What a camera writes with.
    pub fn pen(&self, camera: CameraId, priority: u8) -> Pen {
        Pen { queue: Arc::clone(&self.queue), camera, priority }
    }

    /// Where the writer is told how full the volume is.
    pub fn valve(&self) -> Valve {
        Valve(Arc::clone(&self.queue))
    }

    /// Writes what waits, closes all files, and ends the thread. Blocks.
    pub fn stop(self) {
        self.queue.close();
        if self.thread.join().is_err() {
            tracing::error!("a thread that writes recordings panicked; what it had written is on the disk");
        }
    }
}

impl Pen {
    /// Begins a file below the volume's folder. The answer comes once, when the writer is done with it: behind [`Self::close`], or when the disk gives trouble.
    ///
    /// # Errors
    /// There is no room, or the disk gives trouble: nothing is begun.
    pub fn open(
        &self,
        key: SegmentKey,
        path: PathBuf,
        init: Bytes,
    ) -> Result<oneshot::Receiver<Written>, GapCause> {
        let (done, word) = oneshot::channel();
        self.put(init.len(), Job::Open { place: self.place(key), path, init, done })?;
        Ok(word)
    }

    /// Appends a fragment to a file that was begun.
    ///
    /// # Errors
    /// There is no room. Nothing may be appended behind what was refused.
    pub fn append(&self, key: SegmentKey, bytes: Bytes) -> Result<(), GapCause> {
        self.put(bytes.len(), Job::Append { place: self.place(key), bytes })
    }

    /// Nothing more will come: the file is synced and closed.
    pub fn close(&self, key: SegmentKey) {
        self.queue.put_always(Job::Close { place: self.place(key) });
    }

    fn place(&self, key: SegmentKey) -> Place {
        Place { camera: self.camera.clone(), key }
    }

    fn put(&self, len: usize, job: Job) -> Result<(), GapCause> {
        self.queue.try_put(&self.camera, self.priority, len, job)
    }
}
