//! The values of single fields in words, for people.
//!
//! Texts come from strangers and are shown on terminals, so control characters are always escaped.

use crate::address::Address;
use crate::cause::{Outcome, Status};
use crate::dcs::{Alphabet, Dcs};
use crate::gsm7;
use crate::information::Information;
use crate::validity::Validity;

/// Text with its control characters escaped, those that change the direction of the text after them, those that cannot
/// be seen, and the backslash, so that no text looks like an escape. Joiners stay: emoji and some scripts need them.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let is_hidden = matches!(
            character,
            '\\' | '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        );
        if character.is_control() || is_hidden {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A name and the words that apply to it: `SMS-SUBMIT: header, reply path`.
pub(super) fn list(name: &str, words: &[Option<&str>]) -> String {
    let words: Vec<&str> = words.iter().copied().flatten().collect();
    if words.is_empty() { name.into() } else { format!("{name}: {}", words.join(", ")) }
}

pub(super) fn more_messages(wait: bool) -> Option<&'static str> {
    wait.then_some("more messages wait")
}

pub(super) fn address(address: &Address) -> String {
    let shown = escaped(&address.to_string());
    format!("{shown} ({}, numbering plan {})", address.ton().name(), address.npi())
}

pub(super) fn coding(dcs: Dcs) -> String {
    let mut words = String::from(match dcs.alphabet() {
        Alphabet::Gsm7 => "7-bit",
        Alphabet::EightBit => "8-bit data",
        Alphabet::Ucs2 => "UCS-2",
    });
    if dcs.is_compressed() {
        words.push_str(", compressed");
    }
    if let Some(class) = dcs.class() {
        words.push_str(&format!(", class {}", class.number()));
    }
    if dcs.auto_delete() {
        words.push_str(", delete when read");
    }
    if let Some(waiting) = dcs.message_waiting() {
        let state = if waiting.active { "waiting" } else { "none waiting" };
        words.push_str(&format!(", {} {state}, {}", waiting.kind.name(), store_or_discard(waiting.store)));
    }
    if dcs.is_reserved() {
        words.push_str(" (reserved value)");
    }
    words
}

pub(super) fn validity(validity: Validity) -> String {
    match (validity, validity.seconds()) {
        (Validity::Absolute(_), _) => match validity.at() {
            Some(time) => format!("until {time}"),
            None => "not a valid time".into(),
        },
        (_, Some(seconds)) => {
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            let once = if validity.is_single_shot() { ", one attempt" } else { "" };
            format!("{days} d {:02}:{:02}:{:02}{once}", rest / 3600, rest / 60 % 60, rest % 60)
        }
        _ => "no period".into(),
    }
}

pub(super) fn status(status: Status) -> String {
    let outcome = match status.outcome() {
        Outcome::ServiceCentreSpecific => "completed",
        outcome => outcome.name(),
    };
    format!("{outcome}: {}", status.meaning())
}

/// The value of an information element, to follow its name; empty if there is none to show.
pub(super) fn element_value(information: &Information<'_>) -> String {
    match information {
        Information::Concatenation(place) => {
            format!(": part {} of {}, reference {}", place.sequence, place.total, place.reference)
        }
        Information::MessageIndication { kind, count, store, .. } => {
            let kind = match kind {
                0 => "voice",
                1 => "fax",
                2 => "mail",
                7 => "video",
                _ => "other",
            };
            format!(": {count} {kind}, {}", store_or_discard(*store))
        }
        Information::Ports(ports) => format!(": to {}, from {}", ports.destination, ports.source),
        Information::ServiceCentreControl { on_success, on_permanent_error, on_temporary_error, .. } => {
            let words = [
                on_success.then_some("success"),
                on_permanent_error.then_some("permanent errors"),
                on_temporary_error.then_some("temporary errors"),
            ];
            format!(": {}", list("report", &words))
        }
        Information::SourceIndicator(source) => format!(": {source}"),
        Information::TextFormatting { start, length, .. } => format!(": {length} characters from {start}"),
        Information::Object { position, object } => {
            format!(": before character {position}, {} octets", object.len())
        }
        Information::UserPrompt { objects } => format!(": {objects} objects"),
        Information::MailHeader { length } => format!(": {length} characters"),
        Information::ReplyAddress(reply_to) => format!(": {}", address(reply_to)),
        Information::EnhancedVoiceMail { mailbox, count, .. } => {
            format!(": {count} not heard, mailbox {}", address(mailbox))
        }
        Information::SingleShift(identifier) | Information::LockingShift(identifier) => {
            format!(": {}", gsm7::language_name(*identifier).unwrap_or("not assigned"))
        }
        Information::Raw(_) => String::new(),
    }
}

fn store_or_discard(store: bool) -> &'static str {
    if store { "store" } else { "discard" }
}
