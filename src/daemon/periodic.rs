//! The periodic runs (cron), on tokio-cron-scheduler. It holds no state that matters: each run looks at the store, and what was due while the
//! daemon was down is found by the first look. No job of the queue waits here.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::{Config, Retention};
use crate::intake::SourceActivity;
use crate::store::{PlanPlace, Store};
use crate::supervision::Supervisor;

/// One periodic run. One that stands in no row of [`SCHEDULE`] is never made, which the compiler says.
#[derive(Debug, Clone, Copy)]
enum Run {
    Departures,
    Due,
    Silence,
    Mentions,
    Metrics,
    Ledger,
    Holds,
    Retention,
}

impl Run {
    /// The name in the log.
    const fn name(self) -> &'static str {
        match self {
            Self::Departures => "departures",
            Self::Due => "due",
            Self::Silence => "silence",
            Self::Mentions => "mentions",
            Self::Metrics => "metrics",
            Self::Ledger => "ledger",
            Self::Holds => "holds",
            Self::Retention => "retention",
        }
    }
}

/// What runs when: seconds, minutes, hours, day of month, month, day of week, UTC.
const SCHEDULE: &[(Run, &str, &str)] = &[
    (
        Run::Departures,
        "0 * * * * *",
        "compute planned departures again: the rules of a zone may have changed",
    ),
    (
        Run::Due,
        "*/30 * * * * *",
        "take back leases that ended, promote what is due: departures, sweeps, retries (the scheduler's safety net)",
    ),
    (
        Run::Silence,
        "5/15 * * * * *",
        "keep what was noticed about the sources, and alert about those that should speak and do not",
    ),
    (
        Run::Mentions,
        "3/10 * * * * *",
        "write down which jobs and subjects the newest blocks of the trail speak of, so that they are found without reading all of it",
    ),
    (
        Run::Metrics,
        "10/30 * * * * *",
        "fold what histograms gathered into their buckets, so that it does not pile up where nobody asks for the metrics",
    ),
    (
        Run::Ledger,
        "0 7 * * * *",
        "alert about what has stood in the could-not-revoke ledger for too long, and try it again",
    ),
    (
        Run::Holds,
        "20 * * * * *",
        "alert again about holds that nobody has decided for too long",
    ),
    (Run::Retention, "0 17 3 * * *", "take away what has been over for long enough"),
];

/// How many plans are computed again at once: some milliseconds.
const PLANS: u32 = 5000;
/// How long nothing may run: the most frequent run comes four times a minute.
const SILENCE: Duration = Duration::from_mins(5);

/// What the config says of when something is too late or over.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// How long each source may say nothing.
    expected: BTreeMap<String, Duration>,
    ledger: Duration,
    holds: Duration,
    retention: Retention,
}

impl Terms {
    pub(super) fn of(config: &Config) -> Self {
        let expected = config
            .sources
            .iter()
            .filter_map(|source| Some((source.name.clone(), source.silent_after?)));
        Self {
            expected: expected.collect(),
            ledger: config.ledger.alert_after,
            holds: config.approvals.remind_after,
            retention: config.retention.clone(),
        }
    }
}

/// The terms in force, which a new config replaces. Each run takes them once.
#[derive(Clone)]
pub(super) struct CurrentTerms(Arc<RwLock<Arc<Terms>>>);

impl CurrentTerms {
    pub(super) fn new(terms: Terms) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(terms))))
    }

    pub(super) fn replace(&self, terms: Terms) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(terms);
    }

    fn now(&self) -> Arc<Terms> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The running scheduler.
pub(super) struct Periodic {
    scheduler: JobScheduler,
    watch: AbortOnDropHandle<()>,
    stopping: CancellationToken,
}

impl Periodic {
    pub(super) async fn stop(&mut self) {
        self.watch.abort();
        self.stopping.cancel();
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop in good order");
        }
    }
}

/// Starts every periodic run, and does the first of each that could have been missed.
pub(super) async fn start(
    store: &Store,
    config: &Config,
    terms: &CurrentTerms,
    notes: &SourceActivity,
    supervisor: &Supervisor,
) -> anyhow::Result<Periodic> {
    recompute_after(store, None)
        .await
        .context("computing the planned departures")?;
    let names = config.sources.iter().map(|source| source.name.clone()).collect();
    store.register_sources(names).await.context("making the sources known")?;
    let scheduler = JobScheduler::new().await.context("making the scheduler")?;
    let runs = Runs {
        began: Arc::new(Notify::new()),
        supervisor: supervisor.clone(),
        stopping: CancellationToken::new(),
    };
    let stopping = runs.stopping.clone();
    let turn = Arc::new(Mutex::new(None));
    for (kind, cron, _) in SCHEDULE {
        let (store, terms, notes) = (store.clone(), terms.clone(), notes.clone());
        let turn = Arc::clone(&turn);
        let work = move || {
            let (store, terms, notes) = (store.clone(), terms.now(), notes.clone());
            let turn = Arc::clone(&turn);
            async move {
                match *kind {
                    Run::Departures => recompute(&store, &turn).await,
                    Run::Mentions => store.note_mentions().await.map_err(Into::into),
                    Run::Due => due(&store).await,
                    Run::Silence => keep_notes(&store, &notes, terms.expected.clone()).await,
                    Run::Metrics => {
                        crate::telemetry::metrics().upkeep();
                        Ok(())
                    }
                    Run::Ledger => store.retry_ledger(terms.ledger).await.map(|_| ()).map_err(Into::into),
                    Run::Holds => store.remind_of_holds(terms.holds).await.map(|_| ()).map_err(Into::into),
                    Run::Retention => store
                        .prune(terms.retention.cases, terms.retention.people)
                        .await
                        .map(|_| ())
                        .map_err(Into::into),
                }
            }
        };
        scheduler
            .add(job(*kind, cron, &runs, work)?)
            .await
            .with_context(|| format!("scheduling the run {}", kind.name()))?;
    }
    scheduler.start().await.context("starting the scheduler")?;
    let watch = AbortOnDropHandle::new(tokio::spawn(watch(runs)));
    Ok(Periodic {
        scheduler,
        watch,
        stopping,
    })
}

/// What every run tells of.
#[derive(Clone)]
struct Runs {
    /// One has begun.
    began: Arc<Notify>,
    supervisor: Supervisor,
    /// The daemon stops: a run is let go where it stands, since the store is closed next. What it had asked the store to write is written.
    stopping: CancellationToken,
}

/// Tells where no run has begun for too long: what starts them is a library's own, which says nothing when it ends.
async fn watch(runs: Runs) {
    while tokio::time::timeout(SILENCE, runs.began.notified()).await.is_ok() {}
    runs.supervisor
        .report("the periodic scheduler", "has started nothing for five minutes");
}

/// A run that never overlaps itself: the scheduler starts the next one whether or not the last has ended.
fn job<F, W>(kind: Run, cron: &str, runs: &Runs, work: W) -> anyhow::Result<Job>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
    W: Fn() -> F + Send + Sync + 'static,
{
    let (running, runs) = (Arc::new(tokio::sync::Mutex::new(())), runs.clone());
    Job::new_async(cron, move |_, _| {
        let (running, runs, run) = (Arc::clone(&running), runs.clone(), work());
        let guarded = async move {
            runs.began.notify_one();
            let Ok(_alone) = running.try_lock() else { return };
            let run = AssertUnwindSafe(run).catch_unwind();
            match runs.stopping.run_until_cancelled(run).await {
                None | Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => tracing::error!(run = kind.name(), error = format!("{error:#}"), "a periodic run failed"),
                Some(Err(_)) => runs.supervisor.panicked(&format!("the periodic run {}", kind.name())),
            }
        };
        Box::pin(guarded) as Pin<Box<dyn Future<Output = ()> + Send>>
    })
    .with_context(|| format!("reading the schedule of the run {}", kind.name()))
}

/// Computes the next plans again, and of those behind them so many as come next by turns: however many there are, each run takes its time and no
/// more, and what is near is always right.
async fn recompute(store: &Store, turn: &Mutex<Option<PlanPlace>>) -> anyhow::Result<()> {
    let behind = recompute_after(store, None).await?;
    let place = *turn.lock().unwrap_or_else(PoisonError::into_inner);
    let next = match place.or(behind) {
        Some(place) => recompute_after(store, Some(place)).await?,
        None => None,
    };
    *turn.lock().unwrap_or_else(PoisonError::into_inner) = next;
    Ok(())
}

/// Computes plans again from behind a place on. Answers the place behind which the others are.
async fn recompute_after(store: &Store, place: Option<PlanPlace>) -> anyhow::Result<Option<PlanPlace>> {
    let (plans, next) = store.planned_departures_after(place, PLANS).await?;
    for row in &plans.unreadable {
        let summary = format!(
            "planned departure {} cannot be computed again, since its row cannot be read: {}; it keeps its instant",
            row.row, row.why
        );
        store
            .raise_alert("departure_unclear", format!("departure:{}", row.row), summary)
            .await?;
    }
    for plan in plans {
        match plan.leaves.fire_at() {
            Ok(fire_at) if fire_at != plan.fire_at => store.move_departure(plan.id, fire_at).await?,
            Ok(_) => {}
            Err(error) => {
                // The plan keeps the instant that was computed when its zone was still known.
                let summary = format!(
                    "a planned departure of source {} cannot be computed again: {error}",
                    plan.source
                );
                store
                    .raise_alert("departure_unclear", format!("departure:{}", plan.id), summary)
                    .await?;
            }
        }
    }
    Ok(next)
}

/// Keeps what was noticed about the sources, and looks for silent ones.
async fn keep_notes(store: &Store, notes: &SourceActivity, expected: BTreeMap<String, Duration>) -> anyhow::Result<()> {
    store.count_refusals(notes.take_refused()).await?;
    store.note_proxies(notes.take_proxies()).await?;
    Ok(store.check_silence(notes.take(), expected).await?)
}

async fn due(store: &Store) -> anyhow::Result<()> {
    store.expire_leases(false).await?;
    store.promote().await?;
    Ok(())
}
