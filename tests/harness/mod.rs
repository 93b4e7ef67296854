//! The parts of every end-to-end test: real processes, a simulated modem, a recording proxy.

pub mod broker;
pub mod broker_side;
pub mod client;
pub mod cluster;
pub mod contract;
pub mod damage;
pub mod debian;
pub mod documents;
pub mod gateway;
pub mod home_assistant;
pub mod http;
pub mod installed;
pub mod modem;
pub mod mqtt_packets;
pub mod node_red;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod rig;
pub mod second;
pub mod seed;
pub mod sources;
pub mod terminal;
#[cfg(test)]
mod tests;
pub mod wait;
