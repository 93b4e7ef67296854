//! How [`Address`] and [`Timestamp`] are serialized (feature `serde`): as text, since their fields are private and must
//! be checked. All other types derive it.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::address::Address;
use crate::hex;
use crate::timestamp::Timestamp;

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut octets = Vec::new();
        self.encode_into(&mut octets);
        serializer.serialize_str(&hex::encode(&octets))
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let octets = hex::decode(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)?;
        match Address::decode(&octets).map_err(D::Error::custom)? {
            (address, length) if length == octets.len() => Ok(address),
            _ => Err(D::Error::custom("octets after the end of the address")),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| {
            D::Error::custom("not a time such as 2026-11-22T10:15:30+03:00, in 1970 to 2069 and quarters of an hour from UTC")
        })
    }
}

/// A time in the form that `Timestamp` is displayed in.
fn parse(text: &str) -> Option<Timestamp> {
    let digits = |start: usize, length: usize| {
        let digits = text.get(start..start + length)?;
        digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse::<u16>().ok())?
    };
    let two_digits = |start| Some(digits(start, 2)? as u8);
    let quarter_hours = i8::try_from(digits(20, 2)? * 4 + digits(23, 2)? / 15).ok()?;
    let time = Timestamp::new(
        (digits(0, 4)?, two_digits(5)?, two_digits(8)?),
        (two_digits(11)?, two_digits(14)?, two_digits(17)?),
        if text.as_bytes()[19] == b'-' { -quarter_hours } else { quarter_hours },
    )?;
    // Separators, seconds of the offset and whatever else does not read back.
    (time.to_string() == text).then_some(time)
}
