//! A simulated GSM modem with its SIM and its network, for testing SMS software.
//!
//! A [`Simulator`] is one modem. It answers AT commands in PDU mode (TS 27.005, TS 27.007) on any byte
//! stream ([`Simulator::serve`]), on a pseudo-terminal (`pty`, Unix) or on a TCP port ([`tcp`]). A test
//! calls its methods to deliver messages, inject faults ([`Fault`]) or unplug it, and afterwards reads
//! what was sent, stored and typed. [`VendorProfile`] chooses which vendor's modem it behaves like.
//!
//! It is written from the standards and knows no client, so that client and simulator do not share a mistake.
//!
//! | where | what |
//! |---|---|
//! | `simulator/` | the handle: everything a test may do |
//! | `options.rs`, `vendor_profile.rs`, `fault/` | data: how it is made, which vendor it is, what goes wrong |
//! | `modem/` | the modem itself, a value without I/O or clock |
//! | `network.rs`, `pdu.rs` | the service centre; PDUs, the only file that uses the codec |
//! | `simulation/` | modem, network, faults and the line together, with time as an argument |
//! | `serve.rs`, `pty.rs`, `tcp.rs`, `main.rs` | ends to plug it into |
//!
//! ```
//! use smsbridge_simulator::Simulator;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! let sim = Simulator::default();
//! let (mut terminal, modem) = tokio::io::duplex(4096);
//! let served = sim.clone();
//! tokio::spawn(async move { served.serve(modem).await });
//!
//! sim.deliver("+4915112345678", "hello").unwrap();
//! terminal.write_all(b"ATE0+CMGL=4\r").await.unwrap();
//! let mut answer = String::new();
//! while !answer.ends_with("OK\r\n") {
//!     answer.push(char::from(terminal.read_u8().await.unwrap()));
//! }
//! assert!(answer.contains("+CMGL: 1,0,,"));
//! # });
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod fault;
mod modem;
mod network;
mod now;
mod options;
mod pdu;
#[cfg(unix)]
pub mod pty;
mod serve;
mod simulation;
mod simulator;
pub mod tcp;
mod vendor_profile;

pub use fault::{Fault, FaultKind, Moment, Trigger, When};
pub use modem::registration::Domain;
pub use modem::{Notice, Status, Storage, Stored};
pub use network::{Sent, SentAsText, Ussd};
pub use options::{LeftBehind, Options, Reports, Sim};
pub use pdu::Message;
pub use serve::End;
pub use simulator::Simulator;
/// Why a text could not be made into PDUs.
pub use smsbridge_codec::EncodeError;
pub use vendor_profile::VendorProfile;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
