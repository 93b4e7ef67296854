//! The faults still to come.
//!
//! Owns the seeded random numbers behind [`When::Chance`], so that a run with the same seed and the same commands
//! fails in the same places. Must never act itself: it is asked once per input and per octet of a text.

use std::time::Duration;

use super::{Fault, Trigger, When};
use crate::modem::parser::{Input, split_line};

struct Planned {
    fault: Fault,
    met: u32,
    /// Since the start.
    set_at: Duration,
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

    pub(crate) fn add(&mut self, fault: Fault, now: Duration) {
        self.planned.push(Planned { fault, met: 0, set_at: now });
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
    }

    /// The first fault that this input sets off. Those behind it still count the input.
    pub(crate) fn set_off_by(&mut self, input: &Input, now: Duration) -> Option<Fault> {
        self.set_off(now, |trigger| match (trigger, input) {
            (Trigger::Command(prefix), Input::Line(line)) => has_command(line, prefix),
            (Trigger::Payload, Input::Payload(_)) => true,
            _ => false,
        })
    }

    /// The first fault that the n-th octet of a text sets off.
    pub(crate) fn set_off_by_octet(&mut self, n: usize, now: Duration) -> Option<Fault> {
        self.set_off(now, |trigger| *trigger == Trigger::Typing(n))
    }

    fn set_off(&mut self, now: Duration, is_met: impl Fn(&Trigger) -> bool) -> Option<Fault> {
        let mut found = None;
        let random = &mut self.random;
        self.planned.retain_mut(|p| {
            if !is_met(&p.fault.trigger) {
                return true;
            }
            p.met += 1;
            let (hits, keep) = match p.fault.when {
                // Also later than the n-th: another fault may have come first.
                When::Nth(n) => (p.met >= n, p.met < n || found.is_some()),
                When::Every => (true, true),
                When::Chance(chance) => (random.f64() < chance, true),
                When::For(time) => (now < p.set_at + time, now < p.set_at + time),
            };
            if hits && found.is_none() {
                found = Some(p.fault.clone());
            }
            keep
        });
        found
    }
}

/// Whether a command of this line begins with `prefix`.
fn has_command(line: &str, prefix: &str) -> bool {
    if begins(line, prefix) {
        return true;
    }
    let without_at = |text: &str| text.get(2..).filter(|_| begins(text, "AT")).map(str::to_owned);
    match (without_at(line), without_at(prefix)) {
        (Some(body), Some(wanted)) if !wanted.is_empty() => {
            split_line(&body).iter().any(|command| begins(command, &wanted))
        }
        _ => false,
    }
}

fn begins(text: &str, prefix: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let Some((head, rest)) = text.split_at_checked(prefix.len()) else { return false };
    head.eq_ignore_ascii_case(prefix) && !(is_digit(prefix.chars().last()) && is_digit(rest.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultKind;

    const START: Duration = Duration::ZERO;

    fn line(text: &str) -> Input {
        Input::Line(text.into())
    }

    fn payload() -> Input {
        Input::Payload(String::new())
    }

    #[test]
    fn nth_counts_only_its_own_trigger() {
        let mut plan = FaultPlan::new(0);
        plan.add(Fault::on("AT+CMGL", FaultKind::Hang).nth(2), START);
        assert!(plan.set_off_by(&line("AT+CMGL=4"), START).is_none());
        assert!(plan.set_off_by(&line("AT"), START).is_none());
        assert!(plan.set_off_by(&payload(), START).is_none());
        assert!(plan.set_off_by(&line("at+cmgl=0"), START).is_some());
        assert!(plan.set_off_by(&line("AT+CMGL=4"), START).is_none());
    }

    #[test]
    fn two_faults_on_one_command_happen_one_after_the_other() {
        let mut plan = FaultPlan::new(0);
        plan.add(Fault::on_payload(FaultKind::Cms(38)), START);
        plan.add(Fault::on_payload(FaultKind::Cms(42)), START);
        assert_eq!(plan.set_off_by(&payload(), START).map(|f| f.kind), Some(FaultKind::Cms(38)));
        assert_eq!(plan.set_off_by(&payload(), START).map(|f| f.kind), Some(FaultKind::Cms(42)));
        assert!(plan.set_off_by(&payload(), START).is_none());
    }

    #[test]
    fn the_same_seed_sets_off_the_same_faults() {
        let run = |seed| {
            let mut plan = FaultPlan::new(seed);
            plan.add(Fault::on("AT", FaultKind::Swallow).chance(0.3), START);
            (0..100).map(|_| plan.set_off_by(&line("AT"), START).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).into_iter().filter(|hit| *hit).count();
        assert!((15..45).contains(&hits), "{hits}");
    }

    #[test]
    fn a_number_at_the_end_of_a_prefix_is_a_whole_one() {
        for (prefix, line, met) in [
            ("AT+CMGD=3", "AT+CMGD=3", true),
            ("AT+CMGD=3", "at+cmgd=3,0", true),
            ("AT+CMGD=3", "AT+CMGD=31", false),
            ("AT+CMGD=3", "AT+CMGD=13", false),
            ("AT+CMGD=", "AT+CMGD=31", true),
            ("AT+CMGS", "AT+CMGF=0;+CMGS=22", true),
            ("AT+CMGS=2", "AT+CMGF=0;+CMGS=22", false),
            ("AT+CPIN?", "ATE0+CPIN?", true),
            ("AT", "ATE0", true),
            ("AT+CMGS", "AT+CUSD=1,\";+CMGS=1\"", false),
            ("AT+CMGD", "ATé", false),
        ] {
            let mut plan = FaultPlan::new(0);
            plan.add(Fault::on(prefix, FaultKind::Error), START);
            assert_eq!(plan.set_off_by(&self::line(line), START).is_some(), met, "{prefix} {line}");
        }
    }

    #[test]
    fn a_span_of_time_begins_when_the_fault_is_set() {
        let at = Duration::from_secs;
        let mut plan = FaultPlan::new(0);
        plan.add(Fault::on("AT+CMGD", FaultKind::Cms(500)).lasting(at(10)), at(5));
        let mut is_refused = |seconds| plan.set_off_by(&line("AT+CMGD=1"), at(seconds)).is_some();
        assert_eq!([5, 14, 15, 16].map(&mut is_refused), [true, true, false, false]);
    }
}
