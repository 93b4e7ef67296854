//! Vendor profiles: what one vendor's modem answers and can do, as data.
//!
//! Owns every answer that differs between vendors: identity, boot banner, storages, what `+CNMI=?`
//! offers, unsolicited noise. Must never hold behaviour: a difference that is not expressible here gets
//! a field here and one line where the modem acts. The values are what such modems are known to
//! answer. A profile is chosen by [`Options::profile`](crate::Options::profile).

use std::time::Duration;

use crate::modem::storage::Storage;

/// A vendor's modem as data. Take one of the constructors and change fields where a test needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorProfile {
    /// Short name, as the command line of the simulator takes it.
    pub name: &'static str,
    /// Answer to `+CGMI`.
    pub manufacturer: &'static str,
    /// Answer to `+CGMM`.
    pub model: &'static str,
    /// Answer to `+CGMR`.
    pub revision: &'static str,
    /// Lines sent after power-up and after a reset.
    pub banner: &'static [&'static str],
    /// Lines sent when a SIM is put in, if it notices.
    pub sim_inserted: &'static [&'static str],
    /// Lines sent when the SIM is taken out, if it notices.
    pub sim_removed: &'static [&'static str],
    /// The storages it has; the first is the one preferred at power-up.
    pub storages: &'static [Storage],
    /// Those of them that `+CPMS=?` does not name, though `+CPMS=` takes them.
    pub unlisted: &'static [Storage],
    /// The answer to `+CNMI=?`: the allowed values of mode, mt, bm, ds and bfr.
    pub cnmi: [&'static [u8]; 5],
    /// Unsolicited lines it sends as noise, in turn.
    pub noise: &'static [&'static str],
    /// Number of the first slot of a storage; some vendors count from 0.
    pub first_slot: usize,
    /// The answer to a command it does not know; `None` is `ERROR` or `+CME ERROR: 4` by `+CMEE`.
    pub unknown: Option<&'static str>,
    /// A reset takes it off the bus: the connection is closed, as with a USB stick. Otherwise the
    /// line stays (a UART) and is silent until the modem is back.
    pub leaves_bus_at_reset: bool,
    /// A reset takes it off the bus for good, as a stick that comes back as a CD drive; only plugging it in again helps.
    pub gone_after_reset: bool,
    /// `+CMGD=<slot>,<flag>` is understood.
    pub delete_flags: bool,
    /// `+CMGR` of an empty slot answers only `OK`; otherwise `+CMS ERROR: 321`.
    pub empty_slot_is_ok: bool,
    /// `+CPMS=` must name all three storages.
    pub cpms_needs_three: bool,
    /// USSD strings are hex of packed septets both ways; otherwise they are as `+CSCS` sets.
    pub ussd_packed: bool,
    /// `^CPIN?` answers the tries left.
    pub caret_cpin: bool,
    /// Commands only this vendor has, with the line each answers (empty: only `OK`). Compared without
    /// regard to case, with everything after the `AT`.
    pub extra: &'static [(&'static str, &'static str)],
    /// The access technology number in `+COPS?`: 0 GSM, 2 UTRAN, 7 E-UTRAN.
    pub technology: u8,
    /// Each stored message is listed twice.
    pub lists_twice: bool,
    /// `OK` comes between the prompt and the PDU's `+CMGS`.
    pub early_ok: bool,
    /// `ATE1` is refused and nothing is ever echoed.
    pub never_echoes: bool,
    /// `+CPMS=` answers only `OK`.
    pub cpms_is_silent: bool,
    /// It knows text mode (`+CMGF=1`), and is in it at power-up and after a restart.
    pub text_mode: bool,
    /// It sleeps when nothing was typed for this long; the command that wakes it is lost.
    pub sleeps_after: Option<Duration>,
    /// What is typed within this time after a prompt is lost.
    pub deaf_after_prompt: Duration,
    /// `+CMGL` is not known.
    pub no_list: bool,
}

const ANY_DS: &[u8] = &[0, 1, 2];

impl VendorProfile {
    /// A modem that does what TS 27.005 and TS 27.007 specify and nothing else.
    pub fn generic() -> Self {
        Self {
            name: "generic",
            manufacturer: "smsbridge",
            model: "Simulator",
            revision: env!("CARGO_PKG_VERSION"),
            banner: &[],
            sim_inserted: &[],
            sim_removed: &[],
            storages: &[Storage::Sm, Storage::Me, Storage::Sr],
            unlisted: &[],
            cnmi: [&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 2], ANY_DS, &[0, 1]],
            noise: &["+CSQN: 20,0"],
            first_slot: 1,
            unknown: None,
            leaves_bus_at_reset: false,
            gone_after_reset: false,
            delete_flags: true,
            empty_slot_is_ok: false,
            cpms_needs_three: false,
            ussd_packed: false,
            caret_cpin: false,
            extra: &[],
            technology: 0,
            lists_twice: false,
            early_ok: false,
            never_echoes: false,
            cpms_is_silent: false,
            text_mode: false,
            sleeps_after: None,
            deaf_after_prompt: Duration::ZERO,
            no_list: false,
        }
    }

    /// A Huawei USB stick of the E1xx/E3xx kind: chatty, counts slots from 0, leaves the bus at reset.
    pub fn huawei() -> Self {
        Self {
            name: "huawei",
            manufacturer: "huawei",
            model: "E3131",
            revision: "21.157.41.00.55",
            banner: &["^SRVST:1", "^SIMST:1", "^MODE:5,4"],
            sim_inserted: &["^SIMST:1", "^SRVST:2"],
            sim_removed: &["^SIMST:255", "^SRVST:0"],
            storages: &[Storage::Sm, Storage::Me],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], ANY_DS, &[0, 1]],
            noise: &[
                "^RSSI:17",
                "^DSFLOWRPT:00000026,00000000,00000000,0000000000000000,0000000000000000,00000000,00000000",
                "^HCSQ:\"WCDMA\",37,30,46",
                "^BOOT:15742218,0,0,0,6",
            ],
            first_slot: 0,
            unknown: Some("COMMAND NOT SUPPORT"),
            leaves_bus_at_reset: true,
            ussd_packed: true,
            caret_cpin: true,
            extra: &[
                ("^CURC=0", ""),
                ("^CURC=1", ""),
                ("^CURC?", "^CURC: 0"),
                ("^PORTSEL=1", ""),
                ("^SYSINFO", "^SYSINFO:2,3,0,5,1,,4"),
                ("^HCSQ?", "^HCSQ: \"WCDMA\",37,30,46"),
            ],
            technology: 2,
            ..Self::generic()
        }
    }

    /// A SIMCom SIM800 on a UART: SIM only, boots with several lines, warns of its supply.
    pub fn sim800() -> Self {
        Self {
            name: "sim800",
            manufacturer: "SIMCOM_Ltd",
            model: "SIMCOM_SIM800L",
            revision: "Revision:1418B05SIM800L24",
            banner: &["RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"],
            sim_inserted: &["+CPIN: READY", "Call Ready", "SMS Ready"],
            sim_removed: &["+CPIN: NOT READY"],
            storages: &[Storage::Sm],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1], &[0, 1]],
            noise: &["UNDER-VOLTAGE WARNNING", "*PSUTTZ: 2026,11,22,7,15,30,\"+12\",0", "DST: 0"],
            empty_slot_is_ok: true,
            extra: &[("+CSPN?", "+CSPN: \"Simulated\",1"), ("+IPR?", "+IPR: 115200"), ("+IPR=115200", "")],
            ..Self::generic()
        }
    }

    /// A Quectel EC25: LTE, all storages, ME preferred at power-up, leaves the bus at reset.
    pub fn ec25() -> Self {
        Self {
            name: "ec25",
            manufacturer: "Quectel",
            model: "EC25",
            revision: "EC25EFAR06A06M4G",
            banner: &["RDY", "+CFUN: 1", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"],
            sim_inserted: &["+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE"],
            sim_removed: &["+CPIN: NOT READY"],
            storages: &[Storage::Me, Storage::Mt, Storage::Sm, Storage::Sr],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], ANY_DS, &[0, 1]],
            noise: &["+QIND: \"csq\",21,99", "+QIND: \"act\",\"LTE\""],
            first_slot: 0,
            leaves_bus_at_reset: true,
            empty_slot_is_ok: true,
            extra: &[
                ("+QURCCFG=\"URCPORT\",\"USBAT\"", ""),
                ("+QURCCFG=\"URCPORT\"", "+QURCCFG: \"urcport\",\"usbat\""),
                ("+QCSQ", "+QCSQ: \"LTE\",-61,-89,182,-8"),
                (
                    "+QENG=\"SERVINGCELL\"",
                    "+QENG: \"servingcell\",\"NOCONN\",\"LTE\",\"FDD\",250,01,1A2B3C,42,1300,3,5,5,1F,-89,-8,-61,15,35",
                ),
                ("+QINISTAT", "+QINISTAT: 7"),
            ],
            technology: 7,
            ..Self::generic()
        }
    }

    /// A Huawei E3372 with the firmware of a stick: LTE, `+CPMS=` only with all three storages.
    pub fn e3372() -> Self {
        Self {
            name: "e3372",
            model: "E3372",
            revision: "21.326.62.00.55",
            cpms_needs_three: true,
            noise: &["^RSSI:21", "^HCSQ:\"LTE\",60,52,121,20", "^CSNR:-54,-22"],
            extra: &[
                ("^CURC=0", ""),
                ("^CURC?", "^CURC: 0"),
                ("^PORTSEL=1", ""),
                ("^HCSQ?", "^HCSQ: \"LTE\",60,52,121,20"),
            ],
            technology: 7,
            ..Self::huawei()
        }
    }

    /// A ZTE stick: reports its SIM toolkit, never echoes, leaves the bus at reset.
    pub fn zte() -> Self {
        Self {
            name: "zte",
            manufacturer: "ZTE INCORPORATED",
            model: "MF190",
            revision: "BD_MF190V1.0.0B02",
            storages: &[Storage::Sm, Storage::Me],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1], &[0, 1]],
            noise: &["+ZUSIMR:2", "+ZPAS: \"UMTS\",\"CS_PS\"", "+ZEND", "+SPNWNAME:\"Simulated\""],
            first_slot: 0,
            leaves_bus_at_reset: true,
            never_echoes: true,
            extra: &[("+ZOPRT=5", ""), ("+ZCDRUN=8", ""), ("+ZSIGNAL", "")],
            technology: 2,
            ..Self::generic()
        }
    }

    /// A SIMCom SIM900: SIM only, `+CPMS=` answers nothing but `OK`.
    pub fn sim900() -> Self {
        Self {
            name: "sim900",
            model: "SIMCOM_SIM900",
            revision: "Revision:1137B13SIM900M64_ST",
            banner: &["RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready"],
            cpms_is_silent: true,
            ..Self::sim800()
        }
    }

    /// A SIMCom SIM7600: LTE on USB, sends `*ATREADY` when it starts.
    pub fn sim7600() -> Self {
        Self {
            name: "sim7600",
            manufacturer: "SIMCOM INCORPORATED",
            model: "SIMCOM_SIM7600E-H",
            revision: "SIM7600M22_V1.1",
            banner: &["*ATREADY: 1", "+CPIN: READY", "SMS DONE", "PB DONE"],
            sim_inserted: &["+CPIN: READY", "SMS DONE", "PB DONE"],
            sim_removed: &["+SIMCARD: NOT AVAILABLE"],
            storages: &[Storage::Sm, Storage::Me],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], ANY_DS, &[0, 1]],
            noise: &["+CPSI: LTE,Online,250-01,0x1F,27447553,42,EUTRAN-BAND3,1300,5,5,-80,-890,-610,15"],
            first_slot: 0,
            leaves_bus_at_reset: true,
            empty_slot_is_ok: true,
            extra: &[(
                "+CPSI?",
                "+CPSI: LTE,Online,250-01,0x1F,27447553,42,EUTRAN-BAND3,1300,5,5,-80,-890,-610,15",
            )],
            technology: 7,
            ..Self::generic()
        }
    }

    /// A SIMCom A7670: reports only stored, no buffering of notices.
    pub fn a7670() -> Self {
        Self {
            name: "a7670",
            manufacturer: "INCORPORATED",
            model: "A7670E-LASE",
            revision: "A7670M7_V1.11.1",
            banner: &["*ATREADY: 1", "+CPIN: READY", "SMS DONE"],
            cnmi: [&[0, 1, 2], &[0, 1], &[0], &[0, 1], &[0]],
            ..Self::sim7600()
        }
    }

    /// A Quectel EC21: as the EC25.
    pub fn ec21() -> Self {
        Self { name: "ec21", model: "EC21", revision: "EC21EFAR06A04M4G", ..Self::ec25() }
    }

    /// A Quectel M95 on a UART.
    pub fn m95() -> Self {
        Self {
            name: "m95",
            manufacturer: "Quectel_Ltd",
            model: "Quectel_M95",
            revision: "M95FAR02A08",
            banner: &["RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready"],
            storages: &[Storage::Sm, Storage::Me],
            cnmi: [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1], &[0, 1]],
            noise: &["+QNSTATUS: 255", "NORMAL"],
            empty_slot_is_ok: true,
            ..Self::generic()
        }
    }

    /// A Sierra Wireless MC7455: its GNSS sends on the command port, `OK` comes before `+CMGS`.
    pub fn mc7455() -> Self {
        Self {
            name: "mc7455",
            manufacturer: "Sierra Wireless, Incorporated",
            model: "MC7455",
            revision: "SWI9X30C_02.24.05.06",
            noise: &["$GPGSV,3,1,11,03,03,111,00", "$GPRMC,,V,,,,,,,,,,N*53", "+CIEV: 2,4"],
            leaves_bus_at_reset: true,
            early_ok: true,
            technology: 7,
            ..Self::generic()
        }
    }

    /// A Siemens MC75i: no storage but SM for reports, buffered notices only flushed.
    pub fn mc75i() -> Self {
        Self {
            name: "mc75i",
            manufacturer: "SIEMENS",
            model: "MC75i",
            revision: "REVISION 03.010",
            banner: &["^SYSSTART"],
            storages: &[Storage::Sm],
            cnmi: [&[0, 1, 2], &[0, 1], &[0, 2], &[0, 1, 2], &[1]],
            noise: &["^SCN: 0", "+CIEV: rssi,4", "^SSTN: 254"],
            extra: &[("^SMGO=1", "")],
            ..Self::generic()
        }
    }

    /// A Neoway M590: lists each message twice.
    pub fn m590() -> Self {
        Self {
            name: "m590",
            manufacturer: "NEOWAY",
            model: "M590",
            revision: "M590-R11",
            banner: &["MODEM:STARTUP", "+PBREADY"],
            storages: &[Storage::Sm],
            noise: &["+CIEV: 3"],
            lists_twice: true,
            ..Self::generic()
        }
    }

    /// A modem whose firmware has no list command: messages are read slot by slot.
    pub fn no_list() -> Self {
        Self { name: "no-list", no_list: true, ..Self::generic() }
    }

    /// Every profile there is, the generic one first.
    pub fn all() -> Vec<Self> {
        vec![
            Self::generic(),
            Self::huawei(),
            Self::e3372(),
            Self::zte(),
            Self::sim800(),
            Self::sim900(),
            Self::sim7600(),
            Self::a7670(),
            Self::ec25(),
            Self::ec21(),
            Self::m95(),
            Self::mc7455(),
            Self::mc75i(),
            Self::m590(),
            Self::no_list(),
        ]
    }

    /// The profile of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// Whether the storage is there.
    pub fn has(&self, storage: Storage) -> bool {
        self.storages.contains(&storage)
    }
}
