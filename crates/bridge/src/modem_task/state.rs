//! What is shown of a modem on `sms/modem/<name>`: the newest of everything known, with what is wrong in words.
//!
//! Puts values on the board: at once where state or problem change, else at most every ten seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use smsbridge_modem::bring_up::{Identity, Ready};
use smsbridge_modem::recovery::Step;
use smsbridge_modem::status::{NetworkStatus, Registration, RegistrationReport, Signal, StorageUse};

use crate::message::Name;
use crate::mqtt::Board;
use crate::payload;
use crate::topic::Topics;

/// Signal and counters change all the time; a retained topic need not.
const SHOW_EVERY: Duration = Duration::from_secs(10);

/// Storage this full gets a word.
const NEARLY_FULL_PERCENT: u32 = 80;

/// The state of one modem, and where it is shown.
pub(super) struct Snapshot {
    board: Arc<Board>,
    topic: String,
    availability: String,
    shown_at: Option<Instant>,
    waits: Option<String>,
    registration: Option<Registration>,
    /// What was learnt of the SIM is of this session.
    is_configured: bool,
    form: Form,
}

#[derive(Debug, Default, Serialize)]
struct Form {
    state: &'static str,
    problem: Option<String>,
    operator: Option<String>,
    technology: Option<String>,
    registration: Option<&'static str>,
    registration_cause: Option<u16>,
    signal: SignalForm,
    number: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    firmware: Option<String>,
    imei: Option<String>,
    iccid: Option<String>,
    service_center: Option<String>,
    storage: Vec<StorageForm>,
    counters: Counters,
}

#[derive(Debug, Default, Serialize)]
struct SignalForm {
    dbm: Option<i16>,
    percent: Option<u8>,
    rsrp_dbm: Option<i16>,
    rsrq_db: Option<f32>,
    sinr_db: Option<f32>,
}

#[derive(Debug, Serialize)]
struct StorageForm {
    name: String,
    used: u16,
    total: u16,
}

/// Since the gateway started.
#[derive(Debug, Default, Serialize)]
struct Counters {
    received: u64,
    sent: u64,
    not_sent: u64,
    sessions: u64,
    announced_again: u64,
    /// What was tried when it did not do as it should.
    probed: u64,
    resynchronised: u64,
    reopened: u64,
    radio_restarted: u64,
    reset: u64,
}

impl Snapshot {
    pub(super) fn new(name: &Name, topics: &Topics, board: Arc<Board>) -> Self {
        Snapshot {
            board,
            topic: topics.modem(name),
            availability: topics.modem_availability(name),
            shown_at: None,
            waits: None,
            registration: None,
            is_configured: false,
            form: Form::default(),
        }
    }

    pub(super) fn connecting(&mut self) {
        if self.form.state.is_empty() {
            self.form.state = "connecting";
            self.show_at_once("offline");
        }
    }

    pub(super) fn online(&mut self) {
        self.form.state = "online";
        self.form.problem = None;
        self.form.counters.sessions += 1;
        self.show_at_once("online");
    }

    pub(super) fn offline(&mut self, problem: String) {
        self.form.state = "offline";
        self.form.problem = Some(problem);
        self.forget_network();
        self.show_at_once("offline");
    }

    pub(super) fn stopped(&mut self) {
        self.form.state = "stopped";
        self.forget_network();
        self.show_at_once("offline");
    }

    /// What was true of the network is not known of a modem that does not answer.
    fn forget_network(&mut self) {
        self.registration = None;
        self.form.registration = None;
        self.form.registration_cause = None;
        self.form.operator = None;
        self.form.technology = None;
        self.form.signal = SignalForm::default();
    }

    pub(super) fn identified(&mut self, identity: &Identity) {
        self.form.manufacturer.clone_from(&identity.manufacturer);
        self.form.model.clone_from(&identity.model);
        self.form.firmware.clone_from(&identity.firmware);
        self.form.imei.clone_from(&identity.imei);
    }

    pub(super) fn configured(&mut self, ready: &Ready) {
        self.is_configured = true;
        self.form.iccid.clone_from(&ready.iccid);
        self.form.number.clone_from(&ready.number);
        self.form.service_center.clone_from(&ready.service_centre);
    }

    /// Whether the network may take a message. Not asked yet counts as yes: the modem's refusal will say.
    pub(super) fn is_registered(&self) -> bool {
        self.registration.is_none_or(|r| r.is_registered() || r == Registration::Unknown)
    }

    pub(super) fn network(&mut self, network: NetworkStatus) {
        self.form.operator = network.operator;
        self.form.technology = network.technology;
        let lte = network.lte.as_ref();
        self.form.signal = SignalForm {
            dbm: network.signal_dbm,
            percent: network.signal_percent,
            rsrp_dbm: lte.and_then(|lte| lte.rsrp_dbm),
            rsrq_db: lte.and_then(|lte| lte.rsrq_db),
            sinr_db: lte.and_then(|lte| lte.sinr_db),
        };
        self.register(network.registration, network.cause);
    }

    pub(super) fn registration(&mut self, report: &RegistrationReport) {
        self.register(report.state, report.cause);
    }

    pub(super) fn signal(&mut self, signal: Signal) {
        self.form.signal.dbm = signal.dbm;
        self.form.signal.percent = signal.percent;
        self.show();
    }

    pub(super) fn storage(&mut self, storages: &[StorageUse]) {
        self.form.storage = storages
            .iter()
            .map(|s| StorageForm { name: s.storage.to_string(), used: s.used, total: s.total })
            .collect();
        self.judge();
    }

    /// What keeps a waiting message waiting.
    pub(super) fn waits(&mut self, why: Option<String>) {
        self.waits = why;
        self.judge();
    }

    pub(super) fn received(&mut self) {
        self.form.counters.received += 1;
        self.show();
    }

    pub(super) fn sent(&mut self) {
        self.form.counters.sent += 1;
        self.show();
    }

    pub(super) fn not_sent(&mut self) {
        self.form.counters.not_sent += 1;
        self.show();
    }

    pub(super) fn announced_again(&mut self) {
        self.form.counters.announced_again += 1;
        self.show();
    }

    /// A step of the ladder was taken.
    pub(super) fn tried(&mut self, step: Step) {
        let counters = &mut self.form.counters;
        *match step {
            Step::Resynchronise => &mut counters.resynchronised,
            Step::Reopen => &mut counters.reopened,
            Step::RestartRadio => &mut counters.radio_restarted,
            Step::Reset => &mut counters.reset,
        } += 1;
        self.show();
    }

    /// It was silent and was asked whether it is there.
    pub(super) fn probed(&mut self) {
        self.form.counters.probed += 1;
    }

    /// The registration last heard of.
    pub(super) fn registration_now(&self) -> Option<Registration> {
        self.registration
    }

    fn register(&mut self, registration: Registration, cause: Option<u16>) {
        if self.registration.replace(registration) != Some(registration) {
            self.shown_at = None;
        }
        self.form.registration = Some(registration.words());
        self.form.registration_cause = cause;
        self.judge();
    }

    /// What is wrong though the modem answers, most urgent first.
    fn judge(&mut self) {
        let full = self
            .form
            .storage
            .iter()
            .find(|s| s.total > 0 && u32::from(s.used) * 100 >= u32::from(s.total) * NEARLY_FULL_PERCENT);
        let problem = if let Some(StorageForm { name, used, total }) = full {
            Some(format!(
                "storage {name} holds {used} of {total} messages: when full, nothing more is received"
            ))
        } else if !self.is_registered() {
            let words = self.form.registration.unwrap_or_default();
            Some(format!("not registered with a network ({words}): check antenna, SIM and subscription"))
        } else if self.is_configured && self.form.service_center.is_none() {
            Some("the SIM has no service centre number, so it cannot send: set service_center of this [[modem]]".to_owned())
        } else {
            self.waits.clone()
        };
        if problem != self.form.problem {
            self.form.problem = problem;
            self.shown_at = None;
        }
        self.show();
    }

    fn show(&mut self) {
        if self.shown_at.is_none_or(|at| at.elapsed() >= SHOW_EVERY) {
            self.shown_at = Some(Instant::now());
            self.board.put(self.topic.clone(), payload::json(&self.form));
        }
    }

    fn show_at_once(&mut self, availability: &str) {
        self.shown_at = None;
        self.show();
        self.board.put(self.availability.clone(), availability.to_owned());
    }
}

/// What stands for a PIN in the store. It keeps the digits from being read in passing, no more: with four digits,
/// nothing could keep them from being searched for.
pub(super) fn pin_digest(pin: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, format!("smsbridge pin {pin}").as_bytes());
    digest.as_ref().iter().take(12).map(|octet| format!("{octet:02x}")).collect()
}
