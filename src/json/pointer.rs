//! JSON pointers (RFC 6901), which go on into a text that is itself JSON: senders pack one message into another as a text.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{Place, scalar_text};
use crate::jose::read_value;

/// A place in a JSON value: empty for the whole, else `/member/0/member`, with `~1` for a slash and `~0` for a tilde in a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Pointer(String);

impl Pointer {
    /// What stands there; `None` where nothing does, or null.
    #[must_use]
    pub fn of<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        reach(value, &self.0).filter(|value| !value.is_null())
    }

    /// What stands there; of a text that is JSON, what it holds.
    pub fn inside<'v>(&self, value: &'v Value) -> Option<Cow<'v, Value>> {
        let found = self.of(value)?;
        let inner = found.as_str().and_then(packed);
        Some(inner.map_or(found, Cow::Owned))
    }

    /// The place itself, to put something else there; never inside a text.
    pub fn place<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.pointer_mut(&self.0)
    }

    /// Takes the member of an object that stands there away; never inside a text.
    pub fn remove(&self, value: &mut Value) {
        let Some((above, name)) = self.0.rsplit_once('/') else {
            return;
        };
        let name = name.replace("~1", "/").replace("~0", "~");
        if let Some(members) = value.pointer_mut(above).and_then(Value::as_object_mut) {
            members.remove(&name);
        }
    }

    /// Whether it stands at `other`, or above it: what is read there holds what is read at `other`.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other
            .0
            .strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The text, whole number or truth value that stands there, as text; `None` for anything else and for an empty text.
    #[must_use]
    pub fn text(&self, value: &Value) -> Option<String> {
        scalar_text(self.of(value)?.as_ref())
    }
}

impl Place for Pointer {
    fn any(&self, value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        self.of(value).is_some_and(|found| test(&found))
    }
}

/// The object or list that a text holds, read as strictly as a body.
fn packed(text: &str) -> Option<Value> {
    let inner = read_value(text.as_bytes()).ok()?;
    (inner.is_object() || inner.is_array()).then_some(inner)
}

/// What stands at `path` of `value`. A text on the way is gone into.
fn reach<'v>(value: &'v Value, path: &str) -> Option<Cow<'v, Value>> {
    let mut at = value;
    let mut rest = path;
    while let Some(tail) = rest.strip_prefix('/') {
        let end = tail.find('/').unwrap_or(tail.len());
        at = match at {
            Value::String(text) => return reach(&packed(text)?, rest).map(|found| Cow::Owned(found.into_owned())),
            _ => at.pointer(&rest[..=end])?,
        };
        rest = &tail[end..];
    }
    Some(Cow::Borrowed(at))
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "the item itself" } else { &self.0 })
    }
}

impl TryFrom<String> for Pointer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err("a JSON pointer begins with a slash, such as /data/user/email");
        }
        let escaped = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        if !escaped {
            return Err("in a JSON pointer a tilde is written ~0 and a slash in a name ~1");
        }
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pointer(text: &str) -> Result<Pointer, &'static str> {
        Pointer::try_from(text.to_owned())
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let document = json!({
            "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8
        });
        for (text, expected) in [
            ("", document.clone()),
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ] {
            assert_eq!(pointer(text).unwrap().of(&document).as_deref(), Some(&expected), "{text}");
        }
        for text in ["/foo/2", "/foo/00", "/foo/-", "/foo/+1", "/bar", "/foo/0/x"] {
            assert_eq!(pointer(text).unwrap().of(&document), None, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_json_is_gone_into_and_any_other_is_the_end() {
        let inner = json!({"user": "al", "more": "[{\"n\":7}]"}).to_string();
        let document = json!({"Message": inner, "plain": "user", "twice": "{\"a\":1,\"a\":2}", "word": "\"user\""});
        assert_eq!(pointer("/Message/user").unwrap().text(&document).as_deref(), Some("al"));
        assert_eq!(pointer("/Message/more/0/n").unwrap().text(&document).as_deref(), Some("7"));
        assert_eq!(pointer("/Message").unwrap().text(&document), Some(inner));
        for text in [
            "/Message/nobody",
            "/plain/user",
            "/plain/0",
            "/twice/a",
            "/word/user",
            "/Message/user/0",
        ] {
            assert_eq!(pointer(text).unwrap().of(&document), None, "{text}");
        }
    }

    #[test]
    fn a_pointer_holds_itself_and_what_is_below_it() {
        let holds = |above: &str, below: &str| pointer(above).unwrap().holds(&pointer(below).unwrap());
        assert!(holds("", "/a") && holds("/a", "/a") && holds("/a", "/a/0"));
        assert!(!holds("/a", "/ab") && !holds("/a/0", "/a"));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["foo", "a/b", "/a~2", "/a~", "#/foo"] {
            assert!(pointer(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_found_once_it_is_escaped(name in "\\PC{0,12}", other in "[a-z~/]{0,6}") {
            let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
            let document = json!({ other.clone(): { name.clone(): "here" }, "0": 1 });
            let text = format!("/{}/{}", escape(&other), escape(&name));
            assert_eq!(pointer(&text).unwrap().text(&document).as_deref(), Some("here"));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}|[/~0-9a]{0,12}") {
            if let Ok(pointer) = pointer(&text) {
                let _ = pointer.text(&json!({"a": [1, {"~0": "/"}]}));
            }
        }
    }
}
