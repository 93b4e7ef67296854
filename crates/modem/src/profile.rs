//! What differs between modem families, as data.
//!
//! Owns one row per family and the choice of the row by what the modem says it is. No code branches on a maker's name:
//! what a family needs is a field here, and every other file reads the field. Input is manufacturer and model as
//! `AT+CGMI` and `AT+CGMM` give them.
//!
//! A new family is a new row in [`PROFILES`], or a value made of [`Profile::generic`] and set in [`Overrides`].

use std::time::Duration;

use crate::signal::SignalQuestion;
use crate::storage::Storage;

/// What is known about a family of modems.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// How the family is recognised: a part of the manufacturer's name, and how its models begin (none: every model).
    matches: &'static [Match],
    /// Commands sent once the family is known; one that is refused is left out. What `AT&F` undoes (echo, error codes) is
    /// set again after it.
    pub init: &'static [&'static str],
    /// Silence allowed in a list of messages; a list that takes longer hangs.
    pub list_silence: Duration,
    /// `AT+CMGL` is known to be broken: read slot by slot.
    pub reads_by_slot: bool,
    /// Where incoming messages are to be stored, best first.
    pub receive_into: &'static [Storage],
    /// Storages that are offered and must not be touched.
    pub avoid: &'static [Storage],
    /// Commands that may give the ICCID, and the prefix each answers with.
    pub iccid: &'static [(&'static str, &'static str)],
    /// Commands that report how many tries are left for the PIN.
    pub tries: &'static [TriesQuestion],
    /// Commands that report more about the signal than `AT+CSQ`; all are sent, and their answers are combined.
    pub signal: &'static [SignalQuestion],
    /// USSD strings are hexadecimal digits of packed septets, both ways.
    pub ussd_packed: bool,
    /// `AT+CFUN=0` takes the SIM's power and leaves the serial line alone.
    pub sim_power: bool,
    /// Restarts the modem when nothing else helps; none where it would come back as a CD-ROM drive.
    pub reset_command: Option<&'static str>,
    /// The USB interface that takes commands and sends unsolicited lines.
    pub at_interface: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Match {
    maker: &'static str,
    models: &'static [&'static str],
}

/// A command that reports how many tries are left for the PIN.
#[derive(Debug, Clone, Copy)]
pub struct TriesQuestion {
    /// The command.
    pub command: &'static str,
    /// What its answer begins with.
    pub prefix: &'static str,
    /// Which field of the answer holds the number.
    pub field: usize,
}

/// What a user sets in place of what a profile says.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// This family, whatever the modem says it is.
    pub profile: Option<Profile>,
    /// Commands sent after the profile's own; one that is refused is left out.
    pub init: Vec<String>,
    /// The reset command; empty: never reset.
    pub reset: Option<String>,
}

impl Overrides {
    /// Sets the family.
    #[must_use]
    pub fn with_profile(self, profile: impl Into<Option<Profile>>) -> Self {
        Self { profile: profile.into(), ..self }
    }

    /// Sets the commands sent after the profile's own.
    #[must_use]
    pub fn with_init(self, commands: Vec<String>) -> Self {
        Self { init: commands, ..self }
    }

    /// Sets the reset command; empty: never reset.
    #[must_use]
    pub fn with_reset(self, command: impl Into<Option<String>>) -> Self {
        Self { reset: command.into(), ..self }
    }
}

impl Profile {
    /// The profile of an unknown modem under another name. Change the fields that differ.
    pub const fn generic(name: &'static str) -> Self {
        Self { name, ..GENERIC }
    }
}

const STANDARD_TRIES: TriesQuestion = TriesQuestion { command: "AT+CPINR", prefix: "+CPINR:", field: 1 };

/// For every modem that no other profile matches: it is asked what it offers, and nothing is taken for granted.
pub const GENERIC: Profile = Profile {
    iccid: &[
        ("AT+CCID", "+CCID:"),
        ("AT+ICCID", "+ICCID:"),
        ("AT+QCCID", "+QCCID:"),
        ("AT^ICCID?", "^ICCID:"),
    ],
    ..GENERIC_ROW
};

/// The known families. The first that matches counts, so a special row comes before the general one.
pub static PROFILES: &[Profile] = &[
    Profile {
        name: "huawei-e352",
        matches: &[Match { maker: "huawei", models: &["E352"] }],
        // Its own memory makes it drop off the bus.
        avoid: &[Storage::ME, Storage::MT],
        ..HUAWEI
    },
    Profile {
        name: "huawei-e1750",
        matches: &[Match { maker: "huawei", models: &["E1750", "E1752"] }],
        init: &[],
        ..HUAWEI
    },
    HUAWEI,
    Profile {
        name: "zte",
        matches: &[Match { maker: "zte", models: &[] }],
        // Online; ZCDRUN, which keeps the CD-ROM away for good, changes the stick and is left to its owner.
        init: &["AT+ZOPRT=5"],
        iccid: &[("AT+ZGETICCID", "+ZGETICCID:"), ("AT+CCID", "+CCID:")],
        tries: &[TriesQuestion { command: "AT+ZPINPUK=?", prefix: "+ZPINPUK:", field: 0 }, STANDARD_TRIES],
        // It may come back as a CD-ROM drive.
        reset_command: None,
        ..GENERIC_ROW
    },
    Profile {
        name: "simcom-lte",
        matches: &[Match { maker: "simcom", models: &["SIM7", "SIMCOM_SIM7", "A76", "SIMCOM_A76"] }, A76XX],
        // The profile it boots with may refuse to send; only the factory's is known to be good.
        init: &["AT&F", "ATE0", "AT+CMEE=1"],
        iccid: &[("AT+CICCID", "+ICCID:"), ("AT+CCID", "+CCID:")],
        tries: &[TriesQuestion { command: "AT+SPIC", prefix: "+SPIC:", field: 0 }, STANDARD_TRIES],
        signal: &[SignalQuestion::Cesq, SignalQuestion::Cpsi],
        reset_command: Some("AT+CRESET"),
        at_interface: Some(2),
        ..GENERIC_ROW
    },
    Profile {
        name: "simcom",
        matches: &[
            Match { maker: "simcom", models: &[] },
            Match { maker: "", models: &["SIMCOM", "SIM800", "SIM900"] },
        ],
        iccid: &[("AT+CCID", "+CCID:")],
        tries: &[TriesQuestion { command: "AT+SPIC", prefix: "+SPIC:", field: 0 }, STANDARD_TRIES],
        ..GENERIC_ROW
    },
    Profile {
        name: "quectel-uart",
        matches: &[Match { maker: "quectel", models: &["M95", "M35", "M66", "M10", "M26"] }],
        iccid: &[("AT+QCCID", "+QCCID:"), ("AT+CCID", "+CCID:")],
        ..GENERIC_ROW
    },
    Profile {
        name: "quectel",
        matches: &[Match { maker: "quectel", models: &[] }],
        // Unsolicited codes come to one port only: this one.
        init: &["AT+QURCCFG=\"urcport\",\"usbat\""],
        iccid: &[("AT+QCCID", "+QCCID:"), ("AT+CCID", "+CCID:")],
        tries: &[TriesQuestion { command: "AT+QPINC=\"SC\"", prefix: "+QPINC:", field: 1 }, STANDARD_TRIES],
        signal: &[SignalQuestion::Cesq, SignalQuestion::Qeng, SignalQuestion::Qcsq],
        at_interface: Some(2),
        ..GENERIC_ROW
    },
    Profile {
        name: "cinterion",
        matches: &[
            Match { maker: "cinterion", models: &[] },
            Match { maker: "siemens", models: &[] },
            Match { maker: "gemalto", models: &[] },
        ],
        iccid: &[("AT^SCID", "^SCID:"), ("AT+CCID", "+CCID:")],
        tries: &[TriesQuestion { command: "AT^SPIC", prefix: "^SPIC:", field: 0 }, STANDARD_TRIES],
        // ^SMGO reports a full memory where it is switched on.
        init: &["AT^SMGO=1"],
        ..GENERIC_ROW
    },
    Profile {
        name: "sierra",
        matches: &[Match { maker: "sierra", models: &[] }],
        reset_command: Some("AT!RESET"),
        at_interface: Some(3),
        ..GENERIC_ROW
    },
    Profile {
        name: "neoway",
        matches: &[Match { maker: "neoway", models: &[] }, Match { maker: "", models: &["M590"] }],
        sim_power: false,
        ..GENERIC_ROW
    },
];

/// Some A7670 leave out who made them, or write it otherwise.
const A76XX: Match = Match { maker: "", models: &["A7670", "A7672", "A7608", "SIM7600", "SIM7670"] };

const GENERIC_ROW: Profile = Profile {
    name: "generic",
    matches: &[],
    init: &[],
    list_silence: Duration::from_secs(20),
    reads_by_slot: false,
    receive_into: &[Storage::SM, Storage::ME, Storage::MT],
    avoid: &[],
    iccid: &[("AT+CCID", "+CCID:")],
    tries: &[STANDARD_TRIES],
    signal: &[SignalQuestion::Cesq],
    ussd_packed: false,
    sim_power: true,
    reset_command: Some("AT+CFUN=1,1"),
    at_interface: None,
};

const HUAWEI: Profile = Profile {
    name: "huawei",
    matches: &[Match { maker: "huawei", models: &[] }],
    // Without CURC=0 a stream of ^RSSI makes some sticks deaf within the day; PORTSEL=1 sends
    // unsolicited codes to this port.
    init: &["AT^CURC=0", "AT^PORTSEL=1"],
    iccid: &[("AT^ICCID?", "^ICCID:"), ("AT+CCID", "+CCID:")],
    tries: &[TriesQuestion { command: "AT^CPIN?", prefix: "^CPIN:", field: 3 }, STANDARD_TRIES],
    signal: &[SignalQuestion::Cesq, SignalQuestion::Hcsq],
    ussd_packed: true,
    // After AT+CFUN=1,1 an E173 is a CD-ROM drive and stays one.
    reset_command: None,
    at_interface: Some(2),
    ..GENERIC_ROW
};

/// The profile of that name.
pub fn named(name: &str) -> Option<Profile> {
    PROFILES.iter().copied().chain([GENERIC]).find(|profile| profile.name == name)
}

/// All names there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().copied().chain([GENERIC]).map(|profile| profile.name)
}

/// The profile for a modem that says this of itself.
pub fn pick(manufacturer: Option<&str>, model: Option<&str>) -> Profile {
    let maker = manufacturer.unwrap_or_default().to_ascii_lowercase();
    let model = model.unwrap_or_default().to_ascii_uppercase();
    let fits = |m: &Match| {
        maker.contains(m.maker)
            && (m.models.is_empty() || m.models.iter().any(|head| model.starts_with(head)))
    };
    PROFILES.iter().copied().find(|profile| profile.matches.iter().any(fits)).unwrap_or(GENERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_by_their_own_words() {
        let rows = [
            ("huawei", "E173", "huawei"),
            ("Huawei Technologies Co., Ltd.", "E3372", "huawei"),
            ("huawei", "E352", "huawei-e352"),
            ("huawei", "E1752", "huawei-e1750"),
            ("SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "simcom-lte"),
            ("INCORPORATED", "A7670E", "simcom-lte"),
            ("Sierra Wireless, Incorporated", "MC7455", "sierra"),
            ("NEOWAY", "M590", "neoway"),
            ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom"),
            ("Quectel", "EC25", "quectel"),
            ("Quectel_Ltd", "M95", "quectel-uart"),
            ("ZTE INCORPORATED", "MF190", "zte"),
            ("SIEMENS", "TC35i", "cinterion"),
            ("Nokia", "6310i", "generic"),
            ("", "", "generic"),
        ];
        for (maker, model, expect) in rows {
            assert_eq!(pick(Some(maker), Some(model)).name, expect, "{maker} {model}");
        }
        assert_eq!(pick(None, None).name, "generic");
        for name in names() {
            assert_eq!(named(name).map(|profile| profile.name), Some(name));
        }
    }

    #[test]
    fn nothing_that_falls_back_to_a_cd_rom_is_reset() {
        for name in ["huawei", "huawei-e352", "huawei-e1750", "zte"] {
            assert_eq!(named(name).unwrap().reset_command, None, "{name}");
        }
    }
}
