//! The final results a modem refuses with, their words and what they mean for the caller.
//!
//! Owns the +CMS (TS 27.005 3.2.5; 0-127 are RP causes of TS 24.011 E-2, 128-255 TP-FCS of TS
//! 23.040 9.2.3.22) and +CME (TS 27.007 9.2) tables. A code's class is written here, beside its
//! definition, and nowhere else: no call site may decide it. Input is a line the engine took for a
//! final result.

use std::fmt;

/// What a refusal means for the message being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// This message will never be taken, by any modem.
    Permanent,
    /// This message may be taken later.
    Transient,
    /// This modem or SIM cannot, another may.
    ThisModem,
    /// The code does not say: once a message has left, nobody knows whether the network took it.
    Unknown,
}

/// What a refusal means for asking the same again. A refusal never ends a session: the answer came, and in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Not now: the modem or its SIM is busy or starting, or gives no reason.
    NotNow,
    /// The modem does not know or does not support the command.
    Unsupported,
    /// There is no SIM, or it is not the right one, or it requires a code.
    Sim,
    /// It stays refused until something else changes.
    Lasting,
}

/// A numbered error, or an unnumbered one in the modem's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodedError {
    /// The number, where the modem gave one or its words are in the table.
    pub code: Option<u16>,
    /// The table's words, else the modem's.
    pub words: String,
}

/// A final result other than `OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtError {
    /// `ERROR`, with no reason given.
    Error,
    /// `+CMS ERROR`: a message service failure.
    Cms(CodedError),
    /// `+CME ERROR`: an equipment failure.
    Cme(CodedError),
    /// `NO CARRIER`.
    NoCarrier,
    /// `BUSY`.
    Busy,
    /// `NO ANSWER`.
    NoAnswer,
    /// `NO DIALTONE`.
    NoDialtone,
    /// `COMMAND NOT SUPPORT`, as Huawei says it.
    NotSupported,
    /// `TOO MANY PARAMETERS`.
    TooManyParameters,
}

impl AtError {
    /// Reads a line that ends a command without success; `None` where the line is something else.
    pub fn parse(line: &str) -> Option<Self> {
        if let Some(rest) = line.strip_prefix("+CMS ERROR") {
            return Some(Self::Cms(fault(rest, CMS)));
        }
        if let Some(rest) = line.strip_prefix("+CME ERROR") {
            return Some(Self::Cme(fault(rest, CME)));
        }
        match line {
            "ERROR" => Some(Self::Error),
            "NO CARRIER" => Some(Self::NoCarrier),
            "BUSY" => Some(Self::Busy),
            "NO ANSWER" => Some(Self::NoAnswer),
            "NO DIALTONE" | "NO DIAL TONE" => Some(Self::NoDialtone),
            "COMMAND NOT SUPPORT" => Some(Self::NotSupported),
            "TOO MANY PARAMETERS" => Some(Self::TooManyParameters),
            _ => None,
        }
    }

    /// Whether the result is about a call and may come unsolicited.
    pub fn is_about_a_call(&self) -> bool {
        matches!(self, Self::NoCarrier | Self::Busy | Self::NoAnswer | Self::NoDialtone)
    }

    /// What it means for the message being sent.
    pub fn class(&self) -> Class {
        match self {
            Self::Cms(error) => class_of(CMS, error.code),
            Self::Cme(error) => class_of(CME, error.code),
            Self::NotSupported | Self::TooManyParameters => Class::ThisModem,
            Self::Busy | Self::NoCarrier | Self::NoAnswer | Self::NoDialtone => Class::Transient,
            Self::Error => Class::Unknown,
        }
    }

    /// The number, where there is one.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Cms(fault) | Self::Cme(fault) => fault.code,
            _ => None,
        }
    }

    /// Family and number as one word, for output only: `cms-38`, `cme-10`, `error`.
    pub fn slug(&self) -> String {
        let (family, code) = match self {
            Self::Cms(fault) => ("cms", fault.code),
            Self::Cme(fault) => ("cme", fault.code),
            Self::Error => ("error", None),
            Self::NoCarrier => ("no-carrier", None),
            Self::Busy => ("busy", None),
            Self::NoAnswer => ("no-answer", None),
            Self::NoDialtone => ("no-dialtone", None),
            Self::NotSupported => ("not-supported", None),
            Self::TooManyParameters => ("too-many-parameters", None),
        };
        code.map_or_else(|| family.to_string(), |code| format!("{family}-{code}"))
    }

    /// The number, if it is a message service failure.
    fn cms(&self) -> Option<u16> {
        match self {
            Self::Cms(error) => error.code,
            _ => None,
        }
    }

    /// The number, if it is an equipment failure.
    fn cme(&self) -> Option<u16> {
        match self {
            Self::Cme(error) => error.code,
            _ => None,
        }
    }

    /// What it means for asking the same again. While they start, modems refuse with nearly anything: with 302 until
    /// their message service is up, with 500 and a bare `ERROR` at any time. 515 is Wavecom's and SIMCom's "please wait".
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Cms(error) => match error.code {
                Some(303..=305) => Refusal::Unsupported,
                Some(310..=313 | 315..=318) => Refusal::Sim,
                Some(300..=302 | 314 | 320 | 330..=332 | 500 | 515 | 517 | 518) | None => Refusal::NotNow,
                Some(_) => Refusal::Lasting,
            },
            Self::Cme(error) => match error.code {
                Some(3 | 4 | 50) => Refusal::Unsupported,
                Some(10..=13 | 15..=18) => Refusal::Sim,
                Some(0 | 1 | 2 | 14 | 20 | 23 | 30 | 31 | 100 | 515) | None => Refusal::NotNow,
                Some(_) => Refusal::Lasting,
            },
            Self::NotSupported | Self::TooManyParameters => Refusal::Unsupported,
            Self::Error | Self::Busy | Self::NoCarrier | Self::NoAnswer | Self::NoDialtone => Refusal::NotNow,
        }
    }

    /// There is no such slot, or nothing in it.
    pub fn is_invalid_index(&self) -> bool {
        self.cms() == Some(321) || matches!(self.cme(), Some(21 | 22))
    }

    /// There is no SIM.
    pub fn is_sim_missing(&self) -> bool {
        self.cms() == Some(310) || self.cme() == Some(10)
    }

    /// The SIM requires its PIN.
    pub fn is_sim_pin_required(&self) -> bool {
        self.cms() == Some(311) || self.cme() == Some(11)
    }

    /// The SIM requires its PUK.
    pub fn is_sim_puk_required(&self) -> bool {
        self.cms() == Some(316) || self.cme() == Some(12)
    }

    /// The SIM has failed, or is not the one the modem is locked to.
    pub fn is_sim_unusable(&self) -> bool {
        matches!(self.cms(), Some(313 | 315)) || matches!(self.cme(), Some(13 | 15))
    }

    /// The PIN that was entered is wrong. Some say so by asking for the PUK.
    pub fn is_wrong_pin(&self) -> bool {
        matches!(self.cme(), Some(12 | 16))
    }

    /// The network does not react: the refusal names neither recipient nor message.
    pub fn is_network_silent(&self) -> bool {
        matches!(self.cms(), Some(38 | 41 | 47 | 331 | 332 | 500)) || matches!(self.cme(), Some(30 | 31))
    }

    /// The refusal gives no reason.
    pub fn says_nothing(&self) -> bool {
        matches!(self, Self::Error) || self.cme() == Some(100) || self.cms() == Some(100)
    }
}

impl fmt::Display for AtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, fault) = match self {
            Self::Cms(fault) => ("+CMS ERROR", fault),
            Self::Cme(fault) => ("+CME ERROR", fault),
            Self::Error => return f.write_str("ERROR"),
            Self::NoCarrier => return f.write_str("NO CARRIER"),
            Self::Busy => return f.write_str("BUSY"),
            Self::NoAnswer => return f.write_str("NO ANSWER"),
            Self::NoDialtone => return f.write_str("NO DIALTONE"),
            Self::NotSupported => return f.write_str("COMMAND NOT SUPPORT"),
            Self::TooManyParameters => return f.write_str("TOO MANY PARAMETERS"),
        };
        match fault.code {
            Some(code) => write!(f, "{family} {code} ({})", fault.words),
            None => write!(f, "{family} ({})", fault.words),
        }
    }
}

/// A row: code, words, class.
type Row = (u16, &'static str, Class);

fn fault(rest: &str, table: &[Row]) -> CodedError {
    let said = rest.trim_start_matches(':').trim();
    let row = match said.parse::<u16>() {
        Ok(code) => {
            let words = find(table, code).map_or("a code of this maker's own", |row| row.1);
            return CodedError { code: Some(code), words: words.to_string() };
        }
        Err(_) => table.iter().find(|row| row.1.eq_ignore_ascii_case(said)),
    };
    CodedError { code: row.map(|row| row.0), words: said.to_string() }
}

/// Codes of a maker's own are [`Class::Unknown`].
fn class_of(table: &[Row], code: Option<u16>) -> Class {
    code.and_then(|code| find(table, code)).map_or(Class::Unknown, |row| row.2)
}

fn find(table: &[Row], code: u16) -> Option<&Row> {
    table.iter().find(|row| row.0 == code)
}

use Class::{Permanent, ThisModem, Transient, Unknown};

const CMS: &[Row] = &[
    // RP causes, TS 24.011 table 8.4 and annex E-2.
    (1, "unassigned number", Permanent),
    (8, "operator determined barring", ThisModem),
    (10, "call barred", ThisModem),
    (17, "network failure", Transient),
    (21, "short message transfer rejected", Transient),
    (22, "memory capacity exceeded", Transient),
    (27, "destination out of service", Transient),
    (28, "unidentified subscriber", Permanent),
    (29, "facility rejected", ThisModem),
    (30, "unknown subscriber", Permanent),
    (38, "network out of order", Transient),
    (41, "temporary failure", Transient),
    (42, "congestion", Transient),
    (47, "resources unavailable", Transient),
    (50, "requested facility not subscribed", ThisModem),
    (69, "requested facility not implemented", ThisModem),
    (81, "invalid short message transfer reference value", Transient),
    (95, "semantically incorrect message", Permanent),
    (96, "invalid mandatory information", Permanent),
    (97, "message type non-existent or not implemented", Permanent),
    (98, "message not compatible with short message protocol state", Transient),
    (99, "information element non-existent or not implemented", Permanent),
    (111, "protocol error", Transient),
    (127, "interworking error", Transient),
    // TP-FCS, TS 23.040 9.2.3.22.
    (128, "telematic interworking not supported", Permanent),
    (129, "short message type 0 not supported", Permanent),
    (130, "cannot replace short message", Permanent),
    (143, "unspecified protocol identifier error", Permanent),
    (144, "data coding scheme not supported", Permanent),
    (145, "message class not supported", Permanent),
    (159, "unspecified data coding scheme error", Permanent),
    (160, "command cannot be actioned", Permanent),
    (161, "command unsupported", Permanent),
    (175, "unspecified command error", Permanent),
    (176, "TPDU not supported", Permanent),
    (192, "service centre busy", Transient),
    (193, "no service centre subscription", ThisModem),
    (194, "service centre system failure", Transient),
    (195, "invalid address", Permanent),
    (196, "destination barred", Permanent),
    (197, "rejected as a duplicate", Permanent),
    (198, "validity period format not supported", Permanent),
    (199, "validity period not supported", Permanent),
    (208, "SIM message storage full", ThisModem),
    (209, "no message storage on the SIM", ThisModem),
    (210, "error in the modem", ThisModem),
    (211, "memory capacity exceeded in the modem", ThisModem),
    (212, "SIM application toolkit busy", Transient),
    (213, "SIM data download error", ThisModem),
    (255, "unspecified error cause", Unknown),
    // TS 27.005 3.2.5.
    (300, "ME failure", ThisModem),
    (301, "SMS service of ME reserved", ThisModem),
    (302, "operation not allowed", ThisModem),
    (303, "operation not supported", ThisModem),
    (304, "invalid PDU mode parameter", Permanent),
    (305, "invalid text mode parameter", Permanent),
    (310, "SIM not inserted", ThisModem),
    (311, "SIM PIN required", ThisModem),
    (312, "PH-SIM PIN required", ThisModem),
    (313, "SIM failure", ThisModem),
    (314, "SIM busy", ThisModem),
    (315, "SIM wrong", ThisModem),
    (316, "SIM PUK required", ThisModem),
    (317, "SIM PIN2 required", ThisModem),
    (318, "SIM PUK2 required", ThisModem),
    (320, "memory failure", ThisModem),
    (321, "invalid memory index", ThisModem),
    (322, "memory full", ThisModem),
    (330, "service centre address unknown", ThisModem),
    (331, "no network service", ThisModem),
    (332, "network timeout", Unknown),
    (340, "no +CNMA acknowledgement expected", Unknown),
    (500, "unknown error", Unknown),
];

const CME: &[Row] = &[
    // TS 27.007 9.2.
    (0, "phone failure", ThisModem),
    (1, "no connection to phone", ThisModem),
    (2, "phone adaptor link reserved", ThisModem),
    (3, "operation not allowed", ThisModem),
    (4, "operation not supported", ThisModem),
    (5, "PH-SIM PIN required", ThisModem),
    (6, "PH-FSIM PIN required", ThisModem),
    (7, "PH-FSIM PUK required", ThisModem),
    (10, "SIM not inserted", ThisModem),
    (11, "SIM PIN required", ThisModem),
    (12, "SIM PUK required", ThisModem),
    (13, "SIM failure", ThisModem),
    (14, "SIM busy", ThisModem),
    (15, "SIM wrong", ThisModem),
    (16, "incorrect password", ThisModem),
    (17, "SIM PIN2 required", ThisModem),
    (18, "SIM PUK2 required", ThisModem),
    (20, "memory full", ThisModem),
    (21, "invalid index", ThisModem),
    (22, "not found", ThisModem),
    (23, "memory failure", ThisModem),
    (24, "text string too long", Permanent),
    (25, "invalid characters in text string", Permanent),
    (26, "dial string too long", Permanent),
    (27, "invalid characters in dial string", Permanent),
    (30, "no network service", ThisModem),
    (31, "network timeout", Unknown),
    (32, "network not allowed, emergency calls only", ThisModem),
    (40, "network personalization PIN required", ThisModem),
    (41, "network personalization PUK required", ThisModem),
    (42, "network subset personalization PIN required", ThisModem),
    (43, "network subset personalization PUK required", ThisModem),
    (44, "service provider personalization PIN required", ThisModem),
    (45, "service provider personalization PUK required", ThisModem),
    (46, "corporate personalization PIN required", ThisModem),
    (47, "corporate personalization PUK required", ThisModem),
    (48, "hidden key required", ThisModem),
    (49, "EAP method not supported", ThisModem),
    (50, "incorrect parameters", ThisModem),
    (100, "unknown", Unknown),
    (103, "illegal MS", ThisModem),
    (106, "illegal ME", ThisModem),
    (107, "GPRS services not allowed", ThisModem),
    (111, "PLMN not allowed", ThisModem),
    (112, "location area not allowed", ThisModem),
    (113, "roaming not allowed in this location area", ThisModem),
    (132, "service option not supported", ThisModem),
    (133, "requested service option not subscribed", ThisModem),
    (134, "service option temporarily out of order", Transient),
    (148, "unspecified GPRS error", Unknown),
    (149, "PDP authentication failure", ThisModem),
    (150, "invalid mobile class", ThisModem),
    (515, "please wait, the modem is busy", Transient),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_give_code_words_and_class() {
        let rows: &[(&str, &str, &str, Class)] = &[
            ("numeric", "+CMS ERROR: 38", "+CMS ERROR 38 (network out of order)", Transient),
            ("no blank", "+CMS ERROR:500", "+CMS ERROR 500 (unknown error)", Unknown),
            ("no colon", "+CME ERROR 10", "+CME ERROR 10 (SIM not inserted)", ThisModem),
            ("verbose", "+CME ERROR: SIM not inserted", "+CME ERROR 10 (SIM not inserted)", ThisModem),
            ("own words", "+CMS ERROR: Mars is far", "+CMS ERROR (Mars is far)", Unknown),
            ("maker's own", "+CMS ERROR: 513", "+CMS ERROR 513 (a code of this maker's own)", Unknown),
            ("bad number", "+CMS ERROR: 1", "+CMS ERROR 1 (unassigned number)", Permanent),
            ("huawei", "COMMAND NOT SUPPORT", "COMMAND NOT SUPPORT", ThisModem),
        ];
        for (name, line, words, class) in rows {
            let error = AtError::parse(line).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(error.to_string(), *words, "{name}");
            assert_eq!(error.class(), *class, "{name}");
        }
        assert_eq!(AtError::parse("+CSQ: 10,99"), None);
        assert_eq!(AtError::parse("OK"), None);
        assert_eq!(AtError::parse("+CMS ERROR: 38").unwrap().slug(), "cms-38");
    }

    #[test]
    fn tables_are_sorted_and_without_doubles() {
        for table in [CMS, CME] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
