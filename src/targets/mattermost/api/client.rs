//! The client of the API, the only place that sends: what goes out, and what an answer must look like.

use std::sync::{Mutex, PoisonError, RwLock};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;

use super::failure::{CallFailure, Refusal};
use super::rate_limits;
use super::request::{Call, Credential};
use super::version::Version;
use super::wire::{Accepted, ErrorBody};
use crate::clock::Clock;
use crate::http::{ANSWER_CAP, read_body};
use crate::model::Timestamp;
use crate::secret::SecretSource;
use crate::targets::retry_after;
use crate::targets::{CallContext, Remedy, ServerClock, TargetError};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// With the answer to a sign-in: the new session.
const SESSION: HeaderName = HeaderName::from_static("token");
const VERSION_ID: HeaderName = HeaderName::from_static("x-version-id");

/// A server and the credential for it.
pub(in crate::targets::mattermost) struct Api {
    /// Where requests go.
    pub(in crate::targets::mattermost) url: Url,
    /// The nodes behind it, each reachable by itself, where the operator lists them.
    pub(in crate::targets::mattermost) nodes: Vec<Url>,
    pub(in crate::targets::mattermost) clock: Clock,
    client: reqwest::Client,
    secret: SecretSource,
    credential: RwLock<HeaderValue>,
    version: Mutex<Option<Version>>,
    /// What the answers show of the server's clock.
    pub(in crate::targets::mattermost) server_clock: ServerClock,
}

/// A success, with what every answer carries.
pub(in crate::targets::mattermost) struct Answer {
    doing: String,
    /// The server's id of the request.
    pub(in crate::targets::mattermost) request: Option<String>,
    /// The session that a sign-in gave.
    pub(in crate::targets::mattermost) session: Option<SecretString>,
    /// The server's own time, to the second.
    pub(in crate::targets::mattermost) date: Option<Timestamp>,
    body: Bytes,
}

impl Api {
    /// Puts a server and its credential together.
    ///
    /// # Errors
    /// Where the token holds what no header can carry.
    pub(in crate::targets::mattermost) fn new(
        (url, nodes): (Url, Vec<Url>),
        clock: Clock,
        client: reqwest::Client,
        (secret, token): (SecretSource, &SecretString),
    ) -> anyhow::Result<Self> {
        Ok(Self {
            url,
            nodes,
            clock,
            client,
            secret,
            credential: RwLock::new(bearer(token)?),
            version: Mutex::default(),
            server_clock: ServerClock::default(),
        })
    }

    /// The server's version, once an answer named it.
    pub(in crate::targets::mattermost) fn version(&self) -> Option<Version> {
        *self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `secret` is the credential that we use.
    pub(in crate::targets::mattermost) fn is_ours(&self, secret: &SecretString) -> bool {
        let ours = self.credential.read().unwrap_or_else(PoisonError::into_inner).clone();
        let held = bearer(secret);
        held.is_ok_and(|held| aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), held.as_bytes()).is_ok())
    }

    /// Reads the credential's file again, so that an operator can replace a dead token while the lane is paused.
    pub(in crate::targets::mattermost) fn renew_credential(&self) -> anyhow::Result<()> {
        let credential = bearer(&self.secret.read()?)?;
        *self.credential.write().unwrap_or_else(PoisonError::into_inner) = credential;
        Ok(())
    }

    /// Sends a request to the server's own address.
    pub(in crate::targets::mattermost) async fn send(&self, context: &CallContext, call: Call) -> Result<Answer, CallFailure> {
        self.send_to(&self.url, context, call).await
    }

    /// Sends a request to `base`.
    pub(in crate::targets::mattermost) async fn send_to(
        &self,
        base: &Url,
        context: &CallContext,
        call: Call,
    ) -> Result<Answer, CallFailure> {
        self.send_once_permitted(base, context, || call).await
    }

    /// Sends the request that `make` makes once there is a permit for it: the one function through which anything goes out. It tells what
    /// the answer said about limits.
    pub(in crate::targets::mattermost) async fn send_once_permitted(
        &self,
        base: &Url,
        context: &CallContext,
        make: impl FnOnce() -> Call,
    ) -> Result<Answer, CallFailure> {
        let _permit = context.permit().await;
        let call = make();
        let mut request = reqwest::Request::new(call.method.clone(), call.url(base));
        let credential = match &call.credential {
            Credential::Ours => Some(self.credential.read().unwrap_or_else(PoisonError::into_inner).clone()),
            Credential::Held(secret) => {
                let held = bearer(secret).map_err(|source| fail(&call.doing, Remedy::GiveUp, source, None))?;
                Some(held)
            }
            Credential::None => None,
        };
        let headers = request.headers_mut();
        if let Some(credential) = credential {
            headers.insert(header::AUTHORIZATION, credential);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = call.body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.into());
        }
        let sent = self.clock.now();
        let answer = match self.client.execute(request).await {
            Ok(answer) => answer,
            // The URL may hold an incoming webhook's id, so it is taken out of the error.
            Err(error) => {
                let source = anyhow::Error::new(error.without_url()).context(format!("no answer from {}", place(base)));
                return Err(fail(call.doing, Remedy::Retry, source, None).into());
            }
        };
        let (status, headers) = (answer.status(), answer.headers().clone());
        let answered = self.clock.now();
        context.note_limits(rate_limits::hints(status, &headers, answered));
        if let Some(version) = text(&headers, &VERSION_ID).and_then(Version::read) {
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
        }
        let request = text(&headers, &REQUEST_ID).map(str::to_owned);
        let body = match read_body(answer, ANSWER_CAP).await {
            Ok(body) => body,
            Err(source) => return Err(fail(call.doing, Remedy::Retry, source, request).into()),
        };
        if status.is_success() {
            let date = text(&headers, &header::DATE).and_then(retry_after::date);
            // One that a cache has kept is dated by when it came there.
            if let Some(date) = date.filter(|_| !headers.contains_key(header::AGE)) {
                self.server_clock.note(date, (sent, answered));
            }
            return Ok(Answer {
                doing: call.doing,
                request,
                session: text(&headers, &SESSION).map(SecretString::from),
                date,
                body,
            });
        }
        Err(self.refusal(call.doing, status, &headers, &body, request))
    }

    fn refusal(
        &self,
        doing: String,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        request: Option<String>,
    ) -> CallFailure {
        let now = self.clock.now();
        if status == StatusCode::TOO_MANY_REQUESTS {
            // Checked before the credential and without JSON, by the server or by a proxy before it.
            let wait = rate_limits::hints(status, headers, now).refused.unwrap_or_default();
            let source = anyhow!("the server limits how fast we may call; waiting {} s", wait.as_secs());
            return fail(doing, Remedy::RetryAfter(wait), source, request).into();
        }
        if let Ok(error) = serde_json::from_slice::<ErrorBody>(body) {
            return CallFailure::Refused(Refusal {
                doing,
                status,
                id: error.id,
                request: request.or_else(|| (!error.request_id.is_empty()).then_some(error.request_id)),
                wait: retry_after::wait(headers, now),
                renewal: self.secret.renewal(),
            });
        }
        let code = status.as_u16();
        let (remedy, why) = match code {
            300..=399 => (
                Remedy::Pause,
                format!("the server redirects elsewhere ({code}); set `url` to where it leads, redirects are not followed"),
            ),
            401 | 403 | 407 => (
                Remedy::Pause,
                format!("something before the server refuses us ({code}, and not in Mattermost's words); let our requests pass it"),
            ),
            404 => (
                Remedy::Pause,
                "no Mattermost answers there (404, and not in its words); correct `url` in the config".to_owned(),
            ),
            503 => (
                retry_after::wait(headers, now).map_or(Remedy::Retry, Remedy::RetryAfter),
                "the server is not available (503)".to_owned(),
            ),
            _ => (
                Remedy::Retry,
                format!("the answer is not understood: {code} without an error id"),
            ),
        };
        fail(doing, remedy, anyhow!(why), request).into()
    }
}

impl Answer {
    /// Reads the body as `T`.
    ///
    /// # Errors
    /// Where it is anything else: a page of a proxy, `null`, cut short, of another shape. Never taken as empty.
    pub(in crate::targets::mattermost) fn read<T: DeserializeOwned>(&self) -> Result<T, TargetError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error's text may quote the answer, so only its kind and place are kept.
            self.not_understood(format!(
                "{:?} error at line {} column {}",
                error.classify(),
                error.line(),
                error.column()
            ))
        })
    }

    /// Checks that the body says that a change was accepted.
    pub(in crate::targets::mattermost) fn accepted(&self) -> Result<(), TargetError> {
        match self.read::<Accepted>()?.status.as_str() {
            "OK" => Ok(()),
            _ => Err(self.not_understood("its status is not OK")),
        }
    }

    /// The error for a success that does not say what it must.
    pub(in crate::targets::mattermost) fn not_understood(&self, why: impl std::fmt::Display) -> TargetError {
        let source = anyhow!("the answer is not understood: {why}");
        fail(self.doing.clone(), Remedy::Retry, source, self.request.clone())
    }
}

/// A failed call.
pub(in crate::targets::mattermost) fn fail(
    doing: impl Into<String>,
    remedy: Remedy,
    source: anyhow::Error,
    request: Option<String>,
) -> TargetError {
    TargetError {
        doing: doing.into(),
        remedy,
        source,
        request,
    }
}

fn bearer(token: &SecretString) -> anyhow::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| anyhow!("the token holds characters that no HTTP header can carry"))
        .context("reading the token")?;
    value.set_sensitive(true);
    Ok(value)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A base URL for a message: host and port.
pub(in crate::targets::mattermost) fn place(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
