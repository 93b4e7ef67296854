//! Faults as data: what goes wrong, at which command, and at which moment of it.
//!
//! Owns what a test may ask for. `plan.rs` holds those still to come; `simulation/` carries them out.

mod plan;

use std::time::Duration;

pub(crate) use plan::FaultPlan;

/// One thing to go wrong. Begin with [`Fault::on`] or [`Fault::on_payload`].
///
/// ```
/// use smsbridge_simulator::{Fault, FaultKind};
/// // The third list command hangs the modem for good.
/// let hang = Fault::on("AT+CMGL", FaultKind::Hang).nth(3);
/// // The network accepts the next message, then the modem restarts and never answers `+CMGS`.
/// let unknown = Fault::on_payload(FaultKind::Reset).acted();
/// // For ten seconds slot 3 cannot be deleted; slot 31 can.
/// let refused = Fault::on("AT+CMGD=3", FaultKind::Cms(500)).lasting(std::time::Duration::from_secs(10));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What sets it off.
    pub trigger: Trigger,
    /// How often.
    pub when: When,
    /// At which moment of the command.
    pub moment: Moment,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What sets a fault off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A command that begins with this text (`"AT"`: any line), without regard to case, alone or as one of several on
    /// a line (`AT+CMGF=0;+CMGS=22` is met by `"AT+CMGS"`). A number at its end is a whole number: `"AT+CMGD=3"`
    /// is not met by `AT+CMGD=31`.
    Command(String),
    /// This many octets of the text after the `> ` prompt, before its Ctrl-Z.
    Typing(usize),
    /// The text typed after the `> ` prompt, once it is ended by Ctrl-Z.
    Payload,
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// The n-th time its trigger is met, counted from 1 and from when the fault was set; then never again.
    Nth(u32),
    /// Each time.
    Every,
    /// Each time with this probability, by the simulator's seed.
    Chance(f64),
    /// Each time, for this long from when the fault was set.
    For(Duration),
}

/// The moment of a command at which the fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Just before the command: a modem that restarts here serves the command, with its settings gone.
    Before,
    /// The command is received but nothing is done.
    Received,
    /// What the command asks is done (a message is submitted, a slot is deleted); nothing is answered yet.
    Acted,
    /// The answer (or the prompt) has been written.
    Answered,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// No byte comes any more, until the modem is plugged in again, reset by hand or the faults are
    /// cleared. What is typed meanwhile is gone.
    Hang,
    /// No byte comes for this long; then what was typed meanwhile is answered, all at once.
    HangFor(Duration),
    /// The modem restarts: boot banner, settings gone, half-typed input gone; the SIM keeps its messages.
    Reset,
    /// The modem restarts, is back at once and sends these lines instead of its banner, or none. It stays on the bus, and is
    /// in text mode where [`VendorProfile::text_mode`](crate::VendorProfile::text_mode) is set.
    Restart(&'static [&'static str]),
    /// The modem is gone from the bus for this long, as if its plug were loose.
    Vanish(Duration),
    /// Ends with `+CMS ERROR: n` instead of its own result.
    Cms(u16),
    /// Ends with `+CME ERROR: n` (`ERROR` under `+CMEE=0`) instead of its own result.
    Cme(u16),
    /// Ends with `ERROR` instead of its own result.
    Error,
    /// Does nothing and answers `OK`.
    Pretend,
    /// These lines (separated by CR LF) and `OK` come instead of its own answer.
    Instead(String),
    /// The lines of the answer come, its final result does not.
    NoResult,
    /// The final result comes, the lines before it do not.
    NoLines,
    /// The final result comes this many times.
    Results(usize),
    /// The answer is kept, and the one kept before comes: with [`every`](Fault::every) each answer is one command
    /// behind, the first one missing.
    Behind,
    /// The answer comes this much later; unasked lines are not held up.
    Late(Duration),
    /// The answer never comes; the next command is served as if nothing were.
    Swallow,
    /// The answer comes byte by byte with this pause between (zero: each byte its own write).
    Split(Duration),
    /// The profile's noise comes before, between and after the lines of the answer.
    Noise,
    /// These bytes come right before the answer; at [`Moment::Answered`] right after it, or after the prompt; at
    /// [`Moment::Before`] at once, while the network has yet to answer.
    Junk(Vec<u8>),
    /// These bytes come within the answer, after its first line.
    Inside(Vec<u8>),
}

impl Fault {
    /// The next command line that begins with `prefix`, as it is received.
    pub fn on(prefix: &str, kind: FaultKind) -> Self {
        Self { trigger: Trigger::Command(prefix.into()), when: When::Nth(1), moment: Moment::Received, kind }
    }

    /// The next text sent after a prompt, as its Ctrl-Z is received.
    pub fn on_payload(kind: FaultKind) -> Self {
        Self { trigger: Trigger::Payload, when: When::Nth(1), moment: Moment::Received, kind }
    }

    /// As the n-th octet of a text after a prompt is received.
    pub fn while_typing(n: usize, kind: FaultKind) -> Self {
        Self { trigger: Trigger::Typing(n), when: When::Nth(1), moment: Moment::Received, kind }
    }

    /// Only the n-th time (from 1).
    pub fn nth(mut self, n: u32) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// Every time, until cleared.
    pub fn every(mut self) -> Self {
        self.when = When::Every;
        self
    }

    /// Each time with probability `p`, until cleared.
    pub fn chance(mut self, p: f64) -> Self {
        self.when = When::Chance(p);
        self
    }

    /// Every time from now until this time has passed.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.when = When::For(time);
        self
    }

    /// Just before the command is served.
    pub fn before(mut self) -> Self {
        self.moment = Moment::Before;
        self
    }

    /// After the command took effect but before its answer.
    pub fn acted(mut self) -> Self {
        self.moment = Moment::Acted;
        self
    }

    /// After the answer; for `AT+CMGS` that is right after the prompt.
    pub fn answered(mut self) -> Self {
        self.moment = Moment::Answered;
        self
    }
}
