//! Jobs a second to the full verdict, FULL and trail on, and what a job costs, against the bare HTTP calls that the same work needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use revoked::clock::Clock;
use revoked::model::{GrantKind, Reason, Resolution};
use revoked::store::{Role, Store};
use revoked::targets::{CallContext, ObservationRequest, Target};
use sqlx::ConnectOptions as _;

use crate::cost::{self, Cost};
use crate::server::Server;
use crate::table::{Row, median};
use crate::wal::{self, Written};
use crate::{RUNS, figures, lane, server};

const JOBS: usize = 3000;
const AT_ONCE: usize = 64;
/// How many signals come in one delivery.
const PORTION: usize = 200;

/// One side of one run.
struct Side {
    /// Jobs a second.
    rate: f64,
    own: Cost,
    server: Cost,
}

/// Our side of one run.
struct Ours {
    side: Side,
    written: Written,
    /// Bytes on disk for each case, once the log is folded.
    disk: f64,
}

pub(crate) async fn measure() -> Vec<Row> {
    let empty = empty_store().await;
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        // A fresh world for each side: a person whose sessions are gone is less work.
        bare.push(bare_calls(&server::start(JOBS, None)).await);
        ours.push(daemon(&server::start(JOBS, None), run, empty).await);
    }
    if std::env::var_os("PROFILE").is_some() {
        profile(&bare, &ours);
    }
    let of_bare = |what: fn(&Side) -> f64| median(bare.iter().map(what).collect());
    let of_ours = |what: fn(&Ours) -> f64| median(ours.iter().map(what).collect());
    let share = median(
        ours.iter()
            .zip(&bare)
            .map(|(ours, bare)| ours.side.rate / bare.rate)
            .collect(),
    );
    let cpu = |side: &Side| a_job(side.own.whole().cpu.as_secs_f64() * 1e6);
    let more = median(
        ours.iter()
            .zip(&bare)
            .map(|(ours, bare)| cpu(&ours.side) - cpu(bare))
            .collect(),
    );
    let switches = of_ours(|ours| a_job(ours.side.own.whole().switches()));
    let store = of_ours(|ours| a_job(ours.side.own.store().switches()));
    let log = of_ours(|ours| a_job(count(ours.written.bytes)) / 1000.0);
    let disk = of_ours(|ours| ours.disk / 1000.0);
    let none = || "-".to_owned();
    vec![
        Row {
            what: figures::JOBS.to_owned(),
            measured: format!("{:.0}/s = {share:.2} of bare", of_ours(|ours| ours.side.rate)),
            reference: format!("bare calls {:.0} jobs/s", of_bare(|bare| bare.rate)),
            goal: "at least 0.70 of bare".to_owned(),
            met: Some(share >= 0.70),
        },
        Row {
            what: figures::CPU.to_owned(),
            measured: format!(
                "{:.0} µs = bare + {more:.0} µs",
                median(ours.iter().map(|ours| cpu(&ours.side)).collect())
            ),
            reference: format!("bare client {:.0} µs", median(bare.iter().map(cpu).collect())),
            goal: "at most 150 µs more than bare".to_owned(),
            met: Some(more <= 150.0),
        },
        Row {
            what: figures::SWITCHES.to_owned(),
            measured: format!("{switches:.1}, {store:.1} of them of SQLite's threads"),
            reference: format!("bare client {:.1}", of_bare(|bare| a_job(bare.own.whole().switches()))),
            goal: none(),
            met: None,
        },
        Row {
            what: figures::COMMITS.to_owned(),
            measured: format!("{:.2}", of_ours(|ours| a_job(f64::from(ours.written.commits)))),
            reference: "the count of the log's index".to_owned(),
            goal: none(),
            met: None,
        },
        Row {
            what: figures::WAL.to_owned(),
            measured: format!("{log:.1} KB"),
            reference: "the frames of the log's index".to_owned(),
            goal: "at most 16 KB".to_owned(),
            met: Some(log <= 16.0),
        },
        Row {
            what: figures::DISK.to_owned(),
            measured: format!("{disk:.1} KB"),
            reference: "the file when closed, less an empty one".to_owned(),
            goal: "at most 5 KB".to_owned(),
            met: Some(disk <= 5.0),
        },
    ]
}

/// The same against a server whose calls take five milliseconds: what the store does is done meanwhile.
pub(crate) async fn measure_slow() -> Vec<Row> {
    let slow = || server::start_slow(JOBS, 1, Duration::from_millis(5));
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        bare.push(bare_calls(&slow()).await.rate);
        ours.push(daemon(&slow(), run, 0.0).await.side.rate);
    }
    let share = median(ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect());
    vec![Row {
        what: figures::SLOW.to_owned(),
        measured: format!("{:.0}/s = {share:.2} of bare", median(ours)),
        reference: format!("bare calls {:.0} jobs/s", median(bare)),
        goal: "at least 0.97 of bare".to_owned(),
        met: Some(share >= 0.97),
    }]
}

/// The daemon's side.
async fn daemon(server: &Server, run: usize, empty: f64) -> Ours {
    let folder = lane::folder();
    let target = server::target(server, folder.path());
    let bench = lane::lane(folder, target, lane::unlimited(), AT_ONCE).await;
    let path = bench.store.path().to_owned();
    let watch = wal::Watch::start(&path);
    let (own, theirs) = (cost::own(), cost::of(server.id()));
    let began = UNIX_EPOCH.elapsed().unwrap();
    for portion in (1..=JOBS).collect::<Vec<_>>().chunks(PORTION) {
        let signals = portion
            .iter()
            .map(|person| lane::signal(*person, 4, Reason::Departed, &format!("{run}-{person}")));
        bench.accept(signals.collect()).await;
    }
    lane::drained(&bench.store, JOBS, Duration::from_millis(50)).await;
    let (own, theirs) = (cost::own().since(&own), cost::of(server.id()).since(&theirs));
    let written = watch.end();
    let folder = bench.stop().await;
    let took = last_closed(&path).await.saturating_sub(began);
    let disk = count(std::fs::metadata(&path).unwrap().len());
    drop(folder);
    Ours {
        side: Side {
            rate: count(JOBS as u64) / took.as_secs_f64(),
            own,
            server: theirs,
        },
        written,
        disk: a_job(disk - empty),
    }
}

/// When the last case was closed, since 1970: the look that notices it comes later.
async fn last_closed(path: &std::path::Path) -> Duration {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut conn = options.connect().await.unwrap();
    let ms: i64 = sqlx::query_scalar("SELECT max(closed_at) FROM cases")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    Duration::from_millis(u64::try_from(ms).unwrap())
}

/// How long the file of a store is in which nothing has happened.
async fn empty_store() -> f64 {
    let folder = lane::folder();
    let path = folder.path().join("revoked.db");
    let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
    store.close().await;
    count(std::fs::metadata(&path).unwrap().len())
}

/// The same calls through the same connector with nothing around them: resolve, observe, end all sessions and each token, observe.
async fn bare_calls(server: &Server) -> Side {
    let folder = lane::folder();
    let target = server::target(server, folder.path());
    let containment = Arc::new(revoked::model::Containment {
        scope: revoked::model::Scope::Everything,
        end: [GrantKind::Session, GrantKind::AccessToken, GrantKind::OauthGrant].into(),
        ..revoked::model::Containment::nothing()
    });
    let next = Arc::new(AtomicUsize::new(1));
    let (own, theirs) = (cost::own(), cost::of(server.id()));
    let began = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (target, next, containment) = (Arc::clone(&target), Arc::clone(&next), Arc::clone(&containment));
        workers.spawn(async move {
            loop {
                let person = next.fetch_add(1, Ordering::Relaxed);
                if person > JOBS {
                    return;
                }
                one(target.as_ref(), &containment, person).await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    Side {
        rate: count(JOBS as u64) / began.elapsed().as_secs_f64(),
        own: cost::own().since(&own),
        server: cost::of(server.id()).since(&theirs),
    }
}

async fn one(target: &dyn Target, containment: &revoked::model::Containment, person: usize) {
    let context = CallContext::unpaced();
    let signal = lane::signal(person, 4, Reason::Departed, "bare");
    let Resolution::One(principal) = target.resolve(&context, &signal.subject).await.unwrap() else {
        return;
    };
    let before = target
        .observe(&context, &principal, &ObservationRequest::now(containment.end.clone()))
        .await
        .unwrap();
    let progress = revoked::model::Progress::default();
    for action in containment.plan(&before, &target.capabilities(), &progress) {
        target
            .apply(&context, &action, std::slice::from_ref(&principal))
            .await
            .unwrap();
    }
    let after = target
        .observe(&context, &principal, &ObservationRequest::now(containment.end.clone()))
        .await
        .unwrap();
    drop(containment.verdict(&before, &after, &target.capabilities(), &progress));
}

/// Where the time of a job goes: the medians of the runs, by thread.
fn profile(bare: &[Side], ours: &[Ours]) {
    let micros = |costs: Vec<&Cost>, name: Option<&str>| {
        let of = |cost: &Cost| name.map_or_else(|| cost.whole(), |name| cost.0.get(name).copied().unwrap_or_default());
        let cpu = costs.iter().map(|cost| a_job(of(cost).cpu.as_secs_f64() * 1e6)).collect();
        let switches = costs.iter().map(|cost| a_job(of(cost).switches())).collect();
        format!("{:.0} µs, {:.1} switches", median(cpu), median(switches))
    };
    let row = |what: &str, bare: String, ours: String| println!("| {what} | {bare} | {ours} |");
    println!("\n| a job, {AT_ONCE} at once | bare calls | the daemon |\n| --- | --- | --- |");
    let names: std::collections::BTreeSet<&str> = ours
        .iter()
        .flat_map(|ours| ours.side.own.0.keys().map(String::as_str))
        .collect();
    for name in names {
        row(
            &format!("threads `{name}`"),
            micros(bare.iter().map(|side| &side.own).collect(), Some(name)),
            micros(ours.iter().map(|ours| &ours.side.own).collect(), Some(name)),
        );
    }
    row(
        "the server",
        micros(bare.iter().map(|side| &side.server).collect(), None),
        micros(ours.iter().map(|ours| &ours.side.server).collect(), None),
    );
    let wall = |rates: Vec<f64>| format!("{:.0} µs", 1e6 / median(rates));
    row(
        "the clock on the wall",
        wall(bare.iter().map(|side| side.rate).collect()),
        wall(ours.iter().map(|ours| ours.side.rate).collect()),
    );
    let busy = |side: &Side| (side.own.whole().cpu + side.server.whole().cpu).as_secs_f64() * side.rate / count(JOBS as u64);
    row(
        "cores in use",
        format!("{:.2}", median(bare.iter().map(busy).collect())),
        format!("{:.2}", median(ours.iter().map(|ours| busy(&ours.side)).collect())),
    );
}

fn a_job(whole: f64) -> f64 {
    whole / count(JOBS as u64)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}
