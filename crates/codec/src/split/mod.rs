//! Splitting a text or data into the user data of parts (TS 23.040 9.2.3.24.1, TS 23.038 6.2).
//!
//! A cut never falls within an escape sequence or a surrogate pair, and text is never changed: what cannot be sent as
//! asked is refused. References come from the caller, since numbers that must differ between messages need a state, and
//! there is none here. Which alphabet, and where to cut, is decided in `plan.rs`.

mod plan;

use crate::dcs::Alphabet;
use crate::error::{EncodeError, EncodeErrorKind, Field};
use crate::gsm7::Languages;
use crate::udh::{Concatenation, ElementId, Ports};
use crate::user_data::UserData;
use plan::{Plan, capacity};

/// Which alphabet a text may be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Encoding {
    /// The 7-bit alphabet if it has every character, otherwise UCS-2.
    #[default]
    Auto,
    /// The 7-bit alphabet; a character that it lacks is an error.
    Gsm7,
    /// UCS-2.
    Ucs2,
}

/// The reference that the parts of a message share. Two messages to one recipient must not have the same one within a few
/// days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Reference {
    /// 8 bits: 153 septets, 67 UCS-2 units or 134 octets per part.
    EightBit(u8),
    /// 16 bits: 152 septets, 66 UCS-2 units or 133 octets per part. Some old phones cannot join such parts.
    SixteenBit(u16),
}

impl Default for Reference {
    fn default() -> Self {
        Reference::EightBit(0)
    }
}

/// Which national language tables a text may be sent with. Phones from other countries often cannot read them, so the
/// default is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LanguageChoice {
    /// The default alphabet only.
    #[default]
    None,
    /// Also the locking shift and single shift tables of one language, by its national language identifier (1 to 13).
    Only(u8),
    /// Any tables.
    Any,
}

/// How to split. The default is automatic: an 8-bit reference of 0, no ports, no national languages.
///
/// ```
/// use smsbridge_codec::{Encoding, Reference, SplitOptions};
///
/// let options = SplitOptions::default().with_encoding(Encoding::Ucs2).with_reference(Reference::EightBit(7));
/// assert_eq!((options.encoding, options.ports), (Encoding::Ucs2, None));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct SplitOptions {
    /// Which alphabet; ignored by [`split_data`] and [`count_data`].
    pub encoding: Encoding,
    /// The reference of a concatenated message. A message of one part carries none.
    pub reference: Reference,
    /// Application ports, in the header of every part.
    pub ports: Option<Ports>,
    /// Which national language tables may be used.
    pub languages: LanguageChoice,
    /// Do not cut within a grapheme cluster, which readers see as one character (an emoji of several code points, a letter
    /// and its combining accent), unless that would take another part. Otherwise every part is filled, as most senders do:
    /// receivers join the parts before they show them. (Feature `graphemes`.)
    #[cfg(feature = "graphemes")]
    pub keep_graphemes: bool,
}

impl SplitOptions {
    /// Sets the alphabet.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding) -> Self {
        SplitOptions { encoding, ..self }
    }

    /// Sets the reference of a concatenated message.
    #[must_use]
    pub fn with_reference(self, reference: Reference) -> Self {
        SplitOptions { reference, ..self }
    }

    /// Sets the application ports.
    #[must_use]
    pub fn with_ports(self, ports: impl Into<Option<Ports>>) -> Self {
        SplitOptions { ports: ports.into(), ..self }
    }

    /// Sets the national language tables that may be used.
    #[must_use]
    pub fn with_languages(self, languages: LanguageChoice) -> Self {
        SplitOptions { languages, ..self }
    }

    /// Sets whether grapheme clusters are kept whole. (Feature `graphemes`.)
    #[cfg(feature = "graphemes")]
    #[must_use]
    pub fn with_keep_graphemes(self, keep_graphemes: bool) -> Self {
        SplitOptions { keep_graphemes, ..self }
    }

    /// The length in octets of the header that every part has, without the concatenation element.
    fn header_len(&self, languages: Languages) -> usize {
        let ports = self.ports.map_or(0, |ports| if ports.is_wide() { 6 } else { 4 });
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
            header.extend_from_slice(&[ElementId::SINGLE_SHIFT.0, 1, languages.single_shift]);
        }
        if languages.locking != 0 {
            header.extend_from_slice(&[ElementId::LOCKING_SHIFT.0, 1, languages.locking]);
        }
    }

    /// How much data a part holds, in octets.
    fn data_capacity(&self, parts: usize) -> usize {
        let concatenation = if parts > 1 { self.concatenation_len() } else { 0 };
        capacity(Alphabet::EightBit, self.header_len(Languages::default()) + concatenation)
    }
}

/// What a text or data takes when it is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Count {
    /// The alphabet.
    pub alphabet: Alphabet,
    /// The national language tables.
    pub languages: Languages,
    /// The number of parts, at least 1.
    pub parts: usize,
    /// The length without headers: in septets (an escape sequence counts two), 16-bit units or octets.
    pub units: usize,
    /// How many more units fit in the last part.
    pub units_left: usize,
}

/// The most parts of a message.
pub const MAX_PARTS: usize = 255;

/// Splits a text into the user data of its parts. An empty text is one empty part.
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
/// A character that the requested alphabet lacks, or more than 255 parts.
pub fn split(text: &str, options: &SplitOptions) -> Result<Vec<UserData<'static>>, EncodeError> {
    parts(text, options)?.collect()
}

/// As [`split`], one part at a time.
pub(crate) fn parts(
    text: &str,
    options: &SplitOptions,
) -> Result<impl ExactSizeIterator<Item = Result<UserData<'static>, EncodeError>>, EncodeError> {
    let plan = Plan::new(text, options)?;
    let (options, mut header) = (*options, Vec::new());
    Ok((0..plan.parts()).map(move |index| {
        options.write_header(plan.languages, plan.parts(), index, &mut header);
        match plan.alphabet {
            Alphabet::Gsm7 => UserData::encode_septets(&header, plan.part(index)),
            alphabet => UserData::encode_octets(alphabet, &header, plan.part(index)),
        }
    }))
}

/// Splits data into the user data of its 8-bit parts.
///
/// ```
/// use smsbridge_codec::{Ports, SplitOptions, split_data};
///
/// let ports = Ports { destination: 2948, source: 9200, wide: true };
/// let parts = split_data(&[0xAA; 200], &SplitOptions::default().with_ports(ports))?;
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
    let capacity = options.data_capacity(count.parts);
    for index in 0..count.parts {
        options.write_header(Languages::default(), count.parts, index, &mut header);
        let part = &data[index * capacity..data.len().min((index + 1) * capacity)];
        parts.push(UserData::encode_octets(Alphabet::EightBit, &header, part)?);
    }
    Ok(parts)
}

/// What a text takes, without encoding its parts. It always agrees with [`split`].
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
/// As [`split`].
pub fn count(text: &str, options: &SplitOptions) -> Result<Count, EncodeError> {
    let plan = Plan::new(text, options)?;
    Ok(Count {
        alphabet: plan.alphabet,
        languages: plan.languages,
        parts: plan.parts(),
        units: plan.units(),
        units_left: plan.units_left(),
    })
}

/// What data takes, without encoding its parts.
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
    let single = options.data_capacity(1);
    let (parts, capacity) = if data.len() <= single {
        (1, single)
    } else {
        let capacity = options.data_capacity(2);
        (data.len().div_ceil(capacity), capacity)
    };
    if parts > MAX_PARTS {
        return Err(EncodeError::new(Field::UserData, EncodeErrorKind::TooManyParts));
    }
    Ok(Count {
        alphabet: Alphabet::EightBit,
        languages: Languages::default(),
        parts,
        units: data.len(),
        units_left: parts * capacity - data.len(),
    })
}
