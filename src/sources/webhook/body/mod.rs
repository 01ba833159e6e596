//! From the bytes of a body to JSON values: one value, one on each line, a sequence of them, or a form.
//!
//! How a body is read follows from its bytes: the content type is not signed, so that it must not make another message of the same bytes.
//! It only says whether a form may come at all, and what begins like JSON is never read as a form.

mod form;

use serde_json::Value;

use crate::jose::read_value;

/// What some programs write before a text in UTF-8, and is no part of it.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// What stands before each record of a JSON text sequence (RFC 7464 section 2.2), and cannot stand in JSON.
const RECORD: u8 = 0x1e;

/// How many items one body may hold.
pub(super) const MOST_ITEMS: usize = 5000;
/// A body that was read.
#[derive(Debug, PartialEq)]
pub(super) enum Body {
    /// One value.
    Whole(Value),
    /// A value on each line, or why it cannot be read (JSON Lines, as log streams are written).
    Lines(Vec<Result<Value, String>>),
}

impl Body {
    /// Reads `bytes`, which may be a form where `form` says so; `field` names the one field of the form that holds the message as JSON.
    ///
    /// # Errors
    /// Why it cannot be read, without any of it.
    pub(super) fn read(bytes: &[u8], form: bool, field: Option<&str>) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        if form && !matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) {
            let form = form::read(bytes)?;
            return match field {
                None => Ok(Self::Whole(form)),
                Some(field) => {
                    let text = form.get(field).and_then(Value::as_str);
                    let text = text.ok_or_else(|| format!("the form holds no field {field}"))?;
                    read_value(text.as_bytes()).map(Self::Whole)
                }
            };
        }
        if bytes.starts_with(&[RECORD]) {
            return records(bytes);
        }
        read_value(bytes).map(Self::Whole).or_else(|why| lines(bytes)?.ok_or(why))
    }

    /// The value, where there is only one.
    pub(super) fn whole(&self) -> Option<&Value> {
        match self {
            Self::Whole(value) => Some(value),
            Self::Lines(_) => None,
        }
    }
}

/// The records of a sequence, one or more (RFC 7464).
fn records(bytes: &[u8]) -> Result<Body, String> {
    const NONE: &str = "no record of the sequence is JSON";
    let mut records = parts(bytes, RECORD);
    match (records.next(), records.next()) {
        (None, _) => Err(NONE.to_owned()),
        (Some(only), None) => read_value(only).map(Body::Whole),
        _ => each(|| parts(bytes, RECORD))?.ok_or_else(|| NONE.to_owned()),
    }
}

/// The values of a body that has one on each line; `None` where it is nothing of the kind.
fn lines(bytes: &[u8]) -> Result<Option<Body>, String> {
    let lines = || parts(bytes, b'\n');
    let object = |line: &[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    if lines().count() < 2 || !lines().next().is_some_and(object) {
        return Ok(None);
    }
    each(lines)
}

/// What stands between the bytes `by`, where it is anything.
fn parts(bytes: &[u8], by: u8) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(move |byte| *byte == by)
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
}

/// The values of `parts`; `None` where none is one.
fn each<'b, I: Iterator<Item = &'b [u8]>>(parts: impl Fn() -> I) -> Result<Option<Body>, String> {
    let count = parts().count();
    if count > MOST_ITEMS {
        return Err(format!("the body holds {count} lines; {MOST_ITEMS} are taken at once"));
    }
    let read: Vec<_> = parts().map(read_value).collect();
    Ok(read.iter().any(Result::is_ok).then_some(Body::Lines(read)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_value_is_read_as_one_and_lines_as_many() {
        let read = |text: &str| Body::read(text.as_bytes(), false, None);
        assert_eq!(read(" {\n\"a\": 1\n}\n"), Ok(Body::Whole(json!({"a": 1}))));
        assert_eq!(read("\"Ping test\""), Ok(Body::Whole(json!("Ping test"))));
        let two = Body::Lines(vec![Ok(json!({"a": 1})), Ok(json!({"a": 2}))]);
        for text in ["{\"a\":1}\n{\"a\":2}", "{\"a\":1}\r\n\r\n{\"a\":2}\r\n"] {
            assert_eq!(read(text).as_ref(), Ok(&two), "{text}");
        }
        let Ok(Body::Lines(lines)) = read("{\"a\":1}\n{\"a\":1,\"a\":2}\n{\"a\":3}") else {
            panic!("no lines")
        };
        assert_eq!(lines.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    }

    #[test]
    fn what_is_neither_one_value_nor_lines_is_refused() {
        for text in [
            "",
            "{} {}",
            "{}{}",
            "[1]\n[2]",
            "1\n2",
            "{\"a\":1,\"a\":2}",
            "{\n\"a\":1\n",
            "{\"a\":}\n{\"b\":}",
        ] {
            assert!(Body::read(text.as_bytes(), false, None).is_err(), "{text}");
        }
        let many = "{}\n".repeat(MOST_ITEMS + 1);
        assert!(Body::read(many.as_bytes(), false, None).unwrap_err().contains("at once"));
    }

    #[test]
    fn the_bytes_alone_say_whether_it_is_a_form() {
        let trick = br#"{"name":"x&type=employee.left&z="}"#;
        let json = Body::read(trick, false, None);
        assert_eq!(json, Body::read(trick, true, None));
        assert!(json.is_ok());
        assert!(Body::read(b"a=1", false, None).is_err());
        assert_eq!(Body::read(b"a=1", true, None), Ok(Body::Whole(json!({"a": "1"}))));
    }

    #[test]
    fn a_field_of_a_form_may_hold_the_message() {
        let read = |form: &str| Body::read(form.as_bytes(), true, Some("payload"));
        assert_eq!(read("x=1&payload=%7B%22a%22%3A1%7D"), Ok(Body::Whole(json!({"a": 1}))));
        for form in ["x=1", "payload=x", "payload=%7B%22a%22%3A1%2C%22a%22%3A2%7D", "payload[a]=1"] {
            assert!(read(form).is_err(), "{form}");
        }
    }
}
