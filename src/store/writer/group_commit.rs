//! The one writer: takes every mutation over a channel and commits what has gathered as one transaction (group commit).
//!
//! No artificial wait gathers a group: while one fsync runs, the next group fills the channel, so that groups grow with the load and an
//! idle store answers after one fsync.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::fold::Fold;
use super::group::{self, Opening, Queued, Unwritten};
use super::lock_sharing::{LockManners, LockTurns};
use crate::clock::Clock;
use crate::store::error::SqliteFailure;
use crate::store::queue::wordings::KnownWordings;
use crate::store::transaction::mutation::{ClosureMutation, CommitFailure};
use crate::telemetry::table;

/// How many mutations one commit may carry: bounds the time that the first of them waits.
const LARGEST_GROUP: usize = 256;
/// How long the store must be idle before the log is folded back.
const IDLE: Duration = Duration::from_millis(500);
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
    /// How long it has lasted.
    pub(in crate::store) fn length(&self) -> Duration {
        self.since.elapsed()
    }

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
    mut mutations: mpsc::Receiver<Queued>,
    clock: Clock,
    signals: WriterSignals,
    (mut log, manners): (Fold, LockManners),
) {
    let WriterSignals { committed, lock } = signals;
    let mut turns = LockTurns::new();
    let mut known = KnownWordings::default();
    loop {
        let idle_since = Instant::now();
        let first = match tokio::time::timeout(IDLE, mutations.recv()).await {
            Ok(Some(first)) => first,
            Ok(None) => break,
            Err(_) if log.is_pending() => {
                log.when_idle(&mut conn).await;
                continue;
            }
            Err(_) => match mutations.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        turns.rested(idle_since.elapsed());
        turns.give_way().await;
        let mut group = vec![first];
        group.extend(log.news().map(Queued::Function));
        while group.len() < LARGEST_GROUP
            && let Ok(next) = mutations.try_recv()
        {
            group.push(next);
        }
        table::COMMIT_GROUP_SIZE.observe([], f64::from(u32::try_from(group.len()).unwrap_or(u32::MAX)));
        let began = Instant::now();
        let outcome = commit(&mut conn, &mut group, &clock, (&lock, manners), &mut known).await;
        if outcome.is_err() {
            roll_back(&mut conn).await;
        }
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
        if manners.tends {
            log.after_group(&mut conn, outcome.is_ok()).await;
        }
    }
    if manners.tends {
        log.at_the_end(&mut conn).await;
    }
    drop(sqlx::Connection::close(conn).await);
}

/// Commits a group. `Ok` is the trail's size after a commit that returned.
async fn commit(
    conn: &mut SqliteConnection,
    group: &mut Vec<Queued>,
    clock: &Clock,
    (lock, manners): (&watch::Sender<Option<LockWait>>, LockManners),
    known: &mut KnownWordings,
) -> Result<u64, CommitFailure> {
    let opening = match group::open(conn, group, clock.now(), false).await {
        Ok(opening) => {
            // Groups before this one may have waited in vain.
            let waited = lock.borrow().map(|wait| wait.since.elapsed());
            if let Some(waited) = waited {
                lock.send_replace(None);
                if manners.tends && waited > LOCK_ALERT_AFTER {
                    group.push(lock_was_held(waited));
                }
            }
            opening
        }
        // Whatever it was: begun alone, the transaction says it, and waits where another process has the lock.
        Err(_) => begin_and_open(conn, group, clock, lock, manners).await?,
    };
    match group::commit(conn, group, clock, opening, known).await {
        Ok(size) => Ok(size),
        Err(Unwritten::Failed(failure)) => Err(failure),
        Err(Unwritten::OneByOne) => {
            let opening = begin_and_open(conn, group, clock, lock, manners).await?;
            match group::commit(conn, group, clock, opening.one_by_one(), known).await {
                Ok(size) => Ok(size),
                Err(Unwritten::Failed(failure)) => Err(failure),
                // What is left of the group is the trail and the commit itself.
                Err(Unwritten::OneByOne) => Err(CommitFailure::Unread),
            }
        }
    }
}

/// Begins a transaction, waiting for the lock where another process has it, and reads what the group needs.
async fn begin_and_open(
    conn: &mut SqliteConnection,
    group: &mut Vec<Queued>,
    clock: &Clock,
    lock: &watch::Sender<Option<LockWait>>,
    manners: LockManners,
) -> Result<Opening, CommitFailure> {
    roll_back(conn).await;
    let waited = begin(conn, lock, manners.patience).await?;
    if manners.tends && waited > LOCK_ALERT_AFTER {
        group.insert(0, lock_was_held(waited));
    }
    if let Ok(opening) = group::open(conn, group, clock.now(), true).await {
        return Ok(opening);
    }
    // One damaged page stands in the way of what needs it, and of nothing else.
    let head = group::open(conn, &[], clock.now(), true).await.map(Opening::one_by_one);
    head.map_err(|error| {
        tracing::warn!(%error, "the trail's head could not be read");
        // What stands there makes no sense, and will not at the next try either: nothing can be stored any more. A start says what is wrong.
        if manners.tends && matches!(error, sqlx::Error::Decode(_)) {
            return CommitFailure::Unknown;
        }
        match SqliteFailure::of(&error) {
            SqliteFailure::Full => CommitFailure::Full,
            SqliteFailure::Busy => CommitFailure::Busy,
            // Nothing was written, so nothing can be unknown.
            SqliteFailure::Statement | SqliteFailure::Other => CommitFailure::Unread,
        }
    })
}

/// Begins a transaction. `Ok` is how long another process kept us waiting for the lock, over all tries since the last that succeeded.
async fn begin(
    conn: &mut SqliteConnection,
    lock: &watch::Sender<Option<LockWait>>,
    patience: Duration,
) -> Result<Duration, CommitFailure> {
    let began = Instant::now();
    loop {
        let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await else {
            let waited = lock.send_replace(None).map(|wait| wait.since.elapsed());
            return Ok(waited.unwrap_or_default());
        };
        let failure = SqliteFailure::of(&error);
        if failure != SqliteFailure::Busy {
            tracing::warn!(%error, "could not begin a transaction on the store");
            // Nothing was begun, so nothing can be unknown.
            return Err(if failure == SqliteFailure::Full {
                CommitFailure::Full
            } else {
                CommitFailure::Unread
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
        if began.elapsed() >= patience {
            return Err(CommitFailure::Busy);
        }
    }
}

/// Raises the alert about a lock that was held for long, as soon as it can be written.
fn lock_was_held(waited: Duration) -> Queued {
    let summary = format!(
        "another program held the store's write lock for {} s: nothing was stored meanwhile, and senders were told to come again",
        waited.as_secs()
    );
    let (call, _) =
        ClosureMutation::new(move |tx| Box::pin(async move { tx.raise_alert("store_locked", "store", &summary, None).await }));
    Queued::Function(Box::new(call))
}

/// SQLite may have rolled back by itself already, or nothing was begun, which makes this fail harmlessly.
async fn roll_back(conn: &mut SqliteConnection) {
    drop(sqlx::query("ROLLBACK").execute(&mut *conn).await);
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;
    use crate::store::{StoreError, Tx};

    #[tokio::test]
    async fn a_store_that_cannot_be_read_is_not_called_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("garbage.db");
        std::fs::write(&path, vec![0x5a; 8192]).unwrap();
        let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
        let (lock, waits) = watch::channel(None);
        let stop = begin(&mut conn, &lock, Duration::from_secs(5)).await.unwrap_err();
        assert!(waits.borrow().is_none(), "nobody waited for a lock");
        let (call, answer) = ClosureMutation::new(|_: &mut Tx<'_>| Box::pin(async { Ok(()) }));
        Queued::Function(Box::new(call)).answer(Err(stop));
        let error = answer.await.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unread), "{error}");
        assert!(error.to_string().starts_with("the store could not be read"), "{error}");
    }
}
