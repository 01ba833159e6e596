//! Opens the database file: lock, checks, migrations, connections and the writer, in the order that lets each refusal come before anything is
//! written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::identity_watch::OpenedFiles;
use super::integrity::is_small;
use super::lock::{daemon_runs, lock, lock_database, refuse_hard_links};
use super::privacy::{check_owner, check_privacy, make_private};
use crate::clock::Clock;
use crate::store::writer::fold::{Fold, KEPT_BYTES};
use crate::store::writer::group_commit::{self, Committed, WriterSignals};
use crate::store::writer::lock_sharing::LockManners;
use crate::store::{OpenError, Store};

/// "rvkd": marks the file as ours.
const APPLICATION_ID: i64 = 0x7276_6b64;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The number of the newest schema that this program knows.
#[must_use]
pub fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Who opens the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The daemon: takes the lock for life, creates and migrates.
    Daemon,
    /// A command beside it: writes short transactions of its own, never migrates.
    Command,
}

impl Store {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// An [`OpenError`] for each reason not to, with nothing written.
    pub async fn open(path: &Path, role: Role, clock: Clock) -> Result<Self, OpenError> {
        let other = |what: String| OpenError::Other {
            path: path.to_owned(),
            what,
        };
        // A command goes by the name that a running daemon goes by, which harms nothing, and operators are not shut out.
        if role == Role::Daemon || !daemon_runs(path) {
            refuse_hard_links(path)?;
        }
        let locks = match role {
            Role::Daemon => {
                check_privacy(path)?;
                check_owner(path)?;
                let lock = lock(path)?;
                make_private(path).map_err(|error| other(format!("making the database private: {error}")))?;
                Some((lock, lock_database(path)?))
            }
            Role::Command if path.exists() => None,
            Role::Command => return Err(OpenError::Missing(path.to_owned())),
        };
        let options = options(path);
        let mut conn = options
            .clone()
            .connect()
            .await
            .map_err(|error| open_error(path, "connecting", &error))?;
        check_sqlite(&mut conn, path).await?;
        let found = schema(&mut conn, path).await?;
        let known = newest_schema();
        match (role, found) {
            (_, found) if found > known => {
                return Err(OpenError::Newer {
                    path: path.to_owned(),
                    found,
                    known,
                });
            }
            (Role::Command, found) if found < known => {
                return Err(OpenError::Older {
                    path: path.to_owned(),
                    found,
                    known,
                });
            }
            (Role::Daemon, found) if found < known => migrate(&mut conn, path, found, known).await?,
            _ => {}
        }
        use_wal(&mut conn, path).await?;
        // A large one is looked at beside the work (`integrity`): here it would keep the doors shut for minutes.
        if role == Role::Daemon && is_small(path) {
            quick_check(&mut conn, path).await?;
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .idle_timeout(Some(Duration::from_mins(1)))
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| other(error.to_string()))?;
        let files = match &locks {
            Some((lock, database)) => OpenedFiles::of(path, database, lock)
                .map_err(|error| other(format!("looking at the files that were opened: {error}")))?,
            None => OpenedFiles::unwatched(),
        };
        let (lock, database) = locks.unzip();
        let newest_signal: i64 = scalar(&mut conn, path, "SELECT coalesce(max(id), 0) FROM signal").await?;
        let (mutations, inbox) = mpsc::channel(4096);
        let (committed, watching) = watch::channel(Committed::default());
        let (lock_wait, waiting) = watch::channel(None);
        let told = WriterSignals {
            committed,
            lock: lock_wait,
        };
        let manners = match role {
            Role::Daemon => LockManners::DAEMON,
            Role::Command => LockManners::COMMAND,
        };
        sqlx::query(manners.poll)
            .execute(&mut conn)
            .await
            .map_err(|error| open_error(path, "setting the writer up", &error))?;
        // On a thread of its own: a commit crosses to SQLite's thread and back for each statement, and on the runtime's workers every one
        // of these steps would wait behind whatever else they are doing. `close` waits for it.
        let writer = CancellationToken::new();
        // Also where it panics.
        let ended = writer.clone().drop_guard();
        let (runtime, hands, log) = (tokio::runtime::Handle::current(), clock.clone(), Fold::new(path));
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                runtime.block_on(group_commit::run(conn, inbox, hands, told, (log, manners)));
                // Not before the writer's connection is closed: it would take that one's locks with it.
                drop(database);
                drop(ended);
            })
            .map_err(|error| other(format!("starting the writer: {error}")))?;
        Ok(Self::assemble(
            path.to_owned(),
            clock,
            mutations,
            (watching, waiting),
            (readers, writer),
            (lock, files),
            newest_signal,
        ))
    }
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(200)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        // An erased name must leave the file, not only the table.
        .pragma("secure_delete", "ON")
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", KEPT_BYTES.to_string())
        .disable_statement_logging()
}

/// The WAL-reset bug corrupts a file that two connections use; fixed in 3.51.3 and two backports, and 3.52.0 was withdrawn.
async fn check_sqlite(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let version: String = scalar(conn, path, "SELECT sqlite_version()").await?;
    let parts: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    let sound = parts >= vec![3, 51, 3] && parts != [3, 52, 0] || parts == [3, 50, 7] || parts == [3, 44, 6];
    if sound { Ok(()) } else { Err(OpenError::Sqlite(version)) }
}

/// The schema's number; 0 for a new file.
async fn schema(conn: &mut SqliteConnection, path: &Path) -> Result<i64, OpenError> {
    let id: i64 = scalar(conn, path, "PRAGMA application_id").await?;
    let tables: i64 = scalar(conn, path, "SELECT count(*) FROM sqlite_schema").await?;
    if id != APPLICATION_ID && tables > 0 {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    scalar(conn, path, "PRAGMA user_version").await
}

async fn migrate(conn: &mut SqliteConnection, path: &Path, found: i64, known: i64) -> Result<(), OpenError> {
    let other = |what: String| OpenError::Other {
        path: path.to_owned(),
        what,
    };
    if found > 0 {
        back_up(conn, path, found).await?;
    }
    // WAL before the tables: the first commit is then already durable in the mode that stays.
    use_wal(conn, path).await?;
    // A table that others refer to is made anew by some of them, which is only possible while references are not looked at.
    pragma(conn, path, "PRAGMA foreign_keys = OFF").await?;
    MIGRATIONS
        .run(&mut *conn)
        .await
        .map_err(|error| other(format!("migrating from schema {found} to {known}: {error}")))?;
    let dangling: i64 = scalar(conn, path, "SELECT count(*) FROM pragma_foreign_key_check").await?;
    if dangling > 0 {
        return Err(other(format!(
            "migrating from schema {found} to {known}: {dangling} rows refer to rows that are not there; restore the copy and report this"
        )));
    }
    pragma(conn, path, "PRAGMA foreign_keys = ON").await?;
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {known}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(marks))
        .execute(&mut *conn)
        .await
        .map_err(|error| other(error.to_string()))?;
    Ok(())
}

/// Keeps a copy of an older store before it is migrated, beside it and readable by nobody else.
async fn back_up(conn: &mut SqliteConnection, path: &Path, found: i64) -> Result<(), OpenError> {
    use std::os::unix::fs::PermissionsExt as _;
    let other = |what: String| OpenError::Other {
        path: path.to_owned(),
        what: format!("the backup before migrating: {what}"),
    };
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".schema-{found}"));
    let copy = PathBuf::from(copy);
    if copy.exists() {
        return Ok(());
    }
    sqlx::query("VACUUM INTO ?")
        .bind(copy.to_string_lossy().into_owned())
        .execute(conn)
        .await
        .map_err(|error| other(error.to_string()))?;
    let file = std::fs::File::open(&copy).map_err(|error| other(error.to_string()))?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
        .map_err(|error| other(error.to_string()))?;
    file.sync_all().map_err(|error| other(error.to_string()))
}

/// `journal_mode` answers another mode instead of failing where the file system cannot do WAL, so the answer is read.
async fn use_wal(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let mode: String = scalar(conn, path, "PRAGMA journal_mode = WAL").await?;
    let synchronous: i64 = scalar(conn, path, "PRAGMA synchronous").await?;
    if mode == "wal" && synchronous == 2 {
        return Ok(());
    }
    let what =
        format!("the file system gives journal mode {mode}, synchronous {synchronous} instead of wal and 2; use a local disk");
    Err(OpenError::Other {
        path: path.to_owned(),
        what,
    })
}

async fn quick_check(conn: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let said: String = scalar(conn, path, "PRAGMA quick_check(1)").await?;
    if said == "ok" {
        Ok(())
    } else {
        Err(OpenError::Damaged {
            path: path.to_owned(),
            what: said,
        })
    }
}

async fn pragma(conn: &mut SqliteConnection, path: &Path, sql: &'static str) -> Result<(), OpenError> {
    sqlx::query(sql)
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| open_error(path, sql, &error))
}

async fn scalar<T>(conn: &mut SqliteConnection, path: &Path, sql: &'static str) -> Result<T, OpenError>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    let value = sqlx::query_scalar(sql).fetch_one(conn).await;
    value.map_err(|error| open_error(path, sql, &error))
}

fn open_error(path: &Path, doing: &str, error: &sqlx::Error) -> OpenError {
    match error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
    {
        // SQLITE_CORRUPT and SQLITE_NOTADB.
        Some("11" | "26") => OpenError::Damaged {
            path: path.to_owned(),
            what: error.to_string(),
        },
        _ => OpenError::Other {
            path: path.to_owned(),
            what: format!("{doing}: {error}"),
        },
    }
}
