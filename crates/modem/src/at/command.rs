//! One AT command as a value, and the answer to it.
//!
//! A command carries all the engine must know to tell its answer from everything else: the prefix
//! its information lines begin with, how long the modem may be silent, and what follows a prompt.
//! It must never show a secret: `Debug` and `Display` mask what follows `=`, and of every command the PIN.

use std::fmt;
use std::time::Duration;

use crate::secrets::without_pins;

/// How long an ordinary command may take. One that takes longer is given more time from then on.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a prompt may take.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// An AT command, without the carriage return that ends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    text: String,
    payload: Option<String>,
    timeout: Duration,
    prompt_timeout: Duration,
    answer_prefix: Option<&'static str>,
    may_be_empty: bool,
    is_list: bool,
    is_unfinished: bool,
    secret: bool,
}

impl Command {
    /// A command that expects no particular information line and is answered within ten seconds.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            payload: None,
            timeout: DEFAULT_TIMEOUT,
            prompt_timeout: PROMPT_TIMEOUT,
            answer_prefix: None,
            may_be_empty: false,
            is_list: false,
            is_unfinished: false,
            secret: false,
        }
    }

    /// Information lines of the answer begin with `prefix` (such as `+CSQ:`).
    ///
    /// Lines with another prefix are then unsolicited. A prefix that answers and unsolicited codes share is
    /// distinguished by this.
    pub fn answer_prefix(mut self, prefix: &'static str) -> Self {
        self.answer_prefix = Some(prefix);
        self
    }

    /// The answer may be `OK` alone. Without this, `OK` alone to a command with an answer prefix is a sign that the
    /// answers are out of step.
    pub fn may_be_empty(mut self) -> Self {
        self.may_be_empty = true;
        self
    }

    /// The answer is a list of any length: the silence allowed is counted again from each of its lines. Of any other
    /// answer only the final result code is waited for after its first line.
    pub fn list(mut self) -> Self {
        self.is_list = true;
        self.may_be_empty()
    }

    /// The longest silence allowed, counted from the command (or its payload). What the modem says of other things does
    /// not extend it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What is sent after the `> ` prompt; Ctrl-Z is added.
    pub fn payload(mut self, text: impl Into<String>) -> Self {
        self.payload = Some(text.into());
        self
    }

    /// Hides what follows `=` wherever the command is shown.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn payload_text(&self) -> Option<&str> {
        self.payload.as_deref()
    }

    pub(crate) fn expected_prefix(&self) -> Option<&'static str> {
        self.answer_prefix
    }

    pub(crate) fn may_be_unanswered(&self) -> bool {
        self.may_be_empty || self.answer_prefix.is_none()
    }

    /// This modem gives no final result code after the answer.
    pub(crate) fn unfinished(mut self, is_unfinished: bool) -> Self {
        self.is_unfinished = is_unfinished;
        self
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.is_unfinished
    }

    pub(crate) fn is_list(&self) -> bool {
        self.is_list
    }

    /// The longest silence allowed after the command or its payload.
    pub fn answer_timeout(&self) -> Duration {
        self.timeout
    }

    /// How long the prompt may take.
    pub(crate) fn prompt_timeout(&self) -> Duration {
        self.prompt_timeout
    }

    pub(crate) fn with_prompt_timeout(mut self, timeout: Duration) -> Self {
        self.prompt_timeout = timeout;
        self
    }

    /// `NO CARRIER`, `BUSY` and `NO ANSWER` end only commands that make or take a call; for every
    /// other command they are unsolicited, about a call.
    pub(crate) fn is_call(&self) -> bool {
        let text = self.text.to_ascii_uppercase();
        ["ATD", "ATA", "ATO", "ATH"].iter().any(|head| text.starts_with(head))
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.split_once('=') {
            Some((head, _)) if self.secret => write!(f, "{head}=****"),
            // Commands that the user has set may hold one, too.
            _ => f.write_str(&without_pins(&self.text)),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({self}")?;
        if let Some(payload) = &self.payload {
            write!(f, ", payload of {} characters", payload.len())?;
        }
        f.write_str(")")
    }
}

/// The information lines of an answer that ended in `OK`, or that was complete without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// In the order they came; echo, blank and unsolicited lines are not among them.
    pub lines: Vec<String>,
    /// No final result code came.
    pub(crate) is_unfinished: bool,
    /// There were more lines than are kept.
    pub(crate) is_cut: bool,
}

impl Response {
    /// The first information line.
    pub fn first(&self) -> Option<&str> {
        self.lines.first().map(String::as_str)
    }

    /// What follows `prefix` on each line that begins with it.
    pub fn after<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.strip_prefix(prefix)).map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_nowhere() {
        let command = Command::new("AT+CPIN=\"1234\"").secret();
        assert_eq!(command.to_string(), "AT+CPIN=****");
        assert!(!format!("{command:?}").contains("1234"));
        for of_the_user in ["AT+CPIN=\"1234\"", "AT^CPIN=1234", "ATD**04*1234*5678*5678#;"] {
            let command = Command::new(of_the_user);
            let shown = format!("{command} {command:?}");
            assert!(!shown.contains("1234") && !shown.contains("5678"), "{shown}");
        }
    }
}
