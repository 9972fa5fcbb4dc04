//! An event as a serde value of two fields: its type, and its data as JSON.
//!
//! The type comes first, so that an adjacently tagged enum knows its variant when it gets the data,
//! and parses it in place. (If the content comes first, serde buffers it.)

use core::{any::type_name, fmt};

use serde::{
    Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, MapAccess, VariantAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::{event::Event, wire};

/// The keys of an event: what the standard calls an event's type and data on the wire.
const EVENT: &str = "event";
const DATA: &str = "data";

/// Why an event could not be deserialized.
#[derive(Debug)]
pub(super) struct ByTypeError {
    pub(super) source: serde_json::Error,
    /// It is the event's type that was refused.
    pub(super) is_unknown_type: bool,
}

impl From<serde_json::Error> for ByTypeError {
    fn from(source: serde_json::Error) -> Self {
        Self { source, is_unknown_type: false }
    }
}

impl fmt::Display for ByTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl core::error::Error for ByTypeError {}

impl de::Error for ByTypeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        serde_json::Error::custom(message).into()
    }

    // A message shall not be as long as an event type may be.
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        serde_json::Error::unknown_variant(wire::start_of(variant), expected).into()
    }
}

/// An event, to be deserialized as `{"event": <type>, "data": <JSON>}`, or as the enum variant that
/// its type names.
pub(super) struct ByType<'de> {
    event_type: &'de str,
    data: Data<'de>,
}

impl<'de> ByType<'de> {
    pub(super) fn new(event: &Event<'de>) -> Self {
        Self { event_type: event.event_type(), data: Data(event.data()) }
    }

    fn read_type<S: DeserializeSeed<'de>>(&self, seed: S) -> Result<S::Value, ByTypeError> {
        seed.deserialize(BorrowedStrDeserializer::new(self.event_type))
            .map_err(|error: ByTypeError| ByTypeError { is_unknown_type: true, ..error })
    }
}

impl<'de> Deserializer<'de> for ByType<'de> {
    type Error = ByTypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        visitor.visit_map(Fields { event: self, next: Field::Event })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ByTypeError> {
        visitor.visit_enum(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ByTypeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The variant is named by the event's type, and holds the data.
impl<'de> EnumAccess<'de> for ByType<'de> {
    type Error = ByTypeError;
    type Variant = Data<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Data<'de>), ByTypeError> {
        Ok((self.read_type(seed)?, self.data))
    }
}

/// The next field of an event that is read as a map.
enum Field {
    Event,
    Data,
    None,
}

struct Fields<'de> {
    event: ByType<'de>,
    next: Field,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = ByTypeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ByTypeError> {
        let key = match self.next {
            Field::Event => EVENT,
            Field::Data => DATA,
            Field::None => return Ok(None),
        };
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ByTypeError> {
        match self.next {
            Field::Event => {
                self.next = Field::Data;
                self.event.read_type(seed)
            }
            Field::Data | Field::None => {
                self.next = Field::None;
                seed.deserialize(self.event.data)
            }
        }
    }
}

/// The data of an event: JSON, or text where a string is expected.
#[derive(Clone, Copy)]
pub(super) struct Data<'de>(&'de str);

impl<'de> Data<'de> {
    fn parse<T>(
        self,
        parse: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
        ) -> serde_json::Result<T>,
    ) -> Result<T, ByTypeError> {
        let mut json = serde_json::Deserializer::from_str(self.0);
        let value = parse(&mut json)?;
        json.end()?;
        Ok(value)
    }

    /// Returns `true` if this is no JSON string, so that a string can only be the text itself.
    fn is_plain_text(self) -> bool {
        !self.0.trim_start().starts_with('"')
    }
}

/// Implements methods of a deserializer by those of `serde_json`.
macro_rules! as_json {
    ($($method:ident($($argument:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, ByTypeError> {
            self.parse(|json| json.$method($($argument,)* visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Data<'de> {
    type Error = ByTypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        // An adjacently tagged enum asks for the content of a unit variant in this way, as `()`, and
        // takes nothing else for an answer. So nothing of the data is wanted.
        if type_name::<V::Value>() == type_name::<()>() {
            return visitor.visit_unit();
        }
        self.parse(|json| json.deserialize_any(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        if self.is_plain_text() {
            return visitor.visit_borrowed_str(self.0);
        }
        self.parse(|json| json.deserialize_str(visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        if self.is_plain_text() {
            return visitor.visit_str(self.0);
        }
        self.parse(|json| json.deserialize_string(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        // White space alone is text.
        if self.0.is_empty() || self.0.trim_ascii() == "null" {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ByTypeError> {
        if self.0.is_empty() {
            return visitor.visit_unit();
        }
        self.parse(|json| json.deserialize_unit(visitor))
    }

    as_json! {
        deserialize_bool()
        deserialize_i8()
        deserialize_i16()
        deserialize_i32()
        deserialize_i64()
        deserialize_i128()
        deserialize_u8()
        deserialize_u16()
        deserialize_u32()
        deserialize_u64()
        deserialize_u128()
        deserialize_f32()
        deserialize_f64()
        deserialize_char()
        deserialize_bytes()
        deserialize_byte_buf()
        deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct(name: &'static str)
        deserialize_seq()
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_map()
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_identifier()
    }
}

impl<'de> VariantAccess<'de> for Data<'de> {
    type Error = ByTypeError;

    fn unit_variant(self) -> Result<(), ByTypeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ByTypeError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ByTypeError> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ByTypeError> {
        self.deserialize_struct("", fields, visitor)
    }
}
