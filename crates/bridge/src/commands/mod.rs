//! The command line. `cli` has what can be asked for; then one file a command. `smsbridge --help` is the manual.

mod check;
mod cli;
mod columns;
mod config_arg;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "demo")]
mod demo_broker;
#[cfg(feature = "demo")]
mod demo_view;
mod detect;
mod forget;
mod history;
mod import;
mod manual;
mod output;
mod pages;
mod parked;
mod pdu;
mod progress;
mod run;
#[cfg(unix)]
mod running;
mod runtime;
mod send;
#[cfg(unix)]
mod status;

pub use cli::{Cli, execute};
#[cfg(test)]
pub use detect::DetectForm;
#[cfg(test)]
pub use pdu::{EncodeAnswer, EncodeRequest};
pub use send::NoAnswer;
