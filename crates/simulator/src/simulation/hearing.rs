//! What of the typed bytes reaches the modem.
//!
//! Owns data mode with its escape sequence (V.250 and its `S12`), sleep, and the pause a prompt needs. Must never read
//! a command: what it lets through goes to the parser.

use std::time::Duration;

use crate::vendor_profile::VendorProfile;

/// The silence before and after `+++`.
const GUARD: Duration = Duration::from_secs(1);

struct DataMode {
    /// Plus signs so far, behind a silence.
    pluses: u8,
}

pub(super) struct Hearing {
    sleeps_after: Option<Duration>,
    deaf_after_prompt: Duration,
    data: Option<DataMode>,
    heard_at: Duration,
    /// What wakes it up is lost, up to a CR.
    waking: bool,
    deaf_until: Duration,
}

impl Hearing {
    pub(super) fn new(profile: &VendorProfile, in_data_mode: bool) -> Self {
        Self {
            sleeps_after: profile.sleeps_after,
            deaf_after_prompt: profile.deaf_after_prompt,
            data: in_data_mode.then_some(DataMode { pluses: 0 }),
            heard_at: Duration::ZERO,
            waking: false,
            deaf_until: Duration::ZERO,
        }
    }

    /// A restart: command mode, awake.
    pub(super) fn restart(&mut self, now: Duration) {
        (self.data, self.waking) = (None, false);
        (self.heard_at, self.deaf_until) = (now, Duration::ZERO);
    }

    /// A prompt is written at this time.
    pub(super) fn prompt(&mut self, at: Duration) {
        self.deaf_until = at + self.deaf_after_prompt;
    }

    /// The bytes the modem reads. `is_busy`: it waits for a text or for the network, so it does not sleep.
    pub(super) fn hear<'a>(&mut self, bytes: &'a [u8], is_busy: bool, now: Duration) -> &'a [u8] {
        let quiet = now.saturating_sub(self.heard_at);
        self.heard_at = now;
        if let Some(data) = &mut self.data {
            for (n, byte) in bytes.iter().enumerate() {
                let in_order = data.pluses > 0 || (n == 0 && quiet >= GUARD);
                data.pluses = if *byte == b'+' && in_order && data.pluses < 3 { data.pluses + 1 } else { 0 };
            }
            return &[];
        }
        if now < self.deaf_until {
            return &[];
        }
        self.waking |= !is_busy && self.sleeps_after.is_some_and(|time| quiet >= time);
        if !self.waking {
            return bytes;
        }
        match bytes.iter().position(|b| *b == b'\r') {
            Some(end) => {
                self.waking = false;
                bytes.get(end + 1..).unwrap_or_default()
            }
            None => &[],
        }
    }

    /// When data mode ends, if nothing more is typed.
    pub(super) fn data_mode_ends(&self) -> Option<Duration> {
        self.data.as_ref().filter(|data| data.pluses == 3).map(|_| self.heard_at + GUARD)
    }

    /// Whether data mode ends just now.
    pub(super) fn end_data_mode(&mut self, now: Duration) -> bool {
        let ends = self.data_mode_ends().is_some_and(|at| at <= now);
        if ends {
            self.data = None;
        }
        ends
    }
}
