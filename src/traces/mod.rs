//! Traces of cases for a collector, by OTLP over HTTP: off unless the config names one.
//!
//! What is told is read from the trail, behind the work: a case outlives the daemon that began it, and the trail has what is committed, without
//! names. `follower` reads it on and makes `span`s of what has ended; `exporter` sends them, and drops what a collector does not take.

mod exporter;
mod follower;
mod span;

use reqwest::Url;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::store::{Result, Store};

/// How many spans wait for the collector at most; what comes on top is dropped and counted.
const WAITING: usize = 8192;

/// Where traces go.
#[derive(Clone)]
pub struct Settings {
    /// The collector, without `/v1/traces`.
    pub collector: Url,
    /// The whole value of the `Authorization` header.
    pub authorization: Option<SecretString>,
    /// The client, which follows no redirect.
    pub client: reqwest::Client,
    /// What tells this installation from others: the origin of its trail.
    pub installation: String,
}

/// Follows the trail from here on.
pub struct Traces {
    follower: follower::Follower,
    exporter: exporter::Exporter,
}

impl Traces {
    /// Begins behind what is in the trail now.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn begin(store: Store, settings: Settings) -> Result<Self> {
        let (spans, waiting) = mpsc::channel(WAITING);
        Ok(Self {
            follower: follower::Follower::begin(store, &settings.installation, spans).await?,
            exporter: exporter::Exporter::new(settings, waiting),
        })
    }

    /// Follows and sends until `stop`, and then what is left, for a moment.
    pub async fn run(self, stop: CancellationToken) {
        let Self { follower, exporter } = self;
        tokio::join!(follower.run(stop.clone()), exporter.run(stop));
    }
}
