//! The job on apalis-sqlite, with the log and `synchronous = FULL`, which its own set-up turns off.

#[path = "../../job.rs"]
mod job;

use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_sqlite::{Config, SqliteStorage};
use job::Caller;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// How often the queue is looked at. Its default finds a job that comes alone only after a tenth of a second.
const POLL: Duration = Duration::from_millis(5);

async fn end_sessions(person: usize, caller: Data<Caller>) -> Result<(), BoxDynError> {
    Ok(caller.end_sessions(person).await?)
}

#[tokio::main]
async fn main() {
    let (caller, mut done, folder) = job::from_arguments();
    let options = SqliteConnectOptions::new()
        .filename(folder.join("apalis.db"))
        .create_if_missing(true)
        .busy_timeout(Duration::from_secs(30))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let setting_up = SqlitePoolOptions::new().connect_with(options.clone()).await.expect("a file");
    SqliteStorage::setup(&setting_up).await.expect("tables");
    setting_up.close().await;
    let pool = SqlitePoolOptions::new().connect_with(options).await.expect("a file");
    let storage = SqliteStorage::new(&pool).with_config(Config::default().batch_size(job::AT_ONCE));
    let mut queue = storage.clone();
    let began = Instant::now();
    for person in 1..=job::JOBS {
        queue.push(person).await.expect("enqueued");
    }
    let enqueues = began.elapsed();
    let began = Instant::now();
    let worker = WorkerBuilder::new("peer")
        .backend(storage.poll_with_interval(POLL))
        .concurrency(job::AT_ONCE)
        .data(caller)
        .build(end_sessions);
    let worker = tokio::spawn(worker.run());
    done.wait(job::JOBS).await;
    let jobs = began.elapsed();
    let reaction = done
        .reaction(async |person| queue.push(person).await.expect("enqueued"))
        .await;
    job::print("apalis-sqlite 1.0", jobs, enqueues, reaction);
    worker.abort();
}
