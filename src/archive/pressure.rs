//! How full a volume is, and what follows from it.
//!
//! Owns when deleting for want of room begins and ends, and when recording stops and for whom. Pure: it is told what the disk has. What may be deleted
//! is `retention`'s; stopping is the writer's.

use super::Pressure;
use crate::config::Volume;

const HEADROOM_MIN: u64 = 16 << 20;
const HEADROOM_MAX: u64 = 8 << 30;
/// No camera has this priority: all stop below it.
const BELOW_MAX: u8 = 10;

/// Bytes that a volume can take until its limits are reached; negative beyond them. `free` is what its disk has, `used` what recordings take.
pub(super) fn room(volume: &Volume, free: u64, used: u64) -> i64 {
    let until =
        |limit: u64, other: u64| i64::try_from(i128::from(limit) - i128::from(other)).unwrap_or(i64::MAX);
    let on_disk = until(free, volume.keep_free);
    volume.bytes_max.map_or(on_disk, |max| on_disk.min(until(max, used)))
}

/// Below so much room, in bytes, deleting begins; it goes on until there is twice as much.
pub(super) fn headroom(volume: &Volume) -> u64 {
    (volume.bytes_max.unwrap_or(volume.keep_free) / 20).clamp(HEADROOM_MIN, HEADROOM_MAX)
}

/// Bytes that have to become free.
pub(super) fn needed(room: i64, headroom: u64) -> u64 {
    let headroom = i64::try_from(headroom).unwrap_or(i64::MAX);
    if room >= headroom {
        0
    } else {
        u64::try_from(headroom.saturating_mul(2).saturating_sub(room)).unwrap_or(0)
    }
}

/// Whether deleting can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    /// It does, or none is needed.
    Some,
    /// All that may be deleted is.
    None,
}

/// How it is after another look, which is taken every ten seconds or so: priorities stop and come back one a look, so that what stops is no more
/// than is needed.
pub(super) fn after(before: Pressure, room: i64, headroom: u64, help: Help) -> Pressure {
    let headroom = i64::try_from(headroom).unwrap_or(i64::MAX);
    match before {
        Pressure::Full { below } if room <= 0 && help == Help::None => {
            Pressure::Full { below: (below + 1).min(BELOW_MAX) }
        }
        // The way back is the longer one, so that a camera does not go on and off.
        Pressure::Full { below } if room >= headroom / 2 => match below {
            0..=2 => Pressure::Short,
            _ => Pressure::Full { below: below - 1 },
        },
        Pressure::Full { .. } => before,
        _ if room <= 0 && help == Help::None => Pressure::Full { below: 2 },
        Pressure::Short if room >= headroom.saturating_add(headroom / 2) => Pressure::Fine,
        Pressure::Fine if room < headroom => Pressure::Short,
        _ => before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::VolumeId;

    fn volume(keep_free: u64, bytes_max: Option<u64>) -> Volume {
        Volume { id: VolumeId::usual(), path: "v".into(), keep_free, bytes_max }
    }

    #[test]
    fn room_is_what_the_tighter_limit_leaves() {
        for (keep_free, bytes_max, free, used, expected) in [
            (5, None, 20, 1000, 15),
            (5, None, 2, 0, -3),
            (5, Some(100), 20, 90, 10),
            (5, Some(100), 200, 150, -50),
            (0, None, u64::MAX, 0, i64::MAX),
        ] {
            assert_eq!(room(&volume(keep_free, bytes_max), free, used), expected);
        }
        assert_eq!(headroom(&volume(5_000_000_000, None)), 250_000_000);
        assert_eq!((needed(100, 100), needed(99, 100), needed(-50, 100)), (0, 101, 250));
    }

    #[test]
    fn low_priorities_stop_first_and_come_back_last_to_first() {
        use Pressure::{Fine, Full, Short};
        let mut pressure = Fine;
        let steps = [
            (150, Help::Some, Fine),
            (99, Help::Some, Short),
            (120, Help::Some, Short),
            (150, Help::Some, Fine),
            (40, Help::None, Short),
            (0, Help::Some, Short),
            (0, Help::None, Full { below: 2 }),
            (-5, Help::None, Full { below: 3 }),
            (-5, Help::Some, Full { below: 3 }),
            (30, Help::None, Full { below: 3 }),
            (50, Help::None, Full { below: 2 }),
            (50, Help::None, Short),
            (150, Help::None, Fine),
        ];
        for (room, help, expected) in steps {
            pressure = after(pressure, room, 100, help);
            assert_eq!(pressure, expected, "at {room}");
        }
        for _ in 0..20 {
            pressure = after(pressure, -1, 100, Help::None);
        }
        assert_eq!(pressure, Full { below: 10 });
        assert!((1..=9).all(|priority| !pressure.allows(priority)));
        assert!(Full { below: 3 }.allows(3) && !Full { below: 3 }.allows(2) && Short.allows(1));
    }
}
