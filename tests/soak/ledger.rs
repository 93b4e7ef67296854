//! Owns what crossed the proxy, by message: when it was published, acknowledged, accepted and ended.
//!
//! Crossings are taken out of the proxy's record as soon as their outcome is known, so that it stays short.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Instant;

use serde_json::Value;

use super::load::{Incoming, MODEMS, Request, name_in};
use crate::harness::proxy::{Crossing, Record};

/// A connection this much older than the newest is dead: no acknowledgement comes on it any more.
const DEAD_AFTER: usize = 4;

/// A message on its way in.
#[derive(Default)]
pub struct Arrival {
    pub from: &'static str,
    pub modem: usize,
    pub ids: BTreeSet<String>,
    pub published: usize,
    pub acknowledged: bool,
    pdus: Vec<String>,
}

/// One recipient of a request.
#[derive(Default)]
pub struct Outcome {
    pub text: String,
    /// Each distinct final state, and whether the broker took it over.
    pub finals: BTreeMap<String, bool>,
}

impl Outcome {
    pub fn is_over(&self) -> bool {
        self.finals.values().any(|taken| *taken)
    }
}

/// A request as a whole.
pub struct Asked {
    pub accepted: bool,
    /// The gateway acknowledged it to the broker: from then on it must not be needed again.
    pub taken: bool,
    pub asked_at: Instant,
}

pub struct Ledger {
    started: Instant,
    /// By text.
    pub arrivals: HashMap<String, Arrival>,
    pub arrived: usize,
    pub asked: BTreeMap<String, Asked>,
    /// By id and recipient.
    pub outcomes: BTreeMap<(String, String), Outcome>,
    pub over: usize,
    /// What nobody injected or asked for, and what contradicts the contract by itself.
    pub wrong: Vec<String>,
    /// All that crossed, in words: the life of a message is read from here.
    lines: Vec<String>,
    subscribed: HashSet<usize>,
}

impl Ledger {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            arrivals: HashMap::new(),
            arrived: 0,
            asked: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            over: 0,
            wrong: Vec::new(),
            lines: Vec::new(),
            subscribed: HashSet::new(),
        }
    }

    pub fn inject(&mut self, incoming: &Incoming, pdus: Vec<String>) {
        let arrival = Arrival { from: incoming.from, modem: incoming.modem, pdus, ..Arrival::default() };
        self.arrivals.insert(incoming.text.clone(), arrival);
    }

    pub fn ask(&mut self, request: &Request) {
        let asked = Asked { accepted: false, taken: false, asked_at: Instant::now() };
        self.asked.insert(request.id.clone(), asked);
        for to in &request.to {
            let outcome = Outcome { text: request.text.clone(), ..Outcome::default() };
            self.outcomes.insert((request.id.clone(), to.clone()), outcome);
        }
    }

    pub fn note(&mut self, words: &str) {
        self.lines.push(format!("{:8.3} {words}", self.started.elapsed().as_secs_f64()));
    }

    /// Injected or asked for, and not at its end.
    pub fn backlog(&self) -> (usize, usize) {
        (self.arrivals.len() - self.arrived, self.outcomes.len() - self.over)
    }

    /// Takes over what is decided in the proxy's record.
    pub fn harvest(&mut self, record: &mut Record) {
        let newest = record.connections.len();
        let decided = |crossing: &Crossing| {
            crossing.acknowledged.is_some()
                || crossing.publish.qos == 0
                || crossing.connection + DEAD_AFTER < newest
        };
        let (from, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut record.from_gateway).into_iter().partition(decided);
        record.from_gateway = rest;
        let (to, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut record.to_gateway).into_iter().partition(decided);
        record.to_gateway = rest;
        for connection in record.subscribed.drain(..) {
            self.subscribed.insert(connection);
        }
        for crossing in from {
            self.note_answer(&crossing);
        }
        for crossing in to {
            self.note_request(&crossing);
        }
    }

    /// At the end nothing is undecided any more.
    pub fn harvest_all(&mut self, record: &mut Record) {
        self.harvest(record);
        for crossing in std::mem::take(&mut record.from_gateway) {
            self.note_answer(&crossing);
        }
        for crossing in std::mem::take(&mut record.to_gateway) {
            self.note_request(&crossing);
        }
        self.wrong.append(&mut record.broken);
        self.wrong.append(&mut record.unlike_schema);
    }

    fn line(&mut self, direction: &str, crossing: &Crossing) {
        let publish = &crossing.publish;
        let fate = match crossing.acknowledged {
            Some(reason) => format!("acknowledged ({reason:#x})"),
            None => "never acknowledged".to_owned(),
        };
        let payload = String::from_utf8_lossy(&publish.payload);
        let dup = if publish.dup { " DUP" } else { "" };
        let words = format!(
            "connection {}: {direction} {} {payload} packet {}{dup}, {fate}",
            crossing.connection, publish.topic, publish.packet_id
        );
        self.note(&words);
    }

    fn note_answer(&mut self, crossing: &Crossing) {
        let topic = crossing.publish.topic.as_str();
        if let Some(modem) = topic.strip_prefix("sms/received/") {
            self.line("<-", crossing);
            self.received(modem, crossing);
        } else if topic == "sms/result" {
            self.line("<-", crossing);
            self.result(crossing);
        }
    }

    fn received(&mut self, modem: &str, crossing: &Crossing) {
        let json: Value = serde_json::from_slice(&crossing.publish.payload).unwrap_or_default();
        let text = json["text"].as_str().unwrap_or_default();
        let Some(arrival) = self.arrivals.get_mut(text) else {
            self.wrong.push(format!("nobody sent this: {json}"));
            return;
        };
        if json["from"] != arrival.from || modem != MODEMS[arrival.modem] || json["complete"] != true {
            self.wrong.push(format!("sent by {} to {}: {json}", arrival.from, MODEMS[arrival.modem]));
        }
        arrival.ids.insert(json["id"].to_string());
        arrival.published += 1;
        if crossing.is_taken_over() && !arrival.acknowledged {
            arrival.acknowledged = true;
            self.arrived += 1;
        }
    }

    fn result(&mut self, crossing: &Crossing) {
        let json: Value = serde_json::from_slice(&crossing.publish.payload).unwrap_or_default();
        let id = json["id"].as_str().unwrap_or_default().to_owned();
        let key = (id, json["to"].as_str().unwrap_or_default().to_owned());
        let (Some(outcome), Some(asked)) = (self.outcomes.get_mut(&key), self.asked.get_mut(&key.0)) else {
            self.wrong.push(format!("a result nobody asked for: {json}"));
            return;
        };
        let state = json["state"].as_str().unwrap_or_default();
        // A repeated request is answered with its last result: that proves as much.
        asked.accepted |= state == "accepted" || json["duplicate"] == true;
        if json["final"] == true {
            let was_over = outcome.is_over();
            *outcome.finals.entry(state.to_owned()).or_default() |= crossing.is_taken_over();
            self.over += usize::from(!was_over && outcome.is_over());
        }
    }

    fn note_request(&mut self, crossing: &Crossing) {
        self.line("->", crossing);
        let json: Value = serde_json::from_slice(&crossing.publish.payload).unwrap_or_default();
        if let Some(asked) = self.asked.get_mut(json["id"].as_str().unwrap_or_default()) {
            asked.taken |= crossing.acknowledged.is_some();
        }
    }

    /// What the network handed over for a message of this name.
    pub fn pdus(&self, name: &str) -> Vec<String> {
        let arrivals = self.arrivals.iter().filter(|(text, _)| name_in(text) == Some(name));
        arrivals.flat_map(|(_, arrival)| arrival.pdus.clone()).collect()
    }

    /// All lines that contain one of `words`, and of the rig's disturbances.
    pub fn life(&self, words: &[&str]) -> String {
        let mut life = String::new();
        for line in self.lines.iter().filter(|line| words.iter().any(|word| line.contains(word))) {
            let _ = writeln!(life, "{line}");
        }
        life
    }
}
