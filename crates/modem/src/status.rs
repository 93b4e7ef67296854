//! What the modem knows about network, signal and storage.
//!
//! Owns the questions of a status round and the words for the answers. Changes nothing in the
//! modem but the selected storage, and treats every question as optional: a modem that lacks one
//! gives less, not an error. Only a link fault ends a round.

use std::fmt;
use std::time::Duration;

use crate::at::command::Command;
use crate::at::params::{fields, number};
use crate::at::urc::Storage;
use crate::bring_up::Ready;
use crate::error::ModemError;
use crate::profile::SignalQuestion;
use crate::session::{Session, Stream};

/// Which network a registration is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Circuit switched, `+CREG`.
    Circuit,
    /// GPRS, `+CGREG`.
    Packet,
    /// LTE, `+CEREG`.
    Eps,
}

/// Registration with the network (TS 27.007 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Not registered and not looking for a network.
    NotRegistered,
    /// In the home network.
    Home,
    /// Looking for a network.
    Searching,
    /// The network refused.
    Denied,
    /// The modem does not know.
    Unknown,
    /// In another network.
    Roaming,
    /// In the home network, for messages only.
    SmsOnlyHome,
    /// In another network, for messages only.
    SmsOnlyRoaming,
    /// Emergency calls only.
    EmergencyOnly,
}

impl Registration {
    /// From the number `<stat>`.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::NotRegistered,
            // 9 and 10 are 1 and 5 where circuit switched fallback is not preferred.
            1 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            5 | 10 => Self::Roaming,
            6 => Self::SmsOnlyHome,
            7 => Self::SmsOnlyRoaming,
            8 => Self::EmergencyOnly,
            _ => Self::Unknown,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotRegistered => "not registered",
            Self::Home => "home",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Roaming => "roaming",
            Self::SmsOnlyHome => "home, SMS only",
            Self::SmsOnlyRoaming => "roaming, SMS only",
            Self::EmergencyOnly => "emergency calls only",
        }
    }

    /// Whether messages can be sent and received.
    pub fn is_registered(self) -> bool {
        matches!(self, Self::Home | Self::Roaming | Self::SmsOnlyHome | Self::SmsOnlyRoaming)
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A change of registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationReport {
    /// With which network.
    pub domain: Domain,
    /// What it is now.
    pub state: Registration,
    /// The network's reject cause, where the modem tells it.
    pub cause: Option<u16>,
}

/// Strength of the received signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// In dBm; none where the modem does not know.
    pub dbm: Option<i16>,
    /// Of the range `AT+CSQ` can express.
    pub percent: Option<u8>,
}

impl Signal {
    /// From a power that was measured, in the range of `AT+CSQ`.
    pub fn from_dbm(dbm: i16) -> Self {
        let percent = (i32::from(dbm.clamp(-113, -51)) + 113) * 100 / 62;
        Self { dbm: Some(dbm), percent: percent.try_into().ok() }
    }

    /// From `<rssi>` of `+CSQ`: 0 to 31 in steps of 2 dB from -113 dBm; 100 to 191, as some modems
    /// have it on UMTS, in steps of 1 dB from -116 dBm.
    pub fn from_csq(rssi: u16) -> Self {
        let (dbm, percent) = match rssi {
            0..=31 => (Some(-113 + 2 * i32::from(rssi)), Some(u32::from(rssi) * 100 / 31)),
            100..=191 => (Some(-116 + i32::from(rssi) - 100), Some(u32::from(rssi - 100) * 100 / 91)),
            _ => (None, None),
        };
        Self { dbm: dbm.and_then(|n| n.try_into().ok()), percent: percent.and_then(|n| n.try_into().ok()) }
    }
}

/// What LTE adds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lte {
    /// Reference signal received power.
    pub rsrp_dbm: Option<i16>,
    /// Reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise.
    pub sinr_db: Option<f32>,
}

/// One look at the network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkStatus {
    /// The best registration of all domains.
    pub registration: Registration,
    /// The network's reject cause, where the modem tells it.
    pub cause: Option<u16>,
    /// Name or number of the operator.
    pub operator: Option<String>,
    /// `GSM`, `EDGE`, `UMTS`, `HSPA`, `LTE`, `NB-IoT`, `5G`.
    pub technology: Option<String>,
    /// Signal strength.
    pub signal_dbm: Option<i16>,
    /// Signal strength as a part of the range.
    pub signal_percent: Option<u8>,
    /// On LTE, where the modem tells it.
    pub lte: Option<Lte>,
}

/// How full a storage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUse {
    /// Which.
    pub storage: Storage,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// Asks for registration, operator, technology and signal.
pub async fn network<P: Stream>(session: &mut Session<P>) -> Result<NetworkStatus, ModemError> {
    let mut reports = Vec::new();
    for (text, prefix) in [("AT+CREG?", "+CREG:"), ("AT+CEREG?", "+CEREG:"), ("AT+CGREG?", "+CGREG:")] {
        let report = session
            .optional(Command::new(text).expect(prefix))
            .await?
            .and_then(|response| response.after(prefix).next().and_then(registration));
        reports.extend(report);
        // One registered domain is enough to send and receive by.
        if report.is_some_and(|r| r.state.is_registered()) {
            break;
        }
    }
    let best = reports
        .iter()
        .copied()
        .find(|r| r.state.is_registered())
        .or_else(|| reports.iter().copied().find(|r| r.state == Registration::Denied))
        .or_else(|| reports.first().copied());

    let operator = session
        .optional(Command::new("AT+COPS?").expect("+COPS:").timeout(Duration::from_secs(15)))
        .await?
        .and_then(|response| response.after("+COPS:").next().map(fields))
        .unwrap_or_default();
    let signal = session
        .optional(Command::new("AT+CSQ").expect("+CSQ:"))
        .await?
        .and_then(|response| response.after("+CSQ:").next().and_then(|rest| number(fields(rest).first())))
        .map(Signal::from_csq);
    let technology = number(operator.get(3)).or(best.and_then(|r| r.technology)).and_then(technology_name);
    let mut lte = Lte::default();
    let mut more = None;
    for question in session.profile().signal {
        let found = ask_signal(session, *question).await?;
        lte = Lte {
            rsrp_dbm: found.lte.rsrp_dbm.or(lte.rsrp_dbm),
            rsrq_db: found.lte.rsrq_db.or(lte.rsrq_db),
            sinr_db: found.lte.sinr_db.or(lte.sinr_db),
        };
        more = found.dbm.or(more);
    }
    // Where AT+CSQ does not know, the others may.
    let signal = match (signal, more) {
        (Some(signal), _) if signal.dbm.is_some() => Some(signal),
        (_, Some(dbm)) => Some(Signal::from_dbm(dbm)),
        (signal, None) => signal,
    };
    let lte = (lte != Lte::default()).then_some(lte);
    Ok(NetworkStatus {
        registration: best.map_or(Registration::Unknown, |r| r.state),
        cause: best.and_then(|r| r.cause),
        operator: operator.get(2).filter(|name| !name.is_empty()).cloned(),
        technology: technology.map(str::to_string),
        signal_dbm: signal.and_then(|s| s.dbm),
        signal_percent: signal.and_then(|s| s.percent),
        lte,
    })
}

/// Asks each storage how full it is.
pub async fn storage_use<P: Stream>(
    session: &mut Session<P>,
    ready: &Ready,
) -> Result<Vec<StorageUse>, ModemError> {
    let mut out = Vec::new();
    for storage in &ready.storages {
        if let Some((used, total)) = crate::sms::storage_use_of(session, *storage).await? {
            out.push(StorageUse { storage: *storage, used, total });
        }
    }
    crate::sms::restore(session, ready).await?;
    Ok(out)
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    state: Registration,
    technology: Option<u8>,
    cause: Option<u16>,
}

/// `<n>,<stat>[,<lac>,<ci>[,<AcT>[,<cause_type>,<reject_cause>]]]`, and for `+CGREG` a `<rac>` before
/// the cause, which therefore is taken from the end.
fn registration(rest: &str) -> Option<Answer> {
    let fields = fields(rest);
    let state = Registration::from_number(number(fields.get(1))?);
    let cause = if fields.len() >= 7 { number(fields.last()) } else { None };
    Some(Answer { state, technology: number(fields.get(4)), cause })
}

/// `<AcT>` of TS 27.007 7.3.
fn technology_name(number: u8) -> Option<&'static str> {
    Some(match number {
        0 | 1 => "GSM",
        2 => "UMTS",
        3 => "EDGE",
        4..=6 => "HSPA",
        7 | 10 => "LTE",
        8 | 9 => "NB-IoT",
        11..=13 => "5G",
        _ => return None,
    })
}

/// What one question for the signal told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Found {
    /// Received power of the carrier.
    dbm: Option<i16>,
    lte: Lte,
}

async fn ask_signal<P: Stream>(
    session: &mut Session<P>,
    question: SignalQuestion,
) -> Result<Found, ModemError> {
    let (text, prefix): (_, &'static str) = match question {
        SignalQuestion::Cesq => ("AT+CESQ", "+CESQ:"),
        SignalQuestion::Hcsq => ("AT^HCSQ?", "^HCSQ:"),
        SignalQuestion::Qcsq => ("AT+QCSQ", "+QCSQ:"),
        SignalQuestion::Qeng => ("AT+QENG=\"servingcell\"", "+QENG:"),
        SignalQuestion::Cpsi => ("AT+CPSI?", "+CPSI:"),
    };
    let answer = session.optional(Command::new(text).expect(prefix)).await?;
    let fields = answer.as_ref().and_then(|response| response.after(prefix).next()).map(fields);
    Ok(fields.map(|fields| read_signal(question, &fields)).unwrap_or_default())
}

fn read_signal(question: SignalQuestion, fields: &[String]) -> Found {
    let int = |n: usize| number::<i16>(fields.get(n));
    // Values no radio measures stand for "not known".
    let dbm = |n: usize| int(n).filter(|dbm| (-150..=-20).contains(dbm));
    let db = |n: usize| int(n).filter(|db| (-40..=40).contains(db)).map(f32::from);
    let step = |n: usize, most: i16| int(n).filter(|step| (0..=most).contains(step));
    let is_lte = |n: usize| fields.get(n).is_some_and(|name| name.contains("LTE"));
    match question {
        // `<rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>`
        SignalQuestion::Cesq => Found {
            dbm: step(0, 63).map(|n| n - 111).or(step(2, 96).map(|n| n - 121)),
            lte: Lte {
                rsrp_dbm: step(5, 97).map(|n| n - 141),
                rsrq_db: step(4, 34).map(|n| f32::from(n) / 2.0 - 20.0),
                sinr_db: None,
            },
        },
        // `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>`; steps of 1 dB from -121, 1 dB from -141, 0.2 dB from -20.2 and 0.5 dB
        // from -20. GSM and WCDMA have the first only.
        SignalQuestion::Hcsq => Found {
            dbm: step(1, 96).map(|n| n - 121),
            lte: if is_lte(0) {
                Lte {
                    rsrp_dbm: step(2, 97).map(|n| n - 141),
                    sinr_db: step(3, 251).map(|n| f32::from(n - 101) / 5.0),
                    rsrq_db: step(4, 34).map(|n| f32::from(n) / 2.0 - 20.0),
                }
            } else {
                Lte::default()
            },
        },
        // `"LTE",<rssi>,<rsrp>,<sinr>,<rsrq>`, the third in fifths of a dB from -20.
        SignalQuestion::Qcsq if is_lte(0) => Found {
            dbm: dbm(1),
            lte: Lte {
                rsrp_dbm: dbm(2),
                sinr_db: step(3, 250).map(|n| f32::from(n - 100) / 5.0),
                rsrq_db: db(4),
            },
        },
        SignalQuestion::Qcsq => Found { dbm: dbm(1), lte: Lte::default() },
        // `"servingcell",<state>,"LTE",<is_tdd>,<mcc>,<mnc>,<cell>,<pcid>,<earfcn>,<band>,<ul>,<dl>,<tac>,<rsrp>,<rsrq>,
        // <rssi>,<sinr>`
        SignalQuestion::Qeng if is_lte(2) => Found {
            dbm: dbm(15),
            lte: Lte { rsrp_dbm: dbm(13), rsrq_db: db(14), sinr_db: step(16, 250).map(f32::from) },
        },
        SignalQuestion::Qeng => Found::default(),
        // `LTE,Online,<mcc-mnc>,<tac>,<cell>,<pcid>,<band>,<earfcn>,<dl>,<ul>,<rsrq>,<rsrp>,<rssi>,<rssnr>`, in tenths
        // of a dB but the last.
        SignalQuestion::Cpsi if is_lte(0) => {
            let tenth = |n: usize| int(n).map(|value| value / 10);
            let power = |n: usize| tenth(n).filter(|dbm| (-150..=-20).contains(dbm));
            Found {
                dbm: power(12),
                lte: Lte {
                    rsrp_dbm: power(11),
                    rsrq_db: int(10).map(|n| f32::from(n) / 10.0),
                    sinr_db: db(13),
                },
            }
        }
        SignalQuestion::Cpsi => Found::default(),
    }
}

/// An `^HCSQ:` that came unasked.
pub(crate) fn unasked_hcsq(rest: &str) -> Option<Signal> {
    read_signal(SignalQuestion::Hcsq, &fields(rest)).dbm.map(Signal::from_dbm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_steps() {
        let rows = [
            ("weakest", 0, Some(-113), Some(0)),
            ("middle", 20, Some(-73), Some(64)),
            ("strongest", 31, Some(-51), Some(100)),
            ("unknown", 99, None, None),
            ("umts", 191, Some(-25), Some(100)),
        ];
        for (name, steps, dbm, percent) in rows {
            assert_eq!(Signal::from_csq(steps), Signal { dbm, percent }, "{name}");
        }
    }

    #[test]
    fn signals_as_each_family_tells_them() {
        use SignalQuestion::*;
        let lte = |rsrp, rsrq, sinr| Lte { rsrp_dbm: rsrp, rsrq_db: rsrq, sinr_db: sinr };
        let rows = [
            ("cesq on LTE", Cesq, "99,99,255,255,20,52", None, lte(Some(-89), Some(-10.0), None)),
            ("cesq on GSM", Cesq, "40,0,255,255,255,255", Some(-71), Lte::default()),
            ("hcsq LTE", Hcsq, "\"LTE\",60,52,121,20", Some(-61), lte(Some(-89), Some(-10.0), Some(4.0))),
            ("hcsq WCDMA", Hcsq, "\"WCDMA\",37,30,46", Some(-84), Lte::default()),
            ("hcsq none", Hcsq, "\"NOSERVICE\"", None, Lte::default()),
            ("qcsq LTE", Qcsq, "\"LTE\",-61,-89,182,-8", Some(-61), lte(Some(-89), Some(-8.0), Some(16.4))),
            ("qcsq GSM", Qcsq, "\"GSM\",-71", Some(-71), Lte::default()),
            (
                "qeng LTE",
                Qeng,
                "\"servingcell\",\"NOCONN\",\"LTE\",\"FDD\",250,01,1A2B3C,42,1300,3,5,5,1F,-89,-8,-61,15,35",
                Some(-61),
                lte(Some(-89), Some(-8.0), Some(15.0)),
            ),
            (
                "cpsi LTE",
                Cpsi,
                "LTE,Online,250-01,0x1F,27447553,42,EUTRAN-BAND3,1300,5,5,-80,-890,-610,15",
                Some(-61),
                lte(Some(-89), Some(-8.0), Some(15.0)),
            ),
            ("cpsi none", Cpsi, "NO SERVICE,Online", None, Lte::default()),
        ];
        for (name, question, line, dbm, lte) in rows {
            assert_eq!(read_signal(question, &fields(line)), Found { dbm, lte }, "{name}");
        }
    }

    #[test]
    fn registration_answers() {
        let answer = registration(" 2,1,\"00C3\",\"0000A1\",7").unwrap();
        assert_eq!((answer.state, answer.technology, answer.cause), (Registration::Home, Some(7), None));
        let answer = registration("3,3,\"00C3\",\"0000A1\",7,0,11").unwrap();
        assert_eq!((answer.state, answer.cause), (Registration::Denied, Some(11)));
        assert!(registration("1").is_none());
    }
}
