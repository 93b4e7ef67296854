//! Packing seven-bit septets into octets, low bits first: for SMS (TS 23.038 6.1.2.1), cell broadcast (6.1.2.2, the
//! same) and USSD (6.1.2.3, which pads in its own way).
//!
//! A septet is one octet with its top bit clear. Fill bits follow a user data header and move the text to a septet
//! boundary.

/// The carriage return that USSD pads with.
const CR: u8 = 0x0D;

/// The number of octets that `septets` septets take after `fill_bits` bits.
pub const fn packed_len(septets: usize, fill_bits: usize) -> usize {
    (septets * 7 + fill_bits).div_ceil(8)
}

/// Appends septets packed into octets, after `fill_bits` (0 to 6) zero bits. The top bit of a septet is ignored.
///
/// ```
/// let mut octets = Vec::new();
/// smsbridge_codec::gsm7::pack_into(b"hellohello", 0, &mut octets);
/// assert_eq!(octets, [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
/// ```
pub fn pack_into(septets: &[u8], fill_bits: usize, octets: &mut Vec<u8>) {
    octets.reserve(packed_len(septets.len(), fill_bits));
    let (mut bits, mut count) = (0u16, fill_bits);
    for septet in septets {
        bits |= u16::from(septet & 0x7F) << count;
        count += 7;
        if count >= 8 {
            octets.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        octets.push(bits as u8);
    }
}

/// Appends `count` septets from octets, after `fill_bits` (0 to 6) bits; fewer if the octets hold fewer.
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

/// Fills a slice with septets from octets, after `fill_bits` (0 to 6) bits, and returns how many of them the octets hold.
pub(super) fn unpack(octets: &[u8], fill_bits: usize, septets: &mut [u8]) -> usize {
    let held = ((octets.len() * 8).saturating_sub(fill_bits) / 7).min(septets.len());
    for (index, septet) in septets[..held].iter_mut().enumerate() {
        let bit = fill_bits + index * 7;
        let low = u16::from(octets[bit / 8]);
        let high = octets.get(bit / 8 + 1).copied().map_or(0, u16::from);
        *septet = ((high << 8 | low) >> (bit % 8)) as u8 & 0x7F;
    }
    held
}

/// Packs septets for USSD (6.1.2.3.1). Seven spare bits in the last octet would read as `@`, so they carry a carriage
/// return; a text that itself ends with one on an octet boundary gets a second, so that the first is kept.
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

/// Unpacks USSD septets and removes the padding.
pub fn unpack_ussd(octets: &[u8]) -> Vec<u8> {
    let mut septets = Vec::new();
    unpack_into(octets, 0, usize::MAX, &mut septets);
    // Padding is a last septet that ends with its octet, or a second carriage return just after a boundary.
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
    fn septets_read_back_for_every_length_and_fill() {
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
