//! A tiny clip to try decoders with.
//!
//! Owns four access units of an even grey picture, encoded once with x264 (Main profile, one IDR and three P pictures).

use bytes::Bytes;

use crate::{
    camera::{AccessUnit, Codec},
    config::StreamRole,
    geometry::Size,
    time::{MediaTime, Now},
};

/// Its picture.
pub(super) const SIZE: Size = Size::new(320, 240);

/// Its luma, everywhere.
pub(super) const LUMA: u8 = 126;

const IDR: &[u8] = b"\
    \x00\x00\x00\x01\x67\x4d\x40\x0b\xda\x05\x07\xec\x04\x40\x00\x00\x03\x00\x40\x00\x00\x05\x03\xc5\
    \x0a\xa8\x00\x00\x00\x01\x68\xef\x0f\xc8\x00\x00\x01\x65\x88\x84\x0f\xff\xfa\x7e\x0b\xb9\xfc\xa5\
    \xa7\xff\xbd\xe1\xce\xb1\x6e\x48\x73\x3c\xee\x14\x9b\x56\x2e\x3f\x15\x52\x2f\x18\x00\x15\xf6\xeb\
    \xd3\xaf\xea\x1b\xce\x03\x59\x2f\xa0\xa3\x00\x00\x10\x10\xe0\xc4\x0a\xb7\x4a\xb8\xcf\x5f\xc4\x40\
    \x41";
const P: [&[u8]; 3] = [
    b"\x00\x00\x00\x01\x41\x9a\x26\x21\xff\xfe\xa9\x96\x00\x00\x6f\xc0",
    b"\x00\x00\x00\x01\x41\x9a\x46\x21\xdf\xfe\xa9\x96\x00\x00\x6f\xc1",
    b"\x00\x00\x00\x01\x41\x9a\x66\x21\xbf\xfe\xa7\x84\x00\x00\xde\x80",
];

/// The clip, ten frames a second.
pub(super) fn units() -> impl Iterator<Item = AccessUnit> {
    [IDR].into_iter().chain(P).enumerate().map(|(index, data)| AccessUnit {
        role: StreamRole::Sub,
        codec: Codec::H264,
        data: Bytes::from_static(data),
        is_key: index == 0,
        media: MediaTime::from_ms(100 * index as i64),
        camera_clock: None,
        arrived: Now::default(),
        packets_lost: 0,
    })
}
