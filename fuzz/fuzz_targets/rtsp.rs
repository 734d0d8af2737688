//! Any bytes are RTSP requests, or a refusal with a status.
#![no_main]

use cunkou::sim::rtsp::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    while let Ok(Some((used, _))) = parse(rest) {
        assert!(used > 0 && used <= rest.len(), "what was read has a length");
        rest = &rest[used..];
    }
});
