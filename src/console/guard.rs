//! What holds for every request: who asks, whether they may, from where, and which headers the answer has.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::access::{Least, least};
use super::caller::{Caller, Credential, Entrance};
use super::refusal::Refusal;
use super::single_sign_on::Vouched;
use super::{Console, page, routes};
use crate::api::{ConnectionSlot, Problem, RequestId, Stage};
use crate::config::CALLBACK;
use crate::digest::sha256;
use crate::model::Actor;
use crate::secret::bearer_token;
use crate::store::TOKEN_PREFIX;

/// How long a request may take: one that changes something, and one that only reads.
const PATIENCE: Duration = Duration::from_secs(30);
const READ_PATIENCE: Duration = Duration::from_secs(10);
/// What reads every case of up to a year: beside other work, or off a disk, two million take longer than a page of a list.
const READS_ALL: &str = "/api/v1/reports/containment";
/// How long a body may take to come, of that.
const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// The longest body, and that of a route which takes many things at once.
const LONGEST_BODY: usize = 64 << 10;
const LONGEST_BULK: usize = 8 << 20;
/// The routes that take many things at once.
const BULK: [&str; 9] = [
    "/api/v1/batches",
    "/api/v1/batches/rehearsal",
    "/api/v1/commands",
    "/api/v1/holds/decision",
    "/api/v1/holds/{id}/approval",
    "/api/v1/holds/{id}/rejection",
    "/holds/{id}",
    "/batches",
    "/batches/rehearsal",
];
/// The longest query.
const LONGEST_QUERY: usize = 2 << 10;
/// The same where an OpenID provider sends a browser back: some write much into their codes.
const LONGEST_CODE: usize = 8 << 10;

/// No script, style, picture or form but our own, in no frame.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Every route behind what holds for each.
pub(super) fn router(console: Console) -> Router {
    routes::router()
        .merge(page::router())
        // Bodies are read and bounded before.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(console.clone(), admit))
        .fallback(|| async { Refusal(Problem::not_found()) })
        .with_state(console)
}

/// Never fails: what goes wrong is answered, and logged under the id that the answer carries.
pub(super) async fn answer(router: Router, mut request: Request) -> Result<Response, Infallible> {
    let id = RequestId::fresh();
    request.extensions_mut().insert(id.clone());
    let asked = page::Asked::of(&request);
    let span = tracing::info_span!("console", request.id = id.as_str(), method = %request.method());
    let patience = patience(request.method(), request.uri().path());
    let call = AssertUnwindSafe(router.oneshot(request)).catch_unwind();
    let outcome = tokio::time::timeout(patience, call).instrument(span).await;
    let mut response = match outcome {
        Ok(Ok(Ok(response))) => response,
        Ok(Ok(Err(never))) => match never {},
        Ok(Err(_)) => {
            tracing::error!(request.id = id.as_str(), "a request to the console met a defect");
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this request met a defect in the daemon, which is logged",
            )
            .into_response()
        }
        Err(_) => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon was too busy to answer in time").into_response(),
    };
    page::in_words(&mut response, &asked, &id);
    crate::api::render(&mut response, &id);
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    Ok(response)
}

fn patience(method: &Method, path: &str) -> Duration {
    if method.is_safe() && path != READS_ALL {
        READ_PATIENCE
    } else {
        PATIENCE
    }
}

/// Lets a request through to its route, with its [`Caller`], or refuses it.
async fn admit(State(console): State<Console>, path: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let is_page = !request.uri().path().starts_with("/api/");
    let (mut parts, body) = request.into_parts();
    let path = path.as_ref().map(MatchedPath::as_str);
    let slot: Option<Arc<ConnectionSlot>> = parts.extensions.get().cloned();
    let admitted = match admitted(&console, path, &mut parts).await {
        Ok(()) => {
            if parts.extensions.get::<Caller>().is_some() {
                keep(slot.as_deref());
            }
            let body = read(most(path), body).await;
            body.inspect(|_| keep(slot.as_deref()))
        }
        // Whoever's session has ended, or whose role has gone, gets back what they typed.
        Err(refusal) if is_page && page::is_form(&parts) && same_site(&console, &parts).is_ok() => {
            let mut response = refusal.into_response();
            if let Ok(body) = read(LONGEST_BODY, body).await {
                page::keep_typed(&mut response, &body);
            }
            return response;
        }
        Err(refusal) => Err(refusal),
    };
    match admitted {
        Ok(body) if is_page => {
            let sent = body.clone();
            let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
            page::keep_typed(&mut response, &sent);
            response
        }
        Ok(body) => next.run(Request::from_parts(parts, Body::from(body))).await,
        Err(refusal) if is_page && refusal.0.status() == StatusCode::UNAUTHORIZED && parts.method == Method::GET => {
            page::to_sign_in(&parts.uri)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Lets a connection go for no other from now on: it is known who asks, or there is an answer to make.
fn keep(slot: Option<&ConnectionSlot>) {
    if let Some(slot) = slot {
        slot.set_stage(Stage::Protected);
    }
}

/// The longest body of a route.
fn most(path: Option<&str>) -> usize {
    if path.is_some_and(|path| BULK.contains(&path)) {
        LONGEST_BULK
    } else {
        LONGEST_BODY
    }
}

/// The whole body, within its bound and in time.
async fn read(most: usize, body: Body) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, most).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than the {most} bytes that are taken here"),
        )),
        Ok(Err(_)) => Err(Refusal::unreadable("the body broke off")),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

async fn admitted(console: &Console, path: Option<&str>, request: &mut Parts) -> Result<(), Refusal> {
    sound(console, request)?;
    let path = path.ok_or_else(|| Refusal(Problem::not_found()))?;
    let least = least(&request.method, path).map_err(|methods| {
        Refusal(if methods.is_empty() {
            Problem::not_found()
        } else {
            Problem::method(&methods)
        })
    })?;
    let caller = caller(console, request).await?;
    if caller.is_none() && least != Least::Anybody {
        return Err(Refusal::unknown_caller());
    }
    // Whoever has no session yet sends the form that begins one.
    let by_browser = caller
        .as_ref()
        .is_none_or(|caller| matches!(caller.by, Credential::Session(_)));
    if by_browser && !request.method.is_safe() {
        same_site(console, request)?;
    }
    if let Some(caller) = caller {
        // What another site sends in its name is not counted, what it may not do is.
        console.paces.admit(&caller)?;
        if let Least::Role(needs) = least
            && caller.role < needs
        {
            return Err(Refusal::role(caller.role, needs));
        }
        request.extensions.insert(caller);
    }
    Ok(())
}

/// Whether two readers of the request would read the same: over the network, one host, ours, and a length that was said.
fn sound(console: &Console, request: &Parts) -> Result<(), Refusal> {
    if request.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Refusal::new(
            StatusCode::LENGTH_REQUIRED,
            "say the length of the body (Content-Length)",
        ));
    }
    let longest = if request.uri.path() == CALLBACK {
        LONGEST_CODE
    } else {
        LONGEST_QUERY
    };
    if request.uri.query().is_some_and(|query| query.len() > longest) {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            format!("the query is longer than {longest} bytes"),
        ));
    }
    if !matches!(request.extensions.get(), Some(Entrance::Network { .. })) {
        return Ok(());
    }
    let mut hosts = request.headers.get_all(HOST).iter();
    let (host, more) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let ours = console.settings.host();
    match host {
        Some(host) if more.is_none() && request.uri.authority().is_none() && ours.is_none_or(|ours| ours == host) => Ok(()),
        _ => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this console is reached under the origin that its config names",
        )),
    }
}

/// Who asks; `None` where nothing says so.
async fn caller(console: &Console, request: &Parts) -> Result<Option<Caller>, Refusal> {
    if let Some(Entrance::Socket { role, uid }) = request.extensions.get() {
        return Ok(Some(Caller {
            operator: Actor::operator(crate::passwd::login(*uid).unwrap_or_else(|| "unknown".to_owned()), Some(*uid)),
            role: *role,
            by: Credential::Socket,
        }));
    }
    if let Some(token) = bearer_token(&request.headers) {
        if !token.starts_with(TOKEN_PREFIX.as_bytes())
            && let Some(vouched) = vouched(console, token).await
        {
            return vouched.map(Some).map_err(|refusal| {
                // A token that is believed and has no role is no try.
                if refusal.0.status() == StatusCode::FORBIDDEN {
                    refusal
                } else {
                    console.paces.failed(request.extensions.get(), refusal)
                }
            });
        }
        let bearer = console
            .store
            .bearer_of_token(token)
            .await?
            .ok_or_else(|| console.paces.failed(request.extensions.get(), Refusal::unknown_caller()))?;
        return Ok(Some(Caller {
            by: Credential::Token(bearer.id),
            operator: bearer.operator,
            role: bearer.role,
        }));
    }
    let Some(secret) = page::session_secret(&request.headers) else {
        return Ok(None);
    };
    let bearer = console.store.bearer_of_session(&secret, is_by_hand(request)).await?;
    Ok(bearer.map(|bearer| Caller {
        by: Credential::Session(bearer.id),
        operator: bearer.operator,
        role: bearer.role,
    }))
}

/// Whether somebody asks for it, and not their open page by itself: its script asks for no document, and for the stream of changes again and again.
fn is_by_hand(request: &Parts) -> bool {
    let dest = request.headers.get("sec-fetch-dest");
    let by_script = request.method.is_safe() && dest.is_some_and(|dest| dest == "empty");
    !by_script && request.uri.path() != "/changes"
}

/// Whom an OpenID provider vouches for by this token; `None` where none is configured that does.
async fn vouched(console: &Console, token: &[u8]) -> Option<Result<Caller, Refusal>> {
    let way = console.single_sign_on.as_ref()?;
    let judged = way.bearer(token, console.store.clock().now()).await?;
    let caller = judged.map_err(Refusal::vouched).map(|Vouched { operator, role }| {
        let stands_for = sha256(operator.to_string().as_bytes())
            .first_chunk()
            .copied()
            .unwrap_or_default();
        Caller {
            operator,
            role,
            by: Credential::Vouched(u64::from_le_bytes(stands_for)),
        }
    });
    Some(caller)
}

/// Whether a request that changes something was sent by our own page. Another port of the host is the same *site* and has the cookie, so the origin
/// must be the same.
fn same_site(console: &Console, request: &Parts) -> Result<(), Refusal> {
    let header = |name: &HeaderName| request.headers.get(name).and_then(|value| value.to_str().ok());
    let sent_by_us = match header(&HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => header(&ORIGIN).is_some_and(|origin| Some(origin) == console.settings.origin.as_deref()),
    };
    if sent_by_us {
        Ok(())
    } else {
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "this was not sent by the page of this console",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_every_case_has_as_long_as_what_changes_something() {
        let report = routes::document().paths.paths.contains_key(READS_ALL);
        assert!(report, "there is no such route");
        assert_eq!(patience(&Method::GET, READS_ALL), PATIENCE);
        assert_eq!(patience(&Method::GET, "/api/v1/cases"), READ_PATIENCE);
        assert_eq!(patience(&Method::POST, "/api/v1/cases"), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_waited_for_ten_seconds() {
        let begun = tokio::time::Instant::now();
        let silent = futures_util::stream::pending::<Result<bytes::Bytes, Infallible>>();
        let refused = read(LONGEST_BODY, Body::from_stream(silent)).await.unwrap_err();
        assert_eq!(
            (refused.0.status(), begun.elapsed()),
            (StatusCode::REQUEST_TIMEOUT, BODY_PATIENCE)
        );
    }
}
