//! The only way into a session, in stages.
//!
//! [`synchronise`] finds the start of the dialogue and learns who the modem is; only then is there a [`Synchronised`],
//! which asks what the SIM requires, tries a PIN once, and at last makes the modem receive: a [`Ready`], without which
//! [`crate::sms::sweep`] cannot be called, comes from it alone. The stages are separate for callers who must record a
//! PIN attempt before it is made; [`crate::Modem::connect`] goes through all of them. Nothing here may try a PIN twice, or take a setting for
//! granted: what can be chosen is chosen from what the modem's `=?` offers, and what is not needed may be refused.
//! Input is a fresh [`Session`].

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::command::{Command, Response};
use crate::at::params::{fields, number, unquote};
use crate::choice::{Offer, cnmi_candidates, storages_to_receive_into, storages_to_sweep, tidy_iccid};
use crate::error::ModemError;
use crate::profile;
use crate::ready::{Cnmi, Ready};
use crate::selection::{self, Selected};
use crate::session::{Session, Stream};
use crate::sim_status::SimStatus;
use crate::storage::Storage;

/// How often `AT` is tried; the first after a long sleep may vanish.
const SYNC_ATTEMPTS: usize = 5;
/// How long a SIM may be busy after power-up.
const SIM_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Who the modem says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// `AT+CGMI`.
    pub manufacturer: Option<String>,
    /// `AT+CGMM`.
    pub model: Option<String>,
    /// `AT+CGMR`.
    pub firmware: Option<String>,
    /// `AT+CGSN`, digits only.
    pub imei: Option<String>,
    /// The name of the profile that was picked.
    pub profile: &'static str,
}

/// What became of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinOutcome {
    /// The SIM is open.
    Accepted,
    /// It was wrong and has cost a try.
    Wrong {
        /// Tries left, where the modem reports them.
        tries_left: Option<u8>,
    },
}

/// A session whose modem answers and is identified, and is not configured yet.
#[derive(Debug)]
pub struct Synchronised<'a, P> {
    session: &'a mut Session<P>,
    identity: Identity,
}

/// Finds the start of the dialogue, switches echo off and learns who the modem is.
pub async fn synchronise<P: Stream>(session: &mut Session<P>) -> Result<Synchronised<'_, P>, ModemError> {
    find_dialogue(session, SYNC_ATTEMPTS, Duration::from_secs(2)).await?;
    // The user profile may hold anything; what is needed is set below.
    session.optional(Command::new("ATZ")).await?;
    session.optional(Command::new("ATE0")).await?;
    session.set_synchronised();
    session.optional(Command::new("AT+CMEE=1")).await?;
    let identity = identify(session).await?;
    for text in session.profile().init {
        session.optional(Command::new(*text)).await?;
    }
    for text in session.extra_init() {
        session.optional(Command::new(text)).await?;
    }
    Ok(Synchronised { session, identity })
}

impl<P: Stream> Synchronised<'_, P> {
    /// Who the modem says it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The session, for commands that come before the configuration.
    pub fn session(&mut self) -> &mut Session<P> {
        self.session
    }

    /// Asks what the SIM requires; waits at most half a minute while it is busy.
    pub async fn sim(&mut self) -> Result<SimStatus, ModemError> {
        let session = &mut *self.session;
        switch_on(session).await?;
        let end = Instant::now() + SIM_TIMEOUT;
        let mut missing = 0;
        loop {
            let SimAnswer { status, is_passing } = sim_once(session).await?;
            // Some say "not inserted" while the SIM is being read.
            missing += u32::from(status == SimStatus::Missing);
            let ask_again = is_passing || (status == SimStatus::Missing && missing < 3);
            if ask_again && Instant::now() < end {
                sleep(POLL_INTERVAL).await;
                continue;
            }
            return match status {
                SimStatus::PinRequired { .. } => {
                    Ok(SimStatus::PinRequired { tries_left: tries_left(session).await? })
                }
                other => Ok(other),
            };
        }
    }

    /// The number of the SIM card (ITU-T E.118); most modems report it before the PIN is entered.
    ///
    /// # Errors
    /// Only faults that end the session; a modem that does not report it gives `None`.
    pub async fn iccid(&mut self) -> Result<Option<String>, ModemError> {
        iccid(self.session).await
    }

    /// Tries a PIN: exactly one `AT+CPIN=`.
    pub async fn enter_pin(&mut self, pin: &str) -> Result<PinOutcome, ModemError> {
        let session = &mut *self.session;
        if !(4..=8).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ModemError::unusable(
                "the configured PIN is not 4 to 8 digits, so it was not tried",
                "correct it",
            ));
        }
        let command = Command::new(format!("AT+CPIN=\"{pin}\"")).secret().timeout(Duration::from_secs(20));
        let refused = match session.command(command).await {
            Ok(_) => return Ok(PinOutcome::Accepted),
            Err(error @ ModemError::Refused { .. }) => error,
            Err(error) => return Err(error),
        };
        let ModemError::Refused { error, .. } = &refused else { return Err(refused) };
        if !error.is_wrong_pin() {
            match sim_once(session).await?.status {
                SimStatus::Ready => return Ok(PinOutcome::Accepted),
                // Refused for another reason than the PIN: it has cost no try.
                _ if !error.says_nothing() => return Err(refused),
                _ => {}
            }
        }
        Ok(PinOutcome::Wrong { tries_left: tries_left(session).await? })
    }

    /// Makes the modem receive, and learns what SIM and storages it has. `service_centre` is used where
    /// the SIM has none.
    pub async fn configure(self, service_centre: Option<&str>) -> Result<Ready, ModemError> {
        let session = self.session;
        wait_for_sim(session).await?;
        retry_until_ready(session, "AT+CMGF=0").await?;
        session.optional(Command::new("AT+CSMS=0").answer_prefix("+CSMS:")).await?;
        let offer = offered_storages(session).await?;
        let receive_storage = choose_storage(session, &offer).await?;
        let storages = storages_to_sweep(&offer, receive_storage, session.profile().avoid);
        let cnmi = set_cnmi(session).await?;
        let channels = session.broadcast();
        if !channels.is_empty() {
            session.optional(Command::new(format!("AT+CSCB=0,\"{channels}\""))).await?;
        }
        for text in ["AT+CREG=2", "AT+CEREG=2", "AT+CGREG=2", "AT+CLIP=1"] {
            session.optional(Command::new(text)).await?;
        }
        Ok(Ready {
            iccid: iccid(session).await?,
            number: own_number(session).await?,
            service_centre: set_service_centre(session, service_centre).await?,
            storages,
            receive_storage,
            cnmi,
        })
    }
}

/// Whether the modem still answers, asked with `AT`: for one that has been silent, before anything is entrusted to it.
/// The first `AT` after a long sleep may vanish, so it is asked twice.
pub async fn probe<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let limit = Duration::from_secs(3);
    if session.attempt(Command::new("AT").timeout(limit)).await?.is_some() {
        return Ok(());
    }
    session.discard_late_answers(Duration::from_millis(100)).await?;
    session.command(Command::new("AT").timeout(limit)).await.map(drop)
}

/// Finds the start of the dialogue: leaves a prompt, discards what is on the line, asks `AT` until `OK`.
pub(crate) async fn find_dialogue<P: Stream>(
    session: &mut Session<P>,
    attempts: usize,
    answer_timeout: Duration,
) -> Result<(), ModemError> {
    const QUIET: Duration = Duration::from_millis(100);
    session.write_raw(b"\x1b\r").await?;
    session.discard_input(QUIET, Duration::from_secs(3)).await?;
    for _ in 0..attempts {
        let answered = session.attempt(Command::new("AT").timeout(answer_timeout)).await?.is_some();
        // Late answers to earlier tries must not be taken for the next command's.
        session.discard_input(QUIET, Duration::from_secs(3)).await?;
        if answered {
            return Ok(());
        }
    }
    Err(ModemError::unusable(
        format!("the modem does not answer: AT was sent {attempts} times and no OK came back"),
        "try another port of the modem, another baud rate, or power it off and on",
    ))
}

pub(crate) async fn identify<P: Stream>(session: &mut Session<P>) -> Result<Identity, ModemError> {
    let manufacturer = query_value(session, "AT+CGMI", "+CGMI:").await?;
    let model = query_value(session, "AT+CGMM", "+CGMM:").await?;
    let firmware = query_value(session, "AT+CGMR", "+CGMR:").await?;
    let imei = query_value(session, "AT+CGSN", "+CGSN:").await?.map(|text| digits(&text));
    let profile = profile::pick(manufacturer.as_deref(), model.as_deref());
    session.set_profile(profile);
    let imei = imei.filter(|imei| (14..=17).contains(&imei.len()));
    let firmware = firmware.map(|text| text.trim_start_matches("Revision:").trim().to_string());
    Ok(Identity { manufacturer, model, firmware, imei, profile: session.profile().name })
}

/// The radio on: with it off some modems do not even read the SIM.
async fn switch_on<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let level = session.optional(Command::new("AT+CFUN?").answer_prefix("+CFUN:")).await?;
    let level: Option<u8> =
        level.and_then(|r| r.after("+CFUN:").next().and_then(|rest| number(fields(rest).first())));
    if matches!(level, Some(0 | 4)) {
        session.optional(Command::new("AT+CFUN=1").timeout(Duration::from_secs(20))).await?;
    }
    Ok(())
}

/// One answer to `AT+CPIN?`.
pub(crate) struct SimAnswer {
    pub(crate) status: SimStatus,
    /// The modem is still reading the SIM: the same question may be answered otherwise in a moment.
    pub(crate) is_passing: bool,
}

/// Asks `AT+CPIN?` once.
pub(crate) async fn sim_once<P: Stream>(session: &mut Session<P>) -> Result<SimAnswer, ModemError> {
    let lasting = |status| SimAnswer { status, is_passing: false };
    let passing = |status| SimAnswer { status, is_passing: true };
    let asked = Command::new("AT+CPIN?").answer_prefix("+CPIN:").timeout(Duration::from_secs(10));
    match session.command(asked).await {
        Ok(response) => {
            let words = response.after("+CPIN:").next().map(unquote).unwrap_or_default();
            Ok(match words.as_str() {
                "READY" => lasting(SimStatus::Ready),
                "SIM PIN" => lasting(SimStatus::PinRequired { tries_left: None }),
                "SIM PUK" => lasting(SimStatus::PukRequired),
                "NOT INSERTED" => lasting(SimStatus::Missing),
                "NOT READY" | "" => passing(SimStatus::Other("the SIM is not ready".into())),
                _ => lasting(SimStatus::Other(words)),
            })
        }
        Err(ModemError::Refused { error, .. }) => Ok(match &error {
            error if error.is_sim_missing() => lasting(SimStatus::Missing),
            error if error.is_sim_pin_required() => lasting(SimStatus::PinRequired { tries_left: None }),
            error if error.is_sim_puk_required() => lasting(SimStatus::PukRequired),
            error if error.is_sim_unusable() => lasting(SimStatus::Other(error.to_string())),
            // Busy, or a bare refusal as some give while the SIM is being read.
            error => passing(SimStatus::Other(error.to_string())),
        }),
        Err(error) => Err(error),
    }
}

async fn tries_left<P: Stream>(session: &mut Session<P>) -> Result<Option<u8>, ModemError> {
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
async fn wait_for_sim<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let end = Instant::now() + SIM_TIMEOUT;
    loop {
        let status = sim_once(session).await?.status;
        if status == SimStatus::Ready {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(ModemError::Sim(status));
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// A command that must succeed, repeated while the modem says that it is not ready yet.
async fn retry_until_ready<P: Stream>(session: &mut Session<P>, text: &str) -> Result<Response, ModemError> {
    let end = Instant::now() + SIM_TIMEOUT;
    loop {
        match session.command(Command::new(text)).await {
            Err(error) if error.is_not_ready_yet() && Instant::now() < end => sleep(POLL_INTERVAL).await,
            other => return other,
        }
    }
}

async fn offered_storages<P: Stream>(session: &mut Session<P>) -> Result<Offer, ModemError> {
    let answer = session.optional(Command::new("AT+CPMS=?").answer_prefix("+CPMS:")).await?;
    Ok(answer.and_then(|r| r.after("+CPMS:").next().map(Offer::parse)).unwrap_or_default())
}

/// Sets all three storages to the best one that is offered and taken.
async fn choose_storage<P: Stream>(session: &mut Session<P>, offer: &Offer) -> Result<Storage, ModemError> {
    let candidates = storages_to_receive_into(offer, &session.profile());
    for storage in candidates {
        if selection::select_all(session, storage).await? == Selected::Yes {
            return Ok(storage);
        }
    }
    Err(ModemError::unusable(
        "the modem lets no message storage be selected (AT+CPMS was refused for each)",
        "check that the SIM allows SMS; restart the modem",
    ))
}

/// Chooses and sets `AT+CNMI`; returns the settings in force, or none where the modem refuses all.
async fn set_cnmi<P: Stream>(session: &mut Session<P>) -> Result<Option<Cnmi>, ModemError> {
    let answer = session.optional(Command::new("AT+CNMI=?").answer_prefix("+CNMI:")).await?;
    let offer = answer.and_then(|r| r.after("+CNMI:").next().map(fields)).unwrap_or_default();
    let mut accepted = None;
    for wanted in cnmi_candidates(&offer, !session.broadcast().is_empty()) {
        if session.optional(Command::new(format!("AT+CNMI={wanted}"))).await?.is_none() {
            continue;
        }
        // Some say OK and set something else: what they report is what they are checked against later.
        let answer = session.optional(Command::new("AT+CNMI?").answer_prefix("+CNMI:")).await?;
        let Some(answer) = answer.and_then(|r| r.after("+CNMI:").next().map(Cnmi::parse)) else {
            return Ok(Some(wanted));
        };
        match answer {
            Some(set) if set.mt == wanted.mt => return Ok(Some(set)),
            _ => accepted = accepted.or(Some(wanted)),
        }
    }
    if accepted.is_none() {
        tracing::warn!("the modem refuses every AT+CNMI; messages are found by polling only");
    }
    Ok(accepted)
}

async fn iccid<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    for (text, prefix) in session.profile().iccid {
        let found = query_value(session, text, prefix).await?.and_then(|text| tidy_iccid(&text));
        if found.is_some() {
            return Ok(found);
        }
    }
    // EF ICCID itself (TS 51.011 10.1.1): ten octets, digits swapped in pairs.
    let asked = Command::new("AT+CRSM=176,12258,0,0,10").answer_prefix("+CRSM:");
    let raw = session.optional(asked).await?.and_then(|r| r.after("+CRSM:").next().map(fields));
    let raw = raw.and_then(|f| f.get(2).cloned()).unwrap_or_default();
    let swapped: String =
        raw.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect();
    Ok(tidy_iccid(&swapped))
}

/// `+CNUM: [<alpha>],<number>,<type>`.
async fn own_number<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    let asked = Command::new("AT+CNUM").answer_prefix("+CNUM:").timeout(Duration::from_secs(10));
    let answer = session.optional(asked).await?;
    Ok(answer.and_then(|r| {
        r.after("+CNUM:").find_map(|rest| fields(rest).get(1).filter(|number| !number.is_empty()).cloned())
    }))
}

async fn set_service_centre<P: Stream>(
    session: &mut Session<P>,
    given: Option<&str>,
) -> Result<Option<String>, ModemError> {
    let stored = service_centre(session).await?;
    let (None, Some(given)) = (&stored, given.filter(|number| !number.is_empty())) else { return Ok(stored) };
    let kind = if given.starts_with('+') { 145 } else { 129 };
    session.optional(Command::new(format!("AT+CSCA=\"{given}\",{kind}"))).await?;
    service_centre(session).await
}

async fn service_centre<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    let answer = session.optional(Command::new("AT+CSCA?").answer_prefix("+CSCA:")).await?;
    Ok(answer.and_then(|r| r.after("+CSCA:").next().map(fields)).and_then(|fields| {
        let number = fields.first().filter(|number| !number.is_empty())?;
        // Type 145 says international; not every modem writes the plus as well.
        let plus = fields.get(1).is_some_and(|kind| kind == "145") && !number.starts_with('+');
        Some(if plus { format!("+{number}") } else { number.clone() })
    }))
}

/// Asks for one value; none where the modem refuses or gives an empty one.
async fn query_value<P: Stream>(
    session: &mut Session<P>,
    text: &str,
    prefix: &'static str,
) -> Result<Option<String>, ModemError> {
    let answer = session.optional(Command::new(text).answer_prefix(prefix)).await?;
    Ok(answer.and_then(|r| r.first().map(|line| unquote(line.strip_prefix(prefix).unwrap_or(line)))))
        .map(|word| word.filter(|text| !text.is_empty()))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
