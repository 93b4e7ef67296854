//! The command line: what can be asked for, and the common ground of the commands.
//!
//! `smsbridge --help` is the manual. One file a command; this one sets up logging, the runtime and signals.

mod check;
#[cfg(feature = "demo")]
mod demo;
mod detect;
mod history;
mod pdu;
mod send;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{app, config};

/// A gateway between GSM/LTE modems and MQTT: SMS in as JSON, JSON out as SMS.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Environment: SMSBRIDGE_LOG sets what is logged (info, debug, smsbridge=debug); \
    every single-valued key of the configuration can be set as SMSBRIDGE_TABLE__KEY, such as SMSBRIDGE_MQTT__URL."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Run(Run),
    /// Try everything with no hardware and no broker: a simulated modem and an MQTT broker inside
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Check the configuration, and with --connect the broker and the modems
    Check(check::Check),
    /// Find modems on the serial ports
    Detect(detect::Detect),
    /// Explain or encode PDUs, one per line
    #[command(subcommand)]
    Pdu(pdu::PduCommand),
    /// Show what the store holds
    History(history::HistoryArgs),
    /// Send one SMS through the running gateway and wait for its result
    Send(send::Send),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct ConfigArg {
    /// Configuration file [default: ./smsbridge.toml, else /etc/smsbridge/smsbridge.toml]
    #[arg(long, value_name = "FILE", env = "SMSBRIDGE_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArg {
    fn load(&self) -> anyhow::Result<config::Config> {
        Ok(config::load(self.config.as_deref())?)
    }
}

/// Run the gateway
#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    config: ConfigArg,
    /// Add what is said to the modems and what they say to this file, numbers, texts and PINs masked
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Show numbers and texts in the trace; PINs never
    #[arg(long, requires = "trace")]
    trace_unmasked: bool,
}

/// Carries out a command; `Ok(false)` is a failure it has told about itself.
pub fn execute(cli: Cli) -> anyhow::Result<bool> {
    match cli.command {
        Command::Run(run) => {
            let mut config = run.config.load()?;
            if let Some(path) = run.trace {
                config.trace = Some(config::Trace { path, unmasked: run.trace_unmasked });
            }
            log_to_stderr("info");
            runtime()?.block_on(async { app::run(config, app::stop_on_signal()?).await.map(|()| true) })
        }
        #[cfg(feature = "demo")]
        Command::Demo(demo) => {
            log_to_stderr("warn");
            runtime()?.block_on(async { demo.run(app::stop_on_signal()?).await.map(|()| true) })
        }
        Command::Check(check) => {
            log_to_stderr("error");
            runtime()?.block_on(check.run())
        }
        Command::Detect(detect) => {
            log_to_stderr("error");
            runtime()?.block_on(detect.run())
        }
        Command::Pdu(command) => command.run(),
        Command::History(history) => history.run(),
        Command::Send(send) => {
            log_to_stderr("error");
            runtime()?.block_on(send.run())
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // The same provider everywhere, whichever others a dependency may bring.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot start")
}

fn log_to_stderr(default: &str) {
    // The MQTT client tells of faults we tell of in our own words, and shows topics at debug.
    let filter = EnvFilter::try_from_env("SMSBRIDGE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{default},rumqttc=error,mqtt5=error")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
