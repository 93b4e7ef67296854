//! One AT modem (TS 27.005, TS 27.007) over any byte stream: receive and send SMS in PDU mode.
//!
//! The crate knows AT. It does not know what is inside a short message: PDUs stay strings of hexadecimal digits. It
//! knows no MQTT, no JSON and no database, and never spawns a task.
//!
//! | where | what |
//! |---|---|
//! | [`Modem`] | the short way: connect, list, delete, send, next event |
//! | [`session`] | owns the port and the dialogue: one command at a time, unsolicited lines in between |
//! | [`dialogue`] | the start of a dialogue, from whatever state modem and line are in |
//! | [`bring_up`] | the stages from there to a ready modem |
//! | [`upkeep`] | whether it still is as it was configured |
//! | [`sms`] | list, read, delete, send |
//! | [`status`], [`registration`], [`signal`] | network, signal, storage |
//! | [`voice`], [`ussd`] | ending a call; USSD |
//! | [`profile`] | what differs between modem families, as data |
//! | [`recovery`] | what to try with a modem that does not work, step by step |
//! | [`port`], [`serial_ports`], [`detect`], [`obstacles`] | opening a port; which there are; which one is the modem; what is in the way |
//! | [`port_watch`], [`awakening`] | hearing that a port is there, that a modem says something again |
//! | [`trace`] | a transcript with secrets masked |
//!
//! A session that has a fault is over: AT answers carry no number, so nobody knows whose answer comes next. Drop it and
//! connect again.
//!
//! What is likely to grow is `#[non_exhaustive]`. Enums that ask their reader for a decision in each case are not, so
//! that a new case is a compile error and not a silent default: [`SendError`], [`Class`], [`SimStatus`],
//! [`recovery::Step`], [`obstacles::Obstacle`], and those of two cases.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod ask;
mod at;
pub mod awakening;
pub mod bring_up;
mod choice;
#[cfg(any(windows, test))]
mod com_ports;
pub mod detect;
#[cfg(feature = "serial")]
mod device;
pub mod dialogue;
pub mod error;
mod learned;
mod memory;
mod modem;
mod notices;
pub mod obstacles;
pub mod port;
pub mod port_watch;
pub mod profile;
pub mod ready;
pub mod recovery;
mod refusals;
pub mod registration;
mod remains;
mod secrets;
mod selection;
pub mod serial_ports;
pub mod session;
mod session_options;
mod settings;
pub mod signal;
mod sim;
pub mod sim_status;
pub mod sms;
pub mod status;
mod step;
pub mod storage;
pub mod trace;
pub mod upkeep;
mod urc_queue;
pub mod ussd;
pub mod voice;

pub use at::command::{Command, Response};
pub use at::error::{AtError, Class, CodedError, Refusal};
pub use at::urc::Urc;
pub use error::{LinkFault, ModemError, SendError};
pub use learned::Learned;
pub use modem::{ConnectOptions, Modem};
pub use ready::{Cnmi, Ready};
pub use refusals::{Ability, Refused};
pub use remains::Remains;
pub use session::Session;
pub use session_options::SessionOptions;
pub use sim_status::SimStatus;
pub use storage::Storage;
