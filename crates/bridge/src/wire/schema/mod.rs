//! docs/schema/ is made here, of the types that payloads are written with, and held against them.
//!
//! Run with SMSBRIDGE_TEST_WRITE=1, the tests write the files. Tests alone: nothing of it is in the binary.

mod asyncapi;
mod examples;
mod files;
mod requests;
mod requests_tests;
pub mod words;
mod write;
