//! `smsbridge history`: what the store holds, for people and for scripts, beside a running gateway.

use clap::Args;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::columns::with_contact;
use super::config_arg::ConfigArg;
use super::output::{say, say_each};
use crate::contact::Contacts;
use crate::escape::field;
use crate::event::{ReceivedContent, SendResult};
use crate::message::UnixMs;
use crate::request::Content;
use crate::store::{Entry, History, HistoryFilter, Person};
use crate::wire;

/// Show what the store holds.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Not older than this: a time such as 2026-11-22T10:00:00Z, 2026-11-22T10:00 or 2026-11-22, or an age: 36h, 7d
    #[arg(long, value_parser = since)]
    since: Option<UnixMs>,
    /// Only messages from this sender: a number, a name, or a contact
    #[arg(long)]
    from: Option<String>,
    /// Only messages to this recipient: a number or a contact
    #[arg(long)]
    to: Option<String>,
}

impl HistoryArgs {
    /// Prints the entries in the order of time.
    pub fn run(self) -> anyhow::Result<bool> {
        let config = self.config.load_without_secrets()?;
        let is_narrowed = self.since.is_some() || self.from.is_some() || self.to.is_some();
        let contacts = Contacts::new(&config.contacts, &config.outbound.default_country);
        let country = &config.outbound.default_country;
        let person = |written: String| match contacts.named(&written) {
            Some(contact) => Person::of_contact(contact, country),
            None => Person::new(&written, country),
        };
        let filter = HistoryFilter {
            since: self.since.unwrap_or(0),
            from: self.from.map(person),
            to: self.to.map(person),
        };
        let entries = History::open(&config.store.of_gateway())?.entries(&filter)?;
        say_each(&entries, self.json, |entry| wire::history::entry(entry, config.inbound.include_pdu), line);
        if entries.is_empty() && !self.json {
            say(match is_narrowed {
                true => "no message matches".to_owned(),
                false => format!("no message yet in {}", config.store.path.display()),
            });
        }
        Ok(true)
    }
}

fn line(entry: &Entry) -> String {
    let at = wire::time(entry.at());
    match entry {
        Entry::Received(received) => {
            let text = match &received.content {
                ReceivedContent::Message(message) => message.text.as_deref(),
                ReceivedContent::Undecodable(_) => None,
            };
            format!("{at}  from {:<16}  {}", field(received.sender()), shown(text))
        }
        Entry::Sent(sent) => {
            let text = match &sent.body.content {
                Content::Text(text) => Some(text.as_str()),
                Content::Data { .. } => None,
            };
            let SendResult { to, contact, .. } = &sent.result;
            let to = field(&with_contact(contact.as_deref(), to.as_deref().unwrap_or_default()));
            format!("{at}  to   {to:<16}  [{}] {}", sent.result.state.as_str(), shown(text))
        }
    }
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "(data)".to_owned(), field)
}

fn since(text: &str) -> Result<UnixMs, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_millisecond());
    }
    let too_long = |_| "there is no such time: an age may have a few thousand years at most".to_owned();
    // Without a zone it is the reader's own time; a date alone is its beginning.
    if let Ok(at) = text.parse::<DateTime>() {
        let at = at.to_zoned(TimeZone::system()).map_err(too_long)?;
        return Ok(at.timestamp().as_millisecond());
    }
    if let Ok(age) = text.parse::<SignedDuration>() {
        return Timestamp::now().checked_sub(age).map(Timestamp::as_millisecond).map_err(too_long);
    }
    match text.strip_suffix('d').and_then(|n| n.parse::<i64>().ok()) {
        Some(days) => {
            let age = jiff::Span::new().try_days(days).map_err(too_long)?;
            Zoned::now().checked_sub(age).map(|at| at.timestamp().as_millisecond()).map_err(too_long)
        }
        None => Err("expected a time such as 2026-11-22T10:00:00Z, or an age such as 36h or 7d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Received;
    use crate::pdu;
    use crate::pdu_fixtures::short;

    fn received(from: &str, text: &str) -> Entry {
        let pdus = vec![short("+491", "x", 0)];
        let mut message = pdu::join(&pdus).unwrap();
        (message.from, message.text) = (from.to_owned(), Some(text.to_owned()));
        Entry::Received(Received {
            id: "id".to_owned(),
            modem: "main".parse().unwrap(),
            received_at: 0,
            was_stored: false,
            content: ReceivedContent::Message(Box::new(message)),
            pdus,
            contact: None,
            rule: None,
        })
    }

    #[test]
    fn a_sender_forges_no_line() {
        let line = line(&received("Bank\n+4911", "Your\r\ncode \\n"));
        assert_eq!(line, r"1970-01-01T00:00:00.000Z  from Bank\n+4911       Your\r\ncode \\n");
    }

    proptest! {
        #[test]
        fn no_control_character_is_shown(from in "(?s).{0,11}", text in "(?s).{0,40}") {
            let line = line(&received(&from, &text));
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }

    #[test]
    fn an_age_or_a_time_beyond_all_times_is_refused_in_words() {
        for text in [
            "9999999999999h",
            "-9999999999999h",
            "9223372036854775807s",
            "-9223372036854775808s",
            "99999999999d",
            "-99999999999d",
            "9223372036854775807d",
            "P9999999999999999Y",
            "99999-01-01T00:00:00Z",
            "",
            "d",
        ] {
            assert!(since(text).is_err(), "{text:?} was taken");
        }
        for text in [
            "36h",
            "7d",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22 10:00",
            "2026-11-22T10:00:00Z",
            "87600h",
            "-1h",
            "0s",
        ] {
            assert!(since(text).is_ok(), "{text:?} was refused");
        }
    }
}
