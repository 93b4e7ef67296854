//! Which lines may be unsolicited result codes, by table, and how each is read.
//!
//! Owns the names of unsolicited result codes and their reading. Whether a line *is* unsolicited
//! where its prefix may also be an answer (`+CREG:`, `+CSQ:`, `+CPIN:`, `+CUSD:`) is decided
//! by the engine, which knows the command in flight. A line that cannot be read becomes [`Urc::Other`],
//! never an error.

use super::charset;
use super::cusd;
use super::params::{fields, number};
use crate::registration::{Domain, Registration, RegistrationReport};
use crate::signal::{Signal, unsolicited_hcsq};
use crate::storage::Storage;

/// An unsolicited result code.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Urc {
    /// `+CMTI`: a message was stored. A hint to sweep.
    MessageStored {
        /// Where.
        storage: Storage,
        /// Its slot; 0 is a slot.
        slot: u16,
    },
    /// `+CDSI`: a status report was stored. A hint to sweep.
    ReportStored {
        /// Where.
        storage: Storage,
        /// Its slot; 0 is a slot.
        slot: u16,
    },
    /// `+CMT`: a message that was not stored.
    Message {
        /// The TPDU's length in octets, as the header gave it.
        length: Option<u16>,
        /// Service centre address and TPDU, capital hexadecimal digits.
        pdu: String,
    },
    /// `+CDS`: a status report that was not stored.
    Report {
        /// The TPDU's length in octets, as the header gave it.
        length: Option<u16>,
        /// Service centre address and TPDU, capital hexadecimal digits.
        pdu: String,
    },
    /// `+CBM`: a page of a cell broadcast.
    Broadcast {
        /// The page's length in octets.
        length: Option<u16>,
        /// The page, capital hexadecimal digits.
        pdu: String,
    },
    /// `+CBMI`: a page of a cell broadcast was stored.
    BroadcastStored {
        /// Where.
        storage: Storage,
        /// Its slot.
        slot: u16,
    },
    /// `+CREG`, `+CGREG`, `+CEREG` or `+C5GREG`: the registration of that domain changed.
    Registration(RegistrationReport),
    /// A signal strength the modem reports by itself.
    Signal(Signal),
    /// `RING` or `+CRING`: a call is coming in.
    Ring,
    /// `+CLIP`: who is calling.
    CallerId {
        /// The number, unless withheld.
        number: Option<String>,
    },
    /// `NO CARRIER`, `BUSY`, `NO ANSWER` outside a call command: a call is over.
    CallEnded {
        /// The modem's text.
        words: String,
    },
    /// `+CUSD`: a reply from the network.
    Ussd {
        /// 0 done, 1 an answer is wanted, 2 ended by the network, 3 to 5 failed.
        state: u8,
        /// Its octets on the line, not decoded. A line end is LF.
        text: Option<Vec<u8>>,
        /// The data coding scheme, where given.
        dcs: Option<u8>,
    },
    /// The modem has started. After synchronisation this faults the session instead.
    Boot {
        /// Its text.
        banner: String,
    },
    /// Words that follow a start. In a configured session they fault it.
    Started {
        /// Its text.
        words: String,
    },
    /// A storage is full, or a line that is not understood looks like a notice of a message. A hint to sweep.
    SweepHint,
    /// Anything else.
    Other(String),
}

impl Urc {
    /// Whether it carries something that is not said again and that no sweep finds.
    pub fn has_content(&self) -> bool {
        matches!(
            self,
            Self::Message { .. } | Self::Report { .. } | Self::Broadcast { .. } | Self::Ussd { .. }
        )
    }
}

/// What an unsolicited line is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unsolicited {
    /// Complete in itself.
    Complete(Urc),
    /// The next hexadecimal line belongs to it.
    Header(Header),
    /// Carries nothing anybody uses.
    Ignored,
}

/// The length of a broadcast page with its padding (TS 23.041 9.4.1).
const MAX_PAGE_OCTETS: usize = 88;

/// The first line of a two-line code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    kind: Body,
    length: Option<u16>,
}

impl Header {
    /// Whether a hexadecimal line has the octets this header announced: of a broadcast all of them
    /// are counted, of the others those after the service centre address.
    pub(crate) fn fits(&self, hex: &str) -> bool {
        let Some(length) = self.length.map(usize::from) else { return true };
        let address = match self.kind {
            Body::Broadcast => None,
            _ => hex.get(..2).and_then(|n| usize::from_str_radix(n, 16).ok()),
        };
        hex.len() / 2 == length + address.map_or(0, |octets| octets + 1)
    }

    /// Whether a hexadecimal line may be what this header announced, though its length differs: modems leave out the padding
    /// of a broadcast, or the service centre address. A line of decimal digits is a number that was asked for.
    pub(crate) fn fits_loosely(&self, hex: &str) -> bool {
        let octets = hex.len() / 2;
        match self.kind {
            Body::Broadcast => {
                (6..=MAX_PAGE_OCTETS).contains(&octets) && !hex.bytes().all(|b| b.is_ascii_digit())
            }
            Body::Message | Body::Report => self.length.map(usize::from) == Some(octets),
        }
    }

    /// The whole code.
    pub(crate) fn with_body(self, hex: &str) -> Urc {
        let (length, pdu) = (self.length, hex.to_ascii_uppercase());
        match self.kind {
            Body::Message => Urc::Message { length, pdu },
            Body::Report => Urc::Report { length, pdu },
            Body::Broadcast => Urc::Broadcast { length, pdu },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Body {
    Message,
    Report,
    Broadcast,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Stored,
    ReportStored,
    BroadcastStored,
    Body(Body),
    Registration(Domain),
    /// `+CSQ:` and Huawei's `^RSSI:`, `^CSQ:`: steps of 2 dB from -113 dBm.
    Steps,
    /// `^HCSQ:`.
    Measured,
    Ring,
    CallerId,
    Ussd,
    Boot,
    Started,
    /// A storage is full: a hint to sweep at once.
    Full,
    Other,
    Ignored,
}

/// By how a line begins. An entry that ends in `:` has parameters; others are the whole line.
const TABLE: &[(&str, Kind)] = &[
    ("+CMTI:", Kind::Stored),
    ("+CDSI:", Kind::ReportStored),
    ("+CBMI:", Kind::BroadcastStored),
    ("+CMT:", Kind::Body(Body::Message)),
    ("+CDS:", Kind::Body(Body::Report)),
    ("+CBM:", Kind::Body(Body::Broadcast)),
    ("+CREG:", Kind::Registration(Domain::Circuit)),
    ("+CGREG:", Kind::Registration(Domain::Packet)),
    ("+CEREG:", Kind::Registration(Domain::Eps)),
    ("+C5GREG:", Kind::Registration(Domain::FiveG)),
    ("+CSQ:", Kind::Steps),
    ("^RSSI:", Kind::Steps),
    ("^CSQ:", Kind::Steps),
    ("RING", Kind::Ring),
    ("+CRING:", Kind::Ring),
    ("+CLIP:", Kind::CallerId),
    (cusd::PREFIX, Kind::Ussd),
    // Words only a modem that has just started (or is going down) says.
    ("RDY", Kind::Boot),
    ("*ATREADY:", Kind::Boot),
    ("^SYSSTART", Kind::Boot),
    ("MODEM:STARTUP", Kind::Boot),
    ("NORMAL POWER DOWN", Kind::Boot),
    ("POWERED DOWN", Kind::Boot),
    ("UNDER-VOLTAGE POWER DOWN", Kind::Boot),
    ("OVER-VOLTAGE POWER DOWN", Kind::Boot),
    ("UNDER-VOLTAGE WARNNING", Kind::Other),
    ("OVER-VOLTAGE WARNNING", Kind::Other),
    // Words that follow a start, and also AT+CFUN=1 and an accepted PIN.
    ("Call Ready", Kind::Started),
    ("SMS Ready", Kind::Started),
    ("SMS DONE", Kind::Started),
    ("PB DONE", Kind::Started),
    ("+PBREADY", Kind::Started),
    ("+CPIN:", Kind::Started),
    ("+QIND: SMS DONE", Kind::Started),
    ("+QIND: PB DONE", Kind::Started),
    ("^SIMST:", Kind::Started),
    ("+QUSIM:", Kind::Started),
    ("+ZUSIMR:", Kind::Other),
    ("+CFUN:", Kind::Other),
    ("+CCWA:", Kind::Other),
    ("+CLCC:", Kind::Other),
    ("+CIND:", Kind::Other),
    ("+CIEV:", Kind::Other),
    ("+QIND:", Kind::Other),
    ("+CTZV:", Kind::Other),
    ("+CTZE:", Kind::Other),
    ("DST:", Kind::Other),
    ("*PSUTTZ:", Kind::Other),
    ("*PSNWID:", Kind::Other),
    ("^MODE:", Kind::Other),
    ("^HCSQ:", Kind::Measured),
    ("^SRVST:", Kind::Other),
    ("^NWTIME:", Kind::Other),
    ("^SCN:", Kind::Other),
    ("^CEND:", Kind::Other),
    ("^SMMEMFULL:", Kind::Full),
    ("^SMGO:", Kind::Full),
    ("*RADIOPOWER:", Kind::Other),
    ("+SPNWNAME:", Kind::Other),
    ("+PSBEARER:", Kind::Other),
    ("+ZPAS:", Kind::Other),
    ("+ZEND:", Kind::Other),
    // Sent every few seconds and of no use here. `^BOOT:` says only that no host has tamed the
    // stick; a Huawei that resets leaves the bus.
    ("^BOOT:", Kind::Ignored),
    ("^DSFLOWRPT:", Kind::Ignored),
    ("^CSNR:", Kind::Ignored),
    ("^STIN:", Kind::Ignored),
    ("#STN:", Kind::Ignored),
];

/// Whether a line is an unsolicited code even where a USSD text could go on: no text has such a line.
pub(crate) fn is_never_text(line: &str) -> bool {
    let is_position = line.starts_with("$G") && line.find(',') == Some("$GPGGA".len());
    is_position
        || TABLE.iter().any(|(name, _)| match name.strip_suffix(':') {
            Some(_) => line.starts_with(name),
            None => line == *name,
        })
}

/// Reads a line by the table; `None` where it is not in it.
pub(crate) fn read(line: &str) -> Option<Unsolicited> {
    // Position reports of modems with a GNSS receiver.
    if line.starts_with("$G") {
        return Some(Unsolicited::Ignored);
    }
    let (name, kind) = TABLE.iter().find(|(name, _)| match name.strip_suffix(':') {
        Some(_) => line.starts_with(name),
        None => line.eq_ignore_ascii_case(name),
    })?;
    let rest = line.get(name.len()..).unwrap_or_default();
    let urc = match kind {
        Kind::Stored => place(rest).map(|(storage, slot)| Urc::MessageStored { storage, slot }),
        Kind::ReportStored => place(rest).map(|(storage, slot)| Urc::ReportStored { storage, slot }),
        Kind::BroadcastStored => place(rest).map(|(storage, slot)| Urc::BroadcastStored { storage, slot }),
        Kind::Body(kind) => {
            let length = number(fields(rest).last());
            return Some(Unsolicited::Header(Header { kind: *kind, length }));
        }
        Kind::Registration(domain) => registration(*domain, rest),
        Kind::Steps => number(fields(rest).first()).map(|steps| Urc::Signal(Signal::from_csq(steps))),
        Kind::Measured => unsolicited_hcsq(rest).map(Urc::Signal),
        Kind::Ring => Some(Urc::Ring),
        Kind::CallerId => {
            let number = fields(rest).first().filter(|n| !n.is_empty()).map(|n| charset::number(n));
            Some(Urc::CallerId { number })
        }
        Kind::Ussd => ussd(rest),
        Kind::Full => Some(Urc::SweepHint),
        Kind::Boot => Some(Urc::Boot { banner: line.to_string() }),
        Kind::Started => Some(Urc::Started { words: line.to_string() }),
        Kind::Other => None,
        Kind::Ignored => return Some(Unsolicited::Ignored),
    };
    Some(Unsolicited::Complete(urc.unwrap_or_else(|| unknown(line))))
}

/// A line that is not in the table or cannot be read by it. Modems write their notices in many ways (`+CMTI: ,-1`,
/// `+ SMS FULL`); to look once too often costs nothing.
pub(crate) fn unknown(line: &str) -> Urc {
    const NOTICES: [&str; 6] = ["CMTI", "CDSI", "SMSFULL", "MEMFULL", "MEMORYFULL", "STORAGEFULL"];
    let letters: String =
        line.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    match NOTICES.iter().any(|notice| letters.contains(notice)) {
        true => Urc::SweepHint,
        false => Urc::Other(line.to_string()),
    }
}

fn place(rest: &str) -> Option<(Storage, u16)> {
    let fields = fields(rest);
    Some((Storage::parse(fields.first()?)?, number(fields.get(1))?))
}

/// `<stat>[,<lac>,<ci>[,<AcT>[,<cause_type>,<reject_cause>]]]`: unlike the answer, without `<n>`. Before the cause GPRS has
/// `<rac>`, 5G the slices that are allowed.
fn registration(domain: Domain, rest: &str) -> Option<Urc> {
    let fields = fields(rest);
    let state = Registration::from_number(number(fields.first())?);
    let cause = number(fields.get(match domain {
        Domain::Circuit | Domain::Eps => 5,
        Domain::Packet => 6,
        Domain::FiveG => 7,
    }));
    Some(Urc::Registration(RegistrationReport { domain, state, cause }))
}

fn ussd(rest: &str) -> Option<Urc> {
    let cusd::Content { state, text, dcs } = cusd::read(rest)?;
    Some(Urc::Ussd { state, text: text.map(cusd::octets), dcs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_text_has() {
        for line in ["+CMTI: \"SM\",3", "+CUSD: 2", "^RSSI: 9", "RING", "SMS Ready", "$GPGGA,1,2"] {
            assert!(is_never_text(line), "{line}");
        }
        for line in ["", "OK", "1 Balance", "Ring", "RING me", "+49: 5 EUR", "$Gold, 5 EUR", "*100#: 5"] {
            assert!(!is_never_text(line), "{line}");
        }
    }

    #[test]
    fn unsolicited_lines() {
        let now = |urc| Some(Unsolicited::Complete(urc));
        let rows: Vec<(&str, &str, Option<Unsolicited>)> = vec![
            ("slot zero", "+CMTI: \"ME\",0", now(Urc::MessageStored { storage: Storage::ME, slot: 0 })),
            ("report", "+CDSI: \"SR\",5", now(Urc::ReportStored { storage: Storage::SR, slot: 5 })),
            ("no quotes", "+CMTI: SM,12", now(Urc::MessageStored { storage: Storage::SM, slot: 12 })),
            ("unreadable", "+CMTI: what", now(Urc::SweepHint)),
            ("no storage, no slot", "+CMTI: ,-1", now(Urc::SweepHint)),
            ("full, in a family's words", "+CIEV: \"SMSFULL\",1", now(Urc::SweepHint)),
            ("another indicator", "+CIEV: 2,1", now(Urc::Other("+CIEV: 2,1".into()))),
            ("follows a start", "SMS Ready", now(Urc::Started { words: "SMS Ready".into() })),
            ("call", "RING", now(Urc::Ring)),
            ("not a call", "RINGO", None),
            ("caller", "+CLIP: \"+491\",145,,,,0", now(Urc::CallerId { number: Some("+491".into()) })),
            (
                "caller, UCS-2",
                "+CLIP: \"002B003400390031\",145",
                now(Urc::CallerId { number: Some("+491".into()) }),
            ),
            ("withheld", "+CLIP: \"\",128", now(Urc::CallerId { number: None })),
            (
                "ussd",
                "+CUSD: 0,\"Balance\",15",
                now(Urc::Ussd { state: 0, text: Some(b"Balance".to_vec()), dcs: Some(15) }),
            ),
            (
                "5G refuses",
                "+C5GREG: 3,\"1A2B\",\"01C3D4E5\",11,4,\"01.000001\",0,11",
                now(Urc::Registration(RegistrationReport {
                    domain: Domain::FiveG,
                    state: Registration::Denied,
                    cause: Some(11),
                })),
            ),
            ("reset", "RDY", now(Urc::Boot { banner: "RDY".into() })),
            ("position", "$GPGGA,1,2", Some(Unsolicited::Ignored)),
            (
                "message header",
                "+CMT: ,24",
                Some(Unsolicited::Header(Header { kind: Body::Message, length: Some(24) })),
            ),
            ("an answer", "+CPMS: 1,2", None),
        ];
        for (name, line, expect) in rows {
            assert_eq!(read(line), expect, "{name}");
        }
    }
}
