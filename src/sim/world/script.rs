//! What really happens: who walks past which camera when, and what breaks when. Drawn from a seed before anything begins, so that checkers know the truth.

use std::time::Duration;

use super::Plan;
use crate::{
    geometry::UnitBox,
    id::Mint,
    time::{Mono, Now, Wall},
};

/// Frames a second of every simulated camera.
pub(super) const FPS: u32 = 10;
/// Quiet at the end, for what is on its way.
const TAIL: Duration = Duration::from_secs(90);
/// The simulation begins on a Monday at two in the morning in Beijing.
const START_MS: i64 = 1_773_079_200_000;
/// Where somebody walks: from beyond the left edge to beyond the right one.
const WALK: (f32, f32) = (-0.12, 1.12);

/// Somebody walks through a camera's picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Visit {
    /// First instant.
    pub from: Mono,
    /// Last instant.
    pub to: Mono,
    /// For how long they stand still half-way, so that nothing moves.
    pub stands: Duration,
}

/// What breaks at a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameraFault {
    /// It closes the connection and refuses new ones.
    Away,
    /// It keeps the connection and sends nothing.
    Stalled,
    /// The network loses a packet now and then; every frame until the next key frame is spoilt. Nobody goes unseen for it.
    Lossy,
}

impl CameraFault {
    /// Whether who walks past meanwhile goes unseen.
    fn hides(self) -> bool {
        self != Self::Lossy
    }
}

impl Visit {
    fn stands_from(&self) -> Mono {
        self.from + (self.to.since(self.from) - self.stands) / 2
    }
}

/// What breaks at the station.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StationFault {
    /// The broker goes away.
    BrokerDown,
    /// It is back.
    BrokerUp,
    /// The disk takes no more.
    DiskFull,
    /// It writes what it is given, and says that it could not.
    DiskFails,
    /// It works again.
    DiskFree,
    /// A write takes a second.
    DiskSlow,
    /// It is as quick as before.
    DiskQuick,
    /// Decoding takes longer than the stream does.
    DecodeSlow,
    /// It is as quick as before.
    DecodeQuick,
    /// A look of the detector takes most of a second.
    DetectSlow,
    /// It is as quick as before.
    DetectQuick,
    /// The process is killed, the power is lost, and it is started again at once.
    Kill,
    /// The clock is set, by so many seconds.
    ClockSet(i32),
}

/// The truth.
#[derive(Debug, Clone)]
pub struct Script {
    starts_at: Now,
    ends_at: Mono,
    cameras: Vec<CameraScript>,
    station: Vec<(Mono, StationFault)>,
    people: Vec<Mono>,
}

#[derive(Debug, Clone, Default)]
struct CameraScript {
    visits: Vec<Visit>,
    faults: Vec<(Mono, Mono, CameraFault)>,
    /// When the stream's own time jumps forward, and by how many milliseconds.
    jumps: Vec<(Mono, i64)>,
}

/// What begins a span of the station's trouble, and what ends it, where it may hide or delay what a camera sees.
const TROUBLES: [(StationFault, StationFault); 5] = [
    (StationFault::DiskFull, StationFault::DiskFree),
    (StationFault::DiskFails, StationFault::DiskFree),
    (StationFault::DiskSlow, StationFault::DiskQuick),
    (StationFault::DecodeSlow, StationFault::DecodeQuick),
    (StationFault::DetectSlow, StationFault::DetectQuick),
];

impl Script {
    /// Draws what happens.
    pub fn draw(plan: &Plan) -> Self {
        let mut dice = Dice(Mint::seeded(plan.seed));
        let end = Mono::ZERO + plan.lasts;
        let cameras = (0..plan.cameras).map(|_| CameraScript::draw(&mut dice, end)).collect();
        let mut station = Vec::new();
        dice.spans(end, (200.0, 900.0), (5.0, 240.0), |_, from, to| {
            station.extend([(from, StationFault::BrokerDown), (to, StationFault::BrokerUp)]);
        });
        dice.spans(end, (400.0, 1200.0), (2.0, 40.0), |dice, from, to| {
            let fault = if dice.0.unit() < 0.5 { StationFault::DiskFull } else { StationFault::DiskFails };
            station.extend([(from, fault), (to, StationFault::DiskFree)]);
        });
        dice.spans(end, (300.0, 1500.0), (0.1, 0.2), |_, from, _| station.push((from, StationFault::Kill)));
        dice.spans(end, (600.0, 1800.0), (0.1, 0.2), |dice, from, _| {
            station.push((from, StationFault::ClockSet(dice.between(-40.0, 40.0) as i32)));
        });
        for (begin, end_of) in &TROUBLES[2..] {
            dice.spans(end, (900.0, 2400.0), (10.0, 90.0), |_, from, to| {
                station.extend([(from, *begin), (to, *end_of)]);
            });
        }
        station.sort_by_key(|(at, _)| *at);
        let mut people = Vec::new();
        dice.spans(end, (3.0, 40.0), (0.1, 0.2), |_, from, _| people.push(from));
        let wall = Wall::from_unix_ms(START_MS);
        Self { starts_at: Now { mono: Mono::ZERO, wall }, ends_at: end + TAIL, cameras, station, people }
    }

    /// The first instant.
    pub fn starts_at(&self) -> Now {
        self.starts_at
    }

    /// The last instant, the tail included.
    pub fn ends_at(&self) -> Mono {
        self.ends_at
    }

    /// What breaks at the station, and when.
    pub fn station_faults(&self) -> Vec<(Mono, StationFault)> {
        self.station.clone()
    }

    /// When somebody does something about an alert.
    pub fn people(&self) -> Vec<Mono> {
        self.people.clone()
    }

    /// Who comes to a camera.
    pub fn visits(&self, camera: usize) -> &[Visit] {
        &self.cameras[camera].visits
    }

    /// What is broken at a camera.
    pub fn fault(&self, camera: usize, at: Mono) -> Option<CameraFault> {
        let mut faults = self.cameras[camera].faults.iter();
        faults.find(|(from, to, _)| (*from..*to).contains(&at)).map(|(_, _, fault)| *fault)
    }

    /// Whether anything was broken that this camera's sight depends on, in `from..to`.
    pub(super) fn is_troubled(&self, camera: usize, from: Mono, to: Mono) -> bool {
        self.gone(camera).any(|(a, b)| a < to && from < b) || self.station_is_troubled(from, to)
    }

    /// The spans of [`TROUBLES`].
    fn troubles(&self) -> impl Iterator<Item = (Mono, Mono)> + '_ {
        self.station.iter().filter_map(|(from, fault)| {
            let (_, end_of) = TROUBLES.iter().find(|(begin, _)| begin == fault)?;
            let over = self.station.iter().find(|(at, fault)| at > from && fault == end_of);
            Some((*from, over.map_or(self.ends_at, |(at, _)| *at)))
        })
    }

    /// The stream's own time at an instant, in milliseconds.
    pub(super) fn media_ms(&self, camera: usize, at: Mono) -> i64 {
        let jumps = self.cameras[camera].jumps.iter();
        let jumped: i64 = jumps.filter(|(from, _)| *from <= at).map(|(_, by_ms)| by_ms).sum();
        at.since_start().as_millis() as i64 + jumped
    }

    fn visit(&self, camera: usize, at: Mono) -> Option<&Visit> {
        self.cameras[camera].visits.iter().find(|visit| (visit.from..visit.to).contains(&at))
    }

    /// Whether whoever is in a camera's picture stands still.
    pub(super) fn stands(&self, camera: usize, at: Mono) -> bool {
        self.visit(camera, at).is_some_and(|visit| {
            let from = visit.stands_from();
            (from..from + visit.stands).contains(&at)
        })
    }

    /// When a camera is gone, and not merely worse than usual.
    pub(super) fn gone(&self, camera: usize) -> impl Iterator<Item = (Mono, Mono)> + '_ {
        let faults = self.cameras[camera].faults.iter();
        faults.filter(|(_, _, fault)| fault.hides()).map(|(from, to, _)| (*from, *to))
    }

    /// Whether the station itself was killed or slow, or could not write, in `from..to`.
    pub(super) fn station_is_troubled(&self, from: Mono, to: Mono) -> bool {
        let overlaps = |a: Mono, b: Mono| a < to && from < b;
        let killed =
            self.station.iter().any(|(at, fault)| *fault == StationFault::Kill && overlaps(*at, *at));
        killed || self.troubles().any(|(a, b)| overlaps(a, b))
    }

    /// Where somebody is in a camera's picture, if there is anybody.
    pub(super) fn somebody(&self, camera: usize, at: Mono) -> Option<UnitBox> {
        let visit = self.visit(camera, at)?;
        let walks = visit.to.since(visit.from) - visit.stands;
        let stood = at.since(visit.stands_from()).min(visit.stands);
        let walked = (at.since(visit.from) - stood).as_secs_f32() / walks.as_secs_f32();
        let x = WALK.0 + (WALK.1 - WALK.0) * walked;
        let there = UnitBox::new(x - 0.05, 0.35, x + 0.05, 0.7);
        let seen = there.clamped();
        (seen.area() > 0.5 * there.area()).then_some(seen)
    }
}

impl CameraScript {
    fn draw(dice: &mut Dice, end: Mono) -> Self {
        let mut script = Self::default();
        // The pause is longer than anybody stands, so that visitors never meet.
        dice.spans(end, (60.0, 180.0), (6.0, 14.0), |dice, from, to| {
            let stands_s = if dice.0.unit() < 0.3 { dice.between(2.0, 40.0) } else { 0.0 };
            let stands = Duration::from_secs_f64(stands_s);
            if to + stands <= end {
                script.visits.push(Visit { from, to: to + stands, stands });
            }
        });
        dice.spans(end, (200.0, 1200.0), (1.0, 90.0), |dice, from, to| {
            // Long enough, now and then, for the longest pause between two tries.
            let to = if dice.0.unit() < 0.15 { to + Duration::from_secs(240) } else { to };
            let fault = if dice.0.unit() < 0.5 { CameraFault::Away } else { CameraFault::Stalled };
            script.faults.push((from, to, fault));
        });
        // Looked up after the faults above, so that where they meet the worse one holds.
        dice.spans(end, (200.0, 900.0), (20.0, 200.0), |_, from, to| {
            script.faults.push((from, to, CameraFault::Lossy));
        });
        dice.spans(end, (100.0, 500.0), (0.1, 0.2), |dice, from, _| {
            script.jumps.push((from, dice.between(500.0, 90_000.0) as i64));
        });
        script
    }
}

struct Dice(Mint);

impl Dice {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.unit()
    }

    /// Spans of time until `end`, with pauses and lengths in seconds between bounds.
    fn spans(
        &mut self,
        end: Mono,
        pause: (f64, f64),
        length: (f64, f64),
        mut each: impl FnMut(&mut Self, Mono, Mono),
    ) {
        let mut at = Mono::ZERO;
        loop {
            let from = at + Duration::from_secs_f64(self.between(pause.0, pause.1));
            let to = from + Duration::from_secs_f64(self.between(length.0, length.1));
            if to > end {
                return;
            }
            each(self, from, to);
            at = to;
        }
    }
}
