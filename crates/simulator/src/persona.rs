//! Personas: what one vendor's modem says and can do, as data.
//!
//! Owns every answer that differs between vendors: identity, boot banner, storages, what `+CNMI=?`
//! offers, unasked noise. Must never hold behaviour: a difference that is not expressible here gets
//! a field here and one line where the modem acts. The values are what such modems are known to
//! say; they are chosen by [`Options::persona`](crate::Options::persona).

use crate::modem::Storage;

/// A vendor's modem as data. Take one of the constructors and change fields where a test needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// Short name, as the command line of the simulator takes it.
    pub name: &'static str,
    /// Answer to `+CGMI`.
    pub manufacturer: &'static str,
    /// Answer to `+CGMM`.
    pub model: &'static str,
    /// Answer to `+CGMR`.
    pub revision: &'static str,
    /// Lines said after power-up and after a reset.
    pub banner: &'static [&'static str],
    /// The storages it has; the first is the one preferred at power-up.
    pub storages: &'static [Storage],
    /// What `+CNMI=?` says: the allowed values of mode, mt, bm, ds and bfr.
    pub cnmi: [&'static [u8]; 5],
    /// Lines it says unasked when there is noise, in turn.
    pub noise: &'static [&'static str],
    /// Number of the first slot of a storage; some vendors count from 0.
    pub first_slot: usize,
    /// The answer to a command it does not know; `None` is `ERROR` or `+CME ERROR: 4` by `+CMEE`.
    pub unknown: Option<&'static str>,
    /// A reset takes it off the bus: the connection is closed, as with a USB stick. Otherwise the
    /// line stays (a UART) and is silent until the modem is back.
    pub leaves_bus_at_reset: bool,
    /// `+CMGD=<slot>,<flag>` is understood.
    pub delete_flags: bool,
    /// `+CMGR` of an empty slot answers only `OK`; otherwise `+CMS ERROR: 321`.
    pub empty_slot_is_ok: bool,
    /// `+CPMS=` must name all three storages.
    pub cpms_needs_three: bool,
    /// USSD strings are hex of packed septets both ways; otherwise they are as `+CSCS` says.
    pub ussd_packed: bool,
    /// `^CPIN?` tells the tries left.
    pub caret_cpin: bool,
    /// Commands only this vendor has, with the line each answers (empty: only `OK`). Compared without
    /// regard to case, with everything after the `AT`.
    pub extra: &'static [(&'static str, &'static str)],
    /// The access technology number in `+COPS?`: 0 GSM, 2 UTRAN, 7 E-UTRAN.
    pub technology: u8,
}

const ANY_DS: &[u8] = &[0, 1, 2];

impl Persona {
    /// A modem that does what TS 27.005 and TS 27.007 say and nothing else.
    pub fn generic() -> Self {
        Self {
            name: "generic",
            manufacturer: "smsbridge",
            model: "Simulator",
            revision: env!("CARGO_PKG_VERSION"),
            banner: &[],
            storages: &[Storage::Sm, Storage::Me, Storage::Sr],
            cnmi: [&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 2], ANY_DS, &[0, 1]],
            noise: &["+CSQN: 20,0"],
            first_slot: 1,
            unknown: None,
            leaves_bus_at_reset: false,
            delete_flags: true,
            empty_slot_is_ok: false,
            cpms_needs_three: false,
            ussd_packed: false,
            caret_cpin: false,
            extra: &[],
            technology: 0,
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

    /// Every persona there is, the generic one first.
    pub fn all() -> Vec<Self> {
        vec![Self::generic(), Self::huawei(), Self::sim800(), Self::ec25()]
    }

    /// The persona of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// Whether the storage is there.
    pub fn has(&self, storage: Storage) -> bool {
        self.storages.contains(&storage)
    }
}
