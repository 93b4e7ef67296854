//! Addresses: telephone numbers in semi-octets and alphanumeric names (TS 23.040 9.1.2.3, 9.1.2.5; TS 24.011 8.2.5 for
//! service centres).
//!
//! The type-of-address octet and the semi-octets are kept as received, so that an address can be sent on unchanged. It
//! must never guess: no country code is added, no digit dropped.

use std::fmt;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Field};
use crate::gsm7;
use crate::octets::Octets;

/// The most semi-octets of an address (9.1.2.5: twelve octets with length and type).
const MAX_SEMI_OCTETS: usize = 20;
const MAX_OCTETS: usize = MAX_SEMI_OCTETS / 2;
/// 11 septets fill the ten octets.
const MAX_CHARACTERS: usize = 11;

/// The address of a sender, a recipient or a service centre.
///
/// `to_string()` gives what a person would write: `+4915112345678` for an international number, the name for an
/// alphanumeric address, otherwise the digits as sent.
///
/// With the feature `serde` it is serialized as the hexadecimal digits of the TP address field, which keeps every detail.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    type_of_address: u8,
    /// Semi-octets in use, 0 to 20.
    length: u8,
    semi_octets: [u8; MAX_OCTETS],
}

/// Type of number, bits 6 to 4 of the type-of-address octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TypeOfNumber {
    /// Unknown: as dialled.
    Unknown,
    /// With country code, without an international prefix.
    International,
    /// Within a country.
    National,
    /// Specific to the network.
    #[cfg_attr(feature = "serde", serde(rename = "network"))]
    NetworkSpecific,
    /// A subscriber number.
    Subscriber,
    /// A name in the 7-bit alphabet.
    Alphanumeric,
    /// Abbreviated.
    Abbreviated,
    /// Reserved.
    Reserved,
}

impl TypeOfNumber {
    /// The type in one lower case word: `international`, `alphanumeric`, ...
    pub fn name(self) -> &'static str {
        match self {
            TypeOfNumber::Unknown => "unknown",
            TypeOfNumber::International => "international",
            TypeOfNumber::National => "national",
            TypeOfNumber::NetworkSpecific => "network",
            TypeOfNumber::Subscriber => "subscriber",
            TypeOfNumber::Alphanumeric => "alphanumeric",
            TypeOfNumber::Abbreviated => "abbreviated",
            TypeOfNumber::Reserved => "reserved",
        }
    }
}

/// The characters of semi-octets 0 to 14 (9.1.2.3); 15 is the filler.
const CHARACTERS: &[u8; 15] = b"0123456789*#abc";

/// The inverse of [`CHARACTERS`].
fn semi_octet(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'*' => Some(10),
        b'#' => Some(11),
        b'a'..=b'c' => Some(character - b'a' + 12),
        _ => None,
    }
}

impl Address {
    /// A telephone number. With a leading `+` it is international (type 91), without it is sent as dialled (type 81).
    /// Besides digits it may have `*`, `#`, `a`, `b` and `c`. Spaces and hyphens are errors; remove them first.
    ///
    /// ```
    /// use smsbridge_codec::Address;
    ///
    /// let number = Address::from_number("+4915112345678")?;
    /// assert_eq!((number.toa(), number.octets()), (0x91, &[0x94, 0x51, 0x11, 0x32, 0x54, 0x76, 0xF8][..]));
    /// assert_eq!(Address::from_number("*100#")?.to_string(), "*100#");
    /// assert_eq!(Address::from_number("call me").unwrap_err().to_string(), "number: character 3 cannot be encoded");
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// No digit, a character that is not a digit, or more than 20 digits.
    pub fn from_number(number: &str) -> Result<Self, EncodeError> {
        let (type_of_address, digits, skipped) = match number.strip_prefix('+') {
            Some(digits) => (0x91, digits, 1),
            None => (0x81, number, 0),
        };
        let mut address = Address { type_of_address, length: 0, semi_octets: [0xFF; MAX_OCTETS] };
        // Digits are ASCII, so up to the first other character the octet index is the character index.
        for (index, digit) in digits.bytes().enumerate() {
            let Some(value) = semi_octet(digit) else {
                let kind = EncodeErrorKind::BadCharacter { index: index + skipped };
                return Err(EncodeError::new(Field::Number, kind));
            };
            if index >= MAX_SEMI_OCTETS {
                return Err(EncodeError::too_long(Field::Number, digits.chars().count(), MAX_SEMI_OCTETS));
            }
            let octet = &mut address.semi_octets[index / 2];
            *octet = if index % 2 == 0 { 0xF0 | value } else { *octet & 0x0F | value << 4 };
            address.length += 1;
        }
        if address.length == 0 {
            return Err(EncodeError::new(Field::Number, EncodeErrorKind::Empty));
        }
        Ok(address.with_unused_octets_cleared())
    }

    /// A sender's name in the 7-bit default alphabet (type D0). Only a service centre can send from a name, and nobody
    /// can send to one.
    ///
    /// ```
    /// let name = smsbridge_codec::Address::alphanumeric("Parcel24")?;
    /// assert_eq!((name.toa(), name.len(), name.to_string()), (0xD0, 14, "Parcel24".into()));
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// An empty name, a character that the alphabet lacks, or more than 11 septets (characters of the extension table
    /// count two).
    pub fn alphanumeric(name: &str) -> Result<Self, EncodeError> {
        let mut septets = Vec::with_capacity(MAX_CHARACTERS);
        gsm7::encode_into(name, &mut septets)
            .map_err(|index| EncodeError::new(Field::Number, EncodeErrorKind::BadCharacter { index }))?;
        if septets.is_empty() {
            return Err(EncodeError::new(Field::Number, EncodeErrorKind::Empty));
        }
        if septets.len() > MAX_CHARACTERS {
            return Err(EncodeError::too_long(Field::Number, septets.len(), MAX_CHARACTERS));
        }
        let mut octets = Vec::with_capacity(MAX_OCTETS);
        gsm7::pack_into(&septets, 0, &mut octets);
        let mut semi_octets = [0; MAX_OCTETS];
        semi_octets[..octets.len()].copy_from_slice(&octets);
        // The length counts the semi-octets in use (9.1.2.5): seven characters take 49 bits, 13 of them.
        let length = (septets.len() * 7).div_ceil(4) as u8;
        Ok(Address { type_of_address: 0xD0, length, semi_octets })
    }

    /// An address from its parts: the type-of-address octet, the number of semi-octets, and the octets that hold them.
    ///
    /// ```
    /// let address = smsbridge_codec::Address::from_semi_octets(0xA1, 3, &[0x21, 0xF3])?;
    /// assert_eq!((address.to_string(), address.ton().name()), ("123".into(), "national"));
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// More than 20 semi-octets, or a number of octets that does not match.
    pub fn from_semi_octets(type_of_address: u8, length: u8, octets: &[u8]) -> Result<Self, EncodeError> {
        if usize::from(length) > MAX_SEMI_OCTETS {
            return Err(EncodeError::too_long(Field::Number, length.into(), MAX_SEMI_OCTETS));
        }
        if octets.len() != usize::from(length).div_ceil(2) {
            let expected = usize::from(length).div_ceil(2);
            let kind = EncodeErrorKind::WrongLength { length: octets.len(), expected };
            return Err(EncodeError::new(Field::Number, kind));
        }
        let mut semi_octets = [0; MAX_OCTETS];
        semi_octets[..octets.len()].copy_from_slice(octets);
        Ok(Address { type_of_address, length, semi_octets })
    }

    /// Reads an address field of a TPDU: a length in semi-octets, the type, the semi-octets.
    #[inline]
    pub(crate) fn read(octets: &mut Octets<'_>, field: Field) -> Result<Self, DecodeError> {
        let start = *octets;
        let length = octets.octet(field)?;
        if usize::from(length) > MAX_SEMI_OCTETS {
            let limit = MAX_SEMI_OCTETS;
            return Err(start.error(field, DecodeErrorKind::BadLength { length: length.into(), limit }));
        }
        let type_of_address = octets.octet(field)?;
        let value = octets.take(usize::from(length).div_ceil(2), field)?;
        let mut semi_octets = [0; MAX_OCTETS];
        semi_octets[..value.len()].copy_from_slice(value);
        Ok(Address { type_of_address, length, semi_octets })
    }

    /// Reads an RP address (TS 24.011 8.2.5.1, and the service centre address of TS 27.005): a length in octets that
    /// includes the type, the type, the semi-octets. A length of 0 means `None`.
    #[inline]
    pub(crate) fn read_rp(octets: &mut Octets<'_>, field: Field) -> Result<Option<Self>, DecodeError> {
        let start = *octets;
        let length = usize::from(octets.octet(field)?);
        if length == 0 {
            return Ok(None);
        }
        if length > 1 + MAX_OCTETS {
            return Err(start.error(field, DecodeErrorKind::BadLength { length, limit: 1 + MAX_OCTETS }));
        }
        let type_of_address = octets.octet(field)?;
        let value = octets.take(length - 1, field)?;
        let mut semi_octets = [0; MAX_OCTETS];
        semi_octets[..value.len()].copy_from_slice(value);
        // This length counts whole octets, so a filler marks an odd number of digits.
        let filled = value.last().is_some_and(|octet| octet >> 4 == 0x0F);
        let length = (value.len() * 2 - usize::from(filled)) as u8;
        Ok(Some(Address { type_of_address, length, semi_octets }))
    }

    /// Reads an RP address (TS 24.011 8.2.5.1-2), which is also the form of the service centre address in TS 27.005:
    /// the length in octets (including the type), the type, the semi-octets. Returns the address, if there is one, and
    /// the number of octets read.
    ///
    /// ```
    /// use smsbridge_codec::Address;
    ///
    /// let (centre, taken) = Address::decode_rp(&[0x07, 0x91, 0x13, 0x26, 0x04, 0x00, 0x00, 0xF0, 0x04])?;
    /// assert_eq!((centre.map(|centre| centre.to_string()), taken), (Some("+31624000000".into()), 8));
    /// assert_eq!(Address::decode_rp(&[0x00])?, (None, 1));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// No octets, a length over 11, or fewer octets than the length states.
    pub fn decode_rp(octets: &[u8]) -> Result<(Option<Self>, usize), DecodeError> {
        let mut octets = Octets::new(octets);
        let address = Address::read_rp(&mut octets, Field::ServiceCentre)?;
        Ok((address, octets.position()))
    }

    /// Reads a TP address (9.1.2.5): the length in semi-octets, the type, the semi-octets. Returns the address and the
    /// number of octets read.
    ///
    /// ```
    /// let (from, taken) = smsbridge_codec::Address::decode(&[0x05, 0x81, 0x21, 0x43, 0xF5, 0x00])?;
    /// assert_eq!((from.to_string(), taken), ("12345".into(), 5));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// No octets, a length over 20, or fewer octets than the length states.
    pub fn decode(octets: &[u8]) -> Result<(Self, usize), DecodeError> {
        let mut octets = Octets::new(octets);
        let address = Address::read(&mut octets, Field::OriginatingAddress)?;
        Ok((address, octets.position()))
    }

    /// Appends a TP address: length in semi-octets, type, semi-octets.
    pub fn encode_into(&self, octets: &mut Vec<u8>) {
        octets.extend_from_slice(&[self.length, self.type_of_address]);
        octets.extend_from_slice(self.octets());
    }

    /// Appends an RP address: length in octets including the type, type, semi-octets.
    pub fn encode_rp_into(&self, octets: &mut Vec<u8>) {
        octets.extend_from_slice(&[self.octets().len() as u8 + 1, self.type_of_address]);
        octets.extend_from_slice(self.octets());
    }

    /// The type-of-address octet, as received.
    pub fn toa(&self) -> u8 {
        self.type_of_address
    }

    /// The type of number.
    pub fn ton(&self) -> TypeOfNumber {
        match self.type_of_address >> 4 & 0x07 {
            0 => TypeOfNumber::Unknown,
            1 => TypeOfNumber::International,
            2 => TypeOfNumber::National,
            3 => TypeOfNumber::NetworkSpecific,
            4 => TypeOfNumber::Subscriber,
            5 => TypeOfNumber::Alphanumeric,
            6 => TypeOfNumber::Abbreviated,
            _ => TypeOfNumber::Reserved,
        }
    }

    /// The numbering plan, 0 to 15; 1 is E.164, the telephone numbering plan.
    pub fn npi(&self) -> u8 {
        self.type_of_address & 0x0F
    }

    /// The digits or the name, without a `+`.
    pub fn value(&self) -> String {
        let mut value = String::with_capacity(MAX_SEMI_OCTETS);
        // Writing to a string cannot fail.
        let _ = self.write_value(&mut value);
        value
    }

    /// The number of semi-octets, 0 to 20.
    pub fn len(&self) -> usize {
        self.length.into()
    }

    /// Whether there are no semi-octets.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether this is a number with country code.
    pub fn is_international(&self) -> bool {
        self.ton() == TypeOfNumber::International
    }

    /// Whether this is a name, which cannot be replied to.
    pub fn is_alphanumeric(&self) -> bool {
        self.ton() == TypeOfNumber::Alphanumeric
    }

    /// The octets that hold the semi-octets, including a filler.
    pub fn octets(&self) -> &[u8] {
        &self.semi_octets[..usize::from(self.length).div_ceil(2)]
    }

    /// Octets past the length take part in comparisons, so they are always zero.
    fn with_unused_octets_cleared(mut self) -> Self {
        self.semi_octets[usize::from(self.length).div_ceil(2)..].fill(0);
        self
    }

    fn write_value(&self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.is_alphanumeric() {
            let septets = usize::from(self.length) * 4 / 7;
            let mut name = String::with_capacity(2 * MAX_CHARACTERS);
            gsm7::decode_packed_into(self.octets(), 0, septets, gsm7::Languages::default(), &mut name);
            return out.write_str(&name);
        }
        for index in 0..usize::from(self.length) {
            let octet = self.semi_octets[index / 2];
            let value = if index % 2 == 0 { octet & 0x0F } else { octet >> 4 };
            // A filler among the digits is not a digit.
            if let Some(&character) = CHARACTERS.get(usize::from(value)) {
                out.write_char(character.into())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_international() {
            f.write_str("+")?;
        }
        self.write_value(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:02X} {:?})", self.type_of_address, self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_as_written() {
        for number in ["+4915112345678", "0", "12", "*100#", "+12345678901234567890", "12abc"] {
            let address = Address::from_number(number).unwrap();
            let mut octets = Vec::new();
            address.encode_into(&mut octets);
            assert_eq!(Address::decode(&octets), Ok((address, octets.len())));
            assert_eq!(address.to_string(), number);
            octets.clear();
            address.encode_rp_into(&mut octets);
            assert_eq!(Address::decode_rp(&octets), Ok((Some(address), octets.len())), "{number}");
        }
    }

    #[test]
    fn an_invalid_number_is_refused_with_the_position() {
        let refused = |number| Address::from_number(number).unwrap_err().kind;
        assert_eq!(refused(""), EncodeErrorKind::Empty);
        assert_eq!(refused("+"), EncodeErrorKind::Empty);
        assert_eq!(refused("+49 151"), EncodeErrorKind::BadCharacter { index: 3 });
        assert_eq!(refused("123456789012345678901"), EncodeErrorKind::TooLong { length: 21, limit: 20 });
    }

    #[test]
    fn semi_octets_take_half_as_many_octets() {
        let refused =
            |length, octets: &[u8]| Address::from_semi_octets(0x81, length, octets).unwrap_err().kind;
        assert_eq!(refused(3, &[0x21]), EncodeErrorKind::WrongLength { length: 1, expected: 2 });
        assert_eq!(refused(21, &[0; 11]), EncodeErrorKind::TooLong { length: 21, limit: 20 });
    }

    #[test]
    fn a_name_holds_eleven_characters() {
        for name in ["A", "Message", "Messages", "ElevenChars", "12345[{"] {
            assert_eq!(Address::alphanumeric(name).unwrap().to_string(), name);
        }
        assert!(Address::alphanumeric("TwelveChars!").is_err());
        assert!(Address::alphanumeric("Банк").is_err());
    }
}
