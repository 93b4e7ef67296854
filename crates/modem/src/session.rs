//! One life of a connection to a modem.
//!
//! Owns the port, the engine and the queue of unsolicited result codes; runs one command at a time. It must
//! never spawn, never repeat a command by itself and never go on after a fault: AT answers carry no
//! number, so after a timeout nobody knows whose answer comes next. Input is the port's bytes; every
//! way out of a fault is to drop the session and begin a new one with [`crate::bring_up`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::at::command::{Command, Response};
use crate::at::engine::{Engine, Event};
use crate::at::error::AtError;
use crate::at::urc::Urc;
use crate::error::{LinkFault, ModemError};
use crate::profile::{self, Overrides, Profile};
use crate::storage::Storage;

/// Unsolicited result codes waiting for [`Session::next_event`]. Of more, the oldest is dropped with a warning: most are
/// hints that the next sweep makes good, but `+CMT`, `+CDS`, `+CBM` and `+CUSD` carry their content.
const MAX_QUEUED: usize = 1024;

/// A byte stream to a modem. Implemented for every type that has these traits.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What an earlier session taught about the modem.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Read messages slot by slot: `AT+CMGL` hung before (see [`ModemError::suggests_cmgr`]).
    pub prefer_cmgr: bool,
    /// What the user configured instead of the profile's values.
    pub overrides: Overrides,
    /// Cell broadcast channels to listen to, as `AT+CSCB` takes them (`50`, `4370-4383`); none: off.
    pub broadcast: Vec<String>,
}

impl SessionOptions {
    /// Reads messages slot by slot.
    #[must_use]
    pub fn with_prefer_cmgr(self) -> Self {
        Self { prefer_cmgr: true, ..self }
    }

    /// Sets what replaces the profile's values.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    /// Sets the cell broadcast channels to listen to.
    #[must_use]
    pub fn with_broadcast(self, channels: Vec<String>) -> Self {
        Self { broadcast: channels, ..self }
    }
}

/// A connection to a modem.
#[derive(Debug)]
pub struct Session<P> {
    port: P,
    engine: Engine,
    queue: VecDeque<Urc>,
    buffer: Box<[u8; 1024]>,
    /// Set once; every later call returns it.
    fault: Option<ModemError>,
    /// From then on a boot banner is a fault.
    synchronised: bool,
    options: SessionOptions,
    /// None until the modem is identified.
    profile: Option<Profile>,
    /// When the port was last read.
    last_read_at: Instant,
    pub(crate) memory: Memory,
}

/// What this session has learnt about the modem. Written by `sms` and by [`Session::optional`].
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Optional commands the modem refused as unknown, and how often.
    refused: BTreeMap<String, u8>,
    /// The storage selected for reading.
    pub(crate) selected: Option<Storage>,
    /// `AT+CPMS` with one argument was refused: reading another storage needs all three.
    pub(crate) cpms_wants_three: bool,
    /// Where `AT+CMGL` was refused.
    pub(crate) unlistable: BTreeSet<Storage>,
    /// Storages that were offered but could not be selected.
    pub(crate) unselectable: BTreeSet<Storage>,
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
            queue: VecDeque::new(),
            buffer: Box::new([0; 1024]),
            fault: None,
            synchronised: false,
            profile: options.overrides.profile,
            options,
            last_read_at: Instant::now(),
            memory: Memory::default(),
        }
    }

    /// The fault that ended the session, if one did.
    pub fn fault(&self) -> Option<&ModemError> {
        self.fault.as_ref()
    }

    /// What is known about this family of modems.
    pub fn profile(&self) -> Profile {
        self.profile.unwrap_or(profile::GENERIC)
    }

    /// How long nothing was read from the port.
    pub fn silent_for(&self) -> Duration {
        self.last_read_at.elapsed()
    }

    pub(crate) fn knows_family(&self) -> bool {
        self.profile.is_some()
    }

    /// Cell broadcast channels to listen to.
    pub(crate) fn broadcast(&self) -> String {
        self.options.broadcast.join(",")
    }

    /// The user's commands for after the profile's.
    pub(crate) fn extra_init(&self) -> Vec<String> {
        self.options.overrides.init.clone()
    }

    /// What resets this modem; none where nothing may.
    pub(crate) fn reset_command(&self) -> Option<String> {
        match &self.options.overrides.reset {
            Some(command) => Some(command.clone()).filter(|command| !command.is_empty()),
            None => self.profile().reset_command.map(str::to_string),
        }
    }

    /// Returns the port.
    pub fn into_port(self) -> P {
        self.port
    }

    /// Sets the profile of the modem's own identification; the user's choice overrides it.
    pub(crate) fn set_profile(&mut self, profile: Profile) {
        self.profile = self.options.overrides.profile.or(Some(profile));
    }

    pub(crate) fn reads_by_slot(&self, storage: Storage) -> bool {
        self.options.prefer_cmgr || self.profile().reads_by_slot || self.memory.unlistable.contains(&storage)
    }

    /// From now on a boot banner means that the modem has restarted. Earlier codes are dropped.
    pub(crate) fn set_synchronised(&mut self) {
        self.synchronised = true;
        self.queue.clear();
    }

    fn fail(&mut self, error: ModemError) -> ModemError {
        tracing::debug!(%error, "session faulted");
        self.fault.get_or_insert(error).clone()
    }

    fn link(&mut self, fault: LinkFault) -> ModemError {
        self.fail(ModemError::Link(fault))
    }

    /// Queues an unsolicited code, unless it ends the session.
    fn unsolicited(&mut self, urc: Urc) -> Result<(), ModemError> {
        if let Urc::Boot { banner } = &urc
            && self.synchronised
        {
            let banner = banner.clone();
            return Err(self.link(LinkFault::Restarted { banner }));
        }
        if self.queue.len() >= MAX_QUEUED {
            self.queue.pop_front();
            tracing::warn!("too many unsolicited result codes wait: the oldest is dropped");
        }
        self.queue.push_back(urc);
        Ok(())
    }
}

impl<P: Stream> Session<P> {
    /// Sends a command and waits for its final result code. Not cancel-safe: dropped before that, it leaves a session
    /// that only returns errors.
    pub async fn command(&mut self, command: Command) -> Result<Response, ModemError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let shown = command.to_string();
        if self.engine.start(command, Instant::now().into_std()).is_err() {
            return Err(self.link(LinkFault::Abandoned));
        }
        loop {
            self.transmit().await?;
            while let Some(event) = self.engine.poll_event() {
                match event {
                    Event::Prompt => {}
                    Event::Done(Ok(response)) => {
                        // A fault right after the answer is returned by the next call.
                        let _ = self.queue_events();
                        return Ok(response);
                    }
                    Event::Done(Err(error)) => {
                        let _ = self.queue_events();
                        return Err(ModemError::Refused { command: shown, error });
                    }
                    Event::TimedOut { after } => {
                        let error = self.fail(ModemError::Timeout { command: shown, after });
                        // The ESC for a modem that may still wait for a payload.
                        while let Some(chunk) = self.engine.poll_transmit() {
                            let _ = timeout(Duration::from_secs(1), self.port.write_all(&chunk)).await;
                        }
                        return Err(error);
                    }
                    Event::Urc(urc) => self.unsolicited(urc)?,
                    Event::Garbage => return Err(self.link(LinkFault::Garbage)),
                }
            }
            if !self.engine.wants_transmit() {
                self.receive().await?;
            }
        }
    }

    /// The next unsolicited result code; one that came during a command is returned at once. Cancel-safe.
    pub async fn next_event(&mut self) -> Result<Urc, ModemError> {
        loop {
            if let Some(urc) = self.queue.pop_front() {
                return Ok(urc);
            }
            if let Some(fault) = &self.fault {
                return Err(fault.clone());
            }
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

    /// A command the modem need not support: `None` where it refuses. One it refuses as unknown is not sent again in
    /// this session; one it refuses with a bare `ERROR`, after three times.
    pub(crate) async fn optional(&mut self, command: Command) -> Result<Option<Response>, ModemError> {
        const MAX_REFUSALS: u8 = 3;
        let shown = command.to_string();
        if self.memory.refused.get(&shown).is_some_and(|times| *times >= MAX_REFUSALS) {
            return Ok(None);
        }
        match self.command(command).await {
            Ok(response) => Ok(Some(response)),
            Err(ModemError::Refused { error, .. }) => {
                tracing::debug!(command = %shown, %error, "optional command refused");
                // A bare ERROR may pass.
                let weight = match error {
                    error if error.is_unknown_command() => MAX_REFUSALS,
                    AtError::Error => 1,
                    _ => 0,
                };
                *self.memory.refused.entry(shown).or_default() += weight;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A command whose timeout is no fault, for synchronisation only: `Ok(None)` where nothing came.
    /// The caller must [`Session::discard_input`] before it sends anything else.
    pub(crate) async fn attempt(&mut self, command: Command) -> Result<Option<Response>, ModemError> {
        match self.command(command).await {
            Ok(response) => Ok(Some(response)),
            Err(ModemError::Timeout { .. }) => {
                self.fault = None;
                self.engine.reset();
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

    /// Reads and discards until the port was silent for `quiet`, at most for `longest`.
    pub(crate) async fn discard_input(
        &mut self,
        quiet: Duration,
        longest: Duration,
    ) -> Result<(), ModemError> {
        let end = Instant::now() + longest;
        loop {
            let until = end.min(Instant::now() + quiet);
            match timeout_at(until, self.port.read(&mut self.buffer[..])).await {
                Err(_) => break,
                Ok(Ok(0)) => return Err(self.link(LinkFault::Gone)),
                Ok(Ok(_)) if Instant::now() >= end => break,
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(self.link(LinkFault::Io(error.to_string()))),
            }
        }
        self.engine.reset();
        Ok(())
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
            self.queue_events()?;
            if Instant::now() >= end {
                break;
            }
        }
        Ok(())
    }

    /// Whether Ctrl-Z of the latest command has left, or may have.
    pub(crate) fn submitted(&self) -> bool {
        self.engine.submitted()
    }

    async fn transmit(&mut self) -> Result<(), ModemError> {
        while let Some(chunk) = self.engine.poll_transmit() {
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
                Event::Garbage => return Err(self.link(LinkFault::Garbage)),
                Event::Prompt | Event::Done(_) | Event::TimedOut { .. } => {}
            }
        }
        Ok(())
    }
}
