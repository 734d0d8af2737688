//! `cunkou bench fleet`: arguments, and the report.

use std::{path::PathBuf, time::Duration};

use cunkou::{
    config::RecordWhen,
    fleet_bench::{FleetBench, Mix, run as measure},
    sim::cli::tell_progress,
};

use super::super::{Outcome, block_on, sim::studio};

/// Most cameras of a run.
const CAMERAS_MAX: i64 = 4_096;

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// How many cameras [default: 778; with --quick 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=CAMERAS_MAX))]
    cameras: Option<u16>,
    /// How long to measure, once all are connected [default: 60; with --quick 25]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// How many visitors come [default: so many that twelve are under way at any time; with --quick 8]
    #[arg(long, value_name = "E")]
    events: Option<usize>,
    /// Draws who comes where and when
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// A small and short run, as the tests have it
    #[arg(long)]
    quick: bool,
    /// How the cameras code
    #[arg(long, value_enum, default_value = "vbr")]
    coding: CodingMix,
    /// What the daemon records of it, into a temporary folder
    #[arg(long, value_enum, value_name = "WHEN", default_value = "off")]
    record: Record,
    /// Folder of the models
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum CodingMix {
    /// A mean of 512 kbit/s, at most 1024
    Vbr,
    /// 512 kbit/s at any time, with filler
    Cbr,
    /// Constant quality
    Quality,
    /// All of these, one after the other
    Mixed,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Record {
    /// Everything
    Always,
    /// Around alerts
    Alerts,
    /// Nothing
    Off,
}

pub(in crate::cli) fn run(of: Arguments) -> Outcome {
    let (cameras, seconds) = if of.quick { (24, 25) } else { (778, 60) };
    let length = Duration::from_secs(of.seconds.unwrap_or(seconds));
    let bench = FleetBench {
        cameras: of.cameras.map_or(cameras, usize::from),
        length,
        within: if of.quick { length / 2 } else { length },
        events: of.events.or(of.quick.then_some(8)),
        seed: of.seed,
        mix: match of.coding {
            CodingMix::Vbr => Mix::Vbr,
            CodingMix::Cbr => Mix::Cbr,
            CodingMix::Quality => Mix::Quality,
            CodingMix::Mixed => Mix::Mixed,
        },
        record: match of.record {
            Record::Always => RecordWhen::Always,
            Record::Alerts => RecordWhen::Alerts,
            Record::Off => RecordWhen::Off,
        },
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
