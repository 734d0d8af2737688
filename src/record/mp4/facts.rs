//! What a file says of itself: whose pictures these are and when they were taken, for the day when the index is lost.
//!
//! Owns the `uuid` box that carries it, and the NTP times of `prft`. Nothing here is trusted by anybody who has the index.

use serde::{Deserialize, Serialize};

use super::boxes::{Boxes, children};
use crate::{
    config::StreamRole,
    id::{CameraId, StationId},
    time::Wall,
};

/// Of our `uuid` box: a name-based UUID, fixed for all time.
const FACTS_UUID: [u8; 16] =
    [0x5d, 0x3a, 0x8c, 0x1e, 0x6b, 0x42, 0x4f, 0x0d, 0x9a, 0x77, 0xc0, 0xe1, 0x2f, 0x94, 0x33, 0xd8];

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX_S: i64 = 2_208_988_800;
/// NTP's seconds have 32 bits: they begin anew in 2036.
const NTP_ERA_S: i64 = 1 << 32;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Of which station.
    pub station: StationId,
    /// Whose pictures.
    pub camera: CameraId,
    /// Of which of its streams.
    pub role: StreamRole,
    /// When the first picture of the file arrived.
    pub from: Wall,
    /// How far the camera's clock was ahead of the machine's, ms; `None` where the camera does not tell.
    pub skew_ms: Option<i64>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    station: StationId,
    camera: CameraId,
    role: StreamRole,
    from_unix_us: i64,
    skew_ms: Option<i64>,
}

impl Facts {
    pub(super) fn write(&self, boxes: &mut Boxes) {
        let written = Written {
            station: self.station.clone(),
            camera: self.camera.clone(),
            role: self.role,
            from_unix_us: self.from.unix_us(),
            skew_ms: self.skew_ms,
        };
        boxes.boxed(b"uuid", |it| {
            let json = serde_json::to_vec(&written).expect("ids and numbers can be written");
            it.bytes(&FACTS_UUID).bytes(&json);
        });
    }

    /// From the content of a `moov`. `None` where it has none, or none that can be understood.
    pub(super) fn read(moov: &[u8]) -> Option<Self> {
        let json = children(moov)
            .filter(|it| it.kind == *b"uuid")
            .find_map(|it| it.body.strip_prefix(FACTS_UUID.as_slice()))?;
        let Written { station, camera, role, from_unix_us, skew_ms } = serde_json::from_slice(json).ok()?;
        Some(Self { station, camera, role, from: Wall::from_unix_us(from_unix_us), skew_ms })
    }
}

/// 32.32 seconds since 1900, so that [`wall_of_ntp`] gives the same microsecond again.
pub(super) fn ntp_of_wall(wall: Wall) -> u64 {
    let seconds = (wall.unix_us().div_euclid(1_000_000) + NTP_TO_UNIX_S).rem_euclid(NTP_ERA_S) as u64;
    let us = wall.unix_us().rem_euclid(1_000_000) as u64;
    (seconds << 32) | (us << 32).div_ceil(1_000_000)
}

/// From 32.32 seconds since 1900, or since 2036 where that would be before 1968.
pub(super) fn wall_of_ntp(ntp: u64) -> Wall {
    let seconds = (ntp >> 32) as i64;
    let era = if seconds < NTP_ERA_S / 2 { NTP_ERA_S } else { 0 };
    let us = ((ntp & 0xffff_ffff) * 1_000_000) >> 32;
    Wall::from_unix_us((seconds + era - NTP_TO_UNIX_S) * 1_000_000 + us as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn facts_are_read_as_written() {
        let facts = Facts {
            station: "north".parse().expect("an id"),
            camera: "gate-1".parse().expect("an id"),
            role: StreamRole::Sub,
            from: Wall::from_unix_us(1_773_079_445_123_456),
            skew_ms: Some(-40),
        };
        let mut boxes = Boxes::default();
        boxes.boxed(b"uuid", |it| {
            it.bytes(&[7; 16]).bytes(b"somebody else's");
        });
        facts.write(&mut boxes);
        assert_eq!(Facts::read(&boxes.0), Some(facts));
        let text = String::from_utf8_lossy(&boxes.0).into_owned();
        assert!(text.contains(r#""from_unix_us":1773079445123456"#), "{text}");
        assert_eq!(Facts::read(&boxes.0[..40]), None);
    }

    proptest! {
        #[test]
        fn a_wall_time_survives_ntp(us in -60_000_000_000_000i64..4_200_000_000_000_000) {
            prop_assert_eq!(wall_of_ntp(ntp_of_wall(Wall::from_unix_us(us))), Wall::from_unix_us(us));
        }

        #[test]
        fn any_ntp_time_is_a_wall_time(ntp: u64) {
            wall_of_ntp(ntp);
        }
    }
}
