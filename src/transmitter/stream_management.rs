//! The stream management endpoints (SSF 1.0 section 8.1): configuration, status and verification. Streams are made by the config, so they are
//! read here and not written.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::{Delivery, Inner, Stream, poll, responses};
use crate::model::Actor;
use crate::statement::EventType;
use crate::store::StoreError;

/// The longest `state` that is echoed, in bytes.
const STATE_CAP: usize = 1024;
/// How far apart a receiver may ask for handshakes.
const HANDSHAKES_APART: Duration = Duration::from_secs(10);
/// How many handshakes may wait for a receiver.
const MOST_HANDSHAKES: i64 = 10;

impl Inner {
    /// The transmitter's metadata (SSF 1.0 section 7.1): what is not served is not named.
    pub(super) fn metadata(&self) -> Response<Bytes> {
        let mut methods: Vec<&str> = self.streams.values().map(|stream| stream.settings.delivery.urn()).collect();
        methods.sort_unstable();
        methods.dedup();
        let mut document = json!({
            "spec_version": "1_0",
            "issuer": self.issuer.as_str(),
            "jwks_uri": self.issuer.url("jwks.json"),
            "delivery_methods_supported": methods,
            "default_subjects": "ALL",
        });
        if self.streams.values().any(|stream| !stream.tokens.is_empty()) {
            document["configuration_endpoint"] = self.issuer.url("stream").into();
            document["status_endpoint"] = self.issuer.url("status").into();
            document["verification_endpoint"] = self.issuer.url("verification").into();
            document["authorization_schemes"] = json!([{ "spec_urn": "urn:ietf:rfc:6750" }]);
        }
        if self.streams.values().any(|stream| stream.settings.receiver.single_sessions) {
            // Whoever read such a subject without its session would take it for all that the person has.
            document["critical_subject_members"] = json!(["user", "session"]);
        }
        responses::json_for_all(document.to_string().into())
    }

    /// The receiver that a request comes from, by the token that it shows.
    pub(super) fn authenticated(&self, request: &Request<Bytes>) -> Option<(&str, &Stream)> {
        // Every stream is compared, so that the time taken does not tell which one was meant.
        let mut found = None;
        for (name, stream) in &self.streams {
            if stream.admits(request) {
                found = Some((name.as_str(), stream));
            }
        }
        found
    }

    /// `GET` of the configuration: one stream by its id, or the list of the asker's, which is one. Whoever may ask has a stream already, which
    /// is the answer to `POST`: SSF 1.0 section 8.1.1.1 gives 409 for it, and a receiver then reads what there is.
    pub(super) fn configuration(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some((name, stream)) = self.authenticated(request) else {
            return responses::unauthorized();
        };
        if request.method() == Method::POST {
            return responses::empty(StatusCode::CONFLICT);
        }
        let document = self.described(name, stream);
        match stream_id(request) {
            None => responses::json(&json!([document])),
            Some(id) if id == name => responses::json(&document),
            Some(_) => responses::empty(StatusCode::NOT_FOUND),
        }
    }

    fn described(&self, name: &str, stream: &Stream) -> Value {
        let delivery = match &stream.settings.delivery {
            Delivery::Push { endpoint, .. } => json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": endpoint.as_str() }),
            Delivery::Poll => {
                json!({ "method": "urn:ietf:rfc:8936", "endpoint_url": self.issuer.url(&format!("poll/{name}")) })
            }
        };
        let supported = [EventType::SessionRevoked, EventType::CredentialChange].map(EventType::uri);
        let delivered: Vec<&str> = stream.settings.receiver.events.iter().map(|event| event.uri()).collect();
        json!({
            "stream_id": name,
            "iss": stream.settings.receiver.issuer,
            "aud": stream.settings.receiver.audience,
            "delivery": delivery,
            "events_supported": supported,
            "events_requested": delivered,
            "events_delivered": delivered,
            "min_verification_interval": HANDSHAKES_APART.as_secs(),
        })
    }

    /// `GET` of the status. A stream that is configured is enabled.
    pub(super) fn status(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some((name, _)) = self.authenticated(request) else {
            return responses::unauthorized();
        };
        match stream_id(request) {
            Some(id) if id == name => responses::json(&json!({ "stream_id": name, "status": "enabled" })),
            Some(_) => responses::empty(StatusCode::NOT_FOUND),
            None => responses::invalid_request("the query has no stream_id"),
        }
    }

    /// `POST` for a handshake: it is in the outbox when this answers 204.
    pub(super) async fn verification(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let Some((name, stream)) = self.authenticated(request) else {
            return responses::unauthorized();
        };
        if !poll::is_json(request) {
            return responses::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let Ok(body) = crate::jose::read_object(request.body()) else {
            return responses::invalid_request("the body is not a JSON object");
        };
        match body.get("stream_id").map(Value::as_str) {
            Some(Some(id)) if id == name => {}
            Some(Some(_)) => return responses::empty(StatusCode::NOT_FOUND),
            _ => return responses::invalid_request("stream_id is missing or not a text"),
        }
        let state = match body.get("state") {
            None => None,
            Some(Value::String(state)) if state.len() <= STATE_CAP => Some(state.clone()),
            Some(_) => return responses::invalid_request("state is not a text of at most 1024 bytes"),
        };
        match self.asks_too_often(name).await {
            Ok(true) => return responses::empty(StatusCode::TOO_MANY_REQUESTS),
            Ok(false) => {}
            Err(error) => return responses::unavailable(&error),
        }
        let queued = self
            .store
            .queue_verification(stream.settings.receiver.clone(), state, Actor::Daemon)
            .await;
        match queued {
            Ok(_) => responses::empty(StatusCode::NO_CONTENT),
            Err(error) => responses::unavailable(&error),
        }
    }

    /// Whether a receiver that asks again and again would fill the outbox with it.
    async fn asks_too_often(&self, name: &str) -> Result<bool, StoreError> {
        if self.store.pending(name).await?.handshakes >= MOST_HANDSHAKES {
            return Ok(true);
        }
        let last = self.store.last_verification(name).await?;
        let now = self.store.clock().now();
        Ok(last.is_some_and(|last| now.since(last) < HANDSHAKES_APART))
    }
}

/// The stream that a query names. Our ids are plain words, so nothing needs unescaping.
fn stream_id(request: &Request<Bytes>) -> Option<&str> {
    let query = request.uri().query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("stream_id="))
}
