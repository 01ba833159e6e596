//! What a request asks for: its path, its query, its body.

use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ::http::{Method, Request};
use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value};

use super::BODY_CAP;
use super::answer::{Fault, INVALID_SYNTAX, INVALID_VALUE, Stop, fault, refusal};
use super::record::Choice;
use super::schema::{ResourceType, TYPES};
use crate::jose::read_object;
use crate::sources::RejectionKind;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// All resources of a type.
    All(&'static ResourceType),
    /// One of them.
    One(&'static ResourceType, String),
    /// A search in one type, or in all.
    Search(Option<&'static ResourceType>),
    /// `/ServiceProviderConfig`.
    Capabilities,
    /// `/Schemas`, or one.
    Schemas(Option<String>),
    /// `/ResourceTypes`, or one.
    Types(Option<String>),
    /// `/Me` and `/Bulk`, which SCIM has and we have not.
    Unsupported,
    /// Nothing.
    Nowhere,
}

/// Where a request goes, and whether it came by `/v2`.
pub(super) fn place(request: &Request<Bytes>, source: &str) -> (Place, bool) {
    let below = request
        .uri()
        .path()
        .strip_prefix("/signals/")
        .and_then(|rest| rest.strip_prefix(source))
        .unwrap_or_default();
    let mut parts: Vec<String> = below.split('/').filter(|part| !part.is_empty()).map(unescaped).collect();
    let versioned = parts.first().is_some_and(|first| first == "v2");
    if versioned {
        parts.remove(0);
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let kind = |name: &str| TYPES.into_iter().find(|kind| kind.endpoint == name);
    let place = match parts[..] {
        [".search"] => Place::Search(None),
        ["ServiceProviderConfig" | "ServiceProviderConfigs"] => Place::Capabilities,
        ["Schemas"] => Place::Schemas(None),
        ["Schemas", urn] => Place::Schemas(Some(urn.to_owned())),
        ["ResourceTypes"] => Place::Types(None),
        ["ResourceTypes", name] => Place::Types(Some(name.to_owned())),
        ["Me" | "Bulk", ..] => Place::Unsupported,
        [name] => kind(name).map_or(Place::Nowhere, Place::All),
        [name, ".search"] => kind(name).map_or(Place::Nowhere, |kind| Place::Search(Some(kind))),
        [name, id] => kind(name).map_or(Place::Nowhere, |kind| Place::One(kind, id.to_owned())),
        _ => Place::Nowhere,
    };
    (place, versioned)
}

/// A part of a path without its percent signs. What is not UTF-8 then is left as it was: it is nobody's id.
fn unescaped(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match after {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        bytes.push(escaped.map_or(*first, |(high, low)| high << 4 | low));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| part.to_owned())
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

/// What a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) filter: Option<String>,
    /// How many resources come before the first one wanted.
    pub(super) skip: u64,
    /// How many are wanted at most; `None` for as many as one answer holds.
    pub(super) count: Option<u64>,
    pub(super) choice: Choice,
}

/// The query of a URL. Parameters that are not known, Entra's `aadOptscim062020` among them, are passed over.
///
/// # Errors
/// `invalidSyntax` where one stands twice, `invalidValue` where a number is none.
pub(super) fn query(request: &Request<Bytes>) -> Result<Query, Fault> {
    let mut read = Query::default();
    // A query is written like a form, and the URL crate has the reader of the standard.
    let Ok(mut form) = Url::parse("form:") else { return Ok(read) };
    form.set_query(request.uri().query());
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in form.query_pairs() {
        let known = ["filter", "startindex", "count", "attributes", "excludedattributes"];
        let name = name.to_ascii_lowercase();
        if !known.contains(&name.as_str()) {
            continue;
        }
        if seen.contains(&name) {
            return Err(fault(INVALID_SYNTAX, format!("{name} stands twice in the query")));
        }
        let number = || value.trim().parse::<i64>().map_err(|_| not_a_number(&name));
        let list = || {
            value
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        match name.as_str() {
            "filter" => read.filter = Some(value.clone().into_owned()),
            "startindex" => read.skip = skip(number()?),
            "count" => read.count = Some(at_least_none(number()?)),
            "attributes" => read.choice.only = Some(list()).filter(|list| !list.is_empty()),
            _ => read.choice.without = list(),
        }
        seen.push(name);
    }
    Ok(read)
}

/// The body of a search (RFC 7644 section 3.4.3).
///
/// # Errors
/// As for [`query`].
pub(super) fn search(body: Map<String, Value>) -> Result<Query, Fault> {
    let mut read = Query::default();
    for (name, value) in body {
        let name = name.to_ascii_lowercase();
        let number = || value.as_i64().ok_or_else(|| not_a_number(&name));
        let list = || -> Result<Vec<String>, Fault> {
            let wrong = || fault(INVALID_VALUE, format!("{name} is not a list of strings"));
            let list = value.as_array().ok_or_else(wrong)?;
            list.iter()
                .map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect()
        };
        match name.as_str() {
            _ if value.is_null() => {}
            "filter" => {
                let text = value.as_str().ok_or_else(|| fault(INVALID_VALUE, "filter is not a string"))?;
                read.filter = Some(text.to_owned());
            }
            "startindex" => read.skip = skip(number()?),
            "count" => read.count = Some(at_least_none(number()?)),
            "attributes" => read.choice.only = Some(list()?).filter(|list| !list.is_empty()),
            "excludedattributes" => read.choice.without = list()?,
            _ => {}
        }
    }
    Ok(read)
}

fn not_a_number(name: &str) -> Fault {
    fault(INVALID_VALUE, format!("{name} is not a whole number"))
}

/// `startIndex` counts from 1, and less means 1.
fn skip(start: i64) -> u64 {
    at_least_none(start.saturating_sub(1))
}

fn at_least_none(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The JSON object in the body.
///
/// # Errors
/// 415, 413, or `invalidSyntax`.
pub(super) fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, Stop> {
    let mut values = request.headers().get_all(CONTENT_TYPE).iter();
    let media = match (values.next(), values.next()) {
        (Some(value), None) => value
            .as_bytes()
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii(),
        _ => b"",
    };
    if ![&b"application/scim+json"[..], b"application/json"]
        .iter()
        .any(|taken| media.eq_ignore_ascii_case(taken))
    {
        let why = "the content type must be application/scim+json or application/json";
        return Err(refusal(RejectionKind::MediaType, "media_type", why).into());
    }
    if request.headers().contains_key(CONTENT_ENCODING) {
        let why = "no content encoding is taken, since it could hide a bomb";
        return Err(refusal(RejectionKind::MediaType, "content_encoding", why).into());
    }
    if request.body().len() > BODY_CAP {
        let why = format!("a body may weigh {BODY_CAP} bytes");
        return Err(refusal(RejectionKind::TooLarge, "too_large", why).into());
    }
    read_object(request.body()).map_err(|why| fault(INVALID_SYNTAX, format!("the body cannot be read: {why}")).into())
}

/// Whether the request only asks: nothing is changed by it.
pub(super) fn only_asks(method: &Method, place: &Place) -> bool {
    method == Method::GET || matches!(place, Place::Search(_))
}
