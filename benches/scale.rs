//! What must stay as it is while the rows grow: the start, the numbers, the lists, the trail, the log and retention, at a thousand, a hundred
//! thousand and a million finished cases with as many queued jobs, made by SQL.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use revoked::clock::Clock;
use revoked::model::{Delivery, Evidence, Goals, Reason, Settlement, Verdict};
use revoked::policy::Policy;
use revoked::store::{Integrity, ListFilter, Role, SlotOffers, Store, TrailFilter};
use revoked_trail::{Frontier, Signer, leaf_hash};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::lane;
use crate::table::{Row, median, ms, percentile};

/// Finished cases, and as many queued jobs.
const SIZES: [i64; 3] = [1_000, 100_000, 1_000_000];
/// Entries of the trail for each finished case.
const ENTRIES: i64 = 3;

pub(crate) async fn measure() -> Vec<Row> {
    let sizes = std::env::args().find_map(|argument| argument.strip_prefix("rows=")?.parse().ok());
    let sizes = sizes.map_or_else(|| SIZES.to_vec(), |size: i64| vec![size]);
    let mut found = Vec::new();
    for size in sizes {
        found.push(at(size).await);
    }
    let Some((first, last)) = found.first().zip(found.last()) else {
        return Vec::new();
    };
    let mut rows: Vec<Row> = last
        .timed
        .iter()
        .zip(&first.timed)
        .map(|((what, time, goal), (_, small, _))| Row {
            what: format!("{what}, {} finished cases, as many queued", last.size),
            measured: format!("{time:.2} ms"),
            reference: format!("{} of each: {small:.2} ms", first.size),
            goal: goal.words(),
            met: Some(goal.met(*time, *small)),
        })
        .collect();
    rows.extend(last.others.iter().map(|(what, measured, goal, met)| Row {
        what: format!("{what}, {} finished cases, as many queued", last.size),
        measured: measured.clone(),
        reference: format!("{:.0} MB on disk", last.megabytes),
        goal: goal.clone(),
        met: Some(*met),
    }));
    rows
}

/// What a time is held against.
#[derive(Clone, Copy)]
enum Goal {
    Below(f64),
    Flat(f64),
}

impl Goal {
    fn words(self) -> String {
        match self {
            Self::Below(goal) => format!("below {goal} ms"),
            Self::Flat(goal) => format!("flat (at most {goal})"),
        }
    }

    fn met(self, time: f64, small: f64) -> bool {
        match self {
            Self::Below(goal) => time < goal,
            Self::Flat(goal) => time / small <= goal,
        }
    }
}

struct At {
    size: i64,
    megabytes: f64,
    timed: Vec<(&'static str, f64, Goal)>,
    others: Vec<(&'static str, String, String, bool)>,
}

async fn at(size: i64) -> At {
    let folder = lane::folder();
    let path = folder.path().join("revoked.db");
    fill(&path, size).await;
    let began = Instant::now();
    let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
    store.expire_leases(true).await.unwrap();
    let mut timed = vec![("the store opened", ms(began.elapsed()), Goal::Below(1000.0))];
    timed.push((
        "the numbers of status and the metrics",
        counts(&store).await,
        Goal::Below(50.0),
    ));
    timed.extend(lists(&store, size).await);
    timed.extend(hot(&store).await);
    let mut others = vec![damage(&store).await, verified(&store).await];
    others.push(log(&store, &path).await);
    others.push(retention(&store).await);
    assert_eq!(store.wrong_counters().await.unwrap(), Vec::new());
    store.close().await;
    #[expect(clippy::cast_precision_loss, reason = "a number of megabytes")]
    let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
    println!("{size} rows, {megabytes:.0} MB:");
    for (what, time, _) in &timed {
        println!("  {what}: {time:.2} ms");
    }
    for (what, measured, ..) in &others {
        println!("  {what}: {measured}");
    }
    At {
        size,
        megabytes,
        timed,
        others,
    }
}

async fn counts(store: &Store) -> f64 {
    let mut times = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        store.counts().await.unwrap();
        times.push(ms(began.elapsed()));
    }
    median(times)
}

async fn lists(store: &Store, size: i64) -> Vec<(&'static str, f64, Goal)> {
    let mut found = Vec::new();
    let list = |state: &str, target: &str| ListFilter {
        state: Some(state.to_owned()).filter(|word| !word.is_empty()),
        target: Some(target.to_owned()).filter(|word| !word.is_empty()),
        limit: 50,
        ..ListFilter::default()
    };
    for (what, filter) in [
        ("job list", list("", "")),
        ("job list --state failed, which none is in", list("failed", "")),
        ("job list --state done, all of them the oldest", list("done", "")),
        ("job list --target, which has none", list("", "mail")),
    ] {
        let began = Instant::now();
        store.jobs(&filter).await.unwrap();
        found.push((what, ms(began.elapsed()), Goal::Below(100.0)));
    }
    for (what, filter) in [
        ("case list", list("", "")),
        ("case list --state held, which none is in", list("held", "")),
        ("case list --state closed, all of them the oldest", list("closed", "")),
    ] {
        let began = Instant::now();
        store.cases(&filter).await.unwrap();
        found.push((what, ms(began.elapsed()), Goal::Below(100.0)));
    }
    let began = Instant::now();
    let filter = TrailFilter {
        case: Some(size / 2),
        limit: 200,
        ..TrailFilter::default()
    };
    let entries = store.trail_search(&filter).await.unwrap().len();
    assert!(entries >= 3, "{entries}");
    found.push(("trail show --case", ms(began.elapsed()), Goal::Below(100.0)));
    let began = Instant::now();
    assert!(!store.at_work().await.unwrap().is_empty());
    found.push((
        "the cases at work, the most urgent first",
        ms(began.elapsed()),
        Goal::Below(500.0),
    ));
    let began = Instant::now();
    assert!(store.lanes().await.unwrap().iter().any(|lane| lane.waiting >= size));
    found.push(("the lanes with what waits", ms(began.elapsed()), Goal::Below(500.0)));
    let now = store.clock().now();
    let began = Instant::now();
    let year = (now.minus(Duration::from_hours(24 * 365)), now);
    let times = store.containment_times(year, &Goals::default()).await.unwrap();
    assert!(times.cases >= usize::try_from(size).unwrap(), "{}", times.cases);
    found.push(("report containment of a year", ms(began.elapsed()), Goal::Below(10_000.0)));
    found
}

async fn hot(store: &Store) -> Vec<(&'static str, f64, Goal)> {
    let policy = Arc::new(Policy::standard(&["chat"]));
    let (mut accepts, mut claims, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..200 {
        let signals = vec![lane::signal(n, 7, Reason::Logout, &format!("scale-{n}"))];
        let delivery = Delivery::of("bench", signals, store.clock().now());
        let began = Instant::now();
        store
            .accept(Arc::clone(&policy), delivery, SlotOffers::default())
            .await
            .unwrap();
        accepts.push(ms(began.elapsed()));
        let began = Instant::now();
        let claim = store.claim("chat", lane::ANY, 1).await.unwrap().pop().unwrap();
        claims.push(ms(began.elapsed()));
        let evidence = Evidence {
            principal: Some("somebody".to_owned()),
            ..Evidence::default()
        };
        let began = Instant::now();
        let settled = store.settle(claim, Vec::new(), evidence, Settlement::Done(Verdict::Contained));
        settled.await.unwrap();
        ends.push(ms(began.elapsed()));
    }
    vec![
        ("accept of one signal with its commit", median(accepts), Goal::Flat(1.3)),
        ("claim of one job with its commit", median(claims), Goal::Flat(1.3)),
        ("end of one job with its commit", median(ends), Goal::Flat(1.3)),
    ]
}

async fn damage(store: &Store) -> (&'static str, String, String, bool) {
    let began = Instant::now();
    let found = store.look_for_damage().await.unwrap();
    (
        "the whole file looked at for damage, beside the work",
        format!("{:.1} s", began.elapsed().as_secs_f64()),
        "sound".to_owned(),
        found == Integrity::Sound,
    )
}

/// The trail was made by SQL and is under no checkpoint; everything else of it must verify.
async fn verified(store: &Store) -> (&'static str, String, String, bool) {
    let keys = [Signer::from_seed("bench.example.org/trail", &[7; 32])
        .unwrap()
        .verifier()
        .clone()];
    let began = (Instant::now(), cpu());
    let report = revoked::trail::verify(store, &keys, &[]).await.unwrap();
    let (wall, cpu) = (began.0.elapsed().as_secs_f64(), cpu() - began.1);
    assert!(report.findings.len() == 1, "{:?}", report.findings);
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rate = |seconds: f64| report.entries as f64 / seconds.max(0.001);
    (
        "trail verify",
        format!("{:.0} entries/s, {:.0} for each second of CPU", rate(wall), rate(cpu)),
        "500000 a second of CPU".to_owned(),
        rate(cpu) >= 500_000.0,
    )
}

/// Seconds of CPU that this process has had: user and system, in ticks of a hundredth.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// The longest log during an intake that writes some hundred megabytes, while somebody reads.
async fn log(store: &Store, path: &Path) -> (&'static str, String, String, bool) {
    let policy = Arc::new(Policy::standard(&["chat"]));
    let wal = path.with_file_name("revoked.db-wal");
    let longest = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    let intake = async {
        let mut number = 0;
        for _ in 0..60 {
            let deliveries = (0..128).map(|_| {
                number += 1;
                let signals = vec![lane::signal(number % 5000, 7, Reason::Logout, &format!("log-{number}"))];
                store.accept(
                    Arc::clone(&policy),
                    Delivery::of("bench", signals, store.clock().now()),
                    SlotOffers::default(),
                )
            });
            for accepted in futures_util::future::join_all(deliveries).await {
                accepted.unwrap();
            }
            longest.fetch_max(std::fs::metadata(&wal).map_or(0, |wal| wal.len()), Ordering::Relaxed);
        }
        over.store(true, Ordering::Relaxed);
    };
    let reading = async {
        while !over.load(Ordering::Relaxed) {
            store.counts().await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::join!(intake, reading);
    let megabytes = longest.into_inner() >> 20;
    (
        "longest log during an intake of 7680 deliveries beside readers",
        format!("{megabytes} MiB"),
        "below 64 MiB".to_owned(),
        megabytes < 64,
    )
}

/// How long an accept takes beside a retention that takes a tenth of the cases away, against how long it takes by itself.
async fn retention(store: &Store) -> (&'static str, String, String, bool) {
    let alone = paced_accepts(store, "alone", &AtomicBool::new(false)).await;
    let over = AtomicBool::new(false);
    let prune = async {
        let began = Instant::now();
        let day = Duration::from_hours(24);
        let gone = tokio::time::timeout(Duration::from_mins(1), store.prune(day * 365, day * 10_000)).await;
        over.store(true, Ordering::Relaxed);
        (gone.map_or(None, Result::ok), began.elapsed())
    };
    let (beside, (gone, took)) = tokio::join!(paced_accepts(store, "beside", &over), prune);
    (
        "p99 of an accept beside retention",
        format!(
            "{beside:.2} ms, {} cases in {:.1} s",
            gone.map_or_else(|| "not all".to_owned(), |gone| gone.to_string()),
            took.as_secs_f64()
        ),
        format!("at most 3 x {alone:.2} ms without"),
        beside <= 3.0 * alone,
    )
}

/// The 99th percentile of accepts, one every few milliseconds: two hundred, or until it is over.
async fn paced_accepts(store: &Store, name: &str, over: &AtomicBool) -> f64 {
    let policy = Arc::new(Policy::standard(&["chat"]));
    let mut times = Vec::new();
    for n in 0..4000 {
        if over.load(Ordering::Relaxed) || (name == "alone" && n == 400) {
            break;
        }
        let signals = vec![lane::signal(n % 5000, 7, Reason::Logout, &format!("{name}-{n}"))];
        let delivery = Delivery::of("bench", signals, store.clock().now());
        let began = Instant::now();
        store
            .accept(Arc::clone(&policy), delivery, SlotOffers::default())
            .await
            .unwrap();
        times.push(ms(began.elapsed()));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    percentile(times, 0.99)
}

/// A store with `size` finished cases, a tenth of them older than a year, and `size` queued jobs, with the trail of the finished ones.
async fn fill(path: &Path, size: i64) {
    crate::claim::filled(path, 1).await;
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .pragma("synchronous", "OFF")
        .connect()
        .await
        .unwrap();
    for sql in [
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < $1 + 2) \
         INSERT INTO cases (id, subject_ref, reason, playbook, scope, priority, state, verdict, source, received_at, first_revoke_at, contained_at, closed_at) \
         SELECT i, printf('s_%020d', i), 'departed', 'departed', c.scope, c.priority, 'closed', 'contained', 'bench', c.received_at, \
                c.received_at, c.received_at, c.received_at - CASE WHEN i % 10 = 0 THEN 40000000000 ELSE 0 END FROM n, cases c WHERE c.id = 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, verdict, outcome, evidence, created_at, finished_at) \
         SELECT c.id, 'chat', 'contain', j.containment, 3, 'done', 'contained', '{\"verdict\":\"contained\"}', printf('{\"said\":\"%.*c\"}', 600, 'x'), \
                c.received_at, c.closed_at FROM cases c, job j WHERE j.id = 1 AND c.id > 2 AND $1 > 0",
        "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < $1 + 2) \
         INSERT INTO cases (subject_ref, reason, playbook, scope, priority, state, source, received_at) \
         SELECT printf('q_%020d', i), 'departed', 'departed', c.scope, c.priority, 'open', 'bench', c.received_at FROM n, cases c WHERE c.id = 1",
        "INSERT INTO job (case_id, target, kind, containment, priority, state, created_at) \
         SELECT c.id, 'chat', 'contain', j.containment, 3, 'queued', c.received_at FROM cases c, job j WHERE j.id = 1 AND c.state = 'open' \
         AND c.id > 2 AND $1 > 0",
    ] {
        sqlx::query(sql).bind(size).execute(&mut conn).await.unwrap();
    }
    entries(&mut conn, size).await;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

/// The trail of the finished cases, behind what is there already.
async fn entries(conn: &mut sqlx::SqliteConnection, size: i64) {
    let head = sqlx::query("SELECT size, frontier FROM trail_head")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    let mut tree = Frontier::from_bytes(u64::try_from(head.get::<i64, _>(0)).unwrap(), head.get::<&[u8], _>(1)).unwrap();
    sqlx::query("BEGIN").execute(&mut *conn).await.unwrap();
    for n in 0..size * ENTRIES {
        let (seq, case) = (tree.size(), 3 + n / ENTRIES);
        let body = format!(
            "{{\"seq\":{seq},\"at\":1764000000000,\"kind\":\"action.finished\",\"actor\":\"daemon\",\"case\":{case},\"job\":{case},\
             \"subject_ref\":\"s_{case:020}\",\"detail\":{{\"action\":\"end_sessions\",\"outcome\":\"done\",\"request_ids\":[\"8rqx1h6dpfncmgd5u4ss1kx7qr\"],\
             \"target\":\"chat\",\"attempt\":1}}}}"
        );
        let leaf = leaf_hash(body.as_bytes());
        let seq = i64::try_from(seq).unwrap();
        sqlx::query("INSERT INTO trail (seq, body, leaf) VALUES ($1, $2, $3)")
            .bind(seq)
            .bind(body)
            .bind(leaf.0.as_slice())
            .execute(&mut *conn)
            .await
            .unwrap();
        if let Some(root) = tree.append(leaf) {
            sqlx::query("INSERT INTO trail_block (block, root) VALUES ($1, $2)")
                .bind(seq / 256)
                .bind(root.0.as_slice())
                .execute(&mut *conn)
                .await
                .unwrap();
        }
    }
    for sql in [
        "UPDATE trail_head SET size = $1, frontier = $2",
        "INSERT INTO trail_case (case_id, block) SELECT DISTINCT body ->> '$.case', seq / 256 FROM trail \
         WHERE body ->> '$.case' > 2 AND $1 > 0 AND length($2) > 0",
    ] {
        sqlx::query(sql)
            .bind(i64::try_from(tree.size()).unwrap())
            .bind(tree.to_bytes())
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    sqlx::query("COMMIT").execute(&mut *conn).await.unwrap();
}
