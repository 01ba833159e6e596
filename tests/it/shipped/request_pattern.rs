//! A request as a stand-in sees it, and what it is compared with: nothing may stand in it that is not written in the pattern.

use serde_json::Value;
use wiremock::Request;

/// A request, decoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    /// JSON, or the pairs of a form as an object.
    pub(super) body: Option<Value>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let path = request.url.path()[1..].split('/').map(decoded).collect();
        let query = request
            .url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let body = (!request.body.is_empty()).then(|| {
            serde_json::from_slice(&request.body).unwrap_or_else(|_| {
                let text = String::from_utf8_lossy(&request.body);
                let pairs = reqwest::Url::parse(&format!("http://form/?{text}")).unwrap();
                let pairs = pairs
                    .query_pairs()
                    .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
                Value::Object(pairs.collect())
            })
        });
        Self {
            method: request.method.to_string(),
            path,
            query,
            body,
        }
    }

    /// The value of a member of the query.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn decoded(segment: &str) -> String {
    // A query's decoder takes a plus for a space, which a path's does not.
    let escaped = segment
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D")
        .replace('#', "%23");
    let url = reqwest::Url::parse(&format!("http://x/?{escaped}")).unwrap();
    url.query_pairs()
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// What a request must be like. A star stands for any text within a segment, a value of the query, or a text of the body.
pub(super) struct RequestPattern {
    any: bool,
    method: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    any_query: bool,
    body: Option<Value>,
}

/// What pages are asked for by; the stand-in's own is the last.
const PAGE_WORDS: [&str; 8] = [
    "startIndex",
    "count",
    "page",
    "per_page",
    "pagesize",
    "from",
    "cursor",
    "stand_in_page",
];

impl RequestPattern {
    /// Reads `METHOD /path?query`, unencoded.
    pub(super) fn parse(on: &str, body: Option<Value>) -> Self {
        let (method, place) = on.split_once(' ').unwrap_or(("", on));
        let (path, query) = place.split_once('?').unwrap_or((place, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty() && *pair != "*");
        Self {
            any: on == "*",
            method: method.to_owned(),
            path: path.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            query: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            any_query: query == "*",
            body,
        }
    }

    /// What the last star of the path stands for, or nothing where there is none. `None` where the request is another.
    pub(super) fn star(&self, asked: &Asked) -> Option<String> {
        if self.any {
            return Some(String::new());
        }
        if self.method != asked.method || self.path.len() != asked.path.len() {
            return None;
        }
        let mut star = String::new();
        for (pattern, segment) in self.path.iter().zip(&asked.path) {
            let matched = matched(pattern, segment)?;
            if pattern.contains('*') {
                star = matched;
            }
        }
        for (name, pattern) in &self.query {
            matched(pattern, asked.value(name)?)?;
        }
        let known = |name: &String| {
            self.any_query || PAGE_WORDS.contains(&name.as_str()) || self.query.iter().any(|(known, _)| known == name)
        };
        if !asked.query.iter().all(|(name, _)| known(name)) {
            return None;
        }
        let body = self.body.as_ref();
        body.is_none_or(|pattern| asked.body.as_ref().is_some_and(|body| holds(pattern, body)))
            .then_some(star)
    }
}

/// What the star of `pattern` stands for in `text`, or nothing without one.
fn matched(pattern: &str, text: &str) -> Option<String> {
    let Some((before, after)) = pattern.split_once('*') else {
        return (pattern == text).then(String::new);
    };
    let rest = text.strip_prefix(before)?;
    // Of two stars, as an e-mail filter has, the second stands for the rest.
    match after.split_once('*') {
        Some((between, end)) => {
            let (first, rest) = rest.split_once(between)?;
            rest.ends_with(end).then(|| first.to_owned())
        }
        None => rest.strip_suffix(after).map(str::to_owned),
    }
}

/// Whether everything of `pattern` is so in `value`.
fn holds(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::Object(members), Value::Object(found)) => members
            .iter()
            .all(|(name, member)| found.get(name).is_some_and(|found| holds(member, found))),
        (Value::Array(members), Value::Array(found)) => {
            members.len() == found.len() && members.iter().zip(found).all(|(member, found)| holds(member, found))
        }
        (Value::String(pattern), Value::String(text)) => matched(pattern, text).is_some(),
        _ => pattern == value,
    }
}
