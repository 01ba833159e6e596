//! JSON pointers (RFC 6901) with one extension: a segment `*` means every member of the list or object there.

use serde::Deserialize;
use serde_json::Value;

use super::Place;

/// Places in a JSON value: empty for the whole, else `/member/0/member` or `/members/*/name`. A text is never looked into.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Places {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Member(String),
    Every,
}

impl Places {
    /// Everything but null that stands there, in the order of the document.
    #[must_use]
    pub fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for segment in &self.segments {
            found = found.into_iter().flat_map(|value| segment.of(value)).collect();
        }
        found.retain(|value| !value.is_null());
        found
    }

    /// All that stands there; `None` where a part of the way, or of what stands there, is missing or null. An empty list is all there.
    #[must_use]
    pub fn whole<'v>(&self, value: &'v Value) -> Option<Vec<&'v Value>> {
        let mut found = vec![value];
        for segment in &self.segments {
            let mut below = Vec::new();
            for value in found {
                let reached = segment.of(value);
                let may_be_empty = *segment == Segment::Every && (value.is_array() || value.is_object());
                if reached.is_empty() && !may_be_empty {
                    return None;
                }
                below.extend(reached);
            }
            found = below;
        }
        found.iter().all(|value| !value.is_null()).then_some(found)
    }

    /// The first of them.
    #[must_use]
    pub fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.all(value).into_iter().next()
    }

    /// The first of them as text, where it is a text that is not blank, a whole number or a truth value.
    #[must_use]
    pub fn text(&self, value: &Value) -> Option<String> {
        self.first(value).and_then(scalar_text)
    }

    /// Whether it may be more than one.
    #[must_use]
    pub fn has_star(&self) -> bool {
        self.segments.contains(&Segment::Every)
    }

    /// Puts `new` there. False where the object or list that it belongs into is not there.
    pub fn put(&self, value: &mut Value, new: Value) -> bool {
        let mut at = value;
        let Some((last, above)) = self.segments.split_last() else {
            *at = new;
            return true;
        };
        for segment in above {
            let Segment::Member(name) = segment else { return false };
            let inner = match at {
                Value::Object(members) => members.get_mut(name),
                Value::Array(members) => index(name).and_then(|n| members.get_mut(n)),
                _ => None,
            };
            let Some(inner) = inner else { return false };
            at = inner;
        }
        match (at, last) {
            (Value::Object(members), Segment::Member(name)) => {
                members.insert(name.clone(), new);
                true
            }
            (Value::Array(members), Segment::Member(name)) => match index(name).and_then(|n| members.get_mut(n)) {
                Some(place) => {
                    *place = new;
                    true
                }
                None => false,
            },
            _ => false,
        }
    }
}

impl Segment {
    fn of<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Every, Value::Array(members)) => members.iter().collect(),
            (Self::Every, Value::Object(members)) => members.values().collect(),
            (Self::Member(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Self::Member(name), Value::Array(members)) => index(name).and_then(|n| members.get(n)).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// A place in a list: no sign, no leading zero (RFC 6901 section 4).
fn index(name: &str) -> Option<usize> {
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}

/// A text that is not blank, a whole number or a truth value, as text.
#[must_use]
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Place for Places {
    fn any(&self, value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        self.all(value).into_iter().any(test)
    }
}

impl std::fmt::Display for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.text.is_empty() { "the whole" } else { &self.text })
    }
}

impl TryFrom<String> for Places {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let segments = match text.strip_prefix('/') {
            None if text.is_empty() => Vec::new(),
            None => return Err("a JSON pointer begins with a slash, such as /data/user/email"),
            Some(rest) => rest.split('/').map(segment).collect::<Result<_, _>>()?,
        };
        Ok(Self { text, segments })
    }
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    if text == "*" {
        return Ok(Segment::Every);
    }
    if !text.split('~').skip(1).all(|after| after.starts_with(['0', '1'])) {
        return Err("in a JSON pointer a tilde is written ~0 and a slash in a name ~1");
    }
    Ok(Segment::Member(text.replace("~1", "/").replace("~0", "~")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(text: &str) -> Places {
        Places::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_star_is_every_member_of_a_list_or_an_object() {
        let document = json!({"emails": [{"value": "a"}, {"value": null}, {"other": 1}, {"value": "b"}], "map": {"x": 1, "y": 2}});
        assert_eq!(places("/emails/*/value").all(&document), [&json!("a"), &json!("b")]);
        assert_eq!(places("/map/*").all(&document), [&json!(1), &json!(2)]);
        assert_eq!(places("/emails/3/value").text(&document).as_deref(), Some("b"));
        assert_eq!(places("").first(&document), Some(&document));
        for nothing in ["/emails/*/value/*", "/emails/03", "/emails/-1", "/nobody", "/emails/1/value"] {
            assert_eq!(places(nothing).first(&document), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_there_in_part_is_not_whole() {
        let document = json!({"list": [{"id": 1}, {"id": 2}], "holed": [{"id": 1}, {}], "empty": [], "null": null, "text": "x", "nulls": [null]});
        assert_eq!(places("/list/*/id").whole(&document), Some(vec![&json!(1), &json!(2)]));
        assert_eq!(places("/empty/*").whole(&document), Some(Vec::new()));
        assert_eq!(places("/text").whole(&document), Some(vec![&json!("x")]));
        for nothing in [
            "/holed/*/id",
            "/nobody",
            "/nobody/*",
            "/null",
            "/null/*",
            "/text/*",
            "/nulls/*",
        ] {
            assert_eq!(places(nothing).whole(&document), None, "{nothing}");
        }
    }

    #[test]
    fn a_text_that_is_json_is_not_looked_into() {
        let document = json!({"name": "{\"admin\":true}"});
        assert_eq!(places("/name/admin").first(&document), None);
    }

    #[test]
    fn something_is_put_only_where_there_is_a_place_for_it() {
        let mut document = json!({"user": {"enabled": true}, "list": [1]});
        assert!(places("/user/enabled").put(&mut document, json!(false)));
        assert!(places("/user/new").put(&mut document, json!(1)));
        assert!(places("/list/0").put(&mut document, json!(2)));
        assert!(!places("/list/1").put(&mut document, json!(2)));
        assert!(!places("/list/00").put(&mut document, json!(3)));
        assert!(!places("/nobody/x").put(&mut document, json!(2)));
        assert_eq!(document, json!({"user": {"enabled": false, "new": 1}, "list": [2]}));
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["foo", "a/b", "/a~2", "/a~", "#/foo"] {
            assert!(Places::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
