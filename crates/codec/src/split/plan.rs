//! Decides how a text is sent: its alphabet and language tables, and where it is cut.
//!
//! Every candidate is encoded once; the one with the fewest parts wins. A part never ends within an escape sequence or a
//! surrogate pair.

use super::options::{Encoding, LanguageChoice, MAX_PARTS, SplitOptions, capacity};
use crate::dcs::Alphabet;
use crate::error::{EncodeError, EncodeErrorKind, Field};
use crate::gsm7::{self, Languages};
use crate::ucs2;

/// How a text is sent.
pub(super) struct Plan {
    pub(super) alphabet: Alphabet,
    pub(super) languages: Languages,
    /// Septets, one per octet, or UCS-2 octets.
    encoded: Vec<u8>,
    /// Where each part ends, in units.
    ends: Vec<usize>,
    /// How many units a part holds.
    capacity: usize,
}

impl Plan {
    /// The plan with the fewest parts. Of equal ones, the default alphabet comes first, which every phone reads, then
    /// UCS-2, which nearly every phone reads, then national tables.
    pub(super) fn new(text: &str, options: &SplitOptions) -> Result<Plan, EncodeError> {
        let gsm7 = || Plan::in_alphabet(text, Alphabet::Gsm7, Languages::default(), options);
        let ucs2 = || Plan::in_alphabet(text, Alphabet::Ucs2, Languages::default(), options);
        let plain = match options.encoding {
            Encoding::Gsm7 => gsm7(),
            Encoding::Ucs2 => return ucs2(),
            Encoding::Auto => gsm7().or_else(|_| ucs2()),
        };
        match (plain, Plan::in_national_tables(text, options)) {
            (Ok(plain), Some(national)) if national.parts() < plain.parts() => Ok(national),
            (Err(_), Some(national)) => Ok(national),
            (plain, _) => plain,
        }
    }

    /// The plan with the fewest septets among the permitted national tables that have every character.
    fn in_national_tables(text: &str, options: &SplitOptions) -> Option<Plan> {
        let identifiers = match options.languages {
            LanguageChoice::None => return None,
            LanguageChoice::Only(identifier) => identifier..=identifier,
            LanguageChoice::Any => 1..=gsm7::LAST_LANGUAGE,
        };
        let with_default = || std::iter::once(0).chain(identifiers.clone());
        with_default()
            .flat_map(|locking| with_default().map(move |single_shift| Languages { locking, single_shift }))
            .filter(|&languages| languages != Languages::default() && gsm7::has_tables(languages))
            .filter_map(|languages| Plan::in_alphabet(text, Alphabet::Gsm7, languages, options).ok())
            .min_by_key(|plan| (plan.parts(), plan.units() + options.header_len(plan.languages)))
    }

    fn in_alphabet(
        text: &str,
        alphabet: Alphabet,
        languages: Languages,
        options: &SplitOptions,
    ) -> Result<Plan, EncodeError> {
        let mut encoded = Vec::new();
        if alphabet == Alphabet::Ucs2 {
            ucs2::encode_into(text, &mut encoded);
        } else {
            let error = |index| EncodeError::new(Field::Text, EncodeErrorKind::BadCharacter { index });
            gsm7::encode_with(text, languages, &mut encoded).map_err(error)?;
        }
        let header = options.header_len(languages);
        let mut plan =
            Plan { alphabet, languages, encoded, ends: Vec::new(), capacity: capacity(alphabet, header) };
        if plan.units() <= plan.capacity {
            plan.ends.push(plan.units());
            return Ok(plan);
        }
        plan.capacity = capacity(alphabet, header + options.concatenation_len());
        plan.ends = plan.ends_of_full_parts();
        #[cfg(feature = "graphemes")]
        if options.keep_graphemes {
            let ends = plan.ends_at_graphemes(text);
            if ends.len() == plan.ends.len() {
                plan.ends = ends;
            }
        }
        if plan.parts() > MAX_PARTS {
            return Err(EncodeError::new(Field::Text, EncodeErrorKind::TooManyParts));
        }
        Ok(plan)
    }

    pub(super) fn parts(&self) -> usize {
        self.ends.len()
    }

    /// The length of the text in units: septets, or 16-bit units of UCS-2.
    pub(super) fn units(&self) -> usize {
        self.encoded.len() / self.octets_per_unit()
    }

    /// How many more units fit in the last part.
    pub(super) fn units_left(&self) -> usize {
        self.capacity - (self.units() - self.start(self.parts() - 1))
    }

    /// The encoded text of a part.
    pub(super) fn part(&self, index: usize) -> &[u8] {
        let octets = self.octets_per_unit();
        &self.encoded[self.start(index) * octets..self.ends[index] * octets]
    }

    fn start(&self, index: usize) -> usize {
        if index == 0 { 0 } else { self.ends[index - 1] }
    }

    fn octets_per_unit(&self) -> usize {
        if self.alphabet == Alphabet::Ucs2 { 2 } else { 1 }
    }

    /// The ends of parts that are as full as they can be.
    fn ends_of_full_parts(&self) -> Vec<usize> {
        let (octets, units) = (self.octets_per_unit(), self.units());
        let mut ends = Vec::with_capacity(units / self.capacity + 1);
        let mut end = 0;
        while units - end > self.capacity {
            end += self.capacity;
            let last = self.encoded[(end - 1) * octets];
            let begins_a_pair = match self.alphabet {
                // The high octet of a leading surrogate.
                Alphabet::Ucs2 => (0xD8..=0xDB).contains(&last),
                _ => last == gsm7::ESCAPE,
            };
            end -= usize::from(begins_a_pair);
            ends.push(end);
        }
        ends.push(units);
        ends
    }

    /// The ends of parts that do not cut grapheme clusters, except those that are longer than a part.
    #[cfg(feature = "graphemes")]
    fn ends_at_graphemes(&self, text: &str) -> Vec<usize> {
        use unicode_segmentation::UnicodeSegmentation as _;

        let units_of = |character: char| match self.alphabet {
            Alphabet::Ucs2 => character.len_utf16(),
            _ => {
                gsm7::septet_in(character, self.languages).map_or(1, |(_, escaped)| 1 + usize::from(escaped))
            }
        };
        let (mut ends, mut start, mut end) = (Vec::new(), 0, 0);
        let mut add = |units: usize| {
            if end + units - start > self.capacity {
                ends.push(end);
                start = end;
            }
            end += units;
        };
        for grapheme in text.graphemes(true) {
            let units = grapheme.chars().map(units_of).sum();
            if units <= self.capacity {
                add(units);
            } else {
                grapheme.chars().for_each(|character| add(units_of(character)));
            }
        }
        ends.push(end);
        ends
    }
}
