//! File → truth, all errors at once.
//!
//! ```text
//! text ─toml─▶ tree (every value in the form that keys declares) ─read─▶ Config
//!                    keys ─▶ JSON Schema, docs/ref/config.md
//! ```
//!
//! [`load`] and [`parse`] turn TOML into [`Config`], or into every [`Problem`] that it has. Nothing else in the house
//! reads configuration, and nothing downstream checks it again.

mod device;
mod duty;
mod form;
mod hours;
mod keys;
mod map;
mod neighbour;
mod problem;
mod read;
mod record;
mod reference;
mod rule;
mod schema;
mod secret;
mod shape;
mod surroundings;
mod tree;
mod truth;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use device::{Button, Equipment, Sensor, SensorKind};
pub use duty::{Attendance, Notices, Post, Route};
pub use map::{CameraOnMap, Map, Place, Point, Road, RoadKind, VillageOnMap};
pub use neighbour::{Agreement, Neighbour};
pub use problem::{PROBLEMS_MAX, Problem, Problems};
pub use reference::reference;
pub use rule::{RULES_MAX, confidence_usual};
pub use schema::schema;
pub use surroundings::{Canned, Machine, NoSecret, SECRET_LEN_MAX, Surroundings};
pub use truth::*;

use problem::Report;

/// Longest configuration, in bytes: some thirty times that of 778 cameras.
pub const TEXT_LEN_MAX: u64 = 8 << 20;

/// Reads a file of this machine, with its environment and its secrets. Relative paths in it start at its folder.
///
/// # Errors
/// Everything that is wrong with it, also that it cannot be read.
pub fn load(path: &Path) -> Result<Config, Problems> {
    parse_as(&text_of(path)?, path)
}

/// The text of a file.
///
/// # Errors
/// It cannot be read, is too long, or is no UTF-8.
pub fn text_of(path: &Path) -> Result<String, Problems> {
    use std::io::Read;
    let name = path.display().to_string();
    let unreadable = |why: String| {
        let mend = "name a file that the daemon's user may read, with --config";
        Problems::whole(&name, "the configuration cannot be read".into(), why, mend.into())
    };
    let file = std::fs::File::open(path).map_err(|e| unreadable(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(TEXT_LEN_MAX + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(&error.as_bytes()[..at]);
        let mut report = Report::new(&name, &text);
        let why = "a configuration is UTF-8 text".to_owned();
        report.syntax(at, "this is no UTF-8".into(), why, "save the file as UTF-8".into());
        report.into_problems()
    })
}

/// Reads a text as [`load`] would if it were that of the file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse_as(text: &str, path: &Path) -> Result<Config, Problems> {
    let config = parse(text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")), &Machine)?;
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(Config { source: Some(Source::new(path, text)), ..config })
}

/// Reads a text. `file` names it in problems; relative paths in it start at `base`; `surroundings` answer for environment variables,
/// secrets and cores. Pure but for those, and for the time zone database.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(
    text: &str,
    file: &str,
    base: &Path,
    surroundings: &dyn Surroundings,
) -> Result<Config, Problems> {
    if text.len() as u64 > TEXT_LEN_MAX {
        let what = format!("the configuration is longer than {TEXT_LEN_MAX} bytes");
        let mend = "divide the cameras between daemons";
        return Err(Problems::whole(file, what, "no station needs that".into(), mend.into()));
    }
    let mut report = Report::new(file, text);
    let tree = tree::parse(text, &keys::FILE, &mut report);
    let config = read::config(&tree, &mut read::Reader { report: &mut report, base, surroundings });
    match config {
        Some(config) if report.is_clean() => Ok(config),
        _ => {
            assert!(!report.is_clean(), "what is not there was reported");
            Err(report.into_problems())
        }
    }
}

/// The configuration of the simulated village, `config/demo.toml`. Its relative paths start at the folder `config` of the repository.
pub fn demo_toml() -> &'static str {
    include_str!("../../config/demo.toml")
}

/// The configuration by which `cunkou replay` judges files where it is given none, `config/replay.toml`. As for the demo's, its relative paths start at
/// the folder `config` of the repository.
pub fn replay_toml() -> &'static str {
    include_str!("../../config/replay.toml")
}
