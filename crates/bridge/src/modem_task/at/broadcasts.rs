//! Cell broadcasts: pages joined, each message published once however often the cell repeats it.
//!
//! Pure: time is passed in. What pages mean is the codec's. Input: URCs.

use std::collections::VecDeque;
use std::time::Duration;

use smsbridge_codec::cbs::{self, CbsDcs, EtwsNotification, Page};
use smsbridge_codec::hex;
use smsbridge_modem::Urc;
use tokio::time::Instant;

use crate::event::{BroadcastContent, BroadcastMessage, Warning};

/// A message is published without the pages that do not come within this time.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a cell repeats a message.
const REPETITION_TIMEOUT: Duration = Duration::from_secs(3600);

/// Messages remembered at once: a cell has a handful.
const MAX_KNOWN: usize = 64;

/// What makes two pages, or two notifications, those of one message.
#[derive(Debug, PartialEq)]
struct Key {
    serial_number: u16,
    message_identifier: u16,
    /// Coding and number of pages; none for an ETWS primary notification, whose text has the same numbers.
    pages: Option<(CbsDcs, u8)>,
}

#[derive(Debug)]
struct Known {
    key: Key,
    last_page_at: Instant,
    /// The lines so far, each with the number of its first page; empty once the message was published.
    lines: Vec<(u8, Vec<u8>)>,
}

/// Messages that are being joined or were published lately.
#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    known: Vec<Known>,
    complete: VecDeque<BroadcastContent>,
}

impl Broadcasts {
    /// Takes one more page. One that cannot be decoded is published as it is.
    pub(super) fn on_urc(&mut self, urc: &Urc, now: Instant) {
        if let Urc::Broadcast { pdu, .. } = urc {
            let complete = self.on_page(pdu, now);
            self.complete.extend(complete);
        }
    }

    fn on_page(&mut self, pdu: &str, now: Instant) -> Option<BroadcastContent> {
        let undecodable = |error: String| Some(BroadcastContent::Undecodable { error, pdu: pdu.to_owned() });
        let octets = match hex::decode(pdu) {
            Ok(octets) => octets,
            Err(error) => return undecodable(error.to_string()),
        };
        let first = match cbs::decode(&octets) {
            Ok(cbs::Received::Etws(notification)) => return self.on_notification(&notification, now),
            Ok(cbs::Received::Pages(pages)) => *pages.first()?,
            Err(error) => return undecodable(error.to_string()),
        };
        let key = Key {
            serial_number: first.serial_number(),
            message_identifier: first.message_identifier,
            pages: Some((first.dcs, first.pages)),
        };
        let number = first.page;
        let (known, is_new) = self.known(key, now);
        if known.lines.is_empty() && !is_new {
            return None;
        }
        if known.lines.iter().all(|(there, _)| *there != number) {
            known.lines.push((number, octets));
        }
        let message = join(&known.lines).filter(|message| message.missing.is_empty())?;
        known.lines.clear();
        Some(BroadcastContent::Message(message))
    }

    fn on_notification(&mut self, notification: &EtwsNotification, now: Instant) -> Option<BroadcastContent> {
        let &EtwsNotification { serial_number, message_identifier, .. } = notification;
        let (_, is_new) = self.known(Key { serial_number, message_identifier, pages: None }, now);
        is_new.then(|| BroadcastContent::Message(warning(notification)))
    }

    /// The message of this key, and whether it was unknown.
    fn known(&mut self, key: Key, now: Instant) -> (&mut Known, bool) {
        self.known.retain(|known| now.duration_since(known.last_page_at) < REPETITION_TIMEOUT);
        let at = self.known.iter().position(|known| known.key == key);
        let index = at.unwrap_or_else(|| {
            if self.known.len() >= MAX_KNOWN {
                self.known.remove(0);
            }
            self.known.push(Known { key, last_page_at: now, lines: Vec::new() });
            self.known.len() - 1
        });
        let known = &mut self.known[index];
        known.last_page_at = now;
        (known, at.is_none())
    }

    /// When to call [`Broadcasts::tick`].
    pub(super) fn due_at(&self) -> Option<Instant> {
        let incomplete = self.known.iter().filter(|known| !known.lines.is_empty());
        incomplete.map(|known| known.last_page_at + PAGE_TIMEOUT).min()
    }

    /// The next message that is complete, or whose other pages never came.
    pub(super) fn tick(&mut self, now: Instant) -> Option<BroadcastContent> {
        if let Some(complete) = self.complete.pop_front() {
            return Some(complete);
        }
        let is_due = |known: &&mut Known| !known.lines.is_empty() && now >= known.last_page_at + PAGE_TIMEOUT;
        let lines = std::mem::take(&mut self.known.iter_mut().find(is_due)?.lines);
        join(&lines).map(BroadcastContent::Message)
    }
}

fn join(lines: &[(u8, Vec<u8>)]) -> Option<BroadcastMessage> {
    let mut pages: Vec<Page<'_>> = Vec::new();
    for (_, octets) in lines {
        if let Ok(cbs::Received::Pages(these)) = cbs::decode(octets) {
            pages.extend(these);
        }
    }
    let first = *pages.first()?;
    let joined = cbs::join(&pages).ok()?;
    let data = joined.text.is_none().then_some(joined.data);
    Some(BroadcastMessage {
        channel: first.message_identifier,
        code: first.message_code,
        update: first.update_number,
        text: joined.text,
        data,
        language: joined.language,
        pages: first.pages,
        missing: joined.missing,
        warning: None,
    })
}

fn warning(notification: &EtwsNotification) -> BroadcastMessage {
    BroadcastMessage {
        channel: notification.message_identifier,
        code: notification.message_code(),
        update: notification.update_number(),
        text: None,
        data: None,
        language: None,
        pages: 1,
        missing: Vec::new(),
        warning: Some(Warning {
            kind: notification.warning.name().to_owned(),
            alert: notification.alert,
            popup: notification.popup,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of channel 50 whose content is padded with carriage returns.
    fn page(number: u8, of: u8, text: &str) -> Urc {
        let mut septets = Vec::new();
        smsbridge_codec::gsm7::encode_into(text, &mut septets).unwrap();
        septets.resize(93, 0x0D);
        let mut octets = vec![0x00, 0x10, 0x00, 0x32, 0x01, number << 4 | of];
        octets.extend(smsbridge_codec::gsm7::pack_ussd(&septets));
        octets.truncate(88);
        octets.resize(88, 0);
        urc(&hex::encode(&octets))
    }

    fn urc(pdu: &str) -> Urc {
        Urc::Broadcast { length: None, pdu: pdu.to_owned() }
    }

    fn message(content: Option<BroadcastContent>) -> BroadcastMessage {
        match content {
            Some(BroadcastContent::Message(message)) => message,
            other => panic!("no message, but {other:?}"),
        }
    }

    #[test]
    fn pages_are_joined_in_any_order_and_published_once() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        broadcasts.on_urc(&page(2, 2, "flood"), now);
        assert_eq!(broadcasts.tick(now), None);
        broadcasts.on_urc(&page(1, 2, "Warning: "), now);
        let joined = message(broadcasts.tick(now));
        assert_eq!((joined.channel, joined.missing), (50, Vec::new()));
        let text = joined.text.unwrap();
        assert!(text.starts_with("Warning:") && text.ends_with("flood"), "{text:?}");
        broadcasts.on_urc(&page(1, 2, "Warning: "), now);
        assert_eq!(broadcasts.tick(now), None, "the cell's repetition was published");
        assert_eq!(broadcasts.due_at(), None);
    }

    #[test]
    fn a_page_that_never_comes_is_published_as_missing() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        broadcasts.on_urc(&page(1, 2, "Warning: "), now);
        assert_eq!(broadcasts.due_at(), Some(now + PAGE_TIMEOUT));
        assert_eq!(broadcasts.tick(now + Duration::from_secs(59)), None);
        assert_eq!(message(broadcasts.tick(now + PAGE_TIMEOUT)).missing, [2]);
    }

    #[test]
    fn what_is_not_a_page_is_published_as_it_is() {
        let mut broadcasts = Broadcasts::default();
        broadcasts.on_urc(&urc("00"), Instant::now());
        let published = broadcasts.tick(Instant::now());
        assert!(matches!(published, Some(BroadcastContent::Undecodable { pdu, .. }) if pdu == "00"));
    }

    #[test]
    fn pages_without_padding_are_joined_with_those_that_have_it() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        // NL-Alert, its pages as a modem gave them: the last one without padding.
        for page in [
            "46A0111305134E662BC82ECBE92018AD1593B56430D90C1493E960301D885A9C528545697288A4BA40C432E86D2FCBD1E53419740F87E5F331BA7EA783D465103DAD2697DD7390FBFD26CFD3F47A989E2ECF41F67418E404",
            "46A011130523CC56905D96D35D206519C42E97E7741039EC06DDC37490BA0C6ABFCB7410F95D7683CA6ED03D1C9683D46550BB5C9683D26EF35BDE0ED3D365D03AEC06D9D36E72D9ED02A9542A10B538A5829AC5E9347804",
            "46A0111305334590B34C4797E5ECB09B3C071DDFF6B2DCDD2EBBE920685DCC4E8F41D7B0DC9D769F41D3FC9C5E6EBB40CE37283CA6A7DF6E90BC1CAFA7E565B2AB",
        ] {
            assert_eq!(broadcasts.tick(now), None);
            broadcasts.on_urc(&urc(page), now);
        }
        let alert = message(broadcasts.tick(now));
        assert_eq!((alert.channel, alert.pages, alert.language.as_deref()), (4371, 3, Some("nl")));
        let text = alert.text.unwrap();
        assert!(text.starts_with("NL-Alert 04-12-2023") && text.ends_with("No action required."), "{text}");
    }

    #[test]
    fn all_pages_in_one_line_are_one_message() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        let mut octets = vec![1, 0x11, 0x13, 0x00, 0x10, 0x48, 2];
        for text in ["Вода ", "поднимается"] {
            let mut content = Vec::new();
            smsbridge_codec::ucs2::encode_into(text, &mut content);
            let length = content.len();
            content.resize(82, 0);
            octets.extend(content);
            octets.push(u8::try_from(length).unwrap());
        }
        for expected in [Some("Вода поднимается"), None] {
            broadcasts.on_urc(&urc(&hex::encode(&octets)), now);
            let content = broadcasts.tick(now);
            assert_eq!(content.map(|content| message(Some(content)).text.unwrap()).as_deref(), expected);
        }
    }

    #[test]
    fn a_warning_and_its_text_are_two_messages_published_once_each() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        // Both have one serial number and identifier.
        let lines = ["300011000180", "300011004811573097300C"];
        for line in lines.iter().chain(&lines) {
            broadcasts.on_urc(&urc(line), now);
        }
        let first = message(broadcasts.tick(now));
        let warning = first.warning.unwrap();
        assert_eq!((warning.kind.as_str(), warning.alert, warning.popup), ("earthquake", true, true));
        assert_eq!(first.text, None);
        let second = message(broadcasts.tick(now));
        assert!(second.text.is_some() && second.warning.is_none());
        assert_eq!(broadcasts.tick(now), None, "the cell's repetition was published");
    }

    #[test]
    fn one_number_in_two_languages_makes_two_messages() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        for dcs in ["00", "01"] {
            broadcasts.on_urc(&urc(&format!("00100032{dcs}11C834")), now);
            assert_eq!(message(broadcasts.tick(now)).text.as_deref(), Some("Hi"));
        }
    }
}
