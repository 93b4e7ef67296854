//! What can be asked for on the command line, and carrying it out.

use clap::{Parser, Subcommand};

use super::check::Check;
#[cfg(feature = "demo")]
use super::demo::Demo;
use super::detect::Detect;
use super::history::HistoryArgs;
use super::parked::ParkedArgs;
use super::pdu::PduCommand;
use super::run::Run;
use super::runtime::block_on;
use super::send::Send;
use super::{log, output};
use crate::app;

/// A gateway between GSM/LTE modems and MQTT: SMS in as JSON, JSON out as SMS.
#[derive(Debug, Parser)]
#[command(
    version = env!("BUILD_VERSION"),
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
    Demo(Demo),
    /// Check the configuration, and with --connect the broker and the modems
    Check(Check),
    /// Find modems on the serial ports
    Detect(Detect),
    /// Explain or encode PDUs, one per line
    #[command(subcommand)]
    Pdu(PduCommand),
    /// Show what the store holds
    History(HistoryArgs),
    /// Show what the broker does not take, and drop it
    Parked(ParkedArgs),
    /// Send one SMS through the running gateway and wait for its result
    Send(Send),
}

/// Carries out a command; `Ok(false)` is a failure it has reported itself.
pub fn execute(cli: Cli) -> anyhow::Result<bool> {
    let is_good = carry_out(cli.command)?;
    output::check()?;
    Ok(is_good)
}

fn carry_out(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Run(run) => {
            let config = run.config()?;
            log::begin("info");
            for name in &config.source.other_variables {
                tracing::warn!("{name} is no key of the configuration and is not used");
            }
            block_on(async { app::run(config, app::stop_on_signal()?).await.map(|()| true) })?
        }
        #[cfg(feature = "demo")]
        Command::Demo(demo) => {
            log::begin("warn");
            block_on(async { demo.run(app::stop_on_signal()?).await.map(|()| true) })?
        }
        Command::Check(check) => {
            log::begin("error");
            block_on(check.run())?
        }
        Command::Detect(detect) => {
            log::begin("error");
            block_on(detect.run())?
        }
        Command::Pdu(command) => command.run(),
        Command::History(history) => {
            log::begin("warn");
            history.run()
        }
        Command::Parked(parked) => {
            log::begin("warn");
            parked.run()
        }
        Command::Send(send) => {
            log::begin("error");
            block_on(send.run())?
        }
    }
}
