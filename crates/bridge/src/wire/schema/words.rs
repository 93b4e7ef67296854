//! Words and patterns of the contract for the schemas, each taken from the code that has them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use smsbridge_codec::cbs::WarningType;
use smsbridge_modem::registration::Registration;

use crate::failure::FailureCode;

/// What [`crate::message::new_id`] makes.
pub const ULID: &str = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$";

/// What may be a [`crate::message::Name`].
pub const NAME: &str = "^[a-z0-9_-]{1,32}$";

/// What [`crate::wire::request::is_legal_id`] takes.
pub const ID: &str = "^[A-Za-z0-9._~:-]{1,64}$";

/// Base64 with padding and nothing behind the last octet (RFC 4648 clauses 4 and 3.5).
pub const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// A text that a USSD request may have: no quotes and no control characters.
pub const USSD: &str = "^[^\"\\u0000-\\u001f\\u007f-\\u009f]*$";

/// Names of modems.
pub fn names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "pattern": NAME } })
}

/// One of the words serde has for the variants of `T`.
pub struct Of<T>(PhantomData<T>);

impl<T: for<'de> Deserialize<'de>> JsonSchema for Of<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": variants::<T>() })
    }
}

/// The codes of `error.code`.
pub fn codes(_: &mut SchemaGenerator) -> Schema {
    let words = FailureCode::WORDS.map(|(_, word)| word);
    json_schema!({ "anyOf": [
        { "type": "string", "enum": words },
        { "type": "string", "pattern": "^cm[es]-[0-9]{1,5}$" },
        { "type": "string", "pattern": "^status-[0-9a-f]{2}$" },
    ] })
}

/// The registrations with a network, or null: the modem tells a number.
pub fn registrations(_: &mut SchemaGenerator) -> Schema {
    let words: BTreeSet<_> =
        (0..=u8::MAX).map(|number| Some(Registration::from_number(number).words())).collect();
    json_schema!({ "type": ["string", "null"], "enum": words.into_iter().chain([None]).collect::<Vec<_>>() })
}

/// Of what an ETWS notification warns.
pub fn warnings(_: &mut SchemaGenerator) -> Schema {
    // Each names the next one, so that none is forgotten.
    let next = |warning: &WarningType| match warning {
        WarningType::Earthquake => Some(WarningType::Tsunami),
        WarningType::Tsunami => Some(WarningType::EarthquakeAndTsunami),
        WarningType::EarthquakeAndTsunami => Some(WarningType::Test),
        WarningType::Test => Some(WarningType::Other),
        WarningType::Other => Some(WarningType::Reserved(5)),
        WarningType::Reserved(_) => None,
    };
    let words: Vec<_> =
        std::iter::successors(Some(WarningType::Earthquake), next).map(WarningType::name).collect();
    json_schema!({ "type": "string", "enum": words })
}

fn variants<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    match T::deserialize(Listener) {
        Err(Asked(words)) if !words.is_empty() => words,
        _ => panic!("{} is no enum", std::any::type_name::<T>()),
    }
}

/// The variants that are asked for, as the error every question is answered with.
#[derive(Debug)]
struct Asked(&'static [&'static str]);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Asked(&[])
    }
}

/// Input without a value, that an enum tells its variants.
struct Listener;

impl<'de> Deserializer<'de> for Listener {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(&[]))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(variants))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
