//! Cell broadcasts: pages joined, each message told once however often the cell repeats it.
//!
//! Pure: time is handed in. Pages are octets as the modem gave them; what they say is the codec's. Input: `+CBM`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use smsbridge_codec::cbs::{self, Page};
use smsbridge_codec::hex;
use tokio::time::Instant;

/// Pages that are missing after so long will be told of as missing.
const WAITS_FOR: Duration = Duration::from_secs(60);

/// A cell says the same again and again for so long.
const REPEATED_FOR: Duration = Duration::from_secs(3600);

/// Messages known at once: a cell has a handful.
const MOST: usize = 64;

#[derive(Debug)]
struct Gathered {
    /// Serial number, message identifier.
    key: (u16, u16),
    last: Instant,
    /// Empty once it was told.
    pages: Vec<Vec<u8>>,
}

/// What is being gathered, and what was told of lately.
#[derive(Debug, Default)]
pub(super) struct Broadcasts {
    known: Vec<Gathered>,
}

impl Broadcasts {
    /// One more page; the message it completes, without modem and time. A page that cannot be read is told as it is.
    pub(super) fn page(&mut self, digits: &str, now: Instant) -> Option<Value> {
        let unreadable = |why: String| Some(json!({"error": why, "pdu": digits}));
        let octets = match hex::decode(digits) {
            Ok(octets) => octets,
            Err(error) => return unreadable(error.to_string()),
        };
        let key = match Page::decode(&octets) {
            Ok(page) => (page.serial_number(), page.message_identifier),
            Err(error) => return unreadable(error.to_string()),
        };
        self.known.retain(|one| now.duration_since(one.last) < REPEATED_FOR);
        let at = match self.known.iter().position(|one| one.key == key) {
            Some(at) if self.known[at].pages.is_empty() => return None,
            Some(at) => at,
            None => {
                if self.known.len() >= MOST {
                    self.known.remove(0);
                }
                self.known.push(Gathered { key, last: now, pages: Vec::new() });
                self.known.len() - 1
            }
        };
        let one = &mut self.known[at];
        one.last = now;
        if !one.pages.contains(&octets) {
            one.pages.push(octets);
        }
        let (value, is_whole) = joined(&one.pages)?;
        is_whole.then(|| {
            one.pages.clear();
            value
        })
    }

    /// When to look for messages that stay incomplete.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.known.iter().filter(|one| !one.pages.is_empty()).map(|one| one.last + WAITS_FOR).min()
    }

    /// A message whose other pages never came.
    pub(super) fn due(&mut self, now: Instant) -> Option<Value> {
        let one = self.known.iter_mut().find(|one| !one.pages.is_empty() && now >= one.last + WAITS_FOR)?;
        let pages = std::mem::take(&mut one.pages);
        joined(&pages).map(|(value, _)| value)
    }
}

fn joined(pages: &[Vec<u8>]) -> Option<(Value, bool)> {
    let pages: Vec<Page<'_>> = pages.iter().filter_map(|octets| Page::decode(octets).ok()).collect();
    let first = *pages.first()?;
    let message = cbs::join(&pages).ok()?;
    let is_whole = message.missing.is_empty();
    let data = message.text.is_none().then(|| BASE64.encode(&message.data));
    let value = json!({
        "channel": first.message_identifier, "code": first.message_code, "update": first.update_number,
        "text": message.text, "data": data, "language": message.language,
        "pages": first.pages, "complete": is_whole, "missing": message.missing,
    });
    Some((value, is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of channel 50 whose content is carriage returns after `letters`.
    pub(super) fn page(number: u8, of: u8, letters: &str) -> String {
        let mut septets = Vec::new();
        smsbridge_codec::gsm7::encode_into(letters, &mut septets).unwrap();
        septets.resize(93, 0x0D);
        let mut octets = vec![0x00, 0x10, 0x00, 0x32, 0x01, number << 4 | of];
        octets.extend(smsbridge_codec::gsm7::pack_ussd(&septets));
        octets.truncate(88);
        octets.resize(88, 0);
        hex::encode(&octets)
    }

    #[test]
    fn pages_are_joined_in_any_order_and_told_once() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        assert_eq!(broadcasts.page(&page(2, 2, "flood"), now), None);
        let told = broadcasts.page(&page(1, 2, "Warning: "), now).unwrap();
        assert_eq!((&told["channel"], &told["complete"]), (&json!(50), &json!(true)));
        let text = told["text"].as_str().unwrap();
        assert!(text.starts_with("Warning:") && text.ends_with("flood"), "{text:?}");
        assert_eq!(broadcasts.page(&page(1, 2, "Warning: "), now), None, "the cell repeats it");
        assert_eq!(broadcasts.due_at(), None);
    }

    #[test]
    fn a_page_that_never_comes_is_told_as_missing() {
        let now = Instant::now();
        let mut broadcasts = Broadcasts::default();
        assert_eq!(broadcasts.page(&page(1, 2, "Warning: "), now), None);
        assert_eq!(broadcasts.due(now + Duration::from_secs(59)), None);
        let told = broadcasts.due(now + Duration::from_secs(60)).unwrap();
        assert_eq!((&told["missing"], &told["complete"]), (&json!([2]), &json!(false)));
    }

    #[test]
    fn what_is_no_page_is_told_as_it_is() {
        let told = Broadcasts::default().page("00", Instant::now()).unwrap();
        assert_eq!(told["pdu"], "00");
    }
}
