//! The names that a receiver has at an issuer, against the claim `aud` (RFC 7519 section 4.1.3).

use serde::Deserialize;
use serde_json::Value;

/// Our name or names, as a config writes them: a text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore")]
pub(in crate::sources) struct Audience(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Audience {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(name) => Self(vec![name]),
            OneOrMore::More(names) => Self(names),
        }
    }
}

impl Audience {
    /// Whether it names nobody, or somebody by an empty name.
    pub(in crate::sources) fn is_blank(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(String::is_empty)
    }

    /// Whether `aud` is one of our names, or a list of texts that holds one.
    pub(in crate::sources) fn is_named_by(&self, aud: Option<&Value>) -> bool {
        let named = |value: &Value| value.as_str().is_some_and(|name| self.0.iter().any(|ours| ours == name));
        match aud {
            Some(Value::Array(list)) => list.iter().all(Value::is_string) && list.iter().any(named),
            Some(one) => named(one),
            None => false,
        }
    }
}
