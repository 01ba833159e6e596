//! Lists, read whole or not at all: only an explicit end or an empty page ends one.

use std::collections::HashSet;

use anyhow::anyhow;
use reqwest::Url;
use serde_json::Value;

use super::client::{Answer, Call, Outcome, fail};
use super::description::list::{CountedBy, List, Paging};
use super::render::Page;
use super::session::Session;
use super::values::Values;
use crate::json::{Condition, Places, scalar_text};
use crate::targets::{CallContext, Remedy, TargetError};

/// How many pages of one list are read at most.
const PAGES: usize = 1000;

/// What was read of a list.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The items that count.
    pub(super) items: Vec<Value>,
    /// The target's ids of the requests.
    pub(super) requests: Vec<String>,
    /// Why it proves nothing that there are no others, where it does not.
    pub(super) short: Option<String>,
}

/// Reads a list whole. An `Err` in the success says why the target has no such list.
pub(super) async fn read(
    session: &Session,
    context: &CallContext,
    doing: &str,
    list: &List,
    values: Values<'_>,
) -> Result<Result<Listed, String>, TargetError> {
    let call = Call::new(doing, &list.request, values);
    let only = conditions(session, list, values).map_err(|error| fail(doing, Remedy::GiveUp, error.into(), None))?;
    let mut reading = Reading {
        list,
        listed: Listed::default(),
        seen: HashSet::new(),
        received: 0,
        total: None,
        last: None,
    };
    let mut page = reading.first();
    for _ in 0..PAGES {
        let answer = match session.send_page(context, &call, &page).await? {
            Outcome::Success(answer) | Outcome::Told(answer) => answer,
            Outcome::Off(why) => return Ok(Err(why)),
        };
        let raw = reading.items(&answer)?;
        let count = raw.len();
        let counted = raw
            .into_iter()
            .filter(|item| only.iter().all(|condition| condition.holds(item)));
        reading.listed.items.extend(counted);
        reading.listed.requests.extend(answer.request.clone());
        match reading.next(&answer, count)? {
            Some(next) => page = next,
            None => return Ok(Ok(reading.listed)),
        }
    }
    Err(fail(
        doing,
        Remedy::GiveUp,
        anyhow!("the list has more than {PAGES} pages; what is listed in part proves nothing"),
        None,
    ))
}

/// What must hold of an item, with its values.
fn conditions(session: &Session, list: &List, values: Values<'_>) -> Result<Vec<Condition<Places>>, super::values::FillError> {
    let configured = session.client.configured();
    let values = Values {
        configured: Some(&configured),
        ..values
    };
    list.only
        .iter()
        .map(|one| one.filled(|template| values.plain(template)))
        .collect()
}

struct Reading<'l> {
    list: &'l List,
    listed: Listed,
    /// The cursors and URLs that were followed.
    seen: HashSet<String>,
    /// How many items came, whether they count or not.
    received: usize,
    /// How many there are, as the first page said it.
    total: Option<usize>,
    /// The page before.
    last: Option<Value>,
}

impl Reading<'_> {
    fn first(&self) -> Page {
        match &self.list.paging {
            Paging::Counted { by, .. } => self.counted(match by {
                CountedBy::StartIndex => 1,
                CountedBy::Offset => 0,
                CountedBy::Page(first) => *first,
            }),
            _ => Page::default(),
        }
    }

    fn counted(&self, at: usize) -> Page {
        let Paging::Counted { send, count, .. } = &self.list.paging else {
            return Page::default();
        };
        let mut query = vec![(send.clone(), at.to_string())];
        query.extend(count.as_ref().map(|(count, size)| (count.clone(), size.to_string())));
        Page { query, url: None }
    }

    /// The items of a page.
    fn items(&mut self, answer: &Answer) -> Result<Vec<Value>, TargetError> {
        let total = self.total(answer)?;
        let places = &self.list.items;
        if places.has_star() {
            return Ok(places.all(&answer.body).into_iter().cloned().collect());
        }
        match places.first(&answer.body) {
            Some(Value::Array(items)) => Ok(items.clone()),
            None if self.list.absent_is_empty && answer.body.is_object() => Ok(Vec::new()),
            // A list that counts itself may leave itself out where there is nothing in it (RFC 7644 section 3.4.2).
            None if total == Some(0) && self.received == 0 => Ok(Vec::new()),
            _ => Err(answer.not_understood(format!("there is no list at {places}"))),
        }
    }

    fn total(&self, answer: &Answer) -> Result<Option<usize>, TargetError> {
        let Paging::Counted { total: Some(total), .. } = &self.list.paging else {
            return Ok(None);
        };
        let number = total.text(&answer.body).and_then(|number| number.parse().ok());
        number
            .map(Some)
            .ok_or_else(|| answer.not_understood(format!("there is no number of items at {total}")))
    }

    /// The page that follows on one with so many items; `None` where the list is whole.
    fn next(&mut self, answer: &Answer, count: usize) -> Result<Option<Page>, TargetError> {
        self.received += count;
        match &self.list.paging {
            Paging::None => Ok(None),
            Paging::Link(relation) => {
                let next = link(&answer.headers, relation).map_err(|why| answer.not_understood(why))?;
                next.map(|next| self.follow(answer, &next)).transpose()
            }
            Paging::NextUrl(place) => {
                let next = said(place, answer)?;
                next.map(|next| self.follow(answer, &next)).transpose()
            }
            Paging::Cursor { at, send } => {
                let Some(cursor) = said(at, answer)? else {
                    return Ok(None);
                };
                if !self.seen.insert(cursor.clone()) {
                    return Err(answer.not_understood("the list goes round in a circle: the same cursor came twice"));
                }
                Ok(Some(Page {
                    query: vec![(send.clone(), cursor)],
                    url: None,
                }))
            }
            Paging::Again => {
                if count > 0 && self.listed.items.is_empty() {
                    self.listed.short =
                        Some("the target shows the first page of the list only, and none of it is this account's".to_owned());
                }
                Ok(None)
            }
            Paging::Counted { by, .. } => self.next_counted(*by, answer, count),
        }
    }

    fn next_counted(&mut self, by: CountedBy, answer: &Answer, count: usize) -> Result<Option<Page>, TargetError> {
        let total = self.total(answer)?;
        if self.total.is_some_and(|first| total != Some(first)) {
            return Err(answer.not_understood("the list changed while it was read"));
        }
        self.total = total;
        // Before anything ends the list: a target that ignores where a page begins would fill the total with the same items.
        let page = Some(self.list.items.all(&answer.body).into_iter().cloned().collect());
        if count > 0 && self.last == page {
            return Err(answer.not_understood("the target sends the same page again and again"));
        }
        self.last = page;
        match total {
            Some(total) if self.received >= total => return Ok(None),
            Some(total) if count == 0 => {
                let received = self.received;
                return Err(answer.not_understood(format!("{received} items came, and the list says that it has {total}")));
            }
            None if count == 0 => return Ok(None),
            _ => {}
        }
        let at = match by {
            CountedBy::StartIndex => self.received + 1,
            CountedBy::Offset => self.received,
            CountedBy::Page(first) => {
                // Every page before this one is in `seen`.
                self.seen.insert(self.seen.len().to_string());
                first + self.seen.len()
            }
        };
        Ok(Some(self.counted(at)))
    }

    fn follow(&mut self, answer: &Answer, next: &str) -> Result<Page, TargetError> {
        let url = next_url(&answer.url, next).map_err(|why| answer.not_understood(why))?;
        if url == answer.url || !self.seen.insert(url.to_string()) {
            return Err(answer.not_understood("the list goes round in a circle: the same next page was named twice"));
        }
        Ok(Page {
            query: Vec::new(),
            url: Some(url),
        })
    }
}

/// A cursor or a URL in the body; nothing, or an empty text, says that this was the last page.
fn said(place: &Places, answer: &Answer) -> Result<Option<String>, TargetError> {
    match place.first(&answer.body) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(found) => scalar_text(found)
            .map(Some)
            .ok_or_else(|| answer.not_understood(format!("what stands at {place} names no next page"))),
    }
}

/// The URL of the next page: only ever at the same origin, since our credential goes there.
fn next_url(current: &Url, next: &str) -> Result<Url, &'static str> {
    let url = current.join(next).map_err(|_| "the next page has no URL")?;
    if url.origin() != current.origin() || !url.username().is_empty() || url.password().is_some() {
        return Err("the next page is at another origin, and our credential is not sent there");
    }
    Ok(url)
}

/// The target of the link with this relation (RFC 8288), of all values of the header.
fn link(headers: &http::HeaderMap, relation: &str) -> Result<Option<String>, &'static str> {
    for value in headers.get_all(http::header::LINK) {
        let mut rest = value.to_str().map_err(|_| "a Link header is no text")?;
        while let Some(open) = rest.find('<') {
            let inner = &rest[open + 1..];
            let close = inner.find('>').ok_or("a Link header is cut short")?;
            let (target, after) = (&inner[..close], &inner[close + 1..]);
            let end = parameters_end(after);
            if has_relation(&after[..end], relation) {
                return Ok(Some(target.to_owned()));
            }
            rest = &after[end..];
        }
    }
    Ok(None)
}

/// Where the parameters of one link end: at a comma outside of quotes.
fn parameters_end(text: &str) -> usize {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    end.unwrap_or(text.len())
}

fn has_relation(parameters: &str, relation: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|one| one.eq_ignore_ascii_case(relation))
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[test]
    fn the_next_page_is_found_among_all_links_of_all_headers() {
        for (values, expected) in [
            (vec!["</a?page=2>; rel=\"next\""], Some("/a?page=2")),
            (vec!["</a>; rel=\"self\", </a?after=b,c>; rel=next"], Some("/a?after=b,c")),
            (
                vec!["</a>; rel=\"self\"", "</b>; title=\"x, y\"; rel=\"last next\""],
                Some("/b"),
            ),
            (vec!["</a>; rel=\"prev\""], None),
            (vec!["</a>; title=\"rel=next\""], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(http::header::LINK, HeaderValue::from_static(value));
            }
            assert_eq!(link(&headers, "next").unwrap().as_deref(), expected);
        }
    }

    #[test]
    fn a_next_page_elsewhere_is_not_followed() {
        let current = Url::parse("https://idp.example.org/api/users?limit=2").unwrap();
        for (next, at) in [
            (
                "https://idp.example.org/api/users?after=x",
                Some("https://idp.example.org/api/users?after=x"),
            ),
            ("/api/users?after=x", Some("https://idp.example.org/api/users?after=x")),
            ("?after=x", Some("https://idp.example.org/api/users?after=x")),
            ("https://evil.example.org/api/users", None),
            ("https://idp.example.org:8443/api/users", None),
            ("http://idp.example.org/api/users", None),
            ("//evil.example.org/", None),
            ("https://me@idp.example.org/", None),
            ("file:///etc/passwd", None),
        ] {
            assert_eq!(next_url(&current, next).ok().as_ref().map(Url::as_str), at, "{next}");
        }
    }
}
