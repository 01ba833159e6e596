//! The fields of a log line or a span, as they were recorded.

use std::error::Error;
use std::fmt;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use tracing::field::{Field, Visit};

use super::sanitize::{MESSAGE_CAP, VALUE_CAP, sanitized};
use crate::model::error_chain;

/// Fields that are ours and worth nothing when cut: the chain of an error, and a checkpoint's signed note.
const LONG: &[&str] = &["error", "note"];

/// Names and values in the order of recording. Text is harmless already.
#[derive(Debug, Default, Clone)]
pub(super) struct Fields {
    pub(super) message: String,
    pub(super) named: Vec<(&'static str, Value)>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    Text(String),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
}

impl Fields {
    /// Sets a field; a later value of the same name takes the place of the earlier one.
    fn set(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match self.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.named.push((name, value)),
        }
    }

    fn set_text(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            self.message = sanitized(text, MESSAGE_CAP);
        } else {
            let cap = if LONG.contains(&field.name()) {
                MESSAGE_CAP
            } else {
                VALUE_CAP
            };
            self.set(field, Value::Text(sanitized(text, cap)));
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, Value::Float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, Value::Unsigned(value));
    }

    /// What `Duration::as_millis` gives.
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, Value::Unsigned(u64::try_from(value).unwrap_or(u64::MAX)));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, value);
    }

    /// The whole chain: the first error says what was being done, the last what went wrong.
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set_text(field, &error_chain(error).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, &format!("{value:?}"));
    }
}

impl Value {
    /// Without quotes, for a form in which nothing follows it.
    pub(super) fn bare(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Value {
    /// Bare where it is one word, else in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if text.is_empty() || text.contains([' ', '"', '=', '\'']) => {
                write!(f, "\"{}\"", text.replace('"', "\\\""))
            }
            Self::Text(text) => f.write_str(text),
            Self::Signed(n) => write!(f, "{n}"),
            Self::Unsigned(n) => write!(f, "{n}"),
            Self::Float(n) => write!(f, "{n}"),
            Self::Bool(b) => write!(f, "{b}"),
        }
    }
}

impl Serialize for Fields {
    /// As a map of the named ones.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.named.len()))?;
        for (name, value) in &self.named {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
