//! The daemon: builds, starts and wires everything, and its graceful shutdown (soft stop, then hard stop).
//!
//! Start order: lock and store, trail, leases of an earlier life, lanes, listeners, `READY=1`. Stop order: listeners, lanes (running attempts
//! finish, or give their job back), checkpoints, store. What SIGTERM does is here; who waits for the signal is `cli::run`.
//!
//! Here [`Daemon`]; then `endpoints`, what the HTTP server serves; `health`, readiness and gauges; `systemd`, ready and watchdog; `periodic`,
//! what runs by a schedule; `descriptors`, the limit of open files.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use revoked_trail::{EntryKind, Signer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api;
use crate::backoff::{Backoff, Retries};
use crate::clock::Clock;
use crate::config::Config;
use crate::intake::{self, Intake};
use crate::policy::Policy;
use crate::sources::Source;
use crate::store::{Role, Store};
use crate::telemetry;
use crate::trail::{self, AnchorFile, CheckpointSigner, StartTransition};
use crate::transmitter::{self, Transmitter};
use crate::worker::{LaneSettings, Lanes, Rate, Shutdown, WorkSettings};

mod descriptors;
mod endpoints;
mod health;
mod integrity;
mod periodic;
mod systemd;

/// How long running attempts may go on after the order to stop.
const SOFT_STOP: Duration = Duration::from_secs(25);
/// How long what was cut off may take to give its job back.
const HARD_STOP: Duration = Duration::from_secs(5);

/// Why the daemon ends when it could not write any more.
const GONE: &str = "the store's writer has ended; the lines above say why";

/// A daemon that has started.
pub struct Daemon {
    store: Store,
    lanes: Lanes,
    address: SocketAddr,
    stop_intake: CancellationToken,
    shutdown: Shutdown,
    listeners: TaskTracker,
    signing: (CancellationToken, TaskTracker),
    periodic: periodic::Periodic,
}

impl Daemon {
    /// Starts everything that `config` describes. Nothing is taken in before the trail was checked.
    ///
    /// # Errors
    /// An [`crate::store::OpenError`] where the store is refused; otherwise what could not be started.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        // First of all: whatever counts from now on is gathered.
        let metrics = telemetry::metrics();
        let store = Store::open(&config.store, Role::Daemon, clock).await?;
        let is_new = store.trail_head().await?.size() == 0;
        let signer = trail::signer(&config.trail.origin, config.trail.key.as_ref(), store.path(), is_new)?;
        let anchor = AnchorFile::new(&config.trail.anchor);
        let keys = trail::known_keys(store.path())?;
        let transition = trail::check_at_start(&store, signer.verifier(), &keys, &anchor).await?;
        trail::publish(signer.verifier(), store.path())?;
        store.check_clock_at_start().await?;
        record_start_transition(&store, &transition, &signer).await?;
        let taken_back = store.expire_leases(true).await?;
        store
            .record(
                EntryKind::DaemonStarted,
                serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "jobs_taken_back": taken_back, "targets": config.targets.len() }),
            )
            .await?;

        let mut checkpoints = CheckpointSigner::new(store.clone(), signer, anchor, config.trail.journal);
        // From here on the trail cannot be replaced unseen: one that its key has not signed is not started on again.
        checkpoints.sign_or_alert().await;

        let shutdown = Shutdown {
            tracker: TaskTracker::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
        };
        let stop_intake = CancellationToken::new();
        // Before the lanes: what closes from now on is told.
        let transmitter = match &config.transmitter {
            None => {
                store.set_receivers(Vec::new()).await?;
                None
            }
            Some(settings) => Some(Transmitter::start(settings.clone(), store.clone(), stop_intake.clone()).await?),
        };
        let policy = Arc::new(config.policy.clone());
        let lanes = start_lanes(&store, &config, Arc::clone(&policy), shutdown.clone()).await?;
        let signing = (CancellationToken::new(), TaskTracker::new());
        signing.1.spawn(trail::run(checkpoints, signing.0.clone()));

        let listeners = TaskTracker::new();
        let sources: BTreeMap<String, Source> = config
            .sources
            .iter()
            .map(|source| (source.name.clone(), source.source.clone()))
            .collect();
        let targets = config.targets.iter().map(|target| target.name.clone()).collect();
        let intake = Intake::new(store.clone(), policy, lanes.clone(), targets, sources.clone());
        listeners.spawn(intake::run_inbox(intake.clone(), stop_intake.clone()));
        for (name, source) in sources {
            if let Some(pull) = source.pull() {
                listeners.spawn(intake::run_poll(intake.clone(), name, Arc::clone(pull), stop_intake.clone()));
            }
        }
        let listener = api::listen(config.listen.address).with_context(|| {
            format!(
                "listening at {}; is another program there? change [listen] address",
                config.listen.address
            )
        })?;
        let address = listener
            .local_addr()
            .context("reading the address that the server listens at")?;
        let notes = intake.activity().clone();
        if let Some(transmitter) = &transmitter {
            start_transmitter(transmitter, &shutdown);
        }
        // Whom an earlier life held off is not remembered.
        store.end_alerts("door_closed").await?;
        let ports = endpoints::ports(&store, &lanes, intake, transmitter, metrics);
        listeners.spawn(api::serve(
            listener,
            endpoints::limits(&config.listen),
            ports,
            stop_intake.clone(),
        ));
        listeners.spawn(integrity::look(store.clone(), stop_intake.clone()));
        let periodic = periodic::start(&store, &config, &notes).await?;
        tracing::info!(%address, store = %store.path().display(), taken_back, "started");
        Ok(Self {
            store,
            lanes,
            address,
            stop_intake,
            shutdown,
            listeners,
            signing,
            periodic,
        })
    }

    /// The store, for whoever runs the daemon in its own process.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The lanes.
    #[must_use]
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Where the HTTP server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until `stop` comes, or a commit's outcome is unknown; then stops in good order.
    ///
    /// # Errors
    /// Where the daemon had to stop by itself: exit code 1, and systemd starts it again.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let watchdog = systemd::ready(&self.store, &self.stop_intake);
        let mut committed = self.store.committed();
        let trouble = tokio::select! {
            biased;
            () = stop => None,
            seen = committed.wait_for(|seen| seen.lost) => Some(match seen {
                Ok(_) => "the outcome of a commit is unknown; the next start looks at what is there".to_owned(),
                Err(_) => GONE.to_owned(),
            }),
            () = watchdog => Some(GONE.to_owned()),
            displaced = self.store.watch_files() => {
                // Nothing that an attempt does from now on would be recorded.
                self.shutdown.hard.cancel();
                Some(displaced)
            }
        };
        systemd::stopping();
        self.stop().await;
        match trouble {
            None => Ok(()),
            Some(trouble) => anyhow::bail!(trouble),
        }
    }

    /// Stops in good order: what runs may finish for 25 s, the rest is given back.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.stop_intake.cancel();
        self.listeners.close();
        self.periodic.stop().await;
        self.shutdown.soft.cancel();
        self.shutdown.tracker.close();
        if tokio::time::timeout(SOFT_STOP, self.shutdown.tracker.wait()).await.is_err() {
            self.shutdown.hard.cancel();
            if tokio::time::timeout(HARD_STOP, self.shutdown.tracker.wait()).await.is_err() {
                tracing::warn!("some attempts did not end; their leases bring their jobs back");
            }
        }
        if tokio::time::timeout(HARD_STOP, self.listeners.wait()).await.is_err() {
            tracing::warn!("some connections did not end");
        }
        if let Err(error) = self.store.record(EntryKind::DaemonStopped, serde_json::json!({})).await {
            tracing::error!(error = %crate::model::error_chain(&error), "could not record the stop");
        }
        // Last, so that the final checkpoint covers the entry about the stop.
        self.signing.0.cancel();
        self.signing.1.close();
        self.signing.1.wait().await;
        self.store.close().await;
        tracing::info!("stopped");
    }
}

/// A trail that begins anew says so before anything else.
async fn record_start_transition(store: &Store, transition: &StartTransition, signer: &Signer) -> anyhow::Result<()> {
    match transition {
        StartTransition::Continues => {}
        StartTransition::NewOrigin(before) => {
            let detail = serde_json::json!({ "origin": signer.verifier().name(), "checkpoint_before": before });
            store.record(EntryKind::TrailOriginStarted, detail).await?;
        }
    }
    Ok(())
}

/// Starts what tells receivers. It ends with the lanes: what waits for a receiver waits in the store.
fn start_transmitter(transmitter: &Transmitter, shutdown: &Shutdown) {
    for name in transmitter.push_receivers() {
        let run = transmitter::run_push(transmitter.clone(), name.to_owned(), shutdown.soft.clone());
        shutdown.tracker.spawn(run);
    }
    shutdown
        .tracker
        .spawn(transmitter::run_overdue_polls(transmitter.clone(), shutdown.soft.clone()));
}

async fn start_lanes(store: &Store, config: &Config, policy: Arc<Policy>, shutdown: Shutdown) -> anyhow::Result<Lanes> {
    let mut lanes = Vec::with_capacity(config.targets.len());
    for target in &config.targets {
        let rate = Rate::per(target.rate.calls.get(), target.rate.per)
            .with_context(|| format!("the rate of target {} cannot be kept", target.name))?;
        lanes.push(LaneSettings {
            name: target.name.clone(),
            target: Arc::clone(&target.target),
            rate,
            burst: target.burst,
            concurrency: target.concurrency,
        });
    }
    let settings = WorkSettings {
        retries: Retries {
            attempts: config.retry.attempts,
            urgent: Backoff {
                first: config.retry.urgent_first,
                longest: config.retry.urgent_longest,
            },
            others: Backoff {
                first: config.retry.first,
                longest: config.retry.longest,
            },
        },
        ..WorkSettings::default()
    };
    Ok(Lanes::start(store, lanes, policy, settings, shutdown).await?)
}
