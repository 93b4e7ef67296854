//! The only way into a session, in stages.
//!
//! [`wake`] synchronises and learns who the modem is, [`sim`] asks whether a PIN is due, [`enter_pin`]
//! tries one once, [`configure`] makes the modem receive. The stages are apart because the caller
//! must write a PIN attempt down before it is made. Nothing here may try a PIN twice, or take a
//! setting for granted: what can be chosen is chosen from what the modem's `=?` offers, and what is
//! not needed may be refused. Input is a fresh [`Session`].

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::command::{Command, Response};
use crate::at::error::AtError;
use crate::at::params::{fields, number, unquote};
use crate::at::urc::Storage;
use crate::choice::{Offer, cnmi_candidates, storages_to_receive_into, storages_to_sweep, tidy_iccid};
use crate::error::ModemError;
use crate::profile;
use crate::session::{Session, Stream};

/// How often `AT` is tried; the first after a long sleep may vanish.
const SYNC_TRIES: usize = 5;
/// How long a SIM may be busy after power-up.
const SIM_PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// Who the modem says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// What the SIM wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimStatus {
    /// Nothing.
    Ready,
    /// Its PIN.
    PinRequired {
        /// Tries left, where the modem tells.
        tries_left: Option<u8>,
    },
    /// Its PUK: too many wrong PINs. A person must act.
    PukRequired,
    /// There is none.
    Missing,
    /// Something else, in the modem's words.
    Other(String),
}

/// What became of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinOutcome {
    /// The SIM is open.
    Accepted,
    /// It was wrong and has cost a try.
    Wrong {
        /// Tries left, where the modem tells.
        tries_left: Option<u8>,
    },
}

/// A modem that receives and can send, and what was learnt on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The SIM's number, digits only.
    pub iccid: Option<String>,
    /// The subscription's number.
    pub imsi: Option<String>,
    /// The telephone number, where the SIM holds it.
    pub number: Option<String>,
    /// The service centre in force.
    pub service_centre: Option<String>,
    /// The storages to sweep.
    pub storages: Vec<Storage>,
    /// Where the modem puts incoming messages.
    pub receive_storage: Storage,
    /// Where it puts status reports, if apart.
    pub report_storage: Option<Storage>,
    /// Status reports come as `+CDS` and are not stored.
    pub direct_reports: bool,
    /// The parameters of `AT+CNMI` in force; empty where the modem refused all: then only sweeping
    /// finds messages.
    pub cnmi: String,
}

/// Synchronises, silences echo and learns who the modem is.
pub async fn wake<P: Stream>(session: &mut Session<P>) -> Result<Identity, ModemError> {
    synchronise(session, SYNC_TRIES, Duration::from_secs(2)).await?;
    // The stored profile may be a strange one; what is needed is set below.
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
    Ok(identity)
}

/// Whether the modem still answers, asked with `AT`: for one that has been silent, before anything is entrusted to it.
/// The first `AT` after a long sleep may vanish, so it is asked twice.
pub async fn probe<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let patience = Duration::from_secs(3);
    if session.attempt(Command::new("AT").timeout(patience)).await?.is_some() {
        return Ok(());
    }
    session.settle(Duration::from_millis(100)).await?;
    session.command(Command::new("AT").timeout(patience)).await.map(drop)
}

/// Finds the start of a dialogue: leaves a prompt, drops what is on the line, asks `AT` until `OK`.
pub(crate) async fn synchronise<P: Stream>(
    session: &mut Session<P>,
    tries: usize,
    patience: Duration,
) -> Result<(), ModemError> {
    const QUIET: Duration = Duration::from_millis(100);
    session.write_raw(b"\x1b\r").await?;
    session.drain(QUIET, Duration::from_secs(3)).await?;
    for _ in 0..tries {
        let answered = session.attempt(Command::new("AT").timeout(patience)).await?.is_some();
        // Late answers to earlier tries must not be taken for the next command's.
        session.drain(QUIET, Duration::from_secs(3)).await?;
        if answered {
            return Ok(());
        }
    }
    Err(ModemError::unusable(
        format!("the modem does not answer: AT was sent {tries} times and no OK came back"),
        "try another port of the modem (`smsbridge detect` lists them), another baud rate, or power it off and on",
    ))
}

pub(crate) async fn identify<P: Stream>(session: &mut Session<P>) -> Result<Identity, ModemError> {
    let manufacturer = word(session, "AT+CGMI", "+CGMI:").await?;
    let model = word(session, "AT+CGMM", "+CGMM:").await?;
    let firmware = word(session, "AT+CGMR", "+CGMR:").await?;
    let imei = word(session, "AT+CGSN", "+CGSN:").await?.map(|text| digits(&text));
    let profile = profile::pick(manufacturer.as_deref(), model.as_deref());
    session.set_profile(profile);
    let imei = imei.filter(|imei| (14..=17).contains(&imei.len()));
    let firmware = firmware.map(|text| text.trim_start_matches("Revision:").trim().to_string());
    Ok(Identity { manufacturer, model, firmware, imei, profile: session.profile().name })
}

/// Asks what the SIM wants; waits a bounded time while it is busy.
pub async fn sim<P: Stream>(session: &mut Session<P>) -> Result<SimStatus, ModemError> {
    switch_on(session).await?;
    let end = Instant::now() + SIM_PATIENCE;
    let mut missing = 0;
    loop {
        let (status, wait) = sim_once(session).await?;
        // Some say "not inserted" while the SIM is being read.
        missing += u32::from(status == SimStatus::Missing);
        let wait = wait || (status == SimStatus::Missing && missing < 3);
        if wait && Instant::now() < end {
            sleep(PAUSE).await;
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

/// Tries a PIN: exactly one `AT+CPIN=`.
pub async fn enter_pin<P: Stream>(session: &mut Session<P>, pin: &str) -> Result<PinOutcome, ModemError> {
    if !(4..=8).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ModemError::unusable(
            "the configured PIN is not 4 to 8 digits, so it was not tried",
            "correct it in the configuration",
        ));
    }
    let command = Command::new(format!("AT+CPIN=\"{pin}\"")).secret().timeout(Duration::from_secs(20));
    let refused = match session.command(command).await {
        Ok(_) => return Ok(PinOutcome::Accepted),
        Err(error @ ModemError::Refused { .. }) => error,
        Err(error) => return Err(error),
    };
    let ModemError::Refused { error, .. } = &refused else { return Err(refused) };
    let wrong = match error {
        AtError::Cme(fault) => matches!(fault.code, Some(12 | 16)),
        _ => false,
    };
    if !wrong {
        match sim_once(session).await?.0 {
            SimStatus::Ready => return Ok(PinOutcome::Accepted),
            // Refused for another reason than the PIN: it has cost no try.
            _ if !matches!(error, AtError::Error) && error.code() != Some(100) => return Err(refused),
            _ => {}
        }
    }
    Ok(PinOutcome::Wrong { tries_left: tries_left(session).await? })
}

/// Makes the modem receive, and learns what SIM and storages it has. `service_centre` is used where
/// the SIM has none.
pub async fn configure<P: Stream>(
    session: &mut Session<P>,
    service_centre: Option<&str>,
) -> Result<Ready, ModemError> {
    wait_for_sim(session).await?;
    insist(session, "AT+CMGF=0").await?;
    session.optional(Command::new("AT+CSMS=0").expect("+CSMS:")).await?;
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
    let reports = cnmi.split(',').nth(3).unwrap_or_default();
    let stored_reports = reports == "2" && storages.contains(&Storage::SR);
    Ok(Ready {
        iccid: iccid(session).await?,
        imsi: word(session, "AT+CIMI", "+CIMI:").await?.map(|text| digits(&text)).filter(|d| !d.is_empty()),
        number: own_number(session).await?,
        service_centre: set_service_centre(session, service_centre).await?,
        report_storage: stored_reports.then_some(Storage::SR),
        direct_reports: reports == "1",
        storages,
        receive_storage,
        cnmi,
    })
}

/// The radio on: with it off some modems do not even read the SIM.
async fn switch_on<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let level = session.optional(Command::new("AT+CFUN?").expect("+CFUN:")).await?;
    let level: Option<u8> =
        level.and_then(|r| r.after("+CFUN:").next().and_then(|rest| number(fields(rest).first())));
    if matches!(level, Some(0 | 4)) {
        session.optional(Command::new("AT+CFUN=1").timeout(Duration::from_secs(20))).await?;
    }
    Ok(())
}

/// One `AT+CPIN?`, and whether it is worth asking again.
pub(crate) async fn sim_once<P: Stream>(session: &mut Session<P>) -> Result<(SimStatus, bool), ModemError> {
    let asked = Command::new("AT+CPIN?").expect("+CPIN:").timeout(Duration::from_secs(10));
    match session.command(asked).await {
        Ok(response) => {
            let said = response.after("+CPIN:").next().map(unquote).unwrap_or_default();
            Ok(match said.as_str() {
                "READY" => (SimStatus::Ready, false),
                "SIM PIN" => (SimStatus::PinRequired { tries_left: None }, false),
                "SIM PUK" => (SimStatus::PukRequired, false),
                "NOT INSERTED" => (SimStatus::Missing, false),
                "NOT READY" | "" => (SimStatus::Other("the SIM is not ready".into()), true),
                _ => (SimStatus::Other(said), false),
            })
        }
        Err(ModemError::Refused { error, .. }) => {
            let busy = error.is_not_ready_yet();
            Ok(match error.slug().as_str() {
                "cme-10" | "cms-310" => (SimStatus::Missing, false),
                "cme-11" | "cms-311" => (SimStatus::PinRequired { tries_left: None }, false),
                "cme-12" | "cms-316" => (SimStatus::PukRequired, false),
                "cme-13" | "cme-15" | "cms-313" | "cms-315" if !busy => {
                    (SimStatus::Other(error.to_string()), false)
                }
                // Busy, or a bare refusal as some give while the SIM is being read.
                _ => (SimStatus::Other(error.to_string()), true),
            })
        }
        Err(error) => Err(error),
    }
}

async fn tries_left<P: Stream>(session: &mut Session<P>) -> Result<Option<u8>, ModemError> {
    for question in session.profile().tries {
        let answer = session.optional(Command::new(question.command).expect(question.prefix)).await?;
        let rows: Vec<Vec<String>> =
            answer.iter().flat_map(|r| r.after(question.prefix)).map(fields).collect();
        // Some tell of all their codes at once.
        let row = rows.iter().find(|row| row.first().is_some_and(|code| code == "SIM PIN")).or(rows.first());
        let left = row.and_then(|row| number(row.get(question.field)));
        if left.is_some() {
            return Ok(left);
        }
    }
    Ok(None)
}

async fn wait_for_sim<P: Stream>(session: &mut Session<P>) -> Result<(), ModemError> {
    let end = Instant::now() + SIM_PATIENCE;
    loop {
        let (reason, remedy) = match sim_once(session).await? {
            (SimStatus::Ready, _) => return Ok(()),
            // Right after an accepted PIN the modem may still give the old state.
            (SimStatus::PinRequired { .. }, _) => ("the SIM wants its PIN".into(), "set pin or pin_file"),
            (SimStatus::PukRequired, _) => {
                ("the SIM is locked and wants its PUK".into(), "put it into a telephone and unlock it there")
            }
            (SimStatus::Missing, _) => ("there is no SIM".into(), "insert one, or clean its contacts"),
            (SimStatus::Other(words), _) => {
                (format!("the SIM is not usable: {words}"), "try it in a telephone")
            }
        };
        if Instant::now() >= end {
            return Err(ModemError::unusable(reason, remedy));
        }
        sleep(PAUSE).await;
    }
}

/// A command that must succeed, given time while the SIM is being read.
async fn insist<P: Stream>(session: &mut Session<P>, text: &str) -> Result<Response, ModemError> {
    let end = Instant::now() + SIM_PATIENCE;
    loop {
        match session.command(Command::new(text)).await {
            Err(error) if error.is_not_ready_yet() && Instant::now() < end => sleep(PAUSE).await,
            other => return other,
        }
    }
}

async fn offered_storages<P: Stream>(session: &mut Session<P>) -> Result<Offer, ModemError> {
    let answer = session.optional(Command::new("AT+CPMS=?").expect("+CPMS:")).await?;
    Ok(answer.and_then(|r| r.after("+CPMS:").next().map(Offer::parse)).unwrap_or_default())
}

/// Sets all three storages to the best one that is offered and taken.
async fn choose_storage<P: Stream>(session: &mut Session<P>, offer: &Offer) -> Result<Storage, ModemError> {
    let candidates = storages_to_receive_into(offer, session.profile());
    for storage in candidates {
        if crate::sms::select_all(session, storage).await? {
            return Ok(storage);
        }
    }
    Err(ModemError::unusable(
        "the modem lets no message storage be selected (AT+CPMS was refused for each)",
        "check that the SIM allows SMS; restart the modem",
    ))
}

/// Chooses and sets `AT+CNMI`; the parameters that were taken, or nothing.
async fn set_cnmi<P: Stream>(session: &mut Session<P>) -> Result<String, ModemError> {
    let answer = session.optional(Command::new("AT+CNMI=?").expect("+CNMI:")).await?;
    let offer = answer.and_then(|r| r.after("+CNMI:").next().map(fields)).unwrap_or_default();
    let mut taken = None;
    for parameters in cnmi_candidates(&offer, !session.broadcast().is_empty()) {
        if session.optional(Command::new(format!("AT+CNMI={parameters}"))).await?.is_none() {
            continue;
        }
        // Some say OK and mean something else. What they say they have is what they are held to.
        let now = session.optional(Command::new("AT+CNMI?").expect("+CNMI:")).await?;
        let Some(now) = now.and_then(|r| r.after("+CNMI:").next().map(fields)) else { return Ok(parameters) };
        if now.get(1).map(String::as_str) == parameters.split(',').nth(1) {
            return Ok(now.join(","));
        }
        taken.get_or_insert(parameters);
    }
    if let Some(parameters) = taken {
        return Ok(parameters);
    }
    tracing::warn!("the modem refuses every AT+CNMI; messages are found by polling only");
    Ok(String::new())
}

/// The number of the SIM card (ITU-T E.118); most modems tell it before the PIN is entered.
///
/// # Errors
/// Only faults that end the session; a modem that does not tell is `None`.
pub async fn iccid<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    for (text, prefix) in session.profile().iccid {
        let found = word(session, text, prefix).await?.and_then(|text| tidy_iccid(&text));
        if found.is_some() {
            return Ok(found);
        }
    }
    // EF ICCID itself (TS 51.011 10.1.1): ten octets, digits swapped in pairs.
    let asked = Command::new("AT+CRSM=176,12258,0,0,10").expect("+CRSM:");
    let raw = session.optional(asked).await?.and_then(|r| r.after("+CRSM:").next().map(fields));
    let raw = raw.and_then(|f| f.get(2).cloned()).unwrap_or_default();
    let swapped: String =
        raw.as_bytes().chunks(2).flat_map(|pair| pair.iter().rev()).map(|b| char::from(*b)).collect();
    Ok(tidy_iccid(&swapped))
}

/// `+CNUM: [<alpha>],<number>,<type>`.
async fn own_number<P: Stream>(session: &mut Session<P>) -> Result<Option<String>, ModemError> {
    let asked = Command::new("AT+CNUM").expect("+CNUM:").timeout(Duration::from_secs(10));
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
    let answer = session.optional(Command::new("AT+CSCA?").expect("+CSCA:")).await?;
    Ok(answer.and_then(|r| r.after("+CSCA:").next().map(fields)).and_then(|fields| {
        let number = fields.first().filter(|number| !number.is_empty())?;
        // Type 145 says international; not every modem writes the plus as well.
        let plus = fields.get(1).is_some_and(|kind| kind == "145") && !number.starts_with('+');
        Some(if plus { format!("+{number}") } else { number.clone() })
    }))
}

/// The first line of an answer that is one value.
async fn word<P: Stream>(
    session: &mut Session<P>,
    text: &str,
    prefix: &'static str,
) -> Result<Option<String>, ModemError> {
    let answer = session.optional(Command::new(text).expect(prefix)).await?;
    Ok(answer.and_then(|r| r.first().map(|line| unquote(line.strip_prefix(prefix).unwrap_or(line)))))
        .map(|word| word.filter(|text| !text.is_empty()))
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
