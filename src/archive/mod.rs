//! What is recorded where, what is missing and why, and what may be deleted when.
//!
//! ```text
//! recorder ─Entry─▶ Archivist ─note─▶ store: heads of segments, gaps, holds, deletions
//! recovery ─Entry─▶    │  └─▶ {volume}/{camera}/{day}/fragments.log
//!                      └─ janitor: retention ─▶ files deleted, Pressure ─▶ writer
//! pages, evidence ◀─ Catalog (reads) · Archive (reads, holds)
//! ```
//! The store keeps a head a segment (220 bytes with its place on the shelf, a kilobyte as the store lays them out), with one hash over the hashes
//! of its fragments. The table of its fragments lies beside the recording and is proven by that hash; where it is lost it is made anew from the
//! recording. So a fleet of 778 cameras costs the store some 10 GB in 90 days, and not another 130 GB of tables, or several times that.
//!
//! Owns what is known of recordings and what becomes of them. How they are made is `record`'s; who may read, hold or release is the
//! pages'. One task, the archivist, writes and deletes, so that nothing is deleted while it is being held.

mod archivist;
mod audit;
mod coverage;
mod days;
mod deleting;
mod deletion;
mod file;
mod film;
mod gap;
mod head;
mod hold;
mod janitor;
mod keys;
mod left;
mod pressure;
mod read;
mod recovery;
mod retention;
mod showing;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod varint;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::{mpsc, oneshot, watch};

pub use self::{
    archivist::{Archivist, Started},
    audit::{Depth, Finding, Summary, audit},
    coverage::{SLACK, Stretch, What, cover},
    deletion::Deletion,
    film::{Film, Reel},
    gap::{GAPS_MAX, GapPage, GapPlace, Question},
    head::Recorded,
    hold::{Hold, HoldError, NewHold, Release},
    left::Left,
    read::{Catalog, ReadError, SEGMENTS_MAX, SegmentPage},
    recovery::Recovery,
    retention::{Keep, Rule, Rules},
    showing::{FILM_MAX, NoFilm},
    table::TABLE_NAME,
};
use crate::{
    id::{HoldId, VolumeId},
    record::{Gap, Segment},
    store::Refused,
};

/// Entries that wait for the archivist, at most; then whoever sends waits, or keeps what is to be sent.
pub const ENTRIES_MAX: usize = 4096;

/// What the recorder tells the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A segment is closed, and on the disk.
    Segment(Segment),
    /// There is no recording of a time. Told again with the same camera and begin, and a later end, as long as it lasts.
    Gap(Gap),
}

/// The way to the archivist: written within a second or so. Its channel holds [`ENTRIES_MAX`]. A segment that could not be sent is found at the next
/// start.
pub type Sender = mpsc::Sender<Entry>;

/// How much room a volume has. Told through [`Archive::pressure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Enough.
    Fine,
    /// Little: what is beyond its floor is being deleted, oldest first.
    Short,
    /// None, and nothing may be deleted: recording stops.
    Full {
        /// Cameras with a priority below it (2..=10) are not recorded; at 10, none is.
        below: u8,
    },
}

impl Pressure {
    /// Whether a camera of `priority` (1..=9) is recorded.
    pub fn allows(self, priority: u8) -> bool {
        !matches!(self, Self::Full { below } if priority < below)
    }
}

/// The archive of a daemon at work: reading ([`Catalog`]), holding, and how full the volumes are. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Archive {
    catalog: Catalog,
    orders: mpsc::Sender<Order>,
    pressure: Arc<BTreeMap<VolumeId, watch::Receiver<Pressure>>>,
}

/// What the archivist is asked to do.
#[derive(Debug)]
enum Order {
    Hold { hold: NewHold, answer: oneshot::Sender<Result<Hold, HoldError>> },
    Release { id: HoldId, by: String, why: String, answer: oneshot::Sender<Result<Hold, HoldError>> },
    Lost { segment: Recorded, answer: oneshot::Sender<Result<(), Refused>> },
}

impl Archive {
    /// What is known of recordings.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// How much room a volume has, and every change of it; `None` where no such volume is configured.
    pub fn pressure(&self, volume: &VolumeId) -> Option<watch::Receiver<Pressure>> {
        self.pressure.get(volume).cloned()
    }

    /// Keeps from being deleted what was recorded in a range, and what will be. Once it returns it is on record, and nothing of it is
    /// deleted any more.
    pub async fn hold(&self, hold: NewHold) -> Result<Hold, HoldError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Hold { hold, answer }).await.map_err(|_| HoldError::Stopped)?;
        answered.await.unwrap_or(Err(HoldError::Stopped))
    }

    /// Ends a hold; `by` and `why` stay on record with it.
    pub async fn release(&self, id: HoldId, by: String, why: String) -> Result<Hold, HoldError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Release { id, by, why, answer }).await.map_err(|_| HoldError::Stopped)?;
        answered.await.unwrap_or(Err(HoldError::Stopped))
    }

    /// Puts on record that a segment's file is gone and nobody knows why: its time becomes a gap ([`crate::record::GapCause::Missing`]). For whoever finds that
    /// out; that the whole volume is away is no reason.
    pub async fn lost(&self, segment: Recorded) -> Result<(), Refused> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Lost { segment, answer }).await.map_err(|_| Refused::Stopped)?;
        answered.await.unwrap_or(Err(Refused::Stopped))
    }
}
