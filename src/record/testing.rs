//! Streams for tests.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    camera::{AccessUnit, Codec},
    config::StreamRole,
    time::{MediaTime, Mono, Now, Wall},
};

/// Parameter sets of a real stream of 320 by 240 (x264, constrained baseline).
const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0, 0, 3, 0, 0x10, 0, 0, 3, 1, 0x48, 0xf1,
    0x42, 0x99, 0x20,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

/// An access unit of so many bytes or a few more, that arrives then by both clocks.
pub(super) fn unit(ms: u64, is_key: bool, len: usize) -> AccessUnit {
    unit_at(
        Now { mono: Mono::from_start(Duration::from_millis(ms)), wall: Wall::from_unix_ms(ms as i64) },
        MediaTime::from_ms(ms as i64),
        is_key,
        len,
    )
}

/// An access unit that arrives then.
pub(super) fn unit_at(arrived: Now, media: MediaTime, is_key: bool, len: usize) -> AccessUnit {
    let slice = [&[if is_key { 0x65 } else { 0x41 }, 0x9a][..], &vec![0xaa; len.max(4)]].concat();
    let nals: &[&[u8]] = if is_key { &[SPS, PPS, &slice] } else { &[&slice] };
    let data: Vec<u8> = nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect();
    AccessUnit {
        role: StreamRole::Main,
        codec: Codec::H264,
        data: Bytes::from(data),
        is_key,
        media,
        camera_clock: None,
        arrived,
        packets_lost: 0,
    }
}
