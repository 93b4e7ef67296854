//! smsbridge: a gateway between GSM/LTE modems and MQTT.
//!
//! Arguments become a command; the commands are in `commands/`, the daemon itself in `app.rs`. Exit codes: 0 done,
//! 1 failed, 2 wrong usage or configuration, 3 (of `send`) nobody knows yet.

mod app;
mod at_trace;
mod backoff;
mod clock;
mod commands;
mod config;
mod contact;
mod counts;
mod crash;
mod escape;
mod event;
mod failure;
mod feed;
mod hook_output;
mod hooks;
mod http;
mod import;
mod incoming;
mod intake;
#[cfg(test)]
mod intake_contact_tests;
#[cfg(test)]
mod intake_tests;
mod kind;
mod log;
mod message;
mod modem_requests;
mod modem_task;
mod mqtt;
mod nearest;
mod number;
mod pdu;
#[cfg(test)]
mod pdu_fixtures;
mod policy;
mod remedy;
mod request;
mod retained_state;
mod rules;
#[cfg(unix)]
mod runtime_folder;
mod signals;
#[cfg(unix)]
mod status_socket;
mod store;
mod systemd;
mod terminal;
mod timer;
mod timer_state;
#[cfg(test)]
mod timer_tests;
mod ussd_queue;
mod verdict;
mod wire;

use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::{Cli, NoAnswer};
use crate::config::ConfigError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let code = match commands::execute(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            log::say(&format!("smsbridge: {error:#}"));
            exit_code(&error)
        }
    };
    log::finish();
    code
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(match error {
        usage if usage.is::<ConfigError>() => 2,
        unknown if unknown.is::<NoAnswer>() => 3,
        _ => 1,
    })
}
