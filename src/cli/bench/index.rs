//! `cunkou bench index`: the index of clips, with a town's year in it.

use std::{fs, num::NonZeroUsize, path::PathBuf, process};

use anyhow::{Context, anyhow};
use cunkou::index::bench;

use super::super::{Failure, Outcome};

/// How many clips there are between two words on how far it is.
const TELL_EACH: u64 = 1_000_000;

#[derive(clap::Args)]
pub(in super::super) struct Arguments {
    /// Clips of the year
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    clips: u64,
    /// How often each question is asked
    #[arg(long, value_name = "N", default_value = "200")]
    rounds: NonZeroUsize,
    /// Folder in which the index is made, and removed in the end
    #[arg(long, value_name = "DIR", default_value = ".cache/bench")]
    dir: PathBuf,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(of: &Arguments) -> Outcome {
    if of.dir.exists() && !of.dir.is_dir() {
        return Err(Failure::Input(anyhow!("{}: it is no folder", of.dir.display())));
    }
    let dir = of.dir.join(format!("index-{}", process::id()));
    fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    let mut tell = |inserted: u64| {
        if inserted.is_multiple_of(TELL_EACH) {
            eprintln!("{inserted} clips are in it");
        }
    };
    let report = bench::run(&dir, of.clips, of.rounds.get(), &mut tell);
    let removed = fs::remove_dir_all(&dir).with_context(|| dir.display().to_string());
    let report = report?;
    removed?;
    if of.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}
