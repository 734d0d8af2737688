//! One camera's attention: asleep, or awake, and what is decoded of it.
//!
//! ```text
//!            the stream gives cause · a look found something · a neighbour saw something · the budget allows it · the group is too long
//!   Asleep ─────────────────────────────────────────────────────────────────────────────────────────────▶ Awake
//!     │ ▲                                                                                                    │
//!     └─┘ a look at a key frame, when it is time     ◀── at a key frame, once nothing has moved for a while ─┘
//! ```
//!
//! Pure: it is told the time. Nothing is lost between the two: it falls asleep at a key frame, which is the first unit of its memory.

use std::{sync::Arc, time::Duration};

use super::{
    Account, Cause, Evidence, Grant, Headers, Outcome, Share, Spent, Suspicion,
    memory::{Kept, Memory, UNITS_MAX},
};
use crate::{
    camera::{AccessUnit, Stream, Watched},
    time::Mono,
};

/// Most access units in one job, so that one camera's backlog does not hold a decoding thread for long.
const JOB_UNITS_MAX: usize = 32;
/// Without tracks it stays awake for so long after it woke, or after something moved …
const LINGER: Duration = Duration::from_secs(2);
/// … but motion in which nothing is found keeps it awake no longer than this: trees move all day.
const MOTION_KEEPS: Duration = Duration::from_secs(5);
/// After motion that was nothing, motion alone does not wake it for this time, doubled each time …
const RESTLESS_MIN: Duration = Duration::from_secs(10);
/// … up to this.
const RESTLESS_MAX: Duration = Duration::from_secs(160);
/// Whoever has just come is looked at at the stream's own rate, up to this, so that a first alert needs no time …
const CURIOUS_FPS: f32 = 15.0;
/// … for so long after waking, and after somebody new was seen.
const CURIOUS_FOR: Duration = Duration::from_millis(1200);
/// Who has raised an alert, or has been seen to move for this time, is known: where attention is scarce it goes to others, and who is
/// known is looked at this often.
const KNOWN_AFTER: Duration = Duration::from_secs(3);
const KNOWN_FPS: f32 = 2.0;
/// Frames so long before the cause are looked at, too.
const BEFORE: Duration = Duration::from_millis(250);
/// A group that is too long is decoded in batches of so many units, and one frame a second of it is looked at.
const LAZY_UNITS: usize = 12;
const LAZY_FPS: f32 = 1.0;

/// Longer than anything is awake.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// By when jobs should be done, from the time at which they are wanted. What is urgent is a matter of a moment; what is
/// routine may wait, and is never starved, since its time comes.
mod within {
    use std::time::Duration;

    pub(super) const CURIOUS: Duration = Duration::from_millis(50);
    pub(super) const AWAKE: Duration = Duration::from_millis(250);
    pub(super) const ROUTINE: Duration = Duration::from_secs(1);
    pub(super) const LAZY: Duration = Duration::from_secs(2);
}

/// Access units to be decoded, and how to look at them.
#[derive(Debug)]
pub struct Look {
    /// Consecutive units; the first is a key frame, or goes on from the job before.
    pub units: Vec<AccessUnit>,
    /// Frames that arrived before are decoded for those that refer to them, and not looked at.
    pub from: Mono,
    /// Frames a second that are looked at, at most.
    pub fps: f32,
    /// Until when it should be done.
    pub due: Mono,
    /// What becomes of the decoder.
    pub then: Then,
    /// Why it is looked at.
    pub cause: Cause,
}

/// What becomes of a decoder after a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next job goes on from here.
    Keep,
    /// It gives out what it holds back, and is let go.
    Close,
}

/// What the tracks of a camera say after a frame was judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Judged {
    /// Something is on its way, or was just seen for the first time: it has to be followed.
    pub live: bool,
    /// Something was first seen a moment ago.
    pub young: bool,
    /// Something that has moved is in view.
    pub thing: bool,
    /// An alert was raised.
    pub raised: bool,
}

/// What a camera was awake for, once it sleeps; or what one look brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Why it was looked at.
    pub cause: Cause,
    /// What was found.
    pub outcome: Outcome,
}

#[derive(Debug)]
enum Mode {
    Asleep,
    Awake(Awake),
}

#[derive(Debug)]
struct Awake {
    cause: Cause,
    since: Mono,
    /// What arrived before is of no interest.
    from: Mono,
    /// Not before this does it sleep.
    until: Mono,
    curious_until: Mono,
    found: Outcome,
    /// From then on whoever is here is known.
    known_from: Mono,
    /// Units since its memory began with a key frame.
    units: usize,
    /// A look was brought back since it woke.
    looked: bool,
}

impl Awake {
    /// Decoded only because its group is too long to sleep through.
    fn is_lazy(&self) -> bool {
        self.cause == Cause::LongGroup && self.found == Outcome::Nothing
    }

    /// There is cause to look closely, although it is awake.
    fn rouse(&mut self, now: Mono, cause: Cause) {
        self.cause = cause;
        self.since = now;
        self.until = now + LINGER;
        self.curious_until = now + CURIOUS_FOR;
    }
}

/// The job that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    None,
    /// A look at a sleeping camera.
    Guard,
    /// Part of what is decoded while it is awake.
    Stream,
    /// Of a stream that has broken off meanwhile.
    Stale,
}

/// One camera's attention.
#[derive(Debug)]
pub struct Attention {
    promise: Duration,
    detect_fps: f32,
    grant: Grant,
    mode: Mode,
    job: Job,
    memory: Memory,
    headers: Headers,
    evidence: Evidence,
    account: Arc<Account>,
    /// When a frame that was looked at last arrived; `None` before the first of a stream.
    last_look: Option<Mono>,
    /// When the first unit of the stream came.
    streams_since: Option<Mono>,
    /// The newest unit that a guard look was given, whatever came of it: what cannot be decoded is not tried over and over.
    tried: Option<Mono>,
    /// Not before this is a group decoded from its key frame once more.
    retry_at: Mono,
    /// When the next look without cause is due.
    guard_at: Mono,
    /// Wanders through 0..1, so that cameras that started together are not looked at together.
    phase: f32,
    /// Time between the last two key frames.
    group: Duration,
    last_key: Option<Mono>,
    /// Until then motion alone does not wake it; the time is doubled each time.
    restless: (Mono, Duration),
    closed: Option<Closed>,
}

impl Attention {
    /// For a camera that is looked at once in `promise` at least, and at `detect_fps` frames a second while it is awake. `phase` (0..1) is the camera's own
    /// share of chance.
    pub fn new(promise: Duration, detect_fps: f32, share: Share, phase: f32, now: Mono) -> Self {
        let Share { grant, account } = share;
        Self {
            promise,
            detect_fps,
            grant,
            mode: Mode::Asleep,
            job: Job::None,
            memory: Memory::default(),
            headers: Headers::default(),
            evidence: Evidence::new(),
            account,
            last_look: None,
            streams_since: None,
            tried: None,
            retry_at: now,
            guard_at: now,
            phase,
            group: Duration::from_secs(2),
            last_key: None,
            restless: (now, RESTLESS_MIN),
            closed: None,
        }
    }

    /// An access unit arrived. Says how many units (this one or older ones) were skipped since decoding is behind.
    pub fn unit(&mut self, now: Mono, unit: AccessUnit) -> u32 {
        self.account.arrived(unit.data.len());
        self.account.streams(true);
        self.streams_since.get_or_insert(now);
        if self.grant == Grant::Off {
            return 0;
        }
        if unit.is_key {
            let group = self.last_key.replace(now).map(|last| now.since(last));
            self.group = group.unwrap_or(self.group);
        }
        if self.grant == Grant::Always {
            // Evidence is worth its price only where it decides something.
            if let Mode::Asleep = self.mode {
                self.wake(now, Cause::Always, now);
            }
            return self.memory.queue(unit);
        }
        let facts = self.headers.read(unit.codec, &unit.data);
        let suspicion = self.evidence.unit(now, &facts);
        self.account.says_little(self.evidence.is_poor());
        self.weighed(now, unit, suspicion)
    }

    /// What is in memory from the newest key frame on, up to the last unit; nothing where that key frame is not there any more.
    pub fn group(&self) -> Vec<AccessUnit> {
        if self.memory.newest_key().is_some() { self.memory.newest_group() } else { Vec::new() }
    }

    /// A unit of a camera that may sleep has been weighed.
    fn weighed(&mut self, now: Mono, unit: AccessUnit, suspicion: Suspicion) -> u32 {
        match &self.mode {
            Mode::Awake(_) if unit.is_key && self.may_sleep(now) => {
                self.sleep();
                self.memory.queue(unit);
                self.memory.start_at_newest();
                0
            }
            Mode::Awake(_) => {
                self.stays(now, unit.is_key, suspicion);
                self.memory.queue(unit)
            }
            Mode::Asleep => {
                match self.memory.keep(unit) {
                    Kept::NeedsKey => return 0,
                    Kept::Full => self.wake(now, Cause::LongGroup, now),
                    Kept::Yes => {}
                }
                // A group that has just become too long to sleep through may hold the cause as well.
                if suspicion.gives_cause() {
                    self.wake(now, Cause::Stream, self.evidence.since() - BEFORE);
                }
                0
            }
        }
    }

    /// The next job, if the camera's eye is free and something is to be decoded. It counts as at work until [`Attention::returned`].
    pub fn look(&mut self, now: Mono) -> Option<Look> {
        if self.job != Job::None || self.grant == Grant::Off {
            return None;
        }
        match &self.mode {
            Mode::Asleep => self.guard(now),
            Mode::Awake(awake) => {
                let is_lazy = awake.is_lazy();
                let waiting = self.memory.len();
                if waiting == 0 || (is_lazy && waiting < LAZY_UNITS) {
                    return None;
                }
                let (fps, within) = if is_lazy {
                    (LAZY_FPS, within::LAZY)
                } else if now < awake.curious_until {
                    (self.detect_fps.max(CURIOUS_FPS), within::CURIOUS)
                } else if awake.found == Outcome::Nothing {
                    (self.detect_fps, within::ROUTINE)
                } else {
                    (self.steady_fps(awake, now), within::AWAKE)
                };
                // Nothing is looked at twice, and nothing that came before what was looked at.
                let seen = self.last_look.map_or(Mono::ZERO, |last| last + Duration::from_nanos(1));
                let (from, cause) = (awake.from.max(seen), awake.cause);
                self.job = Job::Stream;
                let units = self.memory.take(JOB_UNITS_MAX);
                Some(Look { units, from, fps, due: now + within, then: Then::Keep, cause })
            }
        }
    }

    /// The eye is free again. `newest`: when the newest frame that was looked at arrived; `moved`: something differed from the background.
    pub fn returned(&mut self, now: Mono, newest: Option<Mono>, moved: bool, spent: &Spent) {
        let job = std::mem::replace(&mut self.job, Job::None);
        self.account.decoded(spent, job == Job::Guard);
        if job == Job::Stale {
            return;
        }
        if let Some(newest) = newest {
            self.looked(newest);
        }
        match (job, &mut self.mode) {
            (Job::None | Job::Stale, _) => debug_assert!(false, "a job came back that was never given out"),
            (Job::Guard, Mode::Asleep) if moved && now >= self.restless.0 => {
                let from = self.memory.newest_key().map_or(now, |key| key.arrived.mono);
                self.wake(now, Cause::Guard, from);
            }
            (Job::Guard, Mode::Asleep) => {
                let outcome = if moved { Outcome::Moved } else { Outcome::Nothing };
                if newest.is_some() && self.grant != Grant::Always {
                    self.evidence.looked(outcome);
                    self.closed = Some(Closed { cause: Cause::Guard, outcome });
                }
            }
            // It woke while the look was on its way: what it is awake for will tell.
            (Job::Guard, Mode::Awake(_)) => {}
            (Job::Stream, Mode::Awake(awake)) => {
                awake.looked |= newest.is_some();
                if moved {
                    if awake.is_lazy() {
                        awake.rouse(now, Cause::LongGroup);
                    }
                    awake.found = awake.found.max(Outcome::Moved);
                    awake.until = awake.until.max((now + LINGER).min(awake.since + MOTION_KEEPS));
                }
            }
            (Job::Stream, Mode::Asleep) => {}
        }
    }

    /// A frame was judged: what the tracks say.
    pub fn judged(&mut self, now: Mono, judged: Judged) {
        if !judged.live && !judged.young {
            return;
        }
        if let Mode::Asleep = self.mode {
            if self.grant == Grant::Off || self.memory.len() == 0 {
                return;
            }
            let from = self.memory.newest_key().map_or(now, |key| key.arrived.mono);
            self.wake(now, Cause::Guard, from);
        }
        if let Mode::Awake(awake) = &mut self.mode {
            awake.until = awake.until.max(now + LINGER);
            if judged.raised {
                // The alert is on its way: from here on it is a matter of following.
                awake.curious_until = now;
                awake.known_from = now;
            } else if judged.young {
                if awake.is_lazy() {
                    awake.rouse(now, Cause::LongGroup);
                }
                awake.found = awake.found.max(Outcome::Moved);
                awake.curious_until = awake.curious_until.max(now + CURIOUS_FOR / 4);
                awake.known_from = now + KNOWN_AFTER;
            }
            if judged.thing {
                awake.found = Outcome::Thing;
                awake.known_from = awake.known_from.min(now + KNOWN_AFTER);
            }
        }
    }

    /// The budget was shared out anew.
    pub fn granted(&mut self, now: Mono, grant: Grant) {
        if grant == self.grant {
            return;
        }
        self.grant = grant;
        match (grant, &mut self.mode) {
            (Grant::Off, _) => {
                self.memory.cut();
                self.mode = Mode::Asleep;
            }
            (Grant::Always, Mode::Asleep) if self.memory.len() > 0 => self.wake(now, Cause::Always, now),
            (Grant::Always, Mode::Asleep) => {}
            (Grant::Always, Mode::Awake(awake)) if awake.is_lazy() => awake.cause = Cause::Always,
            (Grant::Always, Mode::Awake(_)) => {}
            (Grant::Sparse { every }, _) => {
                let spread = self.chance();
                self.guard_at = self.guard_at.min(now + every.mul_f32(spread));
            }
        }
    }

    /// Another camera of the same place has seen something: look here, too.
    pub fn nudged(&mut self, now: Mono) {
        if matches!(self.mode, Mode::Asleep) && self.memory.len() > 0 {
            let from = self.memory.newest_key().map_or(now, |key| key.arrived.mono);
            self.wake(now, Cause::Neighbour, from);
        } else if let Mode::Awake(awake) = &mut self.mode
            && awake.is_lazy()
        {
            awake.rouse(now, Cause::Neighbour);
        }
    }

    /// The stream broke off. Says how many units were waiting for the decoder.
    pub fn cut(&mut self) -> u32 {
        let was_awake = matches!(self.mode, Mode::Awake(_));
        let waiting = self.memory.cut();
        self.mode = Mode::Asleep;
        self.headers = Headers::default();
        self.evidence.cut();
        self.account.streams(false);
        if self.job != Job::None {
            self.job = Job::Stale;
        }
        self.last_look = None;
        self.streams_since = None;
        self.tried = None;
        self.last_key = None;
        self.guard_at = Mono::ZERO;
        if was_awake { waiting } else { 0 }
    }

    /// How many frames a second are to be looked at just now, whoever may have just come left out; `None` while it sleeps.
    pub fn wants_fps(&self, now: Mono) -> Option<f32> {
        match &self.mode {
            Mode::Asleep => None,
            Mode::Awake(awake) if awake.is_lazy() => Some(LAZY_FPS),
            Mode::Awake(awake) => Some(self.steady_fps(awake, now)),
        }
    }

    /// Whether the decoder is of no use until the next look.
    pub fn is_asleep(&self) -> bool {
        matches!(self.mode, Mode::Asleep)
    }

    /// Whether frames are looked at as fast as they come, one after the other, since somebody has just come.
    pub fn is_curious(&self, now: Mono) -> bool {
        matches!(&self.mode, Mode::Awake(awake) if now < awake.curious_until)
    }

    /// Since when the camera has waited for its promised look in vain.
    pub fn late_since(&self, now: Mono) -> Option<Mono> {
        let due = self.last_look.or(self.streams_since)? + self.promise;
        (matches!(self.grant, Grant::Sparse { .. }) && due < now).then_some(due)
    }

    /// How the camera is watched, for those who ask how it is.
    pub fn watched(&self) -> Watched {
        match self.grant {
            Grant::Always => Watched::Always,
            Grant::Sparse { every } => {
                let says_little = self.evidence.is_poor();
                let stream = if says_little { Stream::SaysLittle } else { Stream::Speaks };
                Watched::Sparse { every, stream }
            }
            Grant::Off => Watched::Off,
        }
    }

    /// What the last look or the last time awake brought, once.
    pub fn closed(&mut self) -> Option<Closed> {
        self.closed.take()
    }

    /// How many frames a second are looked at when nobody has just come.
    fn steady_fps(&self, awake: &Awake, now: Mono) -> f32 {
        let is_scarce = matches!(self.grant, Grant::Sparse { .. });
        if is_scarce && now >= awake.known_from { self.detect_fps.min(KNOWN_FPS) } else { self.detect_fps }
    }

    /// A look without cause, if it is time.
    fn guard(&mut self, now: Mono) -> Option<Look> {
        let key = self.memory.newest_key()?;
        let promised = self.last_look.map_or(now, |last| last + self.promise);
        let is_new = self.last_look.max(self.tried).is_none_or(|last| key.arrived.mono > last);
        let next_key = key.arrived.mono + self.group;
        let units = if is_new && (key.arrived.mono >= self.guard_at || next_key >= promised) {
            vec![key.clone()]
        } else if !is_new && now >= promised && now >= self.retry_at {
            // Key frames are farther apart than the promise: all that follows the last one is decoded.
            self.memory.newest_group()
        } else {
            return None;
        };
        self.job = Job::Guard;
        self.tried = units.last().map(|unit| unit.arrived.mono);
        self.retry_at = now + self.promise / 2;
        // Soon, since whatever gives cause meanwhile has to wait for it.
        let due = now + within::ROUTINE;
        let from = units.last().map_or(now, |unit| unit.arrived.mono);
        Some(Look { units, from, fps: self.detect_fps, due, then: Then::Close, cause: Cause::Guard })
    }

    fn looked(&mut self, newest: Mono) {
        let before = self.last_look;
        self.last_look = Some(before.map_or(newest, |last| last.max(newest)));
        if let Grant::Sparse { every } = self.grant {
            // Cameras that came up together are looked at together once, and spread from then on.
            let spread = if before.is_none() { self.chance() } else { 0.75 + 0.25 * self.chance() };
            self.guard_at = newest + every.mul_f32(spread);
        }
    }

    fn chance(&mut self) -> f32 {
        // The golden ratio spreads evenly, whatever the start.
        self.phase = (self.phase + 0.618_034).fract();
        self.phase
    }

    fn wake(&mut self, now: Mono, cause: Cause, from: Mono) {
        self.memory.start_at(from);
        let curious_until = match cause {
            Cause::Stream | Cause::Guard | Cause::Neighbour => now + CURIOUS_FOR,
            Cause::Always | Cause::LongGroup => now,
        };
        let until = now + LINGER;
        let (units, found, known_from) = (self.memory.len(), Outcome::Nothing, now + NEVER);
        self.mode = Mode::Awake(Awake {
            cause,
            since: now,
            from,
            until,
            curious_until,
            found,
            known_from,
            units,
            looked: false,
        });
        if cause != Cause::LongGroup {
            self.evidence.watched(now);
        }
    }

    /// A unit arrived while it is awake, at which it does not fall asleep.
    fn stays(&mut self, now: Mono, is_key: bool, suspicion: Suspicion) {
        let Mode::Awake(awake) = &mut self.mode else { return };
        awake.units = if is_key { 1 } else { awake.units + 1 };
        if awake.is_lazy() && suspicion.gives_cause() {
            self.evidence.watched(now);
            awake.rouse(now, Cause::Stream);
        }
        // Where no key frame comes it cannot sleep: once nothing has moved for a while it is decoded as lazily as before.
        if !awake.is_lazy() && awake.units > UNITS_MAX && now >= awake.until {
            let closed = Closed { cause: awake.cause, outcome: awake.found };
            awake.cause = Cause::LongGroup;
            awake.found = Outcome::Nothing;
            awake.known_from = now + NEVER;
            self.close(now, closed);
        }
    }

    fn may_sleep(&self, now: Mono) -> bool {
        let is_sparse = matches!(self.grant, Grant::Sparse { .. });
        // Nor before what woke it was looked at, however far decoding is behind.
        let is_done = self.job == Job::None && self.memory.len() == 0;
        matches!(&self.mode, Mode::Awake(awake) if is_sparse && is_done && awake.looked && now >= awake.until)
    }

    fn sleep(&mut self) {
        if let Mode::Awake(Awake { cause, until, found, .. }) =
            std::mem::replace(&mut self.mode, Mode::Asleep)
        {
            self.close(until, Closed { cause, outcome: found });
        }
    }

    fn close(&mut self, at: Mono, closed: Closed) {
        match closed.outcome {
            Outcome::Nothing => {}
            Outcome::Moved => {
                self.restless = (at + self.restless.1, (self.restless.1 * 2).min(RESTLESS_MAX));
            }
            Outcome::Thing => self.restless = (at, RESTLESS_MIN),
        }
        self.evidence.looked(closed.outcome);
        self.closed = Some(closed);
    }
}

#[cfg(test)]
mod tests;
