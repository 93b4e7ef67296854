//! What to try with a modem that does not work, one step after the other.
//!
//! Owns the order of the steps ([`Ladder`]) and the two that send commands. A step is taken at the beginning of the next
//! session, never inside one: a session with a fault is over. A step that this modem cannot take is left out. Nothing
//! here waits for ever, and nothing resets a modem whose family is known to come back as something else (a CD-ROM
//! drive): its profile has no reset command then.

use std::fmt;
use std::time::Duration;

use tokio::time::sleep;

use crate::at::command::Command;
use crate::bring_up;
use crate::error::{LinkFault, ModemError};
use crate::session::{Session, Stream};

/// Something to try before the modem is brought up again. Each includes those before it: whatever is done, ESC, silence,
/// `AT` and the whole initialisation follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// ESC, discard input, `AT`, initialise, over the port that is open.
    Resynchronise,
    /// Close the port and open it again, wherever the modem is by then.
    Reopen,
    /// The radio off and on: `AT+CFUN=4`, `AT+CFUN=1`.
    RestartRadio,
    /// The profile's reset command; then the port is opened again.
    Reset,
}

impl Step {
    /// What is done, in words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Resynchronise => "ESC, AT and the initialisation once more",
            Self::Reopen => "the port is closed and opened again",
            Self::RestartRadio => "the radio is switched off and on (AT+CFUN=4, AT+CFUN=1)",
            Self::Reset => "the modem is reset",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

/// Which step the present failure calls for, by how many there were in a row.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    failures: u32,
}

impl Ladder {
    /// Failures since the last healthy minute.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The modem worked for long enough: the next failure begins with the first step again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// The step for one more failure. A port that was closed can only be opened again; what has
    /// restarted by itself needs no more than to be initialised.
    pub fn on_failure(&mut self, fault: &ModemError) -> Step {
        self.failures += 1;
        match (fault, self.failures) {
            (ModemError::Link(LinkFault::Gone | LinkFault::Io(_)), n) if !n.is_multiple_of(4) => Step::Reopen,
            (_, 1) => Step::Resynchronise,
            (_, n) if n.is_multiple_of(4) => Step::Reset,
            (_, n) if n % 4 == 3 => Step::RestartRadio,
            _ => Step::Reopen,
        }
    }

    /// It answers, but no message goes through: restart the radio first. The reset follows only when this is called twice
    /// in a row.
    pub fn on_radio_dead(&mut self) -> Step {
        self.failures = self.failures.max(2) + 1;
        if self.failures.is_multiple_of(4) { Step::Reset } else { Step::RestartRadio }
    }
}

/// Whether a recovery step was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was.
    Yes,
    /// The modem refused it, or its family has no command for it.
    No,
}

/// Switches the radio off and on.
pub async fn restart_radio<P: Stream>(session: &mut Session<P>) -> Result<Taken, ModemError> {
    const RADIO_TIMEOUT: Duration = Duration::from_secs(20);
    // Not 0: that takes the SIM's power, and on some (Neoway M590) the serial line with it.
    let off = session.optional(Command::new("AT+CFUN=4").timeout(RADIO_TIMEOUT)).await?.is_some();
    sleep(Duration::from_secs(2)).await;
    let on = session.optional(Command::new("AT+CFUN=1").timeout(RADIO_TIMEOUT)).await?.is_some();
    Ok(if off && on { Taken::Yes } else { Taken::No })
}

/// Resets the modem, and waits until it has begun to. When the step was taken, session and port are of no more use.
pub async fn reset<P: Stream>(session: &mut Session<P>) -> Result<Taken, ModemError> {
    // A modem that hangs may still take a command, so its silence here is no reason to leave it out.
    if bring_up::find_dialogue(session, 2, Duration::from_secs(2)).await.is_ok() && !session.knows_family() {
        bring_up::identify(session).await?;
    }
    if session.fault().is_some() {
        return Ok(Taken::No);
    }
    let Some(command) = session.reset_command() else { return Ok(Taken::No) };
    let command = Command::new(command).timeout(Duration::from_secs(10));
    // Whatever comes back, or nothing, or the end of the port: all of it may be the reset.
    let _ = session.attempt(command).await;
    sleep(Duration::from_secs(3)).await;
    Ok(Taken::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> ModemError {
        ModemError::Timeout { command: "AT".into(), after: Duration::from_secs(5) }
    }

    #[test]
    fn steps_follow_the_number_of_failures_and_begin_again_after_a_stable_minute() {
        let mut ladder = Ladder::default();
        let steps: Vec<Step> = (0..8).map(|_| ladder.on_failure(&silent())).collect();
        use Step::*;
        assert_eq!(steps, [Resynchronise, Reopen, RestartRadio, Reset, Reopen, Reopen, RestartRadio, Reset]);
        ladder.reset();
        assert_eq!(ladder.on_failure(&silent()), Resynchronise);
    }

    #[test]
    fn a_port_that_is_gone_is_only_reopened() {
        let mut ladder = Ladder::default();
        let gone = ModemError::Link(LinkFault::Gone);
        assert!((0..3).all(|_| ladder.on_failure(&gone) == Step::Reopen));
    }

    #[test]
    fn a_dead_radio_is_restarted_before_the_modem_is() {
        let mut ladder = Ladder::default();
        assert_eq!((ladder.on_radio_dead(), ladder.on_radio_dead()), (Step::RestartRadio, Step::Reset));
    }
}
