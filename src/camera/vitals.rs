//! How a camera is, from what its stream does and what its pixels look like.
//!
//! Pure: told each event with its time, it keeps the state, the reasons and the rates that [`Health`] tells others. It knows
//! no network and no decoder, and does not decide what to do about any of it.

use std::{collections::BTreeSet, time::Duration};

use super::{AccessUnit, Ending, Health, Limits, Reason, State, StreamInfo, rates::Rates, sign::Sign};
use crate::{
    id::CameraId,
    motion::Motion,
    time::{Mono, Now, Wall},
};

/// Time constant of the smoothed clock skew.
const SKEW_SMOOTHED_OVER: Duration = Duration::from_secs(5);
/// A skew that differs by more from the smoothed one is a clock that was set, theirs or ours: not smoothed.
const SKEW_JUMP_US: f64 = 5e6;
/// Skew in seconds that is a reason, and that is none any more.
const SKEW_S: (f32, f32) = (5.0, 4.0);
/// Share of the stream's usual rate below which it is low, and above which it is not any more.
const FPS_SHARE: (f32, f32) = (0.4, 0.6);
/// Units a second below which any stream is low.
const FPS_MIN: f32 = 0.5;
/// How fast the usual rate is learnt upwards, and forgotten downwards: a camera that is set to fewer frames is normal
/// again after some ten minutes.
const FPS_LEARNT_OVER_S: (f32, f32) = (10.0, 600.0);
/// Mean luma of a dark picture (black is 0 or 16, by the stream's range), and of one that is dark no more.
const DARK_LUMA: (f32, f32) = (20.0, 28.0);
/// The same for a bright one (white is 235 or 255).
const BRIGHT_LUMA: (f32, f32) = (230.0, 220.0);
/// Deviation of luma in a picture that shows nothing, though it is neither dark nor bright. Fog over a field has some 10.
const COVERED_DEVIATION: (f32, f32) = (5.0, 7.0);
/// How often signs are looked at while units come in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Watches one stream of a camera. Each method that takes an event returns whether state or reasons changed by it.
#[derive(Debug)]
pub struct Vitals {
    camera: CameraId,
    keyframe: Duration,
    /// Why it does not stream; `None` before the first attempt ended.
    down: Option<Ending>,
    streaming: Option<Streaming>,
    last_frame: Option<Wall>,
    told: (State, BTreeSet<Reason>),
    since: Wall,
}

/// What is known of a connection that plays.
#[derive(Debug)]
struct Streaming {
    /// When it began to play what it plays now.
    start: Mono,
    info: Option<StreamInfo>,
    rates: Rates,
    /// Access units a second that are usual for this stream.
    fps_usual: Option<f32>,
    last_key: Mono,
    last_unit: Option<Mono>,
    last_look: Mono,
    skew_us: Option<f64>,
    /// Why the last units were not decoded.
    undecoded: Option<String>,
    signs: Signs,
}

#[derive(Debug)]
struct Signs {
    fps_low: Sign,
    clock: Sign,
    frozen: Sign,
    dark: Sign,
    bright: Sign,
    covered: Sign,
    undecodable: Sign,
}

impl Vitals {
    /// Of a camera that was not connected to yet: offline, for no reason.
    pub fn new(camera: CameraId, limits: &Limits, now: Now) -> Self {
        Self {
            camera,
            keyframe: limits.keyframe,
            down: None,
            streaming: None,
            last_frame: None,
            told: (State::Offline, BTreeSet::new()),
            since: now.wall,
        }
    }

    /// An attempt begins. The reason of the last failure stands until the first access unit.
    pub fn connecting(&mut self, now: Now) -> bool {
        self.streaming = None;
        self.changed(now)
    }

    /// PLAY was answered, or the parameters changed. The camera is online with its first access unit, not before. A
    /// camera that comes to send another picture was set up anew: what is usual for it is learnt anew.
    pub fn playing(&mut self, now: Now, info: &StreamInfo) -> bool {
        let streaming = self.streaming.get_or_insert_with(|| Streaming::new(now.mono));
        if streaming.info.as_ref().is_some_and(|before| before != info) {
            streaming.start = now.mono;
            streaming.fps_usual = None;
            streaming.signs = Signs::new();
        }
        streaming.info = Some(info.clone());
        self.changed(now)
    }

    /// An access unit arrived.
    pub fn unit(&mut self, now: Now, unit: &AccessUnit) -> bool {
        self.last_frame = Some(unit.arrived.wall);
        self.down = None;
        let streaming = self.streaming.get_or_insert_with(|| Streaming::new(now.mono));
        let first = streaming.last_unit.is_none();
        streaming.take(now.mono, unit);
        if first || now.mono.since(streaming.last_look) >= LOOK_EVERY {
            return self.tick(now);
        }
        false
    }

    /// The stream ended, or could not be opened.
    pub fn ended(&mut self, now: Now, ending: &Ending) -> bool {
        self.streaming = None;
        self.down = Some(ending.clone());
        self.changed(now)
    }

    /// What a decoded frame is like. Frames may be as rare as they are: a sign is believed when two looks agree over its
    /// time. A picture that repeats to the last bit for a minute is frozen (static night scenes repeat within a GOP).
    pub fn picture(&mut self, now: Now, motion: &Motion) -> bool {
        let Some(Streaming { signs, .. }) = &mut self.streaming else { return false };
        let (luma, at) = (motion.luma_mean, now.mono);
        signs.frozen.see(at, motion.repeats);
        signs.dark.see_below(at, luma, DARK_LUMA.0, DARK_LUMA.1);
        signs.bright.see_above(at, luma, BRIGHT_LUMA.0, BRIGHT_LUMA.1);
        if (DARK_LUMA.1..=BRIGHT_LUMA.1).contains(&luma) {
            signs.covered.see_below(at, motion.luma_deviation, COVERED_DEVIATION.0, COVERED_DEVIATION.1);
        } else {
            signs.covered.see(at, false);
        }
        self.changed(now)
    }

    /// Access units were handed to a decoder: pictures came of them, or none did, and why. A picture lost here and there is no sign; a stream
    /// of which nothing can be decoded for 10 s is.
    pub fn decoded(&mut self, now: Now, outcome: Result<(), String>) -> bool {
        let Some(streaming) = &mut self.streaming else { return false };
        streaming.signs.undecodable.see(now.mono, outcome.is_err());
        streaming.undecoded = outcome.err();
        self.changed(now)
    }

    /// Time passed: to be called once a second or so.
    pub fn tick(&mut self, now: Now) -> bool {
        if let Some(streaming) = &mut self.streaming {
            streaming.look(now.mono);
        }
        self.changed(now)
    }

    /// What to tell others.
    pub fn health(&self, now: Now) -> Health {
        let (state, reasons) = self.told.clone();
        let rate = self.streaming.as_ref().map(|of| of.rates.rate(now.mono)).unwrap_or_default();
        let skew_us = self.streaming.as_ref().and_then(|of| of.skew_us);
        Health {
            camera: self.camera.clone(),
            state,
            detail: self.detail(now.mono),
            reasons,
            since: self.since,
            fps: rate.fps,
            kbps: rate.kbps,
            last_frame: self.last_frame,
            clock_skew_ms: skew_us.map(|us| (us / 1000.0).round() as i64),
            attention: None,
        }
    }

    fn changed(&mut self, now: Now) -> bool {
        let is = match &self.streaming {
            Some(streaming) if streaming.last_unit.is_some() => {
                let reasons = streaming.reasons(now.mono, self.keyframe);
                (if reasons.is_empty() { State::Online } else { State::Degraded }, reasons)
            }
            _ => (State::Offline, self.down.iter().map(Ending::reason).collect()),
        };
        if is == self.told {
            return false;
        }
        self.told = is;
        self.since = now.wall;
        true
    }

    fn detail(&self, now: Mono) -> Option<String> {
        match (&self.streaming, self.told.0) {
            (Some(streaming), State::Degraded) => {
                let said: Vec<String> = self
                    .told
                    .1
                    .iter()
                    .map(|&reason| streaming.in_words(reason, now, self.keyframe))
                    .collect();
                Some(said.join("; "))
            }
            (_, State::Offline) => Some(match &self.down {
                Some(ending) => ending.to_string(),
                None => "not connected yet".to_owned(),
            }),
            _ => None,
        }
    }
}

impl Streaming {
    fn new(now: Mono) -> Self {
        Self {
            start: now,
            info: None,
            rates: Rates::new(now),
            fps_usual: None,
            last_key: now,
            last_unit: None,
            last_look: now,
            skew_us: None,
            undecoded: None,
            signs: Signs::new(),
        }
    }

    fn take(&mut self, now: Mono, unit: &AccessUnit) {
        self.rates.add(now, unit.data.len());
        if unit.is_key {
            self.last_key = now;
        }
        if let Some(camera) = unit.camera_clock {
            let skew_us = camera.us_since(unit.arrived.wall) as f64;
            let passed = self.last_unit.map(|last| now.since(last)).unwrap_or_default();
            let share = (passed.as_secs_f64() / SKEW_SMOOTHED_OVER.as_secs_f64()).min(1.0);
            self.skew_us = Some(match self.skew_us {
                Some(before) if (skew_us - before).abs() <= SKEW_JUMP_US => {
                    before + (skew_us - before) * share
                }
                _ => skew_us,
            });
        }
        self.last_unit = Some(now);
    }

    fn look(&mut self, now: Mono) {
        let passed_s = now.since(self.last_look).as_secs_f32();
        self.last_look = now;
        // A rate over less than the window says little.
        if now.since(self.start) >= Duration::from_secs(5) {
            let fps = self.rates.rate(now).fps;
            let usual = self.fps_usual.unwrap_or(fps);
            let over_s = if fps > usual { FPS_LEARNT_OVER_S.0 } else { FPS_LEARNT_OVER_S.1 };
            let usual = usual + (fps - usual) * (passed_s / over_s).min(1.0);
            self.fps_usual = Some(usual);
            let (raise, clear) = (usual * FPS_SHARE.0, usual * FPS_SHARE.1);
            self.signs.fps_low.see_below(now, fps, raise.max(FPS_MIN), clear.max(FPS_MIN));
        }
        if let Some(skew_us) = self.skew_us {
            self.signs.clock.see_above(now, (skew_us.abs() / 1e6) as f32, SKEW_S.0, SKEW_S.1);
        }
    }

    fn reasons(&self, now: Mono, keyframe: Duration) -> BTreeSet<Reason> {
        let signs = &self.signs;
        [
            (Reason::NoKeyframe, now.since(self.last_key) > keyframe),
            (Reason::FpsLow, signs.fps_low.is_shown()),
            (Reason::Clock, signs.clock.is_shown()),
            (Reason::Frozen, signs.frozen.is_shown()),
            (Reason::Covered, signs.covered.is_shown()),
            (Reason::Dark, signs.dark.is_shown()),
            (Reason::Bright, signs.bright.is_shown()),
            (Reason::Undecodable, signs.undecodable.is_shown()),
        ]
        .into_iter()
        .filter_map(|(reason, shown)| shown.then_some(reason))
        .collect()
    }

    fn in_words(&self, reason: Reason, now: Mono, keyframe: Duration) -> String {
        match reason {
            Reason::NoKeyframe => format!("no key frame for more than {keyframe:?}"),
            Reason::FpsLow => format!(
                "{:.1} frames a second where {:.1} are usual",
                self.rates.rate(now).fps,
                self.fps_usual.unwrap_or_default()
            ),
            Reason::Clock => {
                let skew_s = self.skew_us.unwrap_or_default() / 1e6;
                let way = if skew_s < 0.0 { "behind" } else { "ahead" };
                format!("the camera's clock is {:.0} s {way}", skew_s.abs())
            }
            Reason::Frozen => "the picture has not changed for a minute".to_owned(),
            Reason::Covered => "the picture shows nothing: is the lens covered?".to_owned(),
            Reason::Dark => "the picture is dark".to_owned(),
            Reason::Bright => "the picture is too bright".to_owned(),
            Reason::Moved => "the camera was moved".to_owned(),
            Reason::Blurred => "the picture is blurred".to_owned(),
            Reason::Undecodable => match &self.undecoded {
                Some(why) => format!("what it sends cannot be decoded: {why}"),
                None => "what it sends could not be decoded".to_owned(),
            },
            Reason::Auth | Reason::Refused | Reason::Timeout => "the stream ended".to_owned(),
        }
    }
}

impl Signs {
    fn new() -> Self {
        let sign = |raise_s, clear_s| Sign::new(Duration::from_secs(raise_s), Duration::from_secs(clear_s));
        Self {
            fps_low: sign(10, 5),
            clock: sign(10, 10),
            frozen: sign(60, 0),
            dark: sign(30, 10),
            bright: sign(30, 10),
            covered: sign(30, 10),
            undecodable: sign(10, 5),
        }
    }
}

#[cfg(test)]
mod tests;
