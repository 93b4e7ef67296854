//! The SIM's PIN: written down before it is tried, and a wrong one never tried twice.

use secrecy::ExposeSecret as _;
use smsbridge_modem::bring_up::{PinOutcome, Synchronised};
use smsbridge_modem::port::Port;
use smsbridge_modem::{ModemError, SimStatus};

use crate::message::Sim;
use crate::modem_task::error::SessionError;
use crate::modem_task::task::ModemTask;
use crate::store::{PinAttempt, pin_digest};

/// A PIN that the SIM asks for.
pub(super) struct Entry<'a> {
    pin: &'a str,
    sim: Sim,
    tries_left: Option<u8>,
}

/// What the SIM asks for: a PIN to enter, or nothing. Changes nothing in it.
pub(super) async fn ask<'a>(
    task: &'a ModemTask,
    modem: &mut Synchronised<'_, Port>,
) -> Result<Option<Entry<'a>>, SessionError> {
    let tries_left = match modem.sim().await? {
        SimStatus::Ready => return Ok(None),
        SimStatus::PinRequired { tries_left } => tries_left,
        SimStatus::PukRequired => {
            return locked(
                "the SIM asks for its PUK: put it into a phone, enter the PUK there, set a new PIN",
            );
        }
        missing @ SimStatus::Missing => return Err(ModemError::Sim(missing).into()),
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
    // Another SIM may have the very PIN that this one refused.
    let sim = task.identify_sim(modem.iccid().await?, None).await?;
    Ok(Some(Entry { pin: pin.expose_secret(), sim, tries_left }))
}

/// Enters the PIN. To be run to its end: a PIN whose answer nobody waited for may never be entered again. Takes as long
/// as the modem may take for the one command, 20 s at most.
pub(super) async fn enter(
    task: &ModemTask,
    modem: &mut Synchronised<'_, Port>,
    entry: Entry<'_>,
) -> Result<(), SessionError> {
    let Entry { pin, sim, tries_left } = entry;
    let digest = pin_digest(pin);
    match task.store.pin_attempt(sim.clone(), digest.clone(), tries_left).await? {
        PinAttempt::Allowed => {}
        PinAttempt::KnownWrong => {
            return locked(
                "this PIN was wrong before; it is not tried again: set another pin of this [[modem]]",
            );
        }
        PinAttempt::Unanswered => {
            return locked(
                "the SIM never answered to this PIN; it is not tried again: switch the PIN off in a phone, or set \
                 another pin of this [[modem]]",
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

/// The SIM is open. A PIN whose answer was lost was right then, or somebody else entered one: either way the SIM counts
/// its tries from the start again, and the PIN may be entered when it is next asked for.
pub(super) async fn opened(task: &ModemTask, sim: &Sim) -> Result<(), SessionError> {
    if task.config.pin.is_some() {
        // Where the ICCID could not be read before the PIN, the attempt may stand under the modem's name.
        for sim in [sim.clone(), task.config.name.to_string()] {
            task.store.pin_unanswered_forgotten(sim).await?;
        }
    }
    Ok(())
}

fn locked<T>(words: impl Into<String>) -> Result<T, SessionError> {
    Err(SessionError::Locked(words.into()))
}
