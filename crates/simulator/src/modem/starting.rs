//! What a modem cannot do yet after power-up: first its SIM is not read, then its message service is not up.
//!
//! Owns the two waits and the boot lines held back until their end. Without waits
//! ([`Options::sim_time`](crate::Options::sim_time) and [`Options::sms_time`](crate::Options::sms_time) zero) there
//! are none, and everything works at once.

use std::collections::VecDeque;
use std::time::Duration;

/// How far a modem has come since power-up.
#[derive(Default)]
pub(super) struct Starting {
    sim_time: Duration,
    sms_time: Duration,
    /// Until then the SIM is busy.
    sim_at: Option<Duration>,
    waits_for_sms: bool,
    /// Counted from the SIM's readiness, so from the PIN if it asks for one.
    sms_at: Option<Duration>,
    /// `+CPIN: ...` is due when the SIM is not busy any more.
    says_cpin: bool,
    /// Due with the message service.
    sms_lines: Vec<String>,
}

impl Starting {
    pub(super) fn new(sim_time: Duration, sms_time: Duration) -> Self {
        Self { sim_time, sms_time, ..Self::default() }
    }

    /// Begins both waits and takes their lines out of the banner.
    pub(super) fn begin(&mut self, now: Duration, banner: &mut VecDeque<String>) {
        let Self { sim_time, sms_time, .. } = *self;
        *self = Self::new(sim_time, sms_time);
        let mut hold = |is_held: fn(&str) -> bool| {
            let (held, said): (Vec<_>, Vec<_>) = banner.drain(..).partition(|line| is_held(line));
            *banner = said.into();
            held
        };
        if !sim_time.is_zero() {
            self.sim_at = Some(now + sim_time);
            self.says_cpin = !hold(|line| line.starts_with("+CPIN:")).is_empty();
        }
        if !(sim_time + sms_time).is_zero() {
            self.waits_for_sms = true;
            self.sms_lines = hold(says_ready);
        }
    }

    /// No boot line comes any more.
    pub(super) fn say_nothing(&mut self) {
        self.says_cpin = false;
        self.sms_lines.clear();
    }

    /// Whether the SIM's wait is over just now, and whether that is said.
    pub(super) fn end_sim(&mut self, now: Duration) -> Option<bool> {
        self.sim_at.take_if(|at| *at <= now).map(|_| self.says_cpin)
    }

    /// The lines of the message service, if its wait is over just now. To be asked once the SIM is ready.
    pub(super) fn end_sms(&mut self, now: Duration) -> Vec<String> {
        if self.waits_for_sms && *self.sms_at.get_or_insert(now + self.sms_time) <= now {
            self.waits_for_sms = false;
            return std::mem::take(&mut self.sms_lines);
        }
        Vec::new()
    }

    pub(super) fn is_sim_busy(&self) -> bool {
        self.sim_at.is_some()
    }

    /// Whether messages can be stored, read and sent.
    pub(super) fn has_sms(&self) -> bool {
        !self.waits_for_sms
    }

    /// When the next wait is over. That for the message service is not, while the SIM is not ready.
    pub(super) fn due(&self, is_sim_ready: bool) -> Option<Duration> {
        let sms_at = self.sms_at.filter(|_| self.waits_for_sms && is_sim_ready);
        [self.sim_at, sms_at].into_iter().flatten().min()
    }
}

/// Whether a boot line says that calls or messages work.
pub(super) fn says_ready(line: &str) -> bool {
    line.ends_with("Ready") || line.ends_with("DONE")
}
