//! What a list is asked for: the query of a URL, or the body of a search (RFC 7644 sections 3.4.2 and 3.4.3).

use ::http::Request;
use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value};

use super::attribute_selection::AttributeSelection;
use super::error::{INVALID_SYNTAX, INVALID_VALUE, ScimError, scim_error};

/// What a list is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::sources::scim) struct Query {
    pub(in crate::sources::scim) filter: Option<String>,
    /// How many resources come before the first one wanted.
    pub(in crate::sources::scim) skip: u64,
    /// How many are wanted at most; `None` for as many as one answer holds.
    pub(in crate::sources::scim) count: Option<u64>,
    pub(in crate::sources::scim) selection: AttributeSelection,
}

/// The query of a URL. Parameters that are not known, Entra's `aadOptscim062020` among them, are passed over.
///
/// # Errors
/// `invalidSyntax` where one stands twice, `invalidValue` where a number is none.
pub(in crate::sources::scim) fn query(request: &Request<Bytes>) -> Result<Query, ScimError> {
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
            return Err(scim_error(INVALID_SYNTAX, format!("{name} stands twice in the query")));
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
            "attributes" => read.selection.only = Some(list()).filter(|list| !list.is_empty()),
            _ => read.selection.without = list(),
        }
        seen.push(name);
    }
    Ok(read)
}

/// The body of a search (RFC 7644 section 3.4.3).
///
/// # Errors
/// As for [`query`].
pub(in crate::sources::scim) fn search(body: Map<String, Value>) -> Result<Query, ScimError> {
    let mut read = Query::default();
    for (name, value) in body {
        let name = name.to_ascii_lowercase();
        let number = || value.as_i64().ok_or_else(|| not_a_number(&name));
        let list = || -> Result<Vec<String>, ScimError> {
            let wrong = || scim_error(INVALID_VALUE, format!("{name} is not a list of strings"));
            let list = value.as_array().ok_or_else(wrong)?;
            list.iter()
                .map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect()
        };
        match name.as_str() {
            _ if value.is_null() => {}
            "filter" => {
                let text = value
                    .as_str()
                    .ok_or_else(|| scim_error(INVALID_VALUE, "filter is not a string"))?;
                read.filter = Some(text.to_owned());
            }
            "startindex" => read.skip = skip(number()?),
            "count" => read.count = Some(at_least_none(number()?)),
            "attributes" => read.selection.only = Some(list()?).filter(|list| !list.is_empty()),
            "excludedattributes" => read.selection.without = list()?,
            _ => {}
        }
    }
    Ok(read)
}

fn not_a_number(name: &str) -> ScimError {
    scim_error(INVALID_VALUE, format!("{name} is not a whole number"))
}

/// `startIndex` counts from 1, and less means 1.
fn skip(start: i64) -> u64 {
    at_least_none(start.saturating_sub(1))
}

fn at_least_none(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
