//! Registration with the network (TS 27.007 7.2 and 10.1.20).

use std::fmt;

/// Which network a registration is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
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
#[non_exhaustive]
pub struct RegistrationReport {
    /// With which network.
    pub domain: Domain,
    /// What it is now.
    pub state: Registration,
    /// The network's reject cause, where the modem reports it.
    pub cause: Option<u16>,
}
