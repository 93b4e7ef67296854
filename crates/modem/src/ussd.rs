//! USSD: sending a string to the network, and ending the session (TS 27.007 7.15).
//!
//! The network's answer comes unsolicited ([`crate::Urc::Ussd`]); nothing here waits for it. What a string means is the
//! caller's business.

use std::time::Duration;

use crate::at::command::Command;
use crate::error::ModemError;
use crate::session::{Session, Stream};

/// Sends a string to the network, in the form it has on the line. The answer comes as [`crate::Urc::Ussd`], sometimes
/// before this returns.
pub async fn send<P: Stream>(session: &mut Session<P>, string: &str) -> Result<(), ModemError> {
    session.optional(Command::new("AT+CSCS=\"GSM\"")).await?;
    let command = Command::new(format!("AT+CUSD=1,\"{string}\",15")).timeout(Duration::from_secs(20));
    session.command(command.secret()).await.map(drop)
}

/// Ends the session, if there is one.
pub async fn end<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    session.optional(Command::new("AT+CUSD=2").timeout(Duration::from_secs(10))).await.map(drop)
}
