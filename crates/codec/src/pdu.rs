//! The PDU of an AT line (TS 27.005 `<pdu>`): a service centre address and a TPDU, in hexadecimal.
//!
//! Modems give it in `+CMT`, `+CMGL`, `+CMGR` and `+CDS`, and take it in `AT+CMGS` and `AT+CMGW`. The `<length>` of those
//! lines does not count the service centre address. Cell broadcast pages (`+CBM`) have no such address: see
//! [`crate::cbs`].

use crate::address::Address;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::hex;
use crate::octets::Octets;
use crate::tpdu::{Direction, Tpdu};

/// A TPDU and the service centre that it came from or is to go through: the `<pdu>` of AT commands (TS 27.005).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pdu<'a> {
    /// The service centre; `None` (a length octet of 00) means the one set on the SIM.
    pub service_centre: Option<Address>,
    /// The TPDU.
    pub tpdu: Tpdu<'a>,
}

/// A PDU as AT commands take it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EncodedPdu {
    /// Service centre address and TPDU, in upper case hexadecimal digits.
    pub hex: String,
    /// The length of the TPDU in octets, for `AT+CMGS=<length>`.
    pub tpdu_length: usize,
}

impl<'a> Pdu<'a> {
    /// Reads a PDU. User data is borrowed from the octets.
    ///
    /// # Errors
    /// As [`Tpdu::decode`], or a service centre address longer than 11 octets or than the octets given.
    pub fn decode(octets: &'a [u8], direction: Direction) -> Result<Self, DecodeError> {
        let mut octets = Octets::new(octets);
        let service_centre = Address::read_rp(&mut octets, Field::ServiceCentre)?;
        Ok(Pdu { service_centre, tpdu: Tpdu::read(&mut octets, direction)? })
    }

    /// Encodes the PDU in the form that AT commands take.
    ///
    /// ```
    /// use smsbridge_codec::{Address, Dcs, Pdu, Submit, Tpdu, UserData};
    ///
    /// let to = Address::from_number("+46708251358")?;
    /// let submit = Submit::new(to, Dcs::default(), UserData::from_text("Hi")?);
    /// let pdu = Pdu { service_centre: None, tpdu: Tpdu::Submit(submit) }.encode()?;
    /// assert_eq!((&pdu.hex[..], pdu.tpdu_length), ("0001000B916407281553F8000002C834", 15));
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tpdu::encode_into`].
    pub fn encode(&self) -> Result<EncodedPdu, EncodeError> {
        self.encode_with(&mut Vec::new())
    }

    /// As [`Pdu::encode`], with a buffer that serves many PDUs.
    pub(crate) fn encode_with(&self, octets: &mut Vec<u8>) -> Result<EncodedPdu, EncodeError> {
        octets.clear();
        octets.reserve(180);
        match &self.service_centre {
            Some(address) => address.encode_rp_into(octets),
            None => octets.push(0),
        }
        let before = octets.len();
        self.tpdu.encode_into(octets)?;
        Ok(EncodedPdu { hex: hex::encode(octets), tpdu_length: octets.len() - before })
    }

    /// The same PDU, owning its octets.
    pub fn into_owned(self) -> Pdu<'static> {
        Pdu { service_centre: self.service_centre, tpdu: self.tpdu.into_owned() }
    }
}

impl Pdu<'static> {
    /// Reads a PDU of hexadecimal digits, without white space around them. The PDU owns its octets.
    ///
    /// ```
    /// use smsbridge_codec::{Direction, Pdu};
    ///
    /// let pdu = Pdu::decode_hex("0001000B916407281553F8000002C834", Direction::MobileOriginated)?;
    /// assert_eq!(pdu.tpdu.user_data().and_then(|data| data.text()).as_deref(), Some("Hi"));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Pdu::decode`] and [`hex::decode`].
    pub fn decode_hex(digits: &str, direction: Direction) -> Result<Self, DecodeError> {
        let octets = hex::decode(digits)?;
        Ok(Pdu::decode(&octets, direction)?.into_owned())
    }
}

/// The length in octets of the TPDU within a PDU of hexadecimal digits: the `<length>` of AT commands and answers, which
/// does not count the service centre address. Only the length octet of that address is read.
///
/// ```
/// use smsbridge_codec::tpdu_length;
///
/// assert_eq!(tpdu_length("0001000B916407281553F8000002C834"), Ok(15));
/// assert_eq!(tpdu_length("07911326").unwrap_err().to_string(), "service centre address at octet 0: needs 8 octets, 4 remain");
/// ```
///
/// # Errors
/// An odd number of digits, a length octet that is not hexadecimal, or a service centre address longer than the PDU.
pub fn tpdu_length(digits: &str) -> Result<usize, DecodeError> {
    let octets = digits.len() / 2;
    let error = |field, octet, kind| Err(DecodeError { field, octet, kind });
    if !digits.len().is_multiple_of(2) {
        return error(Field::Hex, octets, DecodeErrorKind::OddDigits);
    }
    let Some(length) = digits.get(..2) else {
        return match octets {
            0 => error(Field::ServiceCentre, 0, DecodeErrorKind::Missing),
            // A character of more than one byte.
            _ => error(Field::Hex, 0, DecodeErrorKind::NotHex),
        };
    };
    let needed = 1 + usize::from(hex::decode(length)?[0]);
    match octets.checked_sub(needed) {
        Some(length) => Ok(length),
        None => error(Field::ServiceCentre, 0, DecodeErrorKind::Truncated { needed, remaining: octets }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_tpdu_leaves_out_the_service_centre() {
        assert_eq!(tpdu_length("0011223344"), Ok(4));
        assert_eq!(tpdu_length("0291441122"), Ok(2));
        assert_eq!(tpdu_length("029144"), Ok(0));
        assert_eq!(tpdu_length("00"), Ok(0));
    }

    #[test]
    fn a_pdu_without_a_length_is_refused() {
        let kind = |digits| tpdu_length(digits).unwrap_err().kind;
        assert_eq!(kind(""), DecodeErrorKind::Missing);
        assert_eq!(kind("000"), DecodeErrorKind::OddDigits);
        assert_eq!(kind("xy00"), DecodeErrorKind::NotHex);
        assert_eq!(kind("0é0"), DecodeErrorKind::NotHex);
        assert_eq!(kind("0291"), DecodeErrorKind::Truncated { needed: 3, remaining: 2 });
    }
}
