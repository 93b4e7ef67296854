//! What is shown of a modem: the newest of everything known, with what is wrong in words.
//!
//! Only told, never asked: nothing here decides what the modem does. Sets the retained state at once where state or
//! problem change, else at most every ten seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smsbridge_modem::bring_up::Identity;
use smsbridge_modem::recovery::Step;
use smsbridge_modem::registration::{Registration, RegistrationReport};
use smsbridge_modem::signal;
use smsbridge_modem::status::{self, NetworkStatus};
use smsbridge_modem::{Ready, Refused};

use crate::event::{Availability, ModemConnection, ModemState, Signal, State, StorageUse, Subject};
use crate::log::ProblemSubject;
use crate::message::Name;
use crate::retained_state::RetainedState;

/// Signal and counters change all the time; a retained state need not.
const UPDATE_INTERVAL: Duration = Duration::from_secs(10);

/// A session this long was a good one: the next one is worth a line in the log.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// A storage this full is a problem.
const NEARLY_FULL_PERCENT: u32 = 80;

/// The state of one modem, and where it is shown.
pub(super) struct StatusView {
    retained: Arc<RetainedState>,
    state: ModemState,
    updated_at: Option<Instant>,
    /// What keeps a waiting message waiting.
    waiting: Option<String>,
    /// What the modem refuses for now.
    refused: Vec<Refused>,
    /// The commands it did not answer, time after time.
    left_out: Vec<String>,
    /// That it is not where its owner thinks.
    elsewhere: Option<String>,
    /// Whether the SIM has been read since the gateway started.
    is_configured: bool,
    /// Where it was last said to be up, unless that lasted.
    said_up_at: Option<String>,
    online_since: Option<Instant>,
}

impl StatusView {
    pub(super) fn new(name: Name, retained: Arc<RetainedState>) -> Self {
        let state = ModemState::new(name);
        let mut view = StatusView {
            retained,
            state,
            updated_at: None,
            waiting: None,
            refused: Vec::new(),
            left_out: Vec::new(),
            elsewhere: None,
            is_configured: false,
            said_up_at: None,
            online_since: None,
        };
        view.update_at_once(Availability::Offline);
        view
    }

    /// The modem is ready at this port. One that comes and goes is said to be up once.
    pub(super) fn is_up(&mut self, port: &str, model: &str) {
        if self.said_up_at.as_deref() != Some(port) {
            tracing::info!(modem = %self.state.modem, port, model, "the modem is up");
            self.said_up_at = Some(port.to_owned());
        }
    }

    /// The modem went online.
    pub(super) fn online(&mut self) {
        self.online_since = Some(Instant::now());
        self.state.connection = ModemConnection::Online;
        self.state.problem = None;
        self.state.counters.sessions += 1;
        self.update_at_once(Availability::Online);
    }

    /// The modem went offline, or could not be reached.
    pub(super) fn offline(&mut self, problem: String) {
        if self.online_since.take().is_some_and(|since| since.elapsed() >= STABLE_AFTER) {
            self.said_up_at = None;
        }
        self.state.connection = ModemConnection::Offline;
        self.state.problem = Some(problem);
        self.forget_network();
        self.update_at_once(Availability::Offline);
    }

    /// The gateway stops.
    pub(super) fn stopped(&mut self) {
        self.state.connection = ModemConnection::Stopped;
        self.forget_network();
        self.update_at_once(Availability::Offline);
    }

    /// What was true of the network is not known of a modem that does not answer.
    fn forget_network(&mut self) {
        self.state.registration = None;
        self.state.registration_cause = None;
        self.state.operator = None;
        self.state.technology = None;
        self.state.signal = Signal::default();
    }

    pub(super) fn identified(&mut self, identity: &Identity) {
        self.state.manufacturer.clone_from(&identity.manufacturer);
        self.state.model.clone_from(&identity.model);
        self.state.firmware.clone_from(&identity.firmware);
        self.state.imei.clone_from(&identity.imei);
    }

    pub(super) fn configured(&mut self, ready: &Ready) {
        self.is_configured = true;
        self.state.iccid.clone_from(&ready.iccid);
        self.state.number.clone_from(&ready.number);
        self.state.service_center.clone_from(&ready.service_centre);
    }

    pub(super) fn network(&mut self, network: NetworkStatus) {
        self.state.operator = network.operator;
        self.state.technology = network.technology;
        let lte = network.lte.as_ref();
        self.state.signal = Signal {
            dbm: network.signal_dbm,
            percent: network.signal_percent,
            rsrp_dbm: lte.and_then(|lte| lte.rsrp_dbm),
            rsrq_db: lte.and_then(|lte| lte.rsrq_db),
            sinr_db: lte.and_then(|lte| lte.sinr_db),
        };
        self.registered(network.registration, network.cause);
    }

    /// The best registration of all domains.
    pub(super) fn registration(&mut self, best: Option<RegistrationReport>) {
        if let Some(RegistrationReport { state, cause, .. }) = best {
            self.registered(state, cause);
        }
    }

    pub(super) fn signal(&mut self, signal: signal::Signal) {
        self.state.signal.dbm = signal.dbm;
        self.state.signal.percent = signal.percent;
        self.update();
    }

    pub(super) fn storage(&mut self, storages: &[status::StorageUse]) {
        self.state.storage = storages
            .iter()
            .map(|s| StorageUse { name: s.storage.to_string(), used: s.used, total: s.total })
            .collect();
        self.update_problem();
    }

    /// What the modem refuses for now and is tried again, and the commands it does not answer.
    pub(super) fn not_done(&mut self, refused: Vec<Refused>, left_out: Vec<String>) {
        self.refused = refused;
        self.left_out = left_out;
        self.update_problem();
    }

    /// What keeps a waiting message waiting; none if nothing does.
    pub(super) fn waiting(&mut self, reason: Option<String>) {
        self.waiting = reason;
        self.update_problem();
    }

    /// What to tell its owner of where the modem is; none where it is as configured.
    pub(super) fn found_elsewhere(&mut self, words: Option<String>) {
        self.elsewhere = words;
    }

    pub(super) fn received(&mut self) {
        self.state.counters.received += 1;
        self.update();
    }

    pub(super) fn sent(&mut self) {
        self.state.counters.sent += 1;
        self.sending_fails(None);
        self.update();
    }

    /// A message was not sent, for this reason, which is for the log: it may be the message's own fault.
    pub(super) fn not_sent(&mut self, reason: &str) {
        self.state.counters.not_sent += 1;
        self.sending_fails(Some(reason));
        self.update();
    }

    fn sending_fails(&self, reason: Option<&str>) {
        let subject = ProblemSubject::of_modem(&self.state.modem, "sending");
        self.retained.problems().set(&subject, reason);
    }

    /// Message notifications had to be set again.
    pub(super) fn announced_again(&mut self) {
        self.state.counters.announced_again += 1;
        self.update();
    }

    /// A recovery step was taken.
    pub(super) fn recovery_step(&mut self, step: Step) {
        let counters = &mut self.state.counters;
        *match step {
            Step::Resynchronise => &mut counters.resynchronised,
            Step::Reopen => &mut counters.reopened,
            Step::RestartRadio => &mut counters.radio_restarted,
            Step::Reset => &mut counters.reset,
        } += 1;
        self.update();
    }

    /// A silent modem was asked whether it still answers.
    pub(super) fn probed(&mut self) {
        self.state.counters.probed += 1;
    }

    fn registered(&mut self, registration: Registration, cause: Option<u16>) {
        if self.state.registration.replace(registration) != Some(registration) {
            self.updated_at = None;
        }
        self.state.registration_cause = cause;
        self.update_problem();
    }

    fn update_problem(&mut self) {
        let problem = self.problem();
        if problem != self.state.problem {
            self.state.problem = problem;
            self.updated_at = None;
        }
        self.update();
    }

    /// What is wrong though the modem answers, the most urgent first.
    fn problem(&self) -> Option<String> {
        let full = self
            .state
            .storage
            .iter()
            .find(|s| s.total > 0 && u32::from(s.used) * 100 >= u32::from(s.total) * NEARLY_FULL_PERCENT);
        if let Some(StorageUse { name, used, total }) = full {
            return Some(format!(
                "storage {name} holds {used} of {total} messages: when full, nothing more is received"
            ));
        }
        if let Some(registration) = self.state.registration
            && !registration.is_registered()
            && registration != Registration::Unknown
        {
            let words = registration.words();
            return Some(format!(
                "not registered with a network ({words}): check antenna, SIM and subscription"
            ));
        }
        if let Some(first) = self.refused.first() {
            let others = match self.refused.len() - 1 {
                0 => String::new(),
                n => format!(", and {n} more"),
            };
            let Refused { ability, reason, .. } = first;
            return Some(format!(
                "{ability} ({reason}){others}: everything else goes on, and it is tried again"
            ));
        }
        if self.is_configured && self.state.service_center.is_none() {
            let words = "the SIM has no service centre number, so it cannot send: set service_center of this [[modem]]";
            return Some(words.to_owned());
        }
        let unanswered = || {
            let commands = self.left_out.join(", ");
            let words = "is not answered; where it can be done without, it is left out";
            (!commands.is_empty()).then(|| format!("{commands} {words}"))
        };
        self.elsewhere.clone().or_else(|| self.waiting.clone()).or_else(unanswered)
    }

    fn update(&mut self) {
        let state = State::Modem(Box::new(self.state.clone()));
        if self.updated_at.is_none_or(|at| at.elapsed() >= UPDATE_INTERVAL) {
            self.updated_at = Some(Instant::now());
            self.retained.set(state);
        } else {
            self.retained.note(state);
        }
    }

    fn update_at_once(&mut self, availability: Availability) {
        self.updated_at = None;
        self.update();
        let subject = Subject::Modem(self.state.modem.clone());
        self.retained.set(State::Availability(subject, availability));
    }
}
