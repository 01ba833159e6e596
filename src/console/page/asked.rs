//! What the address of a page asks for, and what a short form says.

use axum::extract::FromRequestParts;

use super::is_our_form;
use crate::console::refusal::Refusal;
use crate::console::routes::{LONGEST_NOTE, text};
use crate::model::{Timestamp, iso_date};

/// The query of an address; one that cannot be read is refused in words.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Refusal))]
pub(super) struct Query<T>(pub(super) T);

/// Where a day begins or ends.
const DAY: std::time::Duration = std::time::Duration::from_hours(24);

/// A field that was filled in: forms without scripts send the empty ones too.
pub(super) fn given(field: Option<&String>) -> Option<&str> {
    field.map(|text| text.trim()).filter(|text| !text.is_empty())
}

/// A number in a field.
pub(super) fn number<N: std::str::FromStr>(name: &str, field: Option<&String>) -> Result<Option<N>, Refusal> {
    let number = |text: &str| {
        text.parse()
            .map_err(|_| Refusal::unreadable(format!("{name}: {text:?} is no number")))
    };
    given(field).map(number).transpose()
}

/// Where a day of UTC begins, or an instant of RFC 3339.
pub(super) fn beginning(name: &str, field: Option<&String>) -> Result<Option<Timestamp>, Refusal> {
    given(field).map(|text| instant(name, text).map(|(at, _)| at)).transpose()
}

/// Where a day of UTC is over, or an instant of RFC 3339.
pub(super) fn end(name: &str, field: Option<&String>) -> Result<Option<Timestamp>, Refusal> {
    let end = |(at, is_day): (Timestamp, bool)| if is_day { at.plus(DAY) } else { at };
    given(field).map(|text| instant(name, text).map(end)).transpose()
}

fn instant(name: &str, text: &str) -> Result<(Timestamp, bool), Refusal> {
    let is_day = iso_date(text).is_some();
    let whole = if is_day {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let read: Result<jiff::Timestamp, _> = whole.parse();
    read.map(|at| (Timestamp::from(at), is_day)).map_err(|_| {
        Refusal::unreadable(format!(
            "{name}: write a day as 2026-12-01 or an instant as 2026-12-01T08:00:00Z, not {text:?}"
        ))
    })
}

/// A link to another page of the same list: the filters as they are, and from where.
pub(super) fn link(path: &str, fields: &[(&str, Option<&str>)]) -> String {
    let given = fields.iter().filter_map(|(name, value)| Some((name, (*value)?)));
    let query = serde_urlencoded::to_string(given.collect::<Vec<_>>()).unwrap_or_default();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// A form that says one thing. `note` may be left out where `must` is not.
pub(super) fn said(headers: &http::HeaderMap, body: &[u8], must: bool) -> Result<Option<String>, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        form: String,
        #[serde(default)]
        note: String,
    }
    let said: Said = serde_urlencoded::from_bytes(body).map_err(Refusal::unreadable)?;
    is_our_form(headers, &said.form)?;
    if said.note.trim().is_empty() && !must {
        return Ok(None);
    }
    text("note", &said.note, LONGEST_NOTE).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_meant_whole_and_what_is_left_empty_asks_for_nothing() {
        let field = |text: &str| Some(text.to_owned());
        let day = field("2026-12-01");
        let (from, until) = (beginning("from", day.as_ref()), end("until", day.as_ref()));
        let (Ok(Some(from)), Ok(Some(until))) = (from, until) else {
            panic!("a day is a day")
        };
        assert_eq!(until.since(from), DAY);
        assert!(matches!(beginning("from", field(" ").as_ref()), Ok(None)));
        assert!(beginning("from", field("yesterday").as_ref()).is_err());
        assert!(number::<i64>("case", field("x").as_ref()).is_err());
    }

    #[test]
    fn a_link_keeps_the_filters_and_takes_nothing_out_of_its_place() {
        let fields = [("person", Some("a&b=c\"<")), ("kind", None), ("before", Some("7"))];
        assert_eq!(link("/trail", &fields), "/trail?person=a%26b%3Dc%22%3C&before=7");
    }
}
