//! Joining the parts of a concatenated message (TS 23.040 9.2.3.24.1): order, duplicates, missing parts.
//!
//! It keeps no state. The caller collects the parts that belong together (same sender; same reference, width and total of
//! their [`Concatenation`]) and decides how long to wait for missing ones.

use std::fmt;

use crate::dcs::Alphabet;
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
    let mut text = String::new();
    // A surrogate pair may be cut between two consecutive parts, so their octets are decoded together.
    let mut units: Vec<u8> = Vec::new();
    for entry in by_number {
        match entry {
            Some(part) if part.alphabet() == Alphabet::Ucs2 => units.extend_from_slice(part.data()),
            part => {
                ucs2::decode_into(&units, &mut text);
                units.clear();
                if let Some(part) = part {
                    part.text_into(&mut text);
                }
            }
        }
    }
    ucs2::decode_into(&units, &mut text);
    Content::Text(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split::{Reference, SplitOptions, split};

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

    #[test]
    fn no_parts_are_no_message() {
        assert_eq!(join([]), Err(JoinError::NoParts));
    }
}
