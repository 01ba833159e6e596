//! The only place that makes HTTP clients for calls to the outside: clients without redirects, with bounds on time and on what is read.

use std::time::Duration;

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};

/// What an answer may weigh at most, in bytes; a list that is longer is a fault, not an answer.
pub const ANSWER_CAP: usize = 16 << 20;

/// The bounds of one client.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// To open a connection, TLS included.
    pub connect: Duration,
    /// Between two reads of an answer, so that a trickle cannot hold a slot.
    pub read: Duration,
    /// For a call as a whole.
    pub total: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// Builds a client for one target or issuer. Redirects are off, since they could carry a credential elsewhere; so is the proxy of the
/// environment, and so is decompression, since nothing we ask for needs it and a bomb would.
///
/// # Errors
/// Where TLS cannot be set up.
pub fn client(bounds: Bounds) -> anyhow::Result<reqwest::Client> {
    client_trusting(bounds, Vec::new())
}

/// Builds a client as [`client`] does that also trusts `roots`, for servers whose certificate a private authority signed.
///
/// # Errors
/// Where TLS cannot be set up.
pub fn client_trusting(bounds: Bounds, roots: Vec<reqwest::Certificate>) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder();
    if !roots.is_empty() {
        builder = builder.tls_certs_merge(roots);
    }
    bounded(builder, bounds)
}

/// Builds a client that speaks to the Unix socket at `path`, whatever host an address names.
///
/// # Errors
/// Where it cannot be set up.
pub fn client_at_socket(bounds: Bounds, path: &std::path::Path) -> anyhow::Result<reqwest::Client> {
    bounded(reqwest::Client::builder().unix_socket(path), bounds)
}

fn bounded(builder: reqwest::ClientBuilder, bounds: Bounds) -> anyhow::Result<reqwest::Client> {
    builder
        .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(bounds.connect)
        .read_timeout(bounds.read)
        .timeout(bounds.total)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(64)
        .build()
        .context("setting up the HTTP client")
}

/// Reads an answer's body up to `cap` bytes.
///
/// # Errors
/// Where the connection breaks, or more than `cap` bytes come.
pub async fn read_body(mut answer: reqwest::Response, cap: usize) -> anyhow::Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)
        .context("reading the answer")?
    {
        anyhow::ensure!(body.len() + chunk.len() <= cap, "the answer is larger than {cap} bytes");
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
