//! What is known of a modem once it is configured.

use std::fmt;

use crate::at::params::fields;
use crate::storage::Storage;

/// A modem that can receive and send, and what was learnt while it was configured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ready {
    /// The SIM card's number (ITU-T E.118), digits only.
    pub iccid: Option<String>,
    /// The subscriber's number (TS 23.003 2.2), digits only.
    pub imsi: Option<String>,
    /// The telephone number, where the SIM holds it.
    pub number: Option<String>,
    /// The service centre in force.
    pub service_centre: Option<String>,
    /// What to set where the SIM has none.
    pub(crate) given_service_centre: Option<String>,
    /// The storages to sweep.
    pub storages: Vec<Storage>,
    /// Where the modem puts incoming messages.
    pub receive_storage: Storage,
    /// The notification settings in force; none while the modem refuses all: then only sweeping finds messages.
    pub cnmi: Option<Cnmi>,
}

/// Parameters of `AT+CNMI` (TS 27.005 3.4.1): which notifications the modem sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cnmi {
    /// `<mode>`: what happens to notifications while the line is busy.
    pub mode: u16,
    /// `<mt>`: 1 announces stored messages with `+CMTI`.
    pub mt: u16,
    /// `<bm>`: 2 delivers cell broadcast pages with `+CBM`.
    pub bm: u16,
    /// `<ds>`: 1 delivers status reports with `+CDS`, 2 announces stored ones with `+CDSI`.
    pub ds: u16,
    /// `<bfr>`: what happens to buffered notifications.
    pub bfr: u16,
}

impl Cnmi {
    /// Reads what follows `+CNMI:`; none where a parameter is missing or is not a number.
    pub(crate) fn parse(rest: &str) -> Option<Self> {
        let values: Vec<u16> = fields(rest).iter().map(|field| field.parse().ok()).collect::<Option<_>>()?;
        match values[..] {
            [mode, mt, bm, ds, bfr] => Some(Self { mode, mt, bm, ds, bfr }),
            _ => None,
        }
    }
}

impl fmt::Display for Cnmi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, mt, bm, ds, bfr } = self;
        write!(f, "{mode},{mt},{bm},{ds},{bfr}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notification_settings_are_read_and_written() {
        let cnmi = Cnmi::parse(" 2, 1,0,2,0").unwrap();
        assert_eq!((cnmi.mt, cnmi.ds), (1, 2));
        assert_eq!(cnmi.to_string(), "2,1,0,2,0");
        assert_eq!(Cnmi::parse("2,1"), None);
        assert_eq!(Cnmi::parse("2,1,0,x,0"), None);
    }
}
