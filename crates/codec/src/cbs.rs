//! Cell broadcast: pages of 88 octets (TS 23.041 9.4.1), the UMTS form that holds all pages of a message (9.4.2), and the
//! data coding scheme of both (TS 23.038 clause 5), which differs from that of short messages.
//!
//! Modems give a page in a `+CBM` line, without a service centre address. Pages with the same serial number and message
//! identifier belong together; the caller collects them and decides how long to wait for missing ones.

use std::fmt;

use crate::dcs::{Alphabet, MessageClass};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::gsm7::{self, Languages};
use crate::octets::Octets;
use crate::udh::Elements;
use crate::{ucs2, udh};

/// The length of a page in octets, including its header.
pub const PAGE_OCTETS: usize = 88;
/// The length of the content of a page in octets.
const CONTENT_OCTETS: usize = 82;
/// The most pages of a message: a number of four bits.
const MAX_PAGES: u8 = 15;
/// The carriage return that pads text to the end of the page.
const CR: u8 = 0x0D;

/// The data coding scheme of cell broadcast.
///
/// ```
/// use smsbridge_codec::{Alphabet, cbs::CbsDcs};
///
/// assert_eq!((CbsDcs(0x00).language(), CbsDcs(0x23).language()), (Some("de"), Some("ru")));
/// assert!(CbsDcs(0x11).has_language_in_content());
/// assert_eq!(CbsDcs(0x48).alphabet(), Alphabet::Ucs2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CbsDcs(pub u8);

/// The languages of groups 0 and 2, as ISO 639 codes.
const GROUP_0: [&str; 15] =
    ["de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "el", "tr", "hu", "pl"];
const GROUP_2: [&str; 5] = ["cs", "he", "ar", "ru", "is"];

impl CbsDcs {
    /// The alphabet of the content. Reserved values read as the default alphabet.
    pub fn alphabet(self) -> Alphabet {
        match self.0 {
            0x11 => Alphabet::Ucs2,
            0x40..=0x7F | 0x90..=0x9F => match self.0 & 0x0C {
                0x04 => Alphabet::EightBit,
                0x08 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            // Data of other protocols.
            0xD0..=0xEF => Alphabet::EightBit,
            0xF0..=0xFF if self.0 & 0x04 != 0 => Alphabet::EightBit,
            _ => Alphabet::Gsm7,
        }
    }

    /// The language that the octet names, as an ISO 639 code.
    pub fn language(self) -> Option<&'static str> {
        let index = usize::from(self.0 & 0x0F);
        match self.0 >> 4 {
            0x0 => GROUP_0.get(index).copied(),
            0x2 => GROUP_2.get(index).copied(),
            _ => None,
        }
    }

    /// Whether the content begins with a language code (10 and 11).
    pub fn has_language_in_content(self) -> bool {
        matches!(self.0, 0x10 | 0x11)
    }

    /// The message class, if there is one. In group F, the bits of class 0 mean that there is none.
    pub fn class(self) -> Option<MessageClass> {
        let bits = self.0 & 0x03;
        let has_class = match self.0 >> 4 {
            0x5 | 0x7 | 0x9 => true,
            0xF => bits != 0,
            _ => false,
        };
        has_class.then(|| MessageClass::try_from(bits).ok()).flatten()
    }

    /// Whether the text is compressed (TS 23.042). Compressed text can only be read as octets.
    pub fn is_compressed(self) -> bool {
        matches!(self.0 >> 4, 0x6 | 0x7)
    }

    /// Whether the content begins with a user data header (group 9).
    pub fn has_header(self) -> bool {
        self.0 >> 4 == 0x9
    }
}

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
    /// The content, 82 octets, or fewer from the UMTS form.
    content: &'a [u8],
}

impl<'a> Page<'a> {
    /// Reads a page, as a modem gives it in `+CBM`.
    ///
    /// ```
    /// use smsbridge_codec::cbs::Page;
    ///
    /// let mut octets = vec![0x00, 0x10, 0x11, 0x12, 0x01, 0x11, 0xC8, 0x34];
    /// octets.resize(88, 0x00);
    /// let page = Page::decode(&octets)?;
    /// assert_eq!((page.message_identifier, page.page, page.pages), (4370, 1, 1));
    /// assert_eq!(page.language().as_deref(), Some("en"));
    /// assert!(page.text().is_some_and(|text| text.starts_with("Hi")));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// Anything but 88 octets.
    pub fn decode(octets: &'a [u8]) -> Result<Self, DecodeError> {
        if octets.len() != PAGE_OCTETS {
            let kind = DecodeErrorKind::BadLength { length: octets.len(), limit: PAGE_OCTETS };
            return Err(DecodeError { field: Field::Page, octet: 0, kind });
        }
        let mut octets = Octets::new(octets);
        let serial_number = u16::from_be_bytes(octets.array(Field::Page)?);
        let message_identifier = u16::from_be_bytes(octets.array(Field::Page)?);
        let dcs = CbsDcs(octets.octet(Field::Page)?);
        let parameter = octets.octet(Field::Page)?;
        let content = octets.take(CONTENT_OCTETS, Field::Page)?;
        let (page, pages) = match (parameter >> 4, parameter & 0x0F) {
            // A zero in either half reads as page 1 of 1 (9.4.1.2.4), and so does a page beyond the last.
            (page, pages) if page == 0 || page > pages => (1, 1),
            both => both,
        };
        Ok(Page::new(serial_number, message_identifier, dcs, (page, pages), content))
    }

    fn new(
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
                let header = self.header_len();
                let fill_bits = (7 - header * 8 % 7) % 7;
                let mut septets = Vec::with_capacity(93);
                gsm7::unpack_into(self.data(), fill_bits, usize::MAX, &mut septets);
                // The spare bits at the end may look like one more septet.
                septets.truncate((self.content.len() * 8 / 7).saturating_sub((header * 8).div_ceil(7)));
                let in_content = self.dcs.0 == 0x10 && septets.get(2) == Some(&CR);
                let start = if in_content { 3 } else { 0 };
                let end = septets.iter().rposition(|&septet| septet != CR).map_or(start, |last| last + 1);
                let languages = udh::languages(self.elements()).unwrap_or_default();
                gsm7::decode_into(&septets[start..end.max(start)], languages, text);
            }
            Alphabet::Ucs2 => ucs2::decode_into(self.unpadded_units(), text),
        }
        true
    }

    /// UCS-2 content without the carriage returns that pad it.
    fn unpadded_units(&self) -> &'a [u8] {
        let (units, _) = self.data().as_chunks::<2>();
        let end = units.iter().rposition(|&unit| unit != [0, CR]).map_or(0, |last| last + 1);
        units[..end].as_flattened()
    }

    /// The text without its padding; `None` if this is data or compressed text.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        self.text_into(&mut text).then_some(text)
    }
}

/// Reads the UMTS form (9.4.2): a message with all its pages.
///
/// ```
/// use smsbridge_codec::cbs;
///
/// let mut octets = vec![1, 0x11, 0x12, 0x00, 0x10, 0x01, 1, 0xC8, 0x34];
/// octets.resize(7 + 82, 0x00);
/// octets.push(2);
/// let pages = cbs::decode_umts(&octets)?;
/// assert_eq!(cbs::join(&pages).map(|broadcast| broadcast.text), Ok(Some("Hi".into())));
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// Fewer octets than the form takes, a message type other than 1, no page or more than 15, or a page that states a length
/// of more than 82 octets.
pub fn decode_umts(octets: &[u8]) -> Result<Vec<Page<'_>>, DecodeError> {
    let mut octets = Octets::new(octets);
    let start = octets;
    if octets.octet(Field::Page)? != 1 {
        return Err(start.error(Field::Page, DecodeErrorKind::ReservedType));
    }
    let message_identifier = u16::from_be_bytes(octets.array(Field::Page)?);
    let serial_number = u16::from_be_bytes(octets.array(Field::Page)?);
    let dcs = CbsDcs(octets.octet(Field::Page)?);
    let count_at = octets;
    let pages = octets.octet(Field::Page)?;
    if !(1..=MAX_PAGES).contains(&pages) {
        let kind = DecodeErrorKind::BadLength { length: pages.into(), limit: MAX_PAGES.into() };
        return Err(count_at.error(Field::Page, kind));
    }
    let page = |page| {
        let content = octets.take(CONTENT_OCTETS, Field::Page)?;
        let length_at = octets;
        let length = usize::from(octets.octet(Field::Page)?);
        let Some(content) = content.get(..length) else {
            let kind = DecodeErrorKind::BadLength { length, limit: CONTENT_OCTETS };
            return Err(length_at.error(Field::Page, kind));
        };
        Ok(Page::new(serial_number, message_identifier, dcs, (page, pages), content))
    };
    (1..=pages).map(page).collect()
}

/// A message joined from its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Broadcast {
    /// The text of the pages present, in order; `None` for data or compressed text.
    pub text: Option<String>,
    /// The data of the pages present, in order, including padding; empty for text.
    pub data: Vec<u8>,
    /// The language, from the first page that names one.
    pub language: Option<String>,
    /// The numbers of the missing pages, in order, from 1.
    pub missing: Vec<u8>,
}

/// Pages that are not the pages of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JoinError {
    /// There are no pages.
    NoPages,
    /// A page belongs to another message than the first: its serial number, identifier, coding or number of pages differs.
    DifferentMessage {
        /// The index of that page, from 0.
        index: usize,
    },
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::NoPages => f.write_str("no pages to join"),
            JoinError::DifferentMessage { index } => {
                write!(f, "page {} belongs to a different message", index + 1)
            }
        }
    }
}

impl std::error::Error for JoinError {}

/// Joins the pages of one message, given in any order. Of pages with the same number, the first is used.
///
/// ```
/// use smsbridge_codec::cbs::{self, Page};
///
/// let mut octets = vec![0x00, 0x10, 0x00, 0x32, 0x01, 0x12, 0xC8, 0x34];
/// octets.resize(88, 0x00);
/// let page = Page::decode(&octets)?;
/// assert_eq!(cbs::join([&page]).map(|broadcast| broadcast.missing), Ok(vec![2]));
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// No pages, or pages of different messages.
pub fn join<'p, 'a: 'p>(pages: impl IntoIterator<Item = &'p Page<'a>>) -> Result<Broadcast, JoinError> {
    let mut by_number: [Option<&Page<'_>>; MAX_PAGES as usize] = [None; MAX_PAGES as usize];
    let mut first: Option<&Page<'_>> = None;
    let key = |page: &Page<'_>| (page.serial_number(), page.message_identifier, page.dcs, page.pages);
    for (index, page) in pages.into_iter().enumerate() {
        if key(first.get_or_insert(page)) != key(page) {
            return Err(JoinError::DifferentMessage { index });
        }
        if let Some(entry) = by_number.get_mut(usize::from(page.page).wrapping_sub(1)) {
            entry.get_or_insert(page);
        }
    }
    let Some(first) = first else { return Err(JoinError::NoPages) };
    let by_number = &by_number[..usize::from(first.pages.clamp(1, MAX_PAGES))];
    let present = || by_number.iter().copied().flatten();
    let mut broadcast = Broadcast {
        text: None,
        data: Vec::new(),
        language: present().find_map(Page::language),
        missing: (1..).zip(by_number).filter(|(_, entry)| entry.is_none()).map(|(page, _)| page).collect(),
    };
    if first.dcs.alphabet() == Alphabet::EightBit || first.dcs.is_compressed() {
        broadcast.data = present().flat_map(Page::data).copied().collect();
        return Ok(broadcast);
    }
    let mut text = String::new();
    if first.dcs.alphabet() == Alphabet::Ucs2 {
        let units: Vec<u8> = present().flat_map(Page::unpadded_units).copied().collect();
        ucs2::decode_into(&units, &mut text);
    } else {
        present().for_each(|page| {
            page.text_into(&mut text);
        });
    }
    broadcast.text = Some(text);
    Ok(broadcast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_umts_form_may_have_any_length() {
        for dcs in 0..=0xFF {
            for length in 0..=CONTENT_OCTETS {
                let mut octets = vec![1, 0, 50, 0, 1, dcs, 1];
                octets.extend_from_slice(&[0x81; CONTENT_OCTETS]);
                octets.push(length as u8);
                let pages = decode_umts(&octets).unwrap();
                assert!(pages[0].data().len() <= length);
                assert_eq!(join(&pages).unwrap().text, pages[0].text(), "{dcs:02X}, {length} octets");
            }
        }
    }

    #[test]
    fn a_page_of_a_different_message_is_named() {
        let octets = |identifier| {
            let mut octets = vec![0x00, 0x10, 0x00, identifier, 0x01, 0x12];
            octets.resize(PAGE_OCTETS, CR);
            octets
        };
        let (octets, others) = (octets(50), octets(51));
        let (page, other) = (Page::decode(&octets).unwrap(), Page::decode(&others).unwrap());
        assert_eq!(join([&page, &page, &other]), Err(JoinError::DifferentMessage { index: 2 }));
        assert_eq!(join([]), Err(JoinError::NoPages));
    }
}
