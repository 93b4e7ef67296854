//! States: of a modem, of the gateway, and whether they are online.

use serde::Serialize;
use smsbridge_modem::registration::Registration;

use super::announcement::{Announcement, ModemIdentity};
use super::counters::{ModemCounters, QueueDepth};
use crate::message::{Name, UnixMs};

/// What is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The state of a modem.
    Modem(Box<ModemState>),
    /// The state of the gateway.
    Gateway(GatewayState),
    /// Whether a modem or the gateway is online.
    Availability(Subject, Availability),
    /// What Home Assistant is told that there is.
    Announcement(Announcement),
}

/// Whom a state describes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// This gateway.
    Gateway,
    /// The modem of that name.
    Modem(Name),
}

/// Whether somebody is online.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Availability {
    /// Online.
    Online,
    /// Offline.
    Offline,
}

/// The state of a modem; what is not known is none.
#[derive(Debug, Clone, PartialEq)]
pub struct ModemState {
    /// The modem's name.
    pub modem: Name,
    /// Where it is in its life.
    pub connection: ModemConnection,
    /// What is wrong, in words.
    pub problem: Option<String>,
    /// The network operator's name.
    pub operator: Option<String>,
    /// The radio technology.
    pub technology: Option<String>,
    /// Whether the network accepts it.
    pub registration: Option<Registration>,
    /// Why the network refused it (TS 24.008 10.5.3.6).
    pub registration_cause: Option<u16>,
    /// Signal strength and quality.
    pub signal: Signal,
    /// The SIM's own number, where it holds it.
    pub number: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Firmware revision.
    pub firmware: Option<String>,
    /// The modem's serial number (TS 23.003 6.2).
    pub imei: Option<String>,
    /// The SIM's serial number.
    pub iccid: Option<String>,
    /// The service centre's number.
    pub service_center: Option<String>,
    /// How full each message storage is.
    pub storage: Vec<StorageUse>,
    /// Counters since the gateway started.
    pub counters: ModemCounters,
}

impl ModemState {
    /// A modem of which nothing is known yet.
    pub fn new(modem: Name) -> Self {
        ModemState {
            modem,
            connection: ModemConnection::Connecting,
            problem: None,
            operator: None,
            technology: None,
            registration: None,
            registration_cause: None,
            signal: Signal::default(),
            number: None,
            manufacturer: None,
            model: None,
            firmware: None,
            imei: None,
            iccid: None,
            service_center: None,
            storage: Vec::new(),
            counters: ModemCounters::default(),
        }
    }

    /// What the modem says of itself.
    pub fn identity(&self) -> ModemIdentity {
        ModemIdentity {
            modem: self.modem.clone(),
            manufacturer: self.manufacturer.clone(),
            model: self.model.clone(),
            firmware: self.firmware.clone(),
            imei: self.imei.clone(),
        }
    }
}

/// Whether a modem is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "snake_case")]
pub enum ModemConnection {
    /// It is connected for the first time.
    Connecting,
    /// It is ready.
    Online,
    /// It is not; `problem` says why.
    Offline,
    /// The gateway was stopped.
    Stopped,
}

/// Signal strength and quality.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signal {
    /// Received signal strength.
    pub dbm: Option<i16>,
    /// The same on a scale of 0 to 100.
    pub percent: Option<u8>,
    /// LTE reference signal received power.
    pub rsrp_dbm: Option<i16>,
    /// LTE reference signal received quality.
    pub rsrq_db: Option<f32>,
    /// Signal to interference and noise ratio.
    pub sinr_db: Option<f32>,
}

/// How full a message storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageUse {
    /// `SM`, `ME`, … (TS 27.005 3.2.2).
    pub name: String,
    /// Slots in use.
    pub used: u16,
    /// Slots in all.
    pub total: u16,
}

/// The state of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayState {
    /// The version of smsbridge.
    pub version: &'static str,
    /// The MQTT client id, which names the store as well.
    pub instance: String,
    /// When it was started.
    pub started_at: UnixMs,
    /// The configured modems.
    pub modems: Vec<Name>,
    /// What waits.
    pub queue: QueueDepth,
    /// What is wrong, in words.
    pub problem: Option<String>,
}
