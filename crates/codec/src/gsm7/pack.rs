//! Owns packing: seven-bit characters (septets) in octets, low bits first, for SMS (TS 23.038 6.1.2.1), cell broadcast
//! (6.1.2.2, the same) and USSD (6.1.2.3, with its own padding).
//!
//! Septets come from tables or from the caller as one octet each with the top bit clear. Fill bits are those after a
//! user data header that move the text to a septet boundary.

/// The carriage return USSD pads with.
const CR: u8 = 0x0D;

/// Octets that so many septets take after so many fill bits.
pub const fn packed_len(septets: usize, fill_bits: usize) -> usize {
    (septets * 7 + fill_bits).div_ceil(8)
}

/// Appends septets packed into octets, after `fill_bits` (0 to 6) zero bits. The top bit of a septet is not looked at.
///
/// ```
/// let mut octets = Vec::new();
/// smsbridge_codec::gsm7::pack_into(b"hellohello", 0, &mut octets);
/// assert_eq!(octets, [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
/// ```
pub fn pack_into(septets: &[u8], fill_bits: usize, octets: &mut Vec<u8>) {
    octets.reserve(packed_len(septets.len(), fill_bits) + 1);
    // Eight septets are seven octets; the fill bits push a few of theirs on into the next seven.
    let mut pushed_on = 0;
    let (eights, rest) = septets.as_chunks();
    for &eight in eights {
        let bits = close(eight) << fill_bits | pushed_on;
        octets.extend_from_slice(&bits.to_le_bytes()[..7]);
        pushed_on = bits >> 56;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let bits = close(last) << fill_bits | pushed_on;
    octets.extend_from_slice(&bits.to_le_bytes()[..packed_len(rest.len(), fill_bits)]);
}

/// Eight septets, the first lowest, as 56 bits without gaps: pairs of 7, of 14, of 28 move together.
fn close(septets: [u8; 8]) -> u64 {
    let bits = u64::from_le_bytes(septets);
    let bits = bits & 0x007F_007F_007F_007F | (bits & 0x7F00_7F00_7F00_7F00) >> 1;
    let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x3FFF_0000_3FFF_0000) >> 2;
    bits & 0x0000_0000_0FFF_FFFF | (bits & 0x0FFF_FFFF_0000_0000) >> 4
}

/// The eight septets of the lower 56 bits: [`close`] turned round.
fn spread(bits: u64) -> [u8; 8] {
    let bits = bits & 0x0000_0000_0FFF_FFFF | (bits & 0x00FF_FFFF_F000_0000) << 4;
    let bits = bits & 0x0000_3FFF_0000_3FFF | (bits & 0x0FFF_C000_0FFF_C000) << 2;
    let bits = bits & 0x007F_007F_007F_007F | (bits & 0x3F80_3F80_3F80_3F80) << 1;
    bits.to_le_bytes()
}

/// Appends `count` septets from octets, after `fill_bits` (0 to 6); fewer if the octets hold fewer.
///
/// ```
/// let mut septets = Vec::new();
/// smsbridge_codec::gsm7::unpack_into(&[0xE8, 0x32, 0x9B, 0xFD, 0x06], 0, 5, &mut septets);
/// assert_eq!(septets, b"hello");
/// ```
pub fn unpack_into(octets: &[u8], fill_bits: usize, count: usize, septets: &mut Vec<u8>) {
    let start = septets.len();
    septets.resize(start + count.min((octets.len() * 8).saturating_sub(fill_bits) / 7), 0);
    unpack(octets, fill_bits, &mut septets[start..]);
}

/// Fills a slice with septets from octets, after `fill_bits` (0 to 6), and says how many the octets hold of them.
pub(super) fn unpack(octets: &[u8], fill_bits: usize, septets: &mut [u8]) -> usize {
    let held = ((octets.len() * 8).saturating_sub(fill_bits) / 7).min(septets.len());
    let mut rest = octets;
    for septets in septets[..held].chunks_mut(8) {
        // Eight septets with the fill bits before them are in eight octets, and the next ones begin in the last of these.
        let bits = match rest.first_chunk::<8>() {
            Some(&eight) => u64::from_le_bytes(eight),
            None => {
                let mut eight = [0; 8];
                eight[..rest.len()].copy_from_slice(rest);
                u64::from_le_bytes(eight)
            }
        };
        let eight = spread(bits >> fill_bits);
        match <&mut [u8; 8]>::try_from(&mut *septets) {
            Ok(septets) => *septets = eight,
            Err(_) => septets.copy_from_slice(&eight[..septets.len()]),
        }
        rest = rest.get(7..).unwrap_or_default();
    }
    held
}

/// Packs septets for USSD (6.1.2.3.1): seven bits left over in the last octet would read as `@`, so they carry a
/// carriage return; and a text that itself ends with one on an octet boundary gets a second, to keep the first.
///
/// ```
/// use smsbridge_codec::gsm7::{pack_ussd, unpack_ussd};
///
/// assert_eq!(pack_ussd(b"*100#"), [0xAA, 0x18, 0x0C, 0x36, 0x02]);
/// assert_eq!(unpack_ussd(&pack_ussd(b"1234567")), b"1234567");
/// ```
pub fn pack_ussd(septets: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let ends_with_cr_on_the_boundary = septets.len().is_multiple_of(8) && septets.last() == Some(&CR);
    if septets.len() % 8 == 7 || ends_with_cr_on_the_boundary {
        let mut padded = septets.to_vec();
        padded.push(CR);
        pack_into(&padded, 0, &mut octets);
    } else {
        pack_into(septets, 0, &mut octets);
    }
    octets
}

/// Unpacks USSD septets and takes the padding off again.
pub fn unpack_ussd(octets: &[u8]) -> Vec<u8> {
    let mut septets = Vec::new();
    unpack_into(octets, 0, usize::MAX, &mut septets);
    // Padding stands only where the last septet ends with its octet, or alone after a boundary.
    let at_boundary = septets.len().is_multiple_of(8) && !septets.is_empty();
    let second_after_boundary = septets.len() % 8 == 1 && septets.len() > 1 && septets.ends_with(&[CR, CR]);
    if (at_boundary && septets.last() == Some(&CR)) || second_after_boundary {
        septets.pop();
    }
    septets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn septets_come_back_for_every_length_and_fill() {
        let text: Vec<u8> = (0..160).map(|i| (i * 37 % 128) as u8).collect();
        for length in 0..=160 {
            for fill_bits in 0..7 {
                let (mut octets, mut septets) = (Vec::new(), Vec::new());
                pack_into(&text[..length], fill_bits, &mut octets);
                assert_eq!(octets.len(), packed_len(length, fill_bits));
                unpack_into(&octets, fill_bits, length, &mut septets);
                assert_eq!(septets, text[..length], "length {length}, fill {fill_bits}");
            }
        }
    }

    #[test]
    fn ussd_text_of_any_length_keeps_its_end() {
        let mut text = b"*100# answer with many words".to_vec();
        for end in [b'x', CR] {
            for length in 1..text.len() {
                text[length - 1] = end;
                assert_eq!(unpack_ussd(&pack_ussd(&text[..length])), text[..length], "{length} septets");
                text[length - 1] = b'y';
            }
        }
    }
}
