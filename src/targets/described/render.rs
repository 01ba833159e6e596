//! From a request of a description to one that can be sent.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::Url;

use super::description::request::{Body, Request, is_dots};
use super::description::template::{Part, Template};
use super::values::{FillError, Values, percent};

/// Where requests may go.
pub(super) struct Origins {
    /// The target's own base.
    pub(super) base: Url,
    /// The further ones, each by what the description calls it.
    pub(super) others: BTreeMap<String, Url>,
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Page {
    /// What is added to the query.
    pub(super) query: Vec<(String, String)>,
    /// The whole URL, where the target has named it.
    pub(super) url: Option<Url>,
}

/// A request with its values.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
}

/// Fills in a request. `auth` are the headers that prove who sends it.
pub(super) fn render(
    request: &Request,
    auth: &[(HeaderName, Template)],
    values: Values<'_>,
    origins: &Origins,
    page: &Page,
) -> Result<Rendered, FillError> {
    let filter = request.filter.as_ref().map(|filter| values.plain(filter)).transpose()?;
    let values = Values {
        filter: filter.as_deref(),
        ..values
    };
    let url = match &page.url {
        Some(url) => url.clone(),
        None => url(request, values, origins, page)?,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut put = |name: &HeaderName, text: &str| {
        let value = HeaderValue::from_str(text);
        let mut value =
            value.map_err(|_| FillError::Unfit("a value holds what no header can carry; look at the credential's file"))?;
        value.set_sensitive(true);
        headers.insert(name.clone(), value);
        Ok(())
    };
    // What a request says itself goes over what all say.
    for (name, template) in auth.iter().chain(&request.headers) {
        put(name, &values.plain(template)?)?;
    }
    let (body, media) = match &request.body {
        None => (None, None),
        Some(Body::Json(shape, put)) => {
            let mut body = values.json(shape)?;
            for (place, shape) in put {
                if !place.put(&mut body, values.json(shape)?) {
                    return Err(FillError::Unfit("the body has no place for what the description sets in it"));
                }
            }
            (Some(body.to_string().into_bytes()), Some("application/json"))
        }
        Some(Body::Form(pairs)) => {
            let mut form = Vec::with_capacity(pairs.len());
            for (name, template) in pairs {
                form.push(format!("{}={}", percent(name), percent(&values.plain(template)?)));
            }
            (Some(form.join("&").into_bytes()), Some("application/x-www-form-urlencoded"))
        }
    };
    if let Some(media) = request.media.as_deref().or(media).filter(|_| body.is_some()) {
        put(&header::CONTENT_TYPE, media)?;
    }
    Ok(Rendered { url, headers, body })
}

fn url(request: &Request, values: Values<'_>, origins: &Origins, page: &Page) -> Result<Url, FillError> {
    let base = match &request.origin {
        None => &origins.base,
        Some(origin) => origins.others.get(origin).ok_or(FillError::Missing("an origin"))?,
    };
    let prefix = base.as_str().trim_end_matches('/');
    let mut text = prefix.to_owned();
    for segment in &request.path {
        let filled = values.text(segment, percent)?;
        // An empty segment would ask for the list instead of for one, and dots would lead elsewhere.
        if has_slot(segment) && (filled.is_empty() || is_dots(&filled)) {
            return Err(FillError::Unfit(
                "the name cannot stand in a path: it is empty, or means a step in it",
            ));
        }
        text.push('/');
        text.push_str(&filled);
    }
    let mut between = '?';
    for (name, value) in &request.query {
        text.push(between);
        text.push_str(&values.text(name, percent)?);
        if let Some(value) = value {
            text.push('=');
            text.push_str(&values.text(value, percent)?);
        }
        between = '&';
    }
    for (name, value) in &page.query {
        text.push(between);
        text.push_str(&percent(name));
        text.push('=');
        text.push_str(&percent(value));
        between = '&';
    }
    let url = Url::parse(&text).map_err(|_| FillError::Unfit("the request makes no URL"))?;
    // What was put together must be what is asked for: nothing in it may have been taken for a part of the URL's form.
    let path = text[..text.find('?').unwrap_or(text.len())].matches('/').count() - 2;
    let same = url.origin() == base.origin()
        && url.path_segments().map_or(0, Iterator::count) == path
        && url.username().is_empty()
        && url.fragment().is_none();
    if !same {
        return Err(FillError::Unfit("the request would lead elsewhere than the description says"));
    }
    Ok(url)
}

fn has_slot(template: &Template) -> bool {
    template.0.iter().any(|part| matches!(part, Part::Slot(..)))
}
