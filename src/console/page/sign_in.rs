//! Signing in by a link that opens once, and out again.

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::HeaderMap;
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::{COOKIE_NAME, is_our_form, render};
use crate::console::Console;
use crate::console::caller::{Caller, Credential, Entrance};
use crate::console::refusal::Refusal;

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/console/page/askama.toml")]
struct Page {
    failed: bool,
}

pub(super) async fn show() -> Result<Response, Refusal> {
    render(&Page { failed: false })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
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
            let mut page = render(&Page { failed: true })?;
            *page.status_mut() = http::StatusCode::FORBIDDEN;
            Ok(page)
        }
        Some(secret) => {
            let cookie = format!("{COOKIE_NAME}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict");
            Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
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
