//! End-to-end tests: the gateway and a real mosquitto as processes, simulated modems on PTYs.
//!
//! A file is named after the misfortune or the behaviour it is about.

mod harness;
mod invariants;
