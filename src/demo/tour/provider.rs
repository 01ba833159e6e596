//! The identity provider of the tour: its key, and over HTTP what the doors look up by themselves.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::jose::{Algorithm, Signer};

/// What the provider signs with, as a config writes it.
pub(super) const ALGORITHM: &str = "ES256";

/// A provider that listens until it is dropped.
pub(super) struct Provider {
    issuer: String,
    signer: Signer,
    clock: Clock,
    _serving: JoinSet<()>,
}

/// What is published: the same for whoever asks.
struct Published {
    issuer: String,
    keys: Value,
}

impl Provider {
    /// Makes a key and publishes it on a free port of the loopback.
    pub(super) async fn start(clock: &Clock) -> anyhow::Result<Self> {
        let signer = Signer::generate("tour-1", Algorithm::Es256)?;
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
            .context("finding a port for the identity provider")?;
        let address = listener.local_addr().context("reading the identity provider's address")?;
        let issuer = format!("http://{address}");
        let published = Arc::new(Published {
            issuer: issuer.clone(),
            keys: signer.jwks()?,
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, published));
        Ok(Self {
            issuer,
            signer,
            clock: clock.clone(),
            _serving: serving,
        })
    }

    /// The name by which it signs, which is its address too.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs `claims` as a token of its own: `iss`, `iat` and a fresh `jti` are added, and `exp` where it has a `life`.
    pub(super) fn sign(&self, typ: &str, mut claims: Value, life: Option<Duration>) -> anyhow::Result<String> {
        let seconds = self.clock.now().ms() / 1000;
        claims["iss"] = self.issuer.as_str().into();
        claims["iat"] = seconds.into();
        claims["jti"] = uuid::Uuid::now_v7().to_string().into();
        if let Some(life) = life {
            claims["exp"] = seconds.saturating_add_unsigned(life.as_secs()).into();
        }
        let jwk = self.signer.jwk()?;
        let header = json!({ "typ": typ, "alg": ALGORITHM, "kid": jwk["kid"] });
        self.signer.sign_under(&header, claims.to_string().as_bytes())
    }
}

async fn serve(listener: TcpListener, published: Arc<Published>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let published = Arc::clone(&published);
                let service = service_fn(move |request| {
                    let published = Arc::clone(&published);
                    async move { Ok::<_, Infallible>(published.answer(&request)) }
                });
                connections.spawn(async move {
                    // How a connection ends is the caller's affair.
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Published {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let document = match request.uri().path() {
            "/.well-known/openid-configuration" => Some(json!({
                "issuer": self.issuer,
                "jwks_uri": self.at("/keys"),
                "backchannel_logout_supported": true,
            })),
            "/.well-known/ssf-configuration" => Some(json!({
                "spec_version": "1_0",
                "issuer": self.issuer,
                "jwks_uri": self.at("/keys"),
            })),
            "/keys" => Some(self.keys.clone()),
            _ => None,
        };
        let mut response = Response::new(Full::default());
        if let Some(document) = document {
            let json = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            *response.body_mut() = Full::new(document.to_string().into());
        } else {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}
