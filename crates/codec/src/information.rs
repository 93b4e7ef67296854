//! The meaning of information elements (TS 23.040 9.2.3.24): their names, and the values of those that matter to a
//! program.
//!
//! An element that does not have the form of its kind is kept as octets.

use crate::address::Address;
use crate::udh::{Concatenation, Element, ElementId, Ports};

/// The value of an information element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Information<'a> {
    /// 00, 08: the place of the part in a concatenated message.
    Concatenation(Concatenation),
    /// 01: the number of messages of a kind that wait (9.2.3.24.2).
    MessageIndication {
        /// The kind: 0 voice, 1 fax, 2 electronic mail, 3 other, 7 video; the others are reserved.
        kind: u8,
        /// The subscriber profile, 0 to 3.
        profile: u8,
        /// Whether the message is to be stored.
        store: bool,
        /// How many wait; 255 means 255 or more.
        count: u8,
    },
    /// 04, 05: application ports.
    Ports(Ports),
    /// 06: what the service centre is asked to do (9.2.3.24.5).
    ServiceCentreControl {
        /// Report the completion of the message.
        on_success: bool,
        /// Report a permanent error.
        on_permanent_error: bool,
        /// Report a temporary error after which the service centre has given up.
        on_temporary_error: bool,
        /// Report a temporary error after which the service centre still tries.
        on_temporary_error_still_trying: bool,
        /// Include the original header in the report.
        include_header: bool,
    },
    /// 07: who created the elements that follow: 1 the sender, 2 the receiver, 3 the service centre (9.2.3.24.6).
    SourceIndicator(u8),
    /// 0A: the format of some of the text (9.2.3.24.10.1.1).
    TextFormatting {
        /// The first character, from 0.
        start: u8,
        /// The number of characters; 0 means the rest of the text.
        length: u8,
        /// Alignment, size and style as bits.
        mode: u8,
        /// Colours as bits, if given.
        colour: Option<u8>,
    },
    /// 0B to 12: a sound, animation or picture within the text (9.2.3.24.10.1.2 to 10.1.9).
    Object {
        /// The character that it precedes, from 0.
        position: u8,
        /// Its number if it is predefined, otherwise the object itself.
        object: &'a [u8],
    },
    /// 13: the user is asked whether to keep the objects that follow (9.2.3.24.10.1.10).
    UserPrompt {
        /// The number of objects.
        objects: u8,
    },
    /// 20: the text begins with a mail header (9.2.3.24.11).
    MailHeader {
        /// The length of the header, in characters of this part.
        length: u8,
    },
    /// 22: the address to reply to (9.2.3.24.14).
    ReplyAddress(Address),
    /// 23: the state of a voice mailbox (9.2.3.24.13). What it tells of single messages is left out.
    EnhancedVoiceMail {
        /// Whether this confirms that messages were deleted, rather than tells of new ones.
        confirms_deletion: bool,
        /// The subscriber profile, 0 to 3.
        profile: u8,
        /// Whether the message is to be stored.
        store: bool,
        /// Whether the mailbox is almost full.
        almost_full: bool,
        /// Whether the mailbox is full.
        full: bool,
        /// The number to call to hear the messages.
        mailbox: Address,
        /// How many have not been heard.
        count: u8,
    },
    /// 24: the national language of escaped characters.
    SingleShift(u8),
    /// 25: the national language of all characters.
    LockingShift(u8),
    /// Any other element, or one that does not have the form of its kind.
    Raw(&'a [u8]),
}

impl<'a> Element<'a> {
    /// The value of the element.
    ///
    /// ```
    /// use smsbridge_codec::{Element, ElementId, Information};
    ///
    /// let element = Element { id: ElementId::MESSAGE_INDICATION, data: &[0x80, 3] };
    /// assert_eq!(element.id.name(), "special message indication");
    /// assert!(matches!(element.information(), Information::MessageIndication { kind: 0, store: true, count: 3, .. }));
    /// ```
    pub fn information(&self) -> Information<'a> {
        self.read().unwrap_or(Information::Raw(self.data))
    }

    fn read(&self) -> Option<Information<'a>> {
        Some(match (self.id.0, self.data) {
            (0x00 | 0x08, _) => Information::Concatenation(Concatenation::from_element(*self)?),
            (0x01, &[kind, count]) => Information::MessageIndication {
                kind: kind & 0x1F,
                profile: kind >> 5 & 0x03,
                store: kind & 0x80 != 0,
                count,
            },
            (0x04 | 0x05, _) => Information::Ports(Ports::from_element(*self)?),
            (0x06, &[bits]) => Information::ServiceCentreControl {
                on_success: bits & 0x01 != 0,
                on_permanent_error: bits & 0x02 != 0,
                on_temporary_error: bits & 0x04 != 0,
                on_temporary_error_still_trying: bits & 0x08 != 0,
                include_header: bits & 0x80 != 0,
            },
            (0x07, &[source]) => Information::SourceIndicator(source),
            (0x0A, &[start, length, mode]) => {
                Information::TextFormatting { start, length, mode, colour: None }
            }
            (0x0A, &[start, length, mode, colour]) => {
                Information::TextFormatting { start, length, mode, colour: Some(colour) }
            }
            (0x0B | 0x0D, &[position, _]) => Information::Object { position, object: &self.data[1..] },
            (0x0C | 0x0E..=0x12, &[position, ref object @ ..]) => Information::Object { position, object },
            (0x13, &[objects]) => Information::UserPrompt { objects },
            (0x20, &[length]) => Information::MailHeader { length },
            (0x22, data) => {
                let (address, length) = Address::decode(data).ok()?;
                (length == data.len()).then_some(Information::ReplyAddress(address))?
            }
            (0x23, &[bits, ref rest @ ..]) => {
                let (mailbox, length) = Address::decode(rest).ok()?;
                Information::EnhancedVoiceMail {
                    confirms_deletion: bits & 0x01 != 0,
                    profile: bits >> 2 & 0x03,
                    store: bits & 0x10 != 0,
                    almost_full: bits & 0x20 != 0,
                    full: bits & 0x40 != 0,
                    mailbox,
                    count: *rest.get(length)?,
                }
            }
            (0x24, &[identifier]) => Information::SingleShift(identifier),
            (0x25, &[identifier]) => Information::LockingShift(identifier),
            _ => return None,
        })
    }
}

impl ElementId {
    /// The name of the element in words.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0x00 => "concatenation, 8-bit reference",
            0x01 => "special message indication",
            0x04 => "application ports, 8-bit",
            0x05 => "application ports, 16-bit",
            0x06 => "service centre control",
            0x07 => "source indicator",
            0x08 => "concatenation, 16-bit reference",
            0x09 => "wireless control message protocol",
            0x0A => "text formatting",
            0x0B => "predefined sound",
            0x0C => "user defined sound",
            0x0D => "predefined animation",
            0x0E => "large animation",
            0x0F => "small animation",
            0x10 => "large picture",
            0x11 => "small picture",
            0x12 => "variable picture",
            0x13 => "user prompt indicator",
            0x14 => "extended object",
            0x15 => "reused extended object",
            0x16 => "compression control",
            0x17 => "object distribution indicator",
            0x18 => "standard WVG object",
            0x19 => "character size WVG object",
            0x1A => "extended object data request",
            0x20 => "RFC 822 mail header",
            0x21 => "hyperlink format",
            0x22 => "reply address",
            0x23 => "enhanced voice mail information",
            0x24 => "national language single shift",
            0x25 => "national language locking shift",
            0x70..=0x7F => "SIM toolkit security header",
            0x80..=0x9F => "specific to the two ends (SME to SME)",
            0xC0..=0xDF => "specific to the service centre",
            _ => "reserved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_values_and_those_of_the_wrong_form_are_raw() {
        let read = |id, data| Element { id: ElementId(id), data }.information();
        let voice_mail = Information::MessageIndication { kind: 0, profile: 0, store: true, count: 3 };
        assert_eq!(read(0x01, &[0x80, 3]), voice_mail);
        assert_eq!(read(0x01, &[0x80]), Information::Raw(&[0x80]));
        let Information::ReplyAddress(address) = read(0x22, &[0x04, 0x91, 0x21, 0x43]) else { panic!() };
        assert_eq!(address.to_string(), "+1234");
        assert_eq!(read(0x22, &[0x04, 0x91, 0x21]), Information::Raw(&[0x04, 0x91, 0x21]));
        let Information::EnhancedVoiceMail { mailbox, count: 4, full: true, store: false, .. } =
            read(0x23, &[0x40, 0x04, 0x91, 0x21, 0x43, 4, 0])
        else {
            panic!()
        };
        assert_eq!(mailbox.to_string(), "+1234");
        assert_eq!(
            read(0x23, &[0x40, 0x04, 0x91, 0x21, 0x43]),
            Information::Raw(&[0x40, 0x04, 0x91, 0x21, 0x43])
        );
        assert_eq!(read(0x0B, &[7, 3]), Information::Object { position: 7, object: &[3] });
        assert_eq!(read(0x0D, &[7, 3, 1]), Information::Raw(&[7, 3, 1]));
        assert_eq!(read(0x11, &[0, 1, 2]), Information::Object { position: 0, object: &[1, 2] });
        assert_eq!(read(0x13, &[2]), Information::UserPrompt { objects: 2 });
        assert_eq!(read(0x00, &[1, 0, 0]), Information::Raw(&[1, 0, 0]));
        assert_eq!(read(0x7F, &[1]), Information::Raw(&[1]));
    }
}
