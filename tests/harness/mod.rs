//! The parts every scenario is built of: real processes, a simulated modem, and eyes on the wire.

pub mod broker;
pub mod client;
pub mod gateway;
pub mod modem;
pub mod mqtt_packets;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod rig;
pub mod second;
pub mod seed;
pub mod sources;
#[cfg(test)]
mod tests;
pub mod wait;
