//! The archivist: the one task that writes and deletes.
//!
//! Owns what waits to be put on record, the holds in force and the tallies of the volumes. It writes every second or so, many entries at once; while
//! the store is stuck it takes on no more, so that the recorder keeps what it has to tell. When what is deleted is the janitor's half (`janitor`).

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::{
    Archive, Catalog, ENTRIES_MAX, Entry, Hold, HoldError, NewHold, Order, Release, Sender, gap,
    head::{OnShelf, Recorded, TableAt},
    hold::check_text,
    janitor::Janitor,
    keys, table,
    tally::Tally,
};
use crate::{
    config::Config,
    id::{HoldId, Mint, VolumeId},
    metrics::Metrics,
    record::{Gap, GapCause, Segment},
    store::{Desk, Refused, Write},
    time::{Clock, Trust},
};

/// How often what waits is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Entries in one note: some 60 KB.
const NOTE_MAX: usize = 256;
/// Entries that are taken on while others wait for the store; then they wait in their channel.
const WAITING_MAX: usize = 2 * NOTE_MAX;
/// How long the store may take for a note; then it is tried again later.
const NOTE_WITHIN: Duration = Duration::from_secs(5);
/// How often the volumes are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Holds and releases that wait for the archivist.
const ORDERS_MAX: usize = 16;
/// Holds in force, at most.
const HOLDS_MAX: usize = 10_000;

/// Puts on record, holds and deletes.
#[derive(Debug)]
pub struct Archivist {
    pub(super) catalog: Catalog,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    /// In force.
    pub(super) holds: Vec<Hold>,
    pub(super) tallies: BTreeMap<VolumeId, Tally>,
    janitor: Janitor,
    orders: mpsc::Receiver<Order>,
    pub(super) waiting: VecDeque<Entry>,
    /// Made of what waited, and not on record yet.
    note: Option<Vec<Write>>,
    mint: Mint,
}

/// What the daemon needs of the archive.
#[derive(Debug)]
pub struct Started {
    /// For pages and the writer.
    pub archive: Archive,
    /// For the recorder.
    pub entries: Sender,
    /// To be run with [`Archivist::run`].
    pub archivist: Archivist,
    /// The other end of `entries`.
    pub told: mpsc::Receiver<Entry>,
}

impl Archivist {
    /// Reads what is held and how much lies on each volume, and finishes the deletions that the last kill interrupted.
    pub async fn start(
        desk: Desk,
        config: &Config,
        clock: Clock,
        trust: watch::Receiver<Trust>,
        metrics: Metrics,
        mint: Mint,
    ) -> Result<Started, Refused> {
        let catalog = Catalog::new(desk, config);
        let mut holds = catalog.holds().await?;
        holds.retain(|hold| hold.release.is_none());
        let tallies = catalog.tallies().await?;
        let (janitor, pressure) = Janitor::new(&catalog, config, clock.now(), trust).await?;
        let (orders_tx, orders) = mpsc::channel(ORDERS_MAX);
        let (entries, told) = mpsc::channel(ENTRIES_MAX);
        let archive = Archive { catalog: catalog.clone(), orders: orders_tx, pressure: Arc::new(pressure) };
        let (waiting, note) = (VecDeque::new(), None);
        let mut archivist =
            Self { catalog, clock, metrics, holds, tallies, janitor, orders, waiting, note, mint };
        archivist.finish_interrupted().await?;
        Ok(Started { archive, entries, archivist, told })
    }

    /// Works until every sender of entries is gone, then writes what waits.
    pub async fn run(mut self, mut told: mpsc::Receiver<Entry>) {
        let (mut write, mut sweep) = (interval(WRITE_EVERY), interval(SWEEP_EVERY));
        for tick in [&mut write, &mut sweep] {
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut taken = Vec::with_capacity(NOTE_MAX);
        loop {
            tokio::select! {
                biased;
                Some(order) = self.orders.recv() => self.obey(order).await,
                _ = write.tick() => self.write().await,
                count = told.recv_many(&mut taken, NOTE_MAX), if self.waiting.len() < WAITING_MAX => match count {
                    0 => break,
                    _ => self.waiting.extend(taken.drain(..)),
                },
                _ = sweep.tick() => self.sweep().await,
            }
        }
        self.write().await;
        if self.note.is_some() || !self.waiting.is_empty() {
            let waiting = self.waiting.len();
            tracing::error!(
                waiting,
                "the store did not take the last entries of the archive: the next start looks at the files instead"
            );
        }
    }

    /// Writes what waits. What cannot be written goes on waiting.
    pub(super) async fn write(&mut self) {
        while self.note.is_some() || !self.waiting.is_empty() {
            if self.note.is_none() {
                match self.draft().await {
                    Ok(note) => self.note = Some(note),
                    Err(refused) => {
                        tracing::debug!(%refused, "recordings wait to be put on record");
                        return;
                    }
                }
            }
            let Some(note) = self.note.clone() else { return };
            if let Err(refused) = self.put(note).await {
                tracing::debug!(%refused, waiting = self.waiting.len(), "recordings wait to be put on record");
                return;
            }
            self.note = None;
        }
    }

    /// Makes a note of what waits. Where it cannot, nothing has changed.
    async fn draft(&mut self) -> Result<Vec<Write>, Refused> {
        let count = self.waiting.len().min(NOTE_MAX);
        // The same segment may be told twice: it is one all the same.
        let mut segments: BTreeMap<Vec<u8>, Segment> = BTreeMap::new();
        let mut writes = Vec::with_capacity(3 * count);
        for entry in self.waiting.iter().take(count) {
            match entry {
                Entry::Segment(segment) => {
                    let key = keys::segment(&segment.camera, segment.from, segment.role);
                    segments.insert(key, segment.clone());
                }
                Entry::Gap(gap) if gap.from < gap.to => writes.push(gap::keep(gap)),
                Entry::Gap(_) => {}
            }
        }
        let mut before = Vec::new();
        for key in segments.keys() {
            let known = self.catalog.desk().range(key.clone(), keys::behind(key), 1).await?;
            before.extend(known.iter().filter_map(|(key, value)| Recorded::decode(key, value)));
        }
        for head in before {
            self.tally(&head.volume).take(head.bytes);
            writes.push(Write::Delete(keys::shelf(&head.volume, &head.camera, head.from, head.role)));
        }
        let segments: Vec<Segment> = segments.into_values().collect();
        let tables = self.keep_tables(&segments).await;
        for (segment, table) in segments.iter().zip(tables) {
            let head = Recorded::of(segment, table);
            let shelf = keys::shelf(&head.volume, &head.camera, head.from, head.role);
            self.tally(&head.volume).add(head.bytes);
            writes.push(Write::Put(shelf, OnShelf::of(&head).encode()));
            writes.push(Write::Put(head.key(), head.encode()));
        }
        self.metrics.segments_recorded.inc_by(segments.len() as u64);
        writes.extend(self.tallies.iter().map(|(volume, tally)| tally.keep(volume)));
        self.waiting.drain(..count);
        Ok(writes)
    }

    /// Appends tables beside the recordings. One that cannot be kept is made anew from the recording when it is asked for.
    async fn keep_tables(&self, segments: &[Segment]) -> Vec<Option<TableAt>> {
        let mut files: BTreeMap<PathBuf, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
        for (place, segment) in segments.iter().enumerate() {
            if let Some(folder) = self.catalog.folder(&segment.volume) {
                let file = table::file_of(folder, &segment.path);
                files.entry(file).or_default().push((place, table::encode(&segment.fragments)));
            }
        }
        let mut places = vec![None; segments.len()];
        let kept = tokio::task::spawn_blocking(move || {
            let mut kept = Vec::new();
            for (file, tables) in files {
                let (which, tables): (Vec<usize>, Vec<Vec<u8>>) = tables.into_iter().unzip();
                match table::append(&file, &tables) {
                    Ok(places) => kept.extend(which.into_iter().zip(places)),
                    Err(error) => {
                        tracing::warn!(file = %file.display(), %error, "a table of fragments could not be kept; it is made anew where it is asked for")
                    }
                }
            }
            kept
        });
        for (which, place) in kept.await.unwrap_or_default() {
            places[which] = Some(place);
        }
        places
    }

    /// Looks after the volumes.
    pub(super) async fn sweep(&mut self) {
        let mut janitor = std::mem::take(&mut self.janitor);
        janitor.sweep(self).await;
        self.janitor = janitor;
    }

    async fn obey(&mut self, order: Order) {
        // Who asked may be gone; what was asked is done all the same.
        match order {
            Order::Hold { hold, answer } => drop(answer.send(self.hold(hold).await)),
            Order::Release { id, by, why, answer } => drop(answer.send(self.release(id, by, why).await)),
            Order::Lost { segment, answer } => drop(answer.send(self.lose(&segment).await)),
        }
    }

    pub(super) async fn hold(&mut self, what: NewHold) -> Result<Hold, HoldError> {
        what.check()?;
        if self.holds.len() >= HOLDS_MAX {
            return Err(HoldError::TooMany(self.holds.len()));
        }
        let now = self.clock.now().wall;
        let hold = Hold { id: self.mint.hold(now), made_at: now, what, release: None };
        self.put(vec![Write::Put(keys::hold(hold.id), hold.encode())]).await?;
        tracing::info!(hold = %hold.id, camera = %hold.what.camera, from = %hold.what.from, to = %hold.what.to, "recordings are held");
        self.holds.push(hold.clone());
        Ok(hold)
    }

    pub(super) async fn release(&mut self, id: HoldId, by: String, why: String) -> Result<Hold, HoldError> {
        check_text("releaser", &by)?;
        check_text("reason for release", &why)?;
        let Some(place) = self.holds.iter().position(|hold| hold.id == id) else {
            let was_there = self.catalog.holds().await?.iter().any(|hold| hold.id == id);
            return Err(if was_there { HoldError::Released(id) } else { HoldError::Unknown(id) });
        };
        let at = self.clock.now().wall;
        let released = Hold { release: Some(Release { at, by, why }), ..self.holds[place].clone() };
        self.put(vec![Write::Put(keys::hold(id), released.encode())]).await?;
        tracing::info!(hold = %id, camera = %released.what.camera, "recordings are not held any more");
        self.holds.swap_remove(place);
        Ok(released)
    }

    pub(super) async fn lose(&mut self, segment: &Recorded) -> Result<(), Refused> {
        let key = segment.key();
        if self.catalog.desk().range(key.clone(), keys::behind(&key), 1).await?.is_empty() {
            return Ok(());
        }
        let Recorded { camera, role, volume, from, to, .. } = segment;
        tracing::error!(%camera, %from, %to, path = %segment.path.display(), "a recording is gone, and nobody knows why");
        self.tally(volume).take(segment.bytes);
        let gap = Gap { camera: camera.clone(), from: *from, to: *to, cause: GapCause::Missing };
        let mut writes = vec![
            Write::Delete(key),
            Write::Delete(keys::shelf(volume, camera, *from, *role)),
            gap::keep(&gap),
        ];
        writes.extend(self.tallies.iter().map(|(volume, tally)| tally.keep(volume)));
        self.put(writes).await
    }

    pub(super) fn tally(&mut self, volume: &VolumeId) -> &mut Tally {
        self.tallies.entry(volume.clone()).or_default()
    }

    /// Puts writes on record, within some seconds.
    pub(super) async fn put(&self, writes: Vec<Write>) -> Result<(), Refused> {
        match timeout(NOTE_WITHIN, self.catalog.desk().note(writes)).await {
            Ok(noted) => noted,
            // It may be written all the same; what is told again then says the same.
            Err(_) => Err(Refused::Unwritten("the store takes its time".to_owned())),
        }
    }
}
