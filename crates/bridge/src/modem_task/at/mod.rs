//! A modem that speaks AT commands, by the crate `smsbridge-modem`.
//!
//! `connect` brings it up, with `find` for its port, `pin` for the SIM and `recovery_state` for what is tried after a
//! fault; `line` is its port between two sessions; the result is `connected`. `online` decides what a connected modem
//! does next: `receive`, `send` and `ussd_requests` do it; `calls`, `broadcasts` and `ussd` are values of one shape
//! (`on_urc`, `due_at`, `tick`) that turn URCs into events; `watchdog` notices a modem that answers and is of no use.

mod broadcasts;
mod calls;
mod connect;
mod connected;
mod find;
mod line;
mod online;
#[cfg(test)]
mod online_tests;
mod pin;
mod receive;
mod recovery_state;
mod send;
mod until_stored;
mod ussd;
mod ussd_alphabet;
mod ussd_requests;
mod ussd_text;
mod watchdog;

pub(super) use connect::connect;
pub(super) use line::Line;
pub(super) use online::OnlineModem;
pub(super) use receive::store_deliveries;
pub(super) use recovery_state::RecoveryState;
pub(super) use ussd_requests::refuse_ussd;
