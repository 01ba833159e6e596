//! Signing in by a link that opens once, and out again.

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::words::visible;
use super::{COOKIE_NAME, is_our_form, render, session_cookie};
use crate::console::Console;
use crate::console::caller::{Caller, Credential, Entrance};
use crate::console::next::own_page;
use crate::console::refusal::Refusal;

const UNKNOWN_CODE: &str = "This code opens nothing: it was used, is too old, or is none. Make another.";

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/console/page/askama.toml")]
pub(super) struct Page {
    /// Why the last try came to nothing.
    said: String,
    /// Whether one can sign in at an OpenID provider.
    by_organisation: bool,
    /// Where it leads to.
    next: String,
    /// The same in the address that leads to the provider.
    query: String,
}

impl Page {
    pub(super) fn new(console: &Console, said: &str, next: &str) -> Self {
        let next = own_page(next).unwrap_or("/").to_owned();
        Self {
            said: visible(said),
            by_organisation: console.single_sign_on.is_some(),
            query: serde_urlencoded::to_string([("next", &next)]).unwrap_or_default(),
            next,
        }
    }

    /// The page with another status.
    pub(super) fn answer(&self, status: StatusCode) -> Result<Response, Refusal> {
        let mut page = render(self)?;
        *page.status_mut() = status;
        Ok(page)
    }
}

/// Where a sign-in is to lead to.
#[derive(Deserialize, Default)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

impl Next {
    pub(super) fn of(query: Option<&str>) -> String {
        let asked: Self = query
            .and_then(|query| serde_urlencoded::from_str(query).ok())
            .unwrap_or_default();
        own_page(&asked.next).unwrap_or("/").to_owned()
    }
}

pub(super) async fn show(State(console): State<Console>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    render(&Page::new(&console, "", &Next::of(query.as_deref())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn sign_in(
    State(console): State<Console>,
    Extension(entrance): Extension<Entrance>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form: Code = serde_urlencoded::from_bytes(&body).map_err(Refusal::unreadable)?;
    match console.store.sign_in(form.code.trim()).await? {
        None => {
            let failed = Refusal::unknown_caller();
            let refusal = console.paces.failed(Some(&entrance), failed.clone());
            if refusal != failed {
                return Err(refusal);
            }
            Page::new(&console, UNKNOWN_CODE, &form.next).answer(StatusCode::FORBIDDEN)
        }
        Some(secret) => {
            let next = own_page(&form.next).unwrap_or("/");
            Ok(([(SET_COOKIE, session_cookie(&secret))], Redirect::to(next)).into_response())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignOut {
    form: String,
    /// Every session of this operator.
    all: Option<String>,
}

pub(super) async fn sign_out(
    State(console): State<Console>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form: SignOut = serde_urlencoded::from_bytes(&body).map_err(Refusal::unreadable)?;
    is_our_form(&headers, &form.form)?;
    if let Credential::Session(session) = caller.by {
        console.store.sign_out(session, form.all.is_some(), caller.operator).await?;
    }
    let cookie = format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}
