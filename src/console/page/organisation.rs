//! Signing in at the organisation's OpenID provider: there, and back.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};

use super::sign_in::{Next, Page};
use super::{cookie, render, session_cookie};
use crate::api::Problem;
use crate::console::Console;
use crate::console::caller::Entrance;
use crate::console::refusal::Refusal;
use crate::console::single_sign_on::{Attempt, Refused, Returned, SingleSignOn, Vouched};

/// The cookie of a sign-in that is under way. It comes along when the provider sends the browser back, which the cookie of a session does not.
const COOKIE_NAME: &str = "__Host-revoked-sign-in";
/// How long the provider may keep somebody waiting who has come back; the request as a whole has longer.
const PATIENCE: Duration = Duration::from_secs(8);

const UNKNOWN: &str = "You are not signed in: this sign-in was not begun in this browser, came back before, or took longer than ten minutes. Begin again.";
const NO_ROLE: &str = "You are not signed in: none of the groups that your organisation names for you has a role here.";
const SLOW: &str = "You are not signed in: your organisation's provider did not answer in time. Try again.";

/// The browser has come back, and goes on from this page: the cookie of the session goes with what one of our own pages asks for, and with nothing
/// that another site leads to.
#[derive(Template)]
#[template(path = "signed_in.html", config = "src/console/page/askama.toml")]
struct SignedIn {
    next: String,
}

/// Sends a browser to the provider.
pub(super) async fn begin(
    State(console): State<Console>,
    Extension(entrance): Extension<Entrance>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let way = way(&console)?;
    console.paces.begins(&entrance)?;
    let next = Next::of(query.as_deref());
    match way.begin().await {
        Ok((place, attempt)) => {
            console.store.begin_sign_in(&attempt.state(), next).await?;
            let cookie = format!(
                "{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600",
                attempt.secret()
            );
            let mut response = (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie)]).into_response();
            response.headers_mut().insert(LOCATION, place);
            Ok(response)
        }
        Err(why) => refused(&console, &why, &next),
    }
}

/// Takes a browser that the provider sends back.
pub(super) async fn come_back(
    State(console): State<Console>,
    Extension(entrance): Extension<Entrance>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let way = way(&console)?;
    let returned: Returned = serde_urlencoded::from_str(query.as_deref().unwrap_or_default()).map_err(Refusal::unreadable)?;
    let attempt = cookie(&headers, COOKIE_NAME).map(Attempt::of_cookie);
    let ours = attempt.filter(|attempt| attempt.is_of(&returned.state));
    let next = match &ours {
        Some(_) => console.store.take_sign_in(&returned.state).await?,
        None => None,
    };
    let (Some(attempt), Some(next)) = (ours, next) else {
        let unknown = Refusal::unknown_caller();
        let refusal = console.paces.failed(Some(&entrance), unknown.clone());
        if refusal != unknown {
            return Err(refusal);
        }
        return Page::new(&console, UNKNOWN, "/").answer(StatusCode::FORBIDDEN);
    };
    let now = console.store.clock().now();
    let vouched = tokio::time::timeout(PATIENCE, way.finish(&returned, &attempt, now)).await;
    match vouched {
        Err(_) => Page::new(&console, SLOW, &next).answer(StatusCode::SERVICE_UNAVAILABLE),
        Ok(Err(why)) => refused(&console, &why, &next),
        Ok(Ok(Vouched { operator, role })) => {
            let secret = console.store.begin_session(operator, role, way.settings.session).await?;
            let over = format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
            let mut response = render(&SignedIn { next })?;
            for cookie in [session_cookie(&secret), over] {
                let cookie = cookie.parse().map_err(Refusal::unreadable)?;
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
    }
}

fn way(console: &Console) -> Result<&SingleSignOn, Refusal> {
    console.single_sign_on.as_deref().ok_or_else(|| Refusal(Problem::not_found()))
}

/// The page, with why nobody is signed in.
fn refused(console: &Console, why: &Refused, next: &str) -> Result<Response, Refusal> {
    match why {
        Refused::NoRole => Page::new(console, NO_ROLE, next).answer(StatusCode::FORBIDDEN),
        Refused::NotBelieved(why) => {
            tracing::warn!(why, "a sign-in by way of the OpenID provider was refused");
            Page::new(console, &format!("You are not signed in: {why}."), next).answer(StatusCode::FORBIDDEN)
        }
        Refused::NotNow(why, _) => {
            tracing::warn!(why, "a sign-in by way of the OpenID provider came to nothing");
            Page::new(console, &format!("You are not signed in: {why}."), next).answer(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
