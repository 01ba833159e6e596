//! Why something was not done, for whoever sits before a browser: what went wrong, what to do next, and what was typed, which no browser keeps of a
//! page that it may not store.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, REFERER, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::words::visible;
use crate::api::{Problem, RequestId};
use crate::console::next::own_page;

/// The fields of our forms into which people type more than a word, and what they are called.
const TYPED: [(&str, &str); 2] = [("note", "What you typed"), ("list", "The list")];

#[derive(Template)]
#[template(path = "refused.html", config = "src/console/page/askama.toml")]
struct Page<'p> {
    title: &'static str,
    detail: String,
    next: String,
    /// Where it is tried again, and what that is called.
    back: (String, &'static str),
    typed: Vec<(&'static str, String)>,
    request: &'p str,
}

/// What of a request says how a refusal of it is told.
pub(in crate::console) struct Asked {
    by_browser: bool,
    changes: bool,
    /// The page of ours on which it was asked for.
    from: String,
}

/// What somebody typed into a form that was refused.
#[derive(Debug, Clone)]
struct Typed(Vec<(&'static str, String)>);

impl Asked {
    pub(in crate::console) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        let changes = !request.method().is_safe();
        let asked_for = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
        let from = if changes {
            referrer(request.headers()).and_then(|from| own_page(stood_on(&from)).map(str::to_owned))
        } else {
            own_page(asked_for).map(str::to_owned)
        };
        Self {
            by_browser: !path.starts_with("/api/") && reads_pages(request.headers()),
            changes,
            from: from.unwrap_or_else(|| "/".to_owned()),
        }
    }
}

/// Whether whoever asks reads pages: a browser that opens one or sends a form says so, a program and our own script do not.
pub(super) fn reads_pages(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether a browser sends a form.
pub(in crate::console) fn is_form(request: &Parts) -> bool {
    request.method == Method::POST && reads_pages(&request.headers)
}

/// The path and query of the page that a form stood on.
fn referrer(headers: &HeaderMap) -> Option<String> {
    let from: http::Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    from.path_and_query().map(|from| from.as_str().to_owned())
}

/// Where one goes back to from a page that only a form leads to.
fn stood_on(from: &str) -> &str {
    if from == "/batches/rehearsal" { "/batches" } else { from }
}

/// Keeps with a refusal what stands in the form that is refused.
pub(in crate::console) fn keep_typed(response: &mut Response, form: &[u8]) {
    if response.extensions().get::<Problem>().is_none() {
        return;
    }
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(form).unwrap_or_default();
    let typed = TYPED.iter().filter_map(|(name, called)| {
        let (_, text) = pairs.iter().find(|(of, text)| of == name && !text.trim().is_empty())?;
        Some((*called, text.clone()))
    });
    response.extensions_mut().insert(Typed(typed.collect()));
}

/// Turns a refusal into a page, where a browser asked for one; leaves every other answer alone.
pub(in crate::console) fn in_words(response: &mut Response, asked: &Asked, id: &RequestId) {
    let typed = response
        .extensions_mut()
        .remove::<Typed>()
        .map_or_else(Vec::new, |typed| typed.0);
    if !asked.by_browser {
        return;
    }
    let Some(problem) = response.extensions().get::<Problem>() else {
        return;
    };
    let status = problem.status();
    let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok());
    let page = Page {
        title: title(status, asked.changes),
        detail: detail(problem),
        next: next(status, asked.changes, wait),
        back: back(status, &asked.from),
        typed,
        request: id.as_str(),
    };
    // Where it cannot be rendered, it is told as to a program.
    let Ok(html) = page.render() else { return };
    response.extensions_mut().remove::<Problem>();
    *response.body_mut() = Body::from(html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.remove(CONTENT_LENGTH);
}

fn title(status: StatusCode, changes: bool) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Signed out",
        _ if changes && is_unknown(status) => "Perhaps done, perhaps not",
        _ if changes => "Nothing was done",
        StatusCode::NOT_FOUND => "Not found",
        _ => "Not shown",
    }
}

/// Whether the change may have been made all the same: the answer was late, or broke on its way.
fn is_unknown(status: StatusCode) -> bool {
    status.is_server_error()
}

fn detail(problem: &Problem) -> String {
    if problem.status() == StatusCode::UNAUTHORIZED {
        return "Your session is over. It lasts twelve hours, one of your organisation as long as the config says, and half an hour while nothing is done."
            .to_owned();
    }
    let mut detail = visible(problem.detail());
    if let Some(first) = detail.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !detail.ends_with(['.', '?', '!']) {
        detail.push('.');
    }
    detail
}

fn next(status: StatusCode, changes: bool, wait: Option<&str>) -> String {
    match (status, wait) {
        (StatusCode::UNAUTHORIZED, _) => "Sign in again: that leads back to where you were.".to_owned(),
        (_, Some(wait)) => format!("Wait {wait} s, then look at the page before you send it again."),
        (StatusCode::FORBIDDEN, _) => {
            "Read the page again: it shows what you may do now. Where your role is too low, somebody who has it can do it, or you with another link (revoked login)."
                .to_owned()
        }
        (StatusCode::CONFLICT, _) => "Look at the page as it is now, and decide about that.".to_owned(),
        (StatusCode::NOT_FOUND, _) => "It may be written wrongly, or be gone by now.".to_owned(),
        (status, _) if changes && is_unknown(status) => {
            "Look at the page before you send it again: it shows whether it was done.".to_owned()
        }
        (status, _) if status.is_client_error() && changes => "Mend that on the page, and send it again.".to_owned(),
        (status, _) if status.is_client_error() => "Mend that in the address, or begin at the page itself.".to_owned(),
        _ => "Try again; the log says more, under the number of this request.".to_owned(),
    }
}

fn back(status: StatusCode, from: &str) -> (String, &'static str) {
    if status == StatusCode::UNAUTHORIZED {
        let query = serde_urlencoded::to_string([("next", from)]).unwrap_or_default();
        return (format!("/sign-in?{query}"), "Sign in");
    }
    // What is not there, or cannot be read, is not tried a second time.
    let path = from.split('?').next().unwrap_or("/");
    let from = match status {
        StatusCode::NOT_FOUND => {
            let list = path.rsplit_once('/').map_or("/", |(list, _)| list);
            own_page(list).unwrap_or("/")
        }
        StatusCode::BAD_REQUEST => path,
        _ => from,
    };
    let called = if from == "/" {
        "What needs somebody now"
    } else {
        "To the page, as it is now"
    };
    (from.to_owned(), called)
}
