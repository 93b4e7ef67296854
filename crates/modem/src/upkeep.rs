//! Whether a configured modem still is what it was, and what it refused when it was configured.
//!
//! A modem can restart without a word and be back in text mode, deaf; a SIM can be changed. [`check`] asks, and sets again
//! what was lost. What was refused for now is asked for again when its pause is over. Input is a configured session.

use tokio::time::Instant;

use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::bring_up;
use crate::error::ModemError;
use crate::ready::{Cnmi, Ready};
use crate::refusals::Ability;
use crate::selection;
use crate::session::{Session, Stream};
use crate::settings;
use crate::sim::{self, sim_once};
use crate::sim_status::SimStatus;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// All is as it was.
    AsConfigured,
    /// Settings were lost and are set again.
    SetAgain,
}

/// Checks SIM and settings; completes `ready` with what was refused before.
///
/// # Errors
/// [`ModemError::Sim`] where the SIM is gone or locked, [`ModemError::SimChanged`] where it is another one. Begin a new
/// session then.
pub async fn check<P: Stream>(session: &mut Session<P>, ready: &mut Ready) -> Result<Checked, ModemError> {
    check_sim(session, ready).await?;
    let checked = match are_settings_lost(session, ready).await? {
        false => Checked::AsConfigured,
        true => {
            set_again(session, ready).await?;
            Checked::SetAgain
        }
    };
    if ready.cnmi.is_none() {
        ready.cnmi = settings::set_cnmi(session).await?;
    }
    if ready.service_centre.is_none() {
        let given = ready.given_service_centre.clone();
        ready.service_centre = settings::set_service_centre(session, given.as_deref()).await?;
    }
    Ok(checked)
}

async fn check_sim<P: Stream>(session: &mut Session<P>, ready: &mut Ready) -> Result<(), ModemError> {
    let answer = sim_once(session).await?;
    if answer.status != SimStatus::Ready && answer.passing.is_none() {
        return Err(ModemError::Sim(answer.status));
    }
    check_number(&mut ready.iccid, sim::iccid(session).await?)?;
    check_number(&mut ready.imsi, sim::imsi(session).await?)
}

/// A SIM whose number could not be read is known from now on.
fn check_number(known: &mut Option<String>, found: Option<String>) -> Result<(), ModemError> {
    match (&*known, found) {
        (Some(known), Some(found)) if *known != found => return Err(ModemError::SimChanged),
        (None, found) => *known = found,
        _ => {}
    }
    Ok(())
}

/// Whether text mode or the lack of announcements tells that the modem has restarted, or that another program was there.
async fn are_settings_lost<P: Stream>(session: &mut Session<P>, ready: &Ready) -> Result<bool, ModemError> {
    let mode = session.optional(Command::new("AT+CMGF?").answer_prefix("+CMGF:")).await?;
    let mode: Option<u8> =
        mode.and_then(|r| r.after("+CMGF:").next().and_then(|rest| number(fields(rest).first())));
    if mode.is_some_and(|mode| mode != 0) {
        return Ok(true);
    }
    let Some(wanted) = ready.cnmi else { return Ok(false) };
    if !session.refusals.is_due(&Ability::Announce, Instant::now()) {
        return Ok(false);
    }
    let answer = session.optional(Command::new("AT+CNMI?").answer_prefix("+CNMI:")).await?;
    let now = answer.and_then(|r| r.after("+CNMI:").next().map(Cnmi::parse));
    Ok(now.is_some_and(|now| now != Some(wanted)))
}

async fn set_again<P: Stream>(session: &mut Session<P>, ready: &mut Ready) -> Result<(), ModemError> {
    session.memory.selected = None;
    for text in ["ATE0", "AT+CMEE=1"] {
        session.optional(Command::new(text)).await?;
    }
    bring_up::initialise(session).await?;
    settings::set_pdu_mode(session).await?;
    let receive_into = Ability::Storage(ready.receive_storage);
    session.refusals.works(&receive_into);
    selection::select_all(session, ready.receive_storage).await?;
    ready.cnmi = settings::set_cnmi(session).await?;
    settings::switch_on_notices(session).await
}
