//! SMS-COMMAND (TS 23.040 9.2.2.4): a request to the service centre about an earlier message.

use std::borrow::Cow;

use super::first_octet::{HEADER_INDICATOR, flag};
use crate::address::Address;
use crate::error::{DecodeError, DecodeErrorKind, EncodeError, Field};
use crate::octets::Octets;
use crate::pid::Pid;

/// TP-CT, the command type octet (9.2.3.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommandType(pub u8);

impl CommandType {
    /// Ask what became of the message.
    pub const ENQUIRY: CommandType = CommandType(0x00);
    /// Cancel the status report that was requested for the message.
    pub const CANCEL_STATUS_REPORT: CommandType = CommandType(0x01);
    /// Delete the message.
    pub const DELETE: CommandType = CommandType(0x02);
    /// Request a status report for the message.
    pub const ENABLE_STATUS_REPORT: CommandType = CommandType(0x03);

    /// The command in words.
    pub fn meaning(self) -> &'static str {
        match self {
            CommandType::ENQUIRY => "enquire about the message",
            CommandType::CANCEL_STATUS_REPORT => "cancel the status report request",
            CommandType::DELETE => "delete the message",
            CommandType::ENABLE_STATUS_REPORT => "request a status report",
            CommandType(0xE0..) => "specific to the service centre",
            _ => "reserved",
        }
    }
}

/// SMS-COMMAND: a request about an earlier message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Command<'a> {
    /// TP-SRR: a status report is requested.
    pub status_report_request: bool,
    /// TP-UDHI: the data begins with a user data header.
    pub has_header: bool,
    /// TP-MR of the command.
    pub reference: u8,
    /// TP-PID.
    pub pid: Pid,
    /// TP-CT: what is requested.
    pub command_type: CommandType,
    /// TP-MN: the TP-MR of the earlier message.
    pub message_number: u8,
    /// TP-DA of the earlier message.
    pub to: Address,
    /// TP-CD, at most 157 octets.
    pub data: Cow<'a, [u8]>,
}

/// The octets of a TPDU that remain for the data.
const MAX_DATA: usize = 157;

impl<'a> Command<'a> {
    /// A command about the message with this TP-MR to this recipient, without data and with nothing else set.
    pub fn new(command_type: CommandType, message_number: u8, to: Address) -> Self {
        Command {
            status_report_request: false,
            has_header: false,
            reference: 0,
            pid: Pid::PLAIN,
            command_type,
            message_number,
            to,
            data: Cow::Borrowed(&[]),
        }
    }

    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let reference = octets.octet(Field::MessageReference)?;
        let pid = Pid(octets.octet(Field::ProtocolIdentifier)?);
        let command_type = CommandType(octets.octet(Field::CommandType)?);
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
            command_type,
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
        octets.extend_from_slice(&[self.reference, self.pid.0, self.command_type.0, self.message_number]);
        self.to.encode_into(octets);
        octets.push(self.data.len() as u8);
        octets.extend_from_slice(&self.data);
        Ok(())
    }

    /// The same command, owning its octets.
    pub fn into_owned(self) -> Command<'static> {
        Command { data: Cow::Owned(self.data.into_owned()), ..self }
    }
}
