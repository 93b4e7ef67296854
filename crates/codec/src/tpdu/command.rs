//! Owns SMS-COMMAND (TS 23.040 9.2.2.4): an order to the service centre about a message sent before.

use std::borrow::Cow;

use super::{HEADER_INDICATOR, flag};
use crate::address::Address;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::octets::Octets;

/// An order about a message sent before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command<'a> {
    /// TP-SRR: send a status report.
    pub status_report_request: bool,
    /// TP-UDHI: the data begins with a user data header.
    pub has_header: bool,
    /// TP-MR of the command itself.
    pub reference: u8,
    /// TP-PID.
    pub pid: u8,
    /// TP-CT: 0 enquire, 1 cancel the status report request, 2 delete, 3 ask for a status report (9.2.3.19).
    pub command: u8,
    /// TP-MN: the TP-MR of the message it is about.
    pub message_number: u8,
    /// TP-DA of the message it is about.
    pub to: Address,
    /// TP-CD, at most 157 octets by the size of a TPDU.
    pub data: Cow<'a, [u8]>,
}

/// What the octets of a TPDU leave for the data.
const MAX_DATA: usize = 157;

impl<'a> Command<'a> {
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let reference = octets.octet(Field::MessageReference)?;
        let pid = octets.octet(Field::ProtocolIdentifier)?;
        let command = octets.octet(Field::CommandType)?;
        let message_number = octets.octet(Field::MessageNumber)?;
        let to = Address::read(octets, Field::DestinationAddress)?;
        let length_at = *octets;
        let length = octets.octet(Field::CommandDataLength)?;
        if usize::from(length) > MAX_DATA {
            let kind = DecodeErrorKind::BadLength { length: length.into(), limit: MAX_DATA };
            return Err(length_at.error(Field::CommandDataLength, kind));
        }
        let data = Cow::Borrowed(octets.take(length.into(), Field::CommandData)?);
        Ok(Command {
            status_report_request: first & 0x20 != 0,
            has_header: first & HEADER_INDICATOR != 0,
            reference,
            pid,
            command,
            message_number,
            to,
            data,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.data.len() > MAX_DATA {
            return Err(EncodeError::too_long(Field::CommandData, self.data.len(), MAX_DATA));
        }
        octets.push(0x02 | flag(self.status_report_request, 0x20) | flag(self.has_header, HEADER_INDICATOR));
        octets.extend_from_slice(&[self.reference, self.pid, self.command, self.message_number]);
        self.to.encode_into(octets);
        octets.push(self.data.len() as u8);
        octets.extend_from_slice(&self.data);
        Ok(())
    }

    /// The same, not tied to the octets it was read from.
    pub fn into_owned(self) -> Command<'static> {
        Command { data: Cow::Owned(self.data.into_owned()), ..self }
    }
}
