//! The bookkeeper: keeps on record where cameras were analysed less than was wanted, and tells the operator.
//!
//! Owns what of it waits for the store, how much is taken on, and for how long it is kept. No promise waits for it: what does not fit, or
//! finds the store stuck for too long, is dropped, counted and told. What is told of the fleet is `fleet_watch`'s.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, timeout},
};

use super::fleet_watch::{Counts, FleetWatch, News};
use crate::{
    analysis::{Cause, Interval},
    id::CameraId,
    metrics::{Metrics, OfCamera, OfCause},
    store::{Desk, Refused, Write, keep_interval},
    time::{Clock, Mono, Trust, Wall},
};

/// How often what waits is written, and the fleet looked at.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// Intervals in one note: some 60 KB.
const NOTE_MAX: usize = 1000;
/// Intervals that wait for the store; beyond it the oldest are dropped. Half an hour of a fleet in permanent trouble.
const WAITING_MAX: usize = 4096;
/// Intervals taken from the lanes at once.
const TAKE_MAX: usize = 256;
/// How long the store may take for a note; then it is tried again later.
const NOTE_WITHIN: Duration = Duration::from_secs(2);
/// For how long intervals are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How often old intervals are looked for, and how many notes of removals one look writes.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
const SWEEP_NOTES_MAX: usize = 8;
/// Intervals that are taken on in a day and at once, at most: enough for a fleet of 778 that is behind all the time, and too few to fill a disk
/// (some 500 MB in 30 days). See [`Allowance`].
const A_DAY_MAX: u32 = 200_000;
const AT_ONCE_MAX: u32 = 20_000;
/// How often it is told that intervals are lost.
const LOST_TOLD_EVERY: Duration = Duration::from_secs(60);

/// Keeps the book.
pub(super) struct Bookkeeper {
    desk: Desk,
    metrics: Metrics,
    clock: Clock,
    /// Whether civil time can be believed: nothing is removed for its age otherwise.
    trust: watch::Receiver<Trust>,
    cameras: Vec<OfCamera>,
    fleet: FleetWatch,
    allowance: Allowance,
    waiting: VecDeque<Write>,
    /// What was told of [`Metrics::analysis_intervals_lost`], and when.
    lost_told: (u64, Option<Mono>),
}

impl Bookkeeper {
    pub(super) fn new<'a>(
        desk: Desk,
        metrics: Metrics,
        clock: Clock,
        trust: watch::Receiver<Trust>,
        cameras: impl Iterator<Item = &'a CameraId>,
    ) -> Self {
        let now = clock.now().mono;
        Self {
            desk,
            metrics,
            clock,
            trust,
            cameras: cameras.map(OfCamera::from).collect(),
            fleet: FleetWatch::new(now),
            allowance: Allowance::new(now),
            waiting: VecDeque::new(),
            lost_told: (0, None),
        }
    }

    /// Works until every lane is gone, then writes what waits.
    pub(super) async fn run(mut self, mut intervals: mpsc::Receiver<(CameraId, Interval)>) {
        let (mut write, mut sweep) = (interval(WRITE_EVERY), interval(SWEEP_EVERY));
        for tick in [&mut write, &mut sweep] {
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut taken = Vec::with_capacity(TAKE_MAX);
        loop {
            tokio::select! {
                biased;
                count = intervals.recv_many(&mut taken, TAKE_MAX) => match count {
                    0 => break,
                    _ => self.take(&mut taken),
                },
                _ = write.tick() => {
                    self.write().await;
                    self.tell();
                }
                _ = sweep.tick() => self.sweep(self.clock.now().wall).await,
            }
        }
        self.write().await;
        // What is left would be gone without a word.
        self.metrics.analysis_intervals_lost.inc_by(self.waiting.len() as u64);
        self.tell_lost(None);
    }

    fn take(&mut self, taken: &mut Vec<(CameraId, Interval)>) {
        let now = self.clock.now().mono;
        let mut lost = 0;
        for (camera, interval) in taken.drain(..) {
            if !self.allowance.take(now) {
                lost += 1;
                continue;
            }
            if self.waiting.len() == WAITING_MAX {
                self.waiting.pop_front();
                lost += 1;
            }
            self.waiting.push_back(keep_interval(&camera, &interval));
        }
        self.metrics.analysis_intervals_lost.inc_by(lost);
    }

    /// Writes what waits. What cannot be written goes on waiting.
    async fn write(&mut self) {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(NOTE_MAX);
            let note: Vec<Write> = self.waiting.iter().take(count).cloned().collect();
            if let Err(why) = self.note(note).await {
                tracing::debug!(
                    why,
                    waiting = self.waiting.len(),
                    "intervals of too little analysis wait for the store"
                );
                return;
            }
            self.waiting.drain(..count);
        }
    }

    async fn note(&self, note: Vec<Write>) -> Result<(), String> {
        match timeout(NOTE_WITHIN, self.desk.note(note)).await {
            Ok(noted) => noted.map_err(|refused: Refused| refused.to_string()),
            // It may be written all the same, and is then written twice with the same content.
            Err(_) => Err("the store takes its time".to_owned()),
        }
    }

    /// Removes what has served its purpose.
    async fn sweep(&mut self, now: Wall) {
        if *self.trust.borrow() != Trust::Believed {
            return;
        }
        let before = Wall::from_unix_ms(now.unix_ms().saturating_sub(KEPT.as_millis() as i64));
        for _ in 0..SWEEP_NOTES_MAX {
            let swept = match self.desk.intervals_before(before).await {
                Ok(old) if old.is_empty() => return,
                Ok(old) => self.note(old).await,
                Err(refused) => Err(refused.to_string()),
            };
            if let Err(why) = swept {
                tracing::debug!(
                    why,
                    "old intervals of too little analysis could not be removed; the next sweep does it"
                );
                return;
            }
        }
    }

    /// Tells the operator how the fleet is, where that is news.
    fn tell(&mut self) {
        let now = self.clock.now().mono;
        let metrics = &self.metrics;
        let counts = self.cameras.iter().map(|of| Counts {
            wanted: metrics.analysis_wanted.get_or_create(of).get(),
            done: metrics.analysis_done.get_or_create(of).get(),
            blind_s: metrics.analysis_blind_seconds.get_or_create(of).get(),
        });
        let missed =
            Cause::ALL.map(|cause| metrics.analysis_missed.get_or_create(&OfCause::from(cause)).get());
        let news = self.fleet.look(now, counts.collect(), missed);
        metrics.cameras_behind.set(self.fleet.behind() as i64);
        match news {
            Some(News::Behind(behind)) => {
                tracing::warn!(cameras = behind.cameras, cause = behind.cause.as_str(), "{behind}");
            }
            Some(News::Well { after }) => {
                tracing::info!(after_s = after.as_secs(), "every camera is analysed as is wanted again");
            }
            None => {}
        }
        if self.lost_told.1.is_none_or(|told| now.since(told) >= LOST_TOLD_EVERY) {
            self.tell_lost(Some(now));
        }
    }

    fn tell_lost(&mut self, now: Option<Mono>) {
        let lost = self.metrics.analysis_intervals_lost.get();
        if lost > self.lost_told.0 {
            tracing::error!(
                lost = lost - self.lost_told.0,
                "intervals of too little analysis could not be kept: the record has gaps"
            );
            self.lost_told = (lost, now);
        }
    }
}

/// How much is taken on: so many a day, and some at once that were saved up.
#[derive(Debug)]
struct Allowance {
    left: f64,
    at: Mono,
}

impl Allowance {
    fn new(now: Mono) -> Self {
        Self { left: AT_ONCE_MAX.into(), at: now }
    }

    fn take(&mut self, now: Mono) -> bool {
        let days = now.since(self.at).as_secs_f64() / 86_400.0;
        self.left = (self.left + days * f64::from(A_DAY_MAX)).min(AT_ONCE_MAX.into());
        self.at = now;
        let is_allowed = self.left >= 1.0;
        if is_allowed {
            self.left -= 1.0;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::What,
        store::{Asked, Fault, Outbox, PAGE_MAX, SimDisk, SimLedger},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    fn camera() -> CameraId {
        "c".parse().expect("an id")
    }

    fn interval_at(from: Wall) -> Interval {
        let to = from.after(Duration::from_secs(1));
        Interval { from, to, what: What::NotAnalysed, cause: Cause::NoPicture }
    }

    fn bookkeeper(desk: &Desk, metrics: &Metrics, trust: Trust) -> Bookkeeper {
        let trust = watch::Sender::new(trust).subscribe();
        Bookkeeper::new(desk.clone(), metrics.clone(), Clock::start(), trust, [camera()].iter())
    }

    async fn kept(desk: &Desk) -> Vec<Wall> {
        let asked = Asked { limit: PAGE_MAX, ..Asked::default() };
        let page = desk.intervals(&asked).await.expect("reads");
        page.intervals.into_iter().map(|(_, interval)| interval.from).collect()
    }

    #[tokio::test]
    async fn what_the_lanes_told_is_on_record_when_they_are_gone() {
        let (disk, metrics) = (SimDisk::new(), Metrics::new());
        let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
        let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("starts");
        let (lane, intervals) = mpsc::channel(8);
        let books = tokio::spawn(bookkeeper(&desk, &metrics, Trust::Doubted).run(intervals));
        let told: Vec<Wall> = (0..2500).map(|n| Wall::from_unix_ms(n * 1000)).collect();
        for &from in &told {
            lane.send((camera(), interval_at(from))).await.expect("it works");
        }
        drop(lane);
        books.await.expect("no panic");
        let first: Vec<Wall> = told[..PAGE_MAX].to_vec();
        assert_eq!(kept(&desk).await, first);
        assert_eq!(metrics.analysis_intervals_lost.get(), 0);
        assert!(disk.commits() < 10, "{} commits for {} intervals", disk.commits(), told.len());
        thread.stop(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn what_a_full_disk_does_not_take_waits_and_what_is_too_much_is_counted() {
        let (disk, metrics) = (SimDisk::new(), Metrics::new());
        let outbox = Outbox::open(SimLedger::open(&disk)).expect("opens");
        let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("starts");
        let mut books = bookkeeper(&desk, &metrics, Trust::Doubted);
        disk.set_fault(Fault::Full);
        for n in 0..=WAITING_MAX as i64 {
            books.take(&mut vec![(camera(), interval_at(Wall::from_unix_ms(n * 1000)))]);
        }
        books.write().await;
        assert_eq!((books.waiting.len(), metrics.analysis_intervals_lost.get()), (WAITING_MAX, 1));
        disk.set_fault(Fault::None);
        books.write().await;
        assert_eq!(books.waiting.len(), 0);
        assert_eq!(kept(&desk).await.first(), Some(&Wall::from_unix_ms(1000)), "the oldest one went");
        drop(books);
        thread.stop(Duration::ZERO).await;
    }

    #[tokio::test]
    async fn old_intervals_go_while_the_clock_is_believed() {
        let (metrics, now) = (Metrics::new(), Wall::from_unix_ms(1_773_079_445_123));
        let days_ago = |days: u32| Wall::from_unix_us(now.unix_us() - (DAY * days).as_micros() as i64);
        for (trust, left) in [(Trust::Doubted, 700 + 2), (Trust::Believed, 2)] {
            let outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
            let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("starts");
            let mut books = bookkeeper(&desk, &metrics, trust);
            let old = (0..700).map(|n| days_ago(31).after(Duration::from_secs(n)));
            let mut told =
                old.chain([days_ago(30), days_ago(1)]).map(|from| (camera(), interval_at(from))).collect();
            books.take(&mut told);
            books.write().await;
            books.sweep(now).await;
            assert_eq!(kept(&desk).await.len(), left, "{trust:?}");
            drop(books);
            thread.stop(Duration::ZERO).await;
        }
    }

    #[test]
    fn what_is_taken_on_in_a_day_is_limited() {
        let mut allowance = Allowance::new(Mono::ZERO);
        let mut taken_by = |now: Mono| (0..1_000_000).take_while(|_| allowance.take(now)).count() as u32;
        assert_eq!(taken_by(Mono::ZERO), AT_ONCE_MAX);
        assert_eq!(taken_by(Mono::ZERO + DAY / 20), A_DAY_MAX / 20);
        assert_eq!(taken_by(Mono::ZERO + DAY * 9), AT_ONCE_MAX, "no more is saved up");
    }
}
