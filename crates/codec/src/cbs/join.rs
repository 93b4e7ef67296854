//! Joining the pages of one message: in order, and as text only once they are together, for an escape or a character may
//! be cut between two.

use std::fmt;

use super::page::{MAX_PAGES, Page};
use crate::dcs::Alphabet;
use crate::gsm7;
use crate::ucs2;

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
        let mut septets = Vec::new();
        present().for_each(|page| page.septets_into(&mut septets));
        let languages = present().find_map(Page::languages).unwrap_or_default();
        gsm7::decode_into(&septets, languages, &mut text);
    }
    broadcast.text = Some(text);
    Ok(broadcast)
}

#[cfg(test)]
mod tests {
    use super::super::page::{CONTENT_OCTETS, PAGE_OCTETS};
    use super::super::umts::decode_umts;
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
    fn an_escape_may_be_cut_from_its_character() {
        let mut septets = vec![b'a'; 92];
        septets.push(gsm7::ESCAPE);
        let mut octets = [vec![0x00, 0x10, 0x00, 0x32, 0x01, 0x12], Vec::new()].concat();
        gsm7::pack_into(&septets, 0, &mut octets);
        let mut rest = vec![0x00, 0x10, 0x00, 0x32, 0x01, 0x22];
        gsm7::pack_into(&[0x65], 0, &mut rest);
        let pages = [Page::decode(&octets).unwrap(), Page::decode(&rest).unwrap()];
        assert_eq!(join(&pages).unwrap().text, Some(format!("{}€", "a".repeat(92))));
    }

    #[test]
    fn a_page_of_a_different_message_is_named() {
        let octets = |identifier| {
            let mut octets = vec![0x00, 0x10, 0x00, identifier, 0x01, 0x12];
            octets.resize(PAGE_OCTETS, 0x0D);
            octets
        };
        let (octets, others) = (octets(50), octets(51));
        let (page, other) = (Page::decode(&octets).unwrap(), Page::decode(&others).unwrap());
        assert_eq!(join([&page, &page, &other]), Err(JoinError::DifferentMessage { index: 2 }));
        assert_eq!(join([]), Err(JoinError::NoPages));
    }
}
