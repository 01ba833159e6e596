//! The SSF 1.0 transmitter: after a containment, the senders of signals are told what it proved (CAEP `session-revoked`, and
//! `credential-change` where a password was changed), in security event tokens signed with our own key.
//!
//! What may be said is decided by [`crate::statement`], in the transaction that closes the case; it waits in the store's outbox. Here it is
//! signed and brought to the receiver. A token keeps its `jti` and its claims, whatever dies in between: a receiver may get it twice, and
//! never another under the same name.
//!
//! Reading order: `push` sends tokens (RFC 8935), `poll` hands them out (RFC 8936), `overdue_polls` alerts when nobody fetches them;
//! `endpoints` says which path is what, `stream_management` answers there, in the forms of `responses`; `signing_key` signs; `standing` is what
//! operators see of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use reqwest::Url;
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::jose::Signer;
use crate::secret::{AcceptedSecrets, SecretSource, bearer_token};
use crate::statement::Receiver;
use crate::store::Store;

mod endpoints;
mod overdue_polls;
mod poll;
mod push;
mod responses;
mod signing_key;
mod standing;
mod stream_management;

pub use endpoints::{Endpoint, Issuer};
pub use overdue_polls::run as run_overdue_polls;
pub use push::run as run_push;
pub use signing_key::{key_file, published, read as read_key, signer};
pub use standing::{Handshake, ReceiverState, receiver_states, shake_hands};

/// What a config says about the transmitter.
#[derive(Clone)]
pub struct Settings {
    /// Our name: what `iss` is, byte for byte, and where our metadata is looked up.
    pub issuer: Issuer,
    /// The private key; `None` for one that is made beside the store.
    pub key: Option<SecretSource>,
    /// Public keys that are published beside our own, while one replaces another.
    pub more_keys: Vec<Value>,
    /// Who is told.
    pub receivers: Vec<ReceiverSettings>,
}

/// One receiver, and how it is reached.
#[derive(Clone)]
pub struct ReceiverSettings {
    /// What it is told.
    pub receiver: Receiver,
    /// How.
    pub delivery: Delivery,
    /// What it may show to poll and to ask about its stream; two while one replaces the other, none for a push receiver that asks nothing.
    pub tokens: Vec<SecretString>,
}

/// How a receiver gets its tokens.
#[derive(Clone)]
pub enum Delivery {
    /// We send them (RFC 8935).
    Push {
        /// Where to.
        endpoint: Url,
        /// The whole value of the `Authorization` header.
        authorization: Option<SecretString>,
        /// The client, which follows no redirect.
        client: reqwest::Client,
    },
    /// It fetches them (RFC 8936).
    Poll,
}

impl Delivery {
    /// The method's name in metadata and stream configurations.
    #[must_use]
    pub const fn urn(&self) -> &'static str {
        match self {
            Self::Push { .. } => "urn:ietf:rfc:8935",
            Self::Poll => "urn:ietf:rfc:8936",
        }
    }

    /// The word in the config.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Push { .. } => "push",
            Self::Poll => "poll",
        }
    }
}

/// The transmitter at work. Cheap to clone.
#[derive(Clone)]
pub struct Transmitter(Arc<Inner>);

struct Inner {
    store: Store,
    issuer: Issuer,
    signer: Signer,
    jwks: Bytes,
    streams: BTreeMap<String, Stream>,
    stop: CancellationToken,
}

/// One receiver with what it may show.
struct Stream {
    settings: ReceiverSettings,
    tokens: AcceptedSecrets,
}

impl Transmitter {
    /// Makes ready what `settings` say: reads or makes the key, and lets the store tell the receivers from now on. Waiting receivers are
    /// answered at once when `stop` comes.
    ///
    /// # Errors
    /// Where the key cannot be read or made, or the store cannot be written.
    pub async fn start(settings: Settings, store: Store, stop: CancellationToken) -> anyhow::Result<Self> {
        let signer = signer(settings.key.as_ref(), store.path())?;
        let jwks = published(&signer, &settings.more_keys)?;
        let receivers = settings.receivers.iter().map(|settings| settings.receiver.clone());
        store.set_receivers(receivers.collect()).await?;
        let streams = settings.receivers.into_iter().map(|settings| {
            let tokens = AcceptedSecrets::new(&settings.tokens);
            (settings.receiver.name.clone(), Stream { settings, tokens })
        });
        Ok(Self(Arc::new(Inner {
            issuer: settings.issuer,
            signer,
            jwks: jwks.to_string().into(),
            streams: streams.collect(),
            store,
            stop,
        })))
    }

    /// The receivers that are sent to, by name.
    pub fn push_receivers(&self) -> impl Iterator<Item = &str> {
        let streams = self.0.streams.iter();
        streams
            .filter(|(_, stream)| matches!(stream.settings.delivery, Delivery::Push { .. }))
            .map(|(name, _)| name.as_str())
    }

    /// The receivers, by name.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        self.0.streams.keys().map(String::as_str)
    }

    /// What is at `path`; `None` where nothing of ours is.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let endpoint = self.0.issuer.endpoint(path)?;
        // A path below which nobody may come shows nothing of itself.
        let asks = self.0.streams.values().any(|stream| !stream.tokens.is_empty());
        (asks || endpoint.is_public()).then_some(endpoint)
    }

    /// Whether the header of a request that [`Transmitter::endpoint`] has let in shows a receiver's token; `None` where none is needed.
    #[must_use]
    pub fn is_authorized(&self, head: &Request<Bytes>) -> Option<bool> {
        let inner = &*self.0;
        match self.endpoint(head.uri().path())? {
            Endpoint::Metadata | Endpoint::Keys => None,
            Endpoint::Poll(name) => Some(inner.polls(&name, head)),
            Endpoint::Configuration | Endpoint::Status | Endpoint::Verification => Some(inner.authenticated(head).is_some()),
        }
    }

    /// The answer to whoever shows no token, or a wrong one.
    #[must_use]
    pub fn unauthorized() -> Response<Bytes> {
        responses::unauthorized()
    }

    /// Answers a request that [`Transmitter::endpoint`] has let in. `None` where there is nothing after all.
    pub async fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let inner = &*self.0;
        Some(match self.endpoint(request.uri().path())? {
            Endpoint::Metadata => inner.metadata(),
            Endpoint::Keys => responses::json_for_all(inner.jwks.clone()),
            Endpoint::Poll(name) => poll::answer(inner, &name, request).await,
            Endpoint::Configuration => inner.configuration(request),
            Endpoint::Status => inner.status(request),
            Endpoint::Verification => inner.verification(request).await,
        })
    }
}

impl Stream {
    /// Whether the request shows one of the receiver's tokens.
    fn admits(&self, request: &Request<Bytes>) -> bool {
        self.tokens.contains(bearer_token(request.headers()).unwrap_or_default())
    }
}
