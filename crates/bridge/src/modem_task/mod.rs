//! The life of one modem: connect, look for messages in both directions, and connect again after any fault.
//!
//! `lifecycle` is the loop, `status_view` what is shown of the modem. `at/` is a modem that speaks AT commands; a modem
//! of another kind (HTTP, D-Bus) would be a folder beside it. One task owns everything here; it holds no message that is
//! not also in the SIM or the store.

mod at;
mod error;
#[cfg(test)]
mod fixtures;
mod lifecycle;
#[cfg(test)]
mod lifecycle_tests;
mod status_view;
mod task;

pub use lifecycle::run;
pub use task::ModemTask;
