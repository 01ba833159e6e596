//! Where the path of a request leads, and its body.

use ::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use ::http::{Method, Request};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::{RequestError, refusal};
use crate::jose::read_object;
use crate::sources::RejectionKind;
use crate::sources::scim::BODY_CAP;
use crate::sources::scim::protocol::error::{INVALID_SYNTAX, scim_error};
use crate::sources::scim::protocol::schema::{ResourceType, TYPES};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::scim) enum Route {
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
pub(in crate::sources::scim) fn route(request: &Request<Bytes>, source: &str) -> (Route, bool) {
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
    let route = match parts[..] {
        [".search"] => Route::Search(None),
        ["ServiceProviderConfig" | "ServiceProviderConfigs"] => Route::Capabilities,
        ["Schemas"] => Route::Schemas(None),
        ["Schemas", urn] => Route::Schemas(Some(urn.to_owned())),
        ["ResourceTypes"] => Route::Types(None),
        ["ResourceTypes", name] => Route::Types(Some(name.to_owned())),
        ["Me" | "Bulk", ..] => Route::Unsupported,
        [name] => kind(name).map_or(Route::Nowhere, Route::All),
        [name, ".search"] => kind(name).map_or(Route::Nowhere, |kind| Route::Search(Some(kind))),
        [name, id] => kind(name).map_or(Route::Nowhere, |kind| Route::One(kind, id.to_owned())),
        _ => Route::Nowhere,
    };
    (route, versioned)
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

/// The JSON object in the body.
///
/// # Errors
/// 415, 413, or `invalidSyntax`.
pub(in crate::sources::scim) fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, RequestError> {
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
    read_object(request.body()).map_err(|why| scim_error(INVALID_SYNTAX, format!("the body cannot be read: {why}")).into())
}

/// Whether the request only asks: nothing is changed by it.
pub(in crate::sources::scim) fn is_read_only(method: &Method, route: &Route) -> bool {
    method == Method::GET || matches!(route, Route::Search(_))
}
