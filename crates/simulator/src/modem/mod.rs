//! The mobile equipment (ME): one modem as a value, by TS 27.005 and TS 27.007.
//!
//! Owns everything a modem remembers: settings that a restart forgets, the SIM, the storages, and
//! what it still has to send. Input is what `parser.rs` read from the terminal and what the network
//! offers; output is answers, unsolicited lines ([`Modem::take_urc`]) and requests to the network
//! ([`Modem::take_uplink`]). Must never do I/O, look at a clock, or know faults and the client under
//! test: it is written from the standards, to be a check and not a mirror.
//!
//! `execute.rs` carries out what was typed; `commands.rs` has the general commands, `sms.rs` and
//! `text_mode.rs` those for messages, `receive.rs` what the network delivers, `starting.rs` what is not
//! there yet after power-up, `storage.rs` and `sim_card.rs` what lasts.

pub(crate) mod answer;
mod commands;
mod execute;
mod incoming;
pub(crate) mod parser;
mod receive;
pub(crate) mod registration;
mod settings;
mod sim_card;
mod sms;
mod starting;
pub(crate) mod storage;
mod text_mode;

use std::collections::VecDeque;
use std::time::Duration;

use crate::options::{LeftBehind, Options, Sim};
use crate::vendor_profile::VendorProfile;
use answer::{Answer, ResultForm};
pub use incoming::Notice;
pub(crate) use incoming::{Incoming, Kind, Offer};
use parser::{Input, Parser};
use registration::{Domain, Registration};
use settings::Settings;
use sim_card::SimCard;
use starting::Starting;
use storage::Storages;
pub use storage::{Status, Storage, Stored};

/// What the modem asks of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uplink {
    /// A message; the modem is busy until [`Modem::finish_submit`].
    Submit { mr: u8, pdu: String },
    /// A text for a number, by text mode; the modem is busy as well.
    SubmitText { mr: u8, to: String, text: String },
    /// A USSD code, or the answer to a menu.
    Ussd(String),
    /// The end of a USSD session.
    UssdCancel,
    /// The end of a call, by this side.
    HangUp,
}

/// What became of an input.
#[derive(Debug)]
pub(crate) enum Step {
    /// Done, with this answer.
    Answer(Answer),
    /// The network has to answer first; [`Modem::finish_submit`] makes the answer.
    Waiting,
    /// The answer is to be given, then the modem restarts.
    Restart(Answer),
}

/// What a prompt was given for.
#[derive(Clone, Debug)]
enum Payload {
    Send {
        length: usize,
    },
    Write {
        length: usize,
        status: Status,
    },
    /// In text mode, for this number.
    Text {
        to: String,
    },
}

/// How one command of a line ended well.
enum Done {
    Fine,
    Prompt,
    Waiting,
    Restart,
}

/// One modem.
pub(crate) struct Modem {
    profile: VendorProfile,
    imei: String,
    operator: (String, String),
    parser: Parser,
    set: Settings,
    cfun: u8,
    starting: Starting,
    pub(crate) sim: SimCard,
    service_centre: String,
    pub(crate) storages: Storages,
    /// What it says about what it stores.
    pub(crate) notice: Notice,
    /// While the radio is on.
    registration: Registration,
    /// `<rssi>` of +CSQ.
    pub(crate) signal: u8,
    payload: Option<Payload>,
    /// The SIM slot a `+CMSS` sends from, else `None`; outer `None`: nothing is being submitted.
    submitting: Option<(u8, Option<(Storage, usize)>)>,
    next_mr: u8,
    urcs: VecDeque<String>,
    /// Held back by `+CNMI` mode 0.
    buffered: VecDeque<String>,
    uplink: VecDeque<Uplink>,
    unacknowledged: Option<(Incoming, Duration)>,
    returned: Vec<Incoming>,
    noise: usize,
}

impl Modem {
    pub(crate) fn new(o: &Options) -> Self {
        let p = &o.profile;
        let size = |s| match s {
            Storage::Sm => o.slots,
            Storage::Me => o.me_slots,
            Storage::Sr => o.sr_slots,
            Storage::Mt => 0,
        };
        let sizes: Vec<_> =
            p.storages.iter().filter(|s| **s != Storage::Mt).map(|s| (*s, size(*s))).collect();
        Self {
            imei: o.imei.clone(),
            operator: (o.operator.clone(), o.operator_code.clone()),
            parser: Parser::default(),
            set: Settings::at_power_up(p),
            cfun: 1,
            starting: Starting::new(o.sim_time, o.sms_time),
            sim: SimCard::new(&Sim::of(o)),
            service_centre: o.service_centre.clone(),
            storages: Storages::new(&sizes, p.first_slot),
            notice: Notice::Right,
            registration: Registration::HOME,
            signal: 20,
            payload: None,
            submitting: None,
            next_mr: 0,
            urcs: VecDeque::new(),
            buffered: VecDeque::new(),
            uplink: VecDeque::new(),
            unacknowledged: None,
            returned: Vec::new(),
            noise: 0,
            profile: p.clone(),
        }
    }

    /// Power-up or restart: settings, half-typed input and unsent lines are gone, the PIN is asked
    /// again, messages stay; then the banner is sent.
    pub(crate) fn power_up(&mut self, now: Duration) {
        self.parser.reset();
        self.set = Settings::at_power_up(&self.profile);
        self.cfun = 1;
        self.sim.power_up();
        self.payload = None;
        self.submitting = None;
        self.next_mr = 0;
        self.buffered.clear();
        self.uplink.clear();
        if let Some((incoming, _)) = self.unacknowledged.take() {
            self.returned.push(incoming);
        }
        self.urcs = self.profile.banner.iter().map(|line| (*line).to_string()).collect();
        self.starting.begin(now, &mut self.urcs);
        self.sim.busy = self.starting.is_sim_busy();
        self.correct_sim_lines();
    }

    /// Takes over the settings another program left.
    pub(crate) fn leave_behind(&mut self, left: &LeftBehind) {
        self.set.leave_behind(left);
    }

    /// How the results of its commands are written.
    pub(crate) fn result_form(&self) -> ResultForm {
        self.set.results
    }

    /// Whether it waits for the text after a prompt.
    pub(crate) fn in_payload(&self) -> bool {
        self.parser.in_payload()
    }

    /// Another card, with the messages that were on it when it was taken out.
    pub(crate) fn insert_sim(&mut self, sim: &Sim) {
        self.storages.exchange_card(&self.sim.iccid, &sim.iccid);
        self.sim = SimCard::new(sim);
        self.service_centre.clone_from(&sim.service_centre);
    }

    /// The vendor's lines about a card taken out or put in.
    pub(crate) fn announce_sim(&mut self) {
        let lines = if self.sim.present { self.profile.sim_inserted } else { self.profile.sim_removed };
        self.urcs.extend(lines.iter().map(|line| (*line).to_string()));
        self.correct_sim_lines();
    }

    /// The card is reset: the PIN is asked again, and said so.
    pub(crate) fn reset_sim(&mut self) {
        let before = self.registered();
        self.sim.power_up();
        if let Ok(state) = self.sim.state() {
            self.send_urc(format!("+CPIN: {state}"));
        }
        self.registration_changed(before);
    }

    /// With a PIN to be entered, nothing is ready.
    fn correct_sim_lines(&mut self) {
        if self.sim.state() == Ok("SIM PIN") {
            self.urcs.iter_mut().filter(|l| *l == "+CPIN: READY").for_each(|l| *l = "+CPIN: SIM PIN".into());
            self.urcs.retain(|l| !starting::says_ready(l));
        }
    }

    /// Says this at once instead of its boot lines.
    pub(crate) fn replace_banner(&mut self, words: &[&str]) {
        self.urcs = words.iter().map(|line| (*line).to_string()).collect();
        self.starting.say_nothing();
    }

    /// Ends the waits after power-up that are over.
    pub(crate) fn go_on_starting(&mut self, now: Duration) {
        let before = self.registered();
        if let Some(says_cpin) = self.starting.end_sim(now) {
            self.sim.busy = false;
            if let (true, Ok(state)) = (says_cpin, self.sim.state()) {
                self.send_urc(format!("+CPIN: {state}"));
            }
            self.registration_changed(before);
        }
        if self.sim.ready().is_ok() {
            self.urcs.extend(self.starting.end_sms(now));
        }
    }

    /// When the next of them is over.
    pub(crate) fn start_due(&self) -> Option<Duration> {
        self.starting.due(self.sim.ready().is_ok())
    }

    /// Takes a typed byte: its echo, and the input it completes.
    pub(crate) fn take_byte(&mut self, byte: u8) -> (Option<u8>, Option<Input>) {
        let echo = self.set.echo.then_some(byte);
        (echo, self.parser.take(byte))
    }

    /// Octets of the text typed so far, after a prompt.
    pub(crate) fn typed_payload(&self) -> Option<usize> {
        self.parser.typed_payload()
    }

    /// Radio on, SIM open and the network willing.
    pub(crate) fn reachable(&self) -> bool {
        self.registered().is_registered()
    }

    /// Where it is registered as it is now.
    fn registered(&self) -> Registration {
        if self.cfun == 1 && self.sim.ready().is_ok() { self.registration } else { Registration::NONE }
    }

    /// The registration of one domain, or of all there are, changes; sent as a URC where `+CREG=1` asked for it.
    pub(crate) fn set_registration(&mut self, domain: Option<Domain>, stat: u8) {
        let before = self.registered();
        match domain {
            Some(domain) => self.registration.set(domain, stat),
            None => self.registration.set_all(stat),
        }
        self.registration_changed(before);
    }

    fn registration_changed(&mut self, before: Registration) {
        let now = self.registered();
        for domain in Domain::ALL {
            let (stat, n) = (now.of(domain), self.set.creg[domain as usize]);
            if n > 0 && stat != before.of(domain) {
                let place = self.place(n, stat);
                self.urcs.push_back(format!("{}: {stat}{place}", domain.command()));
            }
        }
    }

    /// Sends an unsolicited line that no setting governs.
    pub(crate) fn send_urc(&mut self, line: impl Into<String>) {
        self.urcs.push_back(line.into());
    }

    /// The next line of the profile's noise.
    pub(crate) fn next_noise(&mut self) -> String {
        let noise = self.profile.noise;
        self.noise += 1;
        noise.get((self.noise - 1) % noise.len().max(1)).map_or_else(String::new, |l| (*l).to_string())
    }

    /// The next unsolicited line that may be sent now: none while a prompt holds the line.
    pub(crate) fn take_urc(&mut self) -> Option<String> {
        if self.parser.in_payload() { None } else { self.urcs.pop_front() }
    }

    pub(crate) fn take_uplink(&mut self) -> Option<Uplink> {
        self.uplink.pop_front()
    }

    /// The text after a prompt was refused before the modem read it.
    pub(crate) fn forget_payload(&mut self) {
        self.payload = None;
    }
}
