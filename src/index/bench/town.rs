//! A town and its passages, for measuring: as many as are wanted, in the order of time, the same ones for the same seed.
//!
//! Owns who comes where and when: a rhythm of day and night, common and rare classes, cameras that are busy and cameras that are not.

use jiff::tz::TimeZone;

use crate::{
    alert::Kind,
    clip::{Clip, Light},
    config::{Direction, Level},
    detect::Class,
    id::{CameraId, EntryPointId, LineId, Mint, VillageId, ZoneId},
    time::Wall,
};

/// Cameras of the town.
pub(super) const CAMERAS: usize = 778;
/// Its villages.
pub(super) const VILLAGES: usize = 58;
/// When its year begins: 2026-01-01T00:00+08:00.
const BEGIN: Wall = Wall::from_unix_ms(1_767_196_800_000);
/// How long its passages take, from the first to the last, in seconds.
pub(super) const YEAR_S: u64 = 365 * 24 * 3600;

/// Of a thousand passages; the rest are people.
const CLASSES: [(Class, f64); 9] = [
    (Class::Car, 0.34),
    (Class::Motorcycle, 0.14),
    (Class::Bicycle, 0.08),
    (Class::Truck, 0.05),
    (Class::Dog, 0.02),
    (Class::Bus, 0.008),
    (Class::Sheep, 0.002),
    (Class::Cow, 0.001),
    (Class::Horse, 0.0002),
];

/// One of the town's cameras.
#[derive(Debug, Clone)]
pub(super) struct TownCamera {
    /// Its id.
    pub(super) id: CameraId,
    /// Its entry point; two cameras look at most of them.
    pub(super) entry_point: EntryPointId,
    /// Its village.
    pub(super) village: VillageId,
    /// Of its entry point.
    pub(super) level: Level,
}

/// The town, and the passage that comes next.
pub(super) struct Town {
    /// Its cameras.
    pub(super) cameras: Vec<TownCamera>,
    /// Its clock.
    pub(super) time_zone: TimeZone,
    /// When the year begins.
    pub(super) begin: Wall,
    mint: Mint,
    zones: [ZoneId; 3],
    line: LineId,
    now_us: i64,
    /// Mean time between two passages, µs.
    gap_us: f64,
}

impl Town {
    /// A town with about `clips` passages a year.
    pub(super) fn new(clips: u64, seed: u64) -> Self {
        let time_zone = TimeZone::fixed(jiff::tz::offset(8));
        let cameras = (0..CAMERAS).map(camera).collect();
        Self {
            cameras,
            time_zone,
            begin: BEGIN,
            mint: Mint::seeded(seed),
            zones: ["road", "gate", "yard"].map(slug),
            line: slug("threshold"),
            now_us: BEGIN.unix_us(),
            gap_us: YEAR_S as f64 * 1e6 / clips.max(1) as f64,
        }
    }

    fn is(&mut self, share: f64) -> bool {
        self.mint.unit() < share
    }
}

/// The next passage, for ever.
impl Iterator for Town {
    type Item = Clip;

    fn next(&mut self) -> Option<Clip> {
        let second_of_day = (self.now_us.div_euclid(1_000_000) + 8 * 3600).rem_euclid(24 * 3600);
        let hour = second_of_day / 3600;
        let is_night = !(6..19).contains(&hour);
        // Sums to a day, so that the year has as many as it should.
        let rate = match hour {
            0..=4 => 0.15,
            5 | 22 | 23 => 0.5,
            7 | 8 | 17 | 18 => 2.2,
            _ => 1.27,
        };
        self.now_us += (-(1.0 - self.mint.unit()).ln() * self.gap_us / rate) as i64;
        let from = Wall::from_unix_us(self.now_us);
        // Some cameras have much of the traffic.
        let which = (self.mint.unit().powi(2) * CAMERAS as f64) as usize;
        let camera = self.cameras[which.min(CAMERAS - 1)].clone();
        let mut chance = self.mint.unit();
        let class = CLASSES.into_iter().find(|&(_, share)| {
            chance -= share;
            chance < 0.0
        });
        let class = class.map_or(Class::Person, |(class, _)| class);
        // Only roads have lines; on the ring nothing crosses one.
        let crosses = camera.level != Level::Ring && self.is(0.45);
        let direction = crosses.then(|| if self.is(0.5) { Direction::In } else { Direction::Out });
        let raises = self.is(if is_night { 0.2 } else { 0.03 });
        let kinds = match (raises, is_night, self.is(0.7)) {
            (false, ..) => Vec::new(),
            (true, true, true) => vec![Kind::NightPassage],
            (true, _, true) => vec![Kind::ZoneEnter],
            (true, ..) => vec![Kind::LineCross, Kind::Dwell],
        };
        let seen = self.mint.unit();
        Some(Clip {
            id: self.mint.clip(from),
            camera: camera.id,
            entry_point: camera.entry_point,
            village: camera.village,
            level: camera.level,
            from,
            to: Wall::from_unix_us(self.now_us + 2_000_000 + (seen * 2e7) as i64),
            class,
            confidence: (0.45 + 0.5 * self.mint.unit()) as f32,
            zones: self.zones.iter().take((seen * 2.6) as usize).cloned().collect(),
            lines: if crosses { vec![self.line.clone()] } else { Vec::new() },
            direction,
            alerts: kinds.iter().map(|_| self.mint.alert(from)).collect(),
            kinds,
            light: if is_night { Light::Night } else { Light::Day },
        })
    }
}

fn camera(number: usize) -> TownCamera {
    let entry_point = number / 2;
    let levels = [Level::Ring, Level::Line, Level::Line, Level::Point, Level::Block];
    TownCamera {
        id: slug(&format!("camera-{number}")),
        entry_point: slug(&format!("entry-{entry_point}")),
        village: slug(&format!("village-{}", entry_point * 37 % VILLAGES)),
        level: levels[entry_point % levels.len()],
    }
}

fn slug<T: std::str::FromStr>(text: &str) -> T {
    text.parse().ok().expect("it is of letters, digits and dashes")
}
