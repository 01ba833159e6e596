//! The one writer: takes every mutation over a channel and commits what has gathered as one transaction (group commit).
//!
//! No artificial wait gathers a group: while one fsync runs, the next group fills the channel, so that groups grow with the load and an
//! idle store answers after one fsync.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::trail_append::Tail;
use super::transaction::{ClosureMutation, CommitFailure, Mutation, Tx};
use crate::clock::Clock;
use crate::store::StoreError;
use crate::store::error::SqliteFailure;
use crate::telemetry::table;

/// How many mutations one commit may carry: bounds the time that the first of them waits.
const LARGEST_GROUP: usize = 256;
/// After how many commits the log is folded back into the database even under load.
const CHECKPOINT_EVERY: u32 = 512;
/// How long the store must be idle before the log is folded back.
const IDLE: Duration = Duration::from_millis(500);
/// How long a group waits for a lock that another process holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long SQLite itself waits for it: then we look again, and show that we live.
pub(in crate::store) const LOCK_POLL: &str = "PRAGMA busy_timeout = 250";
/// A lock that is held for longer than this alerts: a command of ours takes milliseconds.
const LOCK_ALERT_AFTER: Duration = Duration::from_secs(3);

/// What the writer tells the rest of the store after a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Committed {
    /// Counts commits, so that a watcher sees that something changed.
    pub commits: u64,
    /// The trail's size after the commit.
    pub trail_size: u64,
    /// Set when a commit's outcome is unknown: the daemon must end with exit code 1.
    pub lost: bool,
}

/// A wait for the write lock, which another process holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct LockWait {
    since: Instant,
    /// When the writer last looked: it does so several times a second.
    looked: Instant,
}

impl LockWait {
    /// Whether the writer lives, and waits for nothing but the lock.
    pub(in crate::store) fn is_fresh(&self) -> bool {
        self.looked.elapsed() < Duration::from_secs(2)
    }
}

/// What the writer tells the rest of the store.
pub(in crate::store) struct WriterSignals {
    pub(in crate::store) committed: watch::Sender<Committed>,
    pub(in crate::store) lock: watch::Sender<Option<LockWait>>,
}

/// Runs until every sender is gone, then folds the log back and closes.
pub(in crate::store) async fn run(
    mut conn: SqliteConnection,
    mut mutations: mpsc::Receiver<Box<dyn Mutation>>,
    clock: Clock,
    signals: WriterSignals,
) {
    let WriterSignals { committed, lock } = signals;
    let mut since_checkpoint = 0_u32;
    loop {
        let first = match tokio::time::timeout(IDLE, mutations.recv()).await {
            Ok(Some(first)) => first,
            Ok(None) => break,
            Err(_) if since_checkpoint > 0 => {
                checkpoint(&mut conn, "PRAGMA wal_checkpoint(PASSIVE)").await;
                since_checkpoint = 0;
                continue;
            }
            Err(_) => match mutations.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        let mut group = vec![first];
        while group.len() < LARGEST_GROUP
            && let Ok(next) = mutations.try_recv()
        {
            group.push(next);
        }
        table::COMMIT_GROUP_SIZE.observe([], f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX)));
        let began = Instant::now();
        let outcome = match begin(&mut conn, &lock).await {
            Ok(waited) => {
                if waited > LOCK_ALERT_AFTER {
                    group.insert(0, lock_was_held(waited));
                }
                commit(&mut conn, &mut group, &clock).await
            }
            Err(stop) => Err(stop),
        };
        table::COMMIT_SECONDS.observe([], began.elapsed().as_secs_f64());
        let lost = matches!(outcome, Err(CommitFailure::Unknown));
        if let Ok(size) = outcome {
            committed.send_modify(|seen| {
                seen.commits += 1;
                seen.trail_size = size;
            });
        }
        for mutation in group {
            mutation.answer(outcome.map(|_| ()));
        }
        if lost {
            committed.send_modify(|seen| seen.lost = true);
            return;
        }
        since_checkpoint += 1;
        if since_checkpoint >= CHECKPOINT_EVERY {
            checkpoint(&mut conn, "PRAGMA wal_checkpoint(PASSIVE)").await;
            since_checkpoint = 0;
        }
    }
    // The last fold waits for readers of other processes.
    drop(sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut conn).await);
    checkpoint(&mut conn, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    drop(sqlx::Connection::close(conn).await);
}

/// A checkpoint that fails leaves a longer log, nothing worse; the next one tries again.
async fn checkpoint(conn: &mut SqliteConnection, how: &'static str) {
    if let Err(error) = sqlx::query(how).execute(&mut *conn).await {
        tracing::warn!(%error, "could not fold the write-ahead log back into the store");
    }
}

/// Begins a transaction. `Ok` is how long another process kept us waiting for the lock, over all tries since the last that succeeded.
async fn begin(conn: &mut SqliteConnection, lock: &watch::Sender<Option<LockWait>>) -> Result<Duration, CommitFailure> {
    let began = Instant::now();
    loop {
        let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await else {
            let waited = lock.send_replace(None).map(|wait| wait.since.elapsed());
            return Ok(waited.unwrap_or_default());
        };
        let stop = classify(&error);
        if !matches!(stop, CommitFailure::Busy) {
            tracing::warn!(%error, "could not begin a transaction on the store");
            // Nothing was begun, so nothing can be unknown.
            return Err(if matches!(stop, CommitFailure::Unknown) {
                CommitFailure::Unread
            } else {
                stop
            });
        }
        lock.send_modify(|wait| {
            let looked = Instant::now();
            let since = wait.map_or(began, |wait| wait.since);
            let before = wait.map_or(Duration::ZERO, |wait| wait.looked.duration_since(since));
            if before <= LOCK_ALERT_AFTER && looked.duration_since(since) > LOCK_ALERT_AFTER {
                tracing::error!("another program holds the store's write lock: nothing is stored until it lets go");
            }
            *wait = Some(LockWait { since, looked });
        });
        if began.elapsed() >= LOCK_TIMEOUT {
            return Err(stop);
        }
    }
}

/// Raises the alert about a lock that was held for long, as soon as it can be written.
fn lock_was_held(waited: Duration) -> Box<dyn Mutation> {
    let summary = format!(
        "another program held the store's write lock for {} s: nothing was stored meanwhile, and senders were told to come again",
        waited.as_secs()
    );
    let (call, _) =
        ClosureMutation::new(move |tx| Box::pin(async move { tx.raise_alert("store_locked", "store", &summary, None).await }));
    Box::new(call)
}

/// Fills a transaction that was begun with a group. `Ok` is the trail's size after a commit that returned.
async fn commit(conn: &mut SqliteConnection, group: &mut [Box<dyn Mutation>], clock: &Clock) -> Result<u64, CommitFailure> {
    match fill(conn, group, clock).await {
        Ok(size) => match sqlx::query("COMMIT").execute(&mut *conn).await {
            Ok(_) => Ok(size),
            Err(error) => {
                let stop = classify(&error);
                tracing::error!(%error, "a commit on the store failed");
                roll_back(conn).await;
                Err(stop)
            }
        },
        Err(stop) => {
            roll_back(conn).await;
            Err(stop)
        }
    }
}

/// SQLite may have rolled back by itself already, which makes this fail harmlessly.
async fn roll_back(conn: &mut SqliteConnection) {
    drop(sqlx::query("ROLLBACK").execute(&mut *conn).await);
}

async fn fill(conn: &mut SqliteConnection, group: &mut [Box<dyn Mutation>], clock: &Clock) -> Result<u64, CommitFailure> {
    // Read again for each group: a command of an operator in another process may have appended since.
    let mut tail = Tail::read(conn)
        .await
        .map_err(|error| trail_failure(&error, "read", CommitFailure::Unread))?;
    // A mutation that fails must not take the others of its group down; one that is alone needs no savepoint for that.
    let alone = group.len() == 1;
    if !alone {
        savepoint(conn, "SAVEPOINT mutation").await?;
    }
    for mutation in group.iter_mut() {
        let mark = tail.mark();
        let kept = mutation
            .run(&mut Tx {
                conn: &mut *conn,
                now: clock.now(),
                tail: &mut tail,
            })
            .await;
        if !kept {
            tail.back_to(mark);
        }
        match (kept, alone) {
            // One step closes this savepoint and opens the next; the commit closes the last.
            (true, false) => savepoint(conn, "RELEASE mutation; SAVEPOINT mutation").await?,
            (false, false) => savepoint(conn, "ROLLBACK TO mutation").await?,
            (true, true) => {}
            (false, true) => {
                savepoint(conn, "ROLLBACK").await?;
                savepoint(conn, "BEGIN IMMEDIATE").await?;
            }
        }
    }
    tail.flush(conn)
        .await
        .map_err(|error| trail_failure(&error, "written", CommitFailure::Full))
}

async fn savepoint(conn: &mut SqliteConnection, sql: &'static str) -> Result<(), CommitFailure> {
    // Inside a transaction a failing savepoint means that SQLite has rolled back by itself, which it does when space runs out.
    sqlx::query(sql).execute(conn).await.map(|_| ()).map_err(|error| {
        tracing::warn!(%error, "{sql} failed");
        CommitFailure::Full
    })
}

fn trail_failure(error: &StoreError, doing: &str, otherwise: CommitFailure) -> CommitFailure {
    tracing::warn!(error = %crate::model::error_chain(error), "the trail could not be {doing}");
    match error {
        StoreError::Busy => CommitFailure::Busy,
        StoreError::Full => CommitFailure::Full,
        _ => otherwise,
    }
}

fn classify(error: &sqlx::Error) -> CommitFailure {
    match SqliteFailure::of(error) {
        SqliteFailure::Full => CommitFailure::Full,
        SqliteFailure::Busy => CommitFailure::Busy,
        SqliteFailure::Other => CommitFailure::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn a_store_that_cannot_be_read_is_not_called_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("garbage.db");
        std::fs::write(&path, vec![0x5a; 8192]).unwrap();
        let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let (lock, waits) = watch::channel(None);
        let stop = begin(&mut conn, &lock).await.unwrap_err();
        assert!(waits.borrow().is_none(), "nobody waited for a lock");
        let (call, answer) = ClosureMutation::new(|_: &mut Tx<'_>| Box::pin(async { Ok(()) }));
        Box::new(call).answer(Err(stop));
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unread), "{error}");
        assert!(error.to_string().starts_with("the store could not be read"), "{error}");
    }
}
