//! Incoming calls: ending them.
//!
//! That a call rings is reported by the modem unsolicited ([`crate::Urc::Ring`]); nothing here waits for it.

use std::time::Duration;

use crate::at::command::Command;
use crate::error::ModemError;
use crate::session::{Session, Stream};

/// Whether the modem took a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// The call is ended.
    Done,
    /// The modem takes neither `AT+CHUP` nor `ATH`.
    Refused,
}

/// How long the modem may take to end a call.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends the call that rings.
pub async fn hang_up<P: Stream>(session: &mut Session<P>) -> Result<HangUp, ModemError> {
    for text in ["AT+CHUP", "ATH"] {
        if session.optional(Command::new(text).timeout(HANG_UP_TIMEOUT)).await?.is_some() {
            return Ok(HangUp::Done);
        }
    }
    Ok(HangUp::Refused)
}
