//! TP-UDH, the user data header: information elements before the text (TS 23.040 9.2.3.24).
//!
//! Headers come from untrusted senders. Unknown elements are kept as octets, invalid ones are ignored, and a header
//! whose element lengths do not add up is skipped. It must never discard a message because of its header.

use crate::gsm7::Languages;

/// An information element identifier (IEI, 9.2.3.24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ElementId(pub u8);

impl ElementId {
    /// Concatenation with an 8-bit reference.
    pub const CONCATENATION_8: ElementId = ElementId(0x00);
    /// Special SMS message indication.
    pub const MESSAGE_INDICATION: ElementId = ElementId(0x01);
    /// Application ports, 8-bit.
    pub const PORTS_8: ElementId = ElementId(0x04);
    /// Application ports, 16-bit.
    pub const PORTS_16: ElementId = ElementId(0x05);
    /// Concatenation with a 16-bit reference.
    pub const CONCATENATION_16: ElementId = ElementId(0x08);
    /// National language single shift.
    pub const SINGLE_SHIFT: ElementId = ElementId(0x24);
    /// National language locking shift.
    pub const LOCKING_SHIFT: ElementId = ElementId(0x25);
}

/// An information element: an identifier and the octets that belong to it, borrowed from the header.
///
/// ```
/// use smsbridge_codec::{Direction, ElementId, Pdu, hex};
///
/// let octets = hex::decode("00400B911346610089F600002080629173144809050003CC0201E834")?;
/// let pdu = Pdu::decode(&octets, Direction::MobileTerminated)?;
/// let user_data = pdu.tpdu.user_data().unwrap();
/// let elements: Vec<_> = user_data.elements().map(|element| (element.id, element.data)).collect();
/// assert_eq!(elements, [(ElementId::CONCATENATION_8, &[0xCC, 2, 1][..])]);
/// # Ok::<(), smsbridge_codec::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element<'a> {
    /// The information element identifier (IEI).
    pub id: ElementId,
    /// The information element data (IED), as received.
    pub data: &'a [u8],
}

/// The elements of a header, in order; none if their lengths do not add up.
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
        Some(Element { id: ElementId(*id), data })
    }
}

/// Whether each element ends where the next begins, and the last one at the end.
pub(crate) fn is_well_formed(mut octets: &[u8]) -> bool {
    while let [_, length, rest @ ..] = octets {
        match rest.get(usize::from(*length)..) {
            Some(rest) => octets = rest,
            None => return false,
        }
    }
    octets.is_empty()
}

/// The place of a part in a concatenated message (9.2.3.24.1, 9.2.3.24.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Concatenation {
    /// The reference, which all parts of a message share. Together with the sender it identifies the message.
    pub reference: u16,
    /// The number of parts, 1 to 255.
    pub total: u8,
    /// The number of this part, 1 to `total`.
    pub sequence: u8,
    /// Whether the reference has 16 bits. An 8-bit one of the same value belongs to another message.
    pub wide: bool,
}

impl Concatenation {
    /// Reads a concatenation element of either width. `None` if this is another element, its length is wrong, or its
    /// numbers are ones that the standard says to ignore: zero, or a part beyond the last.
    ///
    /// ```
    /// use smsbridge_codec::{Concatenation, Element, ElementId};
    ///
    /// let place = Concatenation::from_element(Element { id: ElementId::CONCATENATION_16, data: &[0x12, 0x34, 3, 1] }).unwrap();
    /// assert_eq!((place.reference, place.sequence, place.total, place.wide), (0x1234, 1, 3, true));
    /// assert_eq!(Concatenation::from_element(Element { id: ElementId::CONCATENATION_8, data: &[7, 3, 4] }), None);
    /// ```
    pub fn from_element(element: Element<'_>) -> Option<Self> {
        let (reference, total, sequence, wide) = match (element.id, element.data) {
            (ElementId::CONCATENATION_8, &[reference, total, sequence]) => {
                (reference.into(), total, sequence, false)
            }
            (ElementId::CONCATENATION_16, &[high, low, total, sequence]) => {
                (u16::from_be_bytes([high, low]), total, sequence, true)
            }
            _ => return None,
        };
        (sequence >= 1 && sequence <= total).then_some(Concatenation { reference, total, sequence, wide })
    }

    pub(crate) fn write(self, header: &mut Vec<u8>) {
        let [high, low] = self.reference.to_be_bytes();
        if self.wide {
            header.extend_from_slice(&[
                ElementId::CONCATENATION_16.0,
                4,
                high,
                low,
                self.total,
                self.sequence,
            ]);
        } else {
            header.extend_from_slice(&[ElementId::CONCATENATION_8.0, 3, low, self.total, self.sequence]);
        }
    }
}

/// The application ports of a message (9.2.3.24.3, 9.2.3.24.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ports {
    /// The port of the receiving application.
    pub destination: u16,
    /// The port of the sending application.
    pub source: u16,
    /// Whether they are sent as 16 bits each. Ports over 255 always are.
    pub wide: bool,
}

impl Ports {
    /// Reads a port element of either width. `None` if this is another element or its length is wrong.
    ///
    /// ```
    /// use smsbridge_codec::{Element, ElementId, Ports};
    ///
    /// let ports = Ports::from_element(Element { id: ElementId::PORTS_16, data: &[0x0B, 0x84, 0x23, 0xF0] }).unwrap();
    /// assert_eq!((ports.destination, ports.source), (2948, 9200));
    /// ```
    pub fn from_element(element: Element<'_>) -> Option<Self> {
        match (element.id, element.data) {
            (ElementId::PORTS_8, &[destination, source]) => {
                Some(Ports { destination: destination.into(), source: source.into(), wide: false })
            }
            (ElementId::PORTS_16, &[d1, d2, s1, s2]) => Some(Ports {
                destination: u16::from_be_bytes([d1, d2]),
                source: u16::from_be_bytes([s1, s2]),
                wide: true,
            }),
            _ => None,
        }
    }

    /// Writes the element.
    pub(crate) fn write(self, header: &mut Vec<u8>) {
        let ([d1, d2], [s1, s2]) = (self.destination.to_be_bytes(), self.source.to_be_bytes());
        if self.is_wide() {
            header.extend_from_slice(&[ElementId::PORTS_16.0, 4, d1, d2, s1, s2]);
        } else {
            header.extend_from_slice(&[ElementId::PORTS_8.0, 2, d2, s2]);
        }
    }

    pub(crate) fn is_wide(self) -> bool {
        self.wide || self.destination > 0xFF || self.source > 0xFF
    }
}

/// The language tables that a header names; `None` if it names none.
pub(crate) fn languages(elements: Elements<'_>) -> Option<Languages> {
    let mut languages = None;
    for element in elements {
        match (element.id, element.data) {
            (ElementId::SINGLE_SHIFT, &[identifier]) => {
                languages.get_or_insert_with(Languages::default).single_shift = identifier;
            }
            (ElementId::LOCKING_SHIFT, &[identifier]) => {
                languages.get_or_insert_with(Languages::default).locking = identifier;
            }
            _ => {}
        }
    }
    languages
}
