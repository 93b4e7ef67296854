//! What a received message is for, where it is not simply to be read: for the phone itself, for an application, or to tell
//! that something waits elsewhere.
//!
//! Pure. Input: the decoded parts of one message, from untrusted senders.

use smsbridge_codec::mms::{self, MmsNotification};
use smsbridge_codec::{Alphabet, Deliver, Pid};

use crate::event::{MessageKind, MmsWaiting, Waiting};

/// The port of WAP push on a secure connection.
const SECURE_PUSH_PORT: u16 = mms::PORT + 1;

/// The kind; none for a message to be read.
pub fn of(
    delivers: &[Deliver<'_>],
    mms: Option<&MmsWaiting>,
    waiting: &[Waiting],
    text: Option<&str>,
) -> Option<MessageKind> {
    let pid = delivers.first().map_or(Pid::PLAIN, |first| first.pid);
    // Data download to the phone or the SIM, and what goes with it (TS 23.040 9.2.3.9).
    let is_download = (0x7C..=0x7F).contains(&pid.0);
    let has_ports = delivers.iter().any(|deliver| deliver.user_data.ports().is_some());
    if pid == Pid::TYPE_0 {
        Some(MessageKind::Silent)
    } else if mms.is_some() {
        Some(MessageKind::Mms)
    } else if !waiting.is_empty() {
        Some(MessageKind::Waiting)
    } else if text.is_none() || has_ports || is_download {
        Some(MessageKind::Data)
    } else {
        None
    }
}

/// What waits elsewhere, each kind of message once.
pub fn waiting(delivers: &[Deliver<'_>]) -> Vec<Waiting> {
    let Some(first) = delivers.first() else { return Vec::new() };
    let elements = delivers.iter().flat_map(|deliver| deliver.user_data.elements());
    let waiting = smsbridge_codec::Waiting::read(first.dcs, elements);
    let shown = |waiting: smsbridge_codec::Waiting| Waiting {
        kind: waiting.kind.name().to_owned(),
        active: waiting.active,
        count: waiting.count,
    };
    waiting.into_iter().map(shown).collect()
}

/// The notification of a multimedia message in the content of a whole push.
pub fn mms(delivers: &[Deliver<'_>], push: &[u8]) -> Option<MmsWaiting> {
    let port = delivers.first()?.user_data.ports()?.destination;
    if port != mms::PORT && port != SECURE_PUSH_PORT {
        return None;
    }
    let notification = MmsNotification::decode(push)?;
    Some(MmsWaiting {
        from: notification.from,
        subject: notification.subject,
        size: notification.size,
        location: notification.location,
    })
}

/// 8-bit data as text, if it is one: meters and scripts often send text so. Zeros at the end do not count.
pub fn printable(delivers: &[Deliver<'_>], data: &[u8]) -> Option<String> {
    let is_8_bit = |deliver: &Deliver<'_>| {
        deliver.user_data.alphabet() == Alphabet::EightBit && !deliver.user_data.is_compressed()
    };
    let end = data.iter().rposition(|&octet| octet != 0).map_or(0, |last| last + 1);
    let data = &data[..end];
    let text = match std::str::from_utf8(data) {
        Ok(text) => text.to_owned(),
        // ISO 8859-1, if most of it is ASCII: other octets are as likely to be anything else.
        Err(_) if data.iter().filter(|octet| octet.is_ascii()).count() * 4 >= data.len() * 3 => {
            data.iter().copied().map(char::from).collect()
        }
        Err(_) => return None,
    };
    let is_printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (!text.is_empty() && text.chars().all(is_printable) && delivers.iter().all(is_8_bit)).then_some(text)
}
