//! Faults as data: what goes wrong, at which command, and at which moment of it.
//!
//! Owns the faults still to come and the seeded random numbers behind [`When::Chance`], so that a
//! run with the same seed and the same commands fails in the same places. Must never act itself:
//! it is asked once per command and payload, and `simulation/` carries out what it answers.

use std::time::Duration;

use crate::modem::parser::Input;

/// One thing to go wrong. Begin with [`Fault::on`] or [`Fault::on_payload`].
///
/// ```
/// use smsbridge_simulator::{Fault, FaultKind};
/// // The third list command hangs the modem for good.
/// let hang = Fault::on("AT+CMGL", FaultKind::Hang).nth(3);
/// // The network accepts the next message, then the modem restarts and never answers `+CMGS`.
/// let unknown = Fault::on_payload(FaultKind::Reset).acted();
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
    /// A command line that begins with this text (`"AT"`: any), without regard to case.
    Command(String),
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
}

/// The moment of a command at which the fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
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
    /// The modem is gone from the bus for this long, as if its plug were loose.
    Vanish(Duration),
    /// Ends with `+CMS ERROR: n` instead of its own result.
    Cms(u16),
    /// Ends with `+CME ERROR: n` (`ERROR` under `+CMEE=0`) instead of its own result.
    Cme(u16),
    /// The answer comes this much later; unasked lines are not held up.
    Late(Duration),
    /// The answer never comes; the next command is served as if nothing were.
    Swallow,
    /// The answer comes byte by byte with this pause between (zero: each byte its own write).
    Split(Duration),
    /// The profile's noise comes before, between and after the lines of the answer.
    Noise,
    /// These bytes come right before the answer.
    Junk(Vec<u8>),
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

struct Planned {
    fault: Fault,
    met: u32,
}

/// The faults still to come.
pub(crate) struct FaultPlan {
    planned: Vec<Planned>,
    random: fastrand::Rng,
}

impl FaultPlan {
    pub(crate) fn new(seed: u64) -> Self {
        Self { planned: Vec::new(), random: fastrand::Rng::with_seed(seed) }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.planned.push(Planned { fault, met: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }

    /// The first fault that this input sets off. Those behind it still count the input.
    pub(crate) fn set_off_by(&mut self, input: &Input) -> Option<Fault> {
        let mut found = None;
        let random = &mut self.random;
        self.planned.retain_mut(|p| {
            let met = match (&p.fault.trigger, input) {
                (Trigger::Command(prefix), Input::Line(line)) => {
                    line.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
                }
                (Trigger::Payload, Input::Payload(_)) => true,
                _ => false,
            };
            if !met {
                return true;
            }
            p.met += 1;
            let (hits, keep) = match p.fault.when {
                // Also later than the n-th: another fault may have come first.
                When::Nth(n) => (p.met >= n, p.met < n || found.is_some()),
                When::Every => (true, true),
                When::Chance(chance) => (random.f64() < chance, true),
            };
            if hits && found.is_none() {
                found = Some(p.fault.clone());
            }
            keep
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Input {
        Input::Line(text.into())
    }

    fn payload() -> Input {
        Input::Payload(String::new())
    }

    #[test]
    fn nth_counts_only_its_own_trigger() {
        let mut plan = FaultPlan::new(0);
        plan.add(Fault::on("AT+CMGL", FaultKind::Hang).nth(2));
        assert!(plan.set_off_by(&line("AT+CMGL=4")).is_none());
        assert!(plan.set_off_by(&line("AT")).is_none());
        assert!(plan.set_off_by(&payload()).is_none());
        assert!(plan.set_off_by(&line("at+cmgl=0")).is_some());
        assert!(plan.set_off_by(&line("AT+CMGL=4")).is_none());
    }

    #[test]
    fn two_faults_on_one_command_happen_one_after_the_other() {
        let mut plan = FaultPlan::new(0);
        plan.add(Fault::on_payload(FaultKind::Cms(38)));
        plan.add(Fault::on_payload(FaultKind::Cms(42)));
        assert_eq!(plan.set_off_by(&payload()).map(|f| f.kind), Some(FaultKind::Cms(38)));
        assert_eq!(plan.set_off_by(&payload()).map(|f| f.kind), Some(FaultKind::Cms(42)));
        assert!(plan.set_off_by(&payload()).is_none());
    }

    #[test]
    fn the_same_seed_sets_off_the_same_faults() {
        let run = |seed| {
            let mut plan = FaultPlan::new(seed);
            plan.add(Fault::on("AT", FaultKind::Swallow).chance(0.3));
            (0..100).map(|_| plan.set_off_by(&line("AT")).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).into_iter().filter(|hit| *hit).count();
        assert!((15..45).contains(&hits), "{hits}");
    }
}
