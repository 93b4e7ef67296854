//! The command line. `cli` has what can be asked for; then one file a command. `smsbridge --help` is the manual.

mod check;
mod cli;
mod config_arg;
#[cfg(feature = "demo")]
mod demo;
mod detect;
mod history;
mod output;
mod parked;
mod pdu;
mod run;
mod runtime;
mod send;

pub use cli::{Cli, execute};
