//! The SIM's PIN: written down before it is tried, and a wrong one never tried twice.

use secrecy::ExposeSecret as _;
use smsbridge_modem::SimStatus;
use smsbridge_modem::bring_up::{PinOutcome, Synchronised};
use smsbridge_modem::port::Port;

use crate::modem_task::error::SessionError;
use crate::modem_task::task::ModemTask;
use crate::store::PinAttempt;

/// Enters the PIN where the SIM asks for one.
pub(super) async fn unlock(task: &ModemTask, modem: &mut Synchronised<'_, Port>) -> Result<(), SessionError> {
    let tries_left = match modem.sim().await? {
        SimStatus::Ready => return Ok(()),
        SimStatus::PinRequired { tries_left } => tries_left,
        SimStatus::PukRequired => {
            return locked(
                "the SIM asks for its PUK: put it into a phone, enter the PUK there, set a new PIN",
            );
        }
        SimStatus::Missing => return locked("there is no SIM, or it is not seated: check the holder"),
        SimStatus::Other(words) => {
            return locked(format!("the SIM says {words}: put it into a phone to see why"));
        }
    };
    let Some(pin) = &task.config.pin else {
        return locked("the SIM asks for its PIN: set pin or pin_file of this [[modem]]");
    };
    if tries_left == Some(1) {
        return locked("the SIM has one PIN try left, which is not risked: enter the PIN in a phone");
    }
    let pin = pin.expose_secret();
    // Another SIM may have the very PIN that this one refused.
    let sim = task.sim(modem.iccid().await?);
    let digest = digest(pin);
    match task.store.pin_attempt(sim.clone(), digest.clone(), tries_left).await? {
        PinAttempt::Allowed => {}
        PinAttempt::KnownWrong => {
            return locked(
                "this PIN was wrong before; it is not tried again: set another pin of this [[modem]]",
            );
        }
        PinAttempt::Unanswered => {
            return locked(
                "the SIM never answered to this PIN; it is not tried again: enter it in a phone, or set another",
            );
        }
    }
    match modem.enter_pin(pin).await? {
        PinOutcome::Accepted => Ok(task.store.pin_accepted(sim, digest).await?),
        PinOutcome::Wrong { tries_left } => {
            task.store.pin_rejected(sim, digest).await?;
            let left = tries_left.map_or(String::new(), |n| format!(" ({n} tries left)"));
            locked(format!(
                "the PIN is wrong{left}; it is not tried again: set another pin of this [[modem]]"
            ))
        }
    }
}

fn locked(words: impl Into<String>) -> Result<(), SessionError> {
    Err(SessionError::Locked(words.into()))
}

/// What stands for a PIN in the store. It keeps the digits from being read in passing, no more: there are too few PINs
/// to hide one from a search.
fn digest(pin: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("smsbridge pin {pin}").as_bytes());
    digest.as_ref().iter().take(12).map(|octet| format!("{octet:02x}")).collect()
}
