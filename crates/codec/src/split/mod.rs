//! Splitting a text or data into the user data of parts (TS 23.040 9.2.3.24.1, TS 23.038 6.2).
//!
//! A cut never falls within an escape sequence or a surrogate pair, and text is never changed: what cannot be sent as
//! asked is refused. References come from the caller, since numbers that must differ between messages need a state, and
//! there is none here. Which alphabet, and where to cut, is decided in `plan.rs`.

mod options;
mod plan;

pub use options::{Encoding, LanguageChoice, MAX_PARTS, Reference, SplitOptions};

use crate::dcs::Alphabet;
use crate::error::{EncodeError, EncodeErrorKind, Field};
use crate::gsm7::Languages;
use crate::user_data::UserData;
use plan::Plan;

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
