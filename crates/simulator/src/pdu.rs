//! PDUs and USSD strings: the only file that uses the codec.
//!
//! Must never decide anything: it encodes what the network delivers and reads what a modem submits.

use smsbridge_codec::{
    Address, Dcs, Deliver, Direction, EncodeError, Encoding, MessageClass, Pdu, Reference, SplitOptions,
    Status, StatusReport, Timestamp, Tpdu, UserData, gsm7, hex, split, ucs2,
};

use crate::now::Now;

/// How [`Simulator::parts`](crate::Simulator::parts) makes PDUs of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Reference of a concatenated message; it is 16 bits wide if `wide`.
    pub reference: u16,
    /// Use the 16-bit reference.
    pub wide: bool,
    /// UCS-2 even where GSM 7-bit would do.
    pub ucs2: bool,
    /// Message class 0 to 3.
    pub class: Option<u8>,
    /// When the service centre got it, in seconds since 1970; `None`: now.
    pub sent_at: Option<i64>,
}

impl Default for Message {
    fn default() -> Self {
        Self { reference: 1, wide: false, ucs2: false, class: None, sent_at: None }
    }
}

/// What a modem submitted, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Submitted {
    pub(crate) to: String,
    pub(crate) text: Option<String>,
    pub(crate) report: bool,
    /// Reference, total, sequence.
    pub(crate) concatenation: Option<(u16, u8, u8)>,
    pub(crate) class: Option<u8>,
}

pub(crate) fn read_submit(pdu: &str) -> Result<(Submitted, Pdu<'static>), String> {
    let decoded = Pdu::decode_hex(pdu, Direction::MobileOriginated).map_err(|e| e.to_string())?;
    let Tpdu::Submit(submit) = &decoded.tpdu else {
        return Err("not a SUBMIT".into());
    };
    let user_data = &submit.user_data;
    let read = Submitted {
        to: submit.to.to_string(),
        text: user_data.text(),
        report: submit.status_report_request,
        concatenation: user_data.concatenation().map(|c| (c.reference, c.total, c.sequence)),
        class: submit.dcs.class().map(MessageClass::number),
    };
    Ok((read, decoded))
}

/// Sender and text of a received message; `None` for another one.
pub(crate) fn read_deliver(pdu: &str) -> Option<(String, String)> {
    match Pdu::decode_hex(pdu, Direction::MobileTerminated).ok()?.tpdu {
        Tpdu::Deliver(deliver) => Some((deliver.from.to_string(), deliver.user_data.text()?)),
        _ => None,
    }
}

/// Message class of what is about to be delivered; `None` also for what cannot be read.
pub(crate) fn class_of(pdu: &str) -> Option<u8> {
    match Pdu::decode_hex(pdu, Direction::MobileTerminated).ok()?.tpdu {
        Tpdu::Deliver(deliver) => deliver.dcs.class().map(MessageClass::number),
        _ => None,
    }
}

/// Whether the network would hand this to the modem as a status report.
pub(crate) fn is_report(pdu: &str) -> bool {
    let at = pdu.len() - 2 * tpdu_length(pdu);
    let first = pdu.get(at..at + 2).and_then(|octet| u8::from_str_radix(octet, 16).ok());
    first.is_some_and(|octet| octet & 0b11 == 0b10)
}

/// Octets of a PDU without its service centre address: the `<length>` of AT commands and answers (TS 27.005 3.1); 0 for
/// what is not a PDU.
pub(crate) fn tpdu_length(pdu: &str) -> usize {
    smsbridge_codec::tpdu_length(pdu).unwrap_or(0)
}

/// A number with or without `+`, else a name.
fn address(text: &str) -> Result<Address, EncodeError> {
    Address::from_number(text).or_else(|_| Address::alphanumeric(text))
}

fn stamp(unix: i64, now: Now) -> Option<Timestamp> {
    Timestamp::from_unix(unix, now.quarters)
}

fn service_centre(number: &str) -> Option<Address> {
    Address::from_number(number).ok()
}

/// A text as the PDUs of received messages.
pub(crate) fn deliver(
    centre: &str,
    from: &str,
    text: &str,
    message: &Message,
    now: Now,
) -> Result<Vec<String>, EncodeError> {
    let reference = if message.wide {
        Reference::SixteenBit(message.reference)
    } else {
        Reference::EightBit(message.reference.to_le_bytes()[0])
    };
    let encoding = if message.ucs2 { Encoding::Ucs2 } else { Encoding::Auto };
    let parts = split(text, &SplitOptions::default().with_encoding(encoding).with_reference(reference))?;
    let class = message.class.and_then(|n| MessageClass::try_from(n).ok());
    let unix = message.sent_at.unwrap_or(now.unix);
    parts
        .into_iter()
        .map(|part| deliver_part(centre, address(from)?, part, class, stamp(unix, now)))
        .collect()
}

fn deliver_part(
    centre: &str,
    from: Address,
    user_data: UserData<'static>,
    class: Option<MessageClass>,
    sent_at: Option<Timestamp>,
) -> Result<String, EncodeError> {
    let dcs = Dcs::new(user_data.alphabet(), class);
    let deliver = Deliver::new(from, dcs, sent_at, user_data);
    let pdu = Pdu { service_centre: service_centre(centre), tpdu: Tpdu::Deliver(deliver) };
    Ok(pdu.encode()?.hex)
}

/// What the receiver of a submitted message gets.
pub(crate) fn loop_back(centre: &str, from: &str, submitted: Pdu<'static>, now: Now) -> Option<String> {
    let Tpdu::Submit(submit) = submitted.tpdu else { return None };
    let class = submit.dcs.class();
    deliver_part(centre, address(from).ok()?, submit.user_data, class, stamp(now.unix, now)).ok()
}

/// The status report for message `mr` to `to`.
pub(crate) fn report(
    centre: &str,
    mr: u8,
    to: &str,
    status: u8,
    sent: i64,
    now: Now,
) -> Result<String, EncodeError> {
    let report = StatusReport::new(mr, address(to)?, stamp(sent, now), stamp(now.unix, now), Status(status));
    let pdu = Pdu { service_centre: service_centre(centre), tpdu: Tpdu::StatusReport(report) };
    Ok(pdu.encode()?.hex)
}

/// How a modem writes USSD strings on the AT line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UssdForm {
    Plain,
    /// `+CSCS="UCS2"`: hex of UCS-2.
    Ucs2,
    /// Hex of packed septets.
    Packed,
}

/// A USSD string from the AT line; `None`: not in the form the modem takes.
pub(crate) fn read_ussd(form: UssdForm, typed: &str) -> Option<String> {
    let mut text = String::new();
    match form {
        UssdForm::Plain => text.push_str(typed),
        UssdForm::Ucs2 => ucs2::decode_into(&hex::decode(typed).ok()?, &mut text),
        UssdForm::Packed => {
            let septets = gsm7::unpack_ussd(&hex::decode(typed).ok()?);
            gsm7::decode_into(&septets, gsm7::Languages::default(), &mut text);
        }
    }
    Some(text)
}

/// A USSD text for the AT line, and its `<dcs>`: 15, or 72 (UCS-2 in hex) where GSM 7-bit lacks a character.
pub(crate) fn write_ussd(form: UssdForm, text: &str) -> (String, u8) {
    let mut septets = Vec::new();
    let fits = gsm7::encode_into(text, &mut septets).is_ok();
    match form {
        UssdForm::Plain if fits => (text.replace('"', "'"), 15),
        UssdForm::Packed if fits => (hex::encode(&gsm7::pack_ussd(&septets)), 15),
        _ => {
            let mut octets = Vec::new();
            ucs2::encode_into(text, &mut octets);
            (hex::encode(&octets), if fits { 15 } else { 72 })
        }
    }
}

/// The time as `+CCLK?` shows it.
pub(crate) fn clock(now: Now) -> String {
    let Some(t) = stamp(now.unix, now) else { return "80/01/06,00:00:00+00".into() };
    let (year, quarters) = (t.year() % 100, t.quarter_hours());
    let (month, day, hour, minute, second) = (t.month(), t.day(), t.hour(), t.minute(), t.second());
    format!("{year:02}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}{quarters:+03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_leaves_out_the_service_centre() {
        assert_eq!(tpdu_length("0011223344"), 4);
        assert_eq!(tpdu_length("0291441122"), 2);
        assert_eq!(tpdu_length(""), 0);
    }
}
