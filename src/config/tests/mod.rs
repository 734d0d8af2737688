//! What a configuration is, told by texts.
//!
//! `good.toml` has a bit of everything, `bad.txt` spoils it in every way that we know of, and both shipped files are read. What must hold for any
//! text stands in [`any_text`]; hours in [`hours`]; what lands in which field in [`fields`].

mod any_text;
mod bad;
mod fields;
mod hours;
mod shipped;

use std::{cell::RefCell, collections::BTreeSet, path::Path};

use super::*;

const GOOD: &str = include_str!("good.toml");

/// What a test machine says: a password in the environment, and files of every sort.
fn surroundings() -> Canned {
    let mut canned = Canned::default();
    for (name, value) in
        [("GATE_PASSWORD", "s3cr3t-in-env"), ("CUNKOU_BROKER_PASSWORD", "s3cr3t-of-broker"), ("EMPTY", "")]
    {
        canned.variables.insert(name.into(), value.into());
    }
    for (path, answer) in [
        ("/base/secret", Ok("s3cr3t-in-file\n".into())),
        ("/base/secrets/north-gate-1", Ok("s3cr3t-in-file\n".into())),
        ("/base/lines", Ok("s3cr3t-in-file\nanother\n".into())),
        ("/base/open", Err(NoSecret::TooOpen { mode: 0o644 })),
        ("/base/foreign", Err(NoSecret::Unreadable(std::io::ErrorKind::PermissionDenied))),
    ] {
        canned.secrets.insert(path.into(), answer);
    }
    canned
}

fn told(text: &str) -> Result<Config, Problems> {
    parse(text, "f", Path::new("/base"), &surroundings())
}

fn read(text: &str) -> Config {
    told(text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A text as JSON, for the schema.
fn document(text: &str) -> serde_json::Value {
    let (table, errors) = toml::de::DeTable::parse_recoverable(text);
    assert!(errors.is_empty(), "{errors:?}");
    schema::to_json(&toml::de::DeValue::Table(table.into_inner()))
}

thread_local! {
    static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> = const { RefCell::new(BTreeSet::new()) };
}

/// The reader asked for a key of a section.
pub(super) fn asked(section: &'static str, key: &'static str) {
    ASKED.with_borrow_mut(|asked| asked.insert((section, key)));
}

/// A file of the repository that follows from the code: equal, or written anew where `UPDATE` is set.
fn follows(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == expected, "{} is out of date: run `UPDATE=1 cargo test --lib config`", path.display());
}
