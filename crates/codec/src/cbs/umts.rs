//! The UMTS form (TS 23.041 9.4.2): all pages of a message in one.

use super::dcs::CbsDcs;
use super::page::{CONTENT_OCTETS, MAX_PAGES, Page};
use crate::error::{DecodeError, DecodeErrorKind, Field};
use crate::octets::Octets;

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
