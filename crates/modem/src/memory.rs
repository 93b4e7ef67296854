//! What a session remembers of the modem's storages: which is selected, how they are selected, which were named.
//!
//! Decides nothing. Input: what `session` hears, `selection` and `sms` find.

use crate::storage::Storage;

/// What this session has learnt about the modem's storages.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The storage selected for reading.
    pub(crate) selected: Option<Storage>,
    /// `AT+CPMS` with one argument was refused: reading another storage needs all three.
    pub(crate) cpms_wants_three: bool,
    /// Storages a notice named that the modem does not list.
    pub(crate) announced: Vec<Storage>,
}

impl Memory {
    /// A notice named this storage.
    pub(crate) fn announce(&mut self, storage: Storage) {
        const MAX_ANNOUNCED: usize = 8;
        if !self.announced.contains(&storage) && self.announced.len() < MAX_ANNOUNCED {
            self.announced.push(storage);
        }
    }
}
