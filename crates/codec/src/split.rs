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

/// How a text will be sent: coded, with the places to cut it at.
struct Plan {
    alphabet: Alphabet,
    languages: Languages,
    /// Septets, one an octet, or UCS-2 octets.
    coded: Vec<u8>,
    /// Where each part ends, in units.
    ends: Vec<usize>,
    /// Units that a part holds.
    room: usize,
}

impl Plan {
    /// Octets of `coded` that make a unit.
    fn unit(&self) -> usize {
        unit(self.alphabet)
    }

    fn units(&self) -> usize {
        self.coded.len() / self.unit()
    }
}

fn unit(alphabet: Alphabet) -> usize {
    if alphabet == Alphabet::Ucs2 { 2 } else { 1 }
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
        let in_default = || self.plan_in(text, Alphabet::Gsm7, Languages::default());
        let in_ucs2 = || self.plan_in(text, Alphabet::Ucs2, Languages::default());
        let plain = match self.encoding {
            Encoding::Gsm7 => in_default(),
            Encoding::Ucs2 => return in_ucs2(),
            Encoding::Auto => in_default().or_else(|_| in_ucs2()),
        };
        match (plain, self.plan_in_languages(text)) {
            (Ok(plain), Some(national)) if national.ends.len() < plain.ends.len() => Ok(national),
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
            .filter_map(|languages| self.plan_in(text, Alphabet::Gsm7, languages).ok())
            .min_by_key(|plan| (plan.ends.len(), plan.units() + self.header_len(plan.languages)))
    }

    fn plan_in(&self, text: &str, alphabet: Alphabet, languages: Languages) -> Result<Plan, EncodeError> {
        let mut coded = Vec::new();
        if alphabet == Alphabet::Ucs2 {
            ucs2::encode_into(text, &mut coded);
        } else {
            gsm7::encode_with(text, languages, &mut coded).map_err(no_such_character)?;
        }
        let header = self.header_len(languages);
        let mut plan = Plan { alphabet, languages, coded, ends: Vec::new(), room: room(alphabet, header) };
        if plan.units() <= plan.room {
            plan.ends.push(plan.units());
            return Ok(plan);
        }
        plan.room = room(alphabet, header + self.concatenation_len());
        plan.ends = ends_of_full_parts(&plan);
        if self.whole_clusters {
            let whole = ends_at_clusters(text, &plan);
            if whole.len() == plan.ends.len() {
                plan.ends = whole;
            }
        }
        if plan.ends.len() > MAX_PARTS {
            return Err(EncodeError::new(Field::Text, EncodeErrorKind::TooManyParts));
        }
        Ok(plan)
    }
}

fn no_such_character(index: usize) -> EncodeError {
    EncodeError::new(Field::Text, EncodeErrorKind::BadCharacter { index })
}

/// Fills every part, but does not cut what belongs together.
fn ends_of_full_parts(plan: &Plan) -> Vec<usize> {
    let (unit, units) = (plan.unit(), plan.units());
    let mut ends = Vec::with_capacity(units / plan.room + 1);
    let mut end = 0;
    while units - end > plan.room {
        end += plan.room;
        let last = plan.coded[(end - 1) * unit];
        // An escape, or the high octet of a surrogate that leads a pair.
        let leads = if unit == 1 { last == gsm7::ESCAPE } else { (0xD8..=0xDB).contains(&last) };
        end -= usize::from(leads);
        ends.push(end);
    }
    ends.push(units);
    ends
}

/// Fills parts with clusters that stay whole, unless one is more than a part holds: that one goes by characters.
fn ends_at_clusters(text: &str, plan: &Plan) -> Vec<usize> {
    let cost = |character: char| match plan.alphabet {
        Alphabet::Ucs2 => character.len_utf16(),
        _ => gsm7::septet_in(character, plan.languages).map_or(1, |(_, escaped)| 1 + usize::from(escaped)),
    };
    let (mut ends, mut start, mut end) = (Vec::new(), 0, 0);
    let mut add = |units: usize| {
        if end + units - start > plan.room {
            ends.push(end);
            start = end;
        }
        end += units;
    };
    for cluster in clusters::of(text) {
        let units = cluster.chars().map(cost).sum();
        if units <= plan.room {
            add(units);
        } else {
            cluster.chars().for_each(|character| add(cost(character)));
        }
    }
    ends.push(end);
    ends
}

/// Cuts a text into the user data of as many parts as it takes; an empty text is one empty part.
///
/// ```
/// use smsbridge_codec::{SplitOptions, split};
///
/// let parts = split(&"A message of many words. ".repeat(10), &SplitOptions::default())?;
/// assert_eq!(parts.len(), 2);
/// let place = parts[1].concatenation().unwrap();
/// assert_eq!((place.sequence, place.total), (2, 2));
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// A character that the alphabet asked for does not have, or more than 255 parts.
pub fn split(text: &str, options: &SplitOptions) -> Result<Vec<UserData<'static>>, EncodeError> {
    parts(text, options)?.collect()
}

/// The same, one part at a time, for whoever is done with a part before the next.
pub(crate) fn parts(
    text: &str,
    options: &SplitOptions,
) -> Result<impl ExactSizeIterator<Item = Result<UserData<'static>, EncodeError>>, EncodeError> {
    let plan = options.plan(text)?;
    let (unit, total) = (plan.unit(), plan.ends.len());
    let (options, mut header) = (*options, Vec::new());
    Ok((0..total).map(move |index| {
        let start = if index == 0 { 0 } else { plan.ends[index - 1] };
        let part = &plan.coded[start * unit..plan.ends[index] * unit];
        options.write_header(plan.languages, total, index, &mut header);
        match plan.alphabet {
            Alphabet::Gsm7 => UserData::compose_septets(&header, part),
            alphabet => UserData::compose_octets(alphabet, &header, part),
        }
    }))
}

/// Cuts data into the user data of as many 8-bit parts as it takes.
///
/// ```
/// use smsbridge_codec::{Ports, SplitOptions, split_data};
///
/// let ports = Some(Ports { destination: 2948, source: 9200, wide: true });
/// let parts = split_data(&[0xAA; 200], &SplitOptions { ports, ..Default::default() })?;
/// assert_eq!(parts.iter().map(|part| part.data().len()).collect::<Vec<_>>(), [128, 72]);
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
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

/// What a text would come to, without making the parts. It agrees with [`split()`] always.
///
/// ```
/// use smsbridge_codec::{Alphabet, SplitOptions, count};
///
/// let plain = count("Pump 3: 5 €", &SplitOptions::default())?;
/// assert_eq!((plain.alphabet, plain.parts, plain.units, plain.units_left), (Alphabet::Gsm7, 1, 12, 148));
/// let long = count(&"привет ".repeat(11), &SplitOptions::default())?;
/// assert_eq!((long.alphabet, long.parts, long.units, long.units_left), (Alphabet::Ucs2, 2, 77, 57));
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
///
/// # Errors
/// As [`split()`].
pub fn count(text: &str, options: &SplitOptions) -> Result<Count, EncodeError> {
    let plan = options.plan(text)?;
    let (units, parts) = (plan.units(), plan.ends.len());
    let last_starts = if parts > 1 { plan.ends[parts - 2] } else { 0 };
    let units_left = plan.room - (units - last_starts);
    Ok(Count { alphabet: plan.alphabet, languages: plan.languages, parts, units, units_left })
}

/// What data would come to.
///
/// ```
/// let count = smsbridge_codec::count_data(&[0; 141], &Default::default())?;
/// assert_eq!((count.parts, count.units_left), (2, 127));
/// # Ok::<(), smsbridge_codec::EncodeError>(())
/// ```
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
