//! What the simulated modem does, by behaviour: each test types at it as a terminal would.

mod ends;
mod faults;
mod messages;
mod settings;
mod terminal;
