//! See `bodies/pdu.rs`.

#![no_main]

#[path = "../bodies/pdu.rs"]
mod pdu;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| pdu::run(octets));
