//! The AT protocol with no I/O and no clock: values in, values out.
//!
//! Everything here can be fed whole or byte by byte and gives the same events. Input is what a
//! modem sent; output is what [`crate::session`] writes and returns. Nothing here may wait, read a
//! clock or know what a command is for.

pub(crate) mod charset;
pub mod command;
pub(crate) mod cusd;
pub(crate) mod engine;
pub mod error;
pub(crate) mod lexer;
pub(crate) mod params;
pub mod urc;
