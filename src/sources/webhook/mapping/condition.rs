//! Which items a rule is about.

use serde::Deserialize;
use serde_json::Value;

use super::Pointer;

/// Something that must hold of an item.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Condition {
    pointer: Pointer,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<Plain>),
    Contains(Vec<Plain>),
    Exists(bool),
}

/// A text, whole number or truth value.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, true or false")]
enum Plain {
    Text(String),
    Number(i64),
    Flag(bool),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    pointer: Pointer,
    /// What stands there is this.
    equals: Option<Plain>,
    /// What stands there is one of these.
    #[serde(rename = "in")]
    one_of: Option<Vec<Plain>>,
    /// The list there has this, or one of these, as a member, or the text there holds it.
    contains: Option<Parts>,
    /// Whether anything but null stands there.
    exists: Option<bool>,
}

impl Condition {
    /// Whether it holds.
    pub(super) fn holds(&self, item: &Value) -> bool {
        let found = self.pointer.of(item);
        let found = found.as_deref();
        match &self.test {
            Test::Exists(wanted) => found.is_some() == *wanted,
            Test::In(list) => found.is_some_and(|found| list.iter().any(|one| one.is(found))),
            Test::Contains(parts) => found.is_some_and(|found| parts.iter().any(|part| part.is_in(found))),
        }
    }
}

/// One part, or several of which any will do.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, true or false, or a list of them")]
enum Parts {
    One(Plain),
    Any(Vec<Plain>),
}

impl Plain {
    fn is_in(&self, found: &Value) -> bool {
        match (found, self) {
            (Value::Array(members), part) => members.iter().any(|member| part.is(member)),
            (Value::String(text), Self::Text(part)) => text.contains(part.as_str()),
            _ => false,
        }
    }

    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Number(number) => value.as_i64() == Some(*number),
            Self::Flag(flag) => value.as_bool() == Some(*flag),
        }
    }
}

impl TryFrom<Written> for Condition {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let tests = [
            written.equals.map(|one| Test::In(vec![one])),
            written.one_of.map(Test::In),
            written.contains.map(|parts| {
                Test::Contains(match parts {
                    Parts::One(part) => vec![part],
                    Parts::Any(parts) => parts,
                })
            }),
            written.exists.map(Test::Exists),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Self {
                pointer: written.pointer,
                test,
            }),
            _ => Err("a condition has a pointer and one of `equals`, `in`, `contains` and `exists`"),
        }
    }
}
