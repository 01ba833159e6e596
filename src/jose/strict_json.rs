//! Strict JSON for what was signed: a member named twice, deep nesting and numbers that no integer holds are refused, since two readers
//! could disagree about what such a text says.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep arrays and objects may nest.
pub const DEEPEST: usize = 32;

/// Reads `bytes` as one JSON object, with nothing but white space around it.
///
/// # Errors
/// As [`read_value`], and where it is not an object.
pub fn read_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match read_value(bytes)? {
        Value::Object(members) => Ok(members),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

/// Reads `bytes` as one JSON value, with nothing but white space around it.
///
/// # Errors
/// A text without any of the content where it is not JSON, holds a member twice, nests deeper than [`DEEPEST`] or holds a number beyond
/// 64 bits.
pub fn read_value(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { left: DEEPEST }
        .deserialize(&mut reader)
        .map_err(|error| told(&error))?;
    reader.end().map_err(|error| told(&error))?;
    Ok(value)
}

/// The complaint without the value that serde quotes: our own words stand alone, every other error is only placed.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    for own in [TWICE, DEEP, WIDE] {
        if text.contains(own) {
            return own.to_owned();
        }
    }
    format!("it is not JSON (line {}, column {})", error.line(), error.column())
}

const TWICE: &str = "a member name stands twice in one object";
const DEEP: &str = "it nests deeper than 32 levels";
const WIDE: &str = "it holds a number beyond 64 bits";

struct Strict {
    left: usize,
}

impl Strict {
    fn deeper<E: Error>(&self) -> Result<usize, E> {
        self.left.checked_sub(1).ok_or_else(|| E::custom(DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::from).map_err(|_| E::custom(WIDE))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // An integer too long for 64 bits reaches us as a float; 2^63 is the first that no i64 holds.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            return Err(E::custom(WIDE));
        }
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let left = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict { left })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let left = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Strict { left })?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_reads_as_serde_reads_it() {
        let text = br#" {"a":[1,-2,0.5,true,null],"b":{"c":"\u00e4"}} "#;
        let expected: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(Value::Object(read_object(text).unwrap()), expected);
    }

    #[test]
    fn a_member_named_twice_is_refused_at_any_depth() {
        assert_eq!(read_object(br#"{"iss":"a","iss":"b"}"#).unwrap_err(), TWICE);
        assert_eq!(read_object(br#"{"x":[{"iss":"a","i\u0073s":"a"}]}"#).unwrap_err(), TWICE);
    }

    #[test]
    fn deep_nesting_is_refused_at_the_thirty_third_level() {
        let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(read_object(nested(DEEPEST).as_bytes()).is_ok());
        assert_eq!(read_object(nested(DEEPEST + 1).as_bytes()).unwrap_err(), DEEP);
        assert!(read_object(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn numbers_beyond_64_bits_are_refused() {
        assert!(read_object(br#"{"iat":9223372036854775807}"#).is_ok());
        assert_eq!(read_object(br#"{"iat":9223372036854775808}"#).unwrap_err(), WIDE);
        assert_eq!(read_object(br#"{"iat":1e300}"#).unwrap_err(), WIDE);
    }

    #[test]
    fn what_follows_or_is_no_object_is_refused_without_being_quoted() {
        for text in [
            &b"{} x"[..],
            b"[]",
            b"\"secret\"",
            b"",
            b"{\"a\":secret}",
            b"{\"a\":\"\\ud800\"}",
            b"\xff",
        ] {
            let error = read_object(text).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
