//! Owns the short way from a number and a text to PDUs for `AT+CMGS`.
//!
//! Everything that must differ from message to message (references) and everything that depends on the time (an
//! absolute validity) comes in through [`SubmitOptions`]; there is no memory and no clock here.

use crate::address::Address;
use crate::dcs::{Dcs, MessageClass};
use crate::error::EncodeError;
use crate::pdu::{EncodedPdu, Pdu};
use crate::split::{self, SplitOptions, split_data};
use crate::tpdu::{Submit, Tpdu};
use crate::user_data::UserData;
use crate::validity::Validity;

/// Which parts are to be reported on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReportRequest {
    /// None.
    #[default]
    None,
    /// Every part: the message has arrived when all have.
    EachPart,
    /// The last part only: cheaper, and says less.
    LastPart,
}

/// How to send. The default is a plain message through the SIM's service centre, without a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SubmitOptions {
    /// Alphabet, concatenation reference, ports and the like.
    pub split: SplitOptions,
    /// TP-MR of the first part; each further part has the next number. Many modems put their own numbers there.
    pub message_reference: u8,
    /// Which parts are to be reported on.
    pub report: ReportRequest,
    /// How long the network keeps trying; `None` leaves it to the service centre.
    pub validity: Option<Validity>,
    /// Message class; class 0 is shown at once and not stored.
    pub class: Option<MessageClass>,
    /// The service centre to go through; `None` leaves it to the SIM.
    pub service_centre: Option<Address>,
    /// TP-RD: the service centre is to refuse a message it already holds.
    pub reject_duplicates: bool,
    /// TP-RP: the answer may come through this service centre.
    pub reply_path: bool,
    /// TP-PID; 0 for a plain message.
    pub pid: u8,
}

/// The PDUs that send a text to a number, in order.
///
/// ```
/// use smsbridge_codec::{ReportRequest, SubmitOptions, Validity, submit};
///
/// let options = SubmitOptions {
///     report: ReportRequest::EachPart,
///     validity: Some(Validity::from_minutes(60)),
///     ..Default::default()
/// };
/// let pdus = submit("+46708251358", "Hi", &options)?;
/// assert_eq!((&pdus[0].hex[..], pdus[0].tpdu_length), ("0031000B916407281553F800000B02C834", 16));
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// A number that is none ([`Address::from_number`]) or a text that cannot be sent as asked ([`crate::split()`]).
pub fn submit(to: &str, text: &str, options: &SubmitOptions) -> Result<Vec<EncodedPdu>, EncodeError> {
    let to = Address::from_number(to)?;
    compose(to, split::parts(text, &options.split)?, options)
}

/// The PDUs that send data to a number, in order; ports are in [`SplitOptions`].
///
/// ```
/// let pdus = smsbridge_codec::submit_data("+46708251358", &[1, 2, 3], &Default::default())?;
/// assert_eq!(pdus[0].hex, "0001000B916407281553F8000403010203");
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// A number that is none, or more than 255 parts.
pub fn submit_data(to: &str, data: &[u8], options: &SubmitOptions) -> Result<Vec<EncodedPdu>, EncodeError> {
    let to = Address::from_number(to)?;
    compose(to, split_data(data, &options.split)?.into_iter().map(Ok), options)
}

fn compose(
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
