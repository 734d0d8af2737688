//! A clip as it lies in the index: names are numbers, and so is what a question may ask for.
//!
//! Owns the layout of a row and of a run of rows, and the numbers of classes, kinds and the like. They are on disk: never change one.
//!
//! ```text
//! run: count u16 │ end of each row, from the first one's begin u32… │ rows
//! row: id u128 │ begin, microseconds behind the id's │ length, microseconds │ place │ class, light, direction u8 │ confidence f32 bits │
//!      kinds, alerts: counts │ zones, lines: counts │ kinds u8… │ alerts u128… │ zones… │ lines…
//! ```
//! What has no size is seven bits a byte.

use ulid::Ulid;

use super::bytes::{In, Out};
use crate::{
    alert::Kind,
    clip::Light,
    config::{Direction, Level},
    detect::Class,
    id::{AlertId, ClipId},
    time::Wall,
};

/// Longest row in bytes: some two hundred and fifty alerts. A run of them fits a value.
pub(super) const ROW_LEN_MAX: usize = 4096;

const CLASSES: [Class; 10] = [
    Class::Person,
    Class::Bicycle,
    Class::Motorcycle,
    Class::Car,
    Class::Bus,
    Class::Truck,
    Class::Dog,
    Class::Horse,
    Class::Sheep,
    Class::Cow,
];
pub(super) const LEVELS: [Level; 4] = [Level::Ring, Level::Block, Level::Line, Level::Point];
const DIRECTIONS: [Direction; 2] = [Direction::In, Direction::Out];
const LIGHTS: [Light; 2] = [Light::Day, Light::Night];
const KINDS: [Kind; 16] = [
    Kind::LineCross,
    Kind::ZoneEnter,
    Kind::ZoneLeave,
    Kind::WrongWay,
    Kind::Dwell,
    Kind::VehicleStopped,
    Kind::Crowd,
    Kind::Livestock,
    Kind::NightPassage,
    Kind::WatchHit,
    Kind::PanicButton,
    Kind::ExternalSensor,
    Kind::CameraOffline,
    Kind::CameraTamper,
    Kind::CameraDegraded,
    Kind::ClosureLost,
];

/// How many facets there are: each class, level, direction, light and kind has a number among them.
pub(super) const FACETS: usize = CLASSES.len() + LEVELS.len() + DIRECTIONS.len() + LIGHTS.len() + KINDS.len();

fn number<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().position(|each| each == one).expect("the table has every one: a test looks")
}

pub(super) fn class_facet(class: Class) -> usize {
    number(&CLASSES, &class)
}

pub(super) fn level_facet(level: Level) -> usize {
    CLASSES.len() + number(&LEVELS, &level)
}

pub(super) fn direction_facet(direction: Direction) -> usize {
    CLASSES.len() + LEVELS.len() + number(&DIRECTIONS, &direction)
}

pub(super) fn light_facet(light: Light) -> usize {
    CLASSES.len() + LEVELS.len() + DIRECTIONS.len() + number(&LIGHTS, &light)
}

pub(super) fn kind_facet(kind: Kind) -> usize {
    CLASSES.len() + LEVELS.len() + DIRECTIONS.len() + LIGHTS.len() + number(&KINDS, &kind)
}

/// A confidence in whole hundredths, 0..=100: what is asked for is compared in them.
pub(super) fn hundredths(confidence: f32) -> u8 {
    // A float that was written as 0.87 may be a hair less. A cast makes 0 of what is no number.
    (f64::from(confidence) * 100.0 + 1e-4).clamp(0.0, 100.0) as u8
}

/// A clip with numbers for names.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) id: ClipId,
    pub(super) from: Wall,
    pub(super) to: Wall,
    pub(super) place: u32,
    pub(super) class: Class,
    pub(super) light: Light,
    pub(super) direction: Option<Direction>,
    pub(super) confidence: f32,
    pub(super) kinds: Vec<Kind>,
    pub(super) alerts: Vec<AlertId>,
    pub(super) zones: Vec<u32>,
    pub(super) lines: Vec<u32>,
}

impl Row {
    /// Its place in time, ms since 1970: that of its id.
    pub(super) fn ms(&self) -> u64 {
        self.id.0.timestamp_ms()
    }

    /// A bit for each facet that it has; its level is its place's.
    pub(super) fn facets(&self, level: Level) -> u64 {
        let one = 1 << class_facet(self.class) | 1 << light_facet(self.light) | 1 << level_facet(level);
        let direction = self.direction.map_or(0, |direction| 1 << direction_facet(direction));
        self.kinds.iter().fold(one | direction, |all, &kind| all | 1 << kind_facet(kind))
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> usize {
        let mut out = Out::default();
        self.write(&mut out);
        out.len()
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.u128(self.id.0.0);
        let begin = self.from.us_since(self.id.began_at());
        out.short((begin << 1 ^ begin >> 63) as u64);
        out.short(self.to.us_since(self.from).max(0) as u64);
        out.short(self.place.into());
        let direction = self.direction.map_or(0, |direction| 1 + number(&DIRECTIONS, &direction));
        out.u8((number(&CLASSES, &self.class) | number(&LIGHTS, &self.light) << 4 | direction << 5) as u8);
        out.u32(self.confidence.to_bits());
        for count in [self.kinds.len(), self.alerts.len(), self.zones.len(), self.lines.len()] {
            out.short(count as u64);
        }
        self.kinds.iter().for_each(|kind| out.u8(number(&KINDS, kind) as u8));
        self.alerts.iter().for_each(|alert| out.u128(alert.0.0));
        self.zones.iter().chain(&self.lines).for_each(|&name| out.short(name.into()));
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = In::new(bytes);
        let id = ClipId(Ulid(from.u128()?));
        let zigzag = from.short()?;
        let begin = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        let begun = Wall::from_unix_us(id.began_at().unix_us().saturating_add(begin));
        let length = i64::try_from(from.short()?).ok()?;
        let place = name(&mut from)?;
        let packed = usize::from(from.u8()?);
        let confidence = f32::from_bits(from.u32()?);
        let mut counts = [0; 4];
        for count in &mut counts {
            // None is shorter than a byte: more than there are bytes is no count.
            *count = usize::try_from(from.short()?).ok().filter(|&count| count <= bytes.len())?;
        }
        let row = Self {
            id,
            from: begun,
            to: Wall::from_unix_us(begun.unix_us().saturating_add(length)),
            place,
            class: *CLASSES.get(packed & 15)?,
            light: LIGHTS[packed >> 4 & 1],
            direction: match packed >> 5 {
                0 => None,
                one => Some(*DIRECTIONS.get(one - 1)?),
            },
            confidence,
            kinds: (0..counts[0])
                .map(|_| KINDS.get(usize::from(from.u8()?)).copied())
                .collect::<Option<_>>()?,
            alerts: (0..counts[1]).map(|_| from.u128().map(|id| AlertId(Ulid(id)))).collect::<Option<_>>()?,
            zones: (0..counts[2]).map(|_| name(&mut from)).collect::<Option<_>>()?,
            lines: (0..counts[3]).map(|_| name(&mut from)).collect::<Option<_>>()?,
        };
        from.end()?;
        Some(row)
    }
}

fn name(from: &mut In<'_>) -> Option<u32> {
    from.short()?.try_into().ok()
}

/// Rows one behind the other, each of which can be read alone.
pub(super) fn write_run<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<u8> {
    let (mut ends, mut body) = (Vec::new(), Out::default());
    for row in rows {
        row.write(&mut body);
        ends.push(body.len() as u32);
    }
    let mut out = Out::default();
    out.u16(ends.len() as u16);
    ends.iter().for_each(|&end| out.u32(end));
    out.bytes(&body.into_bytes());
    out.into_bytes()
}

/// The row at `at` of a run.
pub(super) fn read_one(run: &[u8], at: usize) -> Option<Row> {
    let (ends, body) = parts(run)?;
    let begin = at.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
    Row::read(body.get(begin as usize..*ends.get(at)? as usize)?)
}

/// All rows of a run.
pub(super) fn read_run(run: &[u8]) -> Option<Vec<Row>> {
    let (ends, body) = parts(run)?;
    let mut begin = 0;
    let row = |&end: &u32| {
        let row = Row::read(body.get(begin..end as usize)?);
        begin = end as usize;
        row
    };
    ends.iter().map(row).collect()
}

fn parts(run: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let mut from = In::new(run);
    let count = usize::from(from.u16()?);
    let ends = from.u32s(count)?;
    Some((ends, from.rest()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_disk_stay_what_they_are() {
        let kind = |kind| match kind {
            Kind::LineCross => 0,
            Kind::ZoneEnter => 1,
            Kind::ZoneLeave => 2,
            Kind::WrongWay => 3,
            Kind::Dwell => 4,
            Kind::VehicleStopped => 5,
            Kind::Crowd => 6,
            Kind::Livestock => 7,
            Kind::NightPassage => 8,
            Kind::WatchHit => 9,
            Kind::PanicButton => 10,
            Kind::ExternalSensor => 11,
            Kind::CameraOffline => 12,
            Kind::CameraTamper => 13,
            Kind::CameraDegraded => 14,
            Kind::ClosureLost => 15,
        };
        let level = |level| match level {
            Level::Ring => 0,
            Level::Block => 1,
            Level::Line => 2,
            Level::Point => 3,
        };
        let direction = |direction| match direction {
            Direction::In => 0,
            Direction::Out => 1,
        };
        let light = |light| match light {
            Light::Day => 0,
            Light::Night => 1,
        };
        assert_eq!(KINDS.map(kind), std::array::from_fn(|at| at));
        assert_eq!(LEVELS.map(level), [0, 1, 2, 3]);
        assert_eq!(DIRECTIONS.map(direction), [0, 1]);
        assert_eq!(LIGHTS.map(light), [0, 1]);
        let classes: Vec<&str> = CLASSES.iter().map(|class| class.as_str()).collect();
        let pinned = "person bicycle motorcycle car bus truck dog horse sheep cow";
        assert_eq!(classes.join(" "), pinned);
        assert!(Class::ALL.iter().all(|class| CLASSES.contains(class)));
        const { assert!(FACETS <= 64, "they are bits of a u64") };
    }

    #[test]
    fn hundredths_are_those_that_were_written() {
        for whole in 0..=100u8 {
            assert_eq!(hundredths(f32::from(whole) / 100.0), whole);
        }
        assert_eq!((hundredths(f32::NAN), hundredths(-1.0), hundredths(7.0)), (0, 0, 100));
        assert_eq!(hundredths(0.869), 86);
    }
}
