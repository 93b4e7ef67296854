//! The SIM: what it requires, and its number.
//!
//! Asks and never enters a code. Input is a session whose modem answers.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::command::Command;
use crate::at::error::{AtError, Refusal};
use crate::at::params::{fields, number, unquote};
use crate::choice::tidy_iccid;
use crate::error::ModemError;
use crate::refusals::Ability;
use crate::session::{Session, Stream};
use crate::sim_status::SimStatus;

/// How long a SIM may be busy after power-up.
pub(crate) const SIM_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to say what it requires.
const CPIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How often it is asked meanwhile.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// One answer to `AT+CPIN?`.
pub(crate) struct SimAnswer {
    pub(crate) status: SimStatus,
    /// The modem is still reading the SIM: the same question may be answered otherwise in a moment. What is wrong, if not.
    pub(crate) passing: Option<ModemError>,
}

/// Asks `AT+CPIN?` once.
pub(crate) async fn sim_once<P: Stream>(session: &mut Session<P>) -> Result<SimAnswer, ModemError> {
    let lasting = |status| SimAnswer { status, passing: None };
    let asked = Command::new("AT+CPIN?").answer_prefix("+CPIN:").timeout(CPIN_TIMEOUT);
    match session.command(asked).await {
        Ok(response) => {
            let words = response.after("+CPIN:").next().map(unquote).unwrap_or_default();
            Ok(match words.as_str() {
                // The second PIN and its PUK protect settings nobody needs here.
                "READY" | "SIM PIN2" | "SIM PUK2" => lasting(SimStatus::Ready),
                "SIM PIN" => lasting(SimStatus::PinRequired { tries_left: None }),
                "SIM PUK" => lasting(SimStatus::PukRequired),
                "NOT INSERTED" => lasting(SimStatus::Missing),
                "NOT READY" | "" => {
                    let status = SimStatus::Other("it is not ready".into());
                    SimAnswer { passing: Some(ModemError::Sim(status.clone())), status }
                }
                _ => lasting(SimStatus::Other(words)),
            })
        }
        Err(ModemError::Refused { command, error }) => Ok(match &error {
            AtError::Cms(e) | AtError::Cme(e) if matches!(e.code, Some(17 | 18 | 317 | 318)) => {
                lasting(SimStatus::Ready)
            }
            error if error.is_sim_missing() => lasting(SimStatus::Missing),
            error if error.is_sim_pin_required() => lasting(SimStatus::PinRequired { tries_left: None }),
            error if error.is_sim_puk_required() => lasting(SimStatus::PukRequired),
            error if error.is_sim_unusable() => lasting(SimStatus::Other(error.to_string())),
            // Busy, or a bare refusal as some give while the SIM is being read.
            error => {
                let status = SimStatus::Other(error.to_string());
                let refused = ModemError::Refused { command, error: error.clone() };
                SimAnswer { status, passing: Some(refused.while_starting()) }
            }
        }),
        Err(error) => Err(error),
    }
}

pub(crate) async fn tries_left<P: Stream>(session: &mut Session<P>) -> Result<Option<u8>, ModemError> {
    for question in session.profile().tries {
        let answer = session.optional(Command::new(question.command).answer_prefix(question.prefix)).await?;
        let rows: Vec<Vec<String>> =
            answer.iter().flat_map(|r| r.after(question.prefix)).map(fields).collect();
        // Some report all their codes at once.
        let row = rows.iter().find(|row| row.first().is_some_and(|code| code == "SIM PIN")).or(rows.first());
        let left = row.and_then(|row| number(row.get(question.field)));
        if left.is_some() {
            return Ok(left);
        }
    }
    Ok(None)
}

/// Right after an accepted PIN the modem may still give the old state.
pub(crate) async fn wait_for_sim<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let end = Instant::now() + SIM_TIMEOUT;
    loop {
        let SimAnswer { status, passing } = sim_once(session).await?;
        if status == SimStatus::Ready {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(passing.unwrap_or(ModemError::Sim(status)));
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// The number of the SIM card (ITU-T E.118); none where the modem does not report it, or not now.
pub(crate) async fn iccid<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    if !session.refusals.is_due(&Ability::Iccid, Instant::now()) {
        return Ok(None);
    }
    let mut refusal = None;
    for (text, prefix) in session.profile().iccid {
        if session.learned().leaves_out(text) {
            continue;
        }
        match session.command(Command::new(*text).answer_prefix(prefix).may_be_empty()).await {
            Ok(response) => {
                let words = response.first().map(|line| unquote(line.strip_prefix(prefix).unwrap_or(line)));
                if let Some(found) = words.and_then(|words| tidy_iccid(&words)) {
                    session.refusals.works(&Ability::Iccid);
                    return Ok(Some(found));
                }
            }
            // One that does not know the command may still know another.
            Err(ModemError::Refused { error, .. }) => {
                if refusal.is_none() || error.refusal() == Refusal::NotNow {
                    refusal = Some(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    // EF ICCID itself (TS 51.011 10.1.1): ten octets, digits swapped in pairs.
    let asked = Command::new("AT+CRSM=176,12258,0,0,10").answer_prefix("+CRSM:").may_be_empty();
    let raw = session.optional(asked).await?.and_then(|r| r.after("+CRSM:").next().map(fields));
    let raw = raw.and_then(|f| f.get(2).cloned()).unwrap_or_default();
    let swapped: String =
        raw.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect();
    let found = tidy_iccid(&swapped);
    match (&found, refusal) {
        (None, Some(error)) => session.refusals.refused(Ability::Iccid, &error, Instant::now()),
        _ => session.refusals.works(&Ability::Iccid),
    }
    Ok(found)
}

/// The subscriber's number (IMSI), by which a SIM is known again whose own number cannot be read.
pub(crate) async fn imsi<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    let answer = session.optional(Command::new("AT+CIMI").answer_prefix("+CIMI:").may_be_empty()).await?;
    let line = answer.as_ref().and_then(|response| response.first()).map(unquote).unwrap_or_default();
    let digits = line.strip_prefix("+CIMI:").unwrap_or(&line).trim();
    let is_imsi = (14..=16).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    Ok(is_imsi.then(|| digits.to_string()))
}
