//! What a station's cameras, decoders and detectors would do.
//!
//! Owns the simulated senses. What is made of what they bring belongs to the lanes.

use std::time::Duration;

use bytes::Bytes;

use super::{NETWORK_TAKES, PICTURE, Shown, Stage, Work};
use crate::{
    camera::{AccessUnit, Codec, Ending, StreamEvent, StreamInfo},
    config::StreamRole,
    decode::{Frame, Picture},
    detect::{Class, Detection, View},
    gate::Look,
    geometry::UnitBox,
    lane::{Event, Glimpse, Seen, is_due},
    motion::Motion,
    sim::world::{
        queue::{Happening, Queue},
        script::{CameraFault, FPS},
    },
    time::{MediaTime, Now},
};

/// Bytes of a key frame, and of one that says that nothing moves.
const KEY_BYTES: f64 = 4_000.0;
const QUIET_BYTES: f64 = 250.0;
/// How much larger a frame is in which somebody moves, and by what share sizes differ for no reason.
const MOVES: f64 = 1.8;
const NOISE: f64 = 0.15;

const FRAME_EVERY: Duration = Duration::from_millis(1000 / FPS as u64);
/// Share of access units of which a lossy network loses a part.
const LOST: f64 = 0.02;
/// Share of looks in which the detector misses who is there.
const MISSED: f64 = 0.05;
/// Share of looks in which it sees somebody where nobody is.
const IMAGINED: f64 = 0.01;
/// Overlap from which on the shipped model's description takes two boxes for one.
const SAME: f32 = 0.45;

impl Stage<'_> {
    pub(super) fn connect(&mut self, camera: usize, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        source.connection += 1;
        let connection = source.connection;
        let (delay, event) = match self.script.fault(camera, now.mono) {
            Some(CameraFault::Away) => (NETWORK_TAKES, StreamEvent::Ended(Ending::Refused("refused".into()))),
            Some(CameraFault::Stalled) => {
                let after = self.limits.describe;
                (after, StreamEvent::Ended(Ending::Timeout { phase: "describe", after }))
            }
            Some(CameraFault::Lossy) | None => {
                let info = StreamInfo { codec: Codec::H264, size: Some(PICTURE), rfc6381: None, audio: None };
                queue.after(FRAME_EVERY, Happening::Unit { camera, connection });
                (NETWORK_TAKES, StreamEvent::Playing(info))
            }
        };
        queue.after(delay, Happening::Lane { camera, event: Event::Stream(event) });
    }

    pub(super) fn send_unit(&mut self, camera: usize, connection: u32, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        if source.connection != connection {
            return;
        }
        match self.script.fault(camera, now.mono) {
            Some(CameraFault::Away) => {
                let ended = Event::Stream(StreamEvent::Ended(Ending::Closed));
                queue.after(NETWORK_TAKES, Happening::Lane { camera, event: ended });
            }
            Some(CameraFault::Stalled) => queue.after(FRAME_EVERY, Happening::Unit { camera, connection }),
            fault @ (Some(CameraFault::Lossy) | None) => {
                source.unit += 1;
                queue.after(FRAME_EVERY, Happening::Unit { camera, connection });
                if fault.is_some() && self.dice.unit() < LOST {
                    source.packets_lost += 1;
                    return;
                }
                let is_key = source.unit.is_multiple_of(u64::from(FPS));
                let moves =
                    self.script.somebody(camera, now.mono).is_some() && !self.script.stands(camera, now.mono);
                let unit = AccessUnit {
                    role: StreamRole::Main,
                    codec: Codec::H264,
                    data: coded(is_key, moves, self.dice.unit()),
                    is_key,
                    media: MediaTime::from_ms(self.script.media_ms(camera, now.mono)),
                    camera_clock: None,
                    arrived: now,
                    packets_lost: std::mem::take(&mut source.packets_lost),
                };
                let silence = Happening::Silence { camera, connection, unit: source.unit };
                let event = Event::Stream(StreamEvent::Unit(unit));
                queue.after(self.limits.silence, silence);
                queue.after(Duration::ZERO, Happening::Lane { camera, event });
            }
        }
    }

    pub(super) fn silence(&mut self, camera: usize, connection: u32, unit: u64, now: Now, queue: &mut Queue) {
        let source = &mut self.sources[camera];
        if source.connection == connection && source.unit == unit {
            source.connection += 1;
            let ending = Ending::Timeout { phase: "media", after: self.limits.silence };
            self.lane(camera, now, Event::Stream(StreamEvent::Ended(ending)), queue);
        }
    }

    /// What a decoder and a motion detector would make of the units.
    pub(super) fn look(&mut self, camera: usize, look: Look) -> Seen {
        let eye = &mut self.process.eyes[camera];
        let mut seen = Seen::default();
        seen.spent.units = look.units.len() as u32;
        for unit in look.units {
            eye.spoilt = !unit.is_key && (eye.spoilt || unit.packets_lost > 0);
            if eye.spoilt {
                continue;
            }
            eye.frames += 1;
            seen.decoded += 1;
            if unit.arrived.mono < look.from || !is_due(eye.last_look, unit.media, look.fps) {
                continue;
            }
            eye.last_look = Some(unit.media);
            let somebody = self.script.somebody(camera, unit.arrived.mono);
            let frame = Frame {
                number: eye.frames,
                media: unit.media,
                arrived: unit.arrived,
                camera_clock: None,
                picture: Picture::grey(PICTURE, 100),
            };
            let moving = somebody.filter(|_| !self.script.stands(camera, unit.arrived.mono));
            let regions: Vec<UnitBox> = moving.map(|there| there.grown(0.1).clamped()).into_iter().collect();
            let changed_share = regions.iter().map(UnitBox::area).sum();
            let motion =
                Motion { regions, changed_share, luma_mean: 100.0, luma_deviation: 40.0, repeats: false };
            seen.glimpses.push(Glimpse { frame, motion });
        }
        seen
    }

    /// Gives work to detectors that have none.
    pub(super) fn employ(&mut self, queue: &mut Queue) {
        for (worker, at_work) in self.process.at_work.iter_mut().enumerate() {
            if at_work.is_none()
                && let Some(mut taken) = self.slots.try_take()
            {
                let (camera, shown) = taken.item();
                *at_work = Some(Work { camera, shown, _turn: taken });
                queue.after(self.pace.detect, Happening::Detected { worker });
            }
        }
    }

    pub(super) fn detected(&mut self, worker: usize, now: Now, queue: &mut Queue) {
        let work = self.process.at_work[worker].take().expect("a detector that is done was at work");
        let Work { camera, shown: Shown { frame, view }, _turn } = work;
        drop(_turn);
        self.process.shown.remove(&(camera, frame.number));
        let found = Ok(self.find(camera, &frame, &view));
        self.employ(queue);
        self.lane(camera, now, Event::Detected { frame, view, found }, queue);
    }

    /// What a detector would find, misses and fancies included.
    fn find(&mut self, camera: usize, frame: &Frame, view: &View) -> Vec<Detection> {
        let shown = |bbox: &UnitBox| match view {
            View::Full | View::FullAndCrops(_) => true,
            View::Crops(parts) => parts.iter().any(|part| bbox.covered_by(&part.to_unit(PICTURE)) > 0.9),
        };
        let parked =
            Detection { class: Class::Car, confidence: 0.6, bbox: UnitBox::new(0.8, 0.2, 0.95, 0.3) };
        let mut found = vec![parked];
        if let Some(there) = self.script.somebody(camera, frame.arrived.mono)
            && self.dice.unit() > MISSED
        {
            let wobble = (self.dice.unit() as f32 - 0.5) * 0.01;
            let bbox = UnitBox { l: there.l + wobble, r: there.r + wobble, ..there }.clamped();
            let confidence = 0.55 + 0.4 * self.dice.unit() as f32;
            found.push(Detection { class: Class::Person, confidence, bbox });
        }
        if self.dice.unit() < IMAGINED {
            let (x, y) = (self.dice.unit() as f32 * 0.8, self.dice.unit() as f32 * 0.6);
            let bbox = UnitBox::new(x, y, x + 0.08, y + 0.3);
            // A real detector gives no second box over the same person.
            if found.iter().all(|other| other.bbox.iou(&bbox) < SAME) {
                found.push(Detection { class: Class::Person, confidence: 0.5, bbox });
            }
        }
        found.retain(|detection| shown(&detection.bbox));
        found
    }
}

/// What an encoder of constant quality would make of a picture, as far as its size goes.
fn coded(is_key: bool, moves: bool, chance: f64) -> Bytes {
    let (header, bytes) = if is_key { (0x65, KEY_BYTES) } else { (0x41, QUIET_BYTES) };
    let bytes = bytes * (1.0 + NOISE * (2.0 * chance - 1.0)) * if moves { MOVES } else { 1.0 };
    let mut data = vec![0xff; bytes as usize];
    data[..5].copy_from_slice(&[0, 0, 0, 1, header]);
    data.into()
}
