//! The two things done about the network's other services: a call is ended, a USSD code is asked.
//!
//! What rings and what the network answers comes unasked ([`crate::Urc`]); nothing here waits for it, so neither keeps a
//! message waiting. What a USSD string means is the caller's business.

use std::time::Duration;

use crate::at::command::Command;
use crate::error::ModemError;
use crate::session::{Session, Stream};

/// Refuses the call that rings. False where the modem takes neither command for it.
pub async fn hang_up<P: Stream>(session: &mut Session<P>) -> Result<bool, ModemError> {
    let patience = Duration::from_secs(10);
    if session.optional(Command::new("AT+CHUP").timeout(patience)).await?.is_some() {
        return Ok(true);
    }
    Ok(session.optional(Command::new("ATH").timeout(patience)).await?.is_some())
}

/// Hands a USSD string to the network, in the form it has on the line. Its answer comes as [`crate::Urc::Ussd`], at
/// times before this returns.
pub async fn ussd<P: Stream>(session: &mut Session<P>, string: &str) -> Result<(), ModemError> {
    session.optional(Command::new("AT+CSCS=\"GSM\"")).await?;
    let command = Command::new(format!("AT+CUSD=1,\"{string}\",15")).timeout(Duration::from_secs(20));
    session.command(command.secret()).await.map(drop)
}

/// Ends the USSD session, if there is one.
pub async fn end_ussd<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    session.optional(Command::new("AT+CUSD=2").timeout(Duration::from_secs(10))).await.map(drop)
}
