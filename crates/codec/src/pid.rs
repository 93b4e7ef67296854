//! Owns the meaning of TP-PID (TS 23.040 9.2.3.9) and the Internet mail that one of its values announces (3.8).
//!
//! The octet itself stays in the TPDU as it came; here are the few values that change what a receiver does, and words
//! for people.

/// A plain message from one phone to another.
pub const PLAIN: u8 = 0x00;
/// Internet electronic mail through a gateway (3.8).
pub const INTERNET_MAIL: u8 = 0x32;
/// Short message type 0: to be acknowledged and thrown away.
pub const TYPE_0: u8 = 0x40;
/// Return call: the sender is to be called back.
pub const RETURN_CALL: u8 = 0x5F;
/// Data for the SIM, not for people.
pub const SIM_DATA_DOWNLOAD: u8 = 0x7F;

/// Which earlier message of the same sender this one replaces: its number, 1 to 7 (41 to 47).
pub fn replaces(pid: u8) -> Option<u8> {
    (0x41..=0x47).contains(&pid).then_some(pid & 0x07)
}

/// The protocol identifier in words.
///
/// ```
/// use smsbridge_codec::pid;
///
/// assert_eq!(pid::meaning(0x00), "plain message");
/// assert_eq!((pid::meaning(0x41), pid::replaces(0x41)), ("replaces short message type 1", Some(1)));
/// ```
pub fn meaning(pid: u8) -> &'static str {
    match pid {
        0x00 => "plain message",
        0x01..=0x1F => "protocol between the two ends",
        0x20 => "telematic device of the kind the address implies",
        0x21 => "telex",
        0x22 => "group 3 fax",
        0x23 => "group 4 fax",
        0x24 => "voice telephone",
        0x25 => "ERMES pager",
        0x26 => "national paging system",
        0x27 => "videotex",
        0x28 => "teletex",
        0x29 => "teletex over a packet network",
        0x2A => "teletex over a circuit network",
        0x2B => "teletex over the telephone network",
        0x2C => "teletex over ISDN",
        0x2D => "UCI",
        0x30 => "message handling facility",
        0x31 => "X.400 message handling system",
        0x32 => "Internet electronic mail",
        0x38..=0x3E => "telematic device of the service centre's own",
        0x3F => "GSM or UMTS phone",
        0x2E | 0x2F | 0x33..=0x37 => "telematic device, reserved",
        0x40 => "short message type 0",
        0x41 => "replaces short message type 1",
        0x42 => "replaces short message type 2",
        0x43 => "replaces short message type 3",
        0x44 => "replaces short message type 4",
        0x45 => "replaces short message type 5",
        0x46 => "replaces short message type 6",
        0x47 => "replaces short message type 7",
        0x48 => "device triggering",
        0x5E => "enhanced message service, obsolete",
        0x5F => "return call",
        0x7C => "ANSI-136 R-DATA",
        0x7D => "data download to the phone",
        0x7E => "de-personalization of the phone",
        0x7F => "data download to the SIM",
        0xC0..=0xFF => "of the service centre's own",
        0x49..=0x5D | 0x60..=0x7B | 0x80..=0xBF => "reserved",
    }
}

/// Internet mail as it stands in the text of a message (3.8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InternetMail<'a> {
    /// The address: of the sender in a message to the phone, of the recipient in one from it.
    pub address: &'a str,
    /// The subject, where there is one.
    pub subject: Option<&'a str>,
    /// The rest.
    pub body: &'a str,
}

/// Reads `address body`, `address(subject)body` or `address#subject#body`. `None` if no address stands in front.
///
/// Old gateways write `*` for the `@` that their alphabet lacks, and `$` for `_`; that is left as it is.
///
/// ```
/// use smsbridge_codec::pid::internet_mail;
///
/// let mail = internet_mail("ann@example.org(Meter)12345").unwrap();
/// assert_eq!((mail.address, mail.subject, mail.body), ("ann@example.org", Some("Meter"), "12345"));
/// assert_eq!(internet_mail("no mail at all"), None);
/// ```
pub fn internet_mail(text: &str) -> Option<InternetMail<'_>> {
    let end = text.find([' ', '(', '#'])?;
    let (address, rest) = text.split_at(end);
    if !address.contains(['@', '*']) {
        return None;
    }
    let mut characters = rest.chars();
    let closing = match characters.next()? {
        '(' => ')',
        '#' => '#',
        _ => return Some(InternetMail { address, subject: None, body: characters.as_str() }),
    };
    let (subject, body) = characters.as_str().split_once(closing)?;
    Some(InternetMail { address, subject: Some(subject), body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_mail_is_read_in_its_three_forms() {
        let read = |text| internet_mail(text).map(|mail| (mail.address, mail.subject, mail.body));
        assert_eq!(read("a@b.example hello (you)"), Some(("a@b.example", None, "hello (you)")));
        assert_eq!(read("a@b.example(Meter)12345"), Some(("a@b.example", Some("Meter"), "12345")));
        assert_eq!(read("a*b.example#Meter#12345"), Some(("a*b.example", Some("Meter"), "12345")));
        assert_eq!(read("no mail at all"), None);
        assert_eq!(read("a@b.example(never closed"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn replace_types_are_numbered() {
        let replaced: Vec<_> = (0..=255).filter_map(replaces).collect();
        assert_eq!(replaced, [1, 2, 3, 4, 5, 6, 7]);
    }
}
