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

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::{Value, json};
    use toml::de::DeTable;

    use super::*;
    use crate::targets::described::description::table::{Mistakes, Table};
    use crate::targets::described::description::template::Allowed;
    use crate::targets::described::values::Configured;

    const WORDS: [&str; 6] = ["name", "id", "grant", "grants", "random", "principal:"];

    /// Reads the request that `text` describes.
    fn request(text: &str) -> Request {
        let document = DeTable::parse(text).unwrap();
        let mistakes = Mistakes::default();
        let keys = ["server".to_owned(), "user".to_owned()];
        let secrets = ["token".to_owned()];
        let allowed = Allowed {
            keys: &keys,
            secrets: &secrets,
            application: false,
            token: false,
            words: &WORDS,
        };
        let read = Request::read(&Table::new(0..0, document.get_ref(), &mistakes), allowed, &[]);
        let found = mistakes.into_vec();
        assert!(found.is_empty(), "{found:?}");
        read.unwrap()
    }

    fn origins() -> Origins {
        Origins {
            base: Url::parse("https://hs.example.org/base/").unwrap(),
            others: BTreeMap::new(),
        }
    }

    fn configured() -> Configured {
        let mut configured = Configured::default();
        configured.keys.insert("server".to_owned(), "hs.example.org".to_owned());
        configured.keys.insert("user".to_owned(), "op".to_owned());
        configured.secrets.insert("token".to_owned(), SecretString::from("s3cret"));
        configured
    }

    fn rendered(text: &str, name: &str) -> Result<Rendered, FillError> {
        let (configured, request) = (configured(), request(text));
        let principal = json!({"groups": [{"id": 1}, {"id": name}], "name": name});
        let ids = [name, "other"];
        let values = Values {
            configured: Some(&configured),
            name: Some(name),
            id: Some(name),
            grants: &ids,
            principal: Some(&principal),
            ..Values::default()
        };
        render(&request, &[], values, &origins(), &Page::default())
    }

    fn body(text: &str, name: &str) -> Value {
        serde_json::from_slice(&rendered(text, name).unwrap().body.unwrap()).unwrap()
    }

    #[test]
    fn a_name_is_encoded_by_where_it_stands() {
        let path = "call = 'GET /users/@{name}:{key.server}?a=1&b={name}'";
        let url = rendered(path, "a/b?c=d&e#f%2e é").unwrap().url;
        assert_eq!(
            url.as_str(),
            "https://hs.example.org/base/users/@a%2Fb%3Fc%3Dd%26e%23f%252e%20%C3%A9:hs.example.org?a=1&b=a%2Fb%3Fc%3Dd%26e%23f%252e%20%C3%A9"
        );
        let scim = "call = 'GET /Users?filter={filter}'\nfilter = 'userName eq {name|quoted}'";
        let url = rendered(scim, r#"x" or userName pr or userName eq "y"#).unwrap().url;
        let filter = url.query_pairs().next().unwrap().1.into_owned();
        assert_eq!(filter, r#"userName eq "x\" or userName pr or userName eq \"y""#);
        let odata = "call = 'GET /users?$filter={filter}'\nfilter = 'mail eq {name|odata}'";
        let url = rendered(odata, "o'neill' or true").unwrap().url;
        assert_eq!(url.query_pairs().next().unwrap().1, "mail eq 'o''neill'' or true'");
    }

    #[test]
    fn a_name_that_means_a_step_in_a_path_is_refused() {
        for name in [".", "..", "", "%2e%2e"] {
            let found = rendered("call = 'GET /users/{name}/tokens'", name);
            assert_eq!(found.is_err(), name != "%2e%2e", "{name:?}");
        }
        assert!(rendered("call = 'GET /users/.{name}'", ".").is_err());
        assert!(rendered("call = 'GET /users?name={name}'", "..").is_ok());
    }

    #[test]
    fn lists_and_numbers_are_what_they_are_and_all_else_is_text() {
        let text = "call = 'POST /x'\njson = { all = '{grants}', one = '{name}', groups = ['{principal:/groups/*}', { id = 7 }], whole = '{principal:}', n = '{name|number}' }";
        assert_eq!(
            body(text, "42"),
            json!({"all": ["42", "other"], "one": "42", "groups": [{"id": 1}, {"id": "42"}, {"id": 7}],
                "whole": {"groups": [{"id": 1}, {"id": "42"}], "name": "42"}, "n": 42})
        );
        assert!(rendered(text, "42; drop").is_err(), "no number");
    }

    #[test]
    fn what_is_missing_is_never_written_back() {
        for (text, there) in [
            ("'{principal:/groups/*/id}'", true),
            ("['{principal:/groups/*/id}']", true),
            ("'{principal:/nobody}'", false),
            ("'{principal:/nobody/*}'", false),
            ("['{principal:/nobody/*}', { id = 7 }]", false),
            ("['{principal:/groups/*/other}']", false),
            ("'{principal:/name} and {principal:/nobody}'", false),
        ] {
            let rendered = rendered(&format!("call = 'PUT /x'\njson = {{ a = {text} }}"), "a");
            match rendered {
                Ok(_) => assert!(there, "{text}"),
                Err(error) => assert!(!there && error == FillError::Missing("{principal:…}"), "{text}: {error}"),
            }
        }
    }

    #[test]
    fn members_are_set_and_nulled_in_what_was_read_back() {
        let text = "call = 'PUT /x'\njson = '{principal:}'\nset = { '/name' = 'new', '/enabled' = false }\nnull = ['/groups']";
        assert_eq!(body(text, "a"), json!({"groups": null, "name": "new", "enabled": false}));
    }

    #[test]
    fn a_credential_is_masked_for_whoever_looks_on() {
        let text = "call = 'POST /x?t={secret.token}'\njson = { p = '{secret.token}' }\nheaders = { A = 'Basic {key.user+secret.token|basic}' }";
        let (configured, request) = (configured(), request(text));
        let values = Values {
            configured: Some(&configured),
            ..Values::default()
        };
        let open = render(&request, &[], values, &origins(), &Page::default()).unwrap();
        assert_eq!(open.headers["a"], "Basic b3A6czNjcmV0");
        let shown = render(&request, &[], values.masked(), &origins(), &Page::default()).unwrap();
        let all = format!(
            "{} {:?} {}",
            shown.url,
            shown.headers["a"].to_str(),
            String::from_utf8(shown.body.unwrap()).unwrap()
        );
        assert!(
            !all.contains("s3cret") && !all.contains("b3A6") && all.matches("SECRET").count() == 3,
            "{all}"
        );
    }

    fn any_name() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        prop_oneof![
            "\\PC{1,40}",
            "[/\\\\.%?&=#:@\"'*;,+ {}\\[\\]|<>]{1,20}",
            "[\\x00-\\x1f\u{202e}\u{200f}a\"]{1,12}",
            "(\\.\\./|%2e|/\\.\\.){1,9}",
            "a{65536}",
        ]
    }

    proptest::proptest! {
        #[test]
        fn no_name_changes_the_form_of_a_request(name in any_name()) {
            let text = "call = 'POST /users/{name}/x?one={name}&two=2&f={filter}'\nfilter = 'a eq {name|quoted}'\njson = { a = '{name}', b = ['{name}'] }";
            if let Ok(rendered) = rendered(text, &name) {
                let segments: Vec<&str> = rendered.url.path_segments().unwrap().collect();
                proptest::prop_assert_eq!(segments.len(), 4);
                proptest::prop_assert_eq!((segments[0], segments[1], segments[3]), ("base", "users", "x"));
                proptest::prop_assert_eq!(rendered.url.host_str(), Some("hs.example.org"));
                proptest::prop_assert_eq!(rendered.url.fragment(), None);
                let pairs: Vec<(String, String)> = rendered.url.query_pairs().into_owned().collect();
                let filter = format!("a eq {}", Value::from(name.as_str()));
                let expected = [("one", name.as_str()), ("two", "2"), ("f", filter.as_str())];
                let expected: Vec<(String, String)> = expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
                proptest::prop_assert_eq!(pairs, expected);
                let body: Value = serde_json::from_slice(&rendered.body.unwrap()).unwrap();
                proptest::prop_assert_eq!(body, json!({"a": name, "b": [name]}));
            } else {
                proptest::prop_assert!(name == "." || name == "..", "{:?} was refused", name);
            }
        }

        #[test]
        fn no_name_changes_the_form_of_a_form_or_of_an_odata_text(name in any_name()) {
            let form = rendered("call = 'POST /x'\nform = { a = '{name}', b = 'c' }", &name).unwrap().body.unwrap();
            let url = Url::parse(&format!("https://x/?{}", String::from_utf8(form).unwrap())).unwrap();
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            proptest::prop_assert_eq!(pairs, vec![("a".to_owned(), name.clone()), ("b".to_owned(), "c".to_owned())]);
            let odata = rendered("call = 'POST /x'\njson = { f = '{filter}' }\nfilter = 'm eq {name|odata}'", &name).unwrap();
            let body: Value = serde_json::from_slice(&odata.body.unwrap()).unwrap();
            let inner = body["f"].as_str().unwrap().strip_prefix("m eq '").unwrap().strip_suffix('\'').unwrap();
            proptest::prop_assert!(!inner.replace("''", "").contains('\''));
            proptest::prop_assert_eq!(inner.replace("''", "'"), name);
        }
    }
}
