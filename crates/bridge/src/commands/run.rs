//! `smsbridge run`: the gateway.

use std::path::PathBuf;

use clap::Args;

use super::config_arg::ConfigArg;
use crate::config::{Config, Trace};

/// Run the gateway
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    config: ConfigArg,
    /// Append the AT transcript to FILE, with numbers, texts and PINs masked
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Show numbers and texts in the transcript; PINs never
    #[arg(long, requires = "trace")]
    trace_unmasked: bool,
}

impl Run {
    /// The configuration, with what the arguments override.
    pub fn config(self) -> anyhow::Result<Config> {
        let mut config = self.config.load()?;
        if let Some(path) = self.trace {
            config.trace = Some(Trace { path, unmasked: self.trace_unmasked });
        }
        Ok(config)
    }
}
