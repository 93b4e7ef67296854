//! What Home Assistant is told that there is.

use crate::message::Name;

/// A device as it is announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// The gateway.
    Gateway,
    /// A modem.
    Modem(Box<ModemIdentity>),
}

/// What a modem says of itself; what is not known is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModemIdentity {
    /// The modem's name.
    pub modem: Name,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// The modem's serial number (TS 23.003 6.2).
    pub imei: Option<String>,
}

impl ModemIdentity {
    /// Of a modem that has not said anything yet.
    pub fn unknown(modem: Name) -> Self {
        ModemIdentity { modem, manufacturer: None, model: None, firmware: None, imei: None }
    }
}

/// An entity that was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// The topic it was announced on.
    pub topic: String,
    /// What it is called there.
    pub component: String,
    /// What it is: `sensor`, `notify`, …
    pub platform: String,
}
