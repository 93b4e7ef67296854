//! Owns the way from parts back to a message (TS 23.040 9.2.3.24.1): order, duplicates, what is missing.
//!
//! Pure over the parts it is given: which parts belong together (same sender, same [`crate::Concatenation`] reference,
//! width and total) and how long to wait for the rest is the caller's business, since that needs a memory and a clock.

use std::fmt;

use crate::dcs::Alphabet;
use crate::ucs2;
use crate::udh::Concatenation;
use crate::user_data::UserData;

/// What the parts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The text or data of the parts that are there, in order, with nothing put in for those that are not.
    pub content: Content,
    /// How many parts the message has.
    pub total: u8,
    /// The parts that are not there, in order, the first being 1.
    pub missing: Vec<u8>,
    /// How many parts were left out because the same one had come before.
    pub duplicates: usize,
}

impl Joined {
    /// Whether every part is there.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Text or data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, of 7-bit and UCS-2 parts.
    Text(String),
    /// Data, if any part is 8-bit or compressed.
    Data(Vec<u8>),
}

/// Parts that make no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinError {
    /// There is no part at all.
    NoParts,
    /// A part belongs to another message than the first: another reference, width or total, or none.
    Foreign {
        /// Which of the parts given, the first being 0.
        index: usize,
    },
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::NoParts => f.write_str("no parts to join"),
            JoinError::Foreign { index } => write!(f, "part {} belongs to another message", index + 1),
        }
    }
}

impl std::error::Error for JoinError {}

/// Joins the parts of one message, in whatever order they came. Of parts with the same number the first counts.
///
/// A part without a concatenation element is a message of one.
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
/// No part, or one that does not belong with the first.
pub fn join<'p, 'a: 'p>(parts: impl IntoIterator<Item = &'p UserData<'a>>) -> Result<Joined, JoinError> {
    let mut slots: Vec<Option<&UserData<'_>>> = Vec::new();
    let mut set: Option<Option<Concatenation>> = None;
    let mut duplicates = 0;
    for (index, part) in parts.into_iter().enumerate() {
        let place = part.concatenation();
        let expected = *set.get_or_insert(place);
        if !same_message(expected, place) {
            return Err(JoinError::Foreign { index });
        }
        let (total, sequence) = place.map_or((1, 1), |place| (place.total, place.sequence));
        slots.resize(total.into(), None);
        let slot = &mut slots[usize::from(sequence) - 1];
        if slot.is_some() {
            duplicates += 1;
        } else {
            *slot = Some(part);
        }
    }
    if slots.is_empty() {
        return Err(JoinError::NoParts);
    }
    let missing = (1..=slots.len()).filter(|&number| slots[number - 1].is_none()).map(|number| number as u8);
    Ok(Joined { total: slots.len() as u8, missing: missing.collect(), duplicates, content: content(&slots) })
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

fn content(slots: &[Option<&UserData<'_>>]) -> Content {
    let present = || slots.iter().copied().flatten();
    let is_text = |part: &UserData<'_>| part.alphabet() != Alphabet::EightBit && !part.is_compressed();
    if !present().all(is_text) {
        return Content::Data(present().flat_map(UserData::data).copied().collect());
    }
    let mut text = String::new();
    // A character may be cut between two parts that follow each other, so their octets are read as one.
    let mut units: Vec<u8> = Vec::new();
    for slot in slots {
        match slot {
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
