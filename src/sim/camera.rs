//! One simulated camera: a task that shows a frame when its time has come, to all who watch.
//!
//! Owns the camera's timeline, faults and watchers. It hands out access units and never waits for anybody: a watcher that
//! is behind skips to a key frame. Sockets belong to `connection`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{
    diary::{Diary, DiaryEntry, What},
    material::{Reel, Unit},
    scenario::{Fault, SimCamera},
    timeline::{Condition, Faults, Mark, Shown, Timeline},
};
use crate::{
    config::StreamRole,
    time::{Clock, Mono, Now, Wall},
};

/// Access units that may wait for one client: three seconds at 10 a second.
pub(super) const QUEUE_MAX: usize = 32;
/// Orders that may wait for a camera.
pub(super) const ORDERS_MAX: usize = 64;
/// A client that does not catch up with key frames for so long is let go.
const BEHIND_MAX: Duration = Duration::from_secs(15);
/// A camera that is later than this (the machine slept) moves its schedule instead of catching up.
const LATE_MAX: Duration = Duration::from_secs(2);

/// One access unit, on its way to one client.
#[derive(Debug, Clone)]
pub(super) struct Shot {
    pub(super) unit: Arc<Unit>,
    pub(super) rtp: u32,
    /// The camera's own clock at this frame.
    pub(super) wall: Wall,
    pub(super) damage: Damage,
}

/// What happens to it on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    None,
    /// Sent as noise.
    Garbage,
    /// Sent with bits flipped.
    Corrupt,
    /// Datagrams lost, of a thousand.
    Loss(u16),
}

/// What a camera is told.
#[derive(Debug)]
pub(super) enum Order {
    /// Somebody wants to watch, from the next key frame on.
    Join { role: StreamRole, shots: mpsc::Sender<Shot>, reply: oneshot::Sender<Joined> },
    /// Somebody shall come.
    Show { visit: usize, reply: oneshot::Sender<bool> },
    /// Something shall break.
    Break(Fault),
    /// Pull the plug.
    Stop { done: oneshot::Sender<()> },
    /// Plug it in.
    Resume { done: oneshot::Sender<()> },
    /// Show no further frame, and keep all connections.
    Hush,
}

/// What somebody who joined will get.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    /// RTP timestamp of the first access unit.
    pub(super) first_rtp: u32,
}

/// What went over the edges between cameras and clients; balanced when all sessions have ended: offered = sent + skipped
/// + abandoned.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) sessions: AtomicU64,
    pub(super) offered: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) abandoned: AtomicU64,
    pub(super) packets: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) late: AtomicU64,
}

/// What everybody else holds of a camera.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) spec: SimCamera,
    pub(super) reel: Arc<Reel>,
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) condition: watch::Receiver<Condition>,
}

/// The camera itself.
pub(super) struct Camera {
    pub(super) spec: SimCamera,
    pub(super) reel: Arc<Reel>,
    pub(super) timeline: Timeline,
    pub(super) faults: Faults,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) condition: watch::Sender<Condition>,
    pub(super) diary: Arc<Diary>,
    pub(super) counts: Arc<Counts>,
    pub(super) clock: Clock,
    /// When frame 0 is due.
    pub(super) start: Mono,
    /// Seeds its RTP offsets.
    pub(super) seed: u64,
    pub(super) watchers: Vec<Watcher>,
    pub(super) frame: u64,
    pub(super) swapped: bool,
    /// Shows no further frame.
    pub(super) hushed: bool,
}

/// One session that watches.
pub(super) struct Watcher {
    role: StreamRole,
    shots: mpsc::Sender<Shot>,
    state: Watching,
}

#[derive(Debug, Clone, Copy)]
enum Watching {
    /// Waits for this frame, which is a key frame.
    From(u64),
    /// Gets every frame.
    Live,
    /// Its queue was full at this time: waits for a key frame and room.
    Behind(Mono),
}

enum Wake {
    Stop,
    Order(Option<Order>),
    Due,
}

impl Camera {
    /// Runs until told to stop, or until nobody can give it orders any more.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            match self.wait(&stop).await {
                Wake::Stop | Wake::Order(None) => return,
                Wake::Order(Some(order)) => self.obey(order),
                Wake::Due => self.show(self.clock.now()),
            }
        }
    }

    async fn wait(&mut self, stop: &CancellationToken) -> Wake {
        let due = self.clock.instant(self.due());
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            order = self.orders.recv() => Wake::Order(order),
            () = tokio::time::sleep_until(due.into()), if !self.hushed => Wake::Due,
        }
    }

    fn due(&self) -> Mono {
        self.start + Duration::from_nanos(self.reel.main.rate.ns_at(self.frame))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.reel.main.rate.ns_at(self.frame))
    }

    /// RTP timestamp of a frame. Each epoch starts from somewhere else.
    fn rtp_at(&self, frame: u64) -> u32 {
        let epoch = u64::from(self.condition.borrow().epoch);
        let base: u32 = SmallRng::seed_from_u64(self.seed ^ epoch.rotate_left(32)).random();
        base.wrapping_add(self.reel.main.rate.rtp_ticks_at(frame))
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Join { role, shots, reply } => {
                let from = self.timeline.next_key_frame(self.frame);
                if reply.send(Joined { first_rtp: self.rtp_at(from) }).is_ok() {
                    self.watchers.push(Watcher { role, shots, state: Watching::From(from) });
                }
            }
            Order::Show { visit, reply } => {
                // Who asked may have gone; the visitor comes nevertheless.
                let _ = reply.send(self.timeline.show(visit));
            }
            Order::Hush => self.hushed = true,
            Order::Break(fault) => {
                self.faults.begin(self.elapsed(), fault.clone());
                self.note(self.clock.now(), What::Fault(fault), self.watchers.len());
                self.publish();
            }
            Order::Stop { done } => {
                self.faults.stop();
                self.note(self.clock.now(), What::Stopped, self.watchers.len());
                self.publish();
                // Who asked may have gone.
                let _ = done.send(());
            }
            Order::Resume { done } => {
                self.faults.resume();
                self.note(self.clock.now(), What::Resumed, self.watchers.len());
                self.publish();
                let _ = done.send(());
            }
        }
    }

    fn publish(&mut self) {
        let condition = self.faults.condition();
        self.condition.send_if_modified(|held| {
            let changed = *held != condition;
            *held = condition;
            changed
        });
        if !self.condition.borrow().reachable {
            self.watchers.clear();
        }
    }

    fn note(&self, at: Now, what: What, watchers: usize) {
        let rtp = self.rtp_at(self.frame);
        self.diary.write(DiaryEntry { camera: self.spec.id.clone(), at, rtp, watchers, what });
    }

    /// Shows the frame that is due.
    fn show(&mut self, now: Now) {
        let late = now.mono.since(self.due());
        if late > LATE_MAX {
            tracing::warn!(camera = %self.spec.id, ?late, "the machine slept: the camera goes on from here");
            self.counts.late.fetch_add(1, Relaxed);
            self.start = self.start + late;
        }
        for fault in self.faults.advance(self.elapsed()) {
            self.note(now, What::Fault(fault), self.watchers.len());
        }
        self.publish();
        let shown = self.timeline.at(self.frame);
        let reached = self.send(shown, now, late);
        for mark in shown.marks.into_iter().flatten() {
            let what = match mark {
                Mark::Enters(visit) => What::Enters { visit },
                Mark::Shows(visit) => What::Shows { visit },
                Mark::Leaves(visit) => What::Leaves { visit },
            };
            self.note(now, what, reached);
        }
        self.frame += 1;
    }

    /// Gives a frame to all who watch; says how many got it.
    fn send(&mut self, shown: Shown, now: Now, late: Duration) -> usize {
        let condition = self.condition.borrow().clone();
        let rtp = self.rtp_at(self.frame);
        let error_us = condition.clock_error_ms.saturating_mul(1000);
        let late_us = i64::try_from(late.as_micros()).unwrap_or(i64::MAX);
        let wall = Wall::from_unix_us(now.wall.unix_us().saturating_add(error_us).saturating_sub(late_us));
        let damage = match condition {
            Condition { garbage: true, .. } => Damage::Garbage,
            Condition { corrupt: true, .. } => Damage::Corrupt,
            Condition { loss_per_mille: 1.., .. } => Damage::Loss(condition.loss_per_mille),
            _ => Damage::None,
        };
        if self.reel.main.units[shown.unit].is_key {
            self.swapped = condition.other_size;
        }
        let (frame, reel, swapped, counts) = (self.frame, &self.reel, self.swapped, &self.counts);
        let mut reached = 0;
        self.watchers.retain_mut(|watcher| {
            let role = if swapped { other(watcher.role) } else { watcher.role };
            let unit = &reel.track(role).units[shown.unit];
            let shot = || Shot { unit: unit.clone(), rtp, wall, damage };
            let got = if condition.frozen {
                watcher.miss(now.mono)
            } else {
                watcher.offer(frame, unit.is_key, now.mono, shot)
            };
            match got {
                Got::Unit => {
                    counts.offered.fetch_add(1, Relaxed);
                    reached += 1;
                }
                Got::Skipped => {
                    counts.offered.fetch_add(1, Relaxed);
                    counts.skipped.fetch_add(1, Relaxed);
                }
                Got::Nothing => {}
                Got::LetGo => return false,
            }
            true
        });
        reached
    }
}

/// What became of an access unit.
enum Got {
    Unit,
    Skipped,
    /// It was not meant for this watcher.
    Nothing,
    /// The watcher has gone, or was behind for too long.
    LetGo,
}

impl Watcher {
    fn offer(&mut self, frame: u64, is_key: bool, now: Mono, shot: impl FnOnce() -> Shot) -> Got {
        match self.state {
            Watching::From(from) if frame < from => return Got::Nothing,
            Watching::From(_) | Watching::Behind(_) if !is_key => return self.fall_behind(now),
            _ => {}
        }
        match self.shots.try_send(shot()) {
            Ok(()) => {
                self.state = Watching::Live;
                Got::Unit
            }
            Err(mpsc::error::TrySendError::Full(_)) => self.fall_behind(now),
            Err(mpsc::error::TrySendError::Closed(_)) => Got::LetGo,
        }
    }

    /// The camera is frozen: what comes later needs a key frame.
    fn miss(&mut self, now: Mono) -> Got {
        if self.shots.is_closed() {
            return Got::LetGo;
        }
        match self.state {
            Watching::From(_) => Got::Nothing,
            Watching::Live | Watching::Behind(_) => {
                self.state = Watching::Behind(now);
                Got::Skipped
            }
        }
    }

    fn fall_behind(&mut self, now: Mono) -> Got {
        match self.state {
            Watching::Behind(since) if now.since(since) > BEHIND_MAX => Got::LetGo,
            Watching::Behind(_) => Got::Skipped,
            Watching::From(_) | Watching::Live => {
                self.state = Watching::Behind(now);
                Got::Skipped
            }
        }
    }
}

fn other(role: StreamRole) -> StreamRole {
    match role {
        StreamRole::Main => StreamRole::Sub,
        StreamRole::Sub => StreamRole::Main,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Mono {
        Mono::from_start(Duration::from_secs(second))
    }

    fn shot() -> Shot {
        let unit = Unit { data: Default::default(), is_key: true, packets: Box::default() };
        Shot { unit: Arc::new(unit), rtp: 0, wall: Wall::default(), damage: Damage::None }
    }

    fn letter(got: &Got) -> char {
        match got {
            Got::Unit => 'u',
            Got::Skipped => 's',
            Got::Nothing => '-',
            Got::LetGo => 'x',
        }
    }

    /// A watcher from frame 3 on with room for two units, a key frame at every third frame, one frame a second. `read`: the
    /// frames before which the client reads everything.
    fn watch(frames: u64, read: &[u64]) -> String {
        let (shots, mut client) = mpsc::channel(2);
        let mut watcher = Watcher { role: StreamRole::Main, shots, state: Watching::From(3) };
        let mut story = String::new();
        for frame in 0..frames {
            if read.contains(&frame) {
                while client.try_recv().is_ok() {}
            }
            story.push(letter(&watcher.offer(frame, frame % 3 == 0, at(frame), shot)));
        }
        story
    }

    #[test]
    fn who_is_behind_skips_to_a_key_frame_and_is_let_go_in_the_end() {
        let all: Vec<u64> = (0..30).collect();
        assert_eq!(watch(12, &all), "---uuuuuuuuu");
        assert_eq!(watch(12, &[7]), "---uussssuus");
        assert_eq!(watch(25, &[]), "---uussssssssssssssssxxxx");
    }

    #[test]
    fn who_has_left_is_let_go() {
        let (shots, client) = mpsc::channel(2);
        let mut watcher = Watcher { role: StreamRole::Main, shots, state: Watching::From(0) };
        drop(client);
        assert_eq!(letter(&watcher.offer(0, true, at(0), shot)), 'x');
        assert_eq!(letter(&watcher.miss(at(0))), 'x');
    }

    #[test]
    fn after_a_freeze_a_key_frame_is_needed() {
        let (shots, _client) = mpsc::channel(8);
        let mut watcher = Watcher { role: StreamRole::Main, shots, state: Watching::Live };
        let got = [
            watcher.offer(1, false, at(1), shot),
            watcher.miss(at(2)),
            watcher.offer(3, false, at(3), shot),
            watcher.offer(4, true, at(4), shot),
            watcher.offer(5, false, at(5), shot),
        ];
        assert_eq!(got.iter().map(letter).collect::<String>(), "ussuu");
    }
}
