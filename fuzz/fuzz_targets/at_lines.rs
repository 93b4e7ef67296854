//! See `bodies/at_lines.rs`.

#![no_main]

#[path = "../bodies/at_lines.rs"]
mod at_lines;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| {
    at_lines::run(octets);
});
