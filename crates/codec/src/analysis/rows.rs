//! The octets of a PDU, field by field, each with its name and meaning.
//!
//! The PDU is decoded first, so that every length is known to be right; the rows only follow along. Of a broken PDU they
//! are the fields before the one that cannot be decoded, and then the octets from there on.

use std::fmt::{self, Display};

use super::words::{address, coding, element_value, escaped, list, more_messages, status, validity};
use crate::address::Address;
use crate::error::DecodeError;
use crate::hex;
use crate::pdu::Pdu;
use crate::timestamp::Timestamp;
use crate::tpdu::{Command, Deliver, Direction, Parameters, StatusReport, Submit, Tpdu};
use crate::user_data::UserData;

/// A PDU explained octet by octet. `to_string()` is a table with up to ten octets on a line, and the error if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Analysis {
    /// The fields, in order. Together they hold every octet of the PDU.
    pub rows: Vec<Row>,
    /// Why the PDU cannot be decoded.
    pub error: Option<DecodeError>,
}

/// A field of a PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The index of the first octet in the PDU.
    pub offset: usize,
    /// The octets of the field.
    pub octets: Vec<u8>,
    /// The name of the field, such as `TP-OA`; empty for octets after the last field.
    pub name: &'static str,
    /// What the field means. Control characters of texts are escaped.
    pub meaning: String,
}

/// Explains a PDU of hexadecimal digits that begins with the service centre address.
///
/// ```
/// use smsbridge_codec::Direction;
/// use smsbridge_codec::analysis::analyze;
///
/// let cut = analyze("00040B911346610089F60000208062", Direction::MobileTerminated);
/// assert_eq!(cut.rows[2].meaning, "+31641600986 (international, numbering plan 1)");
/// assert_eq!(cut.error.unwrap().to_string(), "TP-SCTS at octet 12: needs 7 octets, 3 remain");
/// ```
pub fn analyze(digits: &str, direction: Direction) -> Analysis {
    let mut octets = Vec::new();
    let not_hex = hex::decode_into(digits, &mut octets).err();
    match Pdu::decode(&octets, direction) {
        Ok(pdu) => Analysis { rows: rows_before(octets.len(), &pdu, &octets), error: not_hex },
        Err(error) => {
            let mut rows = decodable_rows(&octets, direction, error.octet);
            let offset = rows.last().map_or(0, |row| row.offset + row.octets.len());
            let rest = &octets[offset..];
            if !rest.is_empty() {
                let (name, meaning) = (error.field.name(), "cannot be decoded".into());
                rows.push(Row { offset, octets: rest.into(), name, meaning });
            }
            Analysis { rows, error: Some(not_hex.unwrap_or(error)) }
        }
    }
}

/// The rows of the fields that end before the octet of an error.
///
/// The octets are completed with zeros to a PDU that can be decoded. Where the last field before the error is what makes
/// that impossible (a length that is not allowed), it is left out as well.
fn decodable_rows(octets: &[u8], direction: Direction, error: usize) -> Vec<Row> {
    for end in (1..=error.min(octets.len())).rev() {
        // More zeros than any TPDU can need.
        let completed = [&octets[..end], &[0; 256]].concat();
        if let Ok(pdu) = Pdu::decode(&completed, direction) {
            return rows_before(end, &pdu, &completed);
        }
    }
    Vec::new()
}

/// The rows of the fields that end at or before an octet.
fn rows_before(end: usize, pdu: &Pdu<'_>, octets: &[u8]) -> Vec<Row> {
    let mut rows = Rows { octets, position: 0, end, rows: Vec::new() };
    rows.pdu(pdu);
    rows.rows
}

/// Follows a decoded PDU along its octets.
struct Rows<'o> {
    octets: &'o [u8],
    position: usize,
    /// The first field that ends after this octet, and all that follow it, are left out.
    end: usize,
    rows: Vec<Row>,
}

impl Rows<'_> {
    /// Adds a field of `length` octets, unless it ends after `end`.
    fn field(&mut self, length: usize, name: &'static str, meaning: impl Display) {
        let next = self.position + length;
        match self.octets.get(self.position..next) {
            Some(octets) if next <= self.end => {
                let row =
                    Row { offset: self.position, octets: octets.into(), name, meaning: meaning.to_string() };
                self.rows.push(row);
                self.position = next;
            }
            _ => self.end = self.position,
        }
    }

    fn next_octet(&self) -> u8 {
        self.octets.get(self.position).copied().unwrap_or_default()
    }

    fn first_octet(&mut self, kind: &str, flags: &[Option<&str>]) {
        let header = (self.next_octet() & 0x40 != 0).then_some("header");
        self.field(1, "first octet", list(kind, &[&[header], flags].concat()));
    }

    fn pdu(&mut self, pdu: &Pdu<'_>) {
        let length = usize::from(self.next_octet());
        match &pdu.service_centre {
            Some(centre) => self.field(length + 1, "service centre", address(centre)),
            None => self.field(1, "service centre", "not given: the one set on the SIM"),
        }
        match &pdu.tpdu {
            Tpdu::Deliver(tpdu) => self.deliver(tpdu),
            Tpdu::Submit(tpdu) => self.submit(tpdu),
            Tpdu::StatusReport(tpdu) => self.status_report(tpdu),
            Tpdu::Command(tpdu) => self.command(tpdu),
            Tpdu::DeliverReport(tpdu) => {
                self.first_octet("SMS-DELIVER-REPORT", &[]);
                if let Some(cause) = tpdu.cause {
                    self.field(1, "TP-FCS", cause.meaning());
                }
                self.parameter_indicator();
                self.parameters(&tpdu.parameters);
            }
            Tpdu::SubmitReport(tpdu) => {
                self.first_octet("SMS-SUBMIT-REPORT", &[]);
                if let Some(cause) = tpdu.cause {
                    self.field(1, "TP-FCS", cause.meaning());
                }
                self.parameter_indicator();
                self.time("TP-SCTS", tpdu.sent_at);
                self.parameters(&tpdu.parameters);
            }
        }
        let remaining = self.octets.len() - self.position;
        if remaining > 0 {
            self.field(remaining, "", "after the end: ignored");
        }
    }

    fn deliver(&mut self, tpdu: &Deliver<'_>) {
        let flags = [
            more_messages(tpdu.more_messages),
            tpdu.loop_prevention.then_some("must not be forwarded"),
            tpdu.status_report_indication.then_some("the sender gets a status report"),
            tpdu.reply_path.then_some("reply path"),
        ];
        self.first_octet("SMS-DELIVER", &flags);
        self.address("TP-OA", &tpdu.from);
        self.field(1, "TP-PID", tpdu.pid.meaning());
        self.field(1, "TP-DCS", coding(tpdu.dcs));
        self.time("TP-SCTS", tpdu.sent_at);
        self.user_data(&tpdu.user_data);
    }

    fn submit(&mut self, tpdu: &Submit<'_>) {
        let flags = [
            tpdu.reject_duplicates.then_some("reject duplicates"),
            tpdu.status_report_request.then_some("status report requested"),
            tpdu.reply_path.then_some("reply path"),
        ];
        self.first_octet("SMS-SUBMIT", &flags);
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference));
        self.address("TP-DA", &tpdu.to);
        self.field(1, "TP-PID", tpdu.pid.meaning());
        self.field(1, "TP-DCS", coding(tpdu.dcs));
        if let Some(period) = tpdu.validity {
            self.field(period.octets().len(), "TP-VP", validity(period));
        }
        self.user_data(&tpdu.user_data);
    }

    fn status_report(&mut self, tpdu: &StatusReport<'_>) {
        let flags = [
            more_messages(tpdu.more_messages),
            tpdu.loop_prevention.then_some("must not be forwarded"),
            tpdu.for_command.then_some("answers a command"),
        ];
        self.first_octet("SMS-STATUS-REPORT", &flags);
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference));
        self.address("TP-RA", &tpdu.to);
        self.time("TP-SCTS", tpdu.sent_at);
        self.time("TP-DT", tpdu.discharged_at);
        self.field(1, "TP-ST", status(tpdu.status));
        if let Some(parameters) = &tpdu.parameters {
            self.parameter_indicator();
            self.parameters(parameters);
        }
    }

    fn command(&mut self, tpdu: &Command<'_>) {
        self.first_octet("SMS-COMMAND", &[tpdu.status_report_request.then_some("status report requested")]);
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference));
        self.field(1, "TP-PID", tpdu.pid.meaning());
        self.field(1, "TP-CT", tpdu.command_type.meaning());
        self.field(1, "TP-MN", format_args!("message {}", tpdu.message_number));
        self.address("TP-DA", &tpdu.to);
        self.field(1, "TP-CDL", format_args!("{} octets", tpdu.data.len()));
        if !tpdu.data.is_empty() {
            self.field(tpdu.data.len(), "TP-CD", "");
        }
    }

    fn address(&mut self, name: &'static str, value: &Address) {
        self.field(2 + value.octets().len(), name, address(value));
    }

    fn time(&mut self, name: &'static str, time: Option<Timestamp>) {
        match time {
            Some(time) => self.field(7, name, time),
            None => self.field(7, name, "not a valid time"),
        }
    }

    /// TP-PI and the octets that extend it.
    fn parameter_indicator(&mut self) {
        let rest = &self.octets[self.position..];
        let length = rest.iter().position(|octet| octet & 0x80 == 0).map_or(1, |last| last + 1);
        let bits = self.next_octet();
        let fields = [
            (bits & 1 != 0).then_some("TP-PID"),
            (bits & 2 != 0).then_some("TP-DCS"),
            (bits & 4 != 0).then_some("TP-UD"),
        ];
        let meaning =
            if bits & 7 == 0 { "no fields follow".into() } else { list("fields that follow", &fields) };
        self.field(length, "TP-PI", meaning);
    }

    fn parameters(&mut self, parameters: &Parameters<'_>) {
        if let Some(pid) = parameters.pid {
            self.field(1, "TP-PID", pid.meaning());
        }
        if let Some(dcs) = parameters.dcs {
            self.field(1, "TP-DCS", coding(dcs));
        }
        if let Some(user_data) = &parameters.user_data {
            self.user_data(user_data);
        }
    }

    fn user_data(&mut self, user_data: &UserData<'_>) {
        let unit = if user_data.septets().is_some() { "septets" } else { "octets" };
        self.field(1, "TP-UDL", format_args!("{} {unit}", user_data.length()));
        if user_data.has_header() {
            let length = user_data.header().len();
            self.field(1, "TP-UDHL", format_args!("{length} octets of header"));
            let mut in_elements = 0;
            for element in user_data.elements() {
                let length = element.data.len() + 2;
                let value = element_value(&element.information());
                self.field(length, "  element", format_args!("{}{value}", element.id.name()));
                in_elements += length;
            }
            if in_elements < length {
                self.field(length - in_elements, "  elements", "ignored: their lengths do not add up");
            }
        }
        let length = user_data.data().len();
        if length > 0 {
            let meaning = match user_data.text() {
                Some(text) => format!("\"{}\"", escaped(&text)),
                None => format!("{length} octets of data"),
            };
            self.field(length, "TP-UD", meaning);
        }
    }
}

/// The number of octets on a line.
const WIDTH: usize = 10;

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |octets: &[u8]| {
            let digits: Vec<String> = octets.iter().map(|octet| hex::encode(&[*octet])).collect();
            digits.join(" ")
        };
        let (first, rest) = self.octets.split_at(self.octets.len().min(WIDTH));
        let width = WIDTH * 3;
        writeln!(f, "{:>4} {:<width$} {:<16} {}", self.offset, digits(first), self.name, self.meaning)?;
        for (index, line) in rest.chunks(WIDTH).enumerate() {
            writeln!(f, "{:>4} {}", self.offset + (index + 1) * WIDTH, digits(line))?;
        }
        Ok(())
    }
}

impl Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.iter().try_for_each(|row| row.fmt(f))?;
        match &self.error {
            Some(error) => writeln!(f, "error: {error}"),
            None => Ok(()),
        }
    }
}
