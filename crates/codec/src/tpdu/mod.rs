//! The TPDU (TS 23.040 9.2.2): which of the six types it is; one file each.
//!
//! The two bits of the message type mean one thing towards the phone and another from it, so the caller always gives the
//! direction. Octets after the last field are ignored, because SIM records are padded with FF.

mod command;
mod deliver;
mod first_octet;
mod parameters;
mod report;
mod status_report;
mod submit;

pub use command::{Command, CommandType};
pub use deliver::Deliver;
pub use parameters::Parameters;
pub use report::{DeliverReport, SubmitReport};
pub use status_report::StatusReport;
pub use submit::Submit;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::octets::Octets;
use crate::user_data::UserData;

/// The direction of a TPDU, which decides what its message type bits mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
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
    /// SMS-DELIVER-REPORT (9.2.2.1a): the phone's answer to an SMS-DELIVER.
    DeliverReport(DeliverReport<'a>),
    /// SMS-SUBMIT (9.2.2.2): a message from the phone.
    Submit(Submit<'a>),
    /// SMS-SUBMIT-REPORT (9.2.2.2a): the service centre's answer to an SMS-SUBMIT.
    SubmitReport(SubmitReport<'a>),
    /// SMS-STATUS-REPORT (9.2.2.3): what became of a message.
    StatusReport(StatusReport<'a>),
    /// SMS-COMMAND (9.2.2.4): a request about an earlier message.
    Command(Command<'a>),
}

impl<'a> Tpdu<'a> {
    /// Reads a TPDU without a service centre address before it.
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
    /// Fewer octets than the fields take, a length that the standard does not allow, a reserved type from the phone, or
    /// UCS-2 text of one part with an odd number of octets. An invalid time stamp is not an error.
    pub fn decode(octets: &'a [u8], direction: Direction) -> Result<Self, DecodeError> {
        Tpdu::read(&mut Octets::new(octets), direction)
    }

    #[inline]
    pub(crate) fn read(octets: &mut Octets<'a>, direction: Direction) -> Result<Self, DecodeError> {
        let start = *octets;
        let first = octets.octet(Field::FirstOctet)?;
        match (direction, first & 0x03) {
            // The phone reads the reserved type 3 as an SMS-DELIVER (9.2.3.1).
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
    /// A data coding scheme that does not describe the user data, or more than 157 octets of command data.
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

    /// The direction of a TPDU of this type.
    pub fn direction(&self) -> Direction {
        match self {
            Tpdu::Deliver(_) | Tpdu::SubmitReport(_) | Tpdu::StatusReport(_) => Direction::MobileTerminated,
            Tpdu::DeliverReport(_) | Tpdu::Submit(_) | Tpdu::Command(_) => Direction::MobileOriginated,
        }
    }

    /// The user data; `None` if the type, or this TPDU, has none.
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

    /// The same TPDU, owning its octets.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::dcs::{Alphabet, Dcs};
    use crate::error::EncodeErrorKind;

    #[test]
    fn a_coding_that_does_not_describe_the_user_data_is_refused() {
        let to = Address::from_number("123").unwrap();
        let submit = Submit::new(to, Dcs::new(Alphabet::Ucs2, None), UserData::from_text("Hi").unwrap());
        let error = Tpdu::Submit(submit).encode_into(&mut Vec::new()).unwrap_err();
        assert_eq!((error.field, error.kind), (Field::DataCodingScheme, EncodeErrorKind::WrongCoding));
    }
}
