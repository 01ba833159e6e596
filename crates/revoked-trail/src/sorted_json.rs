//! Writes values of serde straight into one line of JSON, the members of every object sorted by name: the bytes that a tree
//! (`serde_json::Value`) of the same value prints, without the tree. The guard of [`redact`] looks at each text as it is written.

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant,
};
use serde_json::{Error, Value};

use super::redact;

/// What was written so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    /// JSON, as far as it goes.
    pub(crate) bytes: Vec<u8>,
    /// The name of the first member whose value was withheld.
    pub(crate) secret: Option<String>,
}

impl Text {
    fn push(&mut self, piece: &str) {
        self.bytes.extend_from_slice(piece.as_bytes());
    }

    /// A value without members, as JSON has it.
    fn scalar<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut self.bytes, value)
    }

    /// Puts `(withheld)` in the place of the value of `name` that was begun at `start`.
    fn withhold(&mut self, start: usize, name: &str) {
        self.bytes.truncate(start);
        self.push(redact::WITHHELD);
        self.secret.get_or_insert_with(|| name.to_owned());
    }
}

/// The members of one object, written behind each other; where each stands, by name.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    places: Vec<(Cow<'static, str>, Range<usize>)>,
    /// Where the first begins.
    start: usize,
    /// They stand in the order of their names, so that what is written can stay.
    ordered: bool,
}

impl Members {
    /// No members yet, to be written at `start`.
    pub(crate) fn at(start: usize) -> Self {
        Self {
            places: Vec::new(),
            start,
            ordered: true,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Writes one member. Of two with one name the later counts.
    pub(crate) fn write<T>(&mut self, text: &mut Text, name: Cow<'static, str>, value: &T) -> Result<(), Error>
    where
        T: Serialize + ?Sized,
    {
        if text.bytes.len() > self.start {
            text.push(",");
        }
        let begin = text.bytes.len();
        text.scalar(&*name)?;
        text.push(":");
        let start = text.bytes.len();
        let secret = value.serialize(Writer {
            text: &mut *text,
            name: Some(&name),
            listed: false,
        })?;
        if secret {
            text.withhold(start, &name);
        }
        let place = begin..text.bytes.len();
        if self.places.last().is_none_or(|(last, _)| *last < name) {
            self.places.push((name, place));
            return Ok(());
        }
        self.ordered = false;
        match self.places.binary_search_by(|(other, _)| other.cmp(&name)) {
            Ok(same) => self.places[same].1 = place,
            Err(before) => self.places.insert(before, (name, place)),
        }
        Ok(())
    }

    /// Appends them to `line` in the order of their names.
    pub(crate) fn append_to(&self, line: &mut Vec<u8>, text: &Text) {
        if self.ordered {
            line.extend_from_slice(&text.bytes[self.start..]);
            return;
        }
        for (nth, (_, place)) in self.places.iter().enumerate() {
            if nth > 0 {
                line.push(b',');
            }
            line.extend_from_slice(&text.bytes[place.clone()]);
        }
    }

    /// Puts what was written in order.
    fn sort(&self, text: &mut Text) {
        if !self.ordered {
            let mut sorted = Vec::with_capacity(text.bytes.len() - self.start);
            self.append_to(&mut sorted, text);
            text.bytes.truncate(self.start);
            text.bytes.append(&mut sorted);
        }
    }
}

/// Writes one value. It answers true for a secret: a text that the guard catches, which is then not written, or a list with one in it.
struct Writer<'a> {
    text: &'a mut Text,
    /// The member whose value it is; none inside a list that stands in a list.
    name: Option<&'a str>,
    /// It stands in a list.
    listed: bool,
}

impl<'a> Writer<'a> {
    fn scalar<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Error> {
        self.text.scalar(value).map(|()| false)
    }

    fn object(self, tail: &'static str) -> Object<'a> {
        self.text.push("{");
        Object {
            members: Members::at(self.text.bytes.len()),
            text: self.text,
            name: None,
            tail,
        }
    }

    /// Opens the object of a variant, and the value in it.
    fn variant(self, variant: &'static str) -> Result<Writer<'a>, Error> {
        self.text.push("{");
        self.text.scalar(variant)?;
        self.text.push(":");
        Ok(Writer {
            text: self.text,
            name: Some(variant),
            listed: false,
        })
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<bool, Error> {
            self.scalar(&value)
        })*
    };
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = bool;
    type Error = Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f64: f64, serialize_char: char,
    }

    fn serialize_i128(self, value: i128) -> Result<bool, Error> {
        // A tree refuses what no 64 bits hold.
        self.scalar(&serde_json::to_value(value)?)
    }

    fn serialize_u128(self, value: u128) -> Result<bool, Error> {
        self.scalar(&serde_json::to_value(value)?)
    }

    fn serialize_f32(self, value: f32) -> Result<bool, Error> {
        self.scalar(&f64::from(value))
    }

    fn serialize_str(self, value: &str) -> Result<bool, Error> {
        if self.name.is_some_and(|name| redact::looks_secret(name, value)) {
            return Ok(true);
        }
        self.scalar(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<bool, Error> {
        self.scalar(value)
    }

    fn serialize_none(self) -> Result<bool, Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<bool, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<bool, Error> {
        self.scalar(&())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<bool, Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<bool, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<bool, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T>(self, _name: &'static str, _index: u32, variant: &'static str, value: &T) -> Result<bool, Error>
    where
        T: Serialize + ?Sized,
    {
        let mut object = self.object("");
        object.members.write(object.text, variant.into(), value)?;
        Ok(object.close())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Items<'a>, Error> {
        Ok(Items::open(self, None))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Items<'a>, Error> {
        Ok(Items::open(self, None))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Items<'a>, Error> {
        Ok(Items::open(self, None))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Items<'a>, Error> {
        Ok(Items::open(self.variant(variant)?, Some(variant)))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Object<'a>, Error> {
        Ok(self.object(""))
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Object<'a>, Error> {
        Ok(self.object(""))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Object<'a>, Error> {
        Ok(self.variant(variant)?.object("}"))
    }
}

/// A list that is being written.
struct Items<'a> {
    text: &'a mut Text,
    name: Option<&'a str>,
    start: usize,
    secret: bool,
    /// The variant in whose object it stands.
    variant: Option<&'static str>,
}

impl<'a> Items<'a> {
    fn open(writer: Writer<'a>, variant: Option<&'static str>) -> Self {
        let Writer { text, name, listed } = writer;
        let start = text.bytes.len();
        text.push("[");
        Self {
            text,
            // What stands in a list that stands in a list is not judged by the member's name.
            name: name.filter(|_| !listed),
            start,
            secret: false,
            variant,
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        if self.text.bytes.len() > self.start + 1 {
            self.text.push(",");
        }
        self.secret |= value.serialize(Writer {
            text: &mut *self.text,
            name: self.name,
            listed: true,
        })?;
        Ok(())
    }

    fn close(self) -> bool {
        self.text.push("]");
        let Some(variant) = self.variant else {
            return self.secret;
        };
        if self.secret {
            self.text.withhold(self.start, variant);
        }
        self.text.push("}");
        false
    }
}

macro_rules! lists {
    ($($list:ident: $method:ident,)*) => {
        $(impl $list for Items<'_> {
            type Ok = bool;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<bool, Error> {
                Ok(self.close())
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// An object that is being written.
struct Object<'a> {
    text: &'a mut Text,
    members: Members,
    /// The name that a map gave, until it gives the value.
    name: Option<String>,
    /// What closes the object of the variant in which it stands.
    tail: &'static str,
}

impl Object<'_> {
    fn close(self) -> bool {
        self.members.sort(self.text);
        self.text.push("}");
        self.text.push(self.tail);
        false
    }
}

impl SerializeMap for Object<'_> {
    type Ok = bool;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.name = Some(match serde_json::to_value(key)? {
            Value::String(name) => name,
            Value::Number(number) => number.to_string(),
            Value::Bool(word) => word.to_string(),
            _ => return Err(ser::Error::custom("the name of a member is neither a text nor a number")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = self.name.take().unwrap_or_default();
        self.members.write(self.text, name.into(), value)
    }

    fn end(self) -> Result<bool, Error> {
        Ok(self.close())
    }
}

macro_rules! structs {
    ($($kind:ident)*) => {
        $(impl $kind for Object<'_> {
            type Ok = bool;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
                self.members.write(self.text, name.into(), value)
            }

            fn end(self) -> Result<bool, Error> {
                Ok(self.close())
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }
