//! Owns the PDU of an AT line (TS 27.005 `<pdu>`): the service centre address and the TPDU behind it, in hexadecimal.
//!
//! The text comes from `+CMT`, `+CMGL`, `+CMGR` and `+CDS`, or goes to `AT+CMGS` and `AT+CMGW`. The number that those
//! lines carry, `<length>`, leaves the service centre address out. Cell broadcast pages (`+CBM`) have no such address:
//! they are for [`crate::cbs`].

use crate::address::Address;
use crate::error::{DecodeError, EncodeError, Field};
use crate::hex;
use crate::octets::Octets;
use crate::tpdu::{Direction, Tpdu};

/// A TPDU and the service centre it came from or is to go through.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pdu<'a> {
    /// The service centre; `None` (the length octet 00) leaves it to the SIM.
    pub service_centre: Option<Address>,
    /// The message.
    pub tpdu: Tpdu<'a>,
}

/// A PDU as an AT command takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EncodedPdu {
    /// Service centre address and TPDU, in upper case hexadecimal digits.
    pub hex: String,
    /// Octets of the TPDU alone: the number in `AT+CMGS=`.
    pub tpdu_length: usize,
}

impl<'a> Pdu<'a> {
    /// Reads a PDU. Text and header stay borrowed from the octets.
    ///
    /// # Errors
    /// As [`Tpdu::decode`], or a service centre address longer than 11 octets or than what is there.
    pub fn decode(octets: &'a [u8], direction: Direction) -> Result<Self, DecodeError> {
        let mut octets = Octets::new(octets);
        let service_centre = Address::read_rp(&mut octets, Field::ServiceCentre)?;
        Ok(Pdu { service_centre, tpdu: Tpdu::read(&mut octets, direction)? })
    }

    /// The PDU in the form an AT command takes.
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

    /// The same, with a buffer that serves many.
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

    /// The same, not tied to the octets it was read from.
    pub fn into_owned(self) -> Pdu<'static> {
        Pdu { service_centre: self.service_centre, tpdu: self.tpdu.into_owned() }
    }
}

impl Pdu<'static> {
    /// Reads a PDU from hexadecimal digits, without white space around them. What is read owns its octets.
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
    /// As [`Pdu::decode`], or something that is not hexadecimal.
    pub fn decode_hex(digits: &str, direction: Direction) -> Result<Self, DecodeError> {
        let octets = hex::decode(digits)?;
        Ok(Pdu::decode(&octets, direction)?.into_owned())
    }
}
