//! What is on the wire, against the schemas that are shipped.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{broker::Heard, repository};

/// Checks a message's envelope and data; gives the envelope.
pub(crate) fn checked(heard: &Heard) -> Value {
    let envelope = heard.json();
    conforms("envelope", &envelope);
    let schema = envelope["dataschema"].as_str().expect("checked");
    let schema = schema.strip_prefix("urn:cunkou:schema:").and_then(|rest| rest.split(':').next());
    conforms(schema.expect("one of ours"), &envelope["data"]);
    envelope
}

fn conforms(schema: &str, value: &Value) {
    let path = repository(&format!("docs/ref/schemas/{schema}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema is valid");
    let complaints: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(complaints.is_empty(), "{path}: {complaints:?}\n{value:#}");
}

/// In hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
