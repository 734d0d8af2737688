//! `cunkou bench`: parts of the product, measured; JSON on the last line of stdout.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use cunkou::{
    config::Provider,
    detect::{Model, Runtime, bench},
    id::ModelId,
};

use super::{Failure, Outcome};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// What the detector's pool costs over the bare session
    Detector(Detector),
}

#[derive(clap::Args)]
pub(super) struct Detector {
    /// Folder of the models
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Which model
    #[arg(long, value_name = "ID", default_value = "nanodet-g-416-int8")]
    model: ModelId,
    /// Worker threads
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    /// A video whose frames are used; without it, even pictures with noise
    #[arg(long, value_name = "FILE")]
    video: Option<PathBuf>,
    /// How long to measure, in all
    #[arg(long, value_name = "S", default_value = "20")]
    seconds: u64,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command) -> Outcome {
    let Command::Detector(of) = command;
    let model = Model::load(&of.models, &of.model).map_err(Failure::input)?;
    let runtime = Runtime::load(None)?;
    let seconds = Duration::from_secs(of.seconds);
    let report = bench::run(&runtime, &model, Provider::Cpu, of.threads, of.video.as_deref(), seconds)?;
    if of.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}
