//! `cunkou bench record`: arguments, and the report.

use std::{path::PathBuf, time::Duration};

use cunkou::{
    fleet_bench::record::{RecordBench, run as measure},
    sim::cli::tell_progress,
};

use super::super::{Outcome, block_on, sim::studio};

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// How many cameras
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=4_096))]
    cameras: u16,
    /// Rate of each camera's stream, kbit/s
    #[arg(long, value_name = "K", default_value = "512", value_parser = clap::value_parser!(u32).range(64..=16_000))]
    kbps: u32,
    /// How long to measure, once all are recorded
    #[arg(long, value_name = "S", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Folder in which the recordings lie meanwhile [default: one for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Folder of the models
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(of: Arguments) -> Outcome {
    let bench = RecordBench {
        cameras: of.cameras.into(),
        kbps: of.kbps,
        length: Duration::from_secs(of.seconds),
        folder: of.folder.as_ref().map(std::path::absolute).transpose()?,
        program: std::env::current_exe()?,
        models: std::path::absolute(&of.models)?,
        studio: studio(),
    };
    let report = block_on(async { Ok(measure(&bench, tell_progress(), |told| eprintln!("{told}")).await?) })?;
    if of.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}
