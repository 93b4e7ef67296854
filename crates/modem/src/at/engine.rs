//! The AT dialogue as a pure value: one command at a time.
//!
//! Bytes and `now` go in; [`Event`]s, bytes to write and a deadline come out. The engine never reads a clock and never
//! waits. It owns the command in flight and decides, line by line, what is echo, answer, final result code or
//! unsolicited. It must never lose an unsolicited message that cuts into an answer, nor an answer's line because one
//! cut in. Input is what was read from the port, in pieces of any size.
//!
//! | stage | entered by | input, and what follows |
//! |---|---|---|
//! | idle | start, or the end of a command | every line is unsolicited; a final result code is [`Event::Stray`] |
//! | `Answer` | a command without payload | its lines are kept; a final result code ends it: idle |
//! | `Prompt` | a command with payload | `>`: payload and Ctrl-Z are written: `Payload`; a refusal ends it: idle |
//! | `Payload` | the prompt | its lines are kept; `OK` after its answer and a refusal end it: idle |
//!
//! In every stage an echo is dropped and an unsolicited code becomes an event; `NO CARRIER` and the like are one, unless
//! the command is a call. While a command is in flight another is refused.
//!
//! A command's deadline is set by what it allows, and moved by its own answer only: what the modem says of other things
//! does not extend it. When the deadline passes, a command whose answer came without `OK`, or whose `OK` came without
//! its answer, has ended ([`Response::is_unfinished`]); any other has timed out. In `Prompt` ESC is written too, so that
//! the modem does not take the next command for a payload.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::command::{Command, Response};
use super::cusd::{self, OpenText};
use super::error::AtError;
use super::lexer::{Lexer, Token, Wanted, readable};
use super::params::is_hex;
use super::urc::{self, Header, Unsolicited, Urc};

/// Lines kept of one answer, enough for 2048 messages; the caller asks again for the others.
const MAX_LINES: usize = 4096;
/// Lines of one answer in all: no storage holds as many messages.
const MAX_ANSWER: usize = 1 << 20;
/// How long the final result code may take after the answer.
const FINAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for a modem that never gives one: for the rest of the answer.
const UNFINISHED_TIMEOUT: Duration = Duration::from_millis(300);
/// How long the answer may take after an `OK` that came before it.
const EARLY_OK_TIMEOUT: Duration = Duration::from_secs(10);
const CTRL_Z: u8 = 0x1A;
const ESC: u8 = 0x1B;

/// What the engine reports.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The modem prompted for the payload, which is to be written.
    Prompt,
    /// The command has ended.
    Done(Result<Response, AtError>),
    /// The command's deadline passed. Whose answer comes next is unknown.
    TimedOut {
        /// How long the modem was silent.
        after: Duration,
    },
    /// An unsolicited result code.
    Urc(Urc),
    /// A final result code while no command is in flight.
    Stray,
    /// The input is not an AT dialogue.
    Garbage,
}

/// A command could not be started: another is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight;

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Engine {
    lexer: Lexer,
    pending: Option<Pending>,
    /// First line of a two-line code, waiting for its PDU.
    header: Option<Header>,
    /// A `+CUSD` whose text goes on over the next line.
    text: Option<OpenText>,
    out: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    /// Ctrl-Z of the latest command was handed out for writing.
    submitted: bool,
}

#[derive(Debug)]
struct Pending {
    command: Command,
    response: Response,
    stage: Stage,
    deadline: Instant,
    allowed: Duration,
    /// Its answer has begun: a line with the prefix it expects, in `Payload` any line where it expects none.
    answered: bool,
    /// `OK` came before the answer.
    early_ok: bool,
    /// Lines of the answer, kept or not.
    lines: usize,
}

impl Pending {
    /// Whether a line is its answer or its final result code.
    fn is_result(&self, line: &str) -> bool {
        is_final(line) || self.command.expected_prefix().is_some_and(|prefix| line.starts_with(prefix))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Answer,
    Prompt,
    Payload,
}

impl Engine {
    /// Begins a command.
    pub fn start(&mut self, command: Command, now: Instant) -> Result<(), InFlight> {
        if self.pending.is_some() {
            return Err(InFlight);
        }
        let mut line = command.text().as_bytes().to_vec();
        line.push(b'\r');
        self.out.push_back(line);
        self.submitted = false;
        let (stage, allowed) = match command.payload_text() {
            Some(_) => (Stage::Prompt, command.prompt_timeout()),
            None => (Stage::Answer, command.answer_timeout()),
        };
        self.pending = Some(Pending {
            command,
            response: Response::default(),
            stage,
            deadline: now + allowed,
            allowed,
            answered: false,
            early_ok: false,
            lines: 0,
        });
        Ok(())
    }

    /// Takes bytes read from the port.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.end_silent_text(now);
        for byte in bytes {
            let wanted = match &self.pending {
                _ if self.text.is_some() => Wanted::Text,
                Some(pending) if pending.stage == Stage::Prompt => Wanted::Prompt,
                _ => Wanted::Line,
            };
            match self.lexer.push(*byte, wanted) {
                Some(Token::Line(line)) => self.line(&line, now),
                Some(Token::Prompt) => self.prompt(now),
                Some(Token::Junk) => self.events.push_back(Event::Garbage),
                None => {}
            }
        }
    }

    /// The next bytes to write, if any. Ctrl-Z always comes alone, so that after a failed write it is known whether it
    /// was written.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let chunk = self.out.pop_front()?;
        if chunk == [CTRL_Z] {
            self.submitted = true;
        }
        Some(chunk)
    }

    /// The next event, if any.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The answer to the command in flight is waited for no longer than this.
    pub fn end_by(&mut self, at: Instant) {
        if let Some(pending) = &mut self.pending {
            pending.deadline = pending.deadline.min(at);
        }
    }

    /// When to call [`Engine::handle_timeout`] while a command is in flight.
    pub fn deadline(&self) -> Option<Instant> {
        let deadline = self.pending.as_ref()?.deadline;
        Some(self.text_deadline().map_or(deadline, |text| text.min(deadline)))
    }

    /// When to call [`Engine::handle_timeout`] though no command is in flight: a `+CUSD` waits for the end of its text.
    pub fn text_deadline(&self) -> Option<Instant> {
        self.text.as_ref().map(OpenText::deadline)
    }

    /// Whether a command is in flight.
    pub fn is_busy(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether Ctrl-Z of the latest command was handed out for writing.
    pub fn submitted(&self) -> bool {
        self.submitted
    }

    /// Ends the command if its deadline has passed, and a text after a silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.end_silent_text(now);
        if self.pending.as_ref().is_none_or(|pending| now < pending.deadline) {
            return;
        }
        let Some(mut pending) = self.pending.take() else { return };
        self.out.clear();
        if pending.stage == Stage::Prompt {
            self.out.push_back(vec![ESC]);
        }
        self.events.push_back(if pending.answered || pending.early_ok {
            pending.response.is_unfinished = pending.answered;
            Event::Done(Ok(pending.response))
        } else {
            Event::TimedOut { after: pending.allowed }
        });
    }

    /// Drops the command in flight. Only for synchronisation, after which the session waits for silence.
    pub fn abandon(&mut self) {
        self.pending = None;
        self.out.clear();
    }

    fn prompt(&mut self, now: Instant) {
        let Some(pending) = &mut self.pending else { return };
        pending.stage = Stage::Payload;
        // OK in front of the prompt was that of a command in the same line.
        pending.early_ok = false;
        pending.allowed = pending.command.answer_timeout();
        pending.deadline = now + pending.allowed;
        self.out.push_back(pending.command.payload_text().unwrap_or_default().as_bytes().to_vec());
        self.out.push_back(vec![CTRL_Z]);
        self.events.push_back(Event::Prompt);
    }

    fn line(&mut self, line: &str, now: Instant) {
        if self.text.is_some() {
            return self.text_line(line, now);
        }
        if self.is_echo(line) {
            return;
        }
        // In the middle of an answer the announced length tells whose hexadecimal line this is: in a list nothing else does.
        let in_list = |pending: &Pending| {
            let last = pending.response.lines.last().map_or("", String::as_str);
            last.starts_with("+CMGL:") || last.starts_with("+CMGR:")
        };
        let is_loose = self.pending.as_ref().is_none_or(|pending| !in_list(pending));
        let for_header = |header: &mut Header| {
            is_hex(line)
                && (header.fits(line) || self.pending.is_none() || (is_loose && header.fits_loosely(line)))
        };
        if let Some(header) = self.header.take_if(for_header) {
            self.events.push_back(Event::Urc(header.with_body(line)));
            return;
        }
        if self.is_answer(line) {
            return self.answer(line, now);
        }
        if let Some(text) = OpenText::begin(line, now) {
            self.text = Some(text);
            return;
        }
        if let Some(unsolicited) = urc::read(line) {
            return self.unsolicited(unsolicited);
        }
        if line == "OK" {
            return self.success(now);
        }
        if let Some(error) = AtError::parse(line) {
            return self.failure(error, line);
        }
        // A lone prompt that nobody waits for.
        if line == ">" {
            return;
        }
        let urc = urc::unknown(line);
        // No answer reads like a notice of a message, whatever its form.
        let belongs = match &self.pending {
            Some(pending) if urc != Urc::SweepHint => {
                pending.command.expected_prefix().is_none() || !has_prefix(line)
            }
            _ => false,
        };
        if belongs { self.answer(line, now) } else { self.events.push_back(Event::Urc(urc)) }
    }

    fn unsolicited(&mut self, line: Unsolicited) {
        match line {
            Unsolicited::Complete(urc) => self.events.push_back(Event::Urc(urc)),
            // A header that never got its PDU is dropped.
            Unsolicited::Header(header) => self.header = Some(header),
            Unsolicited::Ignored => {}
        }
    }

    /// Until a text has ended, lines are part of it, unless they cannot be. While a message is being submitted, even what
    /// looks like its result may be: nothing is believed before the text has ended.
    fn text_line(&mut self, line: &str, now: Instant) {
        let is_never_text = |line: &String| {
            let is_answer = |pending: &Pending| pending.stage != Stage::Payload && pending.is_result(line);
            urc::is_never_text(line) || self.pending.as_ref().is_some_and(is_answer)
        };
        if let Some(line) = readable(&cusd::octets(line)).filter(is_never_text) {
            self.end_text();
            return self.line(&line, now);
        }
        if self.text.as_mut().is_some_and(|text| text.add(line, now)) {
            self.end_text();
        }
    }

    fn end_silent_text(&mut self, now: Instant) {
        let Some(text) = self.text.take_if(|text| now >= text.deadline()) else { return };
        let in_payload = |pending: &&Pending| pending.stage == Stage::Payload;
        let results: Vec<String> = match self.pending.as_ref().filter(in_payload) {
            Some(pending) => {
                let lines = text.lines().skip(1).filter_map(|line| readable(&cusd::octets(line)));
                lines.filter(|line| pending.is_result(line)).collect()
            }
            None => Vec::new(),
        };
        self.text = Some(text);
        self.end_text();
        // The quote that would have closed it is lost, so nobody knows whose words an error was.
        if results.iter().any(|line| AtError::parse(line).is_some()) {
            if let Some(pending) = self.pending.take() {
                self.events.push_back(Event::TimedOut { after: pending.allowed });
            }
            return;
        }
        results.iter().for_each(|line| self.line(line, now));
    }

    fn end_text(&mut self) {
        let Some(line) = self.text.take().map(OpenText::into_line) else { return };
        match urc::read(&line) {
            Some(unsolicited) => self.unsolicited(unsolicited),
            None => self.events.push_back(Event::Urc(Urc::Other(line))),
        }
    }

    fn is_echo(&self, line: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| {
            (pending.response.lines.is_empty() && line == pending.command.text())
                || (pending.stage == Stage::Payload && pending.command.payload_text() == Some(line))
        })
    }

    /// Whether a line has the prefix the command in flight waits for, and is not one of the codes
    /// that share it.
    fn is_answer(&self, line: &str) -> bool {
        let Some(pending) = &self.pending else { return false };
        let Some(prefix) = pending.command.expected_prefix() else { return false };
        let Some(rest) = line.strip_prefix(prefix) else { return false };
        // Not every unsolicited line is known as one.
        let is_first = || !pending.response.lines.iter().any(|line| line.starts_with(prefix));
        match prefix {
            // The answer has <n> before <stat>; the code has <stat> and then perhaps a cell. The
            // first line is the answer, what follows is unsolicited.
            "+CREG:" | "+CGREG:" | "+CEREG:" | "+C5GREG:" => {
                let second = rest.split(',').nth(1).unwrap_or_default().trim();
                is_first() && matches!(second.len(), 1 | 2) && second.parse::<u8>().is_ok()
            }
            "+CSQ:" | "+CPIN:" => is_first(),
            _ => true,
        }
    }

    fn answer(&mut self, line: &str, now: Instant) {
        let Some(pending) = &mut self.pending else { return };
        pending.lines += 1;
        if pending.lines > MAX_ANSWER {
            self.events.push_back(Event::Garbage);
            return;
        }
        let is_its_own = match pending.command.expected_prefix() {
            Some(prefix) => line.starts_with(prefix),
            None => pending.stage == Stage::Payload,
        };
        pending.answered |= is_its_own;
        if pending.response.lines.len() < MAX_LINES {
            pending.response.lines.push(line.to_string());
        } else {
            pending.response.is_cut = true;
        }
        if pending.answered && pending.command.is_list() {
            pending.deadline = now + pending.allowed;
        } else if is_its_own {
            let rest = if pending.command.is_unfinished() { UNFINISHED_TIMEOUT } else { FINAL_TIMEOUT };
            pending.deadline = now + rest;
        }
    }

    fn success(&mut self, now: Instant) {
        let Some(pending) = &mut self.pending else {
            self.events.push_back(Event::Stray);
            return;
        };
        // Some modems say OK before the prompt, or between prompt and result; the result is what counts.
        let is_early = match pending.stage {
            Stage::Answer => false,
            Stage::Prompt => true,
            Stage::Payload => pending.command.expected_prefix().is_some() && !pending.answered,
        };
        if !is_early {
            return self.end();
        }
        pending.early_ok = true;
        let rest = if pending.stage == Stage::Prompt { FINAL_TIMEOUT } else { EARLY_OK_TIMEOUT };
        pending.deadline = pending.deadline.min(now + rest);
    }

    fn end(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.events.push_back(Event::Done(Ok(pending.response)));
        }
    }

    fn failure(&mut self, error: AtError, line: &str) {
        let is_unsolicited = error.is_about_a_call()
            && !self.pending.as_ref().is_some_and(|pending| pending.command.is_call());
        if is_unsolicited {
            self.events.push_back(Event::Urc(Urc::CallEnded { words: line.to_string() }));
        } else if self.pending.take().is_some() {
            self.events.push_back(Event::Done(Err(error)));
        } else {
            self.events.push_back(Event::Stray);
        }
    }
}

/// `+NAME:`, `^NAME:`, `*NAME:` and the like.
fn has_prefix(line: &str) -> bool {
    let mut chars = line.chars();
    matches!(chars.next(), Some('+' | '^' | '*' | '#' | '$' | '%'))
        && chars.take_while(|c| *c != ' ').any(|c| c == ':')
}

fn is_final(line: &str) -> bool {
    line == "OK" || AtError::parse(line).is_some()
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
