//! The key of an item, by which a repetition is known: what its sender calls it.

use serde::Deserialize;
use serde_json::Value;

use crate::digest::{hex, sha256};
use crate::json::Pointer;

/// Where the name of an item stands: in one place, or spread over several (a search and its row).
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a pointer such as \"/id\", or a list of pointers that name the item together"
)]
pub(super) enum KeyAt {
    /// A text, a number or a truth value, which is the name as it stands.
    One(Pointer),
    /// Several values of any sort, of which the name is a hash: a person may be among them, and names stand in the trail.
    Several(Vec<Pointer>),
}

impl KeyAt {
    /// The name; `None` where nothing stands at any place.
    pub(super) fn name(&self, item: &Value) -> Option<String> {
        let pointers = match self {
            Self::One(pointer) => return pointer.text(item),
            Self::Several(pointers) => pointers,
        };
        let parts: Vec<_> = pointers.iter().map(|pointer| pointer.of(item)).collect();
        if parts.iter().all(Option::is_none) {
            return None;
        }
        // As JSON, so that no part can be taken for the end of another; one that is missing is null.
        let parts: Vec<Value> = parts
            .into_iter()
            .map(|part| part.map_or(Value::Null, std::borrow::Cow::into_owned))
            .collect();
        Some(format!("parts:{}", hex(&sha256(Value::Array(parts).to_string().as_bytes()))))
    }

    /// The places that it shows.
    pub(super) fn shown(&self) -> Option<&Pointer> {
        match self {
            Self::One(pointer) => Some(pointer),
            Self::Several(_) => None,
        }
    }

    /// What is wrong with it as it is written.
    pub(super) fn fault(&self) -> Option<&'static str> {
        matches!(self, Self::Several(pointers) if pointers.is_empty()).then_some("a key has at least one pointer")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(places: &[&str]) -> KeyAt {
        let pointers = places.iter().map(|place| Pointer::try_from((*place).to_owned()).unwrap());
        KeyAt::Several(pointers.collect())
    }

    #[test]
    fn several_places_name_an_item_together_and_none_runs_into_the_next() {
        let search = key(&["/sid", "/result"]);
        let row = |sid: &str, user: &str| search.name(&json!({"sid": sid, "result": {"user": user}})).unwrap();
        assert_eq!(row("s", "a"), row("s", "a"));
        assert_ne!(row("s", "a"), row("s", "b"));
        assert_ne!(row("s", "a"), row("t", "a"));
        assert!(!row("s", "alice@example.org").contains("alice"));
        let two = key(&["/a", "/b"]);
        let named = |item: &Value| two.name(item);
        assert_ne!(named(&json!({"a": "x", "b": "y"})), named(&json!({"a": "xy"})));
        assert_ne!(named(&json!({"a": "x"})), named(&json!({"b": "x"})));
        assert_eq!(named(&json!({"a": null, "c": 1})), None);
    }
}
