//! Any bytes are a message of the outbox, or none: a damaged entry of the store never takes the daemon down.
#![no_main]

use cunkou::store::{decode_message, encode_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(message) = decode_message(bytes) {
        let written = encode_message(&message).expect("what was read can be written");
        assert_eq!(decode_message(&written).expect("what we write, we read"), message);
    }
});
