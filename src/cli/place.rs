//! Where a station's data lie, for commands that work on the files themselves and ask no daemon.

use std::path::PathBuf;

use cunkou::config;
use jiff::tz::TimeZone;

use super::Failure;

#[derive(clap::Args)]
pub(super) struct Place {
    /// The station's configuration
    #[arg(long, value_name = "FILE", default_value = "config/cunkou.toml")]
    config: PathBuf,
    /// The station's data instead, also a copy of it
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
}

/// Data, and in which time zone people there read their clocks.
pub(super) struct Known {
    pub(super) data: PathBuf,
    pub(super) zone: TimeZone,
}

impl Place {
    pub(super) fn find(&self) -> Result<Known, Failure> {
        if let Some(data) = &self.data {
            return Ok(Known { data: data.clone(), zone: TimeZone::system() });
        }
        let config = config::load(&self.config).map_err(Failure::input)?;
        Ok(Known { data: config.paths.data, zone: config.station.time_zone })
    }
}

impl Known {
    /// The station's public keys.
    pub(super) fn keyring(&self) -> PathBuf {
        self.data.join("keys/keyring.json")
    }
}
