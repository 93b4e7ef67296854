//! One modem, its network, its faults and the line to the terminal, under one lock.
//!
//! Owns the order of things: typed bytes -> command -> fault -> modem -> network -> answer -> bytes
//! with a time. Must never do I/O or wait: `serve.rs` and the handle call in with the time, and ask
//! when to come again ([`World::deadline`]).

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::fault::{Fault, Moment, Occasion, Plan, Trouble};
use crate::modem::answer::{Answer, Refusal};
use crate::modem::parser::Input;
use crate::modem::{Me, Now, Step, Uplink};
use crate::network::Network;
use crate::options::{Options, Reports};

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
    /// Over, once what is due has been said.
    ending: bool,
}

struct Chunk {
    at: Duration,
    bytes: Vec<u8>,
}

/// What a connection has to do next.
pub(crate) enum Next {
    Write(Vec<u8>),
    /// Nothing, until this time or a wake-up.
    Wait(Option<Duration>),
    /// The connection is over: unplugged, or another one took the line.
    Gone,
}

const JOURNAL_LINES: usize = 20_000;

/// Everything behind a [`Simulator`](crate::Simulator) handle.
pub(crate) struct World {
    pub(crate) me: Me,
    pub(crate) network: Network,
    plan: Plan,
    line: Line,
    /// Typed and not yet read by the modem.
    typed: VecDeque<u8>,
    /// Received before a [`Trouble::HangFor`], done after it.
    deferred: Option<Input>,
    /// The fault of the command in hand, for its later moments.
    armed: Option<Fault>,
    /// When the network's answer to the message in hand comes, and which.
    submit_answer: Option<(Duration, Result<(), u16>)>,
    out: VecDeque<Chunk>,
    /// Answers keep their order: none before this.
    answers_from: Duration,
    /// A line is being said in pieces until then; nothing may come between.
    saying_until: Duration,
    attached: Option<Connection>,
    connections: u64,
    /// How often the plug was pulled, by hand or otherwise.
    pub(crate) unpluggings: u64,
    ringing: Option<(String, Duration)>,
    references: u8,
    pub(crate) commands: Vec<String>,
    journal: VecDeque<String>,
    journal_dropped: u64,
    /// Changes with everything a watcher may want to see.
    pub(crate) version: u64,
    boot_time: Duration,
    leaves_bus: bool,
    started: Instant,
    started_unix: i64,
    quarters: i8,
    pub(crate) baud: Option<u32>,
}

impl World {
    pub(crate) fn new(o: &Options) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut me = Me::new(o);
        me.power_up();
        Self {
            me,
            network: Network::new(o),
            plan: Plan::new(o.seed),
            line: Line::Up,
            typed: VecDeque::new(),
            deferred: None,
            armed: None,
            submit_answer: None,
            out: VecDeque::new(),
            answers_from: Duration::ZERO,
            saying_until: Duration::ZERO,
            attached: None,
            connections: 0,
            unpluggings: 0,
            ringing: None,
            references: 0,
            commands: Vec::new(),
            journal: VecDeque::new(),
            journal_dropped: 0,
            version: 0,
            boot_time: o.boot_time,
            leaves_bus: o.persona.leaves_bus_at_reset,
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
        if self.journal.len() > JOURNAL_LINES {
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
        if self.leaves_bus {
            self.leave_bus(Some(now.elapsed + self.boot_time));
        } else {
            self.boot(now, self.boot_time);
        }
    }

    /// What a modem without power forgets. What it has already said stays said.
    fn power_off(&mut self, now: Now) {
        self.out.retain(|chunk| chunk.at <= now.elapsed);
        self.answers_from = Duration::ZERO;
        self.saying_until = Duration::ZERO;
        self.typed.clear();
        self.deferred = None;
        self.armed = None;
        self.submit_answer = None;
        self.ringing = None;
        self.me.power_up();
    }

    fn boot(&mut self, now: Now, time: Duration) {
        self.line = Line::BootingUntil(now.elapsed + time);
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) {
        self.plan.add(fault);
    }

    /// No more faults; a hung modem answers again.
    pub(crate) fn clear_faults(&mut self) {
        self.plan.clear();
        if matches!(self.line, Line::Hung | Line::HungUntil(_)) {
            self.line = Line::Up;
        }
    }

    pub(crate) fn hang(&mut self, now: Now) {
        if self.is_plugged() {
            self.note(now, "hangs");
            self.line = Line::Hung;
        }
    }

    /// Rings every 5 s until [`World::stop_ringing`].
    pub(crate) fn ring(&mut self, from: &str, now: Now) {
        self.ringing = Some((from.into(), now.elapsed));
    }

    pub(crate) fn stop_ringing(&mut self) {
        if self.ringing.take().is_some() {
            self.me.say("NO CARRIER");
        }
    }

    // ---- the connection ----

    /// A new connection; it takes the line from any other. What was said to nobody is gone.
    pub(crate) fn attach(&mut self, now: Now) -> u64 {
        self.note(now, "terminal connected");
        self.connections += 1;
        self.attached = Some(Connection { id: self.connections, ending: false });
        self.out.clear();
        self.connections
    }

    pub(crate) fn detach(&mut self, id: u64, now: Now) {
        if self.has_line(id) {
            self.note(now, "terminal gone");
            self.attached = None;
            self.out.clear();
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        match self.line {
            Line::Hung | Line::BootingUntil(_) | Line::Unplugged { .. } => {}
            Line::Up | Line::HungUntil(_) => self.typed.extend(bytes),
        }
    }

    /// The connection is over at once, whatever was still to be said.
    pub(crate) fn cut(&mut self) {
        self.attached = None;
        self.out.clear();
    }

    /// Whether connection `id` still has the line.
    pub(crate) fn has_line(&self, id: u64) -> bool {
        self.attached.is_some_and(|c| c.id == id)
    }

    /// Whether connection `id` is over and has nothing more to say.
    pub(crate) fn is_gone(&self, id: u64) -> bool {
        !self.attached.is_some_and(|c| c.id == id && !(c.ending && self.out.is_empty()))
    }

    pub(crate) fn next(&mut self, id: u64, now: Now) -> Next {
        if self.is_gone(id) {
            return Next::Gone;
        }
        match self.out.pop_front_if(|chunk| chunk.at <= now.elapsed) {
            Some(chunk) => Next::Write(chunk.bytes),
            None => {
                let said = self.out.front().map(|chunk| chunk.at);
                Next::Wait([said, self.deadline(now)].into_iter().flatten().min())
            }
        }
    }

    /// A reference for a concatenated message nobody numbered.
    pub(crate) fn next_reference(&mut self) -> u16 {
        self.references = self.references.wrapping_add(1);
        u16::from(self.references)
    }

    /// When to call [`World::advance`] next, if nothing else happens.
    pub(crate) fn deadline(&self, now: Now) -> Option<Duration> {
        let line = match self.line {
            Line::HungUntil(at) | Line::BootingUntil(at) => Some(at),
            Line::Unplugged { back_at } => back_at,
            Line::Up | Line::Hung => None,
        };
        // What cannot be done in this state has no time: it must not make anybody wait in circles.
        let radio_on = !matches!(self.line, Line::Unplugged { .. } | Line::BootingUntil(_));
        let submit = self.submit_answer.filter(|_| self.line == Line::Up).map(|(at, _)| at);
        let ring = self.ringing.as_ref().map(|(_, at)| *at);
        let radio = [ring, self.network.next_due(now), self.me.acknowledge_due()];
        let radio = radio.into_iter().flatten().filter(|_| radio_on).min();
        [line, submit, radio].into_iter().flatten().min()
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
            self.me.power_up();
            self.line = Line::Up;
        }
        if matches!(self.line, Line::Unplugged { .. } | Line::BootingUntil(_)) {
            return;
        }
        self.work(now);
        self.radio(now);
        if self.line == Line::Up {
            self.say_urcs(now);
        }
    }

    fn say_urcs(&mut self, now: Now) {
        while let Some(line) = self.me.take_urc() {
            self.note(now, &format!("<- {}", line.replace("\r\n", " | ")));
            let at = now.elapsed.max(self.saying_until);
            self.put(at, format!("\r\n{line}\r\n").into_bytes());
        }
    }

    fn radio(&mut self, now: Now) {
        self.me.check_acknowledgement(now);
        for incoming in self.me.take_returned() {
            self.note(now, "not acknowledged: back to the network");
            self.network.give_back(incoming, now);
        }
        if let Some((from, at)) = &mut self.ringing
            && *at <= now.elapsed
        {
            *at = now.elapsed + Duration::from_secs(5);
            let from = from.clone();
            self.me.ring(&from);
        }
        for words in self.network.offer_to(&mut self.me, now) {
            self.note(now, &words);
        }
    }

    /// Reads what is typed, as far as the modem is free to.
    fn work(&mut self, now: Now) {
        loop {
            if self.line != Line::Up {
                return;
            }
            if let Some((at, verdict)) = self.submit_answer {
                if at > now.elapsed {
                    return;
                }
                self.submit_answer = None;
                let answer = self.me.finish_submit(verdict);
                self.answer(answer, now);
                continue;
            }
            if let Some(input) = self.deferred.take() {
                self.act(&input, now);
                continue;
            }
            let mut echo = Vec::new();
            let mut complete = None;
            while let Some(byte) = self.typed.pop_front() {
                let (echoed, input) = self.me.take_byte(byte);
                echo.extend(echoed);
                if input.is_some() {
                    complete = input;
                    break;
                }
            }
            if !echo.is_empty() {
                self.put(now.elapsed.max(self.answers_from), echo);
            }
            match complete {
                Some(input) => self.meet(&input, now),
                None => return,
            }
        }
    }

    /// A complete input: its fault first, then the modem.
    fn meet(&mut self, input: &Input, now: Now) {
        let (words, struck) = match input {
            Input::Line(line) => (line.clone(), self.plan.strike(Occasion::Command(line))),
            Input::Payload(text) => (format!("{text}^Z"), self.plan.strike(Occasion::Payload)),
            Input::Cancelled => ("^[".into(), None),
        };
        self.note(now, &format!("-> {words}"));
        self.commands.push(words);
        if let Some(fault) = &struck {
            self.note(now, &format!("fault: {:?} ({:?})", fault.trouble, fault.moment));
        }
        match struck {
            Some(Fault { moment: Moment::Received, trouble, .. }) => match trouble {
                Trouble::HangFor(time) => {
                    self.deferred = Some(input.clone());
                    self.line = Line::HungUntil(now.elapsed + time);
                }
                Trouble::Cms(n) => self.refuse(input, Refusal::Cms(n), now),
                Trouble::Cme(n) => self.refuse(input, Refusal::Cme(n), now),
                ref trouble if self.break_down(trouble, now) => {}
                trouble => {
                    self.armed = Some(Fault::on("", trouble).acted());
                    self.act(input, now);
                }
            },
            armed => {
                self.armed = armed;
                self.act(input, now);
            }
        }
    }

    /// The troubles that end what the modem was doing; whether it was one.
    fn break_down(&mut self, trouble: &Trouble, now: Now) -> bool {
        match trouble {
            Trouble::Hang => self.hang(now),
            Trouble::Reset => self.restart(now),
            Trouble::Vanish(time) => self.unplug(now, Some(now.elapsed + *time)),
            _ => return false,
        }
        true
    }

    fn refuse(&mut self, input: &Input, refusal: Refusal, now: Now) {
        if matches!(input, Input::Payload(_)) {
            self.me.forget_payload();
        }
        let answer = Answer { blocks: Vec::new(), result: Some(self.me.refuse(refusal)) };
        self.answer(answer, now);
    }

    fn act(&mut self, input: &Input, now: Now) {
        let step = self.me.execute(input, now);
        self.carry_uplink(now);
        match step {
            Step::Answer(answer) => self.answer(answer, now),
            Step::Waiting => {}
            Step::Restart(answer) => {
                self.answer(answer, now);
                self.restart(now);
            }
        }
    }

    fn carry_uplink(&mut self, now: Now) {
        while let Some(uplink) = self.me.take_uplink() {
            match uplink {
                Uplink::Submit { mr, pdu } => {
                    let (at, verdict, words) = self.network.submit(mr, &pdu, now);
                    self.note(now, &words);
                    if matches!(self.network.reports, Reports::BeforeAnswer(_)) {
                        self.radio(now);
                        self.say_urcs(now);
                    }
                    self.submit_answer = Some((at, verdict));
                }
                Uplink::Ussd(code) => match self.network.ussd.get(&code) {
                    Some(answer) => self.me.ussd(&answer.text.clone(), answer.more),
                    None => self.me.ussd_ended(),
                },
                Uplink::UssdCancel => self.me.ussd_ended(),
                Uplink::HangUp => self.ringing = None,
            }
        }
    }

    /// Says an answer, as the armed fault has it.
    fn answer(&mut self, mut answer: Answer, now: Now) {
        let armed = self.armed.take();
        let (moment, trouble) = match &armed {
            Some(fault) => (fault.moment, Some(&fault.trouble)),
            None => (Moment::Acted, None),
        };
        let mut at = now.elapsed.max(self.answers_from).max(self.saying_until);
        let mut pause = None;
        let mut noisy = false;
        if moment != Moment::Answered || trouble.is_some_and(|t| !breaks(t)) {
            match trouble {
                Some(Trouble::Swallow) => return,
                Some(Trouble::Late(time)) => {
                    at += *time;
                    self.answers_from = at;
                }
                Some(Trouble::HangFor(time)) => {
                    at += *time;
                    self.line = Line::HungUntil(at);
                }
                Some(Trouble::Cms(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.me.refuse(Refusal::Cms(*n))) };
                }
                Some(Trouble::Cme(n)) => {
                    answer = Answer { blocks: vec![], result: Some(self.me.refuse(Refusal::Cme(*n))) };
                }
                Some(Trouble::Split(time)) => pause = Some(*time),
                Some(Trouble::Noise) => noisy = true,
                Some(Trouble::Junk(bytes)) => self.put(at, bytes.clone()),
                Some(trouble) if self.break_down(trouble, now) => return,
                _ => {}
            }
        }
        for line in answer.blocks.iter().flatten().chain(&answer.result) {
            self.note(now, &format!("<- {line}"));
        }
        let bytes = answer.render(|| noisy.then(|| self.me.next_noise()));
        match pause {
            None => self.put(at, bytes),
            Some(pause) => {
                for byte in bytes {
                    self.put(at, vec![byte]);
                    at += pause;
                }
                self.saying_until = at;
            }
        }
        if moment == Moment::Answered {
            match trouble {
                Some(Trouble::HangFor(time)) => self.line = Line::HungUntil(now.elapsed + *time),
                Some(trouble) => drop(self.break_down(trouble, now)),
                None => {}
            }
        }
    }

    /// Queues bytes for the terminal, in order of time; said to nobody if there is none.
    fn put(&mut self, at: Duration, bytes: Vec<u8>) {
        if self.attached.is_some_and(|c| !c.ending) {
            let place = self.out.partition_point(|chunk| chunk.at <= at);
            self.out.insert(place, Chunk { at, bytes });
        }
    }
}

/// Troubles that begin after the answer, if that is their moment.
fn breaks(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Hang | Trouble::HangFor(_) | Trouble::Reset | Trouble::Vanish(_))
}
