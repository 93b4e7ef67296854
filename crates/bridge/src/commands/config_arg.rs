//! The argument that names the configuration file.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Config, Secrets};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct ConfigArg {
    #[cfg_attr(
        not(windows),
        doc = "Configuration file [default: ./smsbridge.toml, else /etc/smsbridge/smsbridge.toml]"
    )]
    #[cfg_attr(
        windows,
        doc = r"Configuration file [default: .\smsbridge.toml, else %ProgramData%\smsbridge\smsbridge.toml]"
    )]
    #[arg(long, value_name = "FILE", env = "SMSBRIDGE_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArg {
    /// Reads and checks the configuration.
    pub fn load(&self) -> anyhow::Result<Config> {
        Ok(config::load(self.config.as_deref(), Secrets::Read)?)
    }

    /// The same for a command that logs in nowhere: files with secrets are not read.
    pub fn load_without_secrets(&self) -> anyhow::Result<Config> {
        Ok(config::load(self.config.as_deref(), Secrets::Leave)?)
    }
}
