//! What the modem refuses for now, and when each of it is tried again.
//!
//! The one place that decides that. A refusal was answered in step, so it ends no session and stops nothing else: the
//! ability waits for a pause that grows, and is tried again while the session lives. Pure: time is passed in. Input:
//! the refusals of `session`, `selection`, `sms` and `settings`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::at::error::{AtError, Refusal};
use crate::storage::Storage;

/// Something a modem can do, or refuse to: the graver first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ability {
    /// A storage can be read (`AT+CPMS`).
    Storage(Storage),
    /// A slot can be read (`AT+CMGR`).
    Read(Storage, u16),
    /// A slot can be deleted (`AT+CMGD`).
    Delete(Storage, u16),
    /// The messages of a storage can be listed (`AT+CMGL`).
    List(Storage),
    /// Messages are announced (`AT+CNMI`).
    Announce,
    /// The service centre is known (`AT+CSCA`).
    ServiceCentre,
    /// The SIM card's number is known.
    Iccid,
    /// A command the modem need not support.
    Optional(String),
}

impl Ability {
    /// Whether the gateway is worse off without it.
    fn is_needed(&self) -> bool {
        !matches!(self, Ability::Optional(_))
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(storage) => write!(f, "storage {storage} cannot be read"),
            Self::List(storage) => {
                write!(f, "the messages of {storage} cannot be listed and are read one by one")
            }
            Self::Read(storage, slot) => write!(f, "slot {slot} of {storage} cannot be read"),
            Self::Delete(storage, slot) => write!(f, "slot {slot} of {storage} cannot be deleted"),
            Self::Announce => f.write_str("messages are not announced and are looked for every minute"),
            Self::ServiceCentre => f.write_str("the number of the service centre cannot be read"),
            Self::Iccid => f.write_str("the number of the SIM card cannot be read"),
            Self::Optional(command) => write!(f, "{command} is not done"),
        }
    }
}

/// An ability the modem refuses for now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Refused {
    /// Which.
    pub ability: Ability,
    /// In the modem's words, the last time.
    pub reason: String,
    /// How often, in a row.
    pub times: u32,
}

#[derive(Debug)]
struct Entry {
    reason: String,
    times: u32,
    again_at: Instant,
    /// The modem said that it was done.
    is_pretended: bool,
}

/// The abilities the modem refuses for now.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    entries: BTreeMap<Ability, Entry>,
}

/// Slots and optional commands remembered at once: no modem has more.
const MAX_ENTRIES: usize = 4096;

impl Refusals {
    /// Whether the ability may be asked for now.
    pub(crate) fn is_due(&self, ability: &Ability, now: Instant) -> bool {
        self.entries.get(ability).is_none_or(|entry| now >= entry.again_at)
    }

    /// The modem refused it.
    pub(crate) fn refused(&mut self, ability: Ability, error: &AtError, now: Instant) {
        self.record(ability, error.refusal(), error.to_string(), false, now);
    }

    /// The modem said it was done, and it was not.
    pub(crate) fn not_done(&mut self, ability: Ability, reason: &str, now: Instant) {
        self.record(ability, Refusal::Lasting, reason.to_string(), true, now);
    }

    /// The modem says that it was done. Where that was not true before, it is not believed: a look has to tell.
    pub(crate) fn said_to_work(&mut self, ability: &Ability, now: Instant) {
        match self.entries.get(ability) {
            Some(Entry { is_pretended: true, reason, .. }) => {
                let reason = reason.clone();
                self.not_done(ability.clone(), &reason, now);
            }
            _ => self.works(ability),
        }
    }

    /// Whether it was refused and has not been seen to work since.
    pub(crate) fn is_refused(&self, ability: &Ability) -> bool {
        self.entries.contains_key(ability)
    }

    /// Only these slots of a storage hold anything: nothing is wanted of the others.
    pub(crate) fn holds_only(&mut self, storage: Storage, slots: &[u16]) {
        let is_gone = |ability: &&Ability| match ability {
            Ability::Read(of, slot) | Ability::Delete(of, slot) => *of == storage && !slots.contains(slot),
            _ => false,
        };
        let gone: Vec<Ability> = self.entries.keys().filter(is_gone).cloned().collect();
        gone.iter().for_each(|ability| self.works(ability));
    }

    fn record(&mut self, ability: Ability, kind: Refusal, reason: String, is_pretended: bool, now: Instant) {
        let times = self.entries.get(&ability).map_or(0, |entry| entry.times) + 1;
        let pause = pause(kind, times);
        tracing::debug!("{ability}: {reason}; tried again in {} s", pause.as_secs());
        if self.entries.len() < MAX_ENTRIES || self.entries.contains_key(&ability) {
            self.entries.insert(ability, Entry { reason, times, again_at: now + pause, is_pretended });
        }
    }

    /// The modem did it, or it is no longer needed.
    pub(crate) fn works(&mut self, ability: &Ability) {
        if self.entries.remove(ability).is_some() && ability.is_needed() {
            tracing::debug!("no longer: {ability}");
        }
    }

    /// When the first of those that are needed and not due yet will be.
    pub(crate) fn next_at(&self, now: Instant) -> Option<Instant> {
        self.needed_entries().map(|(_, entry)| entry.again_at).filter(|at| *at > now).min()
    }

    /// What is refused, without the commands a modem need not support.
    pub(crate) fn needed(&self) -> impl Iterator<Item = Refused> + '_ {
        self.needed_entries().map(|(ability, entry)| Refused {
            ability: ability.clone(),
            reason: entry.reason.clone(),
            times: entry.times,
        })
    }

    fn needed_entries(&self) -> impl Iterator<Item = (&Ability, &Entry)> {
        self.entries.iter().filter(|(ability, _)| ability.is_needed())
    }
}

/// How long to wait after the `times`-th refusal in a row.
fn pause(kind: Refusal, times: u32) -> Duration {
    let (first, longest) = match kind {
        Refusal::NotNow | Refusal::Sim => (2, 120),
        Refusal::Lasting => (15, 600),
        Refusal::Unsupported => (300, 3600),
    };
    Duration::from_secs((first << times.saturating_sub(1).min(12)).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_only_said_to_be_done_is_tried_again_ever_more_rarely_until_it_is() {
        let mut refusals = Refusals::default();
        let (slot, other) = (Ability::Delete(Storage::SM, 3), Ability::Read(Storage::SM, 4));
        refusals.not_done(slot.clone(), "it is still there", Instant::now());
        refusals.refused(other.clone(), &error("+CMS ERROR: 500"), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..4 {
            let pause = refusals.entries[&slot].again_at - Instant::now();
            pauses.push(pause.as_secs());
            tokio::time::advance(pause).await;
            refusals.said_to_work(&slot, Instant::now());
        }
        assert_eq!(pauses, [15, 30, 60, 120]);
        refusals.said_to_work(&other, Instant::now());
        assert!(!refusals.is_refused(&other), "it had never said so before");
        refusals.holds_only(Storage::ME, &[]);
        refusals.holds_only(Storage::SM, &[3]);
        assert!(refusals.is_refused(&slot));
        refusals.holds_only(Storage::SM, &[4]);
        assert!(!refusals.is_refused(&slot));
    }

    fn error(line: &str) -> AtError {
        AtError::parse(line).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_tried_again_after_pauses_that_grow_to_a_bound() {
        for (line, first, longest) in [
            ("+CMS ERROR: 500", 2, 120),
            ("ERROR", 2, 120),
            ("+CMS ERROR: 321", 15, 600),
            ("+CME ERROR: 4", 300, 3600),
        ] {
            let mut refusals = Refusals::default();
            let slot = Ability::Delete(Storage::SM, 3);
            let mut pauses = Vec::new();
            for _ in 0..20 {
                let now = Instant::now();
                assert!(refusals.is_due(&slot, now), "{line}");
                refusals.refused(slot.clone(), &error(line), now);
                let again_at = refusals.next_at(now).unwrap();
                assert!(!refusals.is_due(&slot, now));
                assert!(refusals.is_due(&Ability::Delete(Storage::SM, 4), now), "another slot waits, too");
                pauses.push((again_at - now).as_secs());
                tokio::time::advance(again_at - now).await;
            }
            assert_eq!((pauses[0], pauses[19]), (first, longest), "{line}");
            assert!(pauses.is_sorted(), "{line}: {pauses:?}");
            refusals.works(&slot);
            assert!(refusals.is_due(&slot, Instant::now()) && refusals.needed().next().is_none());
        }
    }
}
