//! The stream management API of a transmitter (SSF 1.0 section 8.1), from the receiver's side.

use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER};
use ::http::{Method as Verb, StatusCode};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::access_token::AccessToken;
use super::metadata::{Method, Transmitter};
use crate::http;

/// What an answer may weigh, in bytes: a stream's configuration lists event types.
const CAP: usize = 1 << 20;
/// Tokens wait while the management API is asked, so one that does not answer may not hold them for long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait where a transmitter says that we are too fast, but not for how long.
const UNTOLD: Duration = Duration::from_mins(1);
/// A `Retry-After: 0` must not become a tight loop.
const SHORTEST: Duration = Duration::from_secs(1);
/// A transmitter that asks for longer than this is asked again sooner.
const LONGEST: Duration = Duration::from_hours(1);

/// Why a request to a transmitter came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// No answer, or none that could be read.
    #[error("{doing}: {error:#}")]
    Unreachable {
        /// What was asked for.
        doing: &'static str,
        /// What went wrong.
        error: anyhow::Error,
    },
    /// An answer that is no yes.
    #[error("{doing}: the transmitter answered {status}{}", hint(*status))]
    Answered {
        /// What was asked for.
        doing: &'static str,
        /// The answer.
        status: StatusCode,
        /// How long to wait before asking again, where it says so.
        wait: Option<Duration>,
    },
    /// The metadata names no such endpoint.
    #[error("{0}: the transmitter offers no endpoint for it")]
    Absent(&'static str),
    /// An answer that is not of the protocol's form.
    #[error("{doing}: the answer is not what SSF asks for: {why}")]
    Odd {
        /// What was asked for.
        doing: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl ManagementError {
    /// The HTTP status, where there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long to wait before asking again, where the transmitter says so.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Answered { wait, .. } => *wait,
            _ => None,
        }
    }
}

/// What the operator can do about an answer.
fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => ", it does not take what the config asks for: look at `events`, `endpoint` and `delivery`",
        StatusCode::UNAUTHORIZED => ", our token is not accepted: give it a new one",
        StatusCode::FORBIDDEN => ", our token may not do this: it needs the scope ssf.manage",
        StatusCode::NOT_FOUND => ", it knows no such stream or subject",
        StatusCode::CONFLICT => ", it has a stream for us already",
        StatusCode::TOO_MANY_REQUESTS => ", we ask too often",
        _ => "",
    }
}

/// A stream as its transmitter describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDescription {
    /// Its id.
    pub id: String,
    /// What `iss` of its tokens is.
    pub iss: Option<String>,
    /// What `aud` of its tokens is.
    pub aud: Vec<String>,
    /// How its tokens come; `None` where the transmitter names a method that is not known.
    pub method: Option<Method>,
    /// Where they are pushed to, or polled from.
    pub endpoint: Option<String>,
    /// The event types that were asked for.
    pub requested: Vec<String>,
    /// The event types that will come.
    pub delivered: Vec<String>,
    /// The shortest time between two verifications that we ask for.
    pub min_verification_interval: Option<u64>,
    /// How long we may be silent before the transmitter stops the stream.
    pub inactivity_timeout: Option<u64>,
}

/// What we ask for when a stream is made or changed. Never what the transmitter decides: id, issuer, audience, delivered events.
pub(in crate::sources::ssf) struct StreamRequest<'a> {
    /// How tokens are to come.
    pub method: Method,
    /// Where they are to be pushed to.
    pub endpoint: Option<&'a str>,
    /// What the transmitter is to send as the `Authorization` header.
    pub authorization: Option<&'a SecretString>,
    /// The event types.
    pub events: &'a [String],
    /// For the people who look at the transmitter.
    pub description: &'a str,
}

/// A client of one transmitter.
pub(in crate::sources::ssf) struct Management<'a> {
    pub(in crate::sources::ssf) transmitter: &'a Transmitter,
    pub(in crate::sources::ssf) access_token: &'a AccessToken,
    pub(in crate::sources::ssf) client: &'a reqwest::Client,
}

impl Management<'_> {
    /// Makes a stream.
    pub(in crate::sources::ssf) async fn create(&self, wanted: &StreamRequest<'_>) -> Result<StreamDescription, ManagementError> {
        let doing = "making a stream";
        let url = endpoint(self.transmitter.configuration.as_ref(), doing)?;
        let (_, body) = self
            .call(
                doing,
                Verb::POST,
                url.clone(),
                Some(&wanted.json(None)),
                &[StatusCode::CREATED],
            )
            .await?;
        described(doing, &body)
    }

    /// Reads one stream.
    pub(in crate::sources::ssf) async fn read(&self, id: &str) -> Result<StreamDescription, ManagementError> {
        let doing = "reading the stream";
        let url = of(endpoint(self.transmitter.configuration.as_ref(), doing)?, id);
        let (_, body) = self.call(doing, Verb::GET, url, None, &[StatusCode::OK]).await?;
        described(doing, &body)
    }

    /// Reads every stream that is ours.
    pub(in crate::sources::ssf) async fn read_all(&self) -> Result<Vec<StreamDescription>, ManagementError> {
        let doing = "listing our streams";
        let url = endpoint(self.transmitter.configuration.as_ref(), doing)?;
        let (_, body) = self.call(doing, Verb::GET, url.clone(), None, &[StatusCode::OK]).await?;
        match &body {
            Value::Array(list) => list.iter().map(|one| described(doing, one)).collect(),
            // Transmitters with room for one stream only were seen to answer with that one.
            one => Ok(vec![described(doing, one)?]),
        }
    }

    /// Changes what is named, and leaves the rest. `None` where the transmitter will do it later.
    pub(in crate::sources::ssf) async fn update(
        &self,
        id: &str,
        wanted: &StreamRequest<'_>,
    ) -> Result<Option<StreamDescription>, ManagementError> {
        self.change("changing the stream", Verb::PATCH, id, wanted).await
    }

    /// Sets all that a receiver may decide. `None` where the transmitter will do it later.
    pub(in crate::sources::ssf) async fn replace(
        &self,
        id: &str,
        wanted: &StreamRequest<'_>,
    ) -> Result<Option<StreamDescription>, ManagementError> {
        self.change("replacing the stream's configuration", Verb::PUT, id, wanted)
            .await
    }

    async fn change(
        &self,
        doing: &'static str,
        verb: Verb,
        id: &str,
        wanted: &StreamRequest<'_>,
    ) -> Result<Option<StreamDescription>, ManagementError> {
        let url = endpoint(self.transmitter.configuration.as_ref(), doing)?.clone();
        let good = [StatusCode::OK, StatusCode::ACCEPTED];
        let (status, body) = self.call(doing, verb, url, Some(&wanted.json(Some(id))), &good).await?;
        if status == StatusCode::ACCEPTED {
            return Ok(None);
        }
        described(doing, &body).map(Some)
    }

    /// Ends the stream.
    pub(in crate::sources::ssf) async fn delete(&self, id: &str) -> Result<(), ManagementError> {
        let doing = "deleting the stream";
        let url = of(endpoint(self.transmitter.configuration.as_ref(), doing)?, id);
        self.call(doing, Verb::DELETE, url, None, &[StatusCode::NO_CONTENT, StatusCode::OK])
            .await?;
        Ok(())
    }

    /// The stream's status and the reason for it.
    pub(in crate::sources::ssf) async fn status(&self, id: &str) -> Result<(String, Option<String>), ManagementError> {
        let doing = "reading the stream's status";
        let url = of(endpoint(self.transmitter.status.as_ref(), doing)?, id);
        let (_, body) = self.call(doing, Verb::GET, url, None, &[StatusCode::OK]).await?;
        status_of(doing, &body)
    }

    /// Sets the stream's status: `enabled`, `paused` or `disabled`.
    pub(in crate::sources::ssf) async fn set_status(
        &self,
        id: &str,
        status: &str,
        reason: Option<&str>,
    ) -> Result<(), ManagementError> {
        let doing = "setting the stream's status";
        let url = endpoint(self.transmitter.status.as_ref(), doing)?.clone();
        let mut body = json!({"stream_id": id, "status": status});
        if let Some(reason) = reason {
            body["reason"] = reason.into();
        }
        self.call(doing, Verb::POST, url, Some(&body), &[StatusCode::OK, StatusCode::ACCEPTED])
            .await?;
        Ok(())
    }

    /// Adds a subject.
    pub(in crate::sources::ssf) async fn add_subject(&self, id: &str, subject: &Value) -> Result<(), ManagementError> {
        let doing = "adding a subject";
        let url = endpoint(self.transmitter.add_subject.as_ref(), doing)?.clone();
        // What we know of people we know from their organisation.
        let body = json!({"stream_id": id, "subject": subject, "verified": true});
        self.call(doing, Verb::POST, url, Some(&body), &[StatusCode::OK, StatusCode::NO_CONTENT])
            .await?;
        Ok(())
    }

    /// Takes a subject out.
    pub(in crate::sources::ssf) async fn remove_subject(&self, id: &str, subject: &Value) -> Result<(), ManagementError> {
        let doing = "removing a subject";
        let url = endpoint(self.transmitter.remove_subject.as_ref(), doing)?.clone();
        let body = json!({"stream_id": id, "subject": subject});
        self.call(doing, Verb::POST, url, Some(&body), &[StatusCode::NO_CONTENT, StatusCode::OK])
            .await?;
        Ok(())
    }

    /// Asks for a verification event that carries `state`.
    pub(in crate::sources::ssf) async fn verify(&self, id: &str, state: &str) -> Result<(), ManagementError> {
        let doing = "asking for a verification";
        let url = endpoint(self.transmitter.verification.as_ref(), doing)?.clone();
        let body = json!({"stream_id": id, "state": state});
        self.call(doing, Verb::POST, url, Some(&body), &[StatusCode::NO_CONTENT, StatusCode::OK])
            .await?;
        Ok(())
    }

    /// Makes one request; once more with a new token where the old one is refused.
    async fn call(
        &self,
        doing: &'static str,
        verb: Verb,
        url: Url,
        body: Option<&Value>,
        good: &[StatusCode],
    ) -> Result<(StatusCode, Value), ManagementError> {
        let unreachable = |error| ManagementError::Unreachable { doing, error };
        let send = async |anew| {
            let header = self.access_token.header(self.client, anew).await?;
            let mut asked = self
                .client
                .request(verb.clone(), url.clone())
                .timeout(PATIENCE)
                .header(AUTHORIZATION, header)
                .header(ACCEPT, "application/json");
            if let Some(body) = body {
                asked = asked.json(body);
            }
            Ok(asked.send().await.map_err(reqwest::Error::without_url)?)
        };
        let mut answer = send(false).await.map_err(unreachable)?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.access_token.renews() {
            answer = send(true).await.map_err(unreachable)?;
        }
        let status = answer.status();
        if !good.contains(&status) {
            return Err(ManagementError::Answered {
                doing,
                status,
                wait: wait(&answer),
            });
        }
        let body = http::read_body(answer, CAP).await.map_err(unreachable)?;
        // What is told by the status alone may have any body.
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

/// How long the answer asks us to wait: `Retry-After` in seconds; some time where that is a date, or where we are told to be too fast
/// without one.
pub(in crate::sources::ssf) fn wait(answer: &reqwest::Response) -> Option<Duration> {
    let told = answer.headers().get(RETRY_AFTER);
    let seconds = told.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let some = told.is_some() || answer.status() == StatusCode::TOO_MANY_REQUESTS;
    some.then(|| seconds.map_or(UNTOLD, Duration::from_secs).clamp(SHORTEST, LONGEST))
}

impl StreamRequest<'_> {
    /// The request's body; with the `id` of a stream that there is.
    fn json(&self, id: Option<&str>) -> Value {
        let mut delivery = json!({"method": self.method.urn()});
        if let Some(endpoint) = self.endpoint {
            delivery["endpoint_url"] = endpoint.into();
        }
        if let Some(secret) = self.authorization {
            delivery["authorization_header"] = secret.expose_secret().into();
        }
        let mut body = json!({"delivery": delivery, "events_requested": self.events, "description": self.description});
        if let Some(id) = id {
            body["stream_id"] = id.into();
        }
        body
    }
}

fn endpoint<'u>(url: Option<&'u Url>, doing: &'static str) -> Result<&'u Url, ManagementError> {
    url.ok_or(ManagementError::Absent(doing))
}

/// The endpoint with the stream's id in its query.
fn of(url: &Url, id: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("stream_id", id);
    url
}

fn described(doing: &'static str, body: &Value) -> Result<StreamDescription, ManagementError> {
    let odd = |why| ManagementError::Odd { doing, why };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let texts = |value: Option<&Value>| match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let id = text(body.get("stream_id")).filter(|id| !id.is_empty() && id.len() <= 512);
    let delivery = body.get("delivery");
    Ok(StreamDescription {
        id: id.ok_or_else(|| odd("it holds no stream_id"))?,
        iss: text(body.get("iss")),
        aud: texts(body.get("aud")),
        method: text(delivery.and_then(|delivery| delivery.get("method"))).and_then(|name| Method::named(&name)),
        endpoint: text(delivery.and_then(|delivery| delivery.get("endpoint_url"))),
        requested: texts(body.get("events_requested")),
        delivered: texts(body.get("events_delivered")),
        min_verification_interval: body.get("min_verification_interval").and_then(Value::as_u64),
        inactivity_timeout: body.get("inactivity_timeout").and_then(Value::as_u64),
    })
}

fn status_of(doing: &'static str, body: &Value) -> Result<(String, Option<String>), ManagementError> {
    let status = body.get("status").and_then(Value::as_str);
    let status = status.filter(|status| ["enabled", "paused", "disabled"].contains(status));
    let status = status.ok_or(ManagementError::Odd {
        doing,
        why: "its status is none of enabled, paused, disabled",
    })?;
    let reason = body
        .get("reason")
        .and_then(Value::as_str)
        .map(|reason| reason.chars().take(200).collect());
    Ok((status.to_owned(), reason))
}
