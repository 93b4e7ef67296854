//! Submitting a message.
//!
//! Never twice, and never in text mode. What the end of a submission means is decided here.

use crate::at::command::Command;
use crate::at::error::{AtError, Class, Refusal};
use crate::at::params::{fields, number};
use crate::error::{ModemError, SendError};
use crate::learned::MAX_PATIENCE;
use crate::session::{Session, Stream};

/// A PDU to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingPdu {
    /// Service centre address and TPDU, hexadecimal digits (TS 27.005 3.1).
    pub hex: String,
    /// The TPDU's length in octets, without the service centre address.
    pub tpdu_length: usize,
}

/// Submits a PDU to the network; returns its TP-Message-Reference, where the modem reports it.
///
/// PDU mode is set right before: a modem that has restarted unnoticed is in text mode, where it would take the number of
/// octets for a recipient and the digits of the PDU for a text. In one line with the submission, where the modem takes
/// that, no restart can come between.
pub async fn send<P: Stream>(session: &mut Session<P>, pdu: &OutgoingPdu) -> Result<Option<u8>, SendError> {
    if let Some(fault) = session.fault() {
        return Err(SendError::NotSubmitted(fault.clone()));
    }
    if session.learned().submits_in_one_line != Some(false) {
        match submit(session, "AT+CMGF=0;+CMGS=", pdu).await {
            Err(SendError::Refused(error))
                if may_mean_unknown_syntax(&error) && !session.may_have_submitted() => {}
            Err(SendError::NotSubmitted(error)) if !error.is_fatal() => {}
            sent => {
                if session.may_have_submitted() {
                    session.learned_mut().submits_in_one_line = Some(true);
                }
                return sent;
            }
        }
    }
    session.command(Command::new("AT+CMGF=0")).await.map_err(SendError::NotSubmitted)?;
    let sent = submit(session, "AT+CMGS=", pdu).await;
    if session.may_have_submitted() && session.learned().submits_in_one_line.is_none() {
        session.learned_mut().submits_in_one_line = Some(false);
    }
    sent
}

/// Whether a refusal may be about the two commands in one line.
fn may_mean_unknown_syntax(error: &AtError) -> bool {
    matches!(error, AtError::Error) || error.refusal() == Refusal::Unsupported
}

async fn submit<P: Stream>(
    session: &mut Session<P>,
    command: &str,
    pdu: &OutgoingPdu,
) -> Result<Option<u8>, SendError> {
    let command = Command::new(format!("{command}{}", pdu.tpdu_length))
        .answer_prefix("+CMGS:")
        .may_be_empty()
        .payload(pdu.hex.as_str())
        .timeout(MAX_PATIENCE);
    let answer = session.command(command).await;
    let submitted = session.may_have_submitted();
    match answer {
        Ok(response) => {
            let reference = response.after("+CMGS:").next();
            match reference {
                Some(rest) => Ok(number(fields(rest).first())),
                // It went the whole way and says that it is done: sent, and no report can be matched.
                None if submitted && session.is_in_step() => Ok(None),
                None if submitted => Err(SendError::Unknown(without_reference())),
                None => Err(SendError::NotSubmitted(without_reference())),
            }
        }
        Err(ModemError::Refused { command, error }) if submitted && error.class() == Class::Unknown => {
            Err(SendError::Unknown(ModemError::Refused { command, error }))
        }
        Err(ModemError::Refused { error, .. }) => Err(SendError::Refused(error)),
        Err(error) if submitted => Err(SendError::Unknown(error)),
        Err(error) => Err(SendError::NotSubmitted(error)),
    }
}

fn without_reference() -> ModemError {
    ModemError::unusable(
        "AT+CMGS was answered with OK, without a prompt or a +CMGS reference",
        "update the modem's firmware",
    )
}
