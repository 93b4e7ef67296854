//! Which keys there are, learnt from the tables themselves: a type that is to be read says which fields it has.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// A key of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// Its table; none at the top.
    pub(super) table: Option<&'static str>,
    /// Its name; none for a table that stands several times, whose keys are none of their own.
    pub(super) name: Option<&'static str>,
}

/// All keys of `T`: those at the top and those of its tables.
pub(super) fn of<T: DeserializeOwned>() -> Vec<Key> {
    let Asked::Fields(top) = asked::<T>(Probe) else { return Vec::new() };
    top.iter()
        .flat_map(|name| match asked::<T>(one(name, Probe)) {
            Asked::Fields(fields) => {
                fields.iter().map(|field| Key { table: Some(*name), name: Some(*field) }).collect()
            }
            Asked::Several => vec![Key { table: Some(*name), name: None }],
            Asked::Value => vec![Key { table: None, name: Some(*name) }],
        })
        .collect()
}

/// The keys of one table.
pub(super) fn fields<T: DeserializeOwned>() -> impl Iterator<Item = &'static str> {
    let fields = match asked::<T>(Probe) {
        Asked::Fields(fields) => fields,
        _ => &[],
    };
    fields.iter().copied()
}

/// A table with one entry.
fn one<V: IntoDeserializer<'static, Asked>>(
    key: &'static str,
    value: V,
) -> MapDeserializer<'static, std::iter::Once<(&'static str, V)>, Asked> {
    MapDeserializer::new(std::iter::once((key, value)))
}

/// What a type asks for where it meets the probe.
fn asked<T: DeserializeOwned>(from: impl Deserializer<'static, Error = Asked>) -> Asked {
    T::deserialize(from).err().unwrap_or(Asked::Value)
}

/// What is asked of a [`Probe`], as the error it always answers with.
#[derive(Debug)]
enum Asked {
    Fields(&'static [&'static str]),
    Several,
    Value,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Asked {}

impl de::Error for Asked {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Asked::Value
    }
}

/// Input that has no value and only listens to what it is asked for.
struct Probe;

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked::Value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked::Fields(fields))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked::Several)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Asked> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Asked> for Probe {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
