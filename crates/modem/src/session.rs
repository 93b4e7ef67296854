//! One life of a connection to a modem.
//!
//! Owns the port, the engine and the queue of unsolicited result codes; runs one command at a time. Decides what the
//! end of a command means:
//!
//! | the command ended | is the session good? | what follows |
//! |---|---|---|
//! | refused | yes | [`ModemError::Refused`]; `refusals` decides when it is tried again |
//! | late | yes | the answer; [`Learned`] gives the command more time from then on |
//! | not at all | no: nobody knows whose answer comes next | [`ModemError::Timeout`], the session's fault |
//! | with another command's answer | no | [`LinkFault::OutOfStep`], the session's fault |
//!
//! It must never spawn, never repeat a command by itself and never go on after a fault; the way out of one is to take
//! the session apart ([`Session::into_parts`]) and begin a new one with [`crate::bring_up`]. Input is the port's bytes.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::at::command::{Command, Response};
use crate::at::engine::{Engine, Event};
use crate::at::urc::Urc;
use crate::error::{LinkFault, ModemError};
use crate::learned::Learned;
use crate::memory::Memory;
use crate::profile::{self, Profile};
use crate::refusals::{Ability, Refusals, Refused};
use crate::remains::Remains;
use crate::session_options::SessionOptions;
use crate::step::Step;
use crate::storage::Storage;
use crate::urc_queue::UrcQueue;

/// How long a modem whose answers came out of step is listened to after each answer.
const LINGER: Duration = Duration::from_millis(150);

/// What stands for the prompt in [`Learned`].
const PROMPT: &str = "the prompt";

/// How long an answer is awaited once the modem has said words that follow a start.
const ANSWER_AFTER_START: Duration = Duration::from_secs(20);

/// Some modems lose what is typed right after the prompt.
const PROMPT_PAUSE: Duration = Duration::from_millis(100);

/// A byte stream to a modem. Implemented for every type that has these traits.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection to a modem.
#[derive(Debug)]
pub struct Session<P> {
    port: P,
    engine: Engine,
    queue: UrcQueue,
    buffer: Box<[u8; 1024]>,
    /// Set once; every later call returns it.
    fault: Option<ModemError>,
    /// From then on an announced start is a fault.
    synchronised: bool,
    /// From then on words that follow a start are a fault, too.
    configured: bool,
    /// Words that follow a start, not before this: the bring-up itself makes the modem say them.
    started_by_us: Option<Instant>,
    /// The words by which the modem said that it has restarted.
    restarted: Option<String>,
    step: Step,
    options: SessionOptions,
    /// When the port was last read.
    last_read_at: Instant,
    /// When something was last typed.
    last_typed_at: Instant,
    pub(crate) refusals: Refusals,
    pub(crate) memory: Memory,
}

impl<P> Session<P> {
    /// A session over a freshly opened port. [`crate::bring_up::synchronise`] comes first.
    pub fn new(port: P) -> Self {
        Self::with_options(port, SessionOptions::default())
    }

    /// A session that knows what an earlier one learnt.
    pub fn with_options(port: P, options: SessionOptions) -> Self {
        Self {
            port,
            engine: Engine::default(),
            queue: UrcQueue::default(),
            buffer: Box::new([0; 1024]),
            fault: None,
            synchronised: false,
            configured: false,
            started_by_us: None,
            restarted: None,
            step: Step::default(),
            options,
            last_read_at: Instant::now(),
            last_typed_at: Instant::now(),
            refusals: Refusals::default(),
            memory: Memory::default(),
        }
    }

    /// What was read from the port before the session began.
    pub fn hear(&mut self, octets: &[u8]) {
        self.engine.feed(octets, Instant::now().into_std());
        while let Some(event) = self.engine.poll_event() {
            if let Event::Urc(urc) = event {
                self.queue.push(urc);
            }
        }
    }

    /// The fault that ended the session, if one did.
    pub fn fault(&self) -> Option<&ModemError> {
        self.fault.as_ref()
    }

    /// What is known about this family of modems.
    pub fn profile(&self) -> Profile {
        self.options.overrides.profile.or(self.options.learned.family).unwrap_or(profile::GENERIC)
    }

    /// How long nothing was read from the port.
    pub fn silent_for(&self) -> Duration {
        self.last_read_at.elapsed()
    }

    /// How long nothing was typed: a modem may sleep, whatever it says by itself.
    pub fn idle_for(&self) -> Duration {
        self.last_typed_at.elapsed()
    }

    /// What this session and earlier ones learnt about the modem.
    pub fn learned(&self) -> &Learned {
        &self.options.learned
    }

    pub(crate) fn learned_mut(&mut self) -> &mut Learned {
        &mut self.options.learned
    }

    /// What the modem refuses for now and a user would miss.
    pub fn refused(&self) -> Vec<Refused> {
        self.refusals.needed().collect()
    }

    /// When the first of [`Session::refused`] that is not due yet will be.
    pub fn refused_until(&self) -> Option<Instant> {
        self.refusals.next_at(Instant::now())
    }

    /// Cell broadcast channels to listen to.
    pub(crate) fn broadcast(&self) -> String {
        self.options.broadcast.join(",")
    }

    /// The user's commands for after the profile's.
    pub(crate) fn extra_init(&self) -> Vec<String> {
        self.options.overrides.init.clone()
    }

    pub(crate) fn reset_command(&self) -> Option<String> {
        self.options.reset_command()
    }

    /// Takes the session apart.
    pub fn into_parts(mut self) -> Remains<P> {
        // Behind the words that ended it there may be more.
        self.hear(&[]);
        Remains { port: self.port, learned: self.options.learned, unsolicited: self.queue.into() }
    }

    pub(crate) fn reads_by_slot(&self, storage: Storage) -> bool {
        self.options.learned.prefer_cmgr
            || self.profile().reads_by_slot
            || !self.refusals.is_due(&Ability::List(storage), Instant::now())
    }

    /// From now on an announced start means that the modem has restarted.
    pub(crate) fn set_synchronised(&mut self) {
        self.synchronised = true;
    }

    /// From now on the words that follow a start mean it, too.
    pub(crate) fn set_configured(&mut self) {
        self.configured = true;
    }

    /// The bring-up has started the modem's radio or opened its SIM: it will say so, however late.
    pub(crate) fn set_started_by_us(&mut self) {
        self.started_by_us = Some(Instant::now());
    }

    fn fail(&mut self, error: ModemError) -> ModemError {
        tracing::debug!("the session ends: {error}");
        self.fault.get_or_insert(error).clone()
    }

    fn link(&mut self, fault: LinkFault) -> ModemError {
        self.fail(ModemError::Link(fault))
    }

    /// Queues an unsolicited code, unless it ends the session.
    fn unsolicited(&mut self, urc: Urc) -> Result<(), ModemError> {
        match &urc {
            Urc::Boot { banner } if self.synchronised => {
                let banner = banner.clone();
                return Err(self.link(LinkFault::Restarted { banner }));
            }
            Urc::Started { words } => self.on_started(words),
            Urc::MessageStored { storage, .. } | Urc::ReportStored { storage, .. } => {
                self.options.learned.announce(*storage);
            }
            _ => {}
        }
        self.queue.push(urc);
        Ok(())
    }

    /// Words that follow a start mean one, unless the bring-up led to them. The answer to the command in flight is
    /// still awaited, for a while: it says more.
    fn on_started(&mut self, words: &str) {
        const STARTING: Duration = Duration::from_secs(90);
        let is_ours = self.started_by_us.is_some_and(|at| at.elapsed() <= STARTING);
        if self.configured && !is_ours && self.options.learned.started(Instant::now()) {
            self.restarted = Some(words.to_owned());
            self.engine.end_by((Instant::now() + ANSWER_AFTER_START).into_std());
        }
    }

    /// A final result code that belongs to no command. One whose answers came out of step before is known for it.
    fn on_stray(&mut self) {
        if !self.options.learned.lingers {
            self.step.stray();
        }
    }

    /// The session's fault, if it has one.
    fn check(&mut self) -> Result<(), ModemError> {
        if let Some(banner) = self.restarted.take() {
            return Err(self.link(LinkFault::Restarted { banner }));
        }
        self.fault.clone().map_or(Ok(()), Err)
    }
}

impl<P: Stream> Session<P> {
    /// Sends a command and waits for its final result code. Not cancel-safe: dropped before that, it leaves a session
    /// that only returns errors.
    pub async fn command(&mut self, command: Command) -> Result<Response, ModemError> {
        self.check()?;
        let has_payload = command.payload_text().is_some();
        // Before a message is handed over, never behind it: the check would hide whether it was.
        if has_payload && self.step.is_doubtful() {
            self.verify_step().await?;
        }
        let (text, is_question) = (command.text().to_string(), !command.may_be_unanswered());
        let allowed = self.options.learned.patience(&text, command.answer_timeout());
        let began_at = Instant::now();
        let is_unfinished = self.options.learned.is_unfinished(&text);
        let for_prompt = self.options.learned.patience(PROMPT, command.prompt_timeout());
        let command = command.timeout(allowed).unfinished(is_unfinished).with_prompt_timeout(for_prompt);
        let answer = self.exchange(command).await;
        match &answer {
            Ok(response) if response.is_unfinished => self.options.learned.set_unfinished(&text),
            Ok(_) | Err(ModemError::Refused { .. }) => {
                self.options.learned.answered(&text, allowed, began_at.elapsed());
            }
            Err(ModemError::Timeout { after, .. }) => {
                let late = if has_payload && !self.may_have_submitted() { PROMPT } else { &text };
                self.options.learned.timed_out(late, *after);
            }
            Err(_) => {}
        }
        if let Ok(response) = &answer
            && is_question
        {
            self.step.answered(response.lines.is_empty());
        }
        if self.options.learned.lingers && !matches!(&answer, Err(error) if error.is_fatal()) {
            // A fault there is returned by the next call.
            let _ = self.discard_late_answers(LINGER).await;
        }
        if self.step.is_doubtful() && !has_payload {
            self.verify_step().await?;
        }
        answer
    }

    /// Asks what every modem answers in one way, and if that is not answered, once more: whose answers are one behind
    /// answers then. Some say `OK` to whatever they do not know: their answers are in step.
    async fn verify_step(&mut self) -> Result<(), ModemError> {
        let mut is_second = false;
        loop {
            self.step.forget_signs();
            let asked = Command::new("AT+CMGF?").answer_prefix("+CMGF:");
            let is_answered = match self.exchange(asked).await {
                Ok(response) => !response.lines.is_empty(),
                Err(ModemError::Refused { .. }) => return Ok(()),
                Err(error) => return Err(error),
            };
            let has_strays = self.step.has_signs();
            match (is_answered, is_second) {
                (true, false) if !has_strays => return Ok(()),
                (false, false) => is_second = true,
                (false, true) if !has_strays => {
                    self.step.says_ok_to_all();
                    return Ok(());
                }
                _ => break,
            }
        }
        self.options.learned.lingers = true;
        Err(self.link(LinkFault::OutOfStep))
    }

    /// One command and its answer.
    async fn exchange(&mut self, command: Command) -> Result<Response, ModemError> {
        let shown = command.to_string();
        if self.engine.start(command, Instant::now().into_std()).is_err() {
            return Err(self.link(LinkFault::Abandoned));
        }
        let mut is_prompted = false;
        loop {
            // Before anything is written: a modem that says it has restarted is not given the message it prompts for.
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Prompt => {
                        is_prompted = true;
                        tokio::time::sleep(PROMPT_PAUSE).await;
                    }
                    Event::Done(answer) => {
                        // A fault right after the answer is returned by the next call.
                        let _ = self.queue_events();
                        return answer.map_err(|error| ModemError::Refused { command: shown, error });
                    }
                    Event::TimedOut { after } => {
                        self.check()?;
                        let error = self.fail(ModemError::Timeout { command: shown, after });
                        // The ESC for a modem that may still wait for a payload.
                        while let Some(chunk) = self.engine.poll_transmit() {
                            let _ = timeout(Duration::from_secs(1), self.port.write_all(&chunk)).await;
                        }
                        return Err(error);
                    }
                    Event::Urc(urc) => self.unsolicited(urc)?,
                    // The late result of the command before this one.
                    Event::Stray => self.on_stray(),
                    Event::Garbage => return Err(self.link(LinkFault::Garbage)),
                }
            }
            if std::mem::take(&mut is_prompted) {
                self.check()?;
            }
            self.transmit().await?;
            self.receive().await?;
        }
    }

    /// The next unsolicited result code; one that came during a command is returned at once. Cancel-safe.
    pub async fn next_event(&mut self) -> Result<Urc, ModemError> {
        loop {
            if let Some(urc) = self.queue.pop() {
                return Ok(urc);
            }
            self.check()?;
            if self.engine.is_busy() {
                return Err(self.link(LinkFault::Abandoned));
            }
            let read = self.port.read(&mut self.buffer[..]);
            let read = match self.engine.text_deadline() {
                Some(until) => timeout_at(Instant::from_std(until), read).await,
                None => Ok(read.await),
            };
            match read {
                Ok(Ok(0)) => return Err(self.link(LinkFault::Gone)),
                Ok(Ok(n)) => self.feed_engine(n),
                Ok(Err(error)) => return Err(self.link(LinkFault::Io(error.to_string()))),
                Err(_) => self.engine.handle_timeout(Instant::now().into_std()),
            }
            self.queue_events()?;
        }
    }

    /// A command whose timeout is no fault, for synchronisation only: `Ok(None)` where nothing came.
    /// The caller must [`Session::discard_late_answers`] before it sends anything else.
    pub(crate) async fn attempt(&mut self, command: Command) -> Result<Option<Response>, ModemError> {
        self.check()?;
        match self.exchange(command).await {
            Ok(response) => Ok(Some(response)),
            Err(ModemError::Timeout { .. }) => {
                self.fault = None;
                self.engine.abandon();
                Ok(None)
            }
            Err(ModemError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes raw bytes, outside any command.
    pub(crate) async fn write_raw(&mut self, bytes: &[u8]) -> Result<(), ModemError> {
        match timeout(Duration::from_secs(2), self.port.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.link(LinkFault::Io(error.to_string()))),
            Err(_) => Err(self.link(LinkFault::Io("it takes no data".into()))),
        }
    }

    /// Reads until the port was silent for `quiet`: late answers are discarded, unsolicited codes are kept.
    pub(crate) async fn discard_late_answers(&mut self, quiet: Duration) -> Result<(), ModemError> {
        let end = Instant::now() + 10 * quiet;
        while let Ok(read) =
            timeout_at(end.min(Instant::now() + quiet), self.port.read(&mut self.buffer[..])).await
        {
            match read {
                Ok(0) => return Err(self.link(LinkFault::Gone)),
                Ok(n) => self.feed_engine(n),
                Err(error) => return Err(self.link(LinkFault::Io(error.to_string()))),
            }
            while let Some(event) = self.engine.poll_event() {
                if let Event::Urc(urc) = event {
                    self.unsolicited(urc)?;
                }
            }
            if Instant::now() >= end {
                break;
            }
        }
        Ok(())
    }

    /// Whether nothing so far speaks against the answers being in step.
    pub(crate) fn is_in_step(&self) -> bool {
        self.fault.is_none() && self.step.was_never_doubtful()
    }

    /// Whether the payload of the latest command has left, or may have: Ctrl-Z was handed out for writing.
    pub fn may_have_submitted(&self) -> bool {
        self.engine.submitted()
    }

    async fn transmit(&mut self) -> Result<(), ModemError> {
        while let Some(chunk) = self.engine.poll_transmit() {
            self.last_typed_at = Instant::now();
            let until = self.engine.deadline().map_or_else(Instant::now, Instant::from_std);
            let written = timeout_at(until, async {
                self.port.write_all(&chunk).await?;
                self.port.flush().await
            });
            match written.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.link(LinkFault::Io(error.to_string()))),
                Err(_) => return Err(self.link(LinkFault::Io("it takes no data".into()))),
            }
        }
        Ok(())
    }

    /// Reads once, or until the command's deadline.
    async fn receive(&mut self) -> Result<(), ModemError> {
        let until = self.engine.deadline().map_or_else(Instant::now, Instant::from_std);
        match timeout_at(until, self.port.read(&mut self.buffer[..])).await {
            Ok(Ok(0)) => return Err(self.link(LinkFault::Gone)),
            Ok(Ok(n)) => self.feed_engine(n),
            Ok(Err(error)) => return Err(self.link(LinkFault::Io(error.to_string()))),
            Err(_) => {}
        }
        self.engine.handle_timeout(Instant::now().into_std());
        Ok(())
    }

    fn feed_engine(&mut self, n: usize) {
        self.last_read_at = Instant::now();
        self.engine.feed(&self.buffer[..n], self.last_read_at.into_std());
    }

    /// Queues the unsolicited codes the engine has read while no command is in flight.
    fn queue_events(&mut self) -> Result<(), ModemError> {
        while let Some(event) = self.engine.poll_event() {
            match event {
                Event::Urc(urc) => self.unsolicited(urc)?,
                Event::Stray => self.on_stray(),
                Event::Garbage => return Err(self.link(LinkFault::Garbage)),
                Event::Prompt | Event::Done(_) | Event::TimedOut { .. } => {}
            }
        }
        Ok(())
    }
}
