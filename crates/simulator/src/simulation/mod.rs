//! One modem, its network, its faults and the line to the terminal: all that a lock protects.
//!
//! Owns the order of things: typed bytes -> command -> fault -> modem -> network -> answer -> bytes
//! with a time. Must never do I/O or wait: `serve.rs` and the handle call in with the time, and ask
//! when to come again ([`Simulation::deadline`]). `typed.rs` and `answered.rs` follow a
//! command through it, `connection.rs` and `hearing.rs` have the terminal's end.

mod answered;
mod connection;
mod hearing;
mod typed;

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::fault::{Fault, FaultPlan};
use crate::modem::Modem;
use crate::modem::answer::Answer;
use crate::modem::parser::Input;
use crate::network::Network;
use crate::now::Now;
use crate::options::Options;
use hearing::Hearing;

/// What the terminal's side of the modem is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Up,
    Hung,
    HungUntil(Duration),
    BootingUntil(Duration),
    Unplugged { back_at: Option<Duration> },
}

/// Who is at the other end.
#[derive(Clone, Copy)]
struct Connection {
    id: u64,
    /// Over, once what is due has been sent.
    ending: bool,
}

struct Chunk {
    at: Duration,
    bytes: Vec<u8>,
}

struct Chatter {
    line: String,
    every: Duration,
    next: Duration,
}

/// What a connection has to do next.
pub(crate) enum Next {
    Write(Vec<u8>),
    /// Nothing, until this time or a wake-up.
    Wait(Option<Duration>),
    /// The connection is over: unplugged, or another one took the line.
    Gone,
}

const MAX_JOURNAL_LINES: usize = 20_000;

/// Everything behind a [`Simulator`](crate::Simulator) handle.
pub(crate) struct Simulation {
    pub(crate) modem: Modem,
    pub(crate) network: Network,
    faults: FaultPlan,
    line: Line,
    hearing: Hearing,
    /// Typed and not yet read by the modem.
    typed: VecDeque<u8>,
    /// Received before a [`FaultKind::HangFor`], done after it.
    deferred: Option<Input>,
    /// The fault of the command in hand, for its later moments.
    armed: Option<Fault>,
    /// Of the command before, by [`FaultKind::Behind`](crate::FaultKind::Behind).
    kept_answer: Option<Answer>,
    /// When the network's answer to the message in hand comes, and which.
    submit_answer: Option<(Duration, Result<(), u16>)>,
    out: VecDeque<Chunk>,
    /// Answers keep their order: none before this.
    answers_from: Duration,
    /// A line is being sent in pieces until then; nothing may come between.
    sending_until: Duration,
    attached: Option<Connection>,
    connections: u64,
    /// How often the plug was pulled, by hand or otherwise.
    pub(crate) unpluggings: u64,
    ringing: Option<(String, Duration)>,
    /// A line that is printed again and again, even by a modem that hangs.
    chatter: Option<Chatter>,
    /// How often a command made the modem restart.
    pub(crate) resets: u64,
    references: u8,
    pub(crate) commands: Vec<String>,
    journal: VecDeque<String>,
    journal_dropped: u64,
    /// Changes with everything a watcher may want to see.
    pub(crate) version: u64,
    boot_time: Duration,
    leaves_bus: bool,
    gone_after_reset: bool,
    started: Instant,
    started_unix: i64,
    quarters: i8,
    pub(crate) baud: Option<u32>,
}

impl Simulation {
    pub(crate) fn new(o: &Options) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut modem = Modem::new(o);
        modem.power_up(Duration::ZERO);
        modem.leave_behind(&o.left_behind);
        Self {
            modem,
            network: Network::new(o),
            faults: FaultPlan::new(o.seed),
            line: Line::Up,
            hearing: Hearing::new(&o.profile, o.left_behind.data_mode),
            typed: VecDeque::new(),
            deferred: None,
            armed: None,
            kept_answer: None,
            submit_answer: None,
            out: VecDeque::new(),
            answers_from: Duration::ZERO,
            sending_until: Duration::ZERO,
            attached: None,
            connections: 0,
            unpluggings: 0,
            ringing: None,
            chatter: None,
            resets: 0,
            references: 0,
            commands: Vec::new(),
            journal: VecDeque::new(),
            journal_dropped: 0,
            version: 0,
            boot_time: o.boot_time,
            leaves_bus: o.profile.leaves_bus_at_reset,
            gone_after_reset: o.profile.gone_after_reset,
            started: Instant::now(),
            started_unix: i64::try_from(unix).unwrap_or_default(),
            quarters: o.utc_offset_quarters,
            baud: o.baud,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let elapsed = Instant::now().saturating_duration_since(self.started);
        let seconds = i64::try_from(elapsed.as_secs()).unwrap_or_default();
        Now { elapsed, unix: self.started_unix + seconds, quarters: self.quarters }
    }

    /// The moment on the clock that is `elapsed` after the start.
    pub(crate) fn instant(&self, elapsed: Duration) -> Instant {
        self.started + elapsed
    }

    pub(crate) fn note(&mut self, now: Now, words: &str) {
        self.version += 1;
        self.journal.push_back(format!("{:9.3} {words}", now.elapsed.as_secs_f64()));
        if self.journal.len() > MAX_JOURNAL_LINES {
            self.journal.pop_front();
            self.journal_dropped += 1;
        }
    }

    /// Journal lines from the n-th ever, and the number of the next.
    pub(crate) fn journal_from(&self, n: u64) -> (Vec<String>, u64) {
        let skip = usize::try_from(n.saturating_sub(self.journal_dropped)).unwrap_or(usize::MAX);
        let next = self.journal_dropped + self.journal.len() as u64;
        (self.journal.iter().skip(skip).cloned().collect(), next)
    }

    pub(crate) fn forget_past(&mut self) {
        self.journal_dropped += self.journal.len() as u64;
        self.journal.clear();
        self.commands.clear();
    }

    // ---- power and faults, by hand ----

    pub(crate) fn is_plugged(&self) -> bool {
        !matches!(self.line, Line::Unplugged { .. })
    }

    pub(crate) fn unplug(&mut self, now: Now, back_at: Option<Duration>) {
        self.note(now, "unplugged");
        self.power_off(now);
        self.leave_bus(back_at);
    }

    fn leave_bus(&mut self, back_at: Option<Duration>) {
        self.unpluggings += 1;
        if let Some(connection) = &mut self.attached {
            connection.ending = true;
        }
        self.line = Line::Unplugged { back_at };
    }

    pub(crate) fn plug(&mut self, now: Now) {
        if !self.is_plugged() {
            self.note(now, "plugged in");
            self.boot(now, Duration::ZERO);
        }
    }

    /// A restart, by command, fault or hand.
    pub(crate) fn restart(&mut self, now: Now) {
        self.note(now, "restarts");
        self.power_off(now);
        if self.leaves_bus || self.gone_after_reset {
            self.leave_bus(Some(now.elapsed + self.boot_time).filter(|_| !self.gone_after_reset));
        } else {
            self.boot(now, self.boot_time);
        }
    }

    /// A restart that takes no time, with these lines instead of the banner.
    pub(crate) fn restart_saying(&mut self, words: &[&str], now: Now) {
        self.note(now, "restarts");
        self.power_off(now);
        self.modem.replace_banner(words);
        self.line = Line::Up;
        self.send_urcs(now);
    }

    /// What a modem without power forgets. What it has already sent stays sent.
    fn power_off(&mut self, now: Now) {
        self.out.retain(|chunk| chunk.at <= now.elapsed);
        self.answers_from = Duration::ZERO;
        self.sending_until = Duration::ZERO;
        self.typed.clear();
        self.hearing.restart(now.elapsed);
        self.deferred = None;
        self.armed = None;
        self.kept_answer = None;
        self.submit_answer = None;
        self.ringing = None;
        self.modem.power_up(now.elapsed);
    }

    fn boot(&mut self, now: Now, time: Duration) {
        self.line = Line::BootingUntil(now.elapsed + time);
    }

    pub(crate) fn add_fault(&mut self, fault: Fault, now: Now) {
        self.faults.add(fault, now.elapsed);
    }

    /// No more faults; a hung modem answers again.
    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
        self.chatter = None;
        self.kept_answer = None;
        if matches!(self.line, Line::Hung | Line::HungUntil(_)) {
            self.line = Line::Up;
        }
    }

    /// Prints this line from now on, whatever else it does.
    pub(crate) fn repeat(&mut self, line: &str, every: Duration, now: Now) {
        self.chatter = Some(Chatter { line: line.into(), every, next: now.elapsed + every });
    }

    pub(crate) fn hang(&mut self, now: Now) {
        if self.is_plugged() {
            self.note(now, "hangs");
            self.line = Line::Hung;
        }
    }

    /// Rings every 5 s until [`Simulation::stop_ringing`].
    pub(crate) fn ring(&mut self, from: &str, now: Now) {
        self.ringing = Some((from.into(), now.elapsed));
    }

    pub(crate) fn stop_ringing(&mut self) {
        if self.ringing.take().is_some() {
            self.modem.send_urc("NO CARRIER");
        }
    }

    /// When to call [`Simulation::advance`] next, if nothing else happens.
    pub(crate) fn deadline(&self, now: Now) -> Option<Duration> {
        let line = match self.line {
            Line::HungUntil(at) | Line::BootingUntil(at) => Some(at),
            Line::Unplugged { back_at } => back_at,
            Line::Up | Line::Hung => None,
        };
        // What cannot be done in this state has no time: else its time would be due again and again.
        let radio_on = !matches!(self.line, Line::Unplugged { .. } | Line::BootingUntil(_));
        let submit = self.submit_answer.filter(|_| self.line == Line::Up).map(|(at, _)| at);
        let ring = self.ringing.as_ref().map(|(_, at)| *at);
        let modem = [self.modem.acknowledge_due(), self.modem.start_due(), self.modem.storages.reveal_due()];
        let chatter = self.chatter.as_ref().map(|chatter| chatter.next);
        let radio = [ring, chatter, self.network.next_due(now)].into_iter().chain(modem);
        let radio = radio.flatten().filter(|_| radio_on).min();
        let escape = self.hearing.data_mode_ends().filter(|_| self.line == Line::Up);
        [line, submit, radio, escape].into_iter().flatten().min()
    }

    // ---- time ----

    /// Does all that is due.
    pub(crate) fn advance(&mut self, now: Now) {
        match self.line {
            Line::Unplugged { back_at: Some(at) } if at <= now.elapsed => self.plug(now),
            Line::HungUntil(at) if at <= now.elapsed => self.line = Line::Up,
            _ => {}
        }
        if let Line::BootingUntil(at) = self.line
            && at <= now.elapsed
        {
            self.modem.power_up(now.elapsed);
            self.line = Line::Up;
        }
        if matches!(self.line, Line::Unplugged { .. } | Line::BootingUntil(_)) {
            return;
        }
        self.print_chatter(now);
        self.modem.storages.reveal(now.elapsed);
        self.modem.go_on_starting(now.elapsed);
        self.work(now);
        if self.line == Line::Up && self.hearing.end_data_mode(now.elapsed) {
            self.answer(Answer::ok(), now);
        }
        // The PIN may have come just now.
        self.modem.go_on_starting(now.elapsed);
        self.radio(now);
        if self.line == Line::Up {
            self.send_urcs(now);
        }
    }

    fn print_chatter(&mut self, now: Now) {
        if let Some(chatter) = self.chatter.as_mut().filter(|chatter| chatter.next <= now.elapsed) {
            chatter.next = now.elapsed + chatter.every;
            let line = format!("\r\n{}\r\n", chatter.line);
            self.put(now.elapsed.max(self.sending_until), line.into_bytes());
        }
    }

    fn send_urcs(&mut self, now: Now) {
        while let Some(line) = self.modem.take_urc() {
            self.note(now, &format!("<- {}", line.replace("\r\n", " | ")));
            let at = now.elapsed.max(self.sending_until);
            self.put(at, format!("\r\n{line}\r\n").into_bytes());
        }
    }

    fn radio(&mut self, now: Now) {
        self.modem.check_acknowledgement(now);
        for incoming in self.modem.take_returned() {
            self.note(now, "not acknowledged: back to the network");
            self.network.give_back(incoming, now);
        }
        if let Some((from, at)) = &mut self.ringing
            && *at <= now.elapsed
        {
            *at = now.elapsed + Duration::from_secs(5);
            let from = from.clone();
            self.modem.ring(&from);
        }
        for words in self.network.offer_to(&mut self.modem, now) {
            self.note(now, &words);
        }
    }
}
