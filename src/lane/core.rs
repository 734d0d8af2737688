//! The lane itself: one camera's state, and what follows from each event.
//!
//! ```text
//!            ┌────────── connect ──────────┐
//!            ▼                             │ after the backoff's delay
//!   ┌─ Connecting ── Playing ──▶ Streaming │
//!   │        │ Ended               │ Ended │
//!   │        └────────▶ Waiting ◀──┘       │
//!   │                      └───────────────┘
//!   └─ Stopped (from anywhere; final)        Maintenance (from the start; final)
//! ```
//!
//! Pure: no clock, no socket, no thread. Each event may leave acts to be done, in order.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    eye::{Glimpse, Seen},
    filming::Wish,
    passage::Passage,
    replay::is_due,
    shortfall::Shortfall,
    watch::Watch,
};
use crate::{
    alert::Change,
    analysis::{Cause, Interval},
    camera::{AccessUnit, Backoff, Ending, Health, Limits, Reason, State, StreamEvent, StreamInfo, Vitals},
    config::Camera,
    decode::Frame,
    detect::{Detection, Facts, View},
    gate::{Attention, Closed, Grant, Judged, Look, Share},
    id::Mint,
    metrics::{CameraMetrics, Metrics, OfCamera, OfLook},
    rules::Verdict,
    time::{MediaTime, Mono, Now, Wall},
    track::Track,
};

/// How often the lane looks at itself: health, and the end of what waits.
const TICK: Duration = Duration::from_secs(1);
/// How long tracks and alerts outlive a stream that broke off. A camera that blinks has not lost its visitor.
const SIGHT_KEPT: Duration = Duration::from_secs(15);
/// How long they outlive a stream that plays but of which nothing can be made: no picture is decoded, or the detector fails on each.
const BLIND_KEPT: Duration = Duration::from_secs(60);
/// A camera's health is told so often though nothing changed (`docs/ref/mqtt.md`).
const TELL_EVERY: Duration = Duration::from_secs(60);
/// A stream that has just begun has no rates worth telling; they are told after this time.
const RATES_KNOWN: Duration = Duration::from_secs(6);
/// Verdicts that may wait for the clerk before the lane sheds detection. A disk that takes a second a write is caught up with;
/// one that takes no writes stops detection here, and nothing else.
const FILINGS_MAX: usize = 16;

/// Frames of somebody who has just come that wait for the detector, one after the other: as many as make a rule sure.
const PENDING_MAX: usize = 3;
/// By when a frame is to be detected: one of somebody who has just come, and any other. Far apart, so that even a detector that is behind looks at
/// who has just come first; who is known already is looked at as often as there is time, all of them alike.
const DETECT_WITHIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What happened to a camera.
#[derive(Debug)]
pub enum Event {
    /// Its stream said something.
    Stream(StreamEvent),
    /// Its eye came back from the decoding pool.
    Seen(Seen),
    /// The detector looked at a frame of it.
    Detected {
        /// Which.
        frame: Frame,
        /// How it was looked at.
        view: View,
        /// What was found, or why the detector failed.
        found: Result<Vec<Detection>, String>,
    },
    /// A frame that waited for the detector was overwritten by a newer one.
    Overwritten {
        /// [`Frame::number`].
        number: u64,
    },
    /// The clerk has made one verdict durable.
    Filed,
    /// The fleet's attention was shared out anew.
    Granted(Grant),
    /// Another camera of the same entry point has seen something.
    Nudged,
    /// The camera's zones, lines, masks and rules are other ones from here on.
    Redrawn(Arc<Camera>),
    /// A deadline was reached ([`Lane::deadline`]).
    Tick,
    /// The daemon stops.
    Stop,
}

/// What is to be done for a camera.
#[derive(Debug)]
pub enum Act {
    /// Connect to the analysed stream, after tearing down what was there.
    Connect,
    /// Hand this to the camera's eye; answer with [`Event::Seen`].
    Look(Look),
    /// The stream broke off, or the camera sleeps: the eye lets its decoder go.
    CutEye,
    /// Show this frame to the detector, by that time if it can be, in place of an older one that waits; answer with [`Event::Detected`], and with
    /// [`Event::Overwritten`] for the older one.
    Detect(Frame, View, Mono),
    /// Make this durable and tell the world; answer with [`Event::Filed`].
    File(Box<Filing>),
    /// Tell how the camera is.
    Tell(Health),
    /// Keep on record that too little was analysed here.
    Record(Interval),
    /// Keep what is known of a visitor who has gone, or of one who stays.
    Passed(Box<Passage>),
    /// What is to be recorded, and until when.
    Film(Wish),
    /// The camera is judged by what is drawn now: let its eye know the masks, and say so.
    Redraw(Arc<Camera>),
    /// Somebody has come: the other cameras of the entry point should look, too.
    Nudge,
}

/// A verdict on its way to the clerk.
#[derive(Debug)]
pub struct Filing {
    /// What the rules say.
    pub verdict: Verdict,
    /// The frame that made them raise it, for the picture; `None` where no frame did, and for what is not raised.
    pub frame: Option<Frame>,
}

#[derive(Debug)]
enum Stream {
    /// Out of service on purpose.
    Maintenance,
    /// An attempt is under way.
    Connecting,
    /// Playing; the camera counts as there from its first access unit on.
    Streaming { info: StreamInfo, units: Option<Units> },
    /// The next attempt is due then.
    Waiting { until: Mono },
    /// For good.
    Stopped,
}

/// When access units came.
#[derive(Debug, Clone, Copy)]
struct Units {
    first: Mono,
    last: Mono,
}

/// One camera's state.
pub struct Lane {
    camera: Arc<Camera>,
    started: Wall,
    stream: Stream,
    /// When the stream broke off, while tracks still wait for it.
    sight_lost: Option<Mono>,
    /// When the rules last judged a picture.
    judged_at: Mono,
    vitals: Vitals,
    backoff: Backoff,
    attention: Attention,
    /// Of somebody who has just come, oldest first.
    pending: VecDeque<Glimpse>,
    shortfall: Shortfall,
    /// The last unit whose picture was to be analysed.
    last_wanted: Option<MediaTime>,
    watch: Watch,
    filings: usize,
    tick_at: Mono,
    /// When health is told next, though nothing changed.
    tell_at: Mono,
    /// What the log knows of the camera's health.
    logged: (State, BTreeSet<Reason>),
    /// When it was last said that the detector fails.
    blind_told: Option<Mono>,
    mint: Mint,
    metrics: Metrics,
    own: CameraMetrics,
    of: OfCamera,
    verdicts: Vec<Verdict>,
}

impl Lane {
    /// A lane at its start: it connects at its first tick, which is due at once.
    pub fn new(
        camera: Arc<Camera>,
        facts: Facts,
        limits: &Limits,
        share: Share,
        mut mint: Mint,
        metrics: Metrics,
        now: Now,
    ) -> Self {
        let stream = match camera.maintenance {
            true => Stream::Maintenance,
            false => Stream::Waiting { until: now.mono },
        };
        let watch_mint = mint.split();
        let phase = mint.unit() as f32;
        Self {
            started: now.wall,
            stream,
            sight_lost: None,
            judged_at: now.mono,
            vitals: Vitals::new(camera.id.clone(), limits, now),
            backoff: Backoff::new(),
            attention: Attention::new(camera.look_every, camera.detect_fps, share, phase, now.mono),
            pending: VecDeque::with_capacity(PENDING_MAX),
            shortfall: Shortfall::new(now),
            last_wanted: None,
            watch: Watch::new(Arc::clone(&camera), facts, watch_mint),
            filings: 0,
            tick_at: now.mono,
            // A camera that has not been tried is neither well nor lost: the first word on it is how the first attempt went.
            tell_at: if camera.maintenance { now.mono } else { now.mono + RATES_KNOWN },
            logged: (State::Offline, BTreeSet::new()),
            blind_told: None,
            mint,
            own: metrics.of(&camera.id),
            metrics,
            of: (&camera.id).into(),
            verdicts: Vec::new(),
            camera,
        }
    }

    /// Whose lane it is.
    pub fn camera(&self) -> &Arc<Camera> {
        &self.camera
    }

    /// When the lane wants an [`Event::Tick`] at the latest; `None` once it has stopped.
    pub fn deadline(&self) -> Option<Mono> {
        match self.stream {
            Stream::Stopped => None,
            Stream::Waiting { until } => Some(until.min(self.tick_at)),
            Stream::Maintenance | Stream::Connecting | Stream::Streaming { .. } => Some(self.tick_at),
        }
    }

    /// Whether something that was promised to be told is still on its way to the clerk.
    pub fn is_filing(&self) -> bool {
        self.filings > 0
    }

    /// Frames that the detector has, as far as the lane knows: it still expects an answer for each.
    pub fn frames_out(&self) -> usize {
        self.watch.frames_out()
    }

    /// Time in the stream and arrival of the newest picture that was looked at and judged: what [`Self::in_view`] is as of.
    pub fn looked(&self) -> Option<(MediaTime, Mono)> {
        self.watch.looked()
    }

    /// What is followed and in view.
    pub fn in_view(&self) -> impl Iterator<Item = &Track> {
        self.watch.in_view()
    }

    /// What of the stream is in memory from the newest key frame on, up to the last unit; nothing where that key frame is not there any more.
    pub fn group(&self) -> Vec<AccessUnit> {
        self.attention.group()
    }

    /// Takes an event in; what is to be done is appended to `acts`, in order.
    pub fn apply(&mut self, now: Now, event: Event, acts: &mut Vec<Act>) {
        if matches!(self.stream, Stream::Stopped) && !matches!(event, Event::Filed) {
            return;
        }
        match event {
            Event::Stream(event) => self.stream_said(now, event, acts),
            Event::Seen(seen) => self.seen(now, seen, acts),
            Event::Detected { frame, view, found } => self.detected(now, frame, &view, found, acts),
            Event::Overwritten { number } => {
                self.own.frames_skipped.inc();
                self.shortfall.skipped(1, Cause::DetectorBehind);
                self.watch.unseen(number);
            }
            Event::Filed => self.filings = self.filings.saturating_sub(1),
            Event::Granted(grant) => {
                self.attend(now, acts, |attention| attention.granted(now.mono, grant));
            }
            Event::Nudged => self.attend(now, acts, |attention| attention.nudged(now.mono)),
            Event::Redrawn(camera) => self.redraw(camera, acts),
            Event::Tick => self.tick(now, acts),
            Event::Stop => self.stop(now, acts),
        }
    }

    fn stream_said(&mut self, now: Now, event: StreamEvent, acts: &mut Vec<Act>) {
        match event {
            StreamEvent::Playing(info) => {
                let changed = self.vitals.playing(now, &info);
                self.stream = Stream::Streaming { info, units: None };
                if changed {
                    self.tell(now, acts);
                }
            }
            StreamEvent::Changed(info) => {
                tracing::info!(camera = %self.camera.id, size = %size_text(&info), "the camera changed its picture");
                let changed = self.vitals.playing(now, &info);
                if changed {
                    self.tell(now, acts);
                }
            }
            StreamEvent::Unit(unit) => self.unit(now, unit, acts),
            // Recorded, and not listened to.
            StreamEvent::Audio(_) => {}
            StreamEvent::Ended(ending) => self.ended(now, &ending, acts),
        }
    }

    fn unit(&mut self, now: Now, unit: AccessUnit, acts: &mut Vec<Act>) {
        self.own.access_units.inc();
        self.own.access_unit_bytes.inc_by(unit.data.len() as u64);
        self.own.packets_lost.inc_by(unit.packets_lost.into());
        self.sight_lost = None;
        self.streams(now);
        let changed = self.vitals.unit(now, &unit);
        if changed {
            self.tell(now, acts);
        }
        let mut skipped = 0;
        let media = unit.media;
        self.attend(now, acts, |attention| skipped = attention.unit(now.mono, unit));
        if let Some(fps) = self.attention.wants_fps(now.mono)
            && is_due(self.last_wanted, media, fps)
        {
            self.last_wanted = Some(media);
            self.shortfall.wanted(now);
        }
        self.own.units_skipped.inc_by(skipped.into());
    }

    /// Tells the camera's attention something, and does what follows: a decoder that is of no use is let go, and the next look begins.
    fn attend(&mut self, now: Now, acts: &mut Vec<Act>, told: impl FnOnce(&mut Attention)) {
        let was_asleep = self.attention.is_asleep();
        told(&mut self.attention);
        let is_asleep = self.attention.is_asleep();
        match (was_asleep, is_asleep) {
            (false, true) => {
                self.metrics.cameras_awake.dec();
                acts.push(Act::CutEye);
            }
            (true, false) => {
                self.metrics.cameras_awake.inc();
            }
            _ => {}
        }
        if let Some(Closed { cause, outcome }) = self.attention.closed() {
            let of = OfLook { cause: cause.as_str(), found: outcome.as_str() };
            self.metrics.looks.get_or_create(&of).inc();
        }
        acts.extend(self.attention.look(now.mono).map(Act::Look));
    }

    /// An access unit came.
    fn streams(&mut self, now: Now) {
        let Stream::Streaming { info, units } = &mut self.stream else { return };
        match units {
            Some(units) => units.last = now.mono,
            None => {
                *units = Some(Units { first: now.mono, last: now.mono });
                tracing::info!(camera = %self.camera.id, codec = ?info.codec, size = %size_text(info), "camera connected");
                self.online(1);
            }
        }
    }

    fn ended(&mut self, now: Now, ending: &Ending, acts: &mut Vec<Act>) {
        if let Stream::Streaming { units, .. } = &self.stream {
            // Only what was delivered speaks for the camera: one that plays and says nothing is as good as away.
            if let Some(Units { first, last }) = units {
                self.backoff.streamed(last.since(*first));
            }
            self.sight_lost.get_or_insert(now.mono);
        }
        let delay = self.backoff.failed(ending, &mut self.mint);
        self.stream = Stream::Waiting { until: now.mono + delay };
        let mut dropped = 0;
        acts.push(Act::CutEye);
        self.attend(now, acts, |attention| dropped = attention.cut());
        self.own.units_skipped.inc_by(dropped.into());
        self.watch.cut();
        self.shortfall.cut(now);
        self.last_wanted = None;
        let changed = self.vitals.ended(now, ending);
        if changed {
            tracing::warn!(camera = %self.camera.id, %ending, "camera lost; it is tried again for ever");
        } else {
            tracing::debug!(camera = %self.camera.id, %ending, retry_in = ?delay, "camera still away");
        }
        self.online(0);
        if changed {
            self.tell(now, acts);
        }
    }

    fn seen(&mut self, now: Now, seen: Seen, acts: &mut Vec<Act>) {
        if seen.failed.is_some() && seen.glimpses.is_empty() {
            self.shortfall.skipped(1, Cause::NoPicture);
        }
        let outcome = match (seen.decoded, seen.failed) {
            (0, Some(why)) => Some(Err(why)),
            (0, None) => None,
            _ => Some(Ok(())),
        };
        if outcome.is_some_and(|outcome| self.vitals.decoded(now, outcome)) {
            self.tell(now, acts);
        }
        let newest = seen.glimpses.last().map(|glimpse| glimpse.frame.arrived.mono);
        let moved = seen.glimpses.iter().any(|glimpse| !glimpse.motion.regions.is_empty());
        for glimpse in seen.glimpses {
            let changed = self.vitals.picture(now, &glimpse.motion);
            if changed {
                self.tell(now, acts);
            }
            if self.filings >= FILINGS_MAX {
                self.own.frames_skipped.inc();
                self.shortfall.skipped(1, Cause::StoreStuck);
                continue;
            }
            if self.pending.len() == PENDING_MAX {
                self.pending.pop_front();
                self.own.frames_skipped.inc();
            }
            self.pending.push_back(glimpse);
            self.show(now, acts);
        }
        self.attend(now, acts, |attention| attention.returned(now.mono, newest, moved, &seen.spent));
    }

    /// Shows frames to the detector: of somebody who has just come one after the other, so that a first alert needs no frames that are yet to
    /// come; else each at once, in place of an older one that waits.
    fn show(&mut self, now: Now, acts: &mut Vec<Act>) {
        let is_curious = self.attention.is_curious(now.mono);
        while !(is_curious && self.watch.frames_out() > 0)
            && let Some(Glimpse { frame, motion }) = self.pending.pop_front()
        {
            let view = self.watch.glimpse(&frame, motion, &mut self.verdicts);
            match view {
                None => self.judged(now, &frame, acts),
                Some(view) => {
                    self.file(Some(&frame), acts);
                    let within = if is_curious { DETECT_WITHIN.0 } else { DETECT_WITHIN.1 };
                    acts.push(Act::Detect(frame, view, now.mono + within));
                }
            }
        }
    }

    /// The rules have judged a frame.
    fn judged(&mut self, now: Now, frame: &Frame, acts: &mut Vec<Act>) {
        self.judged_at = now.mono;
        self.shortfall.analysed();
        let raised = self.verdicts.iter().any(|verdict| verdict.change == Change::Raised);
        if raised {
            acts.push(Act::Nudge);
        }
        self.file(Some(frame), acts);
        let judged = Judged { raised, ..self.watch.judged() };
        self.attend(now, acts, |attention| attention.judged(now.mono, judged));
    }

    fn detected(
        &mut self,
        now: Now,
        frame: Frame,
        view: &View,
        found: Result<Vec<Detection>, String>,
        acts: &mut Vec<Act>,
    ) {
        match found {
            Ok(found) => {
                self.watch.detected(&frame, view, &found, &mut self.verdicts);
                self.judged(now, &frame, acts);
            }
            Err(why) => {
                self.watch.unseen(frame.number);
                self.own.detect_errors.inc();
                self.shortfall.skipped(1, Cause::DetectorFailed);
                if self.blind_told.is_none_or(|told| now.mono.since(told) >= TELL_EVERY) {
                    self.blind_told = Some(now.mono);
                    tracing::error!(camera = %self.camera.id, why, "the detector failed on a frame: nothing is detected here");
                }
            }
        }
        self.show(now, acts);
    }

    fn tick(&mut self, now: Now, acts: &mut Vec<Act>) {
        if let Stream::Waiting { until } = self.stream
            && until <= now.mono
        {
            self.own.camera_connects.inc();
            self.stream = Stream::Connecting;
            let changed = self.vitals.connecting(now);
            if changed {
                self.tell(now, acts);
            }
            acts.push(Act::Connect);
        }
        let is_gone = self.sight_lost.is_some_and(|lost| now.mono.since(lost) >= SIGHT_KEPT);
        let is_blind = now.mono.since(self.judged_at) >= BLIND_KEPT;
        if is_gone || is_blind {
            self.sight_lost = None;
            self.judged_at = now.mono;
            self.watch.lose_sight(&mut self.verdicts);
            self.file(None, acts);
        }
        if self.tick_at <= now.mono {
            self.tick_at = now.mono + TICK;
            match self.attention.late_since(now.mono) {
                Some(_) => self.shortfall.not_watching(now, Cause::LookLate),
                None => self.shortfall.watching(now),
            }
            let is_detecting = self.watch.frames_out() > 0;
            let held_by = if is_detecting { Cause::DetectorBehind } else { Cause::DecodersBehind };
            let mut intervals = Vec::new();
            self.shortfall.tick(now, held_by, &mut intervals).count(&self.metrics, &self.of);
            acts.extend(intervals.into_iter().map(Act::Record));
            let changed = self.vitals.tick(now);
            let due = self.tell_at <= now.mono;
            if changed || due {
                self.tell(now, acts);
            }
        }
    }

    fn stop(&mut self, now: Now, acts: &mut Vec<Act>) {
        self.stream = Stream::Stopped;
        self.pending.clear();
        let mut intervals = Vec::new();
        self.shortfall.stop(now, &mut intervals).count(&self.metrics, &self.of);
        acts.extend(intervals.into_iter().map(Act::Record));
        self.online(0);
        self.watch.lose_sight(&mut self.verdicts);
        self.file(None, acts);
    }

    /// Nothing else changes: the stream plays on, and frames that are on their way are judged by what is drawn now.
    fn redraw(&mut self, camera: Arc<Camera>, acts: &mut Vec<Act>) {
        self.watch.redraw(&camera, &mut self.verdicts);
        self.file(None, acts);
        self.camera = Arc::clone(&camera);
        acts.push(Act::Redraw(camera));
    }

    fn file(&mut self, frame: Option<&Frame>, acts: &mut Vec<Act>) {
        for verdict in self.verdicts.drain(..) {
            self.filings += 1;
            match verdict.change {
                Change::Raised => acts.push(Act::Film(Wish::Raised(verdict.alert.id))),
                Change::Ended => acts.push(Act::Film(Wish::Over(verdict.alert.id))),
                Change::Updated => {}
            }
            let frame = frame.filter(|_| verdict.change == Change::Raised).cloned();
            acts.push(Act::File(Box::new(Filing { verdict, frame })));
        }
        acts.extend(self.watch.passed().map(|passage| Act::Passed(Box::new(passage))));
    }

    /// Tells how the camera is.
    fn tell(&mut self, now: Now, acts: &mut Vec<Act>) {
        let is_fresh = matches!(&self.stream, Stream::Streaming { units: Some(units), .. } if now.mono.since(units.first) < RATES_KNOWN);
        self.tell_at = now.mono + if is_fresh { RATES_KNOWN } else { TELL_EVERY };
        let health = match self.stream {
            Stream::Maintenance => Health::maintenance(self.camera.id.clone(), self.started),
            _ => Health { attention: Some(self.attention.watched()), ..self.vitals.health(now) },
        };
        if let Some(skew) = health.clock_skew_ms {
            self.metrics.clock_skew_ms.get_or_create(&self.of).set(skew);
        }
        self.own.camera_degraded.set((health.state == State::Degraded).into());
        self.log(&health);
        acts.push(Act::Tell(health));
    }

    /// Says once what is wrong with a picture, and that it is mended. That a camera was lost or found is said where it happens.
    fn log(&mut self, health: &Health) {
        let is = (health.state, health.reasons.clone());
        if is == self.logged {
            return;
        }
        match (self.logged.0, health.state) {
            (_, State::Degraded) => {
                let what = health.detail.as_deref().unwrap_or("reason unknown");
                tracing::warn!(camera = %self.camera.id, what, "camera degraded");
            }
            (State::Degraded, State::Online) => tracing::info!(camera = %self.camera.id, "camera well again"),
            _ => {}
        }
        self.logged = is;
    }

    fn online(&self, online: i64) {
        self.own.camera_online.set(online);
    }
}

fn size_text(info: &StreamInfo) -> String {
    info.size.map_or_else(|| "unknown".to_owned(), |size| size.to_string())
}
