//! See `bodies/broker_packets.rs`.

#![no_main]

#[path = "../bodies/broker_packets.rs"]
mod broker_packets;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| broker_packets::run(octets));
