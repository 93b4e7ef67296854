//! Owns the TPDU as a whole (TS 23.040 9.2.2): which of the six types it is, one file each.
//!
//! The type stands in two bits that mean one thing towards the phone and another from it, so a direction is always
//! given. Octets come from [`crate::pdu`] or straight from a caller who has no service centre address in front. It must
//! never read past what it is given; octets after the last field are tolerated, because SIM records pad with FF.

mod command;
mod deliver;
mod parameters;
mod report;
mod status_report;
mod submit;

pub use command::Command;
pub use deliver::Deliver;
pub use parameters::Parameters;
pub use report::{DeliverReport, SubmitReport};
pub use status_report::StatusReport;
pub use submit::Submit;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::octets::Octets;
use crate::user_data::UserData;

/// Which way a TPDU goes. The message type is two bits that mean one thing in one direction and another in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the service centre to the phone.
    MobileTerminated,
    /// From the phone to the service centre.
    MobileOriginated,
}

/// A transfer protocol data unit: one of the six types of 9.2.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tpdu<'a> {
    /// SMS-DELIVER (9.2.2.1): a message to the phone.
    Deliver(Deliver<'a>),
    /// SMS-DELIVER-REPORT (9.2.2.1a): the phone's answer to it.
    DeliverReport(DeliverReport<'a>),
    /// SMS-SUBMIT (9.2.2.2): a message from the phone.
    Submit(Submit<'a>),
    /// SMS-SUBMIT-REPORT (9.2.2.2a): the service centre's answer to it.
    SubmitReport(SubmitReport<'a>),
    /// SMS-STATUS-REPORT (9.2.2.3): what became of a message.
    StatusReport(StatusReport<'a>),
    /// SMS-COMMAND (9.2.2.4): an order about a message sent before.
    Command(Command<'a>),
}

/// TP-UDHI in the first octet.
const HEADER_INDICATOR: u8 = 0x40;
/// TP-RP in the first octet.
const REPLY_PATH: u8 = 0x80;

impl<'a> Tpdu<'a> {
    /// Reads a TPDU that begins with its first octet, no service centre address in front.
    ///
    /// ```
    /// use smsbridge_codec::{Direction, Outcome, Tpdu, hex};
    ///
    /// let octets = hex::decode("062A0B919451112143F56211220151032162112201510421")?;
    /// let error = Tpdu::decode(&octets, Direction::MobileTerminated).unwrap_err();
    /// assert_eq!(error.to_string(), "TP-ST at octet 24: missing");
    ///
    /// let whole = [&octets[..], &[0x00]].concat();
    /// let Tpdu::StatusReport(report) = Tpdu::decode(&whole, Direction::MobileTerminated)? else { panic!() };
    /// assert_eq!((report.reference, report.outcome()), (42, Outcome::Delivered));
    /// # Ok::<(), smsbridge_codec::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// Fewer octets than the fields take, a length no field may have, a reserved type from the phone, UCS-2 text of an
    /// odd number of octets. A time stamp that is no time is not an error.
    pub fn decode(octets: &'a [u8], direction: Direction) -> Result<Self, DecodeError> {
        Tpdu::read(&mut Octets::new(octets), direction)
    }

    #[inline]
    pub(crate) fn read(octets: &mut Octets<'a>, direction: Direction) -> Result<Self, DecodeError> {
        let start = *octets;
        let first = octets.octet(Field::FirstOctet)?;
        match (direction, first & 0x03) {
            // The reserved type 3 is to be taken for a SMS-DELIVER by the phone (9.2.3.1).
            (Direction::MobileTerminated, 0 | 3) => Deliver::read(first, octets).map(Tpdu::Deliver),
            (Direction::MobileTerminated, 1) => SubmitReport::read(first, octets).map(Tpdu::SubmitReport),
            (Direction::MobileTerminated, _) => StatusReport::read(first, octets).map(Tpdu::StatusReport),
            (Direction::MobileOriginated, 0) => DeliverReport::read(first, octets).map(Tpdu::DeliverReport),
            (Direction::MobileOriginated, 1) => Submit::read(first, octets).map(Tpdu::Submit),
            (Direction::MobileOriginated, 2) => Command::read(first, octets).map(Tpdu::Command),
            (Direction::MobileOriginated, _) => {
                Err(start.error(Field::FirstOctet, DecodeErrorKind::ReservedType))
            }
        }
    }

    /// Appends the octets of the TPDU.
    ///
    /// # Errors
    /// A data coding scheme that does not say what the user data is; command data over 255 octets.
    pub fn encode_into(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Tpdu::Deliver(tpdu) => tpdu.write(octets),
            Tpdu::DeliverReport(tpdu) => tpdu.write(octets),
            Tpdu::Submit(tpdu) => tpdu.write(octets),
            Tpdu::SubmitReport(tpdu) => tpdu.write(octets),
            Tpdu::StatusReport(tpdu) => tpdu.write(octets),
            Tpdu::Command(tpdu) => tpdu.write(octets),
        }
    }

    /// Which way a TPDU of this type goes.
    pub fn direction(&self) -> Direction {
        match self {
            Tpdu::Deliver(_) | Tpdu::SubmitReport(_) | Tpdu::StatusReport(_) => Direction::MobileTerminated,
            Tpdu::DeliverReport(_) | Tpdu::Submit(_) | Tpdu::Command(_) => Direction::MobileOriginated,
        }
    }

    /// The user data, for types that have it.
    pub fn user_data(&self) -> Option<&UserData<'a>> {
        match self {
            Tpdu::Deliver(tpdu) => Some(&tpdu.user_data),
            Tpdu::DeliverReport(tpdu) => tpdu.parameters.user_data.as_ref(),
            Tpdu::Submit(tpdu) => Some(&tpdu.user_data),
            Tpdu::SubmitReport(tpdu) => tpdu.parameters.user_data.as_ref(),
            Tpdu::StatusReport(tpdu) => tpdu.parameters.as_ref()?.user_data.as_ref(),
            Tpdu::Command(_) => None,
        }
    }

    /// The same, not tied to the octets it was read from.
    pub fn into_owned(self) -> Tpdu<'static> {
        match self {
            Tpdu::Deliver(tpdu) => Tpdu::Deliver(tpdu.into_owned()),
            Tpdu::DeliverReport(tpdu) => Tpdu::DeliverReport(tpdu.into_owned()),
            Tpdu::Submit(tpdu) => Tpdu::Submit(tpdu.into_owned()),
            Tpdu::SubmitReport(tpdu) => Tpdu::SubmitReport(tpdu.into_owned()),
            Tpdu::StatusReport(tpdu) => Tpdu::StatusReport(tpdu.into_owned()),
            Tpdu::Command(tpdu) => Tpdu::Command(tpdu.into_owned()),
        }
    }
}

/// A flag of the first octet, as its bit.
fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

/// Refuses a data coding scheme that does not say what the user data is: the receiver would read rubbish.
fn check_coding(dcs: crate::dcs::Dcs, user_data: &UserData<'_>) -> Result<(), EncodeError> {
    if user_data.agrees_with(dcs) {
        Ok(())
    } else {
        Err(EncodeError::new(Field::DataCodingScheme, crate::error::EncodeErrorKind::Mismatch))
    }
}
