//! Any bytes are a recording, or none: a damaged disk never takes the daemon down.
#![no_main]

use std::io::Cursor;

use cunkou::{
    record::mp4::{self, Source},
    time::Wall,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = Cursor::new(bytes);
    if let Ok(scanned) = mp4::scan(&mut file) {
        assert!(scanned.whole_len <= bytes.len() as u64);
        let (from, to) = (Wall::from_unix_us(i64::MIN), Wall::from_unix_us(i64::MAX));
        let cut = mp4::plan(&mut [Source { scanned: &scanned, file: &mut file }], from, to);
        assert!(cut.iter().flat_map(|it| &it.pieces).all(|it| it.offset + it.len <= scanned.whole_len));
        let _ = scanned.tracks.mime();
    }
    mp4::mute(&mut bytes.to_vec());
});
