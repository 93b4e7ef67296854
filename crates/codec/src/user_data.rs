//! TP-UD, the user data, with its length and header (TS 23.040 9.2.3.16, 9.2.3.24).
//!
//! The octets are kept as sent, borrowed from the PDU or owned after encoding, and read on demand. Their alphabet comes
//! from the data coding scheme of the TPDU. It must never hold more than 140 octets.

use std::borrow::Cow;

use crate::dcs::{Alphabet, Dcs};
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::gsm7::{self, Languages};
use crate::octets::Octets;
use crate::ucs2;
use crate::udh::{self, Concatenation, Element, Elements, Ports};

/// TP-UD, the user data of one short message: an optional header with elements, and text or data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserData<'a> {
    alphabet: Alphabet,
    compressed: bool,
    /// TP-UDL: in septets for 7-bit text (header and fill bits counted as septets), otherwise in octets.
    length: u8,
    /// The length of the header in octets, including its length octet; 0 if there is none.
    header: u8,
    octets: Cow<'a, [u8]>,
}

const MAX_OCTETS: usize = UserData::MAX_OCTETS;
const MAX_SEPTETS: usize = UserData::MAX_SEPTETS;

impl<'a> UserData<'a> {
    /// The most octets of user data, including a header.
    pub const MAX_OCTETS: usize = 140;
    /// The most septets of user data, including a header.
    pub const MAX_SEPTETS: usize = 160;

    /// Reads TP-UDL and TP-UD. Octets after them are not read.
    #[inline]
    pub(crate) fn read(octets: &mut Octets<'a>, dcs: Dcs, has_header: bool) -> Result<Self, DecodeError> {
        let length_at = *octets;
        let length = octets.octet(Field::UserDataLength)?;
        let (alphabet, compressed) = (dcs.alphabet(), dcs.is_compressed());
        let in_septets = counts_septets(alphabet, compressed);
        let needed = if in_septets { gsm7::packed_len(length.into(), 0) } else { length.into() };
        if needed > MAX_OCTETS {
            let limit = if in_septets { MAX_SEPTETS } else { MAX_OCTETS };
            let kind = DecodeErrorKind::BadLength { length: length.into(), limit };
            return Err(length_at.error(Field::UserDataLength, kind));
        }
        let data_at = *octets;
        let data = octets.take(needed, Field::UserData)?;
        let mut header = 0;
        // Without user data there is no header, whatever the first octet indicates.
        if let (true, Some(&inner)) = (has_header, data.first()) {
            let total = usize::from(inner) + 1;
            let fits = !in_septets || (total * 8).div_ceil(7) <= length.into();
            if total > data.len() || !fits {
                return Err(data_at.error(Field::UserDataHeader, DecodeErrorKind::HeaderTooLong));
            }
            header = total as u8;
        }
        let user_data = UserData { alphabet, compressed, length, header, octets: Cow::Borrowed(data) };
        let is_odd = alphabet == Alphabet::Ucs2 && !compressed && !user_data.data().len().is_multiple_of(2);
        // Some senders cut a long text within a character: the next part has the other half.
        if is_odd && user_data.concatenation().is_none_or(|place| place.total == 1) {
            return Err(data_at.error(Field::UserData, DecodeErrorKind::OddUcs2));
        }
        Ok(user_data)
    }

    /// Writes TP-UDL and TP-UD.
    pub(crate) fn write(&self, octets: &mut Vec<u8>) {
        octets.push(self.length);
        octets.extend_from_slice(&self.octets);
    }

    /// Whether a data coding scheme describes this user data.
    pub(crate) fn agrees_with(&self, dcs: Dcs) -> bool {
        (self.alphabet, self.compressed) == (dcs.alphabet(), dcs.is_compressed())
    }

    /// The alphabet of the text, or [`Alphabet::EightBit`] for data.
    pub fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// Whether the text is compressed (TS 23.042). Compressed text can only be read as octets.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// TP-UDL as sent: in septets for 7-bit text, otherwise in octets; the header is included.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// All octets of TP-UD: header, fill bits, and text or data.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Whether there is a header (TP-UDHI).
    pub fn has_header(&self) -> bool {
        self.header > 0
    }

    /// The header without its length octet, as received; empty if there is none.
    pub fn header(&self) -> &[u8] {
        if self.header == 0 { &[] } else { &self.octets[1..self.header.into()] }
    }

    /// The elements of the header, in order; none if their lengths do not add up.
    pub fn elements(&self) -> Elements<'_> {
        Elements::new(self.header())
    }

    /// The octets after the header: 8-bit data, UCS-2 units, or packed septets with the fill bits before them.
    pub fn data(&self) -> &[u8] {
        &self.octets[self.header.into()..]
    }

    /// The number of fill bits between a header and 7-bit text, 0 to 6.
    pub fn fill_bits(&self) -> usize {
        if counts_septets(self.alphabet, self.compressed) { fill_bits(self.header.into()) } else { 0 }
    }

    /// The number of septets of 7-bit text after the header; `None` for other user data.
    pub fn septets(&self) -> Option<usize> {
        counts_septets(self.alphabet, self.compressed)
            .then(|| usize::from(self.length) - (usize::from(self.header) * 8).div_ceil(7))
    }

    /// Appends the text and returns true; returns false without a change if this is data or compressed text.
    ///
    /// A character that was cut between two parts cannot be read from either; [`join`](crate::join) restores it.
    ///
    /// ```
    /// use smsbridge_codec::UserData;
    ///
    /// let mut text = String::from("> ");
    /// assert!(UserData::from_text("Hi")?.text_into(&mut text));
    /// assert_eq!(text, "> Hi");
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    pub fn text_into(&self, text: &mut String) -> bool {
        match (self.septets(), self.alphabet) {
            (Some(septets), _) => {
                let languages = self.languages().unwrap_or_default();
                gsm7::decode_packed_into(self.data(), self.fill_bits(), septets, languages, text);
                true
            }
            (None, Alphabet::Ucs2) if !self.compressed => {
                ucs2::decode_into(self.data(), text);
                true
            }
            _ => false,
        }
    }

    /// The text; `None` if this is data or compressed text.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        self.text_into(&mut text).then_some(text)
    }

    /// The place of this part in a concatenated message: the last valid concatenation element.
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.elements().filter_map(Concatenation::from_element).last()
    }

    /// The application ports: the last valid port element.
    pub fn ports(&self) -> Option<Ports> {
        self.elements().filter_map(Ports::from_element).last()
    }

    /// The national languages that the header of 7-bit text names; `None` if it names none.
    pub fn languages(&self) -> Option<Languages> {
        self.septets()?;
        udh::languages(self.elements())
    }

    /// The same user data, owning its octets.
    pub fn into_owned(self) -> UserData<'static> {
        UserData { octets: Cow::Owned(self.octets.into_owned()), ..self }
    }
}

impl UserData<'static> {
    /// An empty text in the default alphabet.
    pub fn empty() -> Self {
        UserData {
            alphabet: Alphabet::Gsm7,
            compressed: false,
            length: 0,
            header: 0,
            octets: Cow::Borrowed(&[]),
        }
    }

    /// A text that fits in one part: in the default 7-bit alphabet if it has every character, otherwise in UCS-2. For longer
    /// texts see [`split`](crate::split).
    ///
    /// ```
    /// use smsbridge_codec::{Alphabet, UserData};
    ///
    /// let user_data = UserData::from_text("Größe 5 €")?;
    /// assert_eq!((user_data.alphabet(), user_data.length()), (Alphabet::Gsm7, 10));
    /// assert_eq!(UserData::from_text("Ж")?.octets(), [0x04, 0x16]);
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// More than 160 septets or 70 units of UCS-2.
    pub fn from_text(text: &str) -> Result<Self, EncodeError> {
        let mut septets = Vec::new();
        match gsm7::encode_into(text, &mut septets) {
            Ok(()) => UserData::from_septets(&[], &septets),
            Err(_) => UserData::from_ucs2(&[], text),
        }
    }

    /// 7-bit text, given as septets (one per octet), after a header with the given elements.
    ///
    /// ```
    /// use smsbridge_codec::{Element, ElementId, UserData};
    ///
    /// let turkish = Element { id: ElementId::LOCKING_SHIFT, data: &[1] };
    /// let user_data = UserData::from_septets(&[turkish], &[0x49, 0x1D, 0x07, 0x6B])?;
    /// assert_eq!(user_data.text().as_deref(), Some("Işık"));
    /// assert_eq!((user_data.length(), user_data.fill_bits()), (9, 3));
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// More than fits in 140 octets.
    pub fn from_septets(elements: &[Element<'_>], septets: &[u8]) -> Result<Self, EncodeError> {
        UserData::encode_septets(&header_octets(elements), septets)
    }

    /// UCS-2 text after a header with the given elements.
    ///
    /// # Errors
    /// More than fits in 140 octets.
    pub fn from_ucs2(elements: &[Element<'_>], text: &str) -> Result<Self, EncodeError> {
        let mut octets = Vec::new();
        ucs2::encode_into(text, &mut octets);
        UserData::encode_octets(Alphabet::Ucs2, &header_octets(elements), &octets)
    }

    /// 8-bit data after a header with the given elements.
    ///
    /// ```
    /// use smsbridge_codec::{Element, ElementId, UserData};
    ///
    /// let ports = Element { id: ElementId::PORTS_16, data: &[0x0B, 0x84, 0x23, 0xF0] };
    /// let user_data = UserData::from_data(&[ports], &[1, 2, 3])?;
    /// assert_eq!(user_data.ports().map(|ports| ports.destination), Some(2948));
    /// assert_eq!(user_data.data(), [1, 2, 3]);
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// More than fits in 140 octets.
    pub fn from_data(elements: &[Element<'_>], data: &[u8]) -> Result<Self, EncodeError> {
        UserData::encode_octets(Alphabet::EightBit, &header_octets(elements), data)
    }

    /// `header` is without its length octet, and empty for none.
    pub(crate) fn encode_septets(header: &[u8], septets: &[u8]) -> Result<Self, EncodeError> {
        let mut octets = Vec::with_capacity(MAX_OCTETS);
        let header = write_header(header, &mut octets)?;
        let length = (usize::from(header) * 8).div_ceil(7) + septets.len();
        if length > MAX_SEPTETS {
            return Err(EncodeError::too_long(Field::UserData, length, MAX_SEPTETS));
        }
        gsm7::pack_into(septets, fill_bits(header.into()), &mut octets);
        let octets = Cow::Owned(octets);
        Ok(UserData { alphabet: Alphabet::Gsm7, compressed: false, length: length as u8, header, octets })
    }

    /// `header` as in [`UserData::encode_septets`]; UCS-2 must be whole units.
    pub(crate) fn encode_octets(alphabet: Alphabet, header: &[u8], data: &[u8]) -> Result<Self, EncodeError> {
        let mut octets = Vec::with_capacity(MAX_OCTETS);
        let header = write_header(header, &mut octets)?;
        octets.extend_from_slice(data);
        if octets.len() > MAX_OCTETS {
            return Err(EncodeError::too_long(Field::UserData, octets.len(), MAX_OCTETS));
        }
        let length = octets.len() as u8;
        Ok(UserData { alphabet, compressed: false, length, header, octets: Cow::Owned(octets) })
    }
}

fn counts_septets(alphabet: Alphabet, compressed: bool) -> bool {
    alphabet == Alphabet::Gsm7 && !compressed
}

/// The number of bits between the end of a header of `header` octets and the next septet boundary.
fn fill_bits(header: usize) -> usize {
    (7 - header * 8 % 7) % 7
}

fn header_octets(elements: &[Element<'_>]) -> Vec<u8> {
    let mut header = Vec::new();
    for element in elements {
        header.extend_from_slice(&[element.id.0, element.data.len() as u8]);
        header.extend_from_slice(element.data);
    }
    header
}

/// Writes UDHL and the header and returns their length in octets; writes nothing for an empty header.
fn write_header(header: &[u8], octets: &mut Vec<u8>) -> Result<u8, EncodeError> {
    if header.is_empty() {
        return Ok(0);
    }
    if header.len() >= MAX_OCTETS {
        return Err(EncodeError::too_long(Field::UserDataHeader, header.len(), MAX_OCTETS - 1));
    }
    octets.push(header.len() as u8);
    octets.extend_from_slice(header);
    Ok(header.len() as u8 + 1)
}
