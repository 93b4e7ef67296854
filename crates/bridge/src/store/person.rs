//! Somebody whose messages are looked for: a phone number, however network and people write it, or the name of a
//! sender.
//!
//! Pure.

use crate::event::{Event, ReceivedMessage};
use crate::number::{self, bare, normalise};

/// Last digits in which spellings of one number agree.
const TAIL: usize = 6;

/// A phone number in any spelling, or the name of a sender.
#[derive(Debug, Clone)]
pub struct Person {
    written: String,
    canonical: Option<String>,
    default_country: String,
}

impl Person {
    /// The one who is written so; `default_country` is put before a number without a country code.
    pub fn new(written: &str, default_country: &str) -> Person {
        let canonical = normalise(written, default_country).ok();
        Person { written: written.to_owned(), canonical, default_country: default_country.to_owned() }
    }

    /// As it was written.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// What the number's other spellings end with.
    pub(super) fn tail(&self) -> &str {
        let number = self.canonical.as_ref().unwrap_or(&self.written);
        let start = number.char_indices().rev().nth(TAIL - 1).map_or(0, |(start, _)| start);
        number.get(start..).unwrap_or(number)
    }

    /// Whether a message is from them.
    pub(super) fn is_sender(&self, message: &ReceivedMessage) -> bool {
        let from_type = message.from_type.as_deref().unwrap_or("unknown");
        self.is_either(&message.from, number::of_sender(&message.from, from_type, &self.default_country))
    }

    /// Whether this recipient is them.
    pub(super) fn is_recipient(&self, to: &str) -> bool {
        self.is_either(to, normalise(to, &self.default_country).ok())
    }

    fn is_either(&self, as_it_stands: &str, number: Option<String>) -> bool {
        bare(as_it_stands) == bare(&self.written) || (number.is_some() && number == self.canonical)
    }

    /// Whether an event is about them.
    pub(super) fn is_in(&self, event: &Event) -> bool {
        match event {
            Event::Received(received) => received.message().is_some_and(|message| self.is_sender(message)),
            Event::Result(result) => result.to.as_deref().is_some_and(|to| self.is_recipient(to)),
            Event::Call(call) => call.from.as_deref().is_some_and(|from| self.is_recipient(from)),
            Event::Broadcast(_) | Event::UssdReply(_) => false,
        }
    }
}
