//! SMS-STATUS-REPORT (TS 23.040 9.2.2.3): what became of a submitted message.

use super::first_octet::{HEADER_INDICATOR, flag};
use super::parameters::Parameters;
use crate::address::Address;
use crate::cause::{Outcome, Status};
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::timestamp::Timestamp;

/// SMS-STATUS-REPORT: the status of an earlier message, which its reference and recipient identify.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StatusReport<'a> {
    /// TP-MMS: more messages wait at the service centre. (The bit itself is inverted.)
    pub more_messages: bool,
    /// TP-LP: the report was forwarded or sent by a machine, and must not be forwarded.
    pub loop_prevention: bool,
    /// TP-SRQ: this answers an SMS-COMMAND rather than an SMS-SUBMIT.
    pub for_command: bool,
    /// TP-MR of the earlier message.
    pub reference: u8,
    /// TP-RA: the recipient of the earlier message.
    pub to: Address,
    /// TP-SCTS: when the service centre received the earlier message; `None` if the octets are not a valid time.
    pub sent_at: Option<Timestamp>,
    /// TP-DT: when the message was delivered or last tried; `None` if the octets are not a valid time.
    pub discharged_at: Option<Timestamp>,
    /// TP-ST.
    pub status: Status,
    /// The optional fields; `None` if the report ends with the status.
    pub parameters: Option<Parameters<'a>>,
    /// Whether octets after the status were ignored because they are not optional fields. Stored reports are often padded
    /// with FF.
    pub tail_ignored: bool,
}

impl<'a> StatusReport<'a> {
    /// A report with nothing else set. A time that is `None` becomes seven zero octets.
    pub fn new(
        reference: u8,
        to: Address,
        sent_at: impl Into<Option<Timestamp>>,
        discharged_at: impl Into<Option<Timestamp>>,
        status: Status,
    ) -> Self {
        StatusReport {
            more_messages: false,
            loop_prevention: false,
            for_command: false,
            reference,
            to,
            sent_at: sent_at.into(),
            discharged_at: discharged_at.into(),
            status,
            parameters: None,
            tail_ignored: false,
        }
    }

    /// The group that the status belongs to.
    pub fn outcome(&self) -> Outcome {
        self.status.outcome()
    }

    #[inline]
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let reference = octets.octet(Field::MessageReference)?;
        let to = Address::read(octets, Field::RecipientAddress)?;
        let sent_at = Timestamp::decode(octets.array(Field::ServiceCentreTimestamp)?);
        let discharged_at = Timestamp::decode(octets.array(Field::DischargeTime)?);
        let status = Status(octets.octet(Field::Status)?);
        let has_tail = octets.remaining() > 0;
        let parameters = Parameters::read_indicator(octets)
            .and_then(|indicator| Parameters::read(indicator, first & HEADER_INDICATOR != 0, octets))
            .ok();
        Ok(StatusReport {
            more_messages: first & 0x04 == 0,
            loop_prevention: first & 0x08 != 0,
            for_command: first & 0x20 != 0,
            reference,
            to,
            sent_at,
            discharged_at,
            status,
            tail_ignored: has_tail && parameters.is_none(),
            parameters,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        let has_header = self.parameters.as_ref().is_some_and(Parameters::has_header);
        octets.push(
            0x02 | flag(!self.more_messages, 0x04)
                | flag(self.loop_prevention, 0x08)
                | flag(self.for_command, 0x20)
                | flag(has_header, HEADER_INDICATOR),
        );
        octets.push(self.reference);
        self.to.encode_into(octets);
        octets.extend_from_slice(&self.sent_at.map_or([0; 7], Timestamp::encode));
        octets.extend_from_slice(&self.discharged_at.map_or([0; 7], Timestamp::encode));
        octets.push(self.status.0);
        if let Some(parameters) = &self.parameters {
            octets.push(parameters.indicator());
            parameters.write(octets)?;
        }
        Ok(())
    }

    /// The same report, owning its octets.
    pub fn into_owned(self) -> StatusReport<'static> {
        StatusReport { parameters: self.parameters.map(Parameters::into_owned), ..self }
    }
}
