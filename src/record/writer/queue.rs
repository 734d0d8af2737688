//! What waits to be written to one volume, and who is refused.
//!
//! | room that is used | refused |
//! |---|---|
//! | more than a half, and so on up to all of it | priority 1, and so on up to 9 |
//! | by one camera: its share, at least 4 MiB | that camera, while anything of it waits |
//!
//! The disk's trouble is kept here, too, so that a camera is refused at once and not after a wait.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    super::{GapCause, SegmentKey},
    Written,
};
use crate::id::CameraId;

/// A camera may hold so much of the room, however many cameras there are: a large key frame behind a few fragments.
const SHARE_MIN: usize = 4 << 20;
/// Small jobs count as so much: what they hold in memory.
const JOB_LEN: usize = 256;

/// Which segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) camera: CameraId,
    pub(super) key: SegmentKey,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Job {
    Open { place: Place, path: PathBuf, init: Bytes, done: oneshot::Sender<Written> },
    Append { place: Place, bytes: Bytes },
    Close { place: Place },
}

/// Jobs of one volume, in order.
#[derive(Debug)]
pub(super) struct Queue {
    bytes_max: usize,
    share_max: usize,
    inner: Mutex<Inner>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    jobs: VecDeque<(Job, usize)>,
    /// Of what waits and of what is being written.
    bytes: usize,
    held: HashMap<CameraId, usize>,
    trouble: Option<Trouble>,
    /// Cameras with a lower priority are refused: the volume is full.
    below: u8,
    sheds: u64,
    is_closed: bool,
}

/// The disk does not take anything.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    cause: GapCause,
    /// When one file may be tried again.
    retry_at: Instant,
    wait: Duration,
}

/// A job under work. Its room is free once this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    queue: &'a Queue,
    camera: CameraId,
    len: usize,
}

/// What a wait brought.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Job(Job, Taken<'a>),
    /// Nothing for so long.
    Nothing,
    /// The last job is done, and none will come.
    Closed,
}

impl Queue {
    pub(super) fn new(bytes_max: usize, cameras: usize) -> Self {
        let share_max = (bytes_max / cameras.max(1)).max(SHARE_MIN);
        Self { bytes_max, share_max, inner: Mutex::default(), ready: Condvar::new() }
    }

    /// Guards the bookkeeping alone, never held while anything is written; a panic elsewhere cannot leave it half-done.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job with so many bytes, or says why not.
    pub(super) fn try_put(
        &self,
        camera: &CameraId,
        priority: u8,
        len: usize,
        job: Job,
    ) -> Result<(), GapCause> {
        let len = len + JOB_LEN;
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(GapCause::Stopped);
        }
        if priority < inner.below {
            return Err(GapCause::DiskFull);
        }
        let now = Instant::now();
        if let (Job::Open { .. }, Some(trouble)) = (&job, &mut inner.trouble) {
            if now < trouble.retry_at {
                return Err(trouble.cause);
            }
            // One goes and tries; the others wait for what comes of it.
            trouble.retry_at = now + trouble.wait;
        }
        let held = inner.held.get(camera).copied().unwrap_or_default();
        let is_share_spent = held > 0 && held + len > self.share_max;
        let allowed = self.bytes_max / 2 + self.bytes_max / 2 * usize::from(priority.min(9)) / 9;
        if is_share_spent || (inner.bytes > 0 && inner.bytes + len > allowed) {
            inner.sheds += 1;
            return Err(GapCause::Shed);
        }
        inner.push(camera, len, job);
        drop(inner);
        self.ready.notify_one();
        Ok(())
    }

    /// Puts a job that holds next to nothing, and frees what others hold.
    pub(super) fn put_always(&self, job: Job) {
        let camera = job.place().camera.clone();
        self.lock().push(&camera, JOB_LEN, job);
        self.ready.notify_one();
    }

    /// Waits for the next job, for so long at most.
    pub(super) fn next(&self, patience: Duration) -> Next<'_> {
        let inner = self.lock();
        let is_idle = |inner: &mut Inner| inner.jobs.is_empty() && !inner.is_closed;
        let (mut inner, _) =
            self.ready.wait_timeout_while(inner, patience, is_idle).unwrap_or_else(PoisonError::into_inner);
        match inner.jobs.pop_front() {
            Some((job, len)) => {
                let camera = job.place().camera.clone();
                Next::Job(job, Taken { queue: self, camera, len })
            }
            None if inner.is_closed => Next::Closed,
            None => Next::Nothing,
        }
    }

    /// The disk gave trouble: files are refused, but for one now and then.
    pub(super) fn trouble(&self, cause: GapCause, first: Duration, most: Duration) {
        let mut inner = self.lock();
        let wait = inner.trouble.map_or(first, |trouble| (trouble.wait * 2).min(most));
        inner.trouble = Some(Trouble { cause, retry_at: Instant::now() + wait, wait });
    }

    /// The disk takes what it is given.
    pub(super) fn well(&self) {
        self.lock().trouble = None;
    }

    /// Cameras with a lower priority are refused.
    pub(super) fn press(&self, below: u8) {
        self.lock().below = below;
    }

    /// How often somebody was refused since the disk was too slow.
    pub(super) fn sheds(&self) -> u64 {
        self.lock().sheds
    }

    /// Nothing more is taken; what waits is still written.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.ready.notify_all();
    }
}

impl Inner {
    fn push(&mut self, camera: &CameraId, len: usize, job: Job) {
        self.bytes += len;
        *self.held.entry(camera.clone()).or_default() += len;
        self.jobs.push_back((job, len));
    }
}

impl Job {
    fn place(&self) -> &Place {
        match self {
            Self::Open { place, .. } | Self::Append { place, .. } | Self::Close { place } => place,
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut inner = self.queue.lock();
        inner.bytes -= self.len;
        if let Some(held) = inner.held.get_mut(&self.camera) {
            *held -= self.len;
            if *held == 0 {
                inner.held.remove(&self.camera);
            }
        }
    }
}
