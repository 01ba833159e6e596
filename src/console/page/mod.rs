//! The page: the same as the API for people, rendered here, readable and decidable without scripts.
//!
//! `templates` has the HTML, `assets` the style sheet and the script; `words` what the templates say of things; `asked` what
//! their addresses and forms ask for; `entry` an entry of the trail in words; then a file for each page.

use axum::Router;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::HeaderMap;
use http::header::COOKIE;

use super::Console;
use super::next::own_page;
use super::refusal::Refusal;
use crate::config::CALLBACK;
use crate::digest::{hex, sha256};

mod alerts;
mod asked;
mod assets;
mod batch;
mod batch_asked;
mod batch_bar;
mod batches;
mod case;
mod changes;
mod departures;
mod entry;
mod hold;
mod holds;
mod now;
mod organisation;
mod people;
mod refused;
mod report;
mod sign_in;
mod targets;
mod times;
mod trail;
mod words;

pub(super) use refused::{Asked, in_words, is_form, keep_typed};

/// The cookie of a session. Its prefix makes browsers keep it to this host, to TLS and to every path.
const COOKIE_NAME: &str = "__Host-revoked";

/// Begins a session in this browser.
fn session_cookie(secret: &str) -> String {
    format!("{COOKIE_NAME}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// The routes.
pub(super) fn router() -> Router<Console> {
    Router::new()
        .route("/", get(now::show))
        .route("/cases/{id}", get(case::show))
        .route("/cases/{id}/report", get(report::of_case))
        .route("/cases/{id}/notes", post(case::note))
        .route("/cases/{id}/cancellation", post(case::call_off))
        .route("/batches", get(batches::show).post(batch_asked::submit))
        .route("/batches/rehearsal", post(batch_asked::rehearse))
        .route("/batches/{id}", get(batch::show))
        .route("/batches/{id}/pause", post(batch::pause))
        .route("/batches/{id}/resumption", post(batch::resume))
        .route("/batches/{id}/cancellation", post(batch::call_off))
        .route("/holds", get(holds::show))
        .route("/holds/{id}", get(hold::show).post(hold::decide))
        .route("/alerts", get(alerts::show))
        .route("/alerts/{id}/acknowledgement", post(alerts::acknowledge))
        .route("/people", get(people::show))
        .route("/people/report", get(report::of_person))
        .route("/departures", get(departures::show))
        .route("/targets", get(targets::show))
        .route("/times", get(times::show))
        .route("/trail", get(trail::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-in/organisation", get(organisation::begin))
        .route(CALLBACK, get(organisation::come_back))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/changes", get(changes::stream))
        .route("/static/{file}", get(assets::serve))
}

/// Where whoever is not known goes, to come back from there to what they asked for.
pub(super) fn to_sign_in(asked: &http::Uri) -> Response {
    let next = asked.path_and_query().map_or("/", |asked| asked.as_str());
    match own_page(next).filter(|next| *next != "/") {
        Some(next) => {
            let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
            Redirect::to(&format!("/sign-in?{query}")).into_response()
        }
        None => Redirect::to("/sign-in").into_response(),
    }
}

/// The secret of the session in a request's one cookie of ours.
pub(super) fn session_secret(headers: &HeaderMap) -> Option<String> {
    cookie(headers, COOKIE_NAME)
}

/// A request's one cookie of that name.
fn cookie(headers: &HeaderMap, of: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut ours = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == of);
    let (_, secret) = ours.next()?;
    ours.next().is_none().then(|| secret.to_owned())
}

/// What a form of this session has in it, which no other page can know.
fn form_token(headers: &HeaderMap) -> String {
    let secret = session_secret(headers).unwrap_or_default();
    hex(&sha256(format!("form of {secret}").as_bytes()))
}

/// Whether a form that was sent is one of this session's.
fn is_our_form(headers: &HeaderMap, sent: &str) -> Result<(), Refusal> {
    let ours = form_token(headers);
    if aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), sent.as_bytes()).is_ok() {
        return Ok(());
    }
    Err(Refusal::new(
        http::StatusCode::FORBIDDEN,
        "this form is not of your session: read the page again and decide again",
    ))
}

/// A rendered page.
fn render(template: &impl askama::Template) -> Result<Response, Refusal> {
    let html = template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        Refusal::new(
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "this page could not be rendered; the log says why, under this request's id",
        )
    })?;
    Ok(Html(html).into_response())
}
