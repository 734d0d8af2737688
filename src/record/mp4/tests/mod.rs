//! Files of made-up pictures, whose parameter sets are real: what is written is found again, cut and served.

mod cutting;
mod muxing;
mod playing;
mod scanning;

use bytes::Bytes;

use super::{AudioTrack, Facts, FragmentBytes, Muxer, VideoTrack};
use crate::{
    camera::{AccessUnit, Codec},
    config::StreamRole,
    time::{MediaTime, Mono, Now, Wall},
};

const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x02, 0xc4, 0xec, 0x04, 0x40, 0, 0, 3, 0, 0x40, 0, 0, 7, 0x83, 0xc4, 0x89,
    0x92,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

/// When every film here begins.
const BEGIN: Wall = Wall::from_unix_us(1_773_079_445_123_456);

fn wall(ms: i64) -> Wall {
    Wall::from_unix_us(BEGIN.unix_us() + ms * 1000)
}

fn ms(ms: i64) -> MediaTime {
    MediaTime::from_ms(ms)
}

/// A picture that is shown at `at_ms`, with a slice of `len` bytes that tell it from others.
fn picture(at_ms: i64, is_key: bool, len: usize) -> AccessUnit {
    let mut data = vec![0, 0, 0, 1, 9, 0xf0];
    if is_key {
        for set in [SPS, PPS] {
            data.extend_from_slice(&[0, 0, 0, 1]);
            data.extend_from_slice(set);
        }
    }
    data.extend_from_slice(&[0, 0, 1]);
    data.extend_from_slice(&slice(at_ms, is_key, len));
    AccessUnit {
        role: StreamRole::Main,
        codec: Codec::H264,
        data: Bytes::from(data),
        is_key,
        // A stream may count from anywhere.
        media: ms(at_ms + 500),
        camera_clock: None,
        arrived: Now { mono: Mono::ZERO, wall: wall(at_ms) },
        packets_lost: 0,
    }
}

fn slice(at_ms: i64, is_key: bool, len: usize) -> Vec<u8> {
    let header = if is_key { 0x65 } else { 0x41 };
    [header].into_iter().chain((1..len).map(|at| ((at_ms / 7 + at as i64) as u8) | 0x80)).collect()
}

fn facts(from: Wall) -> Facts {
    Facts {
        station: "north".parse().expect("an id"),
        camera: "gate-1".parse().expect("an id"),
        role: StreamRole::Main,
        from,
        skew_ms: Some(-12),
    }
}

fn muxer(audio: Option<AudioTrack>, from: Wall) -> (Muxer, Vec<u8>) {
    let video = VideoTrack::of_key(Codec::H264, &picture(0, true, 10).data).expect("has its parameter sets");
    Muxer::new(video, audio, &facts(from))
}

/// A segment of `seconds` that begins at `from_ms`: 10 pictures a second, a key and a fragment each second.
fn segment(from_ms: i64, seconds: i64, audio: Option<AudioTrack>) -> (Vec<u8>, Vec<FragmentBytes>) {
    let has_sound = audio.is_some();
    let (mut muxer, mut file) = muxer(audio, wall(from_ms));
    let mut fragments = Vec::new();
    for at in 0..seconds * 10 {
        let unit = picture(from_ms + at * 100, at % 10 == 0, 20 + at as usize % 7);
        if unit.is_key {
            fragments.extend(muxer.cut(Some(unit.media)));
        }
        muxer.push_video(&unit).expect("in order");
        if has_sound {
            muxer.push_audio(&[at as u8; 80], unit.media, 800).expect("there is a track");
        }
    }
    fragments.extend(muxer.cut(None));
    fragments.iter().for_each(|it| file.extend_from_slice(&it.bytes));
    (file, fragments)
}
