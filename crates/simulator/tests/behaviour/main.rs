//! What the simulated modem does, by behaviour: each test types at it as a terminal would.
#![allow(clippy::unwrap_used, reason = "a test may stop where it is")]

mod answers;
mod awkward;
mod ends;
mod faults;
mod left_behind;
mod messages;
mod registration;
mod settings;
mod sim_card;
mod starting;
mod storages;
mod terminal;
mod text_mode;
