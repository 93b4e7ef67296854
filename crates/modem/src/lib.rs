//! One AT modem (TS 27.005, TS 27.007) over any byte stream.
//!
//! The crate knows AT. It does not know what is inside a short message (PDUs stay strings of
//! hexadecimal digits), and it knows no MQTT, no JSON and no database. It never spawns a task.
//!
//! | where | what |
//! |---|---|
//! | [`at::engine`] | bytes and `now` in; events, bytes and a deadline out; no I/O |
//! | [`at::lexer`] | bytes to lines and prompts |
//! | [`at::urc`] | which lines may come unasked, by table |
//! | [`at::error`] | +CMS and +CME codes, their words and their class |
//! | [`session`] | owns port and engine: one command at a time, events in between |
//! | [`bring_up`] | the only way into a session, in stages |
//! | `choice` | what bring-up asks for, chosen from what is offered |
//! | [`sms`] | list, read, delete, send |
//! | [`call`] | ending a call, asking a USSD code |
//! | [`status`] | network, signal, storage |
//! | [`profile`] | what differs between modem families, as data |
//! | [`recovery`] | what is tried about a modem that does not answer, step by step |
//! | [`port`] | serial device or TCP stream |
//! | [`detect`] | which port is the modem |
//! | [`trace`] | a byte log with secrets masked |
//!
//! A session begins with [`bring_up::wake`], [`bring_up::sim`] and [`bring_up::configure`]; after a
//! fault it is dropped and a new one begins the same way.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod at;
pub mod bring_up;
pub mod call;
mod choice;
pub mod detect;
pub mod error;
pub mod port;
pub mod profile;
pub mod recovery;
pub mod session;
pub mod sms;
pub mod status;
pub mod trace;

pub use at::command::{Command, Response};
pub use at::error::{AtError, Class};
pub use at::urc::{Storage, Urc};
pub use error::{LinkFault, ModemError, SendError};
pub use session::{Session, SessionOptions};
