//! The identity provider of the tour: its key, and over HTTP what the sources look up by themselves and the streams that we make there.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, StatusCode, header};
use hyper::body::Incoming;
use revoked_trail::key::random_key;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::loopback_server;
use crate::clock::Clock;
use crate::digest::hex;
use crate::jose::{Algorithm, Signer};
use crate::model::Timestamp;

mod received_tokens;
mod streams;

use received_tokens::ReceivedTokens;
use streams::Streams;

/// What the provider signs with, as a config writes it.
pub(super) const ALGORITHM: &str = "ES256";
/// Our name in the provider's stream of one delivery method, `push` or `poll`: the provider gives each stream another.
pub(super) fn audience(delivery: &str) -> String {
    format!("https://revoked.example.test/streams/{delivery}")
}

/// A provider that listens until it is dropped.
pub(super) struct IdentityProvider {
    endpoints: Arc<Endpoints>,
    signer: Signer,
    clock: Clock,
    _serving: JoinSet<()>,
}

/// What is asked for over HTTP.
struct Endpoints {
    issuer: String,
    keys: Value,
    /// What the receiver of a stream shows.
    token: String,
    streams: Streams,
    received: ReceivedTokens,
}

impl IdentityProvider {
    /// Makes a key and publishes it on a free port of the loopback.
    pub(super) async fn start(clock: &Clock) -> anyhow::Result<Self> {
        let signer = Signer::generate("tour-1", Algorithm::Es256)?;
        let (listener, address) = loopback_server::bind("the identity provider").await?;
        let endpoints = Arc::new(Endpoints {
            issuer: format!("http://{address}"),
            keys: signer.jwks()?,
            token: hex(&random_key()?),
            streams: Streams::default(),
            received: ReceivedTokens::new(clock),
        });
        let asked = Arc::clone(&endpoints);
        let serving = loopback_server::serve(listener, move |request| {
            let endpoints = Arc::clone(&asked);
            async move { endpoints.told(request).await }
        });
        Ok(Self {
            endpoints,
            signer,
            clock: clock.clone(),
            _serving: serving,
        })
    }

    /// The name by which it signs, which is its address too.
    pub(super) fn issuer(&self) -> &str {
        &self.endpoints.issuer
    }

    /// What it has given us for its streams.
    pub(super) fn token(&self) -> &str {
        &self.endpoints.token
    }

    /// Signs `claims` as a token of its own: `iss`, `iat` and a fresh `jti` are added, and `exp` where it has a `life`.
    pub(super) fn sign(&self, typ: &str, claims: Value, life: Option<Duration>) -> anyhow::Result<String> {
        Ok(self.signed(typ, claims, life)?.1)
    }

    /// The `jti` and the token.
    fn signed(&self, typ: &str, mut claims: Value, life: Option<Duration>) -> anyhow::Result<(String, String)> {
        let seconds = self.clock.now().ms() / 1000;
        let jti = uuid::Uuid::now_v7().to_string();
        claims["iss"] = self.issuer().into();
        claims["iat"] = seconds.into();
        claims["jti"] = jti.as_str().into();
        if let Some(life) = life {
            claims["exp"] = seconds.saturating_add_unsigned(life.as_secs()).into();
        }
        let jwk = self.signer.jwk()?;
        let header = json!({ "typ": typ, "alg": ALGORITHM, "kid": jwk["kid"] });
        Ok((jti, self.signer.sign_under(&header, claims.to_string().as_bytes())?))
    }

    /// Puts a security event into the stream that is polled, and waits until it is acknowledged there.
    pub(super) async fn offer(&self, claims: Value) -> anyhow::Result<()> {
        let (jti, token) = self.signed("secevent+jwt", claims, None)?;
        self.endpoints.streams.offer(&jti, token)?;
        self.endpoints.streams.acknowledged(&jti).await
    }

    /// What we must show to tell it something.
    pub(super) fn expects(&self, authorization: &str) {
        self.endpoints.received.expect(authorization);
    }

    /// The token about the cause `txn` that somebody has pushed to it, and when; `None` where none comes within `patience`.
    pub(super) async fn statement(&self, txn: &str, patience: Duration) -> Option<(String, Timestamp)> {
        tokio::time::timeout(patience, self.endpoints.received.about(txn)).await.ok()
    }

    /// Where the stream that is pushed goes, and what is sent as `Authorization`.
    pub(super) fn pushes_to(&self) -> anyhow::Result<(String, String)> {
        self.endpoints.streams.pushes_to()
    }
}

impl Endpoints {
    async fn told(&self, request: Request<Incoming>) -> (StatusCode, Value) {
        let path = request.uri().path().to_owned();
        match path.as_str() {
            "/.well-known/openid-configuration" => {
                let document = json!({
                    "issuer": self.issuer,
                    "jwks_uri": self.at("/keys"),
                    "backchannel_logout_supported": true,
                });
                (StatusCode::OK, document)
            }
            "/.well-known/ssf-configuration" => {
                let document = json!({
                    "spec_version": "1_0",
                    "issuer": self.issuer,
                    "jwks_uri": self.at("/keys"),
                    "delivery_methods_supported": [streams::PUSH, streams::POLL],
                    "configuration_endpoint": self.at("/ssf/streams"),
                    "status_endpoint": self.at("/ssf/status"),
                    "default_subjects": "ALL",
                });
                (StatusCode::OK, document)
            }
            "/events" => self.received.take(request).await,
            "/keys" => (StatusCode::OK, self.keys.clone()),
            path if path.starts_with("/ssf/") => self.of_streams(path, request).await,
            _ => (StatusCode::NOT_FOUND, Value::Null),
        }
    }

    /// What only the receiver of a stream may ask.
    async fn of_streams(&self, path: &str, request: Request<Incoming>) -> (StatusCode, Value) {
        let shown = request
            .headers()
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes().to_vec());
        if shown != Some(format!("Bearer {}", self.token).into_bytes()) {
            return (StatusCode::UNAUTHORIZED, Value::Null);
        }
        let method = request.method().clone();
        let id = request.uri().query().and_then(|query| query.strip_prefix("stream_id="));
        let id = id.unwrap_or_default().to_owned();
        let Some(body) = loopback_server::document(request.into_body()).await else {
            return (StatusCode::PAYLOAD_TOO_LARGE, Value::Null);
        };
        let stream = |stream: Option<Value>, status| stream.map_or((StatusCode::NOT_FOUND, Value::Null), |stream| (status, stream));
        match (method.as_str(), path.strip_prefix("/ssf/").unwrap_or_default()) {
            ("POST", "streams") => stream(Some(self.streams.make(&self.issuer, body)), StatusCode::CREATED),
            ("GET", "streams") => stream(self.streams.read(&id), StatusCode::OK),
            ("GET", "status") => (StatusCode::OK, json!({ "stream_id": id, "status": "enabled" })),
            ("POST", poll) => match poll.strip_prefix("poll/") {
                Some(id) => stream(self.streams.poll(id, &body).await, StatusCode::OK),
                None => (StatusCode::NOT_FOUND, Value::Null),
            },
            _ => (StatusCode::NOT_FOUND, Value::Null),
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}
