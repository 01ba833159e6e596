//! A store with a policy, and lanes over it: what a test of the worker stands on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use revoked::backoff::{Backoff, Retries};
use revoked::clock::Clock;
use revoked::model::{Containment, Delivery, GrantKind, Priority, Reason, Scope, Signal, Subject};
use revoked::policy::{Limits, Policy};
use revoked::store::{Alert, CaseDetail, JobView, ListFilter, Role, SlotOffer, SlotOffers, Store};
use revoked::supervision::Supervisor;
use revoked::targets::{Target, TargetRole};
use revoked::worker::{AttemptLimits, BreakerSettings, LaneSettings, Lanes, Protection, Rate, Shutdown, Slot, WorkSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::wait::BOUND;

/// A store in a folder of its own, on the machine's clock.
pub(crate) struct Harness {
    pub(crate) store: Store,
    pub(crate) policy: Policy,
    pub(crate) shutdown: Shutdown,
    sent: std::sync::atomic::AtomicU64,
    _folder: tempfile::TempDir,
}

/// Everything of an account, and the account suspended.
pub(crate) fn everything() -> Containment {
    Containment {
        scope: Scope::Everything,
        end: GrantKind::ALL.into(),
        block: true,
        ..Containment::nothing()
    }
}

/// Everything of an account that stays open.
pub(crate) fn open_account() -> Containment {
    Containment {
        block: false,
        ..everything()
    }
}

impl Harness {
    /// A policy in which `compromised` (urgent) and `departed` (routine) demand this at the target `chat`.
    pub(crate) async fn demanding(containment: Containment) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("revoked.db"), Role::Daemon, Clock::system())
            .await
            .unwrap();
        let playbook = BTreeMap::from([("chat".to_owned(), containment)]);
        let unlimited = Limits {
            departures_per_delivery: None,
            departures_per_hour: None,
            compromises_per_minute: None,
            old_news_is_held: false,
            ..Limits::default()
        };
        Self {
            store,
            policy: Policy {
                playbooks: [Reason::Compromised, Reason::Departed]
                    .map(|reason| (reason.word().to_owned(), playbook.clone()))
                    .into(),
                limits: BTreeMap::from([("test".to_owned(), unlimited)]),
                ..Policy::default()
            },
            shutdown: Shutdown {
                tracker: TaskTracker::new(),
                soft: CancellationToken::new(),
                hard: CancellationToken::new(),
                supervisor: Supervisor::default(),
            },
            sent: std::sync::atomic::AtomicU64::new(0),
            _folder: folder,
        }
    }

    /// Accepts one signal about everything that this subject has.
    pub(crate) async fn signal(&self, subject: &str, reason: Reason) -> i64 {
        self.signal_about(subject, reason, Scope::Everything).await
    }

    pub(crate) async fn signal_about(&self, subject: &str, reason: Reason, scope: Scope) -> i64 {
        let delivery = self.delivery(subject, reason, scope);
        let accepted = self
            .store
            .accept(Arc::new(self.policy.clone()), delivery, SlotOffers::default())
            .await
            .unwrap();
        case_of(&accepted.receipt.signals[0])
    }

    /// Accepts one urgent signal whose job is born claimed in this slot.
    pub(crate) async fn signal_into(&self, lanes: &Lanes, (offer, slot): (SlotOffer, Slot), subject: &str) -> i64 {
        let delivery = self.delivery(subject, Reason::Compromised, Scope::Everything);
        let policy = Arc::new(self.policy.clone());
        let offers = SlotOffers {
            slots: vec![offer],
            born: None,
        };
        let mut accepted = self.store.accept(policy, delivery, offers).await.unwrap();
        lanes.take(accepted.claims.pop().expect("no job was born claimed"), slot);
        case_of(&accepted.receipt.signals[0])
    }

    /// Accepts one urgent signal as the intake does: its job is told of before it is committed.
    pub(crate) async fn told(&self, lanes: &Lanes, subject: &str) -> i64 {
        self.try_told(lanes, subject).await.unwrap()
    }

    /// The same, where it may fail.
    pub(crate) async fn try_told(&self, lanes: &Lanes, subject: &str) -> Result<i64, revoked::store::StoreError> {
        let delivery = self.delivery(subject, Reason::Compromised, Scope::Everything);
        let receipt = lanes.accept(&self.store, Arc::new(self.policy.clone()), delivery).await?;
        Ok(case_of(&receipt.signals[0]))
    }

    fn delivery(&self, subject: &str, reason: Reason, scope: Scope) -> Delivery {
        let n = self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let signal = Signal {
            scope,
            ..Signal::new(n.to_string(), [0; 32], subject.parse::<Subject>().unwrap(), reason)
        };
        Delivery::of("test", vec![signal], self.store.clock().now())
    }

    /// Starts the lane `chat` with so many slots and the policy as its guard.
    pub(crate) async fn lanes(&self, target: &Arc<impl Target + 'static>, concurrency: usize) -> Lanes {
        self.lanes_with(target, concurrency, quick()).await
    }

    pub(crate) async fn lanes_with(
        &self,
        target: &Arc<impl Target + 'static>,
        concurrency: usize,
        settings: WorkSettings,
    ) -> Lanes {
        let settings = WorkSettings {
            concurrent_jobs: Some(concurrency),
            ..settings
        };
        let target = Arc::clone(target) as Arc<dyn Target>;
        self.lanes_of(vec![("chat", TargetRole::Application, target)], settings).await
    }

    /// Starts a lane for each of these.
    pub(crate) async fn lanes_of(&self, targets: Vec<(&str, TargetRole, Arc<dyn Target>)>, settings: WorkSettings) -> Lanes {
        let lanes = targets.into_iter().map(|(name, role, target)| LaneSettings {
            name: name.to_owned(),
            target,
            role,
            rate: Rate::per_second(10_000.0).unwrap(),
            burst: 0,
            concurrency: 64,
        });
        let protection: Arc<dyn Protection> = Arc::new(self.policy.clone());
        Lanes::start(&self.store, lanes.collect(), protection, settings, self.shutdown.clone())
            .await
            .unwrap()
    }

    /// Waits until the first job of the case is in one of these states.
    pub(crate) async fn job_is(&self, case: i64, states: &[&str]) -> JobView {
        self.until(states[0], || async {
            let job = self.jobs(case).await.pop()?;
            states.contains(&job.state.as_str()).then_some(job)
        })
        .await
    }

    /// Waits until the case's first job is over.
    pub(crate) async fn over(&self, case: i64) -> JobView {
        self.job_is(case, &["done", "failed"]).await
    }

    /// The jobs of a case, newest first.
    pub(crate) async fn jobs(&self, case: i64) -> Vec<JobView> {
        let filter = ListFilter {
            case: Some(case),
            limit: 100,
            ..ListFilter::default()
        };
        self.store.jobs(&filter).await.unwrap().rows
    }

    pub(crate) async fn detail(&self, case: i64) -> CaseDetail {
        self.store.case_detail(case).await.unwrap()
    }

    /// The open alerts of this kind.
    pub(crate) async fn alerts(&self, kind: &str) -> Vec<Alert> {
        let mut alerts = self.store.alerts(false).await.unwrap().rows;
        alerts.retain(|alert| alert.kind == kind);
        alerts
    }

    /// Looks again after every commit, and now and then besides, until there is an answer.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, look: impl Fn() -> F) -> T {
        let mut committed = self.store.committed();
        let found = tokio::time::timeout(BOUND, async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                drop(tokio::time::timeout(Duration::from_millis(20), committed.changed()).await);
            }
        });
        found.await.unwrap_or_else(|_| panic!("waited in vain for: {what}"))
    }

    /// Stops softly and waits for all that runs.
    pub(crate) async fn stop(&self) {
        self.shutdown.soft.cancel();
        self.shutdown.tracker.close();
        tokio::time::timeout(BOUND, self.shutdown.tracker.wait())
            .await
            .expect("the lanes did not stop");
    }
}

fn case_of(receipt: &revoked::model::SignalReceipt) -> i64 {
    match receipt {
        revoked::model::SignalReceipt::Accepted { case, .. } => case.0,
        other => panic!("{other:?}"),
    }
}

/// Settings under which waits take milliseconds.
pub(crate) fn quick() -> WorkSettings {
    let backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(5),
    };
    WorkSettings {
        concurrent_jobs: None,
        retries: Retries {
            attempts: 3,
            urgent: backoff,
            others: backoff,
        },
        breaker: BreakerSettings {
            failures: 5,
            first: Duration::from_millis(10),
            longest: Duration::from_millis(40),
            urgent_longest: Duration::from_millis(20),
        },
        attempt_limits: AttemptLimits {
            rounds: 4,
            recheck_delays: [1, 2, 3].map(Duration::from_millis).into(),
            limit: Duration::from_mins(5),
        },
        seed: Some(11),
    }
}

/// The two urgencies the stage's reasons have.
pub(crate) const URGENT: Reason = Reason::Compromised;
pub(crate) const ROUTINE: Reason = Reason::Departed;
const _: () = assert!(URGENT.priority().0 == Priority::URGENT.0 && ROUTINE.priority().0 > Priority::URGENT.0);
