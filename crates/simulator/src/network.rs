//! The simulated network: what it has to deliver, what was submitted to it, status reports, USSD.
//!
//! Owns the queues towards the modem and the log of everything it submitted. Must never drop a
//! message: what finds no room stays here until the modem takes it. Input is what the modem
//! submits and what a test asks for; `simulation/` carries things between it and the modem.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::modem::{Incoming, Kind, Modem, Offer};
use crate::now::Now;
use crate::options::{Options, Reports};
use crate::pdu;

/// A message the modem submitted and the network accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Since the simulator was made.
    pub at: Duration,
    /// The reference the modem gave it (the one in `+CMGS: <mr>` and in status reports).
    pub mr: u8,
    /// The PDU as the terminal typed it, service centre address included.
    pub pdu: String,
    /// Destination: `+49...` if international.
    pub to: String,
    /// Its text (of a concatenated message: this part's); `None` if it is not text.
    pub text: Option<String>,
    /// Reference, total and sequence of a concatenated message.
    pub concatenation: Option<(u16, u8, u8)>,
    /// A status report is asked for.
    pub report: bool,
    /// Message class.
    pub class: Option<u8>,
}

/// What the modem sent while it was in text mode: the typed text, to whatever stood behind `AT+CMGS=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentAsText {
    /// Since the simulator was made.
    pub at: Duration,
    /// The reference the modem gave it.
    pub mr: u8,
    /// Where it went, such as `25`.
    pub to: String,
    /// Such as the digits of a PDU.
    pub text: String,
}

/// The network's answer to a USSD code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ussd {
    /// The text shown.
    pub text: String,
    /// A menu: the network waits for a reply.
    pub more: bool,
}

struct Waiting {
    incoming: Incoming,
    not_before: Duration,
}

/// A report not yet sent: message reference, destination, when it was submitted.
struct PendingReport {
    mr: u8,
    to: String,
    sent: i64,
}

/// The network of one SIM.
pub(crate) struct Network {
    number: String,
    centre: String,
    submit_delay: Duration,
    pub(crate) reports: Reports,
    pub(crate) report_delay: Duration,
    retry_after: Duration,
    loopback: bool,
    messages: VecDeque<Waiting>,
    status_reports: VecDeque<Waiting>,
    held: Vec<PendingReport>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) sent_as_text: Vec<SentAsText>,
    pub(crate) ussd: HashMap<String, Ussd>,
}

impl Network {
    pub(crate) fn new(o: &Options) -> Self {
        Self {
            number: o.number.clone(),
            centre: o.service_centre.clone(),
            submit_delay: o.submit_delay,
            reports: o.reports,
            report_delay: o.report_delay,
            retry_after: o.retry_after,
            loopback: o.loopback,
            messages: VecDeque::new(),
            status_reports: VecDeque::new(),
            held: Vec::new(),
            sent: Vec::new(),
            sent_as_text: Vec::new(),
            ussd: HashMap::from([("*100#".into(), Ussd { text: "Balance: 12.34".into(), more: false })]),
        }
    }

    pub(crate) fn set_submit_delay(&mut self, delay: Duration) {
        self.submit_delay = delay;
    }

    /// Another SIM is the subscriber now.
    pub(crate) fn set_number(&mut self, number: &str) {
        self.number = number.into();
    }

    /// Service centre address for what is delivered.
    pub(crate) fn centre(&self) -> &str {
        &self.centre
    }

    /// Puts a PDU (a message or a status report, as its first octet shows) into the queue.
    pub(crate) fn queue(&mut self, pdu: String, not_before: Duration) {
        let class = pdu::class_of(&pdu);
        let kind = if pdu::is_report(&pdu) { Kind::Report } else { Kind::Message };
        self.put(Incoming { kind, pdu, class }, not_before);
    }

    fn put(&mut self, incoming: Incoming, not_before: Duration) {
        let queue = match incoming.kind {
            Kind::Message => &mut self.messages,
            Kind::Report => &mut self.status_reports,
        };
        queue.push_back(Waiting { incoming, not_before });
    }

    /// The modem could not pass it on: offered again later, ahead of the others.
    pub(crate) fn give_back(&mut self, incoming: Incoming, now: Now) {
        let queue = match incoming.kind {
            Kind::Message => &mut self.messages,
            Kind::Report => &mut self.status_reports,
        };
        queue.push_front(Waiting { incoming, not_before: now.elapsed + self.retry_after });
    }

    /// A message from the modem: when its answer comes, and which.
    pub(crate) fn submit(&mut self, mr: u8, pdu: &str, now: Now) -> (Duration, Result<(), u16>, String) {
        let answer_at = now.elapsed + self.submit_delay;
        let (read, decoded) = match pdu::read_submit(pdu) {
            Ok(both) => both,
            Err(why) => return (answer_at, Err(304), format!("refused by the network: {why}")),
        };
        let words = format!("submitted to {}: {}", read.to, read.text.as_deref().unwrap_or("(data)"));
        if self.loopback
            && !self.number.is_empty()
            && read.to == self.number
            && let Some(back) = pdu::loop_back(&self.centre, &self.number, decoded, now)
        {
            self.queue(back, answer_at);
        }
        if read.report {
            let pending = PendingReport { mr, to: read.to.clone(), sent: now.unix };
            match self.reports {
                Reports::After(status) => self.report(&pending, status, answer_at + self.report_delay, now),
                Reports::BeforeAnswer(status) => self.report(&pending, status, now.elapsed, now),
                Reports::Held => self.held.push(pending),
                Reports::Never => {}
            }
        }
        self.sent.push(Sent {
            at: now.elapsed,
            mr,
            pdu: pdu.into(),
            to: read.to,
            text: read.text,
            concatenation: read.concatenation,
            report: read.report,
            class: read.class,
        });
        (answer_at, Ok(()), words)
    }

    /// As [`submit`](Self::submit), in text mode: when the answer comes.
    pub(crate) fn submit_text(&mut self, mr: u8, to: String, text: String, now: Now) -> Duration {
        self.sent_as_text.push(SentAsText { at: now.elapsed, mr, to, text });
        now.elapsed + self.submit_delay
    }

    fn report(&mut self, pending: &PendingReport, status: u8, at: Duration, now: Now) {
        // An address that decoded also encodes; a report that did not would simply never come.
        if let Ok(pdu) = pdu::report(&self.centre, pending.mr, &pending.to, status, pending.sent, now) {
            self.put(Incoming { kind: Kind::Report, pdu, class: None }, at);
        }
    }

    /// Sends what [`Reports::Held`] kept, all with this status.
    pub(crate) fn release_reports(&mut self, status: u8, now: Now) -> usize {
        let held = std::mem::take(&mut self.held);
        for pending in &held {
            self.report(pending, status, now.elapsed, now);
        }
        held.len()
    }

    /// Offers the modem what is due; what happened, in words.
    pub(crate) fn offer_to(&mut self, modem: &mut Modem, now: Now) -> Vec<String> {
        let mut words = Vec::new();
        for queue in [&mut self.status_reports, &mut self.messages] {
            // Reports come at their own times; messages in order.
            while let Some(next) = queue.iter().position(|w| w.not_before <= now.elapsed) {
                let offer = modem.offer(&queue[next].incoming, now);
                match &offer {
                    Offer::NoRoom | Offer::NotNow => break,
                    Offer::Stored(storage, slot) => words.push(format!("stored in {storage} {slot}")),
                    Offer::HandedOver => words.push("handed over".into()),
                    Offer::Unacknowledged => words.push("handed over, waiting for +CNMA".into()),
                    Offer::Dropped => words.push("status report dropped: ds=0".into()),
                }
                queue.remove(next);
            }
        }
        words
    }

    /// PDUs that wait for the modem, reports included.
    pub(crate) fn waiting(&self) -> usize {
        self.messages.len() + self.status_reports.len()
    }

    /// When something becomes due that is not yet.
    pub(crate) fn next_due(&self, now: Now) -> Option<Duration> {
        let all = self.messages.iter().chain(&self.status_reports);
        all.map(|w| w.not_before).filter(|at| *at > now.elapsed).min()
    }
}
