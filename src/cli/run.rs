//! `cunkou run`: the daemon.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use cunkou::{config, daemon::Daemon};

use super::{Failure, Outcome, block_on, signals};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The station's configuration
    #[arg(long, value_name = "FILE", default_value = "config/cunkou.toml")]
    config: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let config = config::load(&arguments.config).map_err(Failure::input)?;
    block_on(async {
        let stop = signals::stop_token()?;
        let daemon = Daemon::start(config).await.context("cannot start")?;
        if let Some(code) = daemon.access().setup_code() {
            let page = format!("http://{}/", daemon.console());
            tracing::warn!(%page, code, "nobody has an account yet: open the page and make the first one with this code");
        }
        let broken = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = daemon.broken() => Some(anyhow!("a part of the daemon failed; see the log above")),
        };
        daemon.stop().await;
        broken.map_or(Ok(()), |error| Err(Failure::Failed(error)))
    })
}
