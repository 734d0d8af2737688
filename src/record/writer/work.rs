//! The thread of one volume: jobs become files.
//!
//! Owns what is done when the disk is full or fails: the file is cut back to its last whole fragment and closed, its recorder is told, and others are refused
//! until a file is written again.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    super::GapCause,
    Written,
    files::Files,
    queue::{Job, Next, Place, Queue},
};
use crate::{
    config::Volume,
    id::VolumeId,
    metrics::{Metrics, OfVolume, VolumeMetrics},
};

/// A disk in trouble is tried again after this time, then after twice as long, and so on.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// How often the free room is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often it is said that a disk gives trouble.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// The work of one volume.
pub(super) struct Work<D: Files> {
    disk: D,
    id: VolumeId,
    path: PathBuf,
    keep_free: u64,
    queue: Arc<Queue>,
    open: HashMap<Place, Open<D::File>>,
    metrics: VolumeMetrics,
    looked: Option<Instant>,
    is_full: bool,
    alarm: Alarm,
    slow: Alarm,
    sheds_told: u64,
}

/// A file that is being written.
struct Open<F> {
    file: F,
    path: PathBuf,
    /// Up to its last whole fragment.
    len: u64,
    fragments: usize,
    done: oneshot::Sender<Written>,
}

/// Says the same thing once, and again after a while.
#[derive(Default)]
struct Alarm {
    told: Option<Instant>,
}

impl<D: Files> Work<D> {
    pub(super) fn new(disk: D, volume: &Volume, queue: Arc<Queue>, metrics: &Metrics) -> Self {
        Self {
            disk,
            id: volume.id.clone(),
            path: volume.path.clone(),
            keep_free: volume.keep_free,
            queue,
            open: HashMap::new(),
            metrics: metrics.of_volume(&OfVolume::from(&volume.id)),
            looked: None,
            is_full: false,
            alarm: Alarm::default(),
            slow: Alarm::default(),
            sheds_told: 0,
        }
    }

    /// Works until the queue is closed and empty; then closes what is open.
    pub(super) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        loop {
            match queue.next(LOOK_EVERY) {
                Next::Job(job, taken) => {
                    self.job(job);
                    drop(taken);
                }
                Next::Nothing => {}
                Next::Closed => break,
            }
            self.look();
        }
        let left: Vec<Place> = self.open.keys().cloned().collect();
        left.into_iter().for_each(|place| self.close(&place));
    }

    fn job(&mut self, job: Job) {
        match job {
            Job::Open { place, path, init, done } => self.create(place, path, &init, done),
            Job::Append { place, bytes } => self.append(&place, &bytes),
            Job::Close { place } => self.close(&place),
        }
    }

    fn create(&mut self, place: Place, path: PathBuf, init: &Bytes, done: oneshot::Sender<Written>) {
        if self.is_full {
            self.queue.trouble(GapCause::DiskFull, RETRY.0, RETRY.1);
            answer(done, 0, Some(GapCause::DiskFull));
            return;
        }
        let began = Instant::now();
        let disk = &mut self.disk;
        let created = disk.create(&path).and_then(|mut file| {
            let written = disk.write(&mut file, init);
            // A head without pictures is of no use to anybody.
            written.inspect_err(|_| drop(disk.remove(&path)))?;
            Ok(file)
        });
        self.metrics.seconds.inc_by(began.elapsed().as_secs_f64());
        match created {
            Ok(file) => {
                let open = Open { file, path, len: init.len() as u64, fragments: 0, done };
                self.open.insert(place, open);
            }
            Err(error) => {
                let cause = self.trouble(&error);
                answer(done, 0, Some(cause));
            }
        }
    }

    fn append(&mut self, place: &Place, bytes: &Bytes) {
        // Its file was given up.
        let Some(open) = self.open.get_mut(place) else { return };
        let began = Instant::now();
        let written = self.disk.write(&mut open.file, bytes);
        self.metrics.seconds.inc_by(began.elapsed().as_secs_f64());
        match written {
            Ok(()) => {
                open.len += bytes.len() as u64;
                open.fragments += 1;
                self.metrics.bytes.inc_by(bytes.len() as u64);
                self.metrics.fragments.inc();
                self.well();
            }
            Err(error) => {
                let cause = self.trouble(&error);
                self.give_up(place, cause);
            }
        }
    }

    fn close(&mut self, place: &Place) {
        let Some(mut open) = self.open.remove(place) else { return };
        if open.fragments == 0 {
            self.discard(open, None);
            return;
        }
        let synced = self.sync(&mut open.file);
        match synced {
            Ok(()) => {
                self.metrics.segments.inc();
                answer(open.done, open.fragments, None);
            }
            Err(error) => {
                // What a failed sync has left on the disk, nobody knows (and asking again does not help): what is there is found at the next start.
                let cause = self.trouble(&error);
                answer(open.done, 0, Some(cause));
            }
        }
    }

    /// A file that cannot be gone on with ends behind its last whole fragment.
    fn give_up(&mut self, place: &Place, cause: GapCause) {
        let Some(mut open) = self.open.remove(place) else { return };
        if open.fragments == 0 {
            self.discard(open, Some(cause));
            return;
        }
        let cut = self.disk.cut(&mut open.file, open.len).and_then(|()| self.sync(&mut open.file));
        match cut {
            Ok(()) => answer(open.done, open.fragments, Some(cause)),
            Err(_) => answer(open.done, 0, Some(cause)),
        }
    }

    /// There is no fragment in it.
    fn discard(&mut self, open: Open<D::File>, trouble: Option<GapCause>) {
        drop(open.file);
        // What stays behind is found at the next start.
        let _ = self.disk.remove(&open.path);
        answer(open.done, 0, trouble);
    }

    fn sync(&mut self, file: &mut D::File) -> io::Result<()> {
        let began = Instant::now();
        let synced = self.disk.sync(file);
        self.metrics.syncs.inc();
        self.metrics.seconds.inc_by(began.elapsed().as_secs_f64());
        synced
    }

    /// Looks at the room now and then, and says what is wrong.
    fn look(&mut self) {
        let now = Instant::now();
        if self.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        // A folder that is not there yet has room.
        let free = self.disk.free().unwrap_or(u64::MAX);
        let was_full = std::mem::replace(&mut self.is_full, free < self.keep_free);
        if self.is_full {
            self.spent(free);
        } else if was_full {
            self.queue.well();
        }
        let sheds = self.queue.sheds();
        self.metrics.sheds.inc_by(sheds - self.metrics.sheds.get());
        if sheds > self.sheds_told && self.slow.is_due(now) {
            let refused = sheds - std::mem::replace(&mut self.sheds_told, sheds);
            tracing::error!(volume = %self.id, path = %self.path.display(), refused, "the disk is too slow for what is recorded: cameras of low priority are not recorded now and then; record fewer or smaller streams, or add a volume");
        }
    }

    /// There is less room than is to stay free: what is open ends here.
    fn spent(&mut self, free: u64) {
        self.queue.trouble(GapCause::DiskFull, RETRY.0, RETRY.1);
        let open: Vec<Place> = self.open.keys().cloned().collect();
        open.iter().for_each(|place| self.give_up(place, GapCause::DiskFull));
        self.metrics.stuck.set(1);
        if self.alarm.is_due(Instant::now()) {
            tracing::error!(volume = %self.id, path = %self.path.display(), free, keep_free = self.keep_free, "the disk is full: nothing is recorded on it until there is room; delete what else lies there, or lower keep_min or keep_free");
        }
    }

    fn trouble(&mut self, error: &io::Error) -> GapCause {
        let cause = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => GapCause::DiskFull,
            _ => GapCause::DiskFailed,
        };
        self.queue.trouble(cause, RETRY.0, RETRY.1);
        self.metrics.stuck.set(1);
        if self.alarm.is_due(Instant::now()) {
            tracing::error!(volume = %self.id, path = %self.path.display(), %error, "recordings cannot be written: what is missing is on record, and it is tried again for ever");
        }
        cause
    }

    /// Something was written.
    fn well(&mut self) {
        if self.metrics.stuck.get() == 0 || self.is_full {
            return;
        }
        self.metrics.stuck.set(0);
        self.queue.well();
        self.alarm = Alarm::default();
        tracing::info!(volume = %self.id, "recordings are written again");
    }
}

impl Alarm {
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = self.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY);
        if is_due {
            self.told = Some(now);
        }
        is_due
    }
}

/// A recorder that is gone needs no answer.
fn answer(done: oneshot::Sender<Written>, fragments: usize, trouble: Option<GapCause>) {
    let _ = done.send(Written { fragments, trouble });
}
