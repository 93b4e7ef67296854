//! Cell broadcasts: pages joined, each message published once however often the cell repeats it.
//!
//! Pure: time is passed in. What pages mean is the codec's. Input: URCs.

use std::collections::VecDeque;
use std::time::Duration;

use smsbridge_codec::cbs::{self, Page};
use smsbridge_codec::hex;
use smsbridge_modem::Urc;
use tokio::time::Instant;

use crate::event::{BroadcastContent, BroadcastMessage};

/// A message is published without the pages that do not come within this time.
const PAGE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a cell repeats a message.
const REPETITION_TIMEOUT: Duration = Duration::from_secs(3600);

/// Messages remembered at once: a cell has a handful.
const MAX_KNOWN: usize = 64;

#[derive(Debug)]
struct Known {
    /// Serial number, message identifier.
    key: (u16, u16),
    last_page_at: Instant,
    /// The pages so far; empty once the message was published.
    pages: Vec<Vec<u8>>,
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
        let key = match Page::decode(&octets) {
            Ok(page) => (page.serial_number(), page.message_identifier),
            Err(error) => return undecodable(error.to_string()),
        };
        self.known.retain(|known| now.duration_since(known.last_page_at) < REPETITION_TIMEOUT);
        let at = match self.known.iter().position(|known| known.key == key) {
            Some(at) if self.known[at].pages.is_empty() => return None,
            Some(at) => at,
            None => {
                if self.known.len() >= MAX_KNOWN {
                    self.known.remove(0);
                }
                self.known.push(Known { key, last_page_at: now, pages: Vec::new() });
                self.known.len() - 1
            }
        };
        let known = &mut self.known[at];
        known.last_page_at = now;
        if !known.pages.contains(&octets) {
            known.pages.push(octets);
        }
        let message = join(&known.pages).filter(|message| message.missing.is_empty())?;
        known.pages.clear();
        Some(BroadcastContent::Message(message))
    }

    /// When to call [`Broadcasts::tick`].
    pub(super) fn due_at(&self) -> Option<Instant> {
        let incomplete = self.known.iter().filter(|known| !known.pages.is_empty());
        incomplete.map(|known| known.last_page_at + PAGE_TIMEOUT).min()
    }

    /// The next message that is complete, or whose other pages never came.
    pub(super) fn tick(&mut self, now: Instant) -> Option<BroadcastContent> {
        if let Some(complete) = self.complete.pop_front() {
            return Some(complete);
        }
        let is_due = |known: &&mut Known| !known.pages.is_empty() && now >= known.last_page_at + PAGE_TIMEOUT;
        let pages = std::mem::take(&mut self.known.iter_mut().find(is_due)?.pages);
        join(&pages).map(BroadcastContent::Message)
    }
}

fn join(pages: &[Vec<u8>]) -> Option<BroadcastMessage> {
    let pages: Vec<Page<'_>> = pages.iter().filter_map(|octets| Page::decode(octets).ok()).collect();
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
    })
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
}
