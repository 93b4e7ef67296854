//! Explains PDUs (feature `analysis`).
//!
//! [`analyze`] is for people: every octet of a PDU in its place, with the field that it belongs to and its meaning, as a
//! protocol analyser shows it. Of a broken PDU it explains the fields before the error. [`describe`] is for programs: the
//! fields as a value to serialize, for example as JSON.
//!
//! ```
//! use smsbridge_codec::Direction;
//! use smsbridge_codec::analysis::analyze;
//!
//! let analysis = analyze("0001000B916407281553F8000002C834", Direction::MobileOriginated);
//! assert_eq!(format!("\n{analysis}"), r#"
//!    0 00                             service centre   not given: the one set on the SIM
//!    1 01                             first octet      SMS-SUBMIT
//!    2 00                             TP-MR            reference 0
//!    3 0B 91 64 07 28 15 53 F8        TP-DA            +46708251358 (international, numbering plan 1)
//!   11 00                             TP-PID           plain message
//!   12 00                             TP-DCS           7-bit
//!   13 02                             TP-UDL           2 septets
//!   14 C8 34                          TP-UD            "Hi"
//! "#);
//! assert_eq!(analysis.error, None);
//! ```

mod description;
mod rows;
mod words;

pub use description::{Description, describe};
pub use rows::{Analysis, Row, analyze};
