//! A stored message, as `AT+CMGL` and `AT+CMGR` give it.
//!
//! Pure. Input: the lines of their answers.

use crate::at::command::Response;
use crate::at::params::{fields, is_hex, number};
use crate::storage::Storage;

/// What the storage says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Came in, not read before.
    ReceivedUnread,
    /// Came in, read before.
    ReceivedRead,
    /// Ours, not sent.
    StoredUnsent,
    /// Ours, sent.
    StoredSent,
}

impl Stored {
    /// Whether it came in. Outgoing ones are somebody else's and left alone.
    pub fn is_received(self) -> bool {
        matches!(self, Self::ReceivedUnread | Self::ReceivedRead)
    }

    fn from_field(field: &str) -> Self {
        match field {
            "1" | "REC READ" => Self::ReceivedRead,
            "2" | "STO UNSENT" => Self::StoredUnsent,
            "3" | "STO SENT" => Self::StoredSent,
            _ => Self::ReceivedUnread,
        }
    }
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredPdu {
    /// Which storage.
    pub storage: Storage,
    /// Which slot; 0 is a slot.
    pub slot: u16,
    /// What the storage says of it.
    pub status: Stored,
    /// The TPDU's length in octets, as the modem gave it.
    pub length: Option<u16>,
    /// Service centre address and TPDU, capital hexadecimal digits.
    pub pdu: String,
}

impl StoredPdu {
    /// Whether there are as many octets as the modem announced.
    pub(super) fn is_complete(&self) -> bool {
        let Some(length) = self.length.map(usize::from) else { return is_hex(&self.pdu) };
        let octets = self.pdu.len() / 2;
        let address = self.pdu.get(..2).and_then(|n| usize::from_str_radix(n, 16).ok()).unwrap_or(0);
        is_hex(&self.pdu) && octets == length + 1 + address
    }
}

/// Adds the complete messages of a list to `out`; returns the slots whose PDU is missing or incomplete.
pub(super) fn parse_list(response: &Response, storage: Storage, out: &mut Vec<StoredPdu>) -> Vec<u16> {
    let mut again = Vec::new();
    let mut open: Option<StoredPdu> = None;
    for line in &response.lines {
        if let Some(rest) = line.strip_prefix("+CMGL:") {
            again.extend(open.take().map(|message| message.slot));
            let fields = fields(rest);
            open = number(fields.first()).map(|slot| StoredPdu {
                storage,
                slot,
                status: Stored::from_field(fields.get(1).map(String::as_str).unwrap_or_default()),
                length: number(fields.last()),
                pdu: String::new(),
            });
        } else if is_hex(line)
            && let Some(mut message) = open.take()
        {
            message.pdu = line.to_ascii_uppercase();
            if message.is_complete() {
                out.push(message);
            } else {
                again.push(message.slot);
            }
        }
    }
    again.extend(open.map(|message| message.slot));
    again
}

/// Reads an answer to `AT+CMGR`; none where the slot is empty.
pub(super) fn parse_one(response: &Response, storage: Storage, slot: u16) -> Option<StoredPdu> {
    let mut lines = response.lines.iter().skip_while(|line| !line.starts_with("+CMGR:"));
    let header = fields(lines.next()?.strip_prefix("+CMGR:")?);
    // Not every unsolicited line is known as one. With no PDU at all, as in `+CMGR: 0,,0`, the slot is
    // empty.
    let pdu = lines.find(|line| is_hex(line))?.to_ascii_uppercase();
    let status = Stored::from_field(header.first().map(String::as_str).unwrap_or_default());
    Some(StoredPdu { storage, slot, status, length: number(header.last()), pdu })
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
