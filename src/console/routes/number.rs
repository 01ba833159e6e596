//! Numbers of things, as callers write them.

use serde::de::{Deserialize, Deserializer, Error};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};

/// The largest number that every reader of JSON keeps whole.
const LARGEST: i64 = (1 << 53) - 1;

/// A number from 0 up. For JSON Schema `7.0` is a whole number too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) i64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;
        impl serde::de::Visitor<'_> for Form {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a whole number from 0 to {LARGEST}")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                let found = serde::de::Unexpected::Signed(number);
                (0..=LARGEST)
                    .contains(&number)
                    .then_some(Number(number))
                    .ok_or_else(|| E::invalid_value(found, &self))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
                // Written without an exponent a whole number has digits alone before its point.
                let whole = (number.fract() == 0.0).then(|| format!("{number:.0}").parse().ok()).flatten();
                match whole {
                    Some(number) => self.visit_i64(number),
                    None => Err(E::invalid_value(serde::de::Unexpected::Float(number), &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let found = serde::de::Unexpected::Str(text);
                match text.parse::<i64>() {
                    Ok(number) => self.visit_i64(number),
                    Err(_) => match text.parse::<f64>() {
                        Ok(number) => self.visit_f64(number),
                        Err(_) => Err(E::invalid_value(found, &self)),
                    },
                }
            }
        }
        deserializer.deserialize_any(Form)
    }
}

impl utoipa::PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(LARGEST))
            .into()
    }
}

impl utoipa::ToSchema for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_they_are_written_and_nothing_else_is() {
        let read = |text: &str| serde_json::from_str::<Number>(text).map(|number| number.0).ok();
        assert_eq!(
            [read("7"), read("7.0"), read("0"), read("9007199254740991")],
            [Some(7), Some(7), Some(0), Some(LARGEST)]
        );
        for text in ["-1", "7.5", "9007199254740992", "1e300", "null", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
        let query = |text: &str| serde_urlencoded::from_str::<Vec<(String, Number)>>(text).ok();
        assert_eq!(query("a=7.0"), Some(vec![("a".to_owned(), Number(7))]));
        assert_eq!(query("a=x"), None);
    }
}
