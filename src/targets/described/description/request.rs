//! A request as a description writes it: `call`, and what goes with it.

use http::{HeaderName, Method};
use reqwest::Url;

use super::body::Shape;
use super::table::{Mistakes, Span, Table};
use super::template::{Allowed, Filter, Slot, Template};
use crate::json::Places;

/// A request before its values are filled in.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::targets::described) struct Request {
    /// The words after `call`, for errors and to tell one request from another.
    pub(in crate::targets::described) text: String,
    pub(in crate::targets::described) method: Method,
    /// Another origin than the target's own: scheme, host and port.
    pub(in crate::targets::described) origin: Option<String>,
    pub(in crate::targets::described) path: Vec<Template>,
    pub(in crate::targets::described) query: Vec<(Template, Option<Template>)>,
    pub(in crate::targets::described) headers: Vec<(HeaderName, Template)>,
    pub(in crate::targets::described) filter: Option<Template>,
    pub(in crate::targets::described) body: Option<Body>,
    pub(in crate::targets::described) media: Option<String>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::targets::described) enum Body {
    /// JSON, and what is put into it afterwards.
    Json(Shape, Vec<(Places, Shape)>),
    /// A form (`application/x-www-form-urlencoded`).
    Form(Vec<(String, Template)>),
}

impl Request {
    /// Reads the request that stands in `table`. `None` where there is none that could be read.
    pub(in crate::targets::described) fn read(table: &Table<'_>, allowed: Allowed<'_>, origins: &[Url]) -> Option<Self> {
        let mistakes = table.mistakes();
        let filter = table
            .text("filter")
            .map(|(text, at)| filter_template(text, &at, allowed, mistakes));
        let words: Vec<&'static str> = allowed
            .words
            .iter()
            .copied()
            .chain(filter.is_some().then_some("filter"))
            .collect();
        let allowed = allowed.with(&words);
        let headers = headers(table, "headers", allowed);
        let body = body(table, allowed);
        let media = table.text("media").map(|(text, at)| {
            if http::HeaderValue::from_str(text).is_err() {
                mistakes.add(at, "media: it is no media type");
            }
            text.to_owned()
        });
        let (call, at) = table.must_text("call")?;
        let (method, place) = call.split_once(' ').unwrap_or(("", call));
        let Some(method) = ["GET", "POST", "PUT", "PATCH", "DELETE"]
            .into_iter()
            .find(|known| *known == method)
        else {
            mistakes.add(
                at,
                "call: it is a method in capitals (GET, POST, PUT, PATCH, DELETE), a space, and a path, such as \"GET /users/{id}\"",
            );
            return None;
        };
        let reader = CallReader {
            at: &at,
            allowed,
            mistakes,
        };
        let (origin, path, query) = reader.place(place.trim_start(), origins)?;
        let request = Self {
            text: call.to_owned(),
            method: method.parse().unwrap_or(Method::GET),
            origin,
            path,
            query,
            headers,
            filter,
            body,
            media,
        };
        if request.filter.is_some()
            && !request
                .templates()
                .iter()
                .any(|one| one.slots().any(|(slot, _)| *slot == Slot::Filter))
        {
            table.complain("filter", "filter: the request does not name {filter}");
        }
        if request.method == Method::GET && request.body.is_some() {
            mistakes.add(at, "call: a GET has no body");
        }
        Some(request)
    }

    /// Every template in it but the filter.
    pub(in crate::targets::described) fn templates(&self) -> Vec<&Template> {
        let mut all: Vec<&Template> = self.path.iter().collect();
        for (name, value) in &self.query {
            all.push(name);
            all.extend(value);
        }
        all.extend(self.headers.iter().map(|(_, value)| value));
        match &self.body {
            Some(Body::Json(shape, set)) => {
                all.extend(shape.templates());
                all.extend(set.iter().flat_map(|(_, shape)| shape.templates()));
            }
            Some(Body::Form(pairs)) => all.extend(pairs.iter().map(|(_, value)| value)),
            None => {}
        }
        all
    }

    /// Whether it names this value anywhere.
    pub(in crate::targets::described) fn names(&self, wanted: impl Fn(&Slot) -> bool) -> bool {
        let mut slots = self.templates().into_iter().chain(&self.filter).flat_map(Template::slots);
        slots.any(|(slot, _)| wanted(slot))
    }
}

/// Headers by name.
pub(in crate::targets::described) fn headers(
    table: &Table<'_>,
    key: &'static str,
    allowed: Allowed<'_>,
) -> Vec<(HeaderName, Template)> {
    let mistakes = table.mistakes();
    let mut headers = Vec::new();
    for (name, value) in table.pairs(key) {
        let Ok(header) = name.parse::<HeaderName>() else {
            mistakes.add(value.span(), format!("{key}: {name:?} is not the name of a header"));
            continue;
        };
        let Some(text) = value.get_ref().as_str() else {
            mistakes.add(value.span(), format!("{key}: a header's value is a text in quotes"));
            continue;
        };
        let template = Template::read(text, &value.span(), allowed, mistakes);
        if template.slots().any(|(slot, _)| slot.is_foreign()) {
            mistakes.add(
                value.span(),
                format!("{key}: a value that comes from a signal or from the target does not belong into a header"),
            );
        }
        headers.push((header, template));
    }
    headers
}

/// A filter: what comes from outside must be written as a text of the filter's language.
fn filter_template(text: &str, at: &Span, allowed: Allowed<'_>, mistakes: &Mistakes) -> Template {
    let template = Template::read(text, at, allowed, mistakes);
    let escaped = |filter| matches!(filter, Some(Filter::Quoted | Filter::Odata | Filter::Number));
    if template.slots().any(|(slot, filter)| slot.is_foreign() && !escaped(filter)) {
        mistakes.add(
            at.clone(),
            "filter: a value that comes from outside needs |quoted, |odata or |number, or it could become a part of the filter",
        );
    }
    template
}

fn body(table: &Table<'_>, allowed: Allowed<'_>) -> Option<Body> {
    let mistakes = table.mistakes();
    let json = table.value("json").map(|value| Shape::read(value, allowed, mistakes));
    let form = table.has("form").then(|| {
        let pairs = table.pairs("form").into_iter().filter_map(|(name, value)| {
            let Some(text) = value.get_ref().as_str() else {
                mistakes.add(value.span(), "form: a value is a text in quotes");
                return None;
            };
            let template = Template::read(text, &value.span(), allowed, mistakes);
            if template
                .slots()
                .any(|(slot, _)| matches!(slot, Slot::Grants | Slot::Principal(_)))
            {
                mistakes.add(
                    value.span(),
                    "form: a form takes single texts; {grants} and {principal:…} may be more",
                );
            }
            Some((name.to_owned(), template))
        });
        pairs.collect::<Vec<_>>()
    });
    let mut put = Vec::new();
    for (name, value) in table.pairs("set") {
        match Places::try_from(name.to_owned()) {
            Ok(place) if !place.has_star() => put.push((place, Shape::read(value, allowed, mistakes))),
            Ok(_) => mistakes.add(value.span(), "set: one place is meant here, and a star means several"),
            Err(why) => mistakes.add(value.span(), format!("set: {why}")),
        }
    }
    for (text, at) in table.texts("null") {
        match Places::try_from(text.to_owned()) {
            Ok(place) if !place.has_star() => put.push((place, Shape::Plain(serde_json::Value::Null))),
            Ok(_) => mistakes.add(at, "null: one place is meant here, and a star means several"),
            Err(why) => mistakes.add(at, format!("null: {why}")),
        }
    }
    match (json, form) {
        (Some(_), Some(_)) => {
            table.complain("form", "form: a request carries `json` or a `form`, not both");
            None
        }
        (Some(shape), None) => Some(Body::Json(shape, put)),
        (None, form) => {
            if !put.is_empty() {
                table.complain(
                    if table.has("set") { "set" } else { "null" },
                    "it changes members of `json`, and there is none",
                );
            }
            form.map(Body::Form)
        }
    }
}

type Query = Vec<(Template, Option<Template>)>;

struct CallReader<'c> {
    at: &'c Span,
    allowed: Allowed<'c>,
    mistakes: &'c Mistakes,
}

impl CallReader<'_> {
    fn wrong(&self, why: impl Into<String>) {
        self.mistakes.add(self.at.clone(), why);
    }

    fn template(&self, text: &str) -> Template {
        let template = Template::read(text, self.at, self.allowed, self.mistakes);
        if template
            .slots()
            .any(|(slot, _)| matches!(slot, Slot::Grants | Slot::Principal(_)))
        {
            self.wrong("call: a path and a query take single texts; {grants} and {principal:…} may be more");
        }
        template
    }

    fn place(&self, text: &str, origins: &[Url]) -> Option<(Option<String>, Vec<Template>, Query)> {
        let (origin, rest) = match text.find("://") {
            Some(scheme) => {
                let start = scheme + 3;
                let end = text[start..].find(['/', '?']).map_or(text.len(), |end| start + end);
                let origin = text[..end].to_owned();
                let known = origins.iter().any(|known| known.origin().ascii_serialization() == origin);
                if !known {
                    self.wrong(format!(
                        "call: {origin} is another origin than the target's own; name it in `origins`, or leave it out"
                    ));
                    return None;
                }
                (Some(origin), &text[end..])
            }
            None => (None, text),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        if !path.starts_with('/') || path.starts_with("//") {
            self.wrong("call: the path begins with one slash; it leads to the target's own URL");
            return None;
        }
        if rest.contains(['\\', '#', ' ', '"', '<', '>']) || rest.chars().any(|c| c.is_control() || !c.is_ascii()) {
            self.wrong("call: a path and a query hold no backslash, no fragment, no space, no quote and nothing but ASCII");
            return None;
        }
        let segments: Vec<Template> = path[1..].split('/').map(|segment| self.template(segment)).collect();
        for segment in segments.iter().filter_map(Template::literal) {
            if is_dots(segment) {
                self.wrong(format!("call: the segment {segment:?} leaves the path"));
            }
        }
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        let query = pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) => (self.template(name), Some(self.template(value))),
            None => (self.template(pair), None),
        });
        Some((origin, segments, query.collect()))
    }
}

/// Whether a URL's parser takes a segment for a step up or for nothing (WHATWG URL, section 4.5), encoded or not.
pub(in crate::targets::described) fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}
