//! Conditions: what must hold of something in a JSON value.

use serde::Deserialize;
use serde_json::Value;

use super::{Place, Pointer, scalar_text};

/// Something that must hold of an item; of a place with a star, of any that stands there.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written<P>", bound = "P: Deserialize<'de>")]
pub struct Condition<P = Pointer> {
    pointer: P,
    test: Test,
    /// Whether the case of ASCII letters does not count.
    any_case: bool,
}

#[derive(Debug, Clone)]
enum Test {
    In(Vec<Plain>),
    Contains(Vec<Plain>),
    Lacks(Vec<Plain>),
    Exists(bool),
}

/// A text, whole number or truth value.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, true or false")]
enum Plain {
    Text(String),
    Number(i64),
    Flag(bool),
    /// A value that was filled in: nobody knows whether the other side writes it as a text or as a number.
    #[serde(skip)]
    Filled(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<P> {
    pointer: P,
    /// What stands there is this.
    equals: Option<Plain>,
    /// What stands there is one of these.
    #[serde(rename = "in")]
    one_of: Option<Vec<Plain>>,
    /// The list there has this, or one of these, as a member, or the text there holds it.
    contains: Option<Parts>,
    /// Something stands there that has none of these so.
    lacks: Option<Parts>,
    /// Whether anything but null stands there.
    exists: Option<bool>,
    /// Whether the case of ASCII letters does not count.
    #[serde(default)]
    any_case: bool,
}

impl<P: Place> Condition<P> {
    /// Whether it holds.
    pub fn holds(&self, item: &Value) -> bool {
        let any = |test: &mut dyn FnMut(&Value) -> bool| self.pointer.any(item, test);
        match &self.test {
            Test::Exists(wanted) => any(&mut |_| true) == *wanted,
            Test::In(list) => any(&mut |found| list.iter().any(|one| one.is(found, self.any_case))),
            Test::Contains(parts) => any(&mut |found| self.has_any(parts, found)),
            Test::Lacks(parts) => any(&mut |found| !self.has_any(parts, found)),
        }
    }

    /// The texts that are compared with.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        self.plains_mut().filter_map(|part| match part {
            Plain::Text(text) | Plain::Filled(text) => Some(text),
            Plain::Number(_) | Plain::Flag(_) => None,
        })
    }

    /// Says of each text that is compared with, in the order of [`Self::texts_mut`], whether a value is filled in there: such a one is compared with
    /// whole numbers and truth values too, as they are written.
    pub fn fill_in(&mut self, filled: impl IntoIterator<Item = bool>) {
        for (text, filled) in self.plains_mut().zip(filled) {
            if let (true, Plain::Text(written)) = (filled, &mut *text) {
                *text = Plain::Filled(std::mem::take(written));
            }
        }
    }

    /// What is compared with, where it is text.
    fn plains_mut(&mut self) -> impl Iterator<Item = &mut Plain> {
        let parts = match &mut self.test {
            Test::In(parts) | Test::Contains(parts) | Test::Lacks(parts) => parts.as_mut_slice(),
            Test::Exists(_) => &mut [],
        };
        parts
            .iter_mut()
            .filter(|part| matches!(part, Plain::Text(_) | Plain::Filled(_)))
    }

    fn has_any(&self, parts: &[Plain], found: &Value) -> bool {
        parts.iter().any(|part| part.is_in(found, self.any_case))
    }
}

/// One part, or several of which any will do.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, true or false, or a list of them")]
enum Parts {
    One(Plain),
    Any(Vec<Plain>),
}

impl Parts {
    fn into_vec(self) -> Vec<Plain> {
        match self {
            Self::One(part) => vec![part],
            Self::Any(parts) => parts,
        }
    }
}

impl Plain {
    fn is_in(&self, found: &Value, any_case: bool) -> bool {
        match (found, self) {
            (Value::Array(members), part) => members.iter().any(|member| part.is(member, any_case)),
            (Value::String(text), Self::Text(part) | Self::Filled(part)) if any_case => {
                text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
            }
            (Value::String(text), Self::Text(part) | Self::Filled(part)) => text.contains(part.as_str()),
            _ => false,
        }
    }

    fn is(&self, value: &Value, any_case: bool) -> bool {
        match self {
            Self::Text(text) if any_case => value.as_str().is_some_and(|found| found.eq_ignore_ascii_case(text)),
            Self::Text(text) => value.as_str() == Some(text),
            Self::Filled(text) => scalar_text(value).is_some_and(|found| {
                if any_case {
                    found.eq_ignore_ascii_case(text)
                } else {
                    found == *text
                }
            }),
            Self::Number(number) => value.as_i64() == Some(*number),
            Self::Flag(flag) => value.as_bool() == Some(*flag),
        }
    }
}

impl<P> TryFrom<Written<P>> for Condition<P> {
    type Error = &'static str;

    fn try_from(written: Written<P>) -> Result<Self, Self::Error> {
        let tests = [
            written.equals.map(|one| Test::In(vec![one])),
            written.one_of.map(Test::In),
            written.contains.map(|parts| Test::Contains(parts.into_vec())),
            written.lacks.map(|parts| Test::Lacks(parts.into_vec())),
            written.exists.map(Test::Exists),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Self {
                pointer: written.pointer,
                test,
                any_case: written.any_case,
            }),
            _ => Err("a condition has a pointer and one of `equals`, `in`, `contains`, `lacks` and `exists`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn condition(written: Value, filled: bool) -> Condition {
        let mut condition: Condition = serde_json::from_value(written).unwrap();
        condition.fill_in([filled]);
        condition
    }

    #[test]
    fn a_text_that_was_filled_in_is_compared_with_what_is_no_text_too_and_one_that_was_written_is_not() {
        for (test, item, written, filled) in [
            ("equals", json!(7), false, true),
            ("equals", json!("7"), true, true),
            ("equals", json!(8), false, false),
            ("equals", json!(7.5), false, false),
            ("equals", json!([7]), false, false),
            ("contains", json!([6, 7]), false, true),
            ("contains", json!("175"), true, true),
            ("contains", json!(175), false, false),
            ("lacks", json!([6, 7]), true, false),
        ] {
            let text = json!({"pointer": "", test: "7"});
            assert_eq!(condition(text.clone(), false).holds(&item), written, "{test} {item}");
            assert_eq!(condition(text, true).holds(&item), filled, "{test} {item}, filled in");
        }
    }
}
