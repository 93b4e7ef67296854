//! Owns the table a person reads: every octet of a PDU in its place, with the field it belongs to and what it says, as a
//! protocol analyser shows it.
//!
//! The PDU has been read already, so the lengths are right; the table only walks along. Of a broken one it shows the fields
//! before the one that cannot be read, and the octets from there on. Text is shown with its control characters escaped,
//! since it comes from strangers and goes to a terminal.

use std::fmt::Display;
use std::io::{self, Write};

use smsbridge_codec::{
    Address, Alphabet, Command, Dcs, DecodeError, Deliver, Direction, Information, Outcome, Parameters, Pdu,
    Status, StatusReport, Submit, Timestamp, Tpdu, UserData, Validity, gsm7, hex,
};

/// Octets on one line.
const WIDTH: usize = 10;

/// Longer than anything a TPDU still needs after a field that reads.
const COMPLETION: [u8; 256] = [0; 256];

/// Writes the table and an empty line.
pub(super) fn write(output: &mut impl Write, pdu: &Pdu<'_>, octets: &[u8]) -> io::Result<()> {
    Table { output, octets, at: 0, end: octets.len() }.pdu(pdu)?;
    writeln!(output)
}

/// Writes what can be read of a broken PDU, the octets that cannot, the error and an empty line.
///
/// `octets` are those of the line up to the first digit that is none.
pub(super) fn write_broken(
    output: &mut impl Write,
    octets: &[u8],
    direction: Direction,
    error: DecodeError,
) -> io::Result<()> {
    match Pdu::decode(octets, direction) {
        Ok(pdu) => Table { output, octets, at: 0, end: octets.len() }.pdu(&pdu)?,
        Err(unreadable) => {
            let at = readable(output, octets, direction, unreadable.octet)?;
            if at < octets.len() {
                let mut table = Table { output, octets, at, end: octets.len() };
                table.field(octets.len() - at, unreadable.field.name(), "cannot be read")?;
            }
        }
    }
    writeln!(output, "error: {error}\n")
}

/// Writes the fields that end before an octet, and says where the last of them does.
///
/// They are read from a PDU that is whole because zeros were put in place of the rest; where it is the last field before
/// the octet that spoils the rest (a length that cannot be), that one is left out too.
fn readable(output: &mut impl Write, octets: &[u8], direction: Direction, octet: usize) -> io::Result<usize> {
    for end in (1..=octet.min(octets.len())).rev() {
        let completed = [&octets[..end], &COMPLETION].concat();
        if let Ok(pdu) = Pdu::decode(&completed, direction) {
            let mut table = Table { output, octets: &completed, at: 0, end };
            table.pdu(&pdu)?;
            return Ok(table.at);
        }
    }
    Ok(0)
}

/// The digits of the octets that a line of the table shows.
#[cfg(test)]
pub(super) fn octets_of_line(line: &str) -> Option<String> {
    let column = line.get(5..line.len().min(5 + WIDTH * 3))?;
    Some(column.chars().filter(|character| *character != ' ').collect())
}

struct Table<'t, W> {
    output: &'t mut W,
    octets: &'t [u8],
    at: usize,
    /// From the first field on that does not end before this, nothing is shown.
    end: usize,
}

impl<W: Write> Table<'_, W> {
    /// One field: its octets, its name, what it says. Further octets than fit on a line follow alone.
    fn field(&mut self, count: usize, name: &str, says: impl Display) -> io::Result<()> {
        if self.at + count > self.end {
            self.end = self.at;
            return Ok(());
        }
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let field = &rest[..count.min(rest.len())];
        let first = &field[..field.len().min(WIDTH)];
        writeln!(self.output, "{:>4} {} {name:<16} {says}", self.at, column(first))?;
        for (index, line) in field.chunks(WIDTH).enumerate().skip(1) {
            writeln!(self.output, "{:>4} {}", self.at + index * WIDTH, column(line).trim_end())?;
        }
        self.at += field.len();
        Ok(())
    }

    fn next(&self) -> u8 {
        self.octets.get(self.at).copied().unwrap_or_default()
    }

    fn pdu(&mut self, pdu: &Pdu<'_>) -> io::Result<()> {
        let length = usize::from(self.next());
        match &pdu.service_centre {
            Some(address) => self.field(length + 1, "service centre", described(address))?,
            None => self.field(1, "service centre", "none given: that of the SIM")?,
        }
        match &pdu.tpdu {
            Tpdu::Deliver(tpdu) => self.deliver(tpdu)?,
            Tpdu::Submit(tpdu) => self.submit(tpdu)?,
            Tpdu::StatusReport(tpdu) => self.status_report(tpdu)?,
            Tpdu::Command(tpdu) => self.command(tpdu)?,
            Tpdu::DeliverReport(tpdu) => {
                self.field(1, "first octet", flags("SMS-DELIVER-REPORT", &[header(self.next())]))?;
                if let Some(cause) = tpdu.cause {
                    self.field(1, "TP-FCS", cause.meaning())?;
                }
                self.indicator()?;
                self.parameters(&tpdu.parameters)?;
            }
            Tpdu::SubmitReport(tpdu) => {
                self.field(1, "first octet", flags("SMS-SUBMIT-REPORT", &[header(self.next())]))?;
                if let Some(cause) = tpdu.cause {
                    self.field(1, "TP-FCS", cause.meaning())?;
                }
                self.indicator()?;
                self.time("TP-SCTS", tpdu.sent_at)?;
                self.parameters(&tpdu.parameters)?;
            }
        }
        let left = self.octets.len().saturating_sub(self.at);
        if left > 0 {
            self.field(left, "", "after the end: not looked at")?;
        }
        Ok(())
    }

    fn deliver(&mut self, tpdu: &Deliver<'_>) -> io::Result<()> {
        let words = [
            header(self.next()),
            tpdu.more_messages.then_some("more messages wait"),
            tpdu.loop_prevention.then_some("do not forward"),
            tpdu.status_report_indication.then_some("the sender gets a report"),
            tpdu.reply_path.then_some("reply path"),
        ];
        self.field(1, "first octet", flags("SMS-DELIVER", &words))?;
        self.address("TP-OA", &tpdu.from)?;
        self.field(1, "TP-PID", tpdu.pid.meaning())?;
        self.field(1, "TP-DCS", coding(tpdu.dcs))?;
        self.time("TP-SCTS", tpdu.sent_at)?;
        self.user_data(&tpdu.user_data)
    }

    fn submit(&mut self, tpdu: &Submit<'_>) -> io::Result<()> {
        let words = [
            header(self.next()),
            tpdu.reject_duplicates.then_some("reject duplicates"),
            tpdu.status_report_request.then_some("status report asked for"),
            tpdu.reply_path.then_some("reply path"),
        ];
        self.field(1, "first octet", flags("SMS-SUBMIT", &words))?;
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference))?;
        self.address("TP-DA", &tpdu.to)?;
        self.field(1, "TP-PID", tpdu.pid.meaning())?;
        self.field(1, "TP-DCS", coding(tpdu.dcs))?;
        if let Some(validity) = tpdu.validity {
            self.field(validity.octets().len(), "TP-VP", period(validity))?;
        }
        self.user_data(&tpdu.user_data)
    }

    fn status_report(&mut self, tpdu: &StatusReport<'_>) -> io::Result<()> {
        let words = [
            header(self.next()),
            tpdu.more_messages.then_some("more messages wait"),
            tpdu.loop_prevention.then_some("do not forward"),
            tpdu.for_command.then_some("on a command"),
        ];
        self.field(1, "first octet", flags("SMS-STATUS-REPORT", &words))?;
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference))?;
        self.address("TP-RA", &tpdu.to)?;
        self.time("TP-SCTS", tpdu.sent_at)?;
        self.time("TP-DT", tpdu.discharged_at)?;
        self.field(1, "TP-ST", status(tpdu.status))?;
        if let Some(parameters) = &tpdu.parameters {
            self.indicator()?;
            self.parameters(parameters)?;
        }
        Ok(())
    }

    fn command(&mut self, tpdu: &Command<'_>) -> io::Result<()> {
        let words = [header(self.next()), tpdu.status_report_request.then_some("status report asked for")];
        self.field(1, "first octet", flags("SMS-COMMAND", &words))?;
        self.field(1, "TP-MR", format_args!("reference {}", tpdu.reference))?;
        self.field(1, "TP-PID", tpdu.pid.meaning())?;
        self.field(1, "TP-CT", tpdu.command_type.meaning())?;
        self.field(1, "TP-MN", format_args!("message {}", tpdu.message_number))?;
        self.address("TP-DA", &tpdu.to)?;
        self.field(1, "TP-CDL", format_args!("{} octets", tpdu.data.len()))?;
        if tpdu.data.is_empty() { Ok(()) } else { self.field(tpdu.data.len(), "TP-CD", "") }
    }

    fn address(&mut self, name: &str, address: &Address) -> io::Result<()> {
        self.field(2 + address.octets().len(), name, described(address))
    }

    fn time(&mut self, name: &str, time: Option<Timestamp>) -> io::Result<()> {
        match time {
            Some(time) => self.field(7, name, time),
            None => self.field(7, name, "no time: kept as it is"),
        }
    }

    /// TP-PI with the octets that extend it.
    fn indicator(&mut self) -> io::Result<()> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|octet| octet & 0x80 == 0).map_or(1, |last| last + 1);
        let bits = self.next();
        let there = [
            (bits & 1 != 0).then_some("TP-PID"),
            (bits & 2 != 0).then_some("TP-DCS"),
            (bits & 4 != 0).then_some("TP-UD"),
        ];
        let says = if bits & 7 == 0 { "nothing follows".into() } else { flags("what follows", &there) };
        self.field(count, "TP-PI", says)
    }

    fn parameters(&mut self, parameters: &Parameters<'_>) -> io::Result<()> {
        if let Some(pid) = parameters.pid {
            self.field(1, "TP-PID", pid.meaning())?;
        }
        if let Some(dcs) = parameters.dcs {
            self.field(1, "TP-DCS", coding(dcs))?;
        }
        parameters.user_data.as_ref().map_or(Ok(()), |user_data| self.user_data(user_data))
    }

    fn user_data(&mut self, user_data: &UserData<'_>) -> io::Result<()> {
        let unit = if user_data.septets().is_some() { "septets" } else { "octets" };
        self.field(1, "TP-UDL", format_args!("{} {unit}", user_data.length()))?;
        if user_data.has_header() {
            let length = user_data.header().len();
            self.field(1, "TP-UDHL", format_args!("{length} octets of header"))?;
            let mut shown = 0;
            for element in user_data.elements() {
                let count = element.data.len() + 2;
                let says = format!("{}{}", element.id.name(), detail(&element.information()));
                self.field(count, "  element", says)?;
                shown += count;
            }
            if shown < length {
                self.field(length - shown, "  elements", "lengths do not add up: skipped")?;
            }
        }
        let data = user_data.data().len();
        let says = match user_data.text() {
            Some(text) => format!("\"{}\"", text.escape_debug_controls()),
            None => format!("{data} octets of data"),
        };
        if data > 0 { self.field(data, "TP-UD", says) } else { Ok(()) }
    }
}

fn column(octets: &[u8]) -> String {
    let digits: Vec<String> = octets.iter().map(|octet| hex::encode(&[*octet])).collect();
    format!("{:<width$}", digits.join(" "), width = WIDTH * 3)
}

/// Text for a terminal: control characters as escapes, everything else as it is.
trait EscapeControls {
    fn escape_debug_controls(&self) -> String;
}

impl EscapeControls for String {
    fn escape_debug_controls(&self) -> String {
        let mut shown = String::with_capacity(self.len());
        for character in self.chars() {
            // Marks of direction can turn the rest of the line round.
            let turns = matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
            if character.is_control() || turns {
                shown.extend(character.escape_default());
            } else {
                shown.push(character);
            }
        }
        shown
    }
}

fn header(first_octet: u8) -> Option<&'static str> {
    (first_octet & 0x40 != 0).then_some("header")
}

fn flags(what: &str, words: &[Option<&str>]) -> String {
    let words: Vec<&str> = words.iter().copied().flatten().collect();
    match words.as_slice() {
        [] => what.into(),
        words => format!("{what}: {}", words.join(", ")),
    }
}

fn described(address: &Address) -> String {
    let shown = address.to_string().escape_debug_controls();
    format!("{shown} ({}, numbering plan {})", address.ton().name(), address.npi())
}

fn coding(dcs: Dcs) -> String {
    let mut says = String::from(match dcs.alphabet() {
        Alphabet::Gsm7 => "7-bit",
        Alphabet::EightBit => "8-bit data",
        Alphabet::Ucs2 => "UCS-2",
    });
    if dcs.is_compressed() {
        says.push_str(", compressed");
    }
    if let Some(class) = dcs.class() {
        says.push_str(&format!(", class {}", class.number()));
    }
    if dcs.auto_delete() {
        says.push_str(", delete when read");
    }
    if let Some(waiting) = dcs.message_waiting() {
        let state = if waiting.active { "waiting" } else { "none waiting" };
        let store = if waiting.store { "store" } else { "discard" };
        says.push_str(&format!(", {:?} {state}, {store}", waiting.kind));
    }
    if dcs.is_reserved() {
        says.push_str(" (reserved value)");
    }
    says
}

fn period(validity: Validity) -> String {
    match (validity, validity.seconds()) {
        (Validity::Absolute(_), _) => match validity.at() {
            Some(time) => format!("until {time}"),
            None => "no time".into(),
        },
        (_, Some(seconds)) => {
            let (days, rest) = (seconds / 86_400, seconds % 86_400);
            let once = if validity.is_single_shot() { ", one attempt" } else { "" };
            format!("{days} d {:02}:{:02}:{:02}{once}", rest / 3600, rest / 60 % 60, rest % 60)
        }
        _ => "no period given".into(),
    }
}

fn status(status: Status) -> String {
    let outcome = match status.outcome() {
        Outcome::ServiceCentreSpecific => "completed",
        outcome => outcome.name(),
    };
    format!("{outcome}: {}", status.meaning())
}

fn detail(information: &Information<'_>) -> String {
    match information {
        Information::Concatenation(place) => {
            format!(": part {} of {}, reference {}", place.sequence, place.total, place.reference)
        }
        Information::MessageIndication { kind, count, store, .. } => {
            let kind = match kind {
                0 => "voice",
                1 => "fax",
                2 => "mail",
                _ => "other",
            };
            format!(": {count} {kind}, {}", if *store { "store" } else { "discard" })
        }
        Information::Ports(ports) => format!(": to {}, from {}", ports.destination, ports.source),
        Information::SourceIndicator(source) => format!(": {source}"),
        Information::TextFormatting { start, length, .. } => format!(": {length} characters from {start}"),
        Information::Object { position, object } => {
            format!(": before character {position}, {} octets", object.len())
        }
        Information::UserPrompt { objects } => format!(": {objects} objects belong together"),
        Information::ServiceCentreControl { on_success, on_permanent_error, on_temporary_error, .. } => {
            let words = [
                on_success.then_some("success"),
                on_permanent_error.then_some("permanent errors"),
                on_temporary_error.then_some("temporary errors"),
            ];
            format!(": {}", flags("report", &words))
        }
        Information::MailHeader { length } => format!(": {length} characters"),
        Information::ReplyAddress(address) => format!(": {}", described(address)),
        Information::SingleShift(identifier) | Information::LockingShift(identifier) => {
            format!(": {}", gsm7::language_name(*identifier).unwrap_or("not assigned"))
        }
        _ => String::new(),
    }
}
