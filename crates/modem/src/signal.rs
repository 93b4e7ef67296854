//! Signal strength and quality: what each command's answer means.
//!
//! Pure. Input is the fields of an answer, or of an unsolicited line.

use crate::at::params::{fields, number};

/// Strength of the received signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Lte {
    /// Reference signal received power.
    pub rsrp_dbm: Option<i16>,
    /// Reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise.
    pub sinr_db: Option<f32>,
}

/// A command that reports more about the signal than `AT+CSQ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalQuestion {
    /// `AT+CESQ` (TS 27.007 8.69).
    Cesq,
    /// `AT^HCSQ?`, Huawei.
    Hcsq,
    /// `AT+QCSQ`, Quectel.
    Qcsq,
    /// `AT+QENG="servingcell"`, Quectel: SINR where `AT+QCSQ` is not known.
    Qeng,
    /// `AT+CPSI?`, SIMCom.
    Cpsi,
}

/// What one answer says about the signal.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Found {
    /// Received power of the carrier.
    pub(crate) dbm: Option<i16>,
    pub(crate) lte: Lte,
}

/// Reads the fields of an answer to `question`.
pub(crate) fn read_signal(question: SignalQuestion, fields: &[String]) -> Found {
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

/// Reads an unsolicited `^HCSQ:`.
pub(crate) fn unsolicited_hcsq(rest: &str) -> Option<Signal> {
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
    fn each_familys_answer_is_read() {
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
}
