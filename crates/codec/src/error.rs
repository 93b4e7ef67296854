//! What can be wrong with octets ([`DecodeError`]) and with what is to become octets ([`EncodeError`]).
//!
//! Both are plain values (which field, where, and what) and allocate nothing. They must never quote the message: errors
//! are logged, messages are not.

use std::fmt;

/// A field of a short message, named as TS 23.040 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Field {
    /// The line of hexadecimal digits itself (TS 27.005).
    Hex,
    /// The service centre address before the TPDU (TS 24.011 8.2.5, TS 27.005 `<pdu>`).
    ServiceCentre,
    /// The first octet: TP-MTI and the flags beside it (9.2.3.1).
    FirstOctet,
    /// TP-MR, the message reference (9.2.3.6).
    MessageReference,
    /// TP-OA, the originating address (9.2.3.7).
    OriginatingAddress,
    /// TP-DA, the destination address (9.2.3.8).
    DestinationAddress,
    /// TP-RA, the recipient address of a status report (9.2.3.14).
    RecipientAddress,
    /// TP-PID, the protocol identifier (9.2.3.9).
    ProtocolIdentifier,
    /// TP-DCS, the data coding scheme (9.2.3.10, TS 23.038).
    DataCodingScheme,
    /// TP-SCTS, the service centre's time stamp (9.2.3.11).
    ServiceCentreTimestamp,
    /// TP-VP, the validity period (9.2.3.12).
    ValidityPeriod,
    /// TP-DT, the discharge time (9.2.3.13).
    DischargeTime,
    /// TP-ST, the status (9.2.3.15).
    Status,
    /// TP-UDL, the user data length (9.2.3.16).
    UserDataLength,
    /// TP-MN, the message number (9.2.3.18).
    MessageNumber,
    /// TP-CT, the command type (9.2.3.19).
    CommandType,
    /// TP-CDL, the command data length (9.2.3.20).
    CommandDataLength,
    /// TP-CD, the command data (9.2.3.21).
    CommandData,
    /// TP-FCS, the failure cause (9.2.3.22).
    FailureCause,
    /// TP-UD, the user data (9.2.3.24).
    UserData,
    /// TP-UDH, the user data header (9.2.3.24).
    UserDataHeader,
    /// TP-PI, the parameter indicator (9.2.3.27).
    ParameterIndicator,
    /// A cell broadcast page (TS 23.041 9.4.1).
    Page,
    /// The text to be sent.
    Text,
    /// A telephone number or a sender's name.
    Number,
}

impl Field {
    /// The field's name in the standard, such as `TP-OA`.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Hex => "hex",
            Field::ServiceCentre => "service centre address",
            Field::FirstOctet => "first octet",
            Field::MessageReference => "TP-MR",
            Field::OriginatingAddress => "TP-OA",
            Field::DestinationAddress => "TP-DA",
            Field::RecipientAddress => "TP-RA",
            Field::ProtocolIdentifier => "TP-PID",
            Field::DataCodingScheme => "TP-DCS",
            Field::ServiceCentreTimestamp => "TP-SCTS",
            Field::ValidityPeriod => "TP-VP",
            Field::DischargeTime => "TP-DT",
            Field::Status => "TP-ST",
            Field::UserDataLength => "TP-UDL",
            Field::MessageNumber => "TP-MN",
            Field::CommandType => "TP-CT",
            Field::CommandDataLength => "TP-CDL",
            Field::CommandData => "TP-CD",
            Field::FailureCause => "TP-FCS",
            Field::UserData => "TP-UD",
            Field::UserDataHeader => "TP-UDH",
            Field::ParameterIndicator => "TP-PI",
            Field::Page => "page",
            Field::Text => "text",
            Field::Number => "number",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Octets that are not a short message: which field, where it begins, and what is wrong with it.
///
/// Decoding the same octets again fails again: keep them for the operator and go on with the next PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct DecodeError {
    /// The field that cannot be read.
    pub field: Field,
    /// Where it begins, in octets from the start of the decoder's input.
    pub octet: usize,
    /// What is wrong with it.
    pub kind: DecodeErrorKind,
}

/// What is wrong with a field that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The octets end before the field: the line was cut, or the length that the modem gave is wrong.
    Missing,
    /// The octets end within the field.
    Truncated {
        /// Octets the field takes.
        needed: usize,
        /// Octets that remain.
        remaining: usize,
    },
    /// The field states a length that the standard does not allow.
    BadLength {
        /// The length stated.
        length: usize,
        /// The greatest length allowed.
        limit: usize,
    },
    /// The user data header states a length greater than that of the user data.
    HeaderTooLong,
    /// A character that is not a hexadecimal digit.
    NotHex,
    /// An odd number of hexadecimal digits: half an octet is missing.
    OddDigits,
    /// UCS-2 text with an odd number of octets, which is no part of a longer one.
    OddUcs2,
    /// A message type that is reserved for this direction.
    ReservedType,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: ", self.field, self.octet)?;
        match self.kind {
            DecodeErrorKind::Missing => f.write_str("missing"),
            DecodeErrorKind::Truncated { needed, remaining } => {
                write!(f, "needs {needed} octets, {remaining} remain")
            }
            DecodeErrorKind::BadLength { length, limit } => {
                write!(f, "length {length} is not allowed, the limit is {limit}")
            }
            DecodeErrorKind::HeaderTooLong => f.write_str("longer than the user data"),
            DecodeErrorKind::NotHex => f.write_str("not a hexadecimal digit"),
            DecodeErrorKind::OddDigits => f.write_str("odd number of digits"),
            DecodeErrorKind::OddUcs2 => f.write_str("UCS-2 text with an odd number of octets"),
            DecodeErrorKind::ReservedType => f.write_str("reserved message type"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Input that cannot be encoded as a short message. The same input fails again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EncodeError {
    /// The field that cannot be encoded.
    pub field: Field,
    /// Why it cannot be encoded.
    pub kind: EncodeErrorKind,
}

/// Why input cannot be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// Empty, where the field must not be.
    Empty,
    /// Longer than the field.
    TooLong {
        /// The length given, in the field's own unit (digits, septets, octets).
        length: usize,
        /// The greatest length that the field holds.
        limit: usize,
    },
    /// A character that the field, or the requested alphabet, lacks.
    BadCharacter {
        /// Its index in characters, from 0.
        index: usize,
    },
    /// More than 255 parts (9.2.3.24.1).
    TooManyParts,
    /// A number of octets that does not match the number of semi-octets given with them.
    WrongLength {
        /// Octets given.
        length: usize,
        /// Octets that the semi-octets take.
        expected: usize,
    },
    /// The data coding scheme names another alphabet than that of the user data, or differs in compression: the receiver
    /// would read garbage.
    WrongCoding,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.field)?;
        match self.kind {
            EncodeErrorKind::Empty => f.write_str("empty"),
            EncodeErrorKind::TooLong { length, limit } => {
                write!(f, "length {length} exceeds the limit of {limit}")
            }
            EncodeErrorKind::BadCharacter { index } => {
                write!(f, "character {} cannot be encoded", index + 1)
            }
            EncodeErrorKind::TooManyParts => f.write_str("more than 255 parts"),
            EncodeErrorKind::WrongLength { length, expected } => {
                write!(f, "{length} octets given, the semi-octets take {expected}")
            }
            EncodeErrorKind::WrongCoding => f.write_str("does not describe the user data"),
        }
    }
}

impl std::error::Error for EncodeError {}

impl EncodeError {
    pub(crate) const fn new(field: Field, kind: EncodeErrorKind) -> Self {
        EncodeError { field, kind }
    }

    pub(crate) const fn too_long(field: Field, length: usize, limit: usize) -> Self {
        EncodeError { field, kind: EncodeErrorKind::TooLong { length, limit } }
    }
}
