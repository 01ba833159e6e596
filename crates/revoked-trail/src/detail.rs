//! The detail of an entry: an object of JSON that is written as its members are given.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::sorted_json::{Members, Text};

/// What stands in the place of a value that cannot be written as JSON.
const UNWRITABLE: &str = "(could not be written)";

/// What an entry says besides its kind, its actor and whom it is about: the members of a JSON object, written down as they are given and
/// sorted by name in the line. [`detail!`](crate::detail!) makes one; so does `Detail::from` of an object of `serde_json::json!`.
///
/// ```
/// let detail = revoked_trail::detail! { "target": "chat", "attempt": 2 }.member("due", None::<i64>);
/// assert_eq!(detail.to_string(), r#"{"attempt":2,"due":null,"target":"chat"}"#);
/// ```
#[derive(Debug, Clone)]
pub struct Detail {
    text: Text,
    members: Members,
}

impl Detail {
    /// A detail without members.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: Text::default(),
            members: Members::at(0),
        }
    }

    /// The same with this member. Of two with one name the later counts.
    ///
    /// Objects in the value have their members sorted by name as well. What cannot be written (a map whose keys are no texts) stops a
    /// debug build, and is said so in a release build.
    #[must_use]
    pub fn member<T: Serialize>(mut self, name: impl Into<Cow<'static, str>>, value: T) -> Self {
        let name = name.into();
        let before = self.text.bytes.len();
        if let Err(error) = self.members.write(&mut self.text, name.clone(), &value) {
            debug_assert!(false, "writing the detail's member `{name}`: {error}");
            self.text.bytes.truncate(before);
            drop(self.members.write(&mut self.text, name, UNWRITABLE));
        }
        self
    }

    /// True without members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The name of the first member, at any depth, whose value looked like a secret and was withheld.
    #[must_use]
    pub fn secret_member(&self) -> Option<&str> {
        self.text.secret.as_deref()
    }

    /// Appends the object to a line.
    pub(crate) fn append_to(&self, line: &mut Vec<u8>) {
        line.push(b'{');
        self.members.append_to(line, &self.text);
        line.push(b'}');
    }

    /// About how long it is as JSON.
    pub(crate) fn length(&self) -> usize {
        self.text.bytes.len() + 2
    }
}

impl Default for Detail {
    fn default() -> Self {
        Self::new()
    }
}

/// An object, or null for no members.
impl From<Value> for Detail {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::new(),
            Value::Object(members) => members
                .into_iter()
                .fold(Self::new(), |detail, (name, value)| detail.member(name, value)),
            other => {
                debug_assert!(false, "the detail must be an object: {other}");
                Self::new().member("value", other)
            }
        }
    }
}

/// The object as JSON.
impl std::fmt::Display for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = Vec::with_capacity(self.length());
        self.append_to(&mut line);
        f.write_str(&String::from_utf8_lossy(&line))
    }
}

/// A [`Detail`] of these members: `detail! { "target": target, "attempt": 2 }`. A value is anything that `serde` can write.
#[macro_export]
macro_rules! detail {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::Detail::new()$(.member($name, &$value))*
    };
}
