//! SMS-DELIVER-REPORT and SMS-SUBMIT-REPORT (TS 23.040 9.2.2.1a, 9.2.2.2a): the answer to a message, either an
//! acknowledgement (RP-ACK) or a refusal with a cause (RP-ERROR).
//!
//! The layer below says which of the two it is. Without that layer the octet after the first decides: causes are 80 to
//! FF, and no parameter indicator in use has its top bit set.

use super::first_octet::{HEADER_INDICATOR, flag};
use super::parameters::Parameters;
use crate::cause::FailureCause;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::timestamp::Timestamp;

/// SMS-DELIVER-REPORT: the phone's answer to a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct DeliverReport<'a> {
    /// TP-FCS: why the phone refused the message; `None` if it accepted it.
    pub cause: Option<FailureCause>,
    /// The optional fields.
    pub parameters: Parameters<'a>,
}

/// SMS-SUBMIT-REPORT: the service centre's answer to a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct SubmitReport<'a> {
    /// TP-FCS: why the service centre refused the message; `None` if it accepted it.
    pub cause: Option<FailureCause>,
    /// TP-SCTS: when the service centre received the message; `None` if the octets are not a valid time.
    pub sent_at: Option<Timestamp>,
    /// The optional fields.
    pub parameters: Parameters<'a>,
}

fn read_cause(octets: &mut Octets<'_>) -> Result<Option<FailureCause>, DecodeError> {
    match octets.peek() {
        Some(0x80..) => Ok(Some(FailureCause(octets.octet(Field::FailureCause)?))),
        _ => Ok(None),
    }
}

impl<'a> DeliverReport<'a> {
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let cause = read_cause(octets)?;
        let indicator = Parameters::read_indicator(octets)?;
        let parameters = Parameters::read(indicator, first & HEADER_INDICATOR != 0, octets)?;
        Ok(DeliverReport { cause, parameters })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        octets.push(flag(self.parameters.has_header(), HEADER_INDICATOR));
        octets.extend(self.cause.map(|cause| cause.0));
        octets.push(self.parameters.indicator());
        self.parameters.write(octets)
    }

    /// The same report, owning its octets.
    pub fn into_owned(self) -> DeliverReport<'static> {
        DeliverReport { cause: self.cause, parameters: self.parameters.into_owned() }
    }
}

impl<'a> SubmitReport<'a> {
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let cause = read_cause(octets)?;
        let indicator = Parameters::read_indicator(octets)?;
        let sent_at = Timestamp::decode(octets.array(Field::ServiceCentreTimestamp)?);
        let parameters = Parameters::read(indicator, first & HEADER_INDICATOR != 0, octets)?;
        Ok(SubmitReport { cause, sent_at, parameters })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        octets.push(0x01 | flag(self.parameters.has_header(), HEADER_INDICATOR));
        octets.extend(self.cause.map(|cause| cause.0));
        octets.push(self.parameters.indicator());
        octets.extend_from_slice(&self.sent_at.map_or([0; 7], Timestamp::encode));
        self.parameters.write(octets)
    }

    /// The same report, owning its octets.
    pub fn into_owned(self) -> SubmitReport<'static> {
        SubmitReport { parameters: self.parameters.into_owned(), ..self }
    }
}
