//! SMS-SUBMIT (TS 23.040 9.2.2.2): a message from the phone to the service centre.

use super::first_octet::{HEADER_INDICATOR, REPLY_PATH, check_coding, flag};
use crate::address::Address;
use crate::dcs::Dcs;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::pid::Pid;
use crate::user_data::UserData;
use crate::validity::Validity;

/// SMS-SUBMIT: a message from the phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Submit<'a> {
    /// TP-RD: the service centre is to refuse the message if it holds one with the same reference and recipient.
    pub reject_duplicates: bool,
    /// TP-SRR: a status report is requested.
    pub status_report_request: bool,
    /// TP-RP: a reply may come through this service centre.
    pub reply_path: bool,
    /// TP-MR, which a status report will name. Many modems replace it with a number of their own.
    pub reference: u8,
    /// TP-DA: the recipient.
    pub to: Address,
    /// TP-PID: how to handle the message.
    pub pid: Pid,
    /// TP-DCS: alphabet and class.
    pub dcs: Dcs,
    /// TP-VP: how long the service centre tries; `None` leaves that to the service centre.
    pub validity: Option<Validity>,
    /// TP-UD.
    pub user_data: UserData<'a>,
}

impl<'a> Submit<'a> {
    /// A plain message with nothing else set.
    pub fn new(to: Address, dcs: Dcs, user_data: UserData<'a>) -> Self {
        Submit {
            reject_duplicates: false,
            status_report_request: false,
            reply_path: false,
            reference: 0,
            to,
            pid: Pid::PLAIN,
            dcs,
            validity: None,
            user_data,
        }
    }

    #[inline]
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let reference = octets.octet(Field::MessageReference)?;
        let to = Address::read(octets, Field::DestinationAddress)?;
        let pid = Pid(octets.octet(Field::ProtocolIdentifier)?);
        let dcs = Dcs(octets.octet(Field::DataCodingScheme)?);
        let validity = match first & 0x18 {
            0x00 => None,
            0x08 => Some(Validity::Enhanced(octets.array(Field::ValidityPeriod)?)),
            0x10 => Some(Validity::Relative(octets.octet(Field::ValidityPeriod)?)),
            _ => Some(Validity::Absolute(octets.array(Field::ValidityPeriod)?)),
        };
        Ok(Submit {
            reject_duplicates: first & 0x04 != 0,
            status_report_request: first & 0x20 != 0,
            reply_path: first & REPLY_PATH != 0,
            reference,
            to,
            pid,
            dcs,
            validity,
            user_data: UserData::read(octets, dcs, first & HEADER_INDICATOR != 0)?,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        check_coding(self.dcs, &self.user_data)?;
        octets.push(
            0x01 | flag(self.reject_duplicates, 0x04)
                | Validity::format_bits(self.validity)
                | flag(self.status_report_request, 0x20)
                | flag(self.reply_path, REPLY_PATH)
                | flag(self.user_data.has_header(), HEADER_INDICATOR),
        );
        octets.push(self.reference);
        self.to.encode_into(octets);
        octets.extend_from_slice(&[self.pid.0, self.dcs.0]);
        if let Some(validity) = &self.validity {
            octets.extend_from_slice(validity.octets());
        }
        self.user_data.write(octets);
        Ok(())
    }

    /// The same message, owning its octets.
    pub fn into_owned(self) -> Submit<'static> {
        Submit { user_data: self.user_data.into_owned(), ..self }
    }
}
