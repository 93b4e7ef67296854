//! The notification of a multimedia message: what a WAP push to port 2948 carries when an MMS waits at the operator (OMA
//! MMS-ENC 6.2, in a push of WAP-230 WSP 8.2.4.1).
//!
//! It comes from untrusted senders. What cannot be read is left out, and nothing is longer than the octets given. It must
//! never fetch anything.

use crate::ucs2;

/// The port of WAP push; 2949 is its secure form.
pub const PORT: u16 = 2948;

/// Tells of a multimedia message that waits. What is absent was not given, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MmsNotification {
    /// The sender: a number, or a mail address.
    pub from: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// The size of the whole message in octets.
    pub size: Option<u64>,
    /// Where to fetch it: a URL that mostly only the operator's own network reaches.
    pub location: Option<String>,
}

impl MmsNotification {
    /// Reads the octets behind the user data header, of all parts together; `None` if they are something else.
    ///
    /// ```
    /// use smsbridge_codec::mms::MmsNotification;
    ///
    /// let mut push = vec![0x01, 0x06, 0x01, 0xBE, 0x8C, 0x82, 0x8D, 0x92];
    /// push.extend_from_slice(b"\x89\x10\x80+4915112345678\0\x8E\x02\x10\x00\x83http://mms.example/1\0");
    /// let mms = MmsNotification::decode(&push).unwrap();
    /// assert_eq!((mms.from.as_deref(), mms.size), (Some("+4915112345678"), Some(4096)));
    /// assert_eq!(mms.location.as_deref(), Some("http://mms.example/1"));
    /// ```
    pub fn decode(push: &[u8]) -> Option<Self> {
        let (&[_transaction, kind], mut rest) = push.split_first_chunk()?;
        if !matches!(kind, PUSH | CONFIRMED_PUSH) {
            return None;
        }
        let length = variable_integer(&mut rest)?;
        let (headers, mut body) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if !is_mms(headers) {
            return None;
        }
        let mut notification = MmsNotification::default();
        let mut is_notification = false;
        while let Some((field, value)) = header(&mut body) {
            match (field, value) {
                (MESSAGE_TYPE, Value::Short(kind)) => is_notification = kind == NOTIFICATION,
                (FROM, Value::Octets([ADDRESS_PRESENT, address @ ..])) => {
                    let mut address = address;
                    let address = read_value(&mut address).and_then(Value::encoded_string);
                    notification.from = address.map(without_type);
                }
                (SUBJECT, value) => notification.subject = value.encoded_string(),
                (SIZE, Value::Octets(octets)) => notification.size = long_integer(octets),
                (SIZE, Value::Short(size)) => notification.size = Some(size.into()),
                (LOCATION, Value::Text(text)) => notification.location = Some(utf8_or_latin1(text)),
                _ => {}
            }
        }
        is_notification.then_some(notification)
    }
}

/// PDU types of WSP.
const PUSH: u8 = 0x06;
const CONFIRMED_PUSH: u8 = 0x07;

/// Fields of the MMS header, without their top bit (MMS-ENC 7.4).
const LOCATION: u8 = 0x03;
const FROM: u8 = 0x09;
const MESSAGE_TYPE: u8 = 0x0C;
const SIZE: u8 = 0x0E;
const SUBJECT: u8 = 0x16;
/// A field named by text.
const NAMED: u8 = 0xFF;

/// The message type `m-notification-ind`, without its top bit.
const NOTIFICATION: u8 = 0x02;
const ADDRESS_PRESENT: u8 = 0x80;

/// The content type `application/vnd.wap.mms-message`, assigned as a number.
const MMS_NUMBER: u8 = 0x3E;
const MMS_NAME: &[u8] = b"application/vnd.wap.mms-message";

/// Character sets (IANA MIBenum).
const ANY: u64 = 0;
const UTF_8: u64 = 106;
const UCS_2: u64 = 1000;
const UTF_16: u64 = 1015;

/// The value of a header field, whose first octet tells where it ends (WSP 8.4.1.2).
#[derive(Clone, Copy)]
enum Value<'a> {
    /// One octet, without its top bit.
    Short(u8),
    /// Text, without its final zero.
    Text(&'a [u8]),
    /// Octets of a stated length.
    Octets(&'a [u8]),
}

impl Value<'_> {
    /// Text with or without its character set (MMS-ENC 7.2.9).
    fn encoded_string(self) -> Option<String> {
        match self {
            Value::Text(text) => Some(utf8_or_latin1(text)),
            Value::Octets(octets) => text_of_charset(octets),
            Value::Short(_) => None,
        }
    }
}

/// Whether the headers of a push begin with the content type of MMS, with or without parameters.
fn is_mms(mut headers: &[u8]) -> bool {
    match read_value(&mut headers) {
        Some(Value::Octets(mut general)) => {
            matches!(read_value(&mut general), Some(first) if is_mms_type(first))
        }
        Some(first) => is_mms_type(first),
        None => false,
    }
}

fn is_mms_type(value: Value<'_>) -> bool {
    match value {
        Value::Short(number) => number == MMS_NUMBER,
        Value::Text(name) => name.eq_ignore_ascii_case(MMS_NAME),
        Value::Octets(_) => false,
    }
}

/// The next field and its value.
fn header<'a>(rest: &mut &'a [u8]) -> Option<(u8, Value<'a>)> {
    let field = match read_value(rest)? {
        Value::Short(field) => field,
        Value::Text(_) => NAMED,
        Value::Octets(_) => return None,
    };
    Some((field, read_value(rest)?))
}

fn read_value<'a>(rest: &mut &'a [u8]) -> Option<Value<'a>> {
    let (&first, after) = rest.split_first()?;
    let length = match first {
        0..=30 => {
            *rest = after;
            first.into()
        }
        31 => {
            *rest = after;
            usize::try_from(variable_integer(rest)?).ok()?
        }
        0x80.. => {
            *rest = after;
            return Some(Value::Short(first & 0x7F));
        }
        _ => return text(rest).map(Value::Text),
    };
    let (octets, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(Value::Octets(octets))
}

/// Text up to a zero, or up to the end where the zero is left out. A quote (127) precedes text that would look like a number.
fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let whole = *rest;
    let end = whole.iter().position(|&octet| octet == 0).unwrap_or(whole.len());
    *rest = whole.get(end + 1..).unwrap_or(&[]);
    let text = &whole[..end];
    Some(text.strip_prefix(&[0x7F]).unwrap_or(text))
}

/// Seven bits an octet, the top bit of the last one clear (WSP 8.1.2).
fn variable_integer(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for _ in 0..5 {
        let (&octet, after) = rest.split_first()?;
        *rest = after;
        number = number << 7 | u64::from(octet & 0x7F);
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn long_integer(octets: &[u8]) -> Option<u64> {
    (1..=8)
        .contains(&octets.len())
        .then(|| octets.iter().fold(0, |number, &octet| number << 8 | u64::from(octet)))
}

/// Text with its character set in front.
fn text_of_charset(octets: &[u8]) -> Option<String> {
    let mut rest = octets;
    let charset = match read_value(&mut rest)? {
        Value::Short(charset) => charset.into(),
        Value::Octets(charset) => long_integer(charset)?,
        Value::Text(text) => return Some(utf8_or_latin1(text)),
    };
    match charset {
        UCS_2 | UTF_16 => {
            let mut text = String::new();
            ucs2::decode_into(rest, &mut text);
            Some(text.trim_matches(['\0', '\u{FEFF}']).to_owned())
        }
        ANY | UTF_8 => text(&mut rest).map(utf8_or_latin1),
        // ISO 8859-1, and others whose ASCII part at least is right.
        _ => text(&mut rest).map(latin1),
    }
}

fn utf8_or_latin1(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap_or_else(|_| latin1(octets))
}

fn latin1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

/// An address without its type: `+4915112345678/TYPE=PLMN` (MMS-ENC 8).
fn without_type(address: String) -> String {
    match address.split_once("/TYPE=") {
        Some((address, _)) => address.to_owned(),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(headers: &[u8], body: &[u8]) -> Vec<u8> {
        [&[0x42, PUSH, headers.len() as u8], headers, body].concat()
    }

    const TYPE: &[u8] = &[0x8C, 0x82];

    fn subject(value: &[u8]) -> Option<String> {
        MmsNotification::decode(&push(&[0xBE], &[TYPE, &[0x96], value].concat())).unwrap().subject
    }

    #[test]
    fn the_content_type_comes_in_several_forms() {
        let body = [TYPE, b"\x83http://a/\0"].concat();
        let named = [MMS_NAME, b"\0\xAF\x84"].concat();
        let with_parameters = [&[0x03, 0xBE, 0x81, 0xEA][..], &[0xAF, 0x84]].concat();
        for headers in [&[0xBE][..], &named, &with_parameters] {
            let mms = MmsNotification::decode(&push(headers, &body)).unwrap();
            assert_eq!(mms.location.as_deref(), Some("http://a/"), "{headers:02X?}");
        }
        for other in [&[0xAE][..], b"text/plain\0", &[0x03, 0xAE, 0x81, 0xEA], &[]] {
            assert_eq!(MmsNotification::decode(&push(other, &body)), None, "{other:02X?}");
        }
        let delivery_report = [&[0x8C, 0x86][..], b"\x83http://a/\0"].concat();
        assert_eq!(MmsNotification::decode(&push(&[0xBE], &delivery_report)), None);
    }

    #[test]
    fn a_subject_has_a_character_set_or_none() {
        assert_eq!(subject(b"Caf\xC3\xA9\0").as_deref(), Some("Café"));
        assert_eq!(subject(b"Caf\xE9\0").as_deref(), Some("Café"));
        assert_eq!(subject(b"\x07\xEACaf\xC3\xA9\0").as_deref(), Some("Café"));
        assert_eq!(subject(b"\x06\x84Caf\xE9\0").as_deref(), Some("Café"));
        assert_eq!(subject(b"\x09\x02\x03\xE8\x04\x1F\x04\x30\0\0").as_deref(), Some("Па"));
        assert_eq!(subject(b"\x05\xEA\x7F\xD0\x9F\0").as_deref(), Some("П"));
        assert_eq!(subject(b"no zero at the end").as_deref(), Some("no zero at the end"));
    }

    #[test]
    fn a_sender_may_be_a_number_a_mail_address_or_withheld() {
        let from = |value: &[u8]| {
            MmsNotification::decode(&push(&[0xBE], &[TYPE, &[0x89], value].concat())).unwrap().from
        };
        assert_eq!(from(b"\x12\x80+49151/TYPE=PLMN\0").as_deref(), Some("+49151"));
        assert_eq!(from(b"\x0F\x80ann@a.example\0").as_deref(), Some("ann@a.example"));
        assert_eq!(from(b"\x0A\x80\x08\xEA+49151\0").as_deref(), Some("+49151"));
        assert_eq!(from(b"\x0A\x80\x1E\xEA+49151\0").as_deref(), None, "a length that does not fit");
        assert_eq!(from(b"\x01\x81"), None);
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let body = [
            TYPE,
            &[0x88, 0x05, 0x81, 0x03, 0x01, 0x19, 0x40],
            b"X-Vendor\0some\0",
            &[0xBF, 0x80, 0x8E, 0x01, 0x09],
        ]
        .concat();
        assert_eq!(MmsNotification::decode(&push(&[0xBE], &body)).unwrap().size, Some(9));
    }
}
