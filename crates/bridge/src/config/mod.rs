//! The configuration: found, read, checked, and turned into values that cannot be wrong.
//!
//! `load` finds the file and reads it with the environment, `file` and `ussd` have the tables as they are written,
//! `environment` says which variables are keys of them, `settings` has the checked form that the rest of the gateway uses.
//! Input: a TOML file and `SMSBRIDGE_*` variables.

mod environment;
mod error;
mod file;
mod known_keys;
mod load;
mod mistake;
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
