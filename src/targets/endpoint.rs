//! One endpoint that a target of a few calls has: a request goes out with a permit, and what came back is judged as HTTP says.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use reqwest::Url;
use toml::Spanned;

use super::connection::{CALL_TIME, authorities, client};
use super::retry_after::{DEFAULT_WAIT, date, wait};
use super::{CallContext, RateLimitHints, Remedy, ServerClock, TargetError};
use crate::clock::Clock;
use crate::http::{Bounds, read_body};
use crate::model::Timestamp;
use crate::settings::{Complaints, ConfigError, Period};

/// The longest answer that is read; none of these endpoints has much to say.
const ANSWER_CAP: usize = 1 << 20;

/// A client, and what its answers show of the other side's clock.
pub(in crate::targets) struct Endpoint {
    client: reqwest::Client,
    pub(in crate::targets) clock: Clock,
    pub(in crate::targets) server_clock: ServerClock,
}

/// A request before it is sent.
pub(in crate::targets) struct EndpointCall<'c> {
    /// `asking whose …`.
    pub(in crate::targets) doing: &'c str,
    pub(in crate::targets) url: &'c Url,
    /// The proof of who calls.
    pub(in crate::targets) authorization: Option<HeaderValue>,
    pub(in crate::targets) media: &'static str,
    pub(in crate::targets) body: String,
}

/// An answer of any status.
pub(in crate::targets) struct EndpointAnswer {
    pub(in crate::targets) status: StatusCode,
    /// The other side's id of the request.
    pub(in crate::targets) request: Option<String>,
    /// When it was written, by the other side's clock.
    pub(in crate::targets) date: Option<Timestamp>,
    pub(in crate::targets) body: Bytes,
    refused_for: Option<Duration>,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The keys of a table that say how an endpoint is reached.
pub(in crate::targets) struct Reach<'k> {
    pub(in crate::targets) ca_file: Option<&'k Spanned<PathBuf>>,
    pub(in crate::targets) connect_timeout: Option<&'k Spanned<Period>>,
    pub(in crate::targets) timeout: Option<&'k Spanned<Period>>,
}

impl Endpoint {
    /// Builds the client; what is wrong with the keys is added to `complaints`.
    pub(in crate::targets) fn build(reach: &Reach<'_>, clock: &Clock, complaints: &mut Complaints) -> Option<Self> {
        let before = complaints.0.len();
        let roots = reach
            .ca_file
            .and_then(|path| complaints.take(path, |path: &PathBuf| authorities(path)));
        let fallback = Bounds::default();
        let connect = complaints.time(reach.connect_timeout, fallback.connect, &CALL_TIME);
        let total = complaints.time(reach.timeout, fallback.total, &CALL_TIME);
        if complaints.0.len() > before {
            return None;
        }
        match client(Some(connect), Some(total), roots) {
            Ok(client) => Some(Self {
                client,
                clock: clock.clone(),
                server_clock: ServerClock::default(),
            }),
            Err(error) => {
                complaints.0.push(ConfigError::new(format!("{error:#}")));
                None
            }
        }
    }

    /// Posts, once there is a permit. The answer may have any status.
    ///
    /// # Errors
    /// Where there was no answer, or one that is too long.
    pub(in crate::targets) async fn post(
        &self,
        context: &CallContext,
        call: EndpointCall<'_>,
    ) -> Result<EndpointAnswer, TargetError> {
        let _permit = context.permit().await;
        let mut request = reqwest::Request::new(http::Method::POST, call.url.clone());
        let headers = request.headers_mut();
        if let Some(authorization) = call.authorization {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(call.media));
        *request.body_mut() = Some(call.body.into());
        let failed = |source: anyhow::Error| TargetError {
            doing: call.doing.to_owned(),
            remedy: Remedy::Retry,
            source,
            request: None,
        };
        let host = call.url.host_str().unwrap_or_default();
        let sent = self.clock.now();
        let answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| failed(anyhow::Error::new(error.without_url()).context(format!("no answer from {host}"))))?;
        let answered = self.clock.now();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let refused_for = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            .then(|| wait(&headers, answered).unwrap_or(DEFAULT_WAIT));
        context.note_limits(RateLimitHints {
            refused: refused_for,
            ..RateLimitHints::default()
        });
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let date = text(&header::DATE)
            .and_then(date)
            .filter(|_| !headers.contains_key(header::AGE));
        if let Some(date) = date {
            self.server_clock.note(date, (sent, answered));
        }
        Ok(EndpointAnswer {
            status,
            request: text(&REQUEST_ID).map(str::to_owned),
            date,
            body: read_body(answer, ANSWER_CAP).await.map_err(failed)?,
            refused_for,
        })
    }
}

impl EndpointAnswer {
    /// The failure that an answer is whose status has no other meaning. Its body stays out of it.
    pub(in crate::targets) fn failure(self, doing: &str) -> TargetError {
        let status = self.status;
        let (remedy, source) = match status.as_u16() {
            401 | 403 => (
                Remedy::Pause,
                anyhow!(
                    "the answer was {status}: our credential is not taken, or may not do this; put it right and check it with revoked check"
                ),
            ),
            429 | 503 => (
                Remedy::RetryAfter(self.refused_for.unwrap_or(DEFAULT_WAIT)),
                anyhow!("the answer was {status}: we are to wait"),
            ),
            500..=599 => (Remedy::Retry, anyhow!("the answer was {status}")),
            300..=399 => (
                Remedy::GiveUp,
                anyhow!(
                    "the answer was {status}: the endpoint is elsewhere, and a credential is not carried after it; write its own URL"
                ),
            ),
            _ => (
                Remedy::GiveUp,
                anyhow!("the answer was {status}; look whether the URL is the endpoint's own"),
            ),
        };
        TargetError {
            doing: doing.to_owned(),
            remedy,
            source,
            request: self.request,
        }
    }
}
