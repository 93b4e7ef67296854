//! What a session remembers of the modem's storages: which is selected, and how they are.
//!
//! Decides nothing. Input: what `selection` finds.

use crate::storage::Storage;

/// What this session has learnt about the modem's storages.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The storage selected for reading.
    pub(crate) selected: Option<Storage>,
    /// `AT+CPMS` with one argument was refused: reading another storage needs all three.
    pub(crate) cpms_wants_three: bool,
}
