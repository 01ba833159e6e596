//! A store and a lane as the daemon wires them, with a target that notes when calls leave.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use revoked::clock::Clock;
use revoked::model::{
    Access, Action, Capabilities, Delivery, GrantKind, Principal, Priority, Reason, Resolution, Signal, SignalReceipt, Subject,
};
use revoked::policy::Policy;
use revoked::store::{Role, Store};
use revoked::targets::{Applied, CallContext, ObservationRequest, Probe, Target, TargetError, TargetRole};
use revoked::worker::{LaneSettings, Lanes, Rate, Shutdown, WorkSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A store with one lane, in a folder of its own on the disk that the project lies on.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) lanes: Lanes,
    pub(crate) policy: Arc<Policy>,
    folder: tempfile::TempDir,
    shutdown: Shutdown,
}

/// A folder on a real disk: the system's temporary folder may be memory, where an fsync costs nothing.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .unwrap()
}

/// A lane whose playbooks ask for sessions, tokens and grants, and have no sweeps.
pub(crate) async fn lane(folder: tempfile::TempDir, target: Arc<dyn Target>, rate: Rate, concurrency: usize) -> Bench {
    let mut policy = Policy::standard(&["chat"]);
    let ends: BTreeSet<GrantKind> = [GrantKind::Session, GrantKind::AccessToken, GrantKind::OauthGrant].into();
    for playbook in policy.playbooks.values_mut() {
        for containment in playbook.values_mut() {
            containment.end.clone_from(&ends);
            containment.block = false;
            containment.watch.clear();
        }
    }
    open(folder, target, policy, (rate, 0, concurrency)).await
}

/// A lane whose playbooks are those that are built in, looking again at these seconds after the verdict.
pub(crate) async fn built_in(
    folder: tempfile::TempDir,
    target: Arc<dyn Target>,
    (rate, burst): (Rate, u32),
    watch: &[u64],
) -> Bench {
    let mut policy = Policy::standard(&["chat"]);
    for playbook in policy.playbooks.values_mut() {
        for containment in playbook.values_mut() {
            containment.watch = watch.to_vec();
        }
    }
    open(folder, target, policy, (rate, burst, 4)).await
}

async fn open(
    folder: tempfile::TempDir,
    target: Arc<dyn Target>,
    mut policy: Policy,
    (rate, burst, concurrency): (Rate, u32, usize),
) -> Bench {
    let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, Clock::system())
        .await
        .unwrap();
    no_limits(&mut policy);
    let policy = Arc::new(policy);
    let shutdown = Shutdown {
        tracker: TaskTracker::new(),
        soft: CancellationToken::new(),
        hard: CancellationToken::new(),
        supervisor: revoked::supervision::Supervisor::default(),
    };
    let settings = LaneSettings {
        role: TargetRole::Application,
        name: "chat".to_owned(),
        target,
        rate,
        burst,
        concurrency,
    };
    let lanes = Lanes::start(
        &store,
        vec![settings],
        Arc::<Policy>::clone(&policy),
        WorkSettings::default(),
        shutdown.clone(),
    )
    .await
    .unwrap();
    Bench {
        store,
        lanes,
        policy,
        folder,
        shutdown,
    }
}

/// Takes the limits off the source of the benchmark.
pub(crate) fn no_limits(policy: &mut Policy) {
    let unlimited = revoked::policy::Limits {
        departures_per_delivery: None,
        delivery_share: None,
        departures_per_hour: None,
        departures_share: None,
        compromises_per_minute: None,
        compromises_per_operator: None,
        compromises_share: None,
        old_news_is_held: false,
    };
    policy.limits.insert("bench".to_owned(), unlimited);
}

impl Bench {
    /// Takes a delivery in as the intake does.
    pub(crate) async fn accept(&self, signals: Vec<Signal>) -> Vec<SignalReceipt> {
        let delivery = Delivery::of("bench", signals, self.store.clock().now());
        let accepted = self.lanes.accept(&self.store, Arc::clone(&self.policy), delivery);
        accepted.await.unwrap().signals
    }

    /// Ends the lane and closes the store. The folder goes when the answer is dropped.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.shutdown.soft.cancel();
        self.shutdown.hard.cancel();
        self.shutdown.tracker.close();
        self.shutdown.tracker.wait().await;
        self.store.close().await;
        self.folder
    }
}

pub(crate) fn signal(person: usize, width: usize, reason: Reason, key: &str) -> Signal {
    let subject: Subject = format!("username:user{person:0width$}").parse().unwrap();
    Signal::new(key, [0; 32], subject, reason)
}

/// The fastest that anybody may ask for: nothing waits for a permit.
pub(crate) fn unlimited() -> Rate {
    Rate::per(1_000_000, std::time::Duration::from_secs(1)).unwrap()
}

/// A target that notes when its calls begin.
pub(crate) struct Noting {
    pub(crate) inner: Arc<dyn Target>,
    pub(crate) calls: Mutex<Vec<(Call, String, Instant)>>,
    pub(crate) noted: tokio::sync::Notify,
}

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A lookup that was answered.
    Resolved,
    Observe,
    /// A look that was answered.
    Observed,
    Apply,
    /// A change that was answered.
    Applied,
}

impl Noting {
    pub(crate) fn new(inner: Arc<dyn Target>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            calls: Mutex::default(),
            noted: tokio::sync::Notify::new(),
        })
    }

    fn note(&self, call: Call, about: &str) {
        self.calls.lock().unwrap().push((call, about.to_owned(), Instant::now()));
        self.noted.notify_one();
    }

    /// When the first such call was noted since the notes were cleared; with `about`, the first about that.
    pub(crate) async fn first(&self, call: Call, about: Option<&str>) -> Instant {
        loop {
            let fits = |noted: &(Call, String, Instant)| noted.0 == call && about.is_none_or(|about| noted.1 == about);
            if let Some((_, _, at)) = self.calls.lock().unwrap().iter().find(|noted| fits(noted)) {
                return *at;
            }
            self.noted.notified().await;
        }
    }

    /// When the first change for so many different principals was answered.
    pub(crate) async fn applied_to(&self, principals: usize) -> Instant {
        loop {
            let mut first: std::collections::BTreeMap<String, Instant> = std::collections::BTreeMap::new();
            for (call, about, at) in self.calls.lock().unwrap().iter() {
                if *call == Call::Applied {
                    first.entry(about.clone()).or_insert(*at);
                }
            }
            if first.len() >= principals {
                return *first.values().max().unwrap();
            }
            self.noted.notified().await;
        }
    }
}

#[async_trait]
impl Target for Noting {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn resolve(&self, context: &CallContext, subject: &Subject) -> Result<Resolution, TargetError> {
        let answer = self.inner.resolve(context, subject).await;
        self.note(Call::Resolved, &subject.to_string());
        answer
    }

    async fn observe(&self, context: &CallContext, principal: &Principal, ask: &ObservationRequest) -> Result<Access, TargetError> {
        self.note(Call::Observe, &principal.id);
        let answer = self.inner.observe(context, principal, ask).await;
        self.note(Call::Observed, &principal.id);
        answer
    }

    async fn apply(&self, context: &CallContext, action: &Action, principals: &[Principal]) -> Result<Applied, TargetError> {
        self.note(Call::Apply, "");
        let answer = self.inner.apply(context, action, principals).await;
        for principal in principals {
            self.note(Call::Applied, &principal.id);
        }
        answer
    }

    async fn probe(&self, context: &CallContext) -> Result<Probe, TargetError> {
        self.inner.probe(context).await
    }
}

/// Waits until so many cases are closed, looking now and then: the look itself reads whole tables.
pub(crate) async fn drained(store: &Store, cases: usize, every: std::time::Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let counts = store.counts().await.unwrap();
        let closed = counts.cases.get("closed").copied().unwrap_or(0);
        if usize::try_from(closed).unwrap() >= cases {
            return;
        }
    }
}

/// Waits until so many sweeps are over.
pub(crate) async fn swept(store: &Store, sweeps: usize, every: std::time::Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let filter = revoked::store::ListFilter {
            limit: 10_000,
            ..Default::default()
        };
        let jobs = store.jobs(&filter).await.unwrap();
        let over = jobs.iter().filter(|job| job.kind == "watch" && job.state == "done").count();
        if over >= sweeps {
            return;
        }
    }
}

/// Every priority is at least as urgent as this.
pub(crate) const ANY: Priority = Priority(9);
