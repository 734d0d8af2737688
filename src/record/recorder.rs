//! One camera's recording: what is written, when files begin and end, and what is told of the time that is not recorded.
//!
//! ```text
//!                 key frame, and cause to record
//!   ┌─ Spell ───────────────────────────────────────▶ Film ─┐ key frame behind the segment's end, or other parameters
//!   │    ▲      stream or hours over, no more cause,    │ ▲   │
//!   │    └──── disk full, failed or too slow ───────────┘ └───┘
//!   └─ told as gaps                          told as segments, once they are on the disk
//! ```
//! Pure: no clock, no file, no thread. Each event may leave acts to be done, in order. What is on disk is known from the writer's last word on a
//! segment ([`Event::Written`]): only then it is told, and what of it was not written is told as a gap.

mod alerts;
mod answers;
mod ledger;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;

use self::{alerts::Alerts, ledger::Ledger};
use super::{
    Gap, GapCause, News, Sample,
    film::{Film, Scene},
    line::Line,
    pre_roll::PreRoll,
    spell::{Span, Spell},
};
use crate::{
    camera::{AccessUnit, AudioUnit, StreamInfo},
    config::{Camera, RecordWhen, Recording},
    id::{AlertId, StationId},
    metrics::{Metrics, OfCamera},
    time::{Mono, Now, Wall},
};

/// What was kept before an alert outlives its stream for so long: whoever cuts the cable is in it.
const PRE_ROLL_KEPT: Duration = Duration::from_secs(30);
/// A recording around alerts that is to end waits so long for a key frame.
const LAST_GROUP_MAX: Duration = Duration::from_secs(15);

/// The shortest time there is.
const INSTANT: Duration = Duration::from_micros(1);

/// Names a segment between a recorder and the writer; counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentKey(pub u64);

/// What happened to a camera's recording.
#[derive(Debug)]
pub enum Event {
    /// Its stream plays, or its parameters changed.
    Stream(StreamInfo),
    /// An access unit, in the order of the stream.
    Unit(AccessUnit),
    /// A frame of sound.
    Audio(AudioUnit),
    /// The stream ended.
    Ended,
    /// An alert was raised: recorded from the pre-roll on until it is over.
    Raised(AlertId),
    /// It is over.
    Over(AlertId),
    /// The writer did not take a segment or a fragment.
    Refused {
        /// Which.
        key: SegmentKey,
        /// How many of its fragments it had taken; `None` where it did not even open the file.
        taken: Option<usize>,
        /// What was in the way.
        cause: GapCause,
    },
    /// The writer's last word on a segment: so many of its fragments are on the disk; and why not more, where it failed.
    Written {
        /// Which.
        key: SegmentKey,
        /// How many.
        fragments: usize,
        /// What was in the way.
        trouble: Option<GapCause>,
    },
    /// A second or so has passed.
    Tick,
    /// The daemon stops.
    Stop,
}

/// What is to be done.
#[derive(Debug)]
pub enum Act {
    /// Begin a file; where that is refused, answer with [`Event::Refused`], else later with [`Event::Written`].
    Open {
        /// Its name between us.
        key: SegmentKey,
        /// Below the volume's folder.
        path: PathBuf,
        /// Its initialisation part.
        init: Bytes,
    },
    /// Append a fragment; where that is refused, answer with [`Event::Refused`] before anything else, and leave out what follows of this segment but
    /// its [`Act::Close`].
    Append(SegmentKey, Bytes),
    /// Nothing more will come of it.
    Close(SegmentKey),
    /// Tell the archive, and whoever waits for an alert's recording.
    Tell(News),
}

/// One camera's recording.
#[derive(Debug)]
pub struct Recorder {
    camera: Arc<Camera>,
    station: StationId,
    length: Duration,
    /// Ends of segments are shifted by so much: a fleet's files do not all end at once.
    phase_us: i64,
    line: Line,
    stream: Option<Playing>,
    film: Option<Film>,
    spell: Spell,
    /// What `spell` was before the film, should nothing come of that.
    before: Option<Span>,
    /// When the last unit came, on the line.
    last: Wall,
    pre_roll: PreRoll,
    alerts: Alerts,
    ledger: Ledger,
    /// Until when no segment is tried, and why.
    blocked: Option<(Mono, GapCause)>,
    /// How long the last block was.
    retry: Duration,
    /// The picture changed: what follows is a segment of its own.
    is_other: bool,
    keys: u64,
    metrics: Metrics,
    of: OfCamera,
    gaps: Vec<Gap>,
}

/// A stream that plays.
#[derive(Debug)]
struct Playing {
    info: StreamInfo,
    /// When the last unit came.
    last: Option<Mono>,
}

impl Recorder {
    /// Of a camera that is not connected yet. `start`: up to when the record is complete; nothing is told of what lies before.
    pub fn new(
        camera: Arc<Camera>,
        station: StationId,
        recording: Recording,
        metrics: Metrics,
        now: Now,
        start: Wall,
    ) -> Self {
        let line = Line::new(now, start);
        let mut recorder = Self {
            station,
            length: recording.segment,
            phase_us: phase_us(camera.id.as_str(), recording.segment),
            line,
            stream: None,
            film: None,
            spell: Spell::default(),
            before: None,
            last: Wall::from_unix_us(i64::MIN),
            pre_roll: PreRoll::new(recording.pre_roll),
            alerts: Alerts::new(recording.pre_roll, recording.post_roll),
            ledger: Ledger::new(&camera),
            blocked: None,
            retry: Duration::ZERO,
            is_other: false,
            keys: 0,
            metrics,
            of: (&camera.id).into(),
            gaps: Vec::new(),
            camera,
        };
        let cause = recorder.reason(now.mono).unwrap_or(GapCause::Offline);
        recorder.spell.begin(start, cause);
        recorder
    }

    /// Whether a connection for this recording is of any use.
    pub fn wants_stream(camera: &Camera) -> bool {
        !camera.maintenance && camera.record.when != RecordWhen::Off
    }

    /// Whether everything that was written is told: at a stop, when that has come true, nothing is left to be done.
    pub fn is_settled(&self) -> bool {
        self.film.is_none() && self.ledger.is_empty()
    }

    /// What of the stream is in memory from the newest key frame on, up to the last picture; nothing where that key frame is not there any more.
    pub(super) fn group(&self) -> Vec<AccessUnit> {
        if self.film.is_some() { Vec::new() } else { self.pre_roll.newest_group() }
    }

    /// Takes an event in; what is to be done is appended to `acts`, in order.
    pub fn apply(&mut self, now: Now, event: Event, acts: &mut Vec<Act>) {
        // What comes of a stream came when it arrived; answers and ticks come now.
        let at = match &event {
            Event::Unit(unit) => unit.arrived,
            Event::Audio(unit) => unit.arrived,
            _ => now,
        };
        self.line.go(at);
        if self.film.is_none() && self.line.step().is_some() {
            self.line.follow();
            self.pre_roll.clear();
        }
        match event {
            Event::Stream(info) => self.playing(info),
            Event::Unit(unit) => self.unit(unit, acts),
            Event::Audio(unit) => self.sound(unit, acts),
            Event::Ended => self.ended(at.mono, acts),
            Event::Raised(alert) => self.raised(at.mono, alert, acts),
            Event::Over(alert) => self.alerts.over(alert, self.line.at()),
            Event::Refused { key, taken, cause } => self.refused(key, taken, cause, acts),
            Event::Written { key, fragments, trouble } => {
                self.written(key, fragments, trouble, acts);
            }
            Event::Tick => self.tick(at.mono, acts),
            Event::Stop => self.stop(acts),
        }
        self.tell(at.mono, acts);
    }

    /// Why nothing is to be recorded now; `None` where something is.
    fn reason(&self, now: Mono) -> Option<GapCause> {
        let policy = &self.camera.record;
        if self.camera.maintenance {
            return Some(GapCause::Maintenance);
        }
        if policy.when == RecordWhen::Off {
            return Some(GapCause::Off);
        }
        if let Some(cause) = self.barred() {
            return Some(cause);
        }
        if self.stream.as_ref().and_then(|playing| playing.last).is_none() {
            return Some(GapCause::Offline);
        }
        if policy.when == RecordWhen::Alerts && !self.alerts.is_wanted(self.line.at()) {
            return Some(GapCause::Quiet);
        }
        self.blocked.filter(|(until, _)| now < *until).map(|(_, cause)| cause)
    }

    /// Why it must not be recorded at this time, whatever happens.
    fn barred(&self) -> Option<GapCause> {
        let (policy, at) = (&self.camera.record, self.line.at());
        if policy.until.is_some_and(|until| at >= until) {
            return Some(GapCause::AgreementEnded);
        }
        let is_hour = policy.hours.as_ref().is_none_or(|hours| hours.contains(at));
        (!is_hour).then_some(GapCause::Schedule)
    }

    fn playing(&mut self, info: StreamInfo) {
        match &mut self.stream {
            Some(playing) if playing.info != info => {
                playing.info = info;
                self.is_other = true;
                self.pre_roll.clear();
            }
            Some(_) => {}
            None => {
                self.stream = Some(Playing { info, last: None });
                self.pre_roll.clear();
            }
        }
    }

    fn unit(&mut self, unit: AccessUnit, acts: &mut Vec<Act>) {
        let now = unit.arrived.mono;
        let Some(playing) = &mut self.stream else { return };
        playing.last = Some(now);
        // No two pictures have the same time.
        self.line.reach(self.last.after(INSTANT));
        self.last = self.line.at();
        self.end_before(&unit, acts);
        let reason = self.reason(now);
        if self.film.is_none() && reason.is_none() && unit.is_key {
            self.begin(self.line.at(), &unit, acts);
        }
        self.keep(Sample::Picture(unit), reason, acts);
    }

    fn sound(&mut self, unit: AudioUnit, acts: &mut Vec<Act>) {
        let reason = self.reason(unit.arrived.mono);
        self.keep(Sample::Sound(unit), reason, acts);
    }

    /// Ends the segment in front of a unit, where it is time to.
    fn end_before(&mut self, unit: &AccessUnit, acts: &mut Vec<Act>) {
        let at = self.line.at();
        let Some(film) = &self.film else { return };
        let reason = self.reason(unit.arrived.mono);
        let (is_over, next) = match reason {
            Some(cause @ (GapCause::Schedule | GapCause::AgreementEnded)) => (true, cause),
            Some(GapCause::Quiet) => (unit.is_key || self.is_late(at), GapCause::Quiet),
            _ => {
                let is_due = at >= film.ends() || self.alerts.is_cut_due(at) || self.line.step().is_some();
                (self.is_other || (is_due && unit.is_key), GapCause::Offline)
            }
        };
        if !is_over {
            return;
        }
        if self.line.step().is_some() {
            self.close(at, GapCause::Clock, acts);
            self.line.follow();
            self.last = self.line.at();
            self.spell.begin(self.last, next);
        } else {
            self.close(at, next, acts);
        }
    }

    /// Whether a recording around alerts has waited too long for a key frame to end with.
    fn is_late(&self, at: Wall) -> bool {
        at >= self.alerts.wanted_until().after(LAST_GROUP_MAX)
    }

    /// Begins a segment with a unit that is not yet in it.
    fn begin(&mut self, at: Wall, unit: &AccessUnit, acts: &mut Vec<Act>) {
        let key = SegmentKey(self.keys);
        let scene = Scene {
            key,
            station: self.station.clone(),
            camera: self.camera.id.clone(),
            audio: self.stream.as_ref().and_then(|playing| playing.info.audio.clone()),
            from: at,
            ends: self.end_of(at),
        };
        let (film, init) = match Film::begin(scene, unit) {
            Ok(begun) => begun,
            Err(why) => {
                tracing::debug!(camera = %self.camera.id, %why, "a picture that cannot be recorded");
                self.spell.begin(self.line.at(), GapCause::Offline);
                return;
            }
        };
        self.keys += 1;
        self.is_other = false;
        self.alerts.cut(at);
        self.before = self.spell.end(&self.camera.id, at, &mut self.gaps);
        acts.push(Act::Open { key, path: film.path().to_owned(), init });
        self.film = Some(film);
    }

    /// Writes a sample to the segment, or keeps it in case that an alert wants it.
    fn keep(&mut self, sample: Sample, reason: Option<GapCause>, acts: &mut Vec<Act>) {
        let at = self.line.at();
        if let Some(film) = &mut self.film {
            let pushed = film.push(at, &sample, |key, bytes| acts.push(Act::Append(key, bytes)));
            // Its time makes no sense in this file: another one begins.
            self.is_other |= pushed.is_err();
            return;
        }
        if let Some(cause) = reason {
            self.spell.begin(at, cause);
        }
        if reason == Some(GapCause::Quiet) {
            if self.pre_roll.push(at, sample) {
                self.metrics.record_pre_roll_short.get_or_create(&self.of).inc();
            }
        } else {
            self.pre_roll.clear();
        }
    }

    fn ended(&mut self, now: Mono, acts: &mut Vec<Act>) {
        self.stream = None;
        self.is_other = false;
        let cause = self.reason(now).unwrap_or(GapCause::Offline);
        match &self.film {
            Some(film) => self.close(film.shown_until().min(self.line.at()), cause, acts),
            None => self.spell.begin(self.line.at(), cause),
        }
    }

    fn raised(&mut self, now: Mono, alert: AlertId, acts: &mut Vec<Act>) {
        self.alerts.raised(alert, self.line.at());
        let is_blocked = self.blocked.is_some_and(|(until, _)| now < until);
        if self.film.is_some() || is_blocked || self.barred().is_some() {
            return;
        }
        let rest = self.spell.cause();
        let mut kept = self.pre_roll.take();
        let Some((from, Sample::Picture(first))) = kept.front() else { return };
        self.begin(*from, &first.clone(), acts);
        let Some(film) = &mut self.film else { return };
        for (at, sample) in kept.drain(..) {
            let pushed = film.push(at, &sample, |key, bytes| acts.push(Act::Append(key, bytes)));
            self.is_other |= pushed.is_err();
        }
        if self.stream.is_none() {
            let to = film.shown_until().min(self.line.at());
            self.close(to, rest.unwrap_or(GapCause::Offline), acts);
        }
    }

    /// Ends the segment, which is shown up to `to`: from there on nothing is recorded for this cause.
    fn close(&mut self, to: Wall, cause: GapCause, acts: &mut Vec<Act>) {
        let Some(film) = self.film.take() else { return };
        let to = to.max(film.last().after(INSTANT));
        self.line.reach(to);
        let key = film.key();
        let closed = film.end(to, |key, bytes| acts.push(Act::Append(key, bytes)));
        acts.push(Act::Close(key));
        self.ledger.closed(closed);
        self.spell.begin(to, cause);
    }

    fn tick(&mut self, now: Mono, acts: &mut Vec<Act>) {
        let at = self.line.at();
        let reason = self.reason(now);
        if let Some(film) = &self.film {
            let is_over = match reason {
                Some(GapCause::Quiet) => self.is_late(at),
                Some(GapCause::Schedule | GapCause::AgreementEnded) => true,
                _ => false,
            };
            if is_over {
                self.close(film.shown_until().min(at), reason.unwrap_or(GapCause::Quiet), acts);
            }
            return;
        }
        let is_old = |newest: Mono| now.since(newest) >= PRE_ROLL_KEPT;
        if self.pre_roll.newest().is_some_and(is_old) || self.barred().is_some() {
            self.pre_roll.clear();
        }
        // Where there is cause to record and no key frame yet, the cause before stands.
        if let Some(cause) = reason {
            self.spell.begin(at, cause);
        }
    }

    fn stop(&mut self, acts: &mut Vec<Act>) {
        self.pre_roll.clear();
        self.stream = None;
        if let Some(film) = &self.film {
            self.close(film.shown_until().min(self.line.at()), GapCause::Stopped, acts);
        }
        self.line.follow();
        let at = self.line.at();
        self.alerts.stop(at);
        self.spell.end(&self.camera.id, at, &mut self.gaps);
    }

    /// The end of a segment that begins then: the next multiple of its length on the clock, shifted by the camera's phase.
    fn end_of(&self, from: Wall) -> Wall {
        let length = i64::try_from(self.length.as_micros()).unwrap_or(i64::MAX).max(1);
        let into = (from.unix_us() - self.phase_us).rem_euclid(length);
        Wall::from_unix_us(from.unix_us().saturating_add(length - into))
    }
}

/// A number of the camera's below the length of a segment: FNV-1a of its id.
fn phase_us(id: &str, length: Duration) -> i64 {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash % u64::try_from(length.as_micros()).unwrap_or(u64::MAX).max(1)) as i64
}
