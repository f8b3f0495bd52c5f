use crate::config::{Config, Overrides};
use anyhow::Result;
use std::path::PathBuf;

/// Where the data of a server lies, found as `serve` finds it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Which server")]
pub(crate) struct Place {
    /// Configuration file of the server
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory of the server
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Store of the server, such as sqlite:PATH
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
}

impl Place {
    /// The configuration that a server would run with.
    pub(crate) fn load(&self) -> Result<Config> {
        let Self {
            config,
            data_dir,
            store,
        } = self.clone();
        Config::load(&Overrides {
            config,
            data_dir,
            store,
            ..Overrides::default()
        })
    }
}
