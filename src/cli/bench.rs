//! `cunkou bench`: parts of the product, measured; JSON on the last line of stdout.

mod fleet;
mod gate;
mod index;
mod record;

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::anyhow;
use cunkou::{
    config::Provider,
    decode::{Picture, file::Reader},
    detect::{
        Model, Runtime,
        bench::{Bench, run as measure},
    },
    id::ModelId,
};

use super::{Failure, Outcome};

/// Frames of the video that are used: enough that no two calls in a row see the same one.
const PICTURES: usize = 48;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// What the detector's pool costs over the bare session
    #[command(after_help = "Example:\n  cunkou bench detector --threads 2 --json")]
    Detector(Detector),
    /// A whole fleet of simulated cameras, from the first pixel to an MQTT subscriber
    #[command(
        after_help = "Examples:\n  cunkou bench fleet --cameras 200 --json\n  cunkou bench fleet --quick --json"
    )]
    Fleet(fleet::Arguments),
    /// A whole fleet of simulated cameras that is recorded all the time
    #[command(after_help = "Example:\n  cunkou bench record --cameras 200 --kbps 512 --seconds 60 --json")]
    Record(record::Arguments),
    /// What the gate catches of footage, by how it is encoded, against decoding everything
    #[command(
        after_help = "Example:\n  cunkou bench gate --encodings h264-q24-gop2s,h264-cbr512-gop2s --json"
    )]
    Gate(gate::Gate),
    /// The index of clips: a town's year inserted, opened again, and asked
    #[command(
        after_help = "Examples:\n  cunkou bench index --json\n  cunkou bench index --clips 10000000 --json"
    )]
    Index(index::Arguments),
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
    /// The video whose frames are used
    #[arg(long, value_name = "FILE", default_value = ".cache/footage/vtest.mp4")]
    video: PathBuf,
    /// How often each side is measured
    #[arg(long, value_name = "N", default_value = "9")]
    rounds: NonZeroUsize,
    /// Calls a thread and round
    #[arg(long, value_name = "N", default_value = "60")]
    calls: NonZeroUsize,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: Command) -> Outcome {
    match command {
        Command::Detector(of) => detector(of),
        Command::Fleet(of) => fleet::run(of),
        Command::Record(of) => record::run(of),
        Command::Gate(of) => gate::run(&of),
        Command::Index(of) => index::run(&of),
    }
}

fn detector(of: Detector) -> Outcome {
    let model = Model::load(&of.models, &of.model).map_err(Failure::input)?;
    let runtime = Runtime::load(None)?;
    let frames = Reader::open(&of.video).map_err(Failure::input)?.take(PICTURES);
    let pictures: Vec<Picture> = frames
        .map(|frame| frame.map(|frame| frame.picture))
        .collect::<Result<_, _>>()
        .map_err(Failure::input)?;
    if pictures.is_empty() {
        return Err(Failure::Input(anyhow!("{}: it has no picture", of.video.display())));
    }
    let report = measure(&Bench {
        runtime: &runtime,
        model: &model,
        provider: Provider::Cpu,
        threads: of.threads,
        pictures: &pictures,
        rounds: of.rounds,
        calls: of.calls,
    })?;
    if of.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}
