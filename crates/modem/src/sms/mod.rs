//! Stored messages and sending, in PDU mode (TS 27.005 4).
//!
//! Owns the order of commands around `AT+CPMS`, `AT+CMGL`, `AT+CMGR`, `AT+CMGD` and `AT+CMGS`, and
//! nothing of what the PDUs say. It deletes one slot at a time, only the slot it is given, and never
//! by the flag form of `AT+CMGD`, which would take messages nobody has read. It never sends a PDU
//! twice. Input is a configured [`crate::Session`] and the [`crate::Ready`] that came with it.

mod send;
mod slot;
mod stored;
mod sweep;

pub use send::{OutgoingPdu, send};
pub use slot::{Deleted, Reading, delete, deletion_had_effect, deletion_had_no_effect, read};
pub use stored::{Stored, StoredPdu};
pub use sweep::{Swept, sweep};
