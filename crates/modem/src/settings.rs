//! What makes a modem receive: PDU mode, a storage, announcements, the service centre.
//!
//! What can be chosen is chosen from what the modem's `=?` offers; only PDU mode and a storage are needed. A setting the
//! modem refuses for now is asked for again by [`crate::upkeep`]. Input is a session whose SIM is ready.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::charset;
use crate::at::command::{Command, Response};
use crate::at::params::fields;
use crate::choice::{Offer, cnmi_candidates, storages_to_receive_into};
use crate::error::ModemError;
use crate::ready::Cnmi;
use crate::refusals::Ability;
use crate::selection::{self, Selection};
use crate::session::{Session, Stream};
use crate::sim::POLL_INTERVAL;
use crate::storage::Storage;

/// How long something that is needed is asked for before the session is given up as that of a modem that is starting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that switch on what a session needs and any modem may refuse.
pub(crate) async fn switch_on_notices<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let channels = session.broadcast();
    if !channels.is_empty() {
        session.optional(Command::new(format!("AT+CSCB=0,\"{channels}\""))).await?;
    }
    for text in ["AT+CREG=2", "AT+CEREG=2", "AT+CGREG=2", "AT+C5GREG=2", "AT+CLIP=1"] {
        session.optional(Command::new(text)).await?;
    }
    Ok(())
}

/// PDU mode, without which nothing goes.
pub(crate) async fn set_pdu_mode<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    until_ready(session, "AT+CMGF=0").await.map(drop)
}

/// A command that must succeed, repeated while the modem says that it is not ready yet.
async fn until_ready<P: Stream>(session: &mut Session<P>, text: &str) -> Result<Response, ModemError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match session.command(Command::new(text)).await {
            Err(error) if error.is_not_now() && Instant::now() < end => sleep(POLL_INTERVAL).await,
            Err(error) => return Err(error.while_starting()),
            Ok(response) => return Ok(response),
        }
    }
}

pub(crate) async fn offered_storages<P: Stream>(session: &mut Session<P>) -> Result<Offer, ModemError> {
    let answer = session.optional(Command::new("AT+CPMS=?").answer_prefix("+CPMS:")).await?;
    Ok(answer.and_then(|r| r.after("+CPMS:").next().map(Offer::parse)).unwrap_or_default())
}

/// Sets all three storages to the best one that is offered, taken and not without slots.
pub(crate) async fn choose_storage<P: Stream>(
    session: &mut Session<P>,
    offer: &Offer,
) -> Result<Storage, ModemError> {
    let candidates = storages_to_receive_into(offer, &session.profile());
    let end = Instant::now() + PATIENCE;
    loop {
        let (mut without_slots, mut refusal) = (None, None);
        for storage in candidates.iter().copied() {
            match selection::select_all(session, storage).await? {
                Selection::Selected { slots: Some(0) } => without_slots = without_slots.or(Some(storage)),
                Selection::Selected { .. } => return Ok(storage),
                Selection::Refused(error) => {
                    if refusal.is_none() || error.is_not_now() {
                        refusal = Some(error);
                    }
                }
            }
        }
        let is_starting = refusal.as_ref().is_some_and(ModemError::is_not_now);
        if is_starting && Instant::now() < end {
            sleep(POLL_INTERVAL).await;
            continue;
        }
        return match (without_slots, refusal) {
            (Some(storage), _) if !is_starting => {
                selection::select_all(session, storage).await?;
                Ok(storage)
            }
            (_, Some(error)) if is_starting => Err(error.while_starting()),
            _ => Err(ModemError::unusable(
                "the modem lets no message storage be selected (AT+CPMS was refused for each)",
                "check that the SIM allows SMS; restart the modem",
            )),
        };
    }
}

/// Chooses and sets `AT+CNMI`; returns the settings in force, or none where the modem refuses all for now.
pub(crate) async fn set_cnmi<P: Stream>(session: &mut Session<P>) -> Result<Option<Cnmi>, ModemError> {
    if !session.refusals.is_due(&Ability::Announce, Instant::now())
        || session.learned().leaves_out("AT+CNMI=")
    {
        return Ok(None);
    }
    let answer = session.optional(Command::new("AT+CNMI=?").answer_prefix("+CNMI:")).await?;
    let offer = answer.and_then(|r| r.after("+CNMI:").next().map(fields)).unwrap_or_default();
    let (mut accepted, mut refusal) = (None, None);
    for wanted in cnmi_candidates(&offer, !session.broadcast().is_empty()) {
        match session.command(Command::new(format!("AT+CNMI={wanted}"))).await {
            Ok(_) => {}
            Err(ModemError::Refused { error, .. }) => {
                refusal = refusal.or(Some(error));
                continue;
            }
            Err(error) => return Err(error),
        }
        // Some say OK and set something else: what they report is what they are checked against later.
        let answer = session.optional(Command::new("AT+CNMI?").answer_prefix("+CNMI:")).await?;
        let Some(answer) = answer.and_then(|r| r.after("+CNMI:").next().map(Cnmi::parse)) else {
            accepted = Some(wanted);
            break;
        };
        match answer {
            Some(set) if set.mt == wanted.mt => {
                accepted = Some(set);
                break;
            }
            _ => accepted = accepted.or(Some(wanted)),
        }
    }
    match (&accepted, refusal) {
        (None, Some(error)) => session.refusals.refused(Ability::Announce, &error, Instant::now()),
        _ => session.refusals.works(&Ability::Announce),
    }
    Ok(accepted)
}

/// `+CNUM: [<alpha>],<number>,<type>`.
pub(crate) async fn own_number<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    let asked = Command::new("AT+CNUM").answer_prefix("+CNUM:").may_be_empty();
    let answer = session.optional(asked).await?;
    Ok(answer.and_then(|r| {
        r.after("+CNUM:").find_map(|rest| {
            fields(rest).get(1).filter(|number| !number.is_empty()).map(|n| charset::number(n))
        })
    }))
}

/// The number of the service centre; `given` is set where the SIM has none. Nothing is set where it cannot be read: the
/// SIM's own is the right one.
pub(crate) async fn set_service_centre<P: Stream>(
    session: &mut Session<P>,
    given: Option<&str>,
) -> Result<Option<String>, ModemError> {
    let Some(stored) = service_centre(session).await? else { return Ok(None) };
    let given = given.filter(|number| !number.is_empty());
    let (None, Some(given)) = (&stored, given) else { return Ok(stored) };
    let kind = if given.starts_with('+') { 145 } else { 129 };
    // Another program may have left one in which the number would be hexadecimal digits.
    session.optional(Command::new("AT+CSCS=\"GSM\"")).await?;
    let command = Command::new(format!("AT+CSCA=\"{given}\",{kind}"));
    if session.ask(Ability::ServiceCentre, command).await?.is_none() {
        return Ok(None);
    }
    Ok(service_centre(session).await?.flatten())
}

/// The number of the service centre: none where the modem refuses to say, none within where the SIM has none.
async fn service_centre<P: Stream>(session: &mut Session<P>) -> Result<Option<Option<String>>, ModemError> {
    let asked = Command::new("AT+CSCA?").answer_prefix("+CSCA:");
    let Some(answer) = session.ask(Ability::ServiceCentre, asked).await? else { return Ok(None) };
    Ok(Some(answer.after("+CSCA:").next().map(fields).and_then(|fields| {
        let number =
            fields.first().map(|number| charset::number(number)).filter(|number| !number.is_empty())?;
        // Type 145 says international; not every modem writes the plus as well.
        let plus = fields.get(1).is_some_and(|kind| kind == "145") && !number.starts_with('+');
        Some(if plus { format!("+{number}") } else { number })
    })))
}
