//! How intervals of too little analysis lie on disk, and how they are found again.
//!
//! Owns the layout, and reading by time and camera. They are notes, no promises ([`Desk::note`]). Who writes them, and how long they are kept, is
//! the daemon's. All integers are big-endian:
//!
//! ```text
//! key:   Space::Analysis │ from: milliseconds since 1970 u64 │ camera: ASCII
//! value: version u8 = 1 │ what u8 │ cause u8 │ length: milliseconds u32 │ analysed, wanted: thousandths of a frame a second u32
//! ```
//!
//! Where nothing was analysed, both rates are 0. Reading never panics, whatever the bytes.

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, time::Duration};

use super::{Desk, Pair, Refused, Space, Write};
use crate::{
    analysis::{Cause, Interval, What},
    id::CameraId,
    time::Wall,
};

const VERSION: u8 = 1;
const REDUCED: u8 = 1;
const NOT_ANALYSED: u8 = 2;
const VALUE_LEN: usize = 15;
/// One that is longer is found by the time of its begin alone. (A camera's are told every ten minutes.)
const LENGTH_MAX: Duration = Duration::from_secs(900);
/// Intervals on one page, at most.
pub const PAGE_MAX: usize = 1000;
/// Entries read at once, so that the store's thread is not held for long.
const STEP: usize = 512;
/// Entries that are looked at for one page, at most: beyond it the page ends, whether or not it is full.
const SCAN_MAX: usize = 16 * STEP;

/// Which intervals are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Those that end after it.
    pub from: Option<Wall>,
    /// Those that begin before it.
    pub to: Option<Wall>,
    /// Those of one camera.
    pub camera: Option<CameraId>,
    /// Those behind the page before ([`Page::next`]).
    pub after: Option<Place>,
    /// At most so many; no more than [`PAGE_MAX`].
    pub limit: usize,
}

/// Intervals by the time of their begin, then by camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Oldest first.
    pub intervals: Vec<(CameraId, Interval)>,
    /// Where to go on, where there may be more. A page that is not full may have a next one.
    pub next: Option<Place>,
}

/// A place in the order of intervals. Written as `{milliseconds since 1970}.{camera}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    from_ms: u64,
    camera: CameraId,
}

/// Why a text is no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no place in a list: use what a page before has as \"next\"")]
pub struct NotAPlace {
    /// What was written.
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.from_ms, self.camera)
    }
}

impl FromStr for Place {
    type Err = NotAPlace;
    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let parts = text.split_once('.').and_then(|(ms, camera)| {
            let from_ms = ms.bytes().all(|b| b.is_ascii_digit()).then(|| ms.parse().ok())??;
            Some(Self { from_ms, camera: camera.parse().ok()? })
        });
        parts.ok_or_else(|| NotAPlace { text: text.to_owned() })
    }
}

/// The write that keeps an interval. The same camera's interval with the same begin is replaced.
pub fn keep_interval(camera: &CameraId, interval: &Interval) -> Write {
    let place = Place { from_ms: unix_ms(interval.from), camera: camera.clone() };
    let length_ms = interval.to.unix_ms().saturating_sub(interval.from.unix_ms());
    let (what, analysed_fps, wanted_fps) = match interval.what {
        What::Reduced { analysed_fps, wanted_fps } => (REDUCED, analysed_fps, wanted_fps),
        What::NotAnalysed => (NOT_ANALYSED, 0.0, 0.0),
    };
    let mut value = Vec::with_capacity(VALUE_LEN);
    value.extend_from_slice(&[VERSION, what, cause_number(interval.cause)]);
    value.extend_from_slice(&u32::try_from(length_ms.max(0)).unwrap_or(u32::MAX).to_be_bytes());
    for fps in [analysed_fps, wanted_fps] {
        // A cast saturates, and makes 0 of what is no number.
        value.extend_from_slice(&((f64::from(fps) * 1000.0).round() as u32).to_be_bytes());
    }
    Write::Put(place.key(), value)
}

/// The interval of an entry; `None` where it was not written by this program.
pub fn read_interval(key: &[u8], value: &[u8]) -> Option<(CameraId, Interval)> {
    let place = Place::of(key)?;
    let value: &[u8; VALUE_LEN] = value.try_into().ok()?;
    let number = |at: usize| u32::from_be_bytes([value[at], value[at + 1], value[at + 2], value[at + 3]]);
    let what = match (value[0], value[1]) {
        (VERSION, REDUCED) => {
            let fps = |at: usize| (f64::from(number(at)) / 1000.0) as f32;
            What::Reduced { analysed_fps: fps(7), wanted_fps: fps(11) }
        }
        (VERSION, NOT_ANALYSED) => What::NotAnalysed,
        _ => return None,
    };
    let cause = Cause::ALL.into_iter().find(|&cause| cause_number(cause) == value[2])?;
    let from = Wall::from_unix_ms(i64::try_from(place.from_ms).ok()?);
    let to = from.after(Duration::from_millis(number(3).into()));
    Some((place.camera, Interval { from, to, what, cause }))
}

impl Desk {
    /// A page of intervals.
    pub async fn intervals(&self, asked: &Asked) -> Result<Page, Refused> {
        let limit = asked.limit.min(PAGE_MAX);
        let (mut from, to) = asked.range();
        let mut page = Page { intervals: Vec::new(), next: None };
        for _ in 0..SCAN_MAX / STEP {
            let entries = self.range(from, to.clone(), STEP).await?;
            let is_last = entries.len() < STEP;
            for (key, value) in &entries {
                if page.intervals.len() == limit {
                    return Ok(page);
                }
                page.next = Place::of(key);
                page.intervals.extend(read_interval(key, value).filter(|found| asked.is_met_by(found)));
            }
            if is_last {
                page.next = None;
                return Ok(page);
            }
            from = entries.last().map_or(Vec::new(), |(key, _)| behind(key));
        }
        Ok(page)
    }

    /// Removals of the oldest intervals that began before `before`, some hundreds of them at most; none where there are none.
    pub async fn intervals_before(&self, before: Wall) -> Result<Vec<Write>, Refused> {
        let to = Space::Analysis.key(&unix_ms(before).to_be_bytes());
        let entries: Vec<Pair> = self.range(Space::Analysis.from(), to, STEP).await?;
        Ok(entries.into_iter().map(|(key, _)| Write::Delete(key)).collect())
    }
}

impl Asked {
    /// The keys among which its intervals lie.
    fn range(&self) -> (Vec<u8>, Vec<u8>) {
        let key = |at: Wall| Space::Analysis.key(&unix_ms(at).to_be_bytes());
        let earliest = self.from.map_or(Space::Analysis.from(), |from| {
            key(Wall::from_unix_ms(from.unix_ms().saturating_sub(LENGTH_MAX.as_millis() as i64)))
        });
        let after = self.after.as_ref().map_or(Vec::new(), |place| behind(&place.key()));
        // An interval that begins within the millisecond of `to` began before it, or with it: see `is_met_by`.
        let to = self
            .to
            .map_or(Space::Analysis.to(), |to| key(Wall::from_unix_ms(to.unix_ms().saturating_add(1))));
        (earliest.max(after), to)
    }

    fn is_met_by(&self, (camera, interval): &(CameraId, Interval)) -> bool {
        self.from.is_none_or(|from| interval.to > from)
            && self.to.is_none_or(|to| interval.from < to)
            && self.camera.as_ref().is_none_or(|asked| asked == camera)
    }
}

impl Place {
    fn key(&self) -> Vec<u8> {
        Space::Analysis.key(&[&self.from_ms.to_be_bytes()[..], self.camera.as_str().as_bytes()].concat())
    }

    fn of(key: &[u8]) -> Option<Self> {
        let (from_ms, camera) = key.get(1..)?.split_first_chunk::<8>()?;
        let camera = std::str::from_utf8(camera).ok()?.parse().ok()?;
        Some(Self { from_ms: u64::from_be_bytes(*from_ms), camera })
    }
}

/// The first key after `key`.
fn behind(key: &[u8]) -> Vec<u8> {
    key.iter().copied().chain([0]).collect()
}

/// What lies before 1970 counts as 1970: a clock that is so wrong was lost.
fn unix_ms(at: Wall) -> u64 {
    u64::try_from(at.unix_ms()).unwrap_or(0)
}

/// The numbers are on disk: never change one, never give one away again.
fn cause_number(cause: Cause) -> u8 {
    match cause {
        Cause::DecodersBehind => 1,
        Cause::DetectorBehind => 2,
        Cause::StoreStuck => 3,
        Cause::DetectorFailed => 4,
        Cause::NoPicture => 5,
        Cause::LookLate => 6,
    }
}
