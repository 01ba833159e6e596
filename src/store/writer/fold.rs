//! Folds the write-ahead log back into the database by its size: under load, when nobody writes, and when writes fail.
//!
//! SQLite writes the log anew from its beginning once all of it is folded and nobody reads from it any more, and cuts the file to
//! [`KEPT_BYTES`] then. So the file's size tells how much there may be to fold, without asking SQLite.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::time::Instant;

use crate::store::StoreError;
use crate::store::columns::Columns as _;
use crate::store::transaction::mutation::{ClosureMutation, Mutation};

/// What is kept of the log once it is folded: writing over it is cheaper than making a file longer.
pub(in crate::store) const KEPT_BYTES: u64 = 8 << 20;
/// From this size on the log is folded between two groups.
const FOLD_FROM: u64 = 24 << 20;
/// How much it must have grown to be folded again, where a reader keeps it from beginning anew.
const FOLD_AGAIN_AFTER: u64 = 4 << 20;
/// From this size on somebody must look who reads for so long.
const ALERT_FROM: u64 = 256 << 20;
/// Below this size that is over.
const FINE_BELOW: u64 = 64 << 20;
/// How often a store that takes no writes is folded.
const FAILING_EVERY: Duration = Duration::from_secs(1);

/// When the log is folded, and whether somebody has been told that it cannot be.
pub(in crate::store) struct Fold {
    log: PathBuf,
    /// Something was committed that is not folded yet.
    pending: bool,
    next_from: u64,
    failing_since: Option<Instant>,
    alerted: bool,
    news: Option<Box<dyn Mutation>>,
}

impl Fold {
    /// For the database at `path`, under whichever name it was reached: SQLite puts its log beside the file that is meant.
    pub(in crate::store) fn new(path: &Path) -> Self {
        let mut log = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
        log.push("-wal");
        Self {
            log: PathBuf::from(log),
            pending: false,
            next_from: FOLD_FROM,
            failing_since: None,
            // By an earlier life, perhaps.
            alerted: true,
            news: None,
        }
    }

    /// Whether there is something to fold while nobody writes.
    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// What the next group should say about the log: that it grows, or that this is over.
    pub(super) fn news(&mut self) -> Option<Box<dyn Mutation>> {
        self.news.take()
    }

    /// To be called after each group: folds where the log has grown enough, or where the group was not `committed`, which may be for want of
    /// the very space that the log takes.
    pub(super) async fn after_group(&mut self, conn: &mut SqliteConnection, committed: bool) {
        let size = self.size();
        self.tell(size);
        if !committed {
            let due = self.failing_since.is_none_or(|last| last.elapsed() >= FAILING_EVERY);
            if due {
                self.failing_since = Some(Instant::now());
                self.run(conn, "PRAGMA wal_checkpoint(TRUNCATE)", size).await;
            }
            return;
        }
        self.failing_since = None;
        self.pending = true;
        if size < FOLD_FROM {
            self.next_from = FOLD_FROM;
        }
        if size >= self.next_from {
            self.run(conn, "PRAGMA wal_checkpoint(PASSIVE)", size).await;
        }
    }

    /// Folds what there is while nobody writes.
    pub(super) async fn when_idle(&mut self, conn: &mut SqliteConnection) {
        let size = self.size();
        self.run(conn, "PRAGMA wal_checkpoint(PASSIVE)", size).await;
        // What a reader keeps is tried again after the next commit, and not for ever.
        self.pending = false;
    }

    /// Folds for the last time, and leaves an empty log: waits for readers of other processes.
    pub(super) async fn at_the_end(&mut self, conn: &mut SqliteConnection) {
        drop(sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *conn).await);
        self.run(conn, "PRAGMA wal_checkpoint(TRUNCATE)", 0).await;
    }

    /// A fold that fails leaves a longer log, nothing worse; the next one tries again.
    async fn run(&mut self, conn: &mut SqliteConnection, how: &'static str, size: u64) {
        self.next_from = size.saturating_add(FOLD_AGAIN_AFTER).max(FOLD_FROM);
        match fold(conn, how).await {
            Ok(whole) => self.pending &= !whole,
            Err(error) => {
                tracing::warn!(error = %crate::model::error_chain(&error), "could not fold the write-ahead log back into the store");
            }
        }
    }

    /// Looked up by name and never opened: closing any descriptor of the file would drop SQLite's locks. Absent means empty.
    fn size(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    fn tell(&mut self, size: u64) {
        if size >= ALERT_FROM && !self.alerted {
            self.alerted = true;
            let summary = format!(
                "the store's write-ahead log has grown to {} MiB and cannot be folded back: a reader has kept an old state open for long, or \
                 the disk takes no writes",
                size >> 20
            );
            tracing::error!("{summary}");
            let (call, _) =
                ClosureMutation::new(move |tx| Box::pin(async move { tx.raise_alert("log_grows", "store", &summary, None).await }));
            self.news = Some(Box::new(call));
        } else if size < FINE_BELOW && self.alerted {
            self.alerted = false;
            let (call, _) = ClosureMutation::new(move |tx| Box::pin(async move { tx.end_alert("log_grows", "store").await }));
            self.news = Some(Box::new(call));
        }
    }
}

/// Whether all of the log is in the database now.
async fn fold(conn: &mut SqliteConnection, how: &'static str) -> Result<bool, StoreError> {
    let doing = "folding the log";
    let row = sqlx::query(how).fetch_one(&mut *conn).await.map_err(StoreError::sql(doing))?;
    let (busy, pages, folded): (i64, i64, i64) = (row.read(0)?, row.read(1)?, row.read(2)?);
    Ok(busy == 0 && pages == folded)
}
