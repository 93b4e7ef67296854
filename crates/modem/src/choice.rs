//! Which storages and notifications to set, chosen from what the modem supports.
//!
//! Pure functions over the answers to `AT+CPMS=?` and `AT+CNMI=?`; [`crate::bring_up`] asks and sets.
//! A modem that does not list what it supports gets the usual values.

use crate::at::params::{names, range};
use crate::profile::Profile;
use crate::ready::Cnmi;
use crate::storage::Storage;

/// What `AT+CPMS=?` lists: storages to read from and to receive into. Empty where the modem lists none.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Offer {
    pub(crate) read: Vec<Storage>,
    pub(crate) receive: Vec<Storage>,
}

impl Offer {
    pub(crate) fn parse(rest: &str) -> Self {
        // `("SM","ME"),("SM","ME"),("SM")`, or once more in parentheses, or one list for all.
        let mut groups: Vec<Vec<Storage>> = rest
            .split(')')
            .map(|group| names(group).iter().filter_map(|name| Storage::parse(name)).collect())
            .filter(|group: &Vec<Storage>| !group.is_empty())
            .collect();
        let receive = if groups.len() >= 3 {
            groups.swap_remove(2)
        } else {
            groups.first().cloned().unwrap_or_default()
        };
        let read = groups.into_iter().next().unwrap_or_default();
        Self { read, receive }
    }
}

/// The storages to try for incoming messages, best first.
pub(crate) fn storages_to_receive_into(offer: &Offer, profile: &Profile) -> Vec<Storage> {
    let known = profile.receive_into.iter().filter(|s| offer.receive.is_empty() || offer.receive.contains(s));
    let others = offer.receive.iter().filter(|s| ![Storage::SR, Storage::BM].contains(s));
    let mut out: Vec<Storage> = Vec::new();
    for storage in known.chain(others) {
        if !out.contains(storage) && !profile.avoid.contains(storage) {
            out.push(*storage);
        }
    }
    out
}

/// The storages to look for messages in, each message once.
pub(crate) fn storages_to_sweep(offer: &Offer, receive: Storage, avoid: &[Storage]) -> Vec<Storage> {
    let mut out: Vec<Storage> =
        [Storage::SM, Storage::ME].into_iter().filter(|s| offer.read.contains(s)).collect();
    // MT is both of them seen as one: sweeping it too would show each message twice.
    if out.is_empty() && offer.read.contains(&Storage::MT) {
        out.push(Storage::MT);
    }
    if !out.contains(&receive) && (receive != Storage::MT || out.is_empty()) {
        out.push(receive);
    }
    if offer.read.contains(&Storage::SR) {
        out.push(Storage::SR);
    }
    out.retain(|storage| !avoid.contains(storage));
    out
}

/// `<mode>,<mt>,<bm>,<ds>,<bfr>` (TS 27.005 3.4.1), best first, from what is offered. mt is never 2
/// or 3: a message that is not stored must be acknowledged in time or is lost.
pub(crate) fn cnmi_candidates(offer: &[String], broadcast: bool) -> Vec<Cnmi> {
    const WANTED: [&[u16]; 5] = [&[2, 1, 3, 0], &[1, 0], &[0], &[2, 1, 0], &[0, 1]];
    const MAX_CANDIDATES: usize = 16;
    let choices: Vec<Vec<u16>> = WANTED
        .iter()
        .enumerate()
        .map(|(i, wanted)| {
            let offered = offer.get(i).map(|group| range(group)).unwrap_or_default();
            let both: Vec<u16> = wanted.iter().copied().filter(|n| offered.contains(n)).collect();
            if both.is_empty() { wanted.to_vec() } else { both }
        })
        .collect();
    // Broadcasts are delivered directly, never stored; from a modem that does not offer that, none are received.
    let offered = offer.get(2).map(|group| range(group)).unwrap_or_default();
    let bm = if broadcast && (offered.is_empty() || offered.contains(&2)) { 2 } else { 0 };
    let mut out = Vec::new();
    // What is cheapest to give up varies first: the buffer rule, then how reports come, then the mode.
    for mt in choices.get(1).into_iter().flatten() {
        for mode in choices.first().into_iter().flatten() {
            for ds in choices.get(3).into_iter().flatten() {
                for bfr in choices.get(4).into_iter().flatten() {
                    out.push(Cnmi { mode: *mode, mt: *mt, bm, ds: *ds, bfr: *bfr });
                }
            }
        }
    }
    out.truncate(MAX_CANDIDATES);
    out
}

/// The digits without filler; `None` where it is no ICCID.
pub(crate) fn tidy_iccid(text: &str) -> Option<String> {
    let text = text.trim_matches(['"', ' ']).trim_end_matches(['F', 'f']);
    ((18..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_string())
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
