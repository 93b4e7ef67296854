//! Joining the parts of a concatenated message (TS 23.040 9.2.3.24.1): order, duplicates, missing parts.
//!
//! It keeps no state. The caller collects the parts that belong together (same sender; same reference, width and total of
//! their [`Concatenation`]) and decides how long to wait for missing ones.

use std::fmt;

use crate::dcs::Alphabet;
use crate::gsm7;
use crate::ucs2;
use crate::udh::Concatenation;
use crate::user_data::UserData;

/// A message joined from its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Joined {
    /// The text or data of the parts present, in order. Nothing stands in for missing parts.
    pub content: Content,
    /// The number of parts of the message.
    pub total: u8,
    /// The numbers of the missing parts, in order, from 1.
    pub missing: Vec<u8>,
    /// The number of parts ignored because a part with the same number came before.
    pub duplicates: usize,
}

impl Joined {
    /// Whether no part is missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

/// The text or data of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Content {
    /// Text, if all parts are 7-bit or UCS-2.
    Text(String),
    /// Octets, if any part is 8-bit data or compressed text.
    Data(Vec<u8>),
}

/// Parts that are not the parts of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum JoinError {
    /// There are no parts.
    NoParts,
    /// A part belongs to another message than the first: its reference, width or total differs, or only one of the two is
    /// concatenated.
    DifferentMessage {
        /// The index of that part, from 0.
        index: usize,
    },
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::NoParts => f.write_str("no parts to join"),
            JoinError::DifferentMessage { index } => {
                write!(f, "part {} belongs to a different message", index + 1)
            }
        }
    }
}

impl std::error::Error for JoinError {}

/// Joins the parts of one message, given in any order. Of parts with the same number, the first is used. A part without a
/// concatenation element is a message of one part.
///
/// ```
/// use smsbridge_codec::{Content, join, split};
///
/// let text = "A message of many words. ".repeat(20);
/// let mut parts = split(&text, &Default::default())?;
/// parts.reverse();
/// assert_eq!(join(&parts)?.content, Content::Text(text));
/// parts.pop();
/// assert_eq!(join(&parts)?.missing, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// No parts, or parts of different messages.
pub fn join<'p, 'a: 'p>(parts: impl IntoIterator<Item = &'p UserData<'a>>) -> Result<Joined, JoinError> {
    let mut by_number: Vec<Option<&UserData<'_>>> = Vec::new();
    let mut set: Option<Option<Concatenation>> = None;
    let mut duplicates = 0;
    for (index, part) in parts.into_iter().enumerate() {
        let place = part.concatenation();
        let expected = *set.get_or_insert(place);
        if !same_message(expected, place) {
            return Err(JoinError::DifferentMessage { index });
        }
        let (total, sequence) = place.map_or((1, 1), |place| (place.total, place.sequence));
        by_number.resize(total.into(), None);
        let entry = &mut by_number[usize::from(sequence) - 1];
        if entry.is_some() {
            duplicates += 1;
        } else {
            *entry = Some(part);
        }
    }
    if by_number.is_empty() {
        return Err(JoinError::NoParts);
    }
    let missing =
        (1..=by_number.len()).filter(|&number| by_number[number - 1].is_none()).map(|number| number as u8);
    Ok(Joined {
        total: by_number.len() as u8,
        missing: missing.collect(),
        duplicates,
        content: content(&by_number),
    })
}

fn same_message(one: Option<Concatenation>, other: Option<Concatenation>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => {
            (one.reference, one.total, one.wide) == (other.reference, other.total, other.wide)
        }
        (None, None) => true,
        _ => false,
    }
}

fn content(by_number: &[Option<&UserData<'_>>]) -> Content {
    let present = || by_number.iter().copied().flatten();
    let is_text = |part: &UserData<'_>| part.alphabet() != Alphabet::EightBit && !part.is_compressed();
    if !present().all(is_text) {
        return Content::Data(present().flat_map(UserData::data).copied().collect());
    }
    // Some senders cut between an escape and its character, or within a UCS-2 character. So septets and octets of
    // consecutive parts are put together first, and then decoded.
    let mut text = String::new();
    let mut run: Vec<&UserData<'_>> = Vec::new();
    for entry in by_number {
        if !matches!((run.last(), entry), (Some(last), Some(part)) if are_read_alike(last, part)) {
            run_into(&run, &mut text);
            run.clear();
        }
        run.extend(entry);
    }
    run_into(&run, &mut text);
    Content::Text(text)
}

fn are_read_alike(one: &UserData<'_>, other: &UserData<'_>) -> bool {
    (one.alphabet(), one.languages()) == (other.alphabet(), other.languages())
}

/// Appends the text of consecutive parts that are read alike.
fn run_into(run: &[&UserData<'_>], text: &mut String) {
    match run {
        [] => {}
        [part] => _ = part.text_into(text),
        [first, ..] if first.alphabet() == Alphabet::Ucs2 => {
            let is_odd = |length: usize| !length.is_multiple_of(2);
            // With an odd octet in all, the odd one of a part is not half of a character that the next one completes.
            let keep_halves = !is_odd(run.iter().map(|part| part.data().len()).sum());
            let whole = |part: &UserData<'_>| {
                let length = part.data().len();
                if keep_halves { length } else { length - length % 2 }
            };
            let octets: Vec<u8> = run.iter().flat_map(|part| &part.data()[..whole(part)]).copied().collect();
            ucs2::decode_into(&octets, text);
        }
        [first, ..] => {
            let mut septets = Vec::with_capacity(run.len() * UserData::MAX_SEPTETS);
            for part in run {
                let count = part.septets().unwrap_or_default();
                gsm7::unpack_into(part.data(), part.fill_bits(), count, &mut septets);
            }
            gsm7::decode_into(&septets, first.languages().unwrap_or_default(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::{Reference, SplitOptions, split};
    use crate::udh::{Element, ElementId};

    fn parts(reference: Reference) -> Vec<UserData<'static>> {
        split(&"words ".repeat(40), &SplitOptions::default().with_reference(reference)).unwrap()
    }

    #[test]
    fn a_part_of_a_different_message_is_named() {
        let single = split("words", &SplitOptions::default()).unwrap();
        for other in [parts(Reference::EightBit(8)), parts(Reference::SixteenBit(7)), single] {
            let mixed: Vec<_> = parts(Reference::EightBit(7)).into_iter().chain(other).collect();
            assert_eq!(join(&mixed), Err(JoinError::DifferentMessage { index: 2 }));
        }
    }

    /// Parts of this user data, made of each piece by `make`.
    fn cut<const N: usize>(
        pieces: [&[u8]; N],
        make: impl Fn(Element<'_>, &[u8]) -> UserData<'static>,
    ) -> Vec<UserData<'static>> {
        let part = |(number, piece): (u8, &&[u8])| {
            make(Element { id: ElementId::CONCATENATION_8, data: &[7, N as u8, number] }, piece)
        };
        (1..).zip(&pieces).map(part).collect()
    }

    fn text(parts: &[UserData<'_>]) -> String {
        match join(parts).unwrap().content {
            Content::Text(text) => text,
            Content::Data(data) => panic!("data: {data:?}"),
        }
    }

    #[test]
    fn an_escape_may_be_cut_from_its_character() {
        let septets = |place: Element<'_>, piece: &[u8]| UserData::from_septets(&[place], piece).unwrap();
        let parts = cut([&[b'5', gsm7::ESCAPE], &[0x65, b'!', gsm7::ESCAPE], &[0x28]], septets);
        assert_eq!(text(&parts), "5€!{");
        assert_eq!(text(&[parts[0].clone(), parts[2].clone()]), "5 (", "the part between is missing");
        // A national table of its own.
        let turkish = Element { id: ElementId::SINGLE_SHIFT, data: &[1] };
        let turkish =
            |place: Element<'_>, piece: &[u8]| UserData::from_septets(&[place, turkish], piece).unwrap();
        assert_eq!(text(&cut([&[gsm7::ESCAPE], &[0x53]], turkish)), "Ş");
    }

    #[test]
    fn a_ucs2_character_may_be_cut_at_an_odd_octet() {
        let octets = |place: Element<'_>, piece: &[u8]| {
            let [high, low] = [place.id.0, place.data.len() as u8];
            let header = [&[high, low], place.data].concat();
            UserData::encode_octets(Alphabet::Ucs2, &header, piece).unwrap()
        };
        let mut all = Vec::new();
        ucs2::encode_into("Пар😀ом", &mut all);
        for at in 1..all.len() - 1 {
            for then in at + 1..all.len() {
                let parts = cut([&all[..at], &all[at..then], &all[then..]], octets);
                assert_eq!(text(&parts), "Пар😀ом", "cut at {at} and {then}");
            }
        }
        let spurious = cut([&[0x04, 0x1F, 0x00], &[0x04, 0x30]], octets);
        assert_eq!(text(&spurious), "Па", "an octet too many is not half of a character");
    }

    #[test]
    fn no_parts_are_no_message() {
        assert_eq!(join([]), Err(JoinError::NoParts));
    }
}
