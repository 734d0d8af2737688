//! Any text is a configuration, or has problems that are told.
#![no_main]

use std::path::Path;

use cunkou::config::{Canned, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = parse(text, "fuzz.toml", Path::new("."), &Canned::default()) {
        assert!(!problems.0.is_empty(), "a refusal says why");
        assert!(problems.0.iter().all(|problem| !problem.to_string().contains('\n')), "one line each");
    }
});
