//! Owns the way from a text to parts: which alphabet, where to cut, what the header takes (TS 23.040 9.2.3.24.1, TS
//! 23.038 6.2).
//!
//! A cut never falls inside an escape sequence or a surrogate pair, and no text is changed: what cannot be sent as asked
//! is refused. References come from the caller, since numbers that must differ need a memory and there is none here.

use crate::dcs::Alphabet;
use crate::error::{EncodeError, EncodeErrorKind, Field};
use crate::gsm7::{self, Languages};
use crate::udh::{Concatenation, Ports, id};
use crate::user_data::{MAX_OCTETS, UserData};
use crate::{clusters, ucs2};

/// Which alphabet a text may be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// The 7-bit alphabet if it has every character, else UCS-2.
    #[default]
    Auto,
    /// The 7-bit alphabet; a character it does not have is an error.
    Gsm7,
    /// UCS-2.
    Ucs2,
}

/// What tells the parts of one message from those of another. Two messages to one recipient must not have the same one
/// within a few days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reference {
    /// 8 bits: 153 septets, 67 UCS-2 units or 134 octets a part.
    EightBit(u8),
    /// 16 bits: 152, 66 or 133 a part; some old phones cannot join these.
    SixteenBit(u16),
}

impl Default for Reference {
    fn default() -> Self {
        Reference::EightBit(0)
    }
}

/// Which national language tables a text may be sent with. Phones outside the country often cannot read them, so none is
/// the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LanguageChoice {
    /// The default alphabet only.
    #[default]
    None,
    /// Also the tables of one language, by its national language identifier (1 to 13): its locking shift, its single
    /// shift, or both.
    Only(u8),
    /// Any pair of tables.
    Any,
}

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SplitOptions {
    /// Which alphabet; [`split_data`] does not look at it.
    pub encoding: Encoding,
    /// What the parts have in common; a message of one part carries none.
    pub reference: Reference,
    /// Application ports, in the header of every part.
    pub ports: Option<Ports>,
    /// Which national language tables may be used.
    pub languages: LanguageChoice,
    /// Do not cut inside what a reader takes for one character (an emoji of several, a letter and its accent) where that
    /// costs no further part. Off, every part is filled, as most senders do: receivers join before they show.
    pub whole_clusters: bool,
}

/// What a text or data comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Count {
    /// The alphabet it is sent in.
    pub alphabet: Alphabet,
    /// The language tables it is sent with.
    pub languages: Languages,
    /// How many parts, at least 1.
    pub parts: usize,
    /// Septets (an escape sequence counts two), 16-bit units or octets, headers not counted.
    pub units: usize,
    /// How many more units fit into the last part.
    pub units_left: usize,
}

/// The most parts of one message.
pub const MAX_PARTS: usize = 255;

/// What is left of 140 octets, in units, after a header of so many octets without its length octet.
fn room(alphabet: Alphabet, header: usize) -> usize {
    let octets = MAX_OCTETS - if header == 0 { 0 } else { header + 1 };
    match alphabet {
        Alphabet::Gsm7 => octets * 8 / 7,
        Alphabet::EightBit => octets,
        Alphabet::Ucs2 => octets / 2,
    }
}

/// How a text will be sent, before any octet of it is made.
struct Plan {
    alphabet: Alphabet,
    languages: Languages,
    units: usize,
    /// The length of each part, in octets of the text given.
    cuts: Vec<usize>,
    room: usize,
    last_units: usize,
}

impl SplitOptions {
    /// Octets of the header that every part has, concatenation aside.
    fn header_len(&self, languages: Languages) -> usize {
        let ports = self.ports.map_or(0, |ports| if ports.is_written_wide() { 6 } else { 4 });
        ports + 3 * usize::from(languages.locking != 0) + 3 * usize::from(languages.single_shift != 0)
    }

    fn concatenation_len(&self) -> usize {
        match self.reference {
            Reference::EightBit(_) => 5,
            Reference::SixteenBit(_) => 6,
        }
    }

    fn write_header(&self, languages: Languages, total: usize, index: usize, header: &mut Vec<u8>) {
        header.clear();
        if total > 1 {
            let (reference, wide) = match self.reference {
                Reference::EightBit(reference) => (reference.into(), false),
                Reference::SixteenBit(reference) => (reference, true),
            };
            let (total, sequence) = (total as u8, index as u8 + 1);
            Concatenation { reference, total, sequence, wide }.write(header);
        }
        if let Some(ports) = self.ports {
            ports.write(header);
        }
        if languages.single_shift != 0 {
            header.extend_from_slice(&[id::SINGLE_SHIFT, 1, languages.single_shift]);
        }
        if languages.locking != 0 {
            header.extend_from_slice(&[id::LOCKING_SHIFT, 1, languages.locking]);
        }
    }

    /// The way that takes the fewest parts. Of equals the first counts: the default alphabet, which every phone reads,
    /// then UCS-2, which nearly every one does, then national tables.
    fn plan(&self, text: &str) -> Result<Plan, EncodeError> {
        let in_default = || self.plan_in(text, Alphabet::Gsm7, Languages::default(), gsm7::septets_of);
        let in_ucs2 = || {
            self.plan_in(text, Alphabet::Ucs2, Languages::default(), |character| Some(character.len_utf16()))
        };
        let plain = match self.encoding {
            Encoding::Gsm7 => in_default(),
            Encoding::Ucs2 => return in_ucs2(),
            Encoding::Auto => in_default().or_else(|_| in_ucs2()),
        };
        match (plain, self.plan_in_languages(text)) {
            (Ok(plain), Some(national)) if national.cuts.len() < plain.cuts.len() => Ok(national),
            (Err(_), Some(national)) => Ok(national),
            (plain, _) => plain,
        }
    }

    /// The cheapest pair of national tables that has every character, if there is one.
    fn plan_in_languages(&self, text: &str) -> Option<Plan> {
        let identifiers = match self.languages {
            LanguageChoice::None => return None,
            LanguageChoice::Only(identifier) => identifier..=identifier,
            LanguageChoice::Any => 1..=gsm7::LAST_LANGUAGE,
        };
        let with_none = || std::iter::once(0).chain(identifiers.clone());
        with_none()
            .flat_map(|locking| with_none().map(move |single_shift| Languages { locking, single_shift }))
            .filter(|&languages| languages != Languages::default() && gsm7::has_tables(languages))
            .filter_map(|languages| {
                let cost = |character| {
                    gsm7::septet_in(character, languages).map(|(_, escaped)| 1 + usize::from(escaped))
                };
                self.plan_in(text, Alphabet::Gsm7, languages, cost).ok()
            })
            .min_by_key(|plan| (plan.cuts.len(), plan.units + self.header_len(plan.languages)))
    }

    /// Cuts a text, with `cost` the units of a character (`None` if it cannot be sent).
    fn plan_in(
        &self,
        text: &str,
        alphabet: Alphabet,
        languages: Languages,
        cost: impl Fn(char) -> Option<usize>,
    ) -> Result<Plan, EncodeError> {
        let mut units = 0;
        for (index, character) in text.chars().enumerate() {
            match cost(character) {
                Some(cost) => units += cost,
                None => return Err(EncodeError::new(Field::Text, EncodeErrorKind::BadCharacter { index })),
            }
        }
        let header = self.header_len(languages);
        let room_alone = room(alphabet, header);
        if units <= room_alone {
            let cuts = vec![text.len()];
            return Ok(Plan { alphabet, languages, units, cuts, room: room_alone, last_units: units });
        }
        let room = room(alphabet, header + self.concatenation_len());
        let cost = |character| cost(character).unwrap_or(0);
        let (mut cuts, mut last_units) = cut(characters(text), room, cost);
        if self.whole_clusters {
            let (whole, last) = cut(clusters::of(text), room, cost);
            if whole.len() == cuts.len() {
                (cuts, last_units) = (whole, last);
            }
        }
        if cuts.len() > MAX_PARTS {
            return Err(EncodeError::new(Field::Text, EncodeErrorKind::TooManyParts));
        }
        Ok(Plan { alphabet, languages, units, cuts, room, last_units })
    }
}

fn characters(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().map(|(start, character)| &text[start..start + character.len_utf8()])
}

/// Fills parts with pieces that stay whole, unless one is more than a part holds: that one goes by characters. Gives the
/// octets of text in each part and the units in the last.
fn cut<'t>(
    pieces: impl Iterator<Item = &'t str>,
    room: usize,
    cost: impl Fn(char) -> usize,
) -> (Vec<usize>, usize) {
    let mut cuts = Vec::new();
    let (mut octets, mut units) = (0, 0);
    let mut add = |octets_more: usize, units_more: usize| {
        if units + units_more > room {
            cuts.push(octets);
            (octets, units) = (0, 0);
        }
        octets += octets_more;
        units += units_more;
    };
    for piece in pieces {
        let whole = piece.chars().map(&cost).sum();
        if whole <= room {
            add(piece.len(), whole);
        } else {
            piece.chars().for_each(|character| add(character.len_utf8(), cost(character)));
        }
    }
    cuts.push(octets);
    (cuts, units)
}

/// Cuts a text into the user data of as many parts as it takes; an empty text is one empty part.
///
/// # Errors
/// A character that the alphabet asked for does not have, or more than 255 parts.
pub fn split(text: &str, options: &SplitOptions) -> Result<Vec<UserData<'static>>, EncodeError> {
    let plan = options.plan(text)?;
    let total = plan.cuts.len();
    let mut parts = Vec::with_capacity(total);
    let (mut header, mut coded) = (Vec::new(), Vec::with_capacity(plan.room));
    let mut rest = text;
    for (index, &octets) in plan.cuts.iter().enumerate() {
        let (part, after) = rest.split_at(octets);
        rest = after;
        options.write_header(plan.languages, total, index, &mut header);
        coded.clear();
        parts.push(match plan.alphabet {
            Alphabet::Gsm7 => {
                gsm7::encode_with(part, plan.languages, &mut coded).map_err(|index| {
                    EncodeError::new(Field::Text, EncodeErrorKind::BadCharacter { index })
                })?;
                UserData::compose_septets(&header, &coded)?
            }
            _ => {
                ucs2::encode_into(part, &mut coded);
                UserData::compose_octets(Alphabet::Ucs2, &header, &coded)?
            }
        });
    }
    Ok(parts)
}

/// Cuts data into the user data of as many 8-bit parts as it takes.
///
/// # Errors
/// More than 255 parts.
pub fn split_data(data: &[u8], options: &SplitOptions) -> Result<Vec<UserData<'static>>, EncodeError> {
    let count = count_data(data, options)?;
    let mut header = Vec::new();
    let mut parts = Vec::with_capacity(count.parts);
    let room = data_room(count.parts, options);
    for index in 0..count.parts {
        options.write_header(Languages::default(), count.parts, index, &mut header);
        let part = &data[index * room..data.len().min((index + 1) * room)];
        parts.push(UserData::compose_octets(Alphabet::EightBit, &header, part)?);
    }
    Ok(parts)
}

fn data_room(parts: usize, options: &SplitOptions) -> usize {
    let concatenation = if parts > 1 { options.concatenation_len() } else { 0 };
    room(Alphabet::EightBit, options.header_len(Languages::default()) + concatenation)
}

/// What a text would come to, without making any of it. It agrees with [`split()`] always.
///
/// # Errors
/// As [`split()`].
pub fn count(text: &str, options: &SplitOptions) -> Result<Count, EncodeError> {
    let Plan { alphabet, languages, units, cuts, room, last_units } = options.plan(text)?;
    Ok(Count { alphabet, languages, parts: cuts.len(), units, units_left: room - last_units })
}

/// What data would come to.
///
/// # Errors
/// As [`split_data`].
pub fn count_data(data: &[u8], options: &SplitOptions) -> Result<Count, EncodeError> {
    let alone = data_room(1, options);
    let (parts, room) = if data.len() <= alone {
        (1, alone)
    } else {
        let room = data_room(2, options);
        (data.len().div_ceil(room), room)
    };
    if parts > MAX_PARTS {
        return Err(EncodeError::new(Field::UserData, EncodeErrorKind::TooManyParts));
    }
    let units_left = parts * room - data.len();
    let alphabet = Alphabet::EightBit;
    Ok(Count { alphabet, languages: Languages::default(), parts, units: data.len(), units_left })
}
