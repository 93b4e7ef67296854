#![doc = include_str!("../README.md")]
//!
//! # Where to find a clause
//!
//! | clause | items |
//! |---|---|
//! | TS 27.005 `<pdu>`, `<length>` | [`Pdu`], [`EncodedPdu`], [`tpdu_length`], [`hex`] |
//! | TS 23.040 9.2.2 TPDU types | [`Tpdu`]: [`Deliver`], [`DeliverReport`], [`Submit`], [`SubmitReport`], [`StatusReport`], [`Command`] |
//! | 9.1.2.5 addresses; TS 24.011 8.2.5 | [`Address`], [`TypeOfNumber`] |
//! | 9.2.3.9 TP-PID; 3.8 Internet mail | [`Pid`], [`InternetMail`] |
//! | 9.2.3.10 TP-DCS; TS 23.038 4 | [`Dcs`], [`Alphabet`], [`MessageClass`], [`MessageWaiting`] |
//! | 9.2.3.11 TP-SCTS, 9.2.3.13 TP-DT | [`Timestamp`] |
//! | 9.2.3.12 TP-VP | [`Validity`] |
//! | 9.2.3.15 TP-ST, 9.2.3.22 TP-FCS | [`Status`], [`Outcome`], [`FailureCause`] |
//! | 9.2.3.16 TP-UDL, 9.2.3.24 TP-UD | [`UserData`] |
//! | 9.2.3.19 TP-CT | [`CommandType`] |
//! | 9.2.3.24 TP-UDH | [`Elements`], [`Element`], [`ElementId`], [`Information`] |
//! | 9.2.3.24.1 concatenation | [`split`](split()), [`count`], [`join`](join()), [`Concatenation`], [`SplitOptions`] |
//! | 9.2.3.27 TP-PI | [`Parameters`] |
//! | TS 23.038 6.1.2 packing, 6.2.1 and annex A alphabets | [`gsm7`] |
//! | TS 23.038 6.2.3 UCS-2 | [`ucs2`] |
//! | TS 23.041 9.4, TS 23.038 5 cell broadcast | [`cbs`] |
//! | 9.2.3.24.2, 9.2.3.24.13, TS 23.038 4 message waiting | [`Waiting`] |
//! | OMA MMS-ENC 6.2 notification of an MMS | [`mms`] |
//!
//! Not from a standard: [`submit`](submit()) makes the PDUs of a text in one call, [`transliterate`](transliterate())
//! replaces characters that the 7-bit alphabet lacks.

mod address;
#[cfg(feature = "analysis")]
pub mod analysis;
mod cause;
pub mod cbs;
mod dcs;
mod error;
pub mod gsm7;
pub mod hex;
mod information;
mod join;
pub mod mms;
mod octets;
mod pdu;
mod pid;
#[cfg(feature = "serde")]
mod serialize;
mod split;
mod submit;
mod timestamp;
mod tpdu;
mod transliterate;
pub mod ucs2;
mod udh;
mod user_data;
mod validity;
mod waiting;

pub use address::{Address, TypeOfNumber};
pub use cause::{FailureCause, Outcome, Status};
pub use dcs::{Alphabet, Dcs, MessageClass, MessageWaiting, WaitingKind};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Field};
pub use information::Information;
pub use join::{Content, JoinError, Joined, join};
pub use pdu::{EncodedPdu, Pdu, tpdu_length};
pub use pid::{InternetMail, Pid};
pub use split::{
    Count, Encoding, LanguageChoice, MAX_PARTS, Reference, SplitOptions, count, count_data, split, split_data,
};
pub use submit::{ReportRequest, SubmitOptions, submit, submit_data};
pub use timestamp::Timestamp;
pub use tpdu::{
    Command, CommandType, Deliver, DeliverReport, Direction, Parameters, StatusReport, Submit, SubmitReport,
    Tpdu,
};
pub use transliterate::{transliterate, transliterate_char};
pub use udh::{Concatenation, Element, ElementId, Elements, Ports};
pub use user_data::UserData;
pub use validity::Validity;
pub use waiting::Waiting;
