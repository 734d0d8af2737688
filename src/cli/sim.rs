//! `cunkou sim`: simulated cameras alone.

use std::{net::SocketAddr, path::PathBuf};

use cunkou::sim::{
    SimError, Studio,
    cli::{SimArgs, run_cli},
};

use super::{Failure, Outcome, block_on, signals};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How many cameras, where no scenario says so
    #[arg(long, value_name = "N", default_value = "4")]
    cameras: usize,
    /// What happens at which camera when (TOML or JSON); without it, people come and go
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Where the RTSP server listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8554")]
    listen: SocketAddr,
    /// Draws the visits, where no scenario says them
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
    /// Take orders on stdin, one a line, and end with it: `show CAMERA VISIT`, `hush`, `totals`
    #[arg(long)]
    orders: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let Arguments { cameras, scenario, listen, seed, json, orders } = arguments;
    let args = SimArgs { cameras, scenario, listen, seed, json, orders, studio: studio() };
    block_on(async {
        let stop = signals::stop_token()?;
        run_cli(args, stop).await.map_err(|error| match error {
            SimError::ScenarioFile { .. } | SimError::Scenario { .. } | SimError::Footage { .. } => {
                Failure::input(error)
            }
            other => other.into(),
        })
    })
}

/// Where encoded video is kept.
pub(super) fn studio() -> Studio {
    Studio { cache: ".cache/sim".into(), footage: None }
}
