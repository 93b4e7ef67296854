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

use crate::at::command::Command;
use crate::at::params::{fields, number, unquote};
use crate::choice::storages_to_sweep;
use crate::dialogue::find_dialogue;
use crate::error::ModemError;
use crate::profile;
use crate::ready::Ready;
use crate::session::{Session, Stream};
use crate::settings;
use crate::sim::{self, POLL_INTERVAL, SIM_TIMEOUT, SimAnswer, sim_once, tries_left};
use crate::sim_status::SimStatus;

/// How often `AT` is tried.
const SYNC_ATTEMPTS: usize = 6;
/// How long the SIM may take to answer to a PIN. A stop waits for that, so it is not prolonged.
const PIN_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the radio may take to go on.
const RADIO_TIMEOUT: Duration = Duration::from_secs(60);

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
    initialise(session).await?;
    Ok(Synchronised { session, identity })
}

/// The commands of the modem's family, then the user's.
pub(crate) async fn initialise<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    for text in session.profile().init {
        session.optional(Command::new(*text)).await?;
    }
    for text in session.extra_init() {
        session.optional(Command::new(text)).await?;
    }
    Ok(())
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
    ///
    /// # Errors
    /// [`ModemError::Starting`] where it is busy for longer; faults that end the session.
    pub async fn sim(&mut self) -> Result<SimStatus, ModemError> {
        let session = &mut *self.session;
        switch_on(session).await?;
        let end = Instant::now() + SIM_TIMEOUT;
        let mut missing = 0;
        loop {
            let SimAnswer { status, passing } = sim_once(session).await?;
            // Some say "not inserted" while the SIM is being read.
            missing += u32::from(status == SimStatus::Missing);
            let ask_again = passing.is_some() || (status == SimStatus::Missing && missing < 3);
            if ask_again && Instant::now() < end {
                sleep(POLL_INTERVAL).await;
                continue;
            }
            if let Some(error) = passing {
                return Err(error);
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
        sim::iccid(self.session).await
    }

    /// The subscriber's number (IMSI). The errors are those of [`Synchronised::iccid`].
    pub async fn imsi(&mut self) -> Result<Option<String>, ModemError> {
        sim::imsi(self.session).await
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
        let command = Command::new(format!("AT+CPIN=\"{pin}\"")).secret().timeout(PIN_TIMEOUT);
        session.set_started_by_us();
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
        // That it is wrong is known, whatever becomes of this question.
        Ok(PinOutcome::Wrong { tries_left: tries_left(session).await.unwrap_or_default() })
    }

    /// Makes the modem receive, and learns what SIM and storages it has. `service_centre` is used where
    /// the SIM has none.
    pub async fn configure(self, service_centre: Option<&str>) -> Result<Ready, ModemError> {
        let session = self.session;
        sim::wait_for_sim(session).await?;
        settings::set_pdu_mode(session).await?;
        session.optional(Command::new("AT+CSMS=0").answer_prefix("+CSMS:").may_be_empty()).await?;
        let offer = settings::offered_storages(session).await?;
        let receive_storage = settings::choose_storage(session, &offer).await?;
        let storages = storages_to_sweep(&offer, receive_storage, session.profile().avoid);
        let cnmi = settings::set_cnmi(session).await?;
        settings::switch_on_notices(session).await?;
        let ready = Ready {
            iccid: sim::iccid(session).await?,
            imsi: sim::imsi(session).await?,
            number: settings::own_number(session).await?,
            service_centre: settings::set_service_centre(session, service_centre).await?,
            given_service_centre: service_centre.map(str::to_string),
            storages,
            receive_storage,
            cnmi,
        };
        session.set_configured();
        Ok(ready)
    }
}

pub(crate) async fn identify<P: Stream>(session: &mut Session<P>) -> Result<Identity, ModemError> {
    let manufacturer = query_value(session, "AT+CGMI", "+CGMI:").await?;
    let model = query_value(session, "AT+CGMM", "+CGMM:").await?;
    let firmware = query_value(session, "AT+CGMR", "+CGMR:").await?;
    let imei = query_value(session, "AT+CGSN", "+CGSN:").await?.map(|text| digits(&text));
    let imei = imei.filter(|imei| (14..=17).contains(&imei.len()));
    // One that does not say who it is today is the one it was; who never said it has no family.
    let family = Some(profile::pick(manufacturer.as_deref(), model.as_deref()))
        .filter(|family| manufacturer.is_some() || family.name != profile::GENERIC.name);
    session.learned_mut().identified(family, imei.clone());
    let firmware = firmware.map(|text| text.trim_start_matches("Revision:").trim().to_string());
    Ok(Identity { manufacturer, model, firmware, imei, profile: session.profile().name })
}

/// The radio on: with it off some modems do not even read the SIM.
async fn switch_on<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let level = session.optional(Command::new("AT+CFUN?").answer_prefix("+CFUN:")).await?;
    let level: Option<u8> =
        level.and_then(|r| r.after("+CFUN:").next().and_then(|rest| number(fields(rest).first())));
    if matches!(level, Some(0 | 4)) {
        session.set_started_by_us();
        session.optional(Command::new("AT+CFUN=1").timeout(RADIO_TIMEOUT)).await?;
    }
    Ok(())
}

/// Asks for one value; none where the modem refuses or gives an empty one.
async fn query_value<P: Stream>(
    session: &mut Session<P>,
    text: &str,
    prefix: &'static str,
) -> Result<Option<String>, ModemError> {
    let answer = session.optional(Command::new(text).answer_prefix(prefix).may_be_empty()).await?;
    Ok(answer.and_then(|r| r.first().map(|line| unquote(line.strip_prefix(prefix).unwrap_or(line)))))
        .map(|word| word.filter(|text| !text.is_empty()))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
