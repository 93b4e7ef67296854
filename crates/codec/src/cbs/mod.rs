//! Cell broadcast: pages of up to 88 octets (TS 23.041 9.4.1), the UMTS form that holds all pages of a message (9.4.2), the
//! ETWS primary notification (9.4.1.3), and the data coding scheme of pages (TS 23.038 clause 5), which differs from that of
//! short messages.
//!
//! Modems give all three in a `+CBM` line, without a service centre address; [`decode`] tells them apart. Pages with the
//! same serial number and message identifier belong together; the caller collects them and decides how long to wait for
//! missing ones.

mod dcs;
mod etws;
mod join;
mod page;
mod umts;

pub use dcs::CbsDcs;
pub use etws::{EtwsNotification, WarningType};
pub use join::{Broadcast, JoinError, join};
pub use page::{PAGE_OCTETS, Page};
pub use umts::decode_umts;

use crate::error::DecodeError;

/// What a `+CBM` line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received<'a> {
    /// One page, or all pages of the UMTS form.
    Pages(Vec<Page<'a>>),
    /// An ETWS primary notification: a warning without a text.
    Etws(EtwsNotification),
}

/// Reads what a modem gives in a `+CBM` line. The form is told from the octets alone, for the length in the line is often
/// that of a full page: modems leave padding out, or add some.
///
/// ```
/// use smsbridge_codec::cbs::{self, Received, WarningType};
///
/// let Received::Etws(etws) = cbs::decode(&[0x30, 0x00, 0x11, 0x00, 0x01, 0x80])? else { panic!() };
/// assert_eq!((etws.warning, etws.alert, etws.popup), (WarningType::Earthquake, true, true));
///
/// let Received::Pages(pages) = cbs::decode(&[0x00, 0x10, 0x11, 0x12, 0x01, 0x11, 0xC8, 0x34])? else { panic!() };
/// assert_eq!(pages[0].text().as_deref(), Some("Hi"));
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
///
/// # Errors
/// Fewer octets than a page's header.
pub fn decode(octets: &[u8]) -> Result<Received<'_>, DecodeError> {
    if let Some(notification) = EtwsNotification::decode(octets) {
        return Ok(Received::Etws(notification));
    }
    // The UMTS form has at least 90 octets; what does not have the form is a page with something behind it.
    if octets.len() > PAGE_OCTETS
        && let Ok(pages) = decode_umts(octets)
    {
        return Ok(Received::Pages(pages));
    }
    Ok(Received::Pages(vec![Page::decode(octets)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(octets: &[u8]) -> Vec<Page<'_>> {
        match decode(octets) {
            Ok(Received::Pages(pages)) => pages,
            other => panic!("no pages, but {other:?}"),
        }
    }

    #[test]
    fn of_more_than_a_page_the_first_88_octets_are_the_page() {
        // Its first octet is that of the UMTS form as well.
        let mut octets = vec![0x01, 0x10, 0x00, 0x32, 0x01, 0x11, 0xC8, 0x34];
        octets.resize(PAGE_OCTETS, 0x00);
        let page = Page::decode(&octets).unwrap();
        for extra in [1, 2, 8, 100] {
            let longer = [&octets[..], &vec![0x00; extra]].concat();
            assert_eq!(pages(&longer), [page], "{extra} octets more");
        }
    }

    #[test]
    fn the_umts_form_is_known_by_its_octets() {
        for count in 1..=15 {
            let mut octets = vec![1, 0x11, 0x1F, 0x40, 0xC0, 0x01, count];
            for number in 0..count {
                octets.extend_from_slice(&[0x40 + number; 82]);
                octets.push(82);
            }
            let read = pages(&octets);
            assert_eq!(read.len(), usize::from(count));
            assert_eq!((read[0].message_identifier, read[0].serial_number()), (0x111F, 0x40C0));
            // Padding behind it changes nothing.
            octets.resize(octets.len() + 10, 0);
            assert_eq!(pages(&octets).len(), usize::from(count));
        }
    }
}
