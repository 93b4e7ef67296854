//! SMS octets and what they mean: the codec of a gateway, with no I/O, no clock and no memory of its own.
//!
//! Reading gives values that borrow from the octets, or a [`DecodeError`] that names the field and the octet; it never
//! panics. Writing takes values and gives octets, or an [`EncodeError`].
//!
//! ```
//! use smsbridge_codec::{Direction, Pdu, SubmitOptions, Tpdu, hex, submit};
//!
//! // What a modem writes after +CMT:
//! let octets = hex::decode("07911326040000F0040B911346610089F60000208062917314480CC8F71D14969741F977FD07")?;
//! let pdu = Pdu::decode(&octets, Direction::MobileTerminated)?;
//! let Tpdu::Deliver(deliver) = pdu.tpdu else { panic!("another type") };
//! assert_eq!(deliver.from.to_string(), "+31641600986");
//! assert_eq!(deliver.sent_at.map(|time| time.to_string()).as_deref(), Some("2002-08-26T19:37:41-01:00"));
//! assert_eq!(deliver.user_data.text().as_deref(), Some("How are you?"));
//!
//! // What it takes after AT+CMGS=<tpdu_length>:
//! let pdus = submit("+46708251358", "hellohello", &SubmitOptions::default())?;
//! assert_eq!(pdus[0].hex, "0001000B916407281553F800000AE8329BFD4697D9EC37");
//! assert_eq!(pdus[0].tpdu_length, 22);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which clause lives where
//!
//! | module | clause |
//! |---|---|
//! | [`pdu`] | TS 27.005 `<pdu>`: service centre address and TPDU on the AT line |
//! | [`tpdu`] | TS 23.040 9.2.2: the six types; 9.2.3.27 TP-PI |
//! | [`address`] | TS 23.040 9.1.2.5 TP-OA, TP-DA, TP-RA; TS 24.011 8.2.5 RP addresses |
//! | [`pid`] | TS 23.040 9.2.3.9 TP-PID; 3.8 Internet mail |
//! | [`dcs`] | TS 23.038 4 TP-DCS |
//! | [`timestamp`] | TS 23.040 9.2.3.11 TP-SCTS, 9.2.3.13 TP-DT |
//! | [`validity`] | TS 23.040 9.2.3.12 TP-VP |
//! | [`cause`] | TS 23.040 9.2.3.15 TP-ST, 9.2.3.22 TP-FCS |
//! | [`user_data`], [`udh`] | TS 23.040 9.2.3.16 TP-UDL, 9.2.3.24 TP-UD and its header |
//! | [`information`] | TS 23.040 9.2.3.24: what further elements say |
//! | [`gsm7`] | TS 23.038 6.1.2 packing, 6.2.1 alphabet, annex A languages |
//! | [`ucs2`] | TS 23.038 6.2.3 |
//! | [`mod@split`], [`mod@join`] | TS 23.040 9.2.3.24.1: text to parts, parts to text |
//! | [`mod@submit`] | number and text to PDUs in one call |
//! | [`mod@transliterate`] | plain likenesses, to save parts; no clause |
//! | [`cbs`] | TS 23.041 9.4 cell broadcast pages; TS 23.038 5 their coding |
//! | [`hex`] | digits of the AT line |

pub mod address;
pub mod cause;
pub mod cbs;
mod clusters;
pub mod dcs;
mod error;
pub mod gsm7;
pub mod hex;
pub mod information;
pub mod join;
mod octets;
pub mod pdu;
pub mod pid;
pub mod split;
pub mod submit;
pub mod timestamp;
pub mod tpdu;
pub mod transliterate;
pub mod ucs2;
pub mod udh;
pub mod user_data;
pub mod validity;

pub use address::{Address, TypeOfNumber};
pub use cause::{FailureCause, Outcome, Status};
pub use dcs::{Alphabet, Dcs, MessageClass, MessageWaiting, Waiting};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Field};
pub use gsm7::Languages;
pub use information::Information;
pub use join::{Content, JoinError, Joined, join};
pub use pdu::{EncodedPdu, Pdu};
pub use split::{
    Count, Encoding, LanguageChoice, Reference, SplitOptions, count, count_data, split, split_data,
};
pub use submit::{ReportRequest, SubmitOptions, submit, submit_data};
pub use timestamp::Timestamp;
pub use tpdu::{
    Command, Deliver, DeliverReport, Direction, Parameters, StatusReport, Submit, SubmitReport, Tpdu,
};
pub use transliterate::transliterate;
pub use udh::{Concatenation, Element, Elements, Ports};
pub use user_data::UserData;
pub use validity::Validity;
