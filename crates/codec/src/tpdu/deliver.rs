//! SMS-DELIVER (TS 23.040 9.2.2.1): a message from the service centre to the phone.

use super::first_octet::{HEADER_INDICATOR, REPLY_PATH, check_coding, flag};
use crate::address::Address;
use crate::dcs::Dcs;
use crate::error::{DecodeError, EncodeError, Field};
use crate::octets::Octets;
use crate::pid::Pid;
use crate::timestamp::Timestamp;
use crate::user_data::UserData;

/// SMS-DELIVER: a message to the phone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Deliver<'a> {
    /// TP-MMS: more messages wait at the service centre. (The bit itself is inverted.)
    pub more_messages: bool,
    /// TP-LP: the message was forwarded or sent by a machine, and must not be forwarded.
    pub loop_prevention: bool,
    /// TP-RP: a reply may be sent through the sender's service centre.
    pub reply_path: bool,
    /// TP-SRI: the sender requested a status report.
    pub status_report_indication: bool,
    /// TP-OA: the sender.
    pub from: Address,
    /// TP-PID: how to handle the message.
    pub pid: Pid,
    /// TP-DCS: alphabet and class.
    pub dcs: Dcs,
    /// TP-SCTS: when the service centre received the message; `None` if the octets are not a valid time.
    pub sent_at: Option<Timestamp>,
    /// TP-UD.
    pub user_data: UserData<'a>,
}

impl<'a> Deliver<'a> {
    /// A plain message with nothing else set. Without a time, TP-SCTS is seven zero octets.
    ///
    /// ```
    /// use smsbridge_codec::{Address, Dcs, Deliver, Timestamp, UserData};
    ///
    /// let from = Address::alphanumeric("Parcel24")?;
    /// let sent_at = Timestamp::from_unix(1_795_331_730, 12);
    /// let mut deliver = Deliver::new(from, Dcs::default(), sent_at, UserData::from_text("Hi")?);
    /// deliver.more_messages = true;
    /// # Ok::<(), smsbridge_codec::EncodeError>(())
    /// ```
    pub fn new(
        from: Address,
        dcs: Dcs,
        sent_at: impl Into<Option<Timestamp>>,
        user_data: UserData<'a>,
    ) -> Self {
        Deliver {
            more_messages: false,
            loop_prevention: false,
            reply_path: false,
            status_report_indication: false,
            from,
            pid: Pid::PLAIN,
            dcs,
            sent_at: sent_at.into(),
            user_data,
        }
    }

    #[inline]
    pub(super) fn read(first: u8, octets: &mut Octets<'a>) -> Result<Self, DecodeError> {
        let from = Address::read(octets, Field::OriginatingAddress)?;
        let pid = Pid(octets.octet(Field::ProtocolIdentifier)?);
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
        octets.extend_from_slice(&[self.pid.0, self.dcs.0]);
        octets.extend_from_slice(&self.sent_at.map_or([0; 7], Timestamp::encode));
        self.user_data.write(octets);
        Ok(())
    }

    /// The same message, owning its octets.
    pub fn into_owned(self) -> Deliver<'static> {
        Deliver { user_data: self.user_data.into_owned(), ..self }
    }
}
