//! `cunkou run`: the daemon.

use std::path::PathBuf;

use anyhow::Context;
use cunkou::{config, daemon::Daemon};

use super::{Failure, Outcome, runtime, signals};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The station's configuration
    #[arg(long, value_name = "FILE", default_value = "config/cunkou.toml")]
    config: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let config = config::load(&arguments.config).map_err(Failure::input)?;
    runtime()?.block_on(async {
        let stop = signals::stop_token()?;
        let daemon = Daemon::start(config).await.context("cannot start")?;
        stop.cancelled().await;
        daemon.stop().await;
        Ok(())
    })
}
