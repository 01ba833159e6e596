//! Filters (RFC 7644 section 3.4.2.2): read once, within bounds, then asked of one resource after the other.

mod evaluation;
mod lexer;
mod parser;

use serde_json::Value;

pub(in crate::sources::scim) use evaluation::{Scope, holds};
pub(in crate::sources::scim) use parser::read;

/// How deep brackets, parentheses and `not` may nest.
pub(in crate::sources::scim) const DEEPEST: usize = 16;
/// How many comparisons one filter may hold.
pub(in crate::sources::scim) const MOST: usize = 100;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sources::scim) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    /// `attribute op value`.
    Compare {
        path: String,
        by: Comparison,
        value: Value,
        /// The value as it was written, where it was written without quotes: what a text is compared with.
        bare: Option<String>,
    },
    /// `attribute pr`.
    Present(String),
    /// `attribute[filter]`: one of the attribute's values fits all of it.
    Within(String, Box<Filter>),
}

/// The operators between an attribute and a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::scim) enum Comparison {
    Equal,
    Unequal,
    Contains,
    Starts,
    Ends,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Equal,
            "ne" => Self::Unequal,
            "co" => Self::Contains,
            "sw" => Self::Starts,
            "ew" => Self::Ends,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// Whether it asks which of two values comes first.
    const fn is_order(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }

    /// Whether it looks into a text.
    const fn is_part(self) -> bool {
        matches!(self, Self::Contains | Self::Starts | Self::Ends)
    }
}

impl Filter {
    /// What a comparison asks a text to be like; `None` where it asks for no text.
    pub(in crate::sources::scim) fn text<'f>(value: &'f Value, bare: Option<&'f str>) -> Option<&'f str> {
        match value {
            Value::String(text) => Some(text),
            Value::Null => None,
            _ => bare,
        }
    }

    /// What must hold together for the filter to hold.
    pub(in crate::sources::scim) fn conjuncts(&self) -> &[Filter] {
        match self {
            Self::All(all) => all,
            one => std::slice::from_ref(one),
        }
    }
}
