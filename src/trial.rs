//! A film in its own time before a camera that may sleep: what the gate catches, how late, and what it decodes for that.
//!
//! The lane, the decoder, motion and the detector are the daemon's own; instead of waiting, each job is done at once. Owns what is
//! counted. How films are encoded belongs to `sim::material`.

mod report;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, ops::Range, sync::Arc, time::Duration};

pub use report::{Delay, OfEncoding, Report, report};

use crate::{
    camera::{AccessUnit, Codec, Limits, StreamEvent, StreamInfo},
    config::{Camera, StreamRole},
    decode::Backend,
    detect::{Detection, Detector, Facts},
    gate::{Cause, Grant, Outcome, Share},
    geometry::UnitBox,
    id::Mint,
    lane::{Act, Event, Eye, Lane},
    metrics::{Metrics, OfLook},
    sim::material::EncodedFilm,
    time::{MediaTime, Mono, Now, Wall},
};

/// What a camera needs.
pub struct Setting<'a> {
    /// Whose configuration and rules apply.
    pub camera: Arc<Camera>,
    /// Of the model.
    pub facts: Facts,
    /// What decodes.
    pub backend: Backend,
    /// What detects.
    pub detector: &'a mut Detector,
}

/// What came of a film.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tried {
    /// Access units of the film, and how many were decoded.
    pub units: u64,
    /// Pictures that came out of the decoder.
    pub decoded: u64,
    /// By visit, in their order: how it was caught, if it was.
    pub caught: Vec<Option<Caught>>,
    /// Looks and times awake, and those of them that found nothing.
    pub looks: u64,
    /// See `looks`.
    pub looks_empty: u64,
}

/// A visit was caught: a frame of it in which the detector finds something that moves was shown to it while the visit
/// was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// From the visit's begin to the arrival of the unit at which that happened.
    pub delay: Duration,
    /// Why the camera was looked at.
    pub cause: Cause,
}

/// Plays a film to a camera with this grant.
pub fn play(
    film: &EncodedFilm,
    codec: Codec,
    visits: &[Range<Duration>],
    grant: Grant,
    setting: &mut Setting<'_>,
) -> Tried {
    let mut stage = Stage::new(film, codec, visits, grant, setting);
    let end = film.units.len() as u64;
    for (number, unit) in (0u64..).zip(&film.units) {
        // Units arrive in the order in which they are decoded, evenly.
        let now = stage.at(number);
        stage.ticks(now);
        let ms = i64::try_from(unit.at.as_millis()).unwrap_or(i64::MAX);
        let unit = AccessUnit {
            role: StreamRole::Sub,
            codec,
            data: unit.data.clone(),
            is_key: unit.is_key,
            media: MediaTime::from_ms(ms),
            camera_clock: None,
            arrived: now,
            packets_lost: 0,
        };
        stage.apply(now, Event::Stream(StreamEvent::Unit(unit)));
    }
    let now = stage.at(end);
    stage.apply(now, Event::Stop);
    stage.tried(end)
}

/// One camera, its eye and its detector, in the film's time.
struct Stage<'a, 'b> {
    film: &'a EncodedFilm,
    visits: &'a [Range<Duration>],
    setting: &'a mut Setting<'b>,
    metrics: Metrics,
    lane: Lane,
    eye: Eye,
    witness: Witness,
    tried: Tried,
}

/// What is known of the frames of the newest look, while the detector has them.
#[derive(Default)]
struct Witness {
    cause: Option<Cause>,
    /// What moved, by number of the frame.
    moved: VecDeque<(u64, Vec<UnitBox>)>,
}

/// Frames of which it is known what moved in them: more than the detector has of one camera at a time.
const MOVED_MAX: usize = 64;

impl Witness {
    /// Whether one of these lies where something moves: what stands there all day, and is found now and then, is no visitor.
    fn confirms(&self, frame: u64, found: &[Detection]) -> bool {
        let moved = self.moved.iter().filter(|(number, _)| *number == frame).flat_map(|(_, boxes)| boxes);
        let mut moved = moved.map(|moved| found.iter().any(|one| one.bbox.intersection(moved).is_some()));
        moved.any(|is_there| is_there)
    }
}

/// When films begin: a camera's clocks do not start at zero.
const START: Duration = Duration::from_secs(100);

impl<'a, 'b> Stage<'a, 'b> {
    fn new(
        film: &'a EncodedFilm,
        codec: Codec,
        visits: &'a [Range<Duration>],
        grant: Grant,
        setting: &'a mut Setting<'b>,
    ) -> Self {
        let metrics = Metrics::default();
        let share = Share { grant, ..Share::default() };
        let camera = &setting.camera;
        let start = Now { mono: Mono::from_start(START), wall: Wall::default() };
        let lane = Lane::new(
            Arc::clone(camera),
            setting.facts,
            &Limits::default(),
            share,
            Mint::seeded(0),
            metrics.clone(),
            start,
        );
        let eye = Eye::new(Arc::clone(camera), setting.backend.clone(), metrics.clone());
        let tried = Tried { caught: vec![None; visits.len()], ..Tried::default() };
        let mut stage =
            Self { film, visits, setting, metrics, lane, eye, witness: Witness::default(), tried };
        stage.ticks(start);
        let info = StreamInfo { codec, size: Some(film.size), rfc6381: None, audio: None };
        stage.apply(start, Event::Stream(StreamEvent::Playing(info)));
        stage
    }

    fn at(&self, number: u64) -> Now {
        let since = Duration::from_nanos(self.film.rate.ns_at(number));
        Now { mono: Mono::from_start(START + since), wall: Wall::default().after(since) }
    }

    fn ticks(&mut self, now: Now) {
        while self.lane.deadline().is_some_and(|deadline| deadline <= now.mono) {
            self.apply(now, Event::Tick);
        }
    }

    /// Does all that follows from an event, at once.
    fn apply(&mut self, now: Now, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut acts = Vec::new();
        while let Some(event) = events.pop_front() {
            self.lane.apply(now, event, &mut acts);
            for act in acts.drain(..) {
                events.extend(Self::act(
                    act,
                    now,
                    &mut self.eye,
                    self.setting,
                    &mut self.witness,
                    &mut self.tried,
                    self.visits,
                ));
            }
        }
    }

    fn act(
        act: Act,
        now: Now,
        eye: &mut Eye,
        setting: &mut Setting<'_>,
        witness: &mut Witness,
        tried: &mut Tried,
        visits: &[Range<Duration>],
    ) -> Option<Event> {
        match act {
            Act::Look(look) => {
                witness.cause = Some(look.cause);
                let seen = eye.look(look);
                let moved = seen.glimpses.iter().map(|one| (one.frame.number, one.motion.regions.clone()));
                witness.moved.extend(moved);
                let old = witness.moved.len().saturating_sub(MOVED_MAX);
                witness.moved.drain(..old);
                tried.decoded += u64::from(seen.decoded);
                Some(Event::Seen(seen))
            }
            Act::CutEye => {
                eye.cut();
                None
            }
            Act::Detect(frame, view, _) => {
                let mut found = Vec::new();
                let looked =
                    setting.detector.detect(&frame.picture, &view, &setting.camera.masks, &mut found);
                let sure: Vec<Detection> =
                    found.iter().filter(|one| setting.facts.sure_from.admits(one)).cloned().collect();
                if let Some(cause) = witness.cause
                    && witness.confirms(frame.number, &sure)
                {
                    tried.shown(frame.media, now, cause, visits);
                }
                let found = looked.map(|()| found).map_err(|error| error.to_string());
                Some(Event::Detected { frame, view, found })
            }
            Act::File(_) => Some(Event::Filed),
            Act::Connect
            | Act::Tell(_)
            | Act::Record(_)
            | Act::Passed(_)
            | Act::Film(_)
            | Act::Nudge
            | Act::Redraw(_) => None,
        }
    }

    fn tried(mut self, units: u64) -> Tried {
        self.tried.units = units;
        for cause in Cause::ALL {
            for outcome in [Outcome::Nothing, Outcome::Moved, Outcome::Thing] {
                let of = OfLook { cause: cause.as_str(), found: outcome.as_str() };
                let looks = self.metrics.looks.get_or_create(&of).get();
                self.tried.looks += looks;
                if outcome != Outcome::Thing {
                    self.tried.looks_empty += looks;
                }
            }
        }
        self.tried
    }
}

impl Tried {
    /// Something was found in the frame of this time.
    fn shown(&mut self, media: MediaTime, now: Now, cause: Cause, visits: &[Range<Duration>]) {
        let at = Duration::from_millis(media.ms().max(0).unsigned_abs());
        let now = now.mono.since(Mono::from_start(START));
        for (visit, caught) in visits.iter().zip(&mut self.caught) {
            if visit.contains(&at) && now <= visit.end && caught.is_none() {
                *caught = Some(Caught { delay: now.saturating_sub(visit.start), cause });
            }
        }
    }
}
