//! The client, the only place that sends: what goes out, and what an answer is.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use http::{HeaderMap, header};
use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;

use super::description::Description;
use super::description::answer::AnswerSign;
use super::description::request::Request;
use super::meaning::{Meaning, Received, meaning};
use super::rate_hints::hints;
use super::render::{Origins, Page, Rendered, render};
use super::values::{Configured, FillError, Values};
use super::witness::{Exchanged, Witness};
use crate::clock::Clock;
use crate::http::{ANSWER_CAP, read_body};
use crate::model::Timestamp;
use crate::secret::SecretSource;
use crate::targets::{CallContext, Remedy, ServerClock, TargetError, retry_after};

/// The headers in which systems name a request, the first that is there counts.
const REQUEST_IDS: [&str; 7] = [
    "x-request-id",
    "request-id",
    "x-openstack-request-id",
    "x-okta-request-id",
    "x-github-request-id",
    "x-slack-req-id",
    "x-correlation-id",
];

/// A server, what is known of it, and our credentials for it.
pub(super) struct Client {
    pub(super) description: Description,
    pub(super) clock: Clock,
    pub(super) server_clock: ServerClock,
    pub(super) origins: Origins,
    /// Who looks on, where somebody does.
    pub(super) witness: Option<Witness>,
    pub(super) sender: reqwest::Client,
    pub(super) sources: Vec<(String, SecretSource)>,
    pub(super) configured: RwLock<std::sync::Arc<Configured>>,
}

/// One request, and what its answer may mean.
pub(super) struct Call<'c> {
    /// What it does, for errors. Never a secret, and no address of a person.
    pub(super) doing: String,
    pub(super) request: &'c Request,
    pub(super) values: Values<'c>,
    /// The answers that the caller knows a meaning of.
    pub(super) told: &'c [AnswerSign],
}

impl<'c> Call<'c> {
    /// A call of whose answers the caller knows no further meaning.
    pub(super) fn new(doing: impl Into<String>, request: &'c Request, values: Values<'c>) -> Self {
        Self {
            doing: doing.into(),
            request,
            values,
            told: &[],
        }
    }

    /// The same with answers that the caller knows a meaning of.
    pub(super) fn told(self, told: &'c [AnswerSign]) -> Self {
        Self { told, ..self }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// It worked.
    Success(Answer),
    /// What the caller knows a meaning of.
    Told(Answer),
    /// The feature is absent, and why.
    Off(String),
}

/// An answer that is understood.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) doing: String,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    /// The target's id of the request.
    pub(super) request: Option<String>,
    /// When the request was sent, by the target's own clock, in whole seconds.
    pub(super) sent_at: Option<Timestamp>,
}

/// An answer, or its status where that alone says that our token is dead.
pub(super) enum Sent {
    Understood(Box<Outcome>),
    /// 401, and why.
    Unauthorized(TargetError),
}

impl Client {
    /// What the config says.
    pub(super) fn configured(&self) -> std::sync::Arc<Configured> {
        std::sync::Arc::clone(&self.configured.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the credentials again, so that an operator can replace one while the lane is paused.
    pub(super) fn renew_credentials(&self) -> anyhow::Result<()> {
        let mut secrets = std::collections::BTreeMap::new();
        for (name, source) in &self.sources {
            secrets.insert(name.clone(), source.read().with_context(|| format!("reading `{name}`"))?);
        }
        let known = self.configured();
        let renewed = Configured {
            secrets,
            keys: known.keys.clone(),
            url: known.url.clone(),
        };
        *self.configured.write().unwrap_or_else(PoisonError::into_inner) = std::sync::Arc::new(renewed);
        Ok(())
    }

    /// Sends a request with this token: the one function through which anything goes out.
    pub(super) async fn send(
        &self,
        context: &CallContext,
        call: &Call<'_>,
        page: &Page,
        token: Option<&SecretString>,
    ) -> Result<Sent, TargetError> {
        let _permit = context.permit().await;
        let configured = self.configured();
        let values = Values {
            configured: Some(&configured),
            token,
            ..call.values
        };
        let rendered = self
            .render(call, values, page)
            .map_err(|error| fail(&call.doing, Remedy::GiveUp, error.into(), None))?;
        let url = rendered.url.clone();
        let shown = self.witness.as_ref().map(|witness| (witness, self.shown(call, values, page)));
        let saw = |status: Option<u16>, understood: String| {
            if let Some((witness, shown)) = shown.clone() {
                witness.saw(Exchanged {
                    status,
                    understood,
                    ..shown
                });
            }
        };
        let mut request = reqwest::Request::new(call.request.method.clone(), rendered.url);
        *request.headers_mut() = rendered.headers;
        *request.body_mut() = rendered.body.map(Into::into);
        let (sent, began) = (self.clock.now(), Instant::now());
        let answer = match self.sender.execute(request).await {
            Ok(answer) => answer,
            // The URL may hold what is secret, so it is taken out of the error.
            Err(error) => {
                saw(None, "no answer".to_owned());
                let source = anyhow::Error::new(error.without_url()).context(format!("no answer from {}", place(&url)));
                return Err(fail(&call.doing, Remedy::Retry, source, None));
            }
        };
        let took = began.elapsed();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let id = request_id(&headers);
        let answered = self.clock.now();
        let bytes = match read_body(answer, ANSWER_CAP).await {
            Ok(bytes) => bytes,
            Err(source) => {
                saw(Some(status), "the answer broke off, or is too large".to_owned());
                return Err(fail(&call.doing, Remedy::Retry, source, id));
            }
        };
        let json = serde_json::from_slice::<Value>(&bytes);
        let received = Received {
            status,
            headers: &headers,
            is_foreign: !bytes.is_empty() && json.is_err(),
            body: json.as_ref().unwrap_or(&Value::Null),
            now: answered,
        };
        let meaning = meaning(&self.description, &received, call.told);
        context.note_limits(hints(&self.description.limits, &received, &meaning));
        let date = date(&headers);
        if let (Some(date), 200..=299) = (date, status) {
            self.server_clock.note(date, (sent, answered));
        }
        saw(Some(status), understood(&meaning));
        let answer = |json: Result<Value, _>| Answer {
            doing: call.doing.clone(),
            url,
            body: json.unwrap_or_default(),
            request: id.clone(),
            sent_at: date.map(|date| sent_at(date, took)),
            headers: headers.clone(),
        };
        match meaning {
            Meaning::Success => Ok(Sent::Understood(Box::new(Outcome::Success(answer(json))))),
            Meaning::Told => Ok(Sent::Understood(Box::new(Outcome::Told(answer(json))))),
            Meaning::Off(why) => Ok(Sent::Understood(Box::new(Outcome::Off(why)))),
            Meaning::Failed(remedy, why) => {
                let error = fail(&call.doing, remedy, anyhow!(why), id);
                // Any other meaning says that the token is not what is wrong.
                if status == 401 && remedy == Remedy::Pause {
                    Ok(Sent::Unauthorized(error))
                } else {
                    Err(error)
                }
            }
        }
    }

    fn render(&self, call: &Call<'_>, values: Values<'_>, page: &Page) -> Result<Rendered, FillError> {
        // What is exchanged for a token is not sent with one.
        let exchanges = self
            .description
            .auth
            .exchange
            .as_ref()
            .is_some_and(|exchange| std::ptr::eq(&raw const exchange.request, call.request));
        let auth = if exchanges {
            &[]
        } else {
            self.description.auth.headers.as_slice()
        };
        render(call.request, auth, values, &self.origins, page)
    }

    /// The request for whoever looks on.
    fn shown(&self, call: &Call<'_>, values: Values<'_>, page: &Page) -> Exchanged {
        let rendered = self.render(call, values.masked(), page).ok();
        let url = rendered.as_ref().map(|rendered| rendered.url.to_string());
        Exchanged {
            doing: call.doing.clone(),
            request: format!("{} {}", call.request.method, url.unwrap_or_else(|| call.request.text.clone())),
            body: rendered
                .and_then(|rendered| rendered.body)
                .map(|body| String::from_utf8_lossy(&body).into_owned()),
            status: None,
            understood: String::new(),
        }
    }
}

impl Answer {
    /// The error for a success that does not say what it must.
    pub(super) fn not_understood(&self, why: impl std::fmt::Display) -> TargetError {
        let source = anyhow!("the answer is not understood: {why}");
        fail(&self.doing, Remedy::Retry, source, self.request.clone())
    }
}

impl Outcome {
    /// The answer of a call that either works or fails.
    ///
    /// # Errors
    /// Where the feature is absent.
    pub(super) fn success(self, doing: &str) -> Result<Answer, TargetError> {
        match self {
            Self::Success(answer) | Self::Told(answer) => Ok(answer),
            Self::Off(why) => Err(fail(
                doing,
                Remedy::GiveUp,
                anyhow!("the target has no such feature: {why}"),
                None,
            )),
        }
    }
}

fn understood(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Success => "success".to_owned(),
        Meaning::Told => "the target's words for nobody there, or gone".to_owned(),
        Meaning::Off(why) => format!("the feature is absent: {why}"),
        Meaning::Failed(remedy, why) => {
            let remedy = match remedy {
                Remedy::Retry => "try again later",
                Remedy::RetryAfter(_) => "wait",
                Remedy::Pause => "pause and alert",
                Remedy::GiveUp => "give up",
            };
            format!("{remedy}: {why}")
        }
    }
}

/// A failed call.
pub(super) fn fail(doing: impl Into<String>, remedy: Remedy, source: anyhow::Error, request: Option<String>) -> TargetError {
    TargetError {
        doing: doing.into(),
        remedy,
        source,
        request,
    }
}

/// When the request of an answer was sent, by the clock that dated the answer: whole seconds, never later than it was.
fn sent_at(date: Timestamp, took: Duration) -> Timestamp {
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let sent = date.ms().saturating_sub(took);
    Timestamp::from_ms(sent.div_euclid(1000).saturating_mul(1000))
}

/// What an answer is dated by; nothing where a cache has kept it.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = headers.get(header::DATE).filter(|_| !headers.contains_key(header::AGE));
    date.and_then(|date| date.to_str().ok()).and_then(retry_after::date)
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    Some(id.chars().take(200).collect())
}

/// A URL for a message: host and port.
pub(super) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
