//! Gaps on record, and the question for them.
//!
//! Owns how a gap lies on disk, what may be asked, and where a page ends. Reading never panics. (`n`: see `varint`.)
//!
//! ```text
//! value: version u8 = 1 │ cause u8 │ length µs n
//! ```

use std::{fmt, str::FromStr, time::Duration};

use super::{
    head::{ended, length_us},
    keys,
    varint::{Rest, put},
};
use crate::{
    id::CameraId,
    record::{Gap, GapCause},
    store::{NotAPlace, Write},
    time::Wall,
};

const VERSION: u8 = 1;
/// Gaps on one page, at most.
pub const GAPS_MAX: usize = 1000;

/// Which gaps are asked for. What nobody explains is among them, as [`GapCause::Missing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Of these cameras; of every camera of which anything is on record where it is empty.
    pub cameras: Vec<CameraId>,
    /// From when. Gaps that began before are cut there.
    pub from: Wall,
    /// Until when; as `from`.
    pub to: Wall,
    /// With these causes; with any where it is empty.
    pub causes: Vec<GapCause>,
    /// At least so long, within `from..to`.
    pub length_min: Duration,
    /// Those behind the page before ([`GapPage::next`]).
    pub after: Option<GapPlace>,
    /// At most so many; no more than [`GAPS_MAX`].
    pub limit: usize,
}

/// Gaps by camera, then by begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapPage {
    /// Contiguous ones of one cause are one.
    pub gaps: Vec<Gap>,
    /// Where to go on, where there may be more. A page that is not full may have a next one.
    pub next: Option<GapPlace>,
}

/// A place in the order of gaps: everything of earlier cameras, and of this one before `from`, was told. Written as `{microseconds since 1970}.{camera}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapPlace {
    pub(super) camera: CameraId,
    pub(super) from: Wall,
}

impl fmt::Display for GapPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.from.unix_us(), self.camera)
    }
}

impl FromStr for GapPlace {
    type Err = NotAPlace;
    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let place = text.split_once('.').and_then(|(us, camera)| {
            Some(Self { camera: camera.parse().ok()?, from: Wall::from_unix_us(us.parse().ok()?) })
        });
        place.ok_or_else(|| NotAPlace { text: text.to_owned() })
    }
}

impl Question {
    pub(super) fn asks_for(&self, from: Wall, to: Wall, cause: GapCause) -> bool {
        (self.causes.is_empty() || self.causes.contains(&cause))
            && u128::from(length_us(from, to)) >= self.length_min.as_micros()
    }
}

/// The write that keeps a gap; the same camera's gap with the same begin is replaced.
pub(super) fn keep(gap: &Gap) -> Write {
    let mut value = vec![VERSION, number(gap.cause)];
    put(&mut value, length_us(gap.from, gap.to));
    Write::Put(keys::gap(&gap.camera, gap.from), value)
}

/// The gap of an entry; `None` where it was not written by this program.
pub(super) fn read(key: &[u8], value: &[u8]) -> Option<Gap> {
    let (camera, from) = keys::read_gap(key)?;
    let mut rest = Rest(value);
    let [version, cause] = rest.take()?;
    if version != VERSION {
        return None;
    }
    let cause = GapCause::ALL.into_iter().find(|&known| number(known) == cause)?;
    let to = ended(from, rest.number()?)?;
    rest.is_empty().then_some(Gap { camera, from, to, cause })
}

/// The numbers are on disk: never change one, never give one away again.
fn number(cause: GapCause) -> u8 {
    match cause {
        GapCause::Offline => 1,
        GapCause::Maintenance => 2,
        GapCause::Off => 3,
        GapCause::Schedule => 4,
        GapCause::Quiet => 5,
        GapCause::DiskFull => 6,
        GapCause::DiskFailed => 7,
        GapCause::Shed => 8,
        GapCause::Stopped => 9,
        GapCause::Deleted => 10,
        GapCause::Missing => 11,
        GapCause::Clock => 12,
        GapCause::AgreementEnded => 13,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_gap_and_a_place_are_read_as_they_were_written() {
        let camera: CameraId = "gate-1".parse().expect("an id");
        for cause in GapCause::ALL {
            let (from, to) = (Wall::from_unix_us(-5), Wall::from_unix_us(1_773_079_445_123_456));
            let gap = Gap { camera: camera.clone(), from, to, cause };
            let Write::Put(key, value) = keep(&gap) else { panic!("it is kept") };
            assert_eq!(read(&key, &value), Some(gap));
        }
        let place = GapPlace { camera, from: Wall::from_unix_us(-7) };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "7", "x.gate", "7.Gate"] {
            assert!(wrong.parse::<GapPlace>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(key in proptest::collection::vec(any::<u8>(), 0..30), mut value in proptest::collection::vec(any::<u8>(), 0..14)) {
            if let Some(first) = value.first_mut() {
                *first = VERSION;
            }
            let _ = read(&key, &value);
            let known = keys::gap(&"c".parse().expect("an id"), Wall::from_unix_us(i64::MAX - 5));
            let _ = read(&known, &value);
        }
    }
}
