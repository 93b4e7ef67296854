//! The configuration: found, read, checked, and turned into values that cannot be wrong.
//!
//! `load` finds the file and reads it with the environment. On the way `document` parses the text and knows the lines,
//! `structure` holds it against the keys there are (`keys`, with their `kinds`), `environment` says which variables are
//! keys, `file` has the tables as they are written with their defaults, `meaning` checks what they mean, `http` is the
//! part of that for `[http]`, `secrets` reads secrets from files. `settings` has the checked form that the rest of the gateway uses. `mistake` collects what
//! is wrong. Input: a TOML file and `SMSBRIDGE_*` variables.

#[cfg(test)]
mod contact_tests;
mod document;
mod environment;
mod error;
mod file;
#[cfg(test)]
mod home_assistant_tests;
mod http;
mod keys;
mod kinds;
#[cfg(test)]
mod known_keys;
mod load;
#[cfg(test)]
mod load_tests;
mod meaning;
mod mistake;
#[cfg(test)]
mod reference;
mod secrets;
mod servers;
mod settings;
mod structure;
mod texts;
mod values;

pub use error::ConfigError;
pub use load::load;
#[cfg(any(test, feature = "demo"))]
pub use load::parse;
pub use meaning::pin_mistake;
pub use secrets::Secrets;
#[cfg(feature = "demo")]
pub use servers::check_url;
pub use settings::{
    Config, Hook, HookEvent, Http, Inbound, MessageExpiry, Modem, Mqtt, OnStale, OnUnknown, Outbound,
    SecretFile, Server, Tls, Trace, Ussd,
};
