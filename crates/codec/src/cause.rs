//! TP-ST, the status of a message (TS 23.040 9.2.3.15), and TP-FCS, the cause of a refusal (9.2.3.22), with their
//! meanings in words.
//!
//! The octet is always kept, since service centres use reserved values too. The words are for people; programs decide
//! by [`Status::outcome`].

/// TP-ST, the status of a submitted message.
///
/// ```
/// use smsbridge_codec::{Outcome, Status};
///
/// assert_eq!(Status(0x00).outcome(), Outcome::Delivered);
/// assert_eq!(Status(0x22).outcome(), Outcome::Pending);
/// assert_eq!(Status(0x22).meaning(), "no answer from the recipient, still trying");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Status(pub u8);

/// The group that a status belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Outcome {
    /// The recipient has the message, or the service centre forwarded or replaced it (00 to 02). Final.
    Delivered,
    /// Not delivered yet: the service centre still tries, and another report will follow (20 to 3F).
    Pending,
    /// The service centre has given up (40 to 7F). Final.
    Failed,
    /// Completed, with a meaning specific to the service centre (10 to 1F).
    #[cfg_attr(feature = "serde", serde(rename = "sc-specific"))]
    ServiceCentreSpecific,
    /// A reserved value.
    Reserved,
}

impl Outcome {
    /// The outcome as one lower case word.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Delivered => "delivered",
            Outcome::Pending => "pending",
            Outcome::Failed => "failed",
            Outcome::ServiceCentreSpecific => "sc-specific",
            Outcome::Reserved => "reserved",
        }
    }
}

impl Status {
    /// The group that the status belongs to.
    pub fn outcome(self) -> Outcome {
        match self.0 {
            0x00..=0x02 => Outcome::Delivered,
            0x10..=0x1F => Outcome::ServiceCentreSpecific,
            0x20..=0x3F => Outcome::Pending,
            0x40..=0x7F => Outcome::Failed,
            _ => Outcome::Reserved,
        }
    }

    /// The status in words.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x00 => "received by the recipient",
            0x01 => "forwarded, but receipt cannot be confirmed",
            0x02 => "replaced by the service centre",
            0x10..=0x1F => "completed, with a meaning specific to the service centre",
            0x20 => "congestion, still trying",
            0x21 => "recipient busy, still trying",
            0x22 => "no answer from the recipient, still trying",
            0x23 => "service refused, still trying",
            0x24 => "quality of service not available, still trying",
            0x25 => "error at the recipient, still trying",
            0x30..=0x3F => "still trying, with a meaning specific to the service centre",
            0x26..=0x2F => "still trying, for a reserved reason",
            0x40 => "remote procedure error",
            0x41 => "incompatible destination",
            0x42 => "connection rejected by the recipient",
            0x43 => "not obtainable",
            0x44 => "quality of service not available",
            0x45 => "no interworking available",
            0x46 => "validity period expired",
            0x47 => "deleted by the sender",
            0x48 => "deleted by the service centre",
            0x49 => "unknown to the service centre",
            0x50..=0x5F => "failed, with a meaning specific to the service centre",
            0x4A..=0x4F => "failed, for a reserved reason",
            0x60 => "congestion, given up",
            0x61 => "recipient busy, given up",
            0x62 => "no answer from the recipient, given up",
            0x63 => "service refused, given up",
            0x64 => "quality of service not available, given up",
            0x65 => "error at the recipient, given up",
            0x70..=0x7F => "given up, with a meaning specific to the service centre",
            0x66..=0x6F => "given up, for a reserved reason",
            0x03..=0x0F | 0x80..=0xFF => "reserved",
        }
    }
}

/// TP-FCS, why a message was refused.
///
/// ```
/// assert_eq!(smsbridge_codec::FailureCause(0x81).meaning(), "short message type 0 not supported");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FailureCause(pub u8);

impl FailureCause {
    /// The cause in words.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x80 => "telematic interworking not supported",
            0x81 => "short message type 0 not supported",
            0x82 => "cannot replace the short message",
            0x8F => "unspecified error of the protocol identifier",
            0x90 => "alphabet of the data coding scheme not supported",
            0x91 => "message class not supported",
            0x9F => "unspecified error of the data coding scheme",
            0xA0 => "command cannot be carried out",
            0xA1 => "command not supported",
            0xAF => "unspecified error of the command",
            0xB0 => "TPDU not supported",
            0xC0 => "service centre busy",
            0xC1 => "no subscription at the service centre",
            0xC2 => "service centre failed",
            0xC3 => "invalid address of the recipient",
            0xC4 => "recipient barred",
            0xC5 => "duplicate rejected",
            0xC6 => "validity period format not supported",
            0xC7 => "validity period not supported",
            0xD0 => "SIM storage full",
            0xD1 => "no message storage on the SIM",
            0xD2 => "error in the phone",
            0xD3 => "memory of the phone full",
            0xD4 => "SIM application toolkit busy",
            0xD5 => "SIM data download error",
            0xE0..=0xFE => "specific to the application",
            0xFF => "unspecified cause",
            _ => "reserved",
        }
    }
}
