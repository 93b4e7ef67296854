//! Owns SMS-DELIVER (TS 23.040 9.2.2.1): a message as the phone gets it.

use super::{HEADER_INDICATOR, REPLY_PATH, check_coding, flag};
use crate::address::Address;
use crate::dcs::Dcs;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::timestamp::Timestamp;
use crate::user_data::UserData;

/// A message to the phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deliver<'a> {
    /// TP-MMS: more messages wait at the service centre. (The bit on the wire says the opposite.)
    pub more_messages: bool,
    /// TP-LP: this has been forwarded or was sent by a machine; do not forward it again.
    pub loop_prevention: bool,
    /// TP-RP: the answer may be sent through the sender's service centre.
    pub reply_path: bool,
    /// TP-SRI: the sender asked to be told of the delivery.
    pub status_report_indication: bool,
    /// TP-OA: who sent it.
    pub from: Address,
    /// TP-PID: how to handle it; 0 for a plain message.
    pub pid: u8,
    /// TP-DCS: what the user data is made of.
    pub dcs: Dcs,
    /// TP-SCTS: when the service centre had it; `None` if the octets are no time.
    pub sent_at: Option<Timestamp>,
    /// TP-UD.
    pub user_data: UserData<'a>,
}

impl<'a> Deliver<'a> {
    /// A plain message with these four, and nothing else set.
    pub fn new(from: Address, dcs: Dcs, sent_at: Timestamp, user_data: UserData<'a>) -> Self {
        Deliver {
            more_messages: false,
            loop_prevention: false,
            reply_path: false,
            status_report_indication: false,
            from,
            pid: 0,
            dcs,
            sent_at: Some(sent_at),
            user_data,
        }
    }

    #[inline]
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let from = Address::read(octets, Field::OriginatingAddress)?;
        let pid = octets.octet(Field::ProtocolIdentifier)?;
        let dcs = Dcs(octets.octet(Field::DataCodingScheme)?);
        let sent_at = Timestamp::decode(octets.array(Field::ServiceCentreTimestamp)?);
        Ok(Deliver {
            more_messages: first & 0x04 == 0,
            loop_prevention: first & 0x08 != 0,
            reply_path: first & REPLY_PATH != 0,
            status_report_indication: first & 0x20 != 0,
            from,
            pid,
            dcs,
            sent_at,
            user_data: UserData::read(octets, dcs, first & HEADER_INDICATOR != 0)?,
        })
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) -> Result<(), EncodeError> {
        check_coding(self.dcs, &self.user_data)?;
        octets.push(
            flag(!self.more_messages, 0x04)
                | flag(self.loop_prevention, 0x08)
                | flag(self.reply_path, REPLY_PATH)
                | flag(self.status_report_indication, 0x20)
                | flag(self.user_data.has_header(), HEADER_INDICATOR),
        );
        self.from.encode_into(octets);
        octets.extend_from_slice(&[self.pid, self.dcs.0]);
        octets.extend_from_slice(&self.sent_at.map_or([0; 7], Timestamp::encode));
        self.user_data.write(octets);
        Ok(())
    }

    /// The same, not tied to the octets it was read from.
    pub fn into_owned(self) -> Deliver<'static> {
        Deliver { user_data: self.user_data.into_owned(), ..self }
    }
}
