//! The configuration: found, read, checked, and turned into values that cannot be wrong.
//!
//! `load` finds the file and reads it with the environment, `file` and `ussd` have the tables as they are written,
//! `settings` the checked form that the rest of the gateway uses. Input: a TOML file and `SMSBRIDGE_*` variables.

mod error;
mod file;
mod load;
mod servers;
mod settings;
mod ussd;
mod values;

pub use error::ConfigError;
pub use load::{load, parse};
pub use settings::{
    Config, Hook, HookEvent, Inbound, MessageExpiry, Modem, Mqtt, OnStale, OnUnknown, Outbound, Tls, Trace,
    Ussd,
};
