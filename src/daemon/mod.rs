//! The daemon: builds, starts and wires everything, and its graceful shutdown (soft stop, then hard stop).
//!
//! Start order: lock and store, trail, port, leases of an earlier life, what runs by a schedule, lanes, intake, `READY=1`. Whatever can be
//! refused comes before the lanes, so that a start that fails costs no job an attempt. Stop order: listeners, lanes (running attempts
//! finish, or give their job back), checkpoints, store. What SIGTERM does is here; who waits for the signal is `cli::run`.
//!
//! Everything long-lived is watched ([`crate::supervision`]): what ends although it should not stops the rest in the same good order, and
//! the daemon ends with exit code 1.
//!
//! Here [`Daemon`]; `asked`, what commands ask of it; `reload`, its config read anew, over `listeners`, `polls` and `channels`, which it ends and begins; then `room`, opening the store once its disk has room; `endpoints`, what the HTTP server serves; `health`, readiness and
//! gauges; `systemd`, ready and watchdog; `certificate`, the console's while it runs; `periodic`, what runs by a schedule; `integrity`, the look at a large database beside the work; `trail_look`, that at the trail;
//! `notifications`, which tells people of alerts; `target_clocks`, how far those are from ours; `canaries`, how long after its end a credential works there; `descriptors`, the limit of open files.

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
use crate::console::commands::Commands;
use crate::console::{self, Console};
use crate::intake::{self, Intake, SourceActivity};
use crate::policy::CurrentPolicy;
use crate::sources::Source;
use crate::store::{Store, newest_schema};
use crate::supervision::Supervisor;
use crate::telemetry;
use crate::traces::Traces;
use crate::trail::{self, AnchorFile, CheckpointSigner, StartTransition};
use crate::transmitter::{self, Transmitter};
use crate::worker::{LaneSettings, Lanes, Rate, Shutdown, WorkSettings};

pub mod asked;
mod canaries;
mod certificate;
mod channels;
mod descriptors;
mod endpoints;
mod group_lists;
mod health;
mod integrity;
mod listeners;
mod notifications;
mod periodic;
mod polls;
pub mod reload;
mod room;
mod systemd;
mod target_clocks;
mod trail_look;

use listeners::Listeners;
use polls::Polls;

/// How long running attempts may go on after the order to stop.
const SOFT_STOP: Duration = Duration::from_secs(25);
/// How long what was cut off may take to give its job back.
const HARD_STOP: Duration = Duration::from_secs(5);

/// Why the daemon ends when it could not write any more.
const GONE: &str = "the store's writer has ended; the lines above say why";
/// The same, where the writer has ended by itself.
const LOST: &str = "the store's writer has ended: it does not know what became of a commit, or cannot read the end of the trail (the lines above \
                    say which); the next start looks at what is there";

/// A daemon that has started.
pub struct Daemon {
    store: Store,
    lanes: Lanes,
    address: SocketAddr,
    stop_intake: CancellationToken,
    shutdown: Shutdown,
    listeners: TaskTracker,
    reloader: reload::Reloader,
    signing: (CancellationToken, TaskTracker),
    periodic: periodic::Periodic,
    supervisor: Supervisor,
}

impl Daemon {
    /// Starts everything that `config` describes. Nothing is taken in before the trail was checked.
    ///
    /// # Errors
    /// An [`crate::store::OpenError`] where the store is refused; otherwise what could not be started.
    pub async fn start(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let store = room::open(&config.store, clock).await?;
        Self::start_on(store, config, None).await
    }

    /// The same, unless `stop` comes while the start waits for room on the disk; and with a console that runs commands for its callers.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub async fn start_unless(
        config: Config,
        clock: Clock,
        commands: Commands,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<Option<Self>> {
        let store = tokio::select! {
            biased;
            store = room::open(&config.store, clock) => store?,
            () = stop => return Ok(None),
        };
        Self::start_on(store, config, Some(commands)).await.map(Some)
    }

    async fn start_on(store: Store, config: Config, commands: Option<Commands>) -> anyhow::Result<Self> {
        // First of all: whatever counts from now on is gathered.
        let metrics = telemetry::metrics();
        telemetry::table::BUILD_INFO.set([env!("CARGO_PKG_VERSION"), &newest_schema().to_string()], 1.0);
        // One whose head cannot be read is no new one; the check below refuses it.
        let is_new = store.trail_head().await.is_ok_and(|head| head.size() == 0);
        let signer = trail::signer(&config.trail.origin, config.trail.key.as_ref(), store.path(), is_new)?;
        let anchor = AnchorFile::new(&config.trail.anchor);
        let keys = trail::known_keys(store.path())?;
        let transition = trail::check_at_start(&store, signer.verifier(), &keys, &anchor).await?;
        let (listener, address) = listen(&config)?;
        if !is_new {
            publish_keys_again(&store).await?;
        }
        let stop_intake = CancellationToken::new();
        let policy = CurrentPolicy::from(Arc::new(config.policy.clone()));
        let asked = asked::Answerer::new(config.targets.clone(), policy.clone(), Some(store.clone()));
        let console = console_of(&store, &config, (&policy, &asked, commands), &stop_intake);
        let console_listeners = console::Listeners::open(&console).await?;
        trail::publish(signer.verifier(), store.path())?;
        name_channels(&store, &config).await?;
        store.check_clock_at_start().await?;
        record_start_transition(&store, &transition, &signer).await?;
        let taken_back = store.expire_leases(true).await?;
        record_start(&store, &config, taken_back).await?;

        let looked_at = trail_look::TrailPlace::new(&store, &signer, &anchor);
        let mut checkpoints = CheckpointSigner::new(store.clone(), signer, anchor, config.trail.journal);
        // From here on the trail cannot be replaced unseen: one that its key has not signed is not started on again.
        checkpoints.sign_or_alert().await;

        let supervisor = Supervisor::default();
        let shutdown = Shutdown {
            tracker: TaskTracker::new(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            supervisor: supervisor.clone(),
        };
        // Before the lanes: what closes from now on is told.
        let transmitter = transmitter_of(&store, &config, &stop_intake).await?;
        // Whom an earlier life held off is not remembered.
        store.end_alerts("door_closed").await?;
        store.end_alerts("config_refused").await?;
        let certificate = certificate::CertificateLook::begin(store.clone(), console_listeners.certificate()).await?;
        let activity = SourceActivity::default();
        let terms = periodic::CurrentTerms::new(periodic::Terms::of(&config));
        let periodic = periodic::start(&store, &config, &terms, &activity, &supervisor).await?;

        let group_lists = keep_rules(&store, &config).await?;
        let lanes = start_lanes(&store, &config, policy.clone(), shutdown.clone()).await?;
        let signing = (CancellationToken::new(), TaskTracker::new());
        signing.1.spawn(supervisor.watch(
            "the signer of checkpoints",
            signing.0.clone(),
            trail::run(checkpoints, signing.0.clone()),
        ));
        let listeners = Listeners {
            tracker: TaskTracker::new(),
            stop: stop_intake.clone(),
            supervisor: supervisor.clone(),
        };
        let (intake, polls) = start_intake(&store, &config, policy.clone(), &lanes, activity, &listeners);
        if let Some(transmitter) = &transmitter {
            start_transmitter(transmitter, &shutdown);
        }
        let exchanged = reload::Parts {
            store: store.clone(),
            policy,
            terms,
            intake: intake.clone(),
            certificate: certificate.clone(),
            listeners: listeners.clone(),
        };
        let reloader = reload::Reloader::begin(exchanged, &config, polls, group_lists).await?;
        let ports = endpoints::ports(&store, &lanes, intake, transmitter, metrics);
        let serving = api::serve(listener, endpoints::limits(&config.listen), ports, stop_intake.clone());
        listeners.spawn_watched("the HTTP server", serving);
        console.reloaded_by(reloader.clone());
        serve_console(&config, (console_listeners, console), &listeners);
        if certificate.is_on() {
            let looking = certificate.run(stop_intake.clone());
            listeners.spawn_watched("the look at the console's certificate", looking);
        }
        if let Some(settings) = &config.traces {
            let traces = Traces::begin(store.clone(), settings.clone()).await?;
            listeners.spawn_watched("the traces", traces.run(stop_intake.clone()));
        }
        let answering = asked::run(store.clone(), asked, reloader.clone(), stop_intake.clone());
        listeners.spawn_watched("what commands ask", answering);
        // Not watched: it ends by itself, and its word is an alert.
        listeners.tracker.spawn(integrity::look(store.clone(), stop_intake.clone()));
        listeners.spawn_watched("the look at the trail", trail_look::run(looked_at, stop_intake.clone()));
        if let Err(error) = store.note_config(&config.digest) {
            tracing::warn!(%error, "could not note which config this daemon runs with: revoked check cannot tell whether it was changed since");
        }
        tracing::info!(%address, store = %store.path().display(), taken_back, "started");
        Ok(Self {
            store,
            lanes,
            address,
            stop_intake,
            shutdown,
            listeners: listeners.tracker,
            reloader,
            signing,
            periodic,
            supervisor,
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

    /// What reads the config anew.
    #[must_use]
    pub fn reloader(&self) -> reload::Reloader {
        self.reloader.clone()
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
                Ok(_) => LOST.to_owned(),
                Err(_) => GONE.to_owned(),
            }),
            () = watchdog => Some(GONE.to_owned()),
            never = self.store.watch_room() => match never {},
            displaced = self.store.watch_files() => {
                // Nothing that an attempt does from now on would be recorded.
                self.shutdown.hard.cancel();
                Some(displaced)
            }
            // Last: what the end of the writer takes along is named by the writer.
            failure = self.supervisor.failure() => Some(failure.to_string()),
        };
        systemd::stopping();
        if let Some(trouble) = &trouble {
            tracing::error!("{trouble}; stopping, so that the daemon can be started whole again");
        }
        self.stop().await;
        match trouble {
            None => Ok(()),
            Some(trouble) => anyhow::bail!(trouble),
        }
    }

    /// Stops in good order: what runs may finish for 25 s, the rest is given back.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.store.stop_waiting_for_room();
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

/// Writes the verifier keys anew where their file is gone, as after a restore without it.
async fn publish_keys_again(store: &Store) -> anyhow::Result<()> {
    if let Some((file, keys)) = trail::publish_again(store).await? {
        tracing::warn!(
            file = %file.display(),
            keys,
            "the file of verifier keys was gone, and is written anew with those that the trail names: compare it with the one that was saved"
        );
    }
    Ok(())
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

/// Keeps what the config says of decisions where whoever decides finds it, before anything is decided: when two persons approve, which sources are
/// acted on, and who is of which group.
async fn keep_rules(store: &Store, config: &Config) -> anyhow::Result<group_lists::GroupLists> {
    let uid = rustix::process::getuid();
    store
        .set_approval_rule(config.approvals.rule, (!uid.is_root()).then(|| uid.as_raw()))
        .await?;
    store
        .keep_modes(config.modes())
        .await
        .context("keeping which sources are acted on")?;
    group_lists::begin(store, config.group_files.clone()).await
}

/// Says in the trail that this life has begun, and what it took back from the one before.
async fn record_start(store: &Store, config: &Config, taken_back: u64) -> anyhow::Result<()> {
    let start =
        serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "jobs_taken_back": taken_back, "targets": config.targets.len() });
    store.record(EntryKind::DaemonStarted, start).await?;
    Ok(())
}

/// Takes the port, before anything is written or taken back: one that is taken must cost nothing, however often systemd tries again.
fn listen(config: &Config) -> anyhow::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = api::listen(config.listen.address).with_context(|| {
        format!(
            "listening at {}; is another program there? change [listen] address",
            config.listen.address
        )
    })?;
    let address = listener.local_addr();
    Ok((listener, address.context("reading the address that the server listens at")?))
}

/// The console, which knows of the rest what its routes need.
fn console_of(
    store: &Store,
    config: &Config,
    (policy, asked, commands): (&CurrentPolicy, &asked::Answerer, Option<Commands>),
    stop: &CancellationToken,
) -> Console {
    let installation = console::Installation {
        goals: config.goals.clone(),
        policy: policy.clone(),
        targets: config.targets.iter().map(|target| target.name.clone()).collect(),
        receivers: config
            .transmitter
            .as_ref()
            .map_or_else(Vec::new, |settings| settings.receivers.clone()),
        proxies: config.listen.proxies.clone(),
        anchors: vec![config.trail.anchor.clone()],
        reactivations: Box::new(asked.clone()),
        commands,
    };
    Console::new(store.clone(), config.console.clone(), installation, stop.clone())
}

/// What tells receivers, where there are any.
async fn transmitter_of(store: &Store, config: &Config, stop: &CancellationToken) -> anyhow::Result<Option<Transmitter>> {
    Ok(match &config.transmitter {
        None => {
            store.set_receivers(Vec::new()).await?;
            None
        }
        Some(settings) => Some(Transmitter::start(settings.clone(), store.clone(), stop.clone()).await?),
    })
}

/// Serves the console where the config says that it listens.
fn serve_console(config: &Config, (opened, console): (console::Listeners, Console), listeners: &Listeners) {
    if config.console.is_on() {
        listeners.spawn_watched("the console", console::serve(opened, console));
    }
}

/// Starts what tells receivers. It ends with the lanes: what waits for a receiver waits in the store.
fn start_transmitter(transmitter: &Transmitter, shutdown: &Shutdown) {
    for name in transmitter.push_receivers() {
        let run = transmitter::run_push(transmitter.clone(), name.to_owned(), shutdown.soft.clone());
        shutdown.spawn_watched(&format!("the transmitter to receiver {name}"), run);
    }
    let overdue = transmitter::run_overdue_polls(transmitter.clone(), shutdown.soft.clone());
    shutdown.spawn_watched("the look for receivers that do not poll", overdue);
}

/// Says on which channels people are told, before anything can raise an alert.
async fn name_channels(store: &Store, config: &Config) -> anyhow::Result<()> {
    let rules = config.channels.iter().map(|channel| channel.rules.clone()).collect();
    Ok(store.set_channels(rules).await?)
}

/// Starts the inbox and the sources that we fetch from, and the look at the targets' clocks, which decide when departures are due.
fn start_intake(
    store: &Store,
    config: &Config,
    policy: CurrentPolicy,
    lanes: &Lanes,
    activity: SourceActivity,
    listeners: &Listeners,
) -> (Intake, Polls) {
    let sources: BTreeMap<String, Source> = config
        .sources
        .iter()
        .map(|source| (source.name.clone(), source.source.clone()))
        .collect();
    let targets = config.targets.iter().map(|target| target.name.clone()).collect();
    let clocks = config
        .targets
        .iter()
        .map(|target| (target.name.clone(), Arc::clone(&target.target)));
    listeners.spawn_watched(
        "the look at the targets' clocks",
        target_clocks::run(store.clone(), clocks.collect(), listeners.stop.clone()),
    );
    let tried = config.targets.iter().filter_map(|target| {
        Some(canaries::Tried {
            name: target.name.clone(),
            target: Arc::clone(&target.target),
            canary: target.canary.clone()?,
        })
    });
    let tried: Vec<_> = tried.collect();
    listeners.spawn_watched("the canaries", canaries::run(store.clone(), tried, listeners.stop.clone()));
    let intake = Intake::new(store.clone(), policy, lanes.clone(), targets, sources.clone()).noting(activity);
    listeners.spawn_watched("the inbox", intake::run_inbox(intake.clone(), listeners.stop.clone()));
    let mut polls = Polls::default();
    for (name, source) in &sources {
        polls.begin(listeners, &intake, name, source);
    }
    (intake, polls)
}

async fn start_lanes(store: &Store, config: &Config, policy: CurrentPolicy, shutdown: Shutdown) -> anyhow::Result<Lanes> {
    store.set_identity_providers(config.policy.identity_providers.clone());
    let mut lanes = Vec::with_capacity(config.targets.len());
    for target in &config.targets {
        let rate = Rate::per(target.rate.calls.get(), target.rate.per)
            .with_context(|| format!("the rate of target {} cannot be kept", target.name))?;
        lanes.push(LaneSettings {
            name: target.name.clone(),
            target: Arc::clone(&target.target),
            role: target.role,
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
    Ok(Lanes::start(store, lanes, Arc::new(policy), settings, shutdown).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Role;

    /// A daemon with a target that nobody answers at.
    async fn started(folder: &std::path::Path) -> Daemon {
        let clock = Clock::system();
        let text = format!(
            "[store]\npath = \"{0}/revoked.db\"\n[trail]\norigin = \"test.example/revoked\"\nanchor = \"{0}/revoked.checkpoints\"\n\
             [listen]\naddress = \"127.0.0.1:0\"\n\
             [[target]]\nname = \"chat\"\nkind = \"mattermost\"\nurl = \"http://127.0.0.1:9\"\ntoken = {{ file = \"{0}/token\" }}\n",
            folder.display()
        );
        for (name, text) in [("token", "0123456789abcdefghijklmnop"), ("revoked.toml", &text)] {
            use std::os::unix::fs::PermissionsExt as _;
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let config = Config::load(&folder.join("revoked.toml"), &clock).unwrap();
        Daemon::start(config, clock).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_daemon_whose_writer_has_died_ends_with_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = started(folder.path()).await;
        let store = daemon.store().clone();
        let running = tokio::spawn(daemon.run(std::future::pending()));
        store.panic_writer().await;
        let error = running.await.unwrap().unwrap_err().to_string();
        assert!(error.contains("writer has ended"), "{error}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_daemon_of_which_a_part_has_panicked_stops_in_order_and_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = started(folder.path()).await;
        let (shutdown, path) = (daemon.shutdown.clone(), daemon.store().path().to_owned());
        let running = tokio::spawn(daemon.run(std::future::pending()));
        shutdown.spawn_watched("the lane of target mail", async { panic!("of a test") });
        let error = running.await.unwrap().unwrap_err().to_string();
        assert!(error.starts_with("the lane of target mail has panicked"), "{error}");
        let store = Store::open(&path, Role::Command, Clock::system()).await.unwrap();
        let stops = crate::store::TrailFilter {
            kind: Some("daemon.stopped".to_owned()),
            limit: 10,
            ..Default::default()
        };
        assert_eq!(
            store.trail_search(&stops).await.unwrap().len(),
            1,
            "the stop was not in order"
        );
        store.close().await;
    }
}
