//! Owns damage: octets that were right, changed at a few places.

use super::seed::Seed;

/// Changes, removes, inserts or doubles octets at one to four places.
pub fn damage(seed: &mut Seed, octets: &mut Vec<u8>) {
    for _ in 0..=seed.below(4) {
        if octets.is_empty() {
            return;
        }
        let at = seed.below(octets.len() as u64) as usize;
        match seed.below(6) {
            0 => octets.truncate(at),
            1 => octets[at] ^= 1 << seed.below(8),
            2 => octets[at] = seed.next() as u8,
            3 => octets.insert(at, seed.next() as u8),
            4 => octets.extend_from_within(at..),
            _ => octets[at] = [0x00, 0x7f, 0x80, 0xff][seed.below(4) as usize],
        }
    }
}
