//! Any bytes are a payload, or none; what is read is written back as it was understood.
#![no_main]

use cunkou::mqtt::payload::{AlertData, Envelope, HealthData, NodeData};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fn round_trip<D: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(read) = serde_json::from_slice::<Envelope<D>>(bytes) else { return };
    let again: Envelope<D> = serde_json::from_slice(&read.to_bytes()).expect("what we write, we read");
    assert_eq!(again.to_bytes(), read.to_bytes());
}

fuzz_target!(|bytes: &[u8]| {
    round_trip::<AlertData>(bytes);
    round_trip::<HealthData>(bytes);
    round_trip::<NodeData>(bytes);
});
