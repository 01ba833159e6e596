//! Bodies: a JSON value whose texts are templates.

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::table::Mistakes;
use super::template::{Allowed, Template};

/// A JSON value before its texts are filled.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::targets::described) enum Shape {
    /// A text; where it is nothing but `{grants}`, `{principal:…}` or a value with `|number`, what these are.
    Text(Template),
    /// A list; `{principal:/list/*}` spreads in it.
    List(Vec<Shape>),
    /// An object.
    Object(Vec<(String, Shape)>),
    /// Anything without a text.
    Plain(Value),
}

impl Shape {
    /// Reads a value of a description.
    pub(in crate::targets::described) fn read(value: &Spanned<DeValue<'_>>, allowed: Allowed<'_>, mistakes: &Mistakes) -> Self {
        let wrong = |why: &str| {
            mistakes.add(value.span(), why);
            Self::Plain(Value::Null)
        };
        match value.get_ref() {
            DeValue::String(text) => Self::Text(Template::read(text, &value.span(), allowed, mistakes)),
            DeValue::Boolean(flag) => Self::Plain(Value::Bool(*flag)),
            DeValue::Integer(number) => match number.as_str().parse::<i64>() {
                Ok(number) => Self::Plain(Value::Number(number.into())),
                Err(_) => wrong("it is not a whole number of 64 bits"),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Self::Plain(Value::Number(number)),
                None => wrong("JSON has no such number"),
            },
            DeValue::Datetime(_) => wrong("JSON has no times; write it as a text in quotes"),
            DeValue::Array(members) => Self::List(members.iter().map(|member| Self::read(member, allowed, mistakes)).collect()),
            DeValue::Table(members) => Self::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.get_ref().to_string(), Self::read(value, allowed, mistakes)))
                    .collect(),
            ),
        }
    }

    /// Every template in it.
    pub(in crate::targets::described) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::List(members) => members.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.templates()).collect(),
            Self::Plain(_) => Vec::new(),
        }
    }
}
