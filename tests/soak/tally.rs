//! Owns the counting and the table, and for the first offence the whole life of its message.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::PathBuf;

use super::ledger::{Ledger, Outcome};
use super::load::{self, MODEMS};
use super::on_air::{self, Doubles, Journal, Submission};
use super::phase::{Death, Unknown};
use super::soak_rig::SoakRig;

#[derive(Default)]
pub struct Tally {
    injected: usize,
    published: usize,
    lost: usize,
    same_id: usize,
    other_id: usize,
    requests: usize,
    recipients: usize,
    not_accepted: usize,
    without_final: usize,
    many_finals: usize,
    finals: BTreeMap<String, usize>,
    submissions: usize,
    never_on_air: usize,
    inside: usize,
    outside: usize,
    thrice: usize,
    in_report_mode: usize,
    wrong: usize,
    connections: usize,
    kills: usize,
    pub happened: BTreeMap<String, usize>,
    /// By kind: how many, and the first with all that is known of it.
    pub offences: BTreeMap<String, (usize, String)>,
    pub kept: Option<PathBuf>,
}

impl Tally {
    pub fn count(
        ledger: &Ledger,
        rig: &SoakRig,
        journals: &[Journal; 2],
        deaths: &[Death],
        on_unknown: Unknown,
    ) -> Self {
        let connections = rig.proxy.record().connections.len();
        let mut tally = Self { connections, kills: deaths.len(), ..Self::default() };
        let submissions = on_air::submissions(&rig.modems, journals, deaths);
        let life = |to: &str, name: &str| {
            let pdus = ledger.pdus(name);
            let mut life = ledger.life(&[&format!("<{name}."), &format!("\"{name}\""), "----"]);
            for (number, journal) in journals.iter().enumerate() {
                let (modem, profile) = (MODEMS[number], rig.modems[number].profile);
                let excerpt = on_air::excerpt(journal, to, &format!("<{name}."), &pdus);
                let _ = writeln!(life, "modem {modem} ({profile}):\n{excerpt}");
            }
            life
        };
        tally.count_received(ledger, &life);
        tally.count_requests(ledger, &submissions, &life);
        tally.count_on_air(ledger, &submissions, on_unknown, &life);
        for (modem, name) in rig.modems.iter().zip(MODEMS) {
            for sent in modem.simulator.sent_as_text() {
                tally.offend(
                    "digits sent as a text",
                    &format!("{name}, to {}", sent.to),
                    life("", &sent.text),
                );
            }
        }
        tally.wrong = ledger.wrong.len();
        if let Some(wrong) = ledger.wrong.first() {
            tally.offend("against the contract", wrong, ledger.wrong.join("\n"));
        }
        tally
    }

    fn count_received(&mut self, ledger: &Ledger, life: &dyn Fn(&str, &str) -> String) {
        for (text, arrival) in &ledger.arrivals {
            self.injected += 1;
            let name = load::name_in(text).unwrap_or_default();
            if arrival.acknowledged {
                self.published += 1;
            } else {
                self.lost += 1;
                self.offend("a received message is lost", text, life(arrival.from, name));
            }
            self.same_id += arrival.published - arrival.ids.len();
            if arrival.ids.len() > 1 {
                self.other_id += 1;
                self.offend("a received message has two ids", text, life(arrival.from, name));
            }
        }
    }

    fn count_requests(
        &mut self,
        ledger: &Ledger,
        submissions: &[Submission],
        life: &dyn Fn(&str, &str) -> String,
    ) {
        self.requests = ledger.asked.len();
        for (id, asked) in &ledger.asked {
            if !asked.accepted {
                self.not_accepted += 1;
                self.offend("a request was never accepted", id, life("", id));
            }
        }
        let parts = Parts::of(submissions);
        for ((id, to), outcome) in &ledger.outcomes {
            self.recipients += 1;
            let what = format!("{id} to {to}: {:?}", outcome.finals.keys());
            if !outcome.is_over() {
                self.without_final += 1;
                self.offend("a request without a final result", &what, life(to, id));
            }
            if outcome.finals.len() > 1 {
                self.many_finals += 1;
                self.offend("a request with several final results", &what, life(to, id));
            }
            for state in outcome.finals.keys() {
                *self.finals.entry(state.clone()).or_default() += 1;
                match state.as_str() {
                    "sent" | "delivered" if !parts.whole(id, to, outcome) => {
                        self.never_on_air += 1;
                        self.offend("it was not on air as asked", &what, life(to, id));
                    }
                    "sent" | "delivered" | "unknown" => {}
                    _ => self.offend("an end nothing here calls for", &what, life(to, id)),
                }
            }
        }
    }

    fn count_on_air(
        &mut self,
        ledger: &Ledger,
        submissions: &[Submission],
        on_unknown: Unknown,
        life: &dyn Fn(&str, &str) -> String,
    ) {
        self.submissions = submissions.len();
        for submission in submissions {
            let name = load::name_in(&submission.text).unwrap_or_default().to_owned();
            if !ledger.outcomes.contains_key(&(name.clone(), submission.to.clone())) {
                self.wrong += 1;
                self.offend("on air though nobody asked", &submission.text, life(&submission.to, &name));
            }
        }
        let doubles = Doubles::among(submissions);
        self.inside = doubles.inside.len();
        self.outside = doubles.outside.len();
        self.thrice = doubles.thrice.len();
        let mut offend = |what: &str, found: &[&Submission]| {
            for submission in found {
                let name = load::name_in(&submission.text).unwrap_or_default();
                let text = format!("{} at {:.3} s", submission.text, submission.at.as_secs_f64());
                self.offend(what, &text, life(&submission.to, name));
            }
        };
        offend("on air again outside the window", &doubles.outside);
        offend("on air three times", &doubles.thrice);
        if on_unknown == Unknown::Report {
            offend("on air again though on_unknown is report", &doubles.inside);
            self.in_report_mode = doubles.inside.len() + doubles.outside.len();
        }
    }

    /// Of each kind the first offence is printed with all that is known of it.
    pub fn offend(&mut self, what: &str, which: &str, life: String) {
        let first = || (0, format!("{which}\n{life}"));
        self.offences.entry(what.to_owned()).or_insert_with(first).0 += 1;
    }

    pub fn line(&self) -> String {
        format!(
            "  {} received, {} lost; {} sent, {} without a result; {} kills; doubled on air {} in the window, {} outside",
            self.injected,
            self.lost,
            self.recipients,
            self.without_final,
            self.kills,
            self.inside,
            self.outside
        )
    }

    pub fn add(&mut self, other: Self) {
        self.injected += other.injected;
        self.published += other.published;
        self.lost += other.lost;
        self.same_id += other.same_id;
        self.other_id += other.other_id;
        self.requests += other.requests;
        self.recipients += other.recipients;
        self.not_accepted += other.not_accepted;
        self.without_final += other.without_final;
        self.many_finals += other.many_finals;
        self.submissions += other.submissions;
        self.never_on_air += other.never_on_air;
        self.inside += other.inside;
        self.outside += other.outside;
        self.thrice += other.thrice;
        self.in_report_mode += other.in_report_mode;
        self.wrong += other.wrong;
        self.connections += other.connections;
        self.kills += other.kills;
        for (name, count) in other.finals {
            *self.finals.entry(name).or_default() += count;
        }
        for (name, count) in other.happened {
            *self.happened.entry(name).or_default() += count;
        }
        self.offences.extend(other.offences);
        self.kept = self.kept.take().or(other.kept);
    }

    pub fn table(&self) -> String {
        let mut table = String::new();
        let mut row = |name: &str, count: usize| {
            let _ = writeln!(table, "{name:52} {count:7}");
        };
        row("received: injected", self.injected);
        row("received: published and acknowledged", self.published);
        row("received: lost", self.lost);
        row("received: published again, same id", self.same_id);
        row("received: published again, other id", self.other_id);
        row("requests", self.requests);
        row("requests: never accepted", self.not_accepted);
        row("to send: recipients of requests", self.recipients);
        row("to send: without a final result", self.without_final);
        row("to send: with more than one", self.many_finals);
        for (state, count) in &self.finals {
            row(&format!("to send: final result {state}"), *count);
        }
        row("sent or delivered, yet not on air as asked", self.never_on_air);
        row("short messages on air", self.submissions);
        row("doubled on air, between Ctrl-Z and +CMGS", self.inside);
        row("doubled on air, outside of it", self.outside);
        row("doubled on air with on_unknown = \"report\"", self.in_report_mode);
        row("on air more than twice", self.thrice);
        row("against the contract otherwise", self.wrong);
        row("kills of the gateway", self.kills);
        for (name, count) in &self.happened {
            row(&format!("  {name}"), *count);
        }
        row("MQTT connections", self.connections);
        table
    }

    pub fn assert_promises(&self) {
        for (what, (count, first)) in &self.offences {
            println!("==== {what}, {count} times; the first: {first}");
        }
        let kept = self.kept.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let kinds: Vec<&String> = self.offences.keys().collect();
        assert!(kinds.is_empty(), "{kinds:?}; store, logs and configuration of that phase: {kept}");
        // By the way windows are found, one interruption excuses one message of one modem.
        assert!(self.inside <= self.kills * MODEMS.len() + self.happened.values().sum::<usize>());
    }
}

/// Parts on air by message and recipient.
struct Parts<'a>(HashMap<(&'a str, &'a str), Vec<&'a Submission>>);

impl<'a> Parts<'a> {
    fn of(submissions: &'a [Submission]) -> Self {
        let mut parts: HashMap<_, Vec<_>> = HashMap::new();
        for submission in submissions {
            let name = load::name_in(&submission.text).unwrap_or_default();
            parts.entry((name, submission.to.as_str())).or_default().push(submission);
        }
        Self(parts)
    }

    /// Whether all parts went out by one SIM (a phone joins no others) and are the text that was asked for.
    fn whole(&self, id: &str, to: &str, outcome: &Outcome) -> bool {
        let Some(parts) = self.0.get(&(id, to)) else { return false };
        (0..MODEMS.len()).any(|modem| {
            let by_sequence: BTreeMap<u8, &str> = parts
                .iter()
                .filter(|part| part.modem == modem)
                .map(|part| (part.part.1, part.text.as_str()))
                .collect();
            by_sequence.values().copied().collect::<String>() == outcome.text
        })
    }
}
