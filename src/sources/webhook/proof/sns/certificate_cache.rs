//! Certificates as SNS serves them, each fetched once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Url;
use tokio::time::Instant;

use super::certificate_chain::{CAP, Chain, read};
use crate::http::{self, Bounds};
use crate::sources::shared::http_answers::refusal;
use crate::sources::{Rejection, RejectionKind};

/// How many certificates are kept. SNS uses one for each region, and a new one now and then.
const MOST: usize = 32;
/// How many certificates are fetched within [`WHILE`] at most: messages with made-up addresses must not turn us against SNS.
pub(super) const FETCHES: usize = 10;
pub(super) const WHILE: Duration = Duration::from_mins(1);
/// How long a message should wait while its certificate cannot be had.
pub(super) const LATER: Duration = Duration::from_secs(20);
/// A message waits while its certificate is fetched, so a host that does not answer may not hold it long.
const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(2),
    read: Duration::from_secs(3),
    total: Duration::from_secs(5),
};

/// What is fetched from SNS, each once.
pub(super) struct CertificateCache {
    from: Box<dyn Fetch>,
    kept: Mutex<Kept>,
    /// When the last fetches began. Held by whoever fetches: the others wait and then find what came.
    fetches: tokio::sync::Mutex<VecDeque<Instant>>,
}

/// Certificates by their address.
#[derive(Default)]
struct Kept {
    by_address: BTreeMap<String, Chain>,
    /// The addresses in the order in which they came.
    order: VecDeque<String>,
}

/// How the bytes at an address are had. Which addresses may be asked for is decided before.
#[async_trait]
pub(super) trait Fetch: Send + Sync {
    async fn fetch(&self, url: &Url) -> anyhow::Result<Bytes>;
}

#[async_trait]
impl Fetch for reqwest::Client {
    async fn fetch(&self, url: &Url) -> anyhow::Result<Bytes> {
        let answer = self.get(url.clone()).send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        anyhow::ensure!(status == ::http::StatusCode::OK, "it answered {status}");
        http::read_body(answer, CAP).await
    }
}

impl CertificateCache {
    /// Nothing yet, over the network.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(super) fn over_http() -> anyhow::Result<Self> {
        Ok(Self::by(Box::new(http::client(BOUNDS)?)))
    }

    /// Nothing yet, had by `from`.
    pub(super) fn by(from: Box<dyn Fetch>) -> Self {
        Self {
            from,
            kept: Mutex::default(),
            fetches: tokio::sync::Mutex::default(),
        }
    }

    /// The certificate at `url`, which must be an address of SNS.
    pub(super) async fn get(&self, url: &Url) -> Result<Chain, Rejection> {
        if let Some(chain) = self.kept(url) {
            return Ok(chain);
        }
        let mut fetches = self.fetches.lock().await;
        if let Some(chain) = self.kept(url) {
            return Ok(chain);
        }
        let not_now = |why: &str| refusal(RejectionKind::NotNow(LATER), "certificate_unavailable", why);
        fetches.retain(|at| at.elapsed() < WHILE);
        if fetches.len() >= FETCHES {
            return Err(not_now("too many certificates were asked for; send the message again"));
        }
        fetches.push_back(Instant::now());
        let chain = self.from.fetch(url).await.and_then(|bytes| read(&bytes)).map_err(|error| {
            tracing::warn!(%url, error = format!("{error:#}"), "a signing certificate cannot be fetched");
            not_now("the signing certificate cannot be had at this time; send the message again")
        })?;
        self.keep(url, chain.clone());
        Ok(chain)
    }

    fn kept(&self, url: &Url) -> Option<Chain> {
        // Nothing between lock and unlock can leave it half-written, so a poisoned lock is as good as a clean one.
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_address.get(url.as_str()).cloned()
    }

    fn keep(&self, url: &Url, chain: Chain) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.order.len() >= MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_address.remove(&oldest);
        }
        kept.order.push_back(url.to_string());
        kept.by_address.insert(url.to_string(), chain);
    }
}
