//! Looks at the whole file for damage, table by table and beside the work: reading a large one takes minutes, and the doors open at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::store::{Result, Store, StoreError};

/// A file up to this size is looked at before the doors open: that takes a tenth of a second.
const BEFORE_THE_DOORS: u64 = 16 << 20;
/// While the log is longer than this the look gives way: it keeps an old state open, and the log cannot be begun anew before it ends.
const LONGEST_LOG: u64 = 48 << 20;
/// After how many steps of SQLite's machine it is asked whether to go on: some milliseconds.
const STEPS: i32 = 200_000;

/// What a look at the file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// Nothing is wrong with it.
    Sound,
    /// It is damaged: what SQLite said first.
    Damaged(String),
    /// The log grew too long meanwhile; it gave way.
    GaveWay,
}

impl Store {
    /// Looks at every page of every table and index. Stops as soon as the answer is not wanted any more. A small file was looked at when it was
    /// opened.
    ///
    /// # Errors
    /// Where no connection can be had, or the file cannot be read for another reason than damage.
    pub async fn look_for_damage(&self) -> Result<Integrity> {
        if is_small(self.path()) {
            return Ok(Integrity::Sound);
        }
        let doing = || StoreError::sql("looking for damage");
        // Detached: the pool waits at its end for what it has lent.
        let mut conn = self.readers().acquire().await.map_err(doing())?.detach();
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (still, write_ahead) = (Arc::clone(&wanted.0), log_of(self.path()));
        let gave_way = Arc::new(AtomicBool::new(false));
        let gives_way = Arc::clone(&gave_way);
        conn.lock_handle()
            .await
            .map_err(doing())?
            .set_progress_handler(STEPS, move || {
                let grown = std::fs::metadata(&write_ahead).is_ok_and(|log| log.len() > LONGEST_LOG);
                gives_way.fetch_or(grown, Ordering::Relaxed);
                still.load(Ordering::Relaxed) && !grown
            });
        let found = look(&mut conn).await;
        drop(wanted);
        drop(conn.close().await);
        match found {
            Err(_) if gave_way.load(Ordering::Relaxed) => Ok(Integrity::GaveWay),
            Err(error) if is_damage(&error) => Ok(Integrity::Damaged(error.to_string())),
            Err(error) => Err(doing()(error)),
            Ok(None) => Ok(Integrity::Sound),
            Ok(Some(said)) => Ok(Integrity::Damaged(said)),
        }
    }
}

/// Ends SQLite's work with whoever waits for it.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The first thing that is wrong. Each table with its indexes is a statement of its own, so that the log can be begun anew in between.
async fn look(conn: &mut SqliteConnection) -> std::result::Result<Option<String>, sqlx::Error> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
            .fetch_all(&mut *conn)
            .await?;
    for table in tables {
        let said: Option<String> = sqlx::query_scalar("SELECT quick_check FROM pragma_quick_check($1) LIMIT 1")
            .bind(&table)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(said) = said.filter(|said| said != "ok") {
            return Ok(Some(format!("table {table}: {said}")));
        }
    }
    Ok(None)
}

/// Whether the file is small enough to be looked at before the doors open.
pub(super) fn is_small(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() <= BEFORE_THE_DOORS)
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, and what SQLite says more exactly.
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
    log.push("-wal");
    PathBuf::from(log)
}
