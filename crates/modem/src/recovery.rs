//! What to try with a modem that does not answer, or answers out of step, one step after the other.
//!
//! Owns the order of the steps ([`Ladder`]) and those that send commands. A step is taken at the beginning of the next
//! session, never inside one: a session with a fault is over. A refusal takes no step: the modem answers, so the session
//! goes on. Nothing here waits for ever. Nothing resets a modem that may be starting, that never said who it is, or whose
//! family is known to come back as something else (a CD-ROM drive): its profile has no reset command then.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::at::command::Command;
use crate::dialogue::find_dialogue;
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

/// No modem takes longer to start: one that was silent for less may be starting, and a reset would begin that anew.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// The shortest time between two resets.
const RESET_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Which step the present failure calls for.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    /// In a row.
    failures: u32,
    /// The first of them.
    failing_since: Option<Instant>,
    reset_at: Option<Instant>,
    /// How often, in a row, the modem answered and no message went through.
    dead: u32,
}

impl Ladder {
    /// Failures since the last healthy minute.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The modem answered for long enough: the next silence begins with the first step again.
    pub fn answers(&mut self) {
        self.failures = 0;
        self.failing_since = None;
    }

    /// A message went through: the next time none does, the radio is restarted first again.
    pub fn works(&mut self) {
        self.dead = 0;
    }

    /// The step for one more failure. A port that was closed can only be opened again; what has restarted by itself needs
    /// no more than to be initialised. `may_reset` says that there is a reset command for this modem.
    pub fn on_failure(&mut self, fault: &ModemError, may_reset: bool, now: Instant) -> Step {
        match fault {
            ModemError::Link(LinkFault::Restarted { .. }) => return Step::Resynchronise,
            ModemError::Link(LinkFault::Gone) => return Step::Reopen,
            _ => {}
        }
        self.failures += 1;
        let since = *self.failing_since.get_or_insert(now);
        let is_starting = now.duration_since(since) < START_TIMEOUT;
        let was_reset = self.reset_at.is_some_and(|at| now.duration_since(at) < RESET_INTERVAL);
        match (fault, self.failures) {
            (_, 4..) if may_reset && !is_starting && !was_reset => {
                self.reset_at = Some(now);
                Step::Reset
            }
            (ModemError::Link(LinkFault::Io(_)), _) => Step::Reopen,
            (_, 1) => Step::Resynchronise,
            (_, n) if n % 4 == 3 => Step::RestartRadio,
            _ => Step::Reopen,
        }
    }

    /// The step that somebody asks for: the last one, where there is one.
    pub fn on_request(&mut self, may_reset: bool, now: Instant) -> Step {
        if !may_reset {
            return Step::Reopen;
        }
        self.reset_at = Some(now);
        Step::Reset
    }

    /// It answers, but no message goes through: the radio is restarted twice, then the modem is reset.
    pub fn on_radio_dead(&mut self, may_reset: bool, now: Instant) -> Step {
        self.dead += 1;
        let was_reset = self.reset_at.is_some_and(|at| now.duration_since(at) < RESET_INTERVAL);
        if self.dead >= 3 && may_reset && !was_reset {
            self.dead = 0;
            self.reset_at = Some(now);
            Step::Reset
        } else {
            Step::RestartRadio
        }
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

/// How long the radio may take to go off or on.
const RADIO_TIMEOUT: Duration = Duration::from_secs(60);

/// Switches the radio off and on.
pub async fn restart_radio<P: Stream>(session: &mut Session<P>) -> Result<Taken, ModemError> {
    session.set_started_by_us();
    // Not 0: that takes the SIM's power, and on some (Neoway M590) the serial line with it.
    let off = session.optional(Command::new("AT+CFUN=4").timeout(RADIO_TIMEOUT)).await?.is_some();
    sleep(Duration::from_secs(2)).await;
    let on = session.optional(Command::new("AT+CFUN=1").timeout(RADIO_TIMEOUT)).await?.is_some();
    Ok(if off && on { Taken::Yes } else { Taken::No })
}

/// Takes the SIM's power away and gives it back: for a SIM that is not found though it is there.
pub async fn restart_sim<P: Stream>(session: &mut Session<P>) -> Result<Taken, ModemError> {
    if !session.profile().sim_power {
        return Ok(Taken::No);
    }
    session.set_started_by_us();
    let off = session.optional(Command::new("AT+CFUN=0").timeout(RADIO_TIMEOUT)).await?.is_some();
    sleep(Duration::from_secs(2)).await;
    let on = session.optional(Command::new("AT+CFUN=1").timeout(RADIO_TIMEOUT)).await?.is_some();
    Ok(if off && on { Taken::Yes } else { Taken::No })
}

/// Resets the modem, and waits until it has begun to. When the step was taken, session and port are of no more use.
pub async fn reset<P: Stream>(session: &mut Session<P>) -> Result<Taken, ModemError> {
    // A modem that hangs may still take a command, so its silence here is no reason to leave it out.
    let _ = find_dialogue(session, 2, Duration::from_secs(2)).await;
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

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn who_asks_for_a_restart_gets_one_however_well_it_is_and_none_follows_by_itself() {
        let start = Instant::now();
        let mut ladder = Ladder::default();
        assert_eq!(ladder.on_request(false, start), Step::Reopen, "there is nothing stronger");
        assert_eq!(ladder.on_request(true, start), Step::Reset);
        assert_eq!(ladder.on_request(true, after(start, 1)), Step::Reset, "he knows what he does");
        let steps: Vec<Step> =
            (0..8).map(|n| ladder.on_failure(&silent(), true, after(start, 30 * (n + 1)))).collect();
        assert!(!steps.contains(&Step::Reset), "it was reset just now: {steps:?}");
    }

    #[tokio::test]
    async fn steps_follow_the_failures_and_begin_again_after_a_healthy_minute() {
        use Step::*;
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let mut step = |seconds| ladder.on_failure(&silent(), true, after(start, seconds));
        assert_eq!([step(0), step(10), step(20)], [Resynchronise, Reopen, RestartRadio]);
        assert_eq!([step(40), step(60), step(89)], [Reopen, Reopen, Reopen], "it may be starting");
        assert_eq!(step(91), Reset);
        assert_eq!([step(120), step(200), step(380)], [Reopen, Reopen, Reopen], "it was reset a moment ago");
        assert_eq!(step(392), Reset);
        ladder.answers();
        assert_eq!(ladder.on_failure(&silent(), true, after(start, 500)), Resynchronise);
    }

    #[tokio::test]
    async fn what_may_not_be_reset_is_opened_again_for_ever() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let steps: Vec<Step> =
            (0..100).map(|n| ladder.on_failure(&silent(), false, after(start, 30 * n))).collect();
        assert!(!steps.contains(&Step::Reset), "{steps:?}");
        assert!(steps[50..].contains(&Step::Reopen) && steps[50..].contains(&Step::RestartRadio));
    }

    #[tokio::test]
    async fn a_port_that_is_gone_is_only_reopened_and_a_restart_only_resynchronised() {
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let gone = ModemError::Link(LinkFault::Gone);
        let restarted = ModemError::Link(LinkFault::Restarted { banner: "RDY".into() });
        for n in 0..20 {
            assert_eq!(ladder.on_failure(&gone, true, after(start, 60 * n)), Step::Reopen);
            assert_eq!(ladder.on_failure(&restarted, true, after(start, 60 * n)), Step::Resynchronise);
        }
        assert_eq!(ladder.failures(), 0);
    }

    #[tokio::test]
    async fn a_dead_radio_leads_to_a_reset_though_the_modem_answers_in_between() {
        use Step::*;
        let (mut ladder, start) = (Ladder::default(), Instant::now());
        let mut step = |may_reset| {
            ladder.answers();
            ladder.on_radio_dead(may_reset, start)
        };
        assert_eq!([step(true), step(true), step(true)], [RestartRadio, RestartRadio, Reset]);
        assert_eq!([step(false), step(false), step(false)], [RestartRadio; 3]);
        ladder.works();
        assert_eq!(ladder.on_radio_dead(true, start), RestartRadio);
    }
}
