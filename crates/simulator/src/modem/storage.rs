//! The message storages: SM (on the SIM), ME, SR (status reports), and MT, a view of ME then SM.
//!
//! Owns slots and their status. SM lives on the SIM and ME in flash, so all survive a reset. Must
//! never know AT commands: `sms.rs` turns them into calls here.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::pdu::tpdu_length;

/// A message storage by its TS 27.005 name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// The SIM.
    Sm,
    /// The modem's own memory.
    Me,
    /// ME and SM seen as one: ME's slots first, SM's behind them.
    Mt,
    /// Status reports.
    Sr,
}

impl Storage {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "SM" => Some(Self::Sm),
            "ME" => Some(Self::Me),
            "MT" => Some(Self::Mt),
            "SR" => Some(Self::Sr),
            _ => None,
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sm => "SM",
            Self::Me => "ME",
            Self::Mt => "MT",
            Self::Sr => "SR",
        })
    }
}

/// Status of a stored message, with the numbers of PDU mode (TS 27.005 3.1, `<stat>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 0: received, unread.
    Unread = 0,
    /// 1: received, read.
    Read = 1,
    /// 2: written here, not sent.
    Unsent = 2,
    /// 3: written here, sent.
    Sent = 3,
}

impl Status {
    pub(crate) fn from_number(n: u32) -> Option<Self> {
        [Self::Unread, Self::Read, Self::Unsent, Self::Sent].into_iter().find(|s| *s as u32 == n)
    }
}

/// A message in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The storage it is really in: never [`Storage::Mt`].
    pub storage: Storage,
    /// Slot number as AT commands name it.
    pub slot: usize,
    /// Read or not, received or written.
    pub status: Status,
    /// Service centre address and TPDU in hex, as `+CMGL` shows it.
    pub pdu: String,
}

impl Stored {
    /// The `<length>` of AT answers.
    pub(crate) fn length(&self) -> usize {
        tpdu_length(&self.pdu)
    }
}

#[derive(Clone)]
struct Slot {
    status: Status,
    pdu: String,
    /// Announced, but neither counted nor to be read before.
    hidden_until: Option<Duration>,
}

struct Bank {
    storage: Storage,
    slots: Vec<Option<Slot>>,
}

impl Bank {
    fn used(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.hidden_until.is_none()).count()
    }
}

/// All storages of one modem and its SIM.
pub(crate) struct Storages {
    banks: Vec<Bank>,
    first_slot: usize,
    /// Set by hand: received messages find no room whatever is free.
    pub(crate) full: bool,
    reveal_due: Option<Duration>,
    /// Messages on SIM cards that are not in the modem, by the card's number.
    cards: BTreeMap<String, Vec<Option<Slot>>>,
}

impl Storages {
    /// Capacities in the order of `sizes`; MT is never given.
    pub(crate) fn new(sizes: &[(Storage, usize)], first_slot: usize) -> Self {
        let banks =
            sizes.iter().map(|(storage, n)| Bank { storage: *storage, slots: vec![None; *n] }).collect();
        Self { banks, first_slot, full: false, reveal_due: None, cards: BTreeMap::new() }
    }

    fn banks_of(&self, storage: Storage) -> impl Iterator<Item = &Bank> {
        let wanted: &[Storage] = match storage {
            Storage::Mt => &[Storage::Me, Storage::Sm],
            Storage::Sm => &[Storage::Sm],
            Storage::Me => &[Storage::Me],
            Storage::Sr => &[Storage::Sr],
        };
        wanted.iter().filter_map(|s| self.banks.iter().find(|b| b.storage == *s))
    }

    /// Slots in use and slots in all.
    pub(crate) fn usage(&self, storage: Storage) -> (usize, usize) {
        self.banks_of(storage).fold((0, 0), |(used, all), b| (used + b.used(), all + b.slots.len()))
    }

    /// First and last slot number.
    pub(crate) fn range(&self, storage: Storage) -> (usize, usize) {
        let (_, all) = self.usage(storage);
        (self.first_slot, (self.first_slot + all).saturating_sub(1))
    }

    /// Where slot `n` of `storage` really is: bank and place.
    fn find(&self, storage: Storage, n: usize) -> Option<(Storage, usize)> {
        let mut place = n.checked_sub(self.first_slot)?;
        for bank in self.banks_of(storage) {
            if place < bank.slots.len() {
                return Some((bank.storage, place));
            }
            place -= bank.slots.len();
        }
        None
    }

    fn slot_mut(&mut self, storage: Storage, n: usize) -> Option<&mut Option<Slot>> {
        let (real, place) = self.find(storage, n)?;
        self.banks.iter_mut().find(|b| b.storage == real)?.slots.get_mut(place)
    }

    /// Whether slot `n` is within the storage.
    pub(crate) fn is_slot(&self, storage: Storage, n: usize) -> bool {
        self.find(storage, n).is_some()
    }

    /// Everything in `storage`, by slot as that storage numbers it.
    pub(crate) fn list(&self, storage: Storage) -> Vec<(usize, Stored)> {
        let mut n = self.first_slot;
        let mut all = Vec::new();
        for bank in self.banks_of(storage) {
            for (place, slot) in bank.slots.iter().enumerate() {
                if let Some(slot) = slot
                    && slot.hidden_until.is_none()
                {
                    all.push((n, self.stored(bank.storage, place, slot)));
                }
                n += 1;
            }
        }
        all
    }

    /// Reads slot `n`; a received message is `Read` afterwards.
    pub(crate) fn read(&mut self, storage: Storage, n: usize) -> Option<Stored> {
        let (real, place) = self.find(storage, n)?;
        let bank = self.banks.iter().find(|b| b.storage == real)?;
        let slot = bank.slots.get(place)?.as_ref().filter(|slot| slot.hidden_until.is_none())?;
        let found = self.stored(real, place, slot);
        if found.status == Status::Unread {
            self.set_status(storage, n, Status::Read);
        }
        Some(found)
    }

    fn stored(&self, storage: Storage, place: usize, slot: &Slot) -> Stored {
        Stored { storage, slot: self.first_slot + place, status: slot.status, pdu: slot.pdu.clone() }
    }

    pub(crate) fn set_status(&mut self, storage: Storage, n: usize, status: Status) {
        if let Some(Some(slot)) = self.slot_mut(storage, n) {
            slot.status = status;
        }
    }

    /// Empties slot `n`; whether something was there.
    pub(crate) fn delete(&mut self, storage: Storage, n: usize) -> bool {
        self.slot_mut(storage, n).and_then(Option::take).is_some()
    }

    /// Hides a message until then.
    pub(crate) fn hide(&mut self, storage: Storage, n: usize, until: Duration) {
        if let Some(Some(slot)) = self.slot_mut(storage, n) {
            slot.hidden_until = Some(until);
            self.reveal_due = Some(self.reveal_due.map_or(until, |due| due.min(until)));
        }
    }

    /// Shows what was hidden until now.
    pub(crate) fn reveal(&mut self, now: Duration) {
        if self.reveal_due.is_some_and(|due| due <= now) {
            let slots = self.banks.iter_mut().flat_map(|bank| bank.slots.iter_mut().flatten());
            self.reveal_due = slots
                .filter_map(|slot| {
                    slot.hidden_until.take_if(|until| *until <= now);
                    slot.hidden_until
                })
                .min();
        }
    }

    /// When the next hidden message shows.
    pub(crate) fn reveal_due(&self) -> Option<Duration> {
        self.reveal_due
    }

    /// Empties every slot.
    pub(crate) fn clear(&mut self, storage: Storage) {
        for bank in self.banks.iter_mut().filter(|bank| bank.storage == storage) {
            bank.slots.fill(None);
        }
    }

    /// Another card is put in: the messages of the old one go with it, and those the new one had come.
    pub(crate) fn exchange_card(&mut self, old: &str, new: &str) {
        let Some(bank) = self.banks.iter_mut().find(|bank| bank.storage == Storage::Sm) else { return };
        let empty = vec![None; bank.slots.len()];
        let taken_out = std::mem::replace(&mut bank.slots, empty);
        self.cards.insert(old.into(), taken_out);
        if let Some(slots) = self.cards.remove(new) {
            bank.slots = slots;
        }
    }

    /// Puts a message into the lowest free slot; its number, or `None` when there is no room.
    pub(crate) fn store(&mut self, storage: Storage, status: Status, pdu: &str) -> Option<usize> {
        if self.full && matches!(status, Status::Unread | Status::Read) {
            return None;
        }
        let (first, last) = self.range(storage);
        for n in first..=last {
            if let Some(slot @ None) = self.slot_mut(storage, n) {
                *slot = Some(Slot { status, pdu: pdu.into(), hidden_until: None });
                return Some(n);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mt_shows_me_then_sm() {
        let mut s = Storages::new(&[(Storage::Sm, 2), (Storage::Me, 1)], 1);
        assert_eq!(s.store(Storage::Sm, Status::Unread, "00AA"), Some(1));
        assert_eq!(s.store(Storage::Mt, Status::Unread, "00BB"), Some(1));
        assert_eq!(s.store(Storage::Mt, Status::Unread, "00CC"), Some(3));
        assert_eq!(s.store(Storage::Mt, Status::Unread, "00DD"), None);
        let seen: Vec<_> = s.list(Storage::Mt).into_iter().map(|(n, m)| (n, m.storage, m.slot)).collect();
        assert_eq!(seen, [(1, Storage::Me, 1), (2, Storage::Sm, 1), (3, Storage::Sm, 2)]);
        assert!(s.delete(Storage::Mt, 2));
        assert!(!s.delete(Storage::Sm, 1));
        assert_eq!(s.usage(Storage::Mt), (2, 3));
    }
}
