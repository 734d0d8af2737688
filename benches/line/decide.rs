//! Tracker, rules and lane, on what the shipped model saw in vtest and on a crowd.

use std::time::Duration;

use cunkou::{
    camera::{Codec, Limits, StreamEvent, StreamInfo},
    config::StreamRole,
    decode::{Frame, Picture},
    detect::{Class, Detection, Facts, SureFrom},
    gate::{Share, Spent},
    geometry::{Size, UnitBox},
    id::{Mint, TrackId},
    lane::{Act, Event, Glimpse, Lane, Seen},
    metrics::Metrics,
    motion::Motion,
    rules::Rules,
    sim::Source,
    time::{Mono, Now, Wall},
    track::{Track, Tracker},
};

use super::{Outcome, measure::Bencher, pixels::units, recorded};

/// When the bench's film begins: a Monday morning.
const START_MS: i64 = 1_773_100_000_000;

fn now(ms: u64) -> Now {
    Now { mono: Mono::from_start(Duration::from_millis(ms)), wall: Wall::from_unix_ms(START_MS + ms as i64) }
}

/// The `index`-th person of twenty, after so many looks of 100 ms: each walks to and fro in a row of its own.
fn walker(index: u32, look: u64) -> Detection {
    let phase = (look as f32 * 0.02 + index as f32 * 0.37) % 2.0;
    let x = 0.05 + 0.85 * if phase < 1.0 { phase } else { 2.0 - phase };
    let y = 0.02 + 0.045 * index as f32;
    let confidence = 0.5 + 0.02 * index as f32;
    Detection { class: Class::Person, confidence, bbox: UnitBox::new(x, y, x + 0.03, y + 0.08) }
}

pub(crate) fn track(bencher: &mut Bencher) -> Outcome {
    let motion = Motion { regions: vec![UnitBox::FULL], ..Motion::default() };
    let (mut tracker, mut look, mut detections) = (Tracker::new(Size::new(1280, 720)), 0, Vec::new());
    bencher.measure("track.update.20", 200, 20, || {
        look += 1;
        detections.clear();
        detections.extend((0..20).map(|index| walker(index, look)));
        tracker.update(Mono::from_start(Duration::from_millis(look * 100)), &detections, &motion);
    });
    eprintln!("bench: {} tracks at the end", tracker.tracks().len());

    let looks = recorded::vtest();
    let (mut tracker, mut next, mut turn) = (Tracker::new(recorded::VTEST_SIZE), 0, 0);
    bencher.measure("track.update.vtest", 159, 10, || {
        let look = &looks[next];
        tracker.update(
            Mono::from_start(Duration::from_millis(turn * 80_000 + look.ms)),
            &look.detections,
            &look.motion,
        );
        next += 1;
        if next == looks.len() {
            (next, turn) = (0, turn + 1);
            tracker.clear();
        }
    });
    Ok(())
}

/// All rules of a camera of the demo, over the tracks of vtest.
pub(crate) fn rules(bencher: &mut Bencher) -> Outcome {
    let camera = recorded::camera(&recorded::demo());
    let mut tracker = Tracker::new(recorded::VTEST_SIZE);
    let seen: Vec<(u64, Vec<Track>, Vec<TrackId>)> = recorded::vtest()
        .iter()
        .map(|look| {
            let at = Mono::from_start(Duration::from_millis(look.ms));
            tracker.update(at, &look.detections, &look.motion);
            (look.ms, tracker.tracks().to_vec(), tracker.ended().to_vec())
        })
        .collect();
    let mut rules = Rules::new(camera, Mint::seeded(1));
    let (mut next, mut turn, mut verdicts, mut count) = (0, 0, Vec::new(), 0);
    bencher.measure("rules.update.vtest", 159, 10, || {
        let (ms, tracks, ended) = &seen[next];
        rules.update(now(turn * 80_000 + ms), tracks, ended, &mut verdicts);
        count += verdicts.len();
        verdicts.clear();
        next += 1;
        if next == seen.len() {
            (next, turn) = (0, turn + 1);
            rules.end_all(&mut verdicts);
        }
    });
    eprintln!("bench: {count} verdicts");
    Ok(())
}

/// A lane by access unit, its acts answered at once: no look; and a look at every unit, with the detections of vtest.
pub(crate) fn lane(bencher: &mut Bencher) -> Outcome {
    let material = recorded::street()?;
    let reel = material.reel(&Source::Street, Codec::H264).ok_or("the street is not there")?;
    let film = units(reel.track(StreamRole::Main), StreamRole::Main, reel.cuts.still.clone());
    let looks = recorded::vtest();
    let picture = Picture::grey(recorded::VTEST_SIZE, 100);
    for (name, looking) in [("lane.unit", Looking::Never), ("lane.unit.looked", Looking::Always)] {
        let mut road = Road::new(picture.clone());
        let mut number = 0;
        bencher.measure(name, 200, 50, || {
            let mut unit = film[number as usize % film.len()].clone();
            number += 1;
            let at = now(number * 100);
            (unit.arrived, unit.media) = (at, cunkou::time::MediaTime::from_ms(number as i64 * 100));
            let look = (looking == Looking::Always).then(|| &looks[number as usize % looks.len()]);
            road.drive(at, Event::Stream(StreamEvent::Unit(unit)), number, look);
            if number.is_multiple_of(10) {
                road.drive(at, Event::Tick, number, None);
            }
        });
        eprintln!("bench: {name}: {} looks, {} verdicts", road.detected, road.filed);
    }
    Ok(())
}

#[derive(PartialEq)]
enum Looking {
    Never,
    Always,
}

/// A lane, and whoever answers it.
struct Road {
    lane: Lane,
    picture: Picture,
    acts: Vec<Act>,
    detected: u64,
    filed: u64,
}

impl Road {
    fn new(picture: Picture) -> Self {
        let camera = recorded::camera(&recorded::demo());
        let limits = Limits::default();
        let facts = Facts { input_side_px: 416, sure_from: SureFrom::default() };
        let mut lane =
            Lane::new(camera, facts, &limits, Share::default(), Mint::seeded(1), Metrics::new(), now(0));
        let info = StreamInfo { codec: Codec::H264, size: Some(picture.size()), rfc6381: None, audio: None };
        lane.apply(now(0), Event::Stream(StreamEvent::Playing(info)), &mut Vec::new());
        Self { lane, picture, acts: Vec::new(), detected: 0, filed: 0 }
    }

    fn drive(&mut self, at: Now, event: Event, number: u64, look: Option<&recorded::Look>) {
        let mut acts = std::mem::take(&mut self.acts);
        self.lane.apply(at, event, &mut acts);
        let mut index = 0;
        while index < acts.len() {
            let answer = match &mut acts[index] {
                Act::Look(of) => Some(Event::Seen(self.seen(&of.units, number, look))),
                Act::Detect(frame, view, _) => {
                    self.detected += 1;
                    let found = Ok(look.map(|look| look.detections.clone()).unwrap_or_default());
                    Some(Event::Detected { frame: frame.clone(), view: view.clone(), found })
                }
                Act::File(_) => {
                    self.filed += 1;
                    Some(Event::Filed)
                }
                Act::Connect
                | Act::CutEye
                | Act::Tell(_)
                | Act::Nudge
                | Act::Record(_)
                | Act::Passed(_)
                | Act::Film(_)
                | Act::Redraw(_) => None,
            };
            if let Some(answer) = answer {
                self.lane.apply(at, answer, &mut acts);
            }
            index += 1;
        }
        acts.clear();
        self.acts = acts;
    }

    fn seen(&self, units: &[cunkou::camera::AccessUnit], number: u64, look: Option<&recorded::Look>) -> Seen {
        let (Some(look), Some(unit)) = (look, units.last()) else { return Seen::default() };
        let frame = Frame {
            number,
            media: unit.media,
            arrived: unit.arrived,
            camera_clock: None,
            picture: self.picture.clone(),
        };
        Seen {
            glimpses: vec![Glimpse { frame, motion: look.motion.clone() }],
            decoded: units.len() as u32,
            failed: None,
            spent: Spent::default(),
        }
    }
}
