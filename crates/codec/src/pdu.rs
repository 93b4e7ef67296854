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
use crate::user_data::UserData;

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

    /// As [`Pdu::decode_hex`], but reads what came of a PDU whose user data is shorter than TP-UDL says: lines are cut, and
    /// some modems leave octets out. Returns whether user data is missing.
    ///
    /// ```
    /// use smsbridge_codec::{Direction, Pdu};
    ///
    /// let cut = "0001000B916407281553F8000005C8329B";
    /// let (pdu, is_cut) = Pdu::decode_hex_partial(cut, Direction::MobileOriginated)?;
    /// assert_eq!((pdu.tpdu.user_data().and_then(|data| data.text()).as_deref(), is_cut), (Some("Hel"), true));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Pdu::decode_hex`], where anything before the user data is missing or wrong.
    pub fn decode_hex_partial(digits: &str, direction: Direction) -> Result<(Self, bool), DecodeError> {
        let error = match Pdu::decode_hex(digits, direction) {
            Ok(pdu) => return Ok((pdu, false)),
            Err(error) => error,
        };
        // The second half of an octet may be what is missing.
        let mut octets = hex::decode(digits.get(..digits.len() & !1).unwrap_or(digits))?;
        for attempt in 0..=MAX_REPAIRS {
            match Pdu::decode(&octets, direction).map(Pdu::into_owned) {
                Ok(pdu) => return Ok((pdu, attempt > 0)),
                Err(cause) if shorten(&mut octets, cause, attempt > 0) => {}
                Err(_) => break,
            }
        }
        Err(error)
    }
}

/// A length shortened to what came may still cut a UCS-2 character or the header.
const MAX_REPAIRS: usize = 2;

/// Lowers TP-UDL to the user data that is there, if that is what an error is about.
fn shorten(octets: &mut [u8], error: DecodeError, is_cut: bool) -> bool {
    let at = match (error.field, error.kind) {
        (Field::UserDataLength, DecodeErrorKind::BadLength { .. }) => error.octet,
        (Field::UserData | Field::UserDataHeader, _) => error.octet.saturating_sub(1),
        _ => return false,
    };
    let came = octets.len().saturating_sub(at + 1).min(UserData::MAX_OCTETS);
    let Some(length) = octets.get_mut(at) else { return false };
    let limit = match error.kind {
        DecodeErrorKind::BadLength { limit, .. } if limit == UserData::MAX_SEPTETS => came * 8 / 7,
        // 7-bit text takes fewer octets than its length says.
        DecodeErrorKind::Truncated { needed, .. } if needed < usize::from(*length) => came * 8 / 7,
        DecodeErrorKind::BadLength { .. } | DecodeErrorKind::Truncated { .. } => came,
        DecodeErrorKind::OddUcs2 => usize::from(*length).saturating_sub(1),
        DecodeErrorKind::Missing => 0,
        DecodeErrorKind::HeaderTooLong if is_cut => 0,
        _ => return false,
    };
    *length = (*length).min(u8::try_from(limit).unwrap_or(u8::MAX));
    true
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
    fn of_a_cut_pdu_the_text_that_came_is_read() {
        let read = |digits: &str| {
            let (pdu, is_cut) = Pdu::decode_hex_partial(digits, Direction::MobileTerminated).unwrap();
            let Tpdu::Deliver(deliver) = &pdu.tpdu else { panic!("{digits}") };
            assert_eq!(deliver.from.to_string(), "+31641600986", "{digits}");
            (deliver.user_data.text().unwrap(), is_cut)
        };
        let head = |first: &str, dcs: &str| format!("00{first}0B911346610089F600{dcs}20806291731480");
        for (length, octets, text, is_cut) in [
            ("05", "E8329BFD06", "hello", false),
            ("05", "E8329BFD", "hell", true),
            ("05", "E8329BF", "hel", true),
            ("A0", "E8329BFD06", "hello", true),
            // More than any text may have.
            ("FF", "E8329BFD06", "hello", true),
            ("05", "", "", true),
        ] {
            assert_eq!(
                read(&format!("{}{length}{octets}", head("04", "00"))),
                (text.into(), is_cut),
                "{octets}"
            );
        }
        for (length, octets, text) in
            [("08", "041F0430", "Па"), ("08", "041F0430041", "Па"), ("05", "041F043004", "Па")]
        {
            assert_eq!(
                read(&format!("{}{length}{octets}", head("04", "08"))),
                (text.into(), true),
                "{octets}"
            );
        }
        // Within the header of a part, and behind it.
        assert_eq!(read(&format!("{}0C0500030701", head("44", "00"))), (String::new(), true));
        assert_eq!(read(&format!("{}0C050003070201E8", head("44", "00"))), ("t".into(), true));
    }

    #[test]
    fn a_pdu_cut_before_its_user_data_is_refused_as_ever() {
        let whole = "00040B911346610089F60000208062917314800";
        for length in 0..whole.len() {
            let cut = &whole[..length];
            let error = Pdu::decode_hex(cut, Direction::MobileTerminated).unwrap_err();
            assert_eq!(Pdu::decode_hex_partial(cut, Direction::MobileTerminated), Err(error), "{cut}");
        }
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
