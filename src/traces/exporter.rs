//! Sends spans to the collector. One that is slow, hangs or is down costs spans, and nothing else.

use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Settings;
use super::span::{Span, attributes};
use crate::http::read_body;
use crate::telemetry::table;

/// How many spans go in one request.
const BATCH: usize = 512;
/// For how long more are waited for, so that a case costs few requests.
const GATHER: Duration = Duration::from_millis(500);
/// The waits before the next tries of a request that may be tried again.
const WAITS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// How long what is left may take at the end.
const LAST: Duration = Duration::from_secs(2);
/// What an answer may weigh.
const ANSWER_CAP: usize = 64 << 10;

pub(super) struct Exporter {
    settings: Settings,
    waiting: mpsc::Receiver<Span>,
    /// Whether the collector took the last: what is wrong is logged once.
    works: bool,
}

impl Exporter {
    pub(super) fn new(settings: Settings, waiting: mpsc::Receiver<Span>) -> Self {
        Self {
            settings,
            waiting,
            works: true,
        }
    }

    /// Sends what comes, until nothing comes any more; from `stop` on, for a moment.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let last = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST).await;
        };
        tokio::select! {
            () = self.send_all() => {}
            () = last => {}
        }
    }

    async fn send_all(&mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.waiting.recv_many(&mut batch, BATCH).await > 0 {
            let until = Instant::now() + GATHER;
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if !matches!(timeout_at(until, self.waiting.recv_many(&mut batch, room)).await, Ok(1..)) {
                    break;
                }
            }
            let outcome = match self.send(&batch).await {
                Ok(()) => {
                    self.works = true;
                    "sent"
                }
                Err(why) => {
                    if std::mem::replace(&mut self.works, false) {
                        tracing::warn!(why, "the collector does not take traces; they are dropped until it does");
                    }
                    "dropped"
                }
            };
            table::SPANS.add([outcome], u64::try_from(batch.len()).unwrap_or(u64::MAX));
            batch.clear();
        }
    }

    async fn send(&self, spans: &[Span]) -> Result<(), String> {
        let body = self.body(spans).to_string();
        let mut why = String::new();
        for wait in WAITS.map(Some).into_iter().chain([None]) {
            match self.post(body.clone()).await {
                Ok(()) => return Ok(()),
                Err((_, said)) if wait.is_none() => why = said,
                Err((false, said)) => return Err(said),
                Err((true, said)) => why = said,
            }
            if let Some(wait) = wait {
                tokio::time::sleep(wait).await;
            }
        }
        Err(why)
    }

    /// Sends once; where it fails, whether it may be tried again (OTLP/HTTP, retryable answers), and why.
    async fn post(&self, body: String) -> Result<(), (bool, String)> {
        let mut url = self.settings.collector.clone();
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let mut request = self
            .settings
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        if let Some(secret) = &self.settings.authorization {
            let mut value = HeaderValue::from_str(secret.expose_secret())
                .map_err(|_| (false, "the authorization holds something that no header can hold".to_owned()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let answer = request.send().await.map_err(|error| {
            let what = if error.is_timeout() {
                "did not answer in time"
            } else {
                "cannot be reached"
            };
            (true, format!("it {what}"))
        })?;
        let status = answer.status();
        // Read to its end, so that the connection can be used again.
        drop(read_body(answer, ANSWER_CAP).await);
        if status.is_success() {
            return Ok(());
        }
        let again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        );
        Err((again, format!("it answered {}", status.as_u16())))
    }

    fn body(&self, spans: &[Span]) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        let resource = [
            ("service.name", Value::from("revoked")),
            ("service.version", Value::from(version)),
            ("service.instance.id", Value::from(self.settings.installation.as_str())),
        ];
        let spans: Vec<Value> = spans.iter().map(Span::json).collect();
        json!({ "resourceSpans": [{
            "resource": { "attributes": attributes(&resource) },
            "scopeSpans": [{ "scope": { "name": "revoked", "version": version }, "spans": spans }],
        }] })
    }
}
