//! One page of a cell broadcast message (TS 23.041 9.4.1), also as a part of the UMTS form.

use super::dcs::CbsDcs;
use crate::dcs::Alphabet;
use crate::error::{DecodeError, Field};
use crate::gsm7::{self, Languages};
use crate::octets::Octets;
use crate::udh::Elements;
use crate::{ucs2, udh};

/// The length of a page in octets on the air, including its header.
pub const PAGE_OCTETS: usize = 88;
/// The most content of a page, in octets.
pub(super) const CONTENT_OCTETS: usize = 82;
/// The most pages of a message: a number of four bits.
pub(super) const MAX_PAGES: u8 = 15;
/// The carriage return that pads text to the end of the page.
const CR: u8 = 0x0D;
/// As many zero septets at the end are padding: those of seven octets.
const MIN_ZERO_PADDING: usize = 8;

/// One page of a cell broadcast message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Page<'a> {
    /// The area within which the message is the same: 0 the cell (to be shown at once), 1 the network, 2 the location or
    /// service area, 3 the cell.
    pub geographical_scope: u8,
    /// Identifies the message among those with the same identifier, 0 to 1023.
    pub message_code: u16,
    /// The version of the message, counted up with each change, 0 to 15.
    pub update_number: u8,
    /// The subject, which receivers subscribe to, such as 50 for local information or 4370 for a presidential alert.
    pub message_identifier: u16,
    /// The coding of the content.
    pub dcs: CbsDcs,
    /// The number of this page, from 1.
    pub page: u8,
    /// The number of pages, 1 to 15.
    pub pages: u8,
    /// The content, at most 82 octets.
    content: &'a [u8],
}

impl<'a> Page<'a> {
    /// Reads a page, as a modem gives it in `+CBM`: with padding up to 88 octets, or with less, or with none. Octets after
    /// the first 88 are not read.
    ///
    /// ```
    /// use smsbridge_codec::cbs::Page;
    ///
    /// let octets = [0x00, 0x10, 0x11, 0x12, 0x01, 0x11, 0xC8, 0x34];
    /// let page = Page::decode(&octets)?;
    /// assert_eq!((page.message_identifier, page.page, page.pages), (4370, 1, 1));
    /// assert_eq!(page.language().as_deref(), Some("en"));
    /// assert_eq!(page.text().as_deref(), Some("Hi"));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// Fewer octets than the header takes.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let mut octets = Octets::new(octets);
        let serial_number = u16::from_be_bytes(octets.array(Field::Page)?);
        let message_identifier = u16::from_be_bytes(octets.array(Field::Page)?);
        let dcs = CbsDcs(octets.octet(Field::Page)?);
        let parameter = octets.octet(Field::Page)?;
        let content = octets.take(octets.remaining().min(CONTENT_OCTETS), Field::Page)?;
        let (page, pages) = match (parameter >> 4, parameter & 0x0F) {
            // A zero in either half reads as page 1 of 1 (9.4.1.2.4), and so does a page beyond the last.
            (page, pages) if page == 0 || page > pages => (1, 1),
            both => both,
        };
        Ok(Page::new(serial_number, message_identifier, dcs, (page, pages), content))
    }

    pub(super) fn new(
        serial_number: u16,
        message_identifier: u16,
        dcs: CbsDcs,
        (page, pages): (u8, u8),
        content: &'a [u8],
    ) -> Self {
        Page {
            geographical_scope: (serial_number >> 14) as u8,
            message_code: serial_number >> 4 & 0x3FF,
            update_number: serial_number as u8 & 0x0F,
            message_identifier,
            dcs,
            page,
            pages,
            content,
        }
    }

    /// The serial number as sent: scope, code and update number.
    pub fn serial_number(&self) -> u16 {
        u16::from(self.geographical_scope) << 14 | self.message_code << 4 | u16::from(self.update_number)
    }

    /// The elements of the header; none unless the data coding scheme announces a header.
    pub fn elements(&self) -> Elements<'a> {
        Elements::new(self.content.get(1..self.header_len()).unwrap_or(&[]))
    }

    /// The length of the header in octets, including its length octet; 0 if it would not fit.
    fn header_len(&self) -> usize {
        match (self.dcs.has_header(), self.content.first()) {
            (true, Some(&length)) if usize::from(length) < self.content.len() => usize::from(length) + 1,
            _ => 0,
        }
    }

    /// The language of the text, from the data coding scheme or the content.
    pub fn language(&self) -> Option<String> {
        match self.dcs.0 {
            0x10 => {
                let mut septets = Vec::new();
                gsm7::unpack_into(self.content, 0, 3, &mut septets);
                // A page of the UMTS form may be shorter than a language code.
                let &[first, second, CR] = &septets[..] else { return None };
                let mut language = String::new();
                gsm7::decode_into(&[first, second], Languages::default(), &mut language);
                Some(language)
            }
            0x11 => {
                let mut language = String::new();
                gsm7::decode_packed_into(self.content.get(..2)?, 0, 2, Languages::default(), &mut language);
                Some(language)
            }
            _ => self.dcs.language().map(String::from),
        }
    }

    /// The octets of the content after a header or UCS-2 language code, including padding.
    pub fn data(&self) -> &'a [u8] {
        let skipped = if self.dcs.0 == 0x11 { 2.min(self.content.len()) } else { self.header_len() };
        &self.content[skipped..]
    }

    /// Appends the text without its padding and returns true; returns false without a change if this is data or compressed
    /// text.
    pub fn text_into(&self, text: &mut String) -> bool {
        if self.dcs.is_compressed() {
            return false;
        }
        match self.dcs.alphabet() {
            Alphabet::EightBit => return false,
            Alphabet::Gsm7 => {
                let mut septets = Vec::with_capacity(93);
                self.septets_into(&mut septets);
                gsm7::decode_into(&septets, self.languages().unwrap_or_default(), text);
            }
            Alphabet::Ucs2 => ucs2::decode_into(self.unpadded_units(), text),
        }
        true
    }

    /// The national languages that the header names.
    pub(super) fn languages(&self) -> Option<Languages> {
        udh::languages(self.elements())
    }

    /// Appends the septets of 7-bit text, without a language code and the carriage returns that pad it.
    pub(super) fn septets_into(&self, text: &mut Vec<u8>) {
        let header = self.header_len();
        let fill_bits = (7 - header * 8 % 7) % 7;
        let mut septets = Vec::with_capacity(93);
        gsm7::unpack_into(self.data(), fill_bits, usize::MAX, &mut septets);
        // The spare bits at the end may look like one more septet.
        septets.truncate((self.content.len() * 8 / 7).saturating_sub((header * 8).div_ceil(7)));
        if self.content.len() < CONTENT_OCTETS
            && self.content.len().is_multiple_of(7)
            && septets.last() == Some(&0)
        {
            septets.pop();
        }
        // Some networks pad with zeros, which nobody can mean by a row of `@`.
        let zeros = septets.iter().rev().take_while(|&&septet| septet == 0).count();
        if zeros >= MIN_ZERO_PADDING {
            septets.truncate(septets.len() - zeros);
        }
        let in_content = self.dcs.0 == 0x10 && septets.get(2) == Some(&CR);
        let start = if in_content { 3 } else { 0 };
        let end = septets.iter().rposition(|&septet| septet != CR).map_or(start, |last| last + 1);
        text.extend_from_slice(&septets[start..end.max(start)]);
    }

    /// UCS-2 content without the carriage returns and zeros that pad it.
    pub(super) fn unpadded_units(&self) -> &'a [u8] {
        let (units, _) = self.data().as_chunks::<2>();
        let end = units.iter().rposition(|unit| ![[0, CR], [0, 0]].contains(unit)).map_or(0, |last| last + 1);
        units[..end].as_flattened()
    }

    /// The text without its padding; `None` if this is data or compressed text.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        self.text_into(&mut text).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_no_text_and_a_few_commercial_ats_are() {
        let page = |text: &str, padding: &[u8], length: usize| {
            let mut octets = vec![0x00, 0x10, 0x00, 0x32, 0x01, 0x11];
            let mut septets = Vec::new();
            gsm7::encode_into(text, &mut septets).unwrap();
            septets.extend(padding.iter().cycle().take(93 - septets.len()));
            gsm7::pack_into(&septets, 0, &mut octets);
            octets.truncate(length);
            Page::decode(&octets).unwrap().text().unwrap()
        };
        for text in ["Flood", "Flood at 7", "Mail us: a@b", "x@", "x@@@"] {
            assert_eq!(page(text, &[CR], PAGE_OCTETS), text);
            assert_eq!(page(text, &[0], PAGE_OCTETS), text.trim_end_matches('@'), "zeros behind {text}");
        }
        let full = format!("{}@@@", "a".repeat(90));
        assert_eq!(page(&full, &[], PAGE_OCTETS), full);
        // The modem gives only what is not padding.
        assert_eq!(page("Flood at 7", &[CR], 6 + 9), "Flood at 7");
    }
}
