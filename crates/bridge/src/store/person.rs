//! Somebody whose messages are looked for: a phone number, however network and people write it, the name of a sender, or
//! a contact.
//!
//! Pure.

use crate::contact::{self, Contact};
use crate::event::{Event, ReceivedMessage};
use crate::number::{self, bare, normalise};

/// Last digits in which spellings of one number agree.
const TAIL: usize = 6;

/// A phone number in any spelling, the name of a sender, or a contact.
#[derive(Debug, Clone)]
pub struct Person {
    written: String,
    canonical: Option<String>,
    contact: Option<Contact>,
    default_country: String,
}

impl Person {
    /// The one who is written so; `default_country` is put before a number without a country code.
    pub fn new(written: &str, default_country: &str) -> Person {
        let canonical = normalise(written, default_country).ok();
        let (written, default_country) = (written.to_owned(), default_country.to_owned());
        Person { written, canonical, contact: None, default_country }
    }

    /// The one whom a contact's numbers reach, and reached when the messages were sent; or a sender of that name.
    pub fn of_contact(contact: &Contact, default_country: &str) -> Person {
        Person { contact: Some(contact.clone()), ..Person::new(&contact.name, default_country) }
    }

    /// As it was written, and what its other spellings end with; none of a contact, whose numbers are any.
    pub(super) fn spelling(&self) -> Option<(&str, &str)> {
        self.contact.is_none().then(|| (self.written(), self.tail()))
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
        let numbers = self.contact.iter().flat_map(|contact| &contact.numbers).chain(&self.canonical);
        let mut numbers = numbers.filter(|own| number.as_ref() == Some(own) || *own == as_it_stands);
        bare(as_it_stands) == bare(&self.written) || numbers.next().is_some()
    }

    /// Whether a recipient was written as this contact.
    fn is_contact(&self, name: &str) -> bool {
        self.contact.as_ref().is_some_and(|own| contact::key(&own.name) == contact::key(name))
    }

    /// Whether an event is about them.
    pub(super) fn is_in(&self, event: &Event) -> bool {
        match event {
            Event::Received(received) => received.message().is_some_and(|message| self.is_sender(message)),
            Event::Result(result) => {
                result.to.as_deref().is_some_and(|to| self.is_recipient(to))
                    || result.contact.as_deref().is_some_and(|name| self.is_contact(name))
            }
            Event::Call(call) => call.from.as_deref().is_some_and(|from| self.is_recipient(from)),
            Event::Broadcast(_) | Event::UssdReply(_) => false,
        }
    }
}
