//! TP-PID, the protocol identifier (TS 23.040 9.2.3.9), and the Internet mail that one of its values announces (3.8).
//!
//! The octet is kept as received. Few values change what a receiver does; those are named here, and all have words for
//! people.

/// TP-PID, the protocol identifier octet. The default is [`Pid::PLAIN`].
///
/// ```
/// use smsbridge_codec::Pid;
///
/// assert_eq!(Pid::PLAIN.meaning(), "plain message");
/// assert_eq!((Pid(0x41).meaning(), Pid(0x41).replaces()), ("replaces short message type 1", Some(1)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pid(pub u8);

impl Pid {
    /// A plain message from one phone to another.
    pub const PLAIN: Pid = Pid(0x00);
    /// Internet electronic mail through a gateway (3.8); see [`InternetMail`].
    pub const INTERNET_MAIL: Pid = Pid(0x32);
    /// Short message type 0: to be acknowledged and discarded.
    pub const TYPE_0: Pid = Pid(0x40);
    /// Return call: the sender asks to be called back.
    pub const RETURN_CALL: Pid = Pid(0x5F);
    /// Data for the SIM, not for people.
    pub const SIM_DATA_DOWNLOAD: Pid = Pid(0x7F);

    /// For a message that replaces an earlier one of the same sender (41 to 47): which of its seven replaceable messages.
    pub fn replaces(self) -> Option<u8> {
        (0x41..=0x47).contains(&self.0).then_some(self.0 & 0x07)
    }

    /// The protocol identifier in words.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x00 => "plain message",
            0x01..=0x1F => "SME-to-SME protocol",
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
            0x38..=0x3E => "telematic device specific to the service centre",
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
            0xC0..=0xFF => "specific to the service centre",
            0x49..=0x5D | 0x60..=0x7B | 0x80..=0xBF => "reserved",
        }
    }
}

/// Internet mail, as the text of a message with [`Pid::INTERNET_MAIL`] contains it (3.8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InternetMail<'a> {
    /// The mail address: of the sender in a message to the phone, of the recipient in one from it.
    pub address: &'a str,
    /// The subject, if there is one.
    pub subject: Option<&'a str>,
    /// The rest of the text.
    pub body: &'a str,
}

impl<'a> InternetMail<'a> {
    /// Reads `address body`, `address(subject)body` or `address#subject#body`. `None` if the text does not begin with an
    /// address.
    ///
    /// Old gateways write `*` for the `@` and `$` for the `_` that their alphabet lacks; both are kept.
    ///
    /// ```
    /// use smsbridge_codec::InternetMail;
    ///
    /// let mail = InternetMail::parse("ann@example.org(Meter)12345").unwrap();
    /// assert_eq!((mail.address, mail.subject, mail.body), ("ann@example.org", Some("Meter"), "12345"));
    /// assert_eq!(InternetMail::parse("no mail at all"), None);
    /// ```
    pub fn parse(text: &'a str) -> Option<Self> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_mail_is_read_in_its_three_forms() {
        let read = |text| InternetMail::parse(text).map(|mail| (mail.address, mail.subject, mail.body));
        assert_eq!(read("a@b.example hello (you)"), Some(("a@b.example", None, "hello (you)")));
        assert_eq!(read("a@b.example(Meter)12345"), Some(("a@b.example", Some("Meter"), "12345")));
        assert_eq!(read("a*b.example#Meter#12345"), Some(("a*b.example", Some("Meter"), "12345")));
        assert_eq!(read("no mail at all"), None);
        assert_eq!(read("a@b.example(never closed"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn replace_types_are_numbered() {
        let replaced: Vec<_> = (0..=255).filter_map(|pid| Pid(pid).replaces()).collect();
        assert_eq!(replaced, [1, 2, 3, 4, 5, 6, 7]);
    }
}
