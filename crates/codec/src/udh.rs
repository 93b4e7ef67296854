//! Owns the user data header: information elements in front of the text (TS 23.040 9.2.3.24).
//!
//! Elements come from strangers' phones: unknown ones are kept raw, senseless ones are ignored, and where the inner
//! lengths do not add up the whole header is skipped and the text kept. It must never let a header cost a message.

use crate::gsm7::Languages;

/// Identifiers of information elements that are read here (9.2.3.24).
pub mod id {
    /// Concatenation with an 8-bit reference.
    pub const CONCATENATION_8: u8 = 0x00;
    /// Special SMS message indication.
    pub const MESSAGE_INDICATION: u8 = 0x01;
    /// Application ports, 8-bit.
    pub const PORTS_8: u8 = 0x04;
    /// Application ports, 16-bit.
    pub const PORTS_16: u8 = 0x05;
    /// Concatenation with a 16-bit reference.
    pub const CONCATENATION_16: u8 = 0x08;
    /// National language single shift.
    pub const SINGLE_SHIFT: u8 = 0x24;
    /// National language locking shift.
    pub const LOCKING_SHIFT: u8 = 0x25;
}

/// An information element: an identifier and its octets, borrowed from the header.
///
/// ```
/// use smsbridge_codec::{Direction, Pdu, hex};
///
/// let octets = hex::decode("00400B911346610089F600002080629173144809050003CC0201E834")?;
/// let pdu = Pdu::decode(&octets, Direction::MobileTerminated)?;
/// let user_data = pdu.tpdu.user_data().unwrap();
/// let elements: Vec<_> = user_data.elements().map(|element| (element.id, element.data)).collect();
/// assert_eq!(elements, [(0x00, &[0xCC, 2, 1][..])]);
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element<'a> {
    /// The identifier (IEI).
    pub id: u8,
    /// The octets (IED), as they came.
    pub data: &'a [u8],
}

/// The elements of one header, in order. Empty where the header's inner lengths do not add up.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a> {
    octets: &'a [u8],
}

impl<'a> Elements<'a> {
    /// Elements from the octets after UDHL.
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        if is_well_formed(octets) { Elements { octets } } else { Elements { octets: &[] } }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let [id, length, rest @ ..] = self.octets else { return None };
        let (data, rest) = rest.split_at_checked((*length).into())?;
        self.octets = rest;
        Some(Element { id: *id, data })
    }
}

/// Whether each element ends where the next begins and the last one at the end.
pub(crate) fn is_well_formed(mut octets: &[u8]) -> bool {
    while let [_, length, rest @ ..] = octets {
        match rest.get(usize::from(*length)..) {
            Some(rest) => octets = rest,
            None => return false,
        }
    }
    octets.is_empty()
}

/// Where a part belongs in a message of several (9.2.3.24.1, 9.2.3.24.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concatenation {
    /// The same for all parts; with the addresses it tells messages apart.
    pub reference: u16,
    /// How many parts there are, 1 to 255.
    pub total: u8,
    /// Which one this is, 1 to `total`.
    pub sequence: u8,
    /// Whether the reference has 16 bits; an 8-bit one of the same number is another message.
    pub wide: bool,
}

impl Concatenation {
    /// Reads either kind of concatenation element. `None` if it is another element, has another length, or numbers
    /// that the standard says to ignore: zero, or a part beyond the last.
    ///
    /// ```
    /// use smsbridge_codec::{Concatenation, Element};
    ///
    /// let place = Concatenation::from_element(Element { id: 0x08, data: &[0x12, 0x34, 3, 1] }).unwrap();
    /// assert_eq!((place.reference, place.sequence, place.total, place.wide), (0x1234, 1, 3, true));
    /// assert_eq!(Concatenation::from_element(Element { id: 0x00, data: &[7, 3, 4] }), None);
    /// ```
    pub fn from_element(element: Element<'_>) -> Option<Self> {
        let (reference, total, sequence, wide) = match (element.id, element.data) {
            (id::CONCATENATION_8, &[reference, total, sequence]) => {
                (reference.into(), total, sequence, false)
            }
            (id::CONCATENATION_16, &[high, low, total, sequence]) => {
                (u16::from_be_bytes([high, low]), total, sequence, true)
            }
            _ => return None,
        };
        (sequence >= 1 && sequence <= total).then_some(Concatenation { reference, total, sequence, wide })
    }

    pub(crate) fn write(self, header: &mut Vec<u8>) {
        let [high, low] = self.reference.to_be_bytes();
        if self.wide {
            header.extend_from_slice(&[id::CONCATENATION_16, 4, high, low, self.total, self.sequence]);
        } else {
            header.extend_from_slice(&[id::CONCATENATION_8, 3, low, self.total, self.sequence]);
        }
    }
}

/// Which application a message is for and from (9.2.3.24.3, 9.2.3.24.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The receiving application's port.
    pub destination: u16,
    /// The sending application's port.
    pub source: u16,
    /// Whether they have 16 bits on the wire.
    pub wide: bool,
}

impl Ports {
    /// Reads either kind of port element.
    ///
    /// ```
    /// use smsbridge_codec::{Element, Ports};
    ///
    /// let ports = Ports::from_element(Element { id: 0x05, data: &[0x0B, 0x84, 0x23, 0xF0] }).unwrap();
    /// assert_eq!((ports.destination, ports.source), (2948, 9200));
    /// ```
    pub fn from_element(element: Element<'_>) -> Option<Self> {
        match (element.id, element.data) {
            (id::PORTS_8, &[destination, source]) => {
                Some(Ports { destination: destination.into(), source: source.into(), wide: false })
            }
            (id::PORTS_16, &[d1, d2, s1, s2]) => Some(Ports {
                destination: u16::from_be_bytes([d1, d2]),
                source: u16::from_be_bytes([s1, s2]),
                wide: true,
            }),
            _ => None,
        }
    }

    /// Writes the element; ports over 255 are written wide whatever `wide` says.
    pub(crate) fn write(self, header: &mut Vec<u8>) {
        let ([d1, d2], [s1, s2]) = (self.destination.to_be_bytes(), self.source.to_be_bytes());
        if self.is_written_wide() {
            header.extend_from_slice(&[id::PORTS_16, 4, d1, d2, s1, s2]);
        } else {
            header.extend_from_slice(&[id::PORTS_8, 2, d2, s2]);
        }
    }

    pub(crate) fn is_written_wide(self) -> bool {
        self.wide || self.destination > 0xFF || self.source > 0xFF
    }
}

/// The language tables that a header asks for; `None` if it names none.
pub(crate) fn languages(elements: Elements<'_>) -> Option<Languages> {
    let mut languages = None;
    for element in elements {
        match (element.id, element.data) {
            (id::SINGLE_SHIFT, &[identifier]) => {
                languages.get_or_insert_with(Languages::default).single_shift = identifier;
            }
            (id::LOCKING_SHIFT, &[identifier]) => {
                languages.get_or_insert_with(Languages::default).locking = identifier;
            }
            _ => {}
        }
    }
    languages
}
