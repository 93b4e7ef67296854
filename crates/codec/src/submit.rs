//! From a number and a text to the PDUs for `AT+CMGS`, in one call.
//!
//! What must differ between messages (references) and what depends on the time (an absolute validity) comes from the
//! caller in [`SubmitOptions`]: there is no state and no clock here.

use crate::address::Address;
use crate::dcs::{Dcs, MessageClass};
use crate::error::EncodeError;
use crate::pdu::{EncodedPdu, Pdu};
use crate::pid::Pid;
use crate::split::{self, SplitOptions, split_data};
use crate::tpdu::{Submit, Tpdu};
use crate::user_data::UserData;
use crate::validity::Validity;

/// For which parts of a message status reports are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ReportRequest {
    /// For no part.
    #[default]
    None,
    /// For each part: the message is delivered when all are.
    EachPart,
    /// For the last part only: fewer reports, but the other parts may be missing.
    LastPart,
}

/// How to send. The default is a plain message through the service centre set on the SIM, without status reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct SubmitOptions {
    /// Alphabet, concatenation reference, ports and national languages.
    pub split: SplitOptions,
    /// TP-MR of the first part, counted up for each further part. Many modems replace it with a number of their own.
    pub message_reference: u8,
    /// For which parts status reports are requested.
    pub report: ReportRequest,
    /// How long the service centre tries; `None` leaves that to the service centre.
    pub validity: Option<Validity>,
    /// Message class. Class 0 is shown at once and not stored.
    pub class: Option<MessageClass>,
    /// The service centre to go through; `None` means the one set on the SIM.
    pub service_centre: Option<Address>,
    /// TP-RD: the service centre is to refuse the message if it holds one with the same reference and recipient.
    pub reject_duplicates: bool,
    /// TP-RP: a reply may come through this service centre.
    pub reply_path: bool,
    /// TP-PID: how to handle the message.
    pub pid: Pid,
}

impl SubmitOptions {
    /// Sets alphabet, concatenation reference, ports and national languages.
    #[must_use]
    pub fn with_split(self, split: SplitOptions) -> Self {
        SubmitOptions { split, ..self }
    }

    /// Sets TP-MR of the first part.
    #[must_use]
    pub fn with_message_reference(self, message_reference: u8) -> Self {
        SubmitOptions { message_reference, ..self }
    }

    /// Sets for which parts status reports are requested.
    #[must_use]
    pub fn with_report(self, report: ReportRequest) -> Self {
        SubmitOptions { report, ..self }
    }

    /// Sets how long the service centre tries.
    #[must_use]
    pub fn with_validity(self, validity: impl Into<Option<Validity>>) -> Self {
        SubmitOptions { validity: validity.into(), ..self }
    }

    /// Sets the message class.
    #[must_use]
    pub fn with_class(self, class: impl Into<Option<MessageClass>>) -> Self {
        SubmitOptions { class: class.into(), ..self }
    }

    /// Sets the service centre to go through.
    #[must_use]
    pub fn with_service_centre(self, service_centre: impl Into<Option<Address>>) -> Self {
        SubmitOptions { service_centre: service_centre.into(), ..self }
    }

    /// Sets whether the service centre is to refuse a duplicate.
    #[must_use]
    pub fn with_reject_duplicates(self, reject_duplicates: bool) -> Self {
        SubmitOptions { reject_duplicates, ..self }
    }

    /// Sets whether a reply may come through this service centre.
    #[must_use]
    pub fn with_reply_path(self, reply_path: bool) -> Self {
        SubmitOptions { reply_path, ..self }
    }

    /// Sets how to handle the message.
    #[must_use]
    pub fn with_pid(self, pid: Pid) -> Self {
        SubmitOptions { pid, ..self }
    }
}

/// The PDUs that send a text to a number, in order.
///
/// ```
/// use smsbridge_codec::{ReportRequest, SubmitOptions, Validity, submit};
///
/// let options = SubmitOptions::default()
///     .with_report(ReportRequest::EachPart)
///     .with_validity(Validity::from_minutes(60));
/// let pdus = submit("+46708251358", "Hi", &options)?;
/// assert_eq!((&pdus[0].hex[..], pdus[0].tpdu_length), ("0031000B916407281553F800000B02C834", 16));
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// A number that [`Address::from_number`] refuses, or a text that [`split`](crate::split) refuses.
pub fn submit(to: &str, text: &str, options: &SubmitOptions) -> Result<Vec<EncodedPdu>, EncodeError> {
    let to = Address::from_number(to)?;
    encode(to, split::parts(text, &options.split)?, options)
}

/// The PDUs that send data to a number, in order. Ports are in [`SplitOptions`].
///
/// ```
/// let pdus = smsbridge_codec::submit_data("+46708251358", &[1, 2, 3], &Default::default())?;
/// assert_eq!(pdus[0].hex, "0001000B916407281553F8000403010203");
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// A number that [`Address::from_number`] refuses, or more than 255 parts.
pub fn submit_data(to: &str, data: &[u8], options: &SubmitOptions) -> Result<Vec<EncodedPdu>, EncodeError> {
    let to = Address::from_number(to)?;
    encode(to, split_data(data, &options.split)?.into_iter().map(Ok), options)
}

fn encode(
    to: Address,
    parts: impl ExactSizeIterator<Item = Result<UserData<'static>, EncodeError>>,
    options: &SubmitOptions,
) -> Result<Vec<EncodedPdu>, EncodeError> {
    let total = parts.len();
    let mut pdus = Vec::with_capacity(total);
    let mut octets = Vec::new();
    for (index, user_data) in parts.enumerate() {
        let user_data = user_data?;
        let submit = Submit {
            reject_duplicates: options.reject_duplicates,
            status_report_request: match options.report {
                ReportRequest::None => false,
                ReportRequest::EachPart => true,
                ReportRequest::LastPart => index + 1 == total,
            },
            reply_path: options.reply_path,
            reference: options.message_reference.wrapping_add(index as u8),
            to,
            pid: options.pid,
            dcs: Dcs::new(user_data.alphabet(), options.class),
            validity: options.validity,
            user_data,
        };
        let pdu = Pdu { service_centre: options.service_centre, tpdu: Tpdu::Submit(submit) };
        pdus.push(pdu.encode_with(&mut octets)?);
    }
    Ok(pdus)
}
