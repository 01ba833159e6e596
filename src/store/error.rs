//! Errors of the store, told apart where a caller decides differently: disk full, locked, lease lost, not found, refused.

use std::path::PathBuf;

use crate::model::{IllegalTransition, JobId};

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full. The transaction was rolled back: nothing of it is stored.
    #[error("the disk under the store is full; nothing was stored, and what was there is intact")]
    Full,
    /// The writer has stopped, or a commit's outcome is unknown: nobody may be told yes or no.
    #[error("the store has stopped; what was asked may or may not be stored")]
    Stopped,
    /// Another process holds the write lock for too long.
    #[error(
        "another process has held the store's write lock for too long, and nothing was stored; ask again, and find out who has the database \
         open if it stays so (fuser shows it)"
    )]
    Busy,
    /// What SQLite read of the store's files made no sense, or could not be read at all. Nothing was begun.
    #[error("the store could not be read, and nothing was stored; the log has what SQLite said of it")]
    Unread,
    /// A file of the store was removed or replaced while it was open: what is committed would be gone with the process.
    #[error("{0}: nothing more is stored, and what came last may be lost")]
    Displaced(String),
    /// A settlement came after its lease had ended.
    #[error("the lease on job {0} was lost before it was settled")]
    LeaseLost(JobId),
    /// The case of a job at work was called off: nothing more may be sent for it.
    #[error("the case of job {0} was called off")]
    CalledOff(JobId),
    /// A step that the job's state does not allow.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// No row of that number.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `case`, `job`, `hold`, `alert`.
        what: &'static str,
        /// The number asked for.
        id: i64,
    },
    /// A decision that does not fit what it is about: an approval of another set, a hold decided already.
    #[error("{0}")]
    Refused(String),
    /// A row that cannot be what was written.
    #[error("the store's {table} row {id} cannot be read: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: i64,
        /// What is wrong.
        why: String,
    },
    /// A value that is to be stored has no written form.
    #[error("{what} cannot be written down, so nothing was stored")]
    Unwritten {
        /// What it is.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// A value that is not what its column says.
    #[error("the column {column} cannot be read: {why}")]
    Unreadable {
        /// The column.
        column: String,
        /// What is wrong with it, without what stands there.
        why: String,
    },
    /// The database said no.
    #[error("the store failed while {doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: sqlx::Error,
    },
}

impl StoreError {
    /// Sorts what SQLite said while `doing`.
    pub(super) fn sql(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| match SqliteFailure::of(&source) {
            SqliteFailure::Full => Self::Full,
            SqliteFailure::Busy => Self::Busy,
            SqliteFailure::Statement | SqliteFailure::Other => Self::Sql { doing, source },
        }
    }

    /// That SQLite has refused to change a row since a value in it is not of its column's type: the table, and what it said.
    pub(super) fn mistyped_row(&self) -> Option<(String, String)> {
        let Self::Sql { source, .. } = self else { return None };
        let error = source.as_database_error()?;
        // SQLITE_CONSTRAINT_DATATYPE and SQLITE_CONSTRAINT_NOTNULL, whose messages end with the column.
        if !matches!(error.code()?.as_ref(), "3091" | "1299") {
            return None;
        }
        let (table, _) = error.message().rsplit(' ').next()?.split_once('.')?;
        let plain = table.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        plain.then(|| (table.to_owned(), error.message().to_owned()))
    }

    /// Why one row cannot be read, without what stands in it, which may be somebody's name. `None` where it is no row that is at fault:
    /// whatever is done about the others would fail as well.
    #[must_use]
    pub fn of_a_row(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some(self.to_string()),
            Self::Corrupt { why, .. } => {
                let what = why.split([':', '"']).next().unwrap_or_default().trim();
                // One word is the name of a part; more say by themselves what is wrong.
                Some(if what.contains(' ') {
                    what.to_owned()
                } else {
                    format!("its {what} cannot be read")
                })
            }
            Self::Sql {
                source: sqlx::Error::ColumnDecode { source, .. },
                ..
            } => Some(format!("a column cannot be read: {source}")),
            _ => {
                let (table, _) = self.mistyped_row()?;
                Some(format!(
                    "a value in a row of {table} is not of its column's type, so that it cannot be changed"
                ))
            }
        }
    }
}

/// What SQLite's code says of a failure, where we act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SqliteFailure {
    /// No space is left.
    Full,
    /// Another process holds the lock.
    Busy,
    /// A statement failed on its own: what it asks for cannot be, or what it reads is damaged.
    Statement,
    /// Everything else: the disk, the memory, the connection. Where it happens while a commit runs, nobody knows what became of it.
    Other,
}

impl SqliteFailure {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        match (primary, error) {
            (Some(13), _) => Self::Full,
            (Some(5), _) => Self::Busy,
            // ERROR, ABORT, CORRUPT, TOOBIG, CONSTRAINT, MISMATCH, RANGE, NOTADB.
            // Last: nothing was sent, or what came back could not be read.
            (Some(1 | 4 | 11 | 18 | 19 | 20 | 25 | 26), _)
            | (
                None,
                sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Protocol(_),
            ) => Self::Statement,
            _ => Self::Other,
        }
    }
}

/// Why a store is not opened. Each has its own sentence and exit code, and nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has it. Exit code 4.
    #[error("another revoked already runs on {0}; stop it first (the lock is {0}.lock)")]
    Locked(PathBuf),
    /// The SQLite that was linked has a known corruption bug. Exit code 3.
    #[error("SQLite {0} has the WAL-reset bug and must not be used; build with the bundled SQLite 3.51.3 or newer")]
    Sqlite(String),
    /// A file of something else. Exit code 3.
    #[error("{0} is a database of another program; name another path under [store]")]
    Foreign(PathBuf),
    /// A newer revoked wrote it. Exit code 3.
    #[error(
        "{path} was written by a newer revoked (schema {found}, this one knows {known}); install the newer version, nothing was changed"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An older schema, found by a command that does not migrate. Exit code 3.
    #[error("{path} has schema {found} and this revoked needs {known}; start the daemon once, which migrates it after a backup")]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Nothing there, for a command that only reads. Exit code 3.
    #[error("there is no store at {0}; start the daemon once, or name the right path under [store]")]
    Missing(PathBuf),
    /// Somebody else's, for a command that may neither read nor write it. Exit code 3.
    #[error("{path} is {owner}'s, and may be opened by nobody else: type {again}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: String,
        /// The command line to type instead.
        again: String,
    },
    /// Somebody else has put it into a folder that is not theirs, as root does who restores a backup. Exit code 3.
    #[error(
        "{path} belongs to another account than its folder, and may not be opened by the one whose it is to be: \
         chown --reference={folder} {path}*"
    )]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// Others may write it, or what lies beside it. Exit code 3.
    #[error("the store {path} is not ours alone: {}", .what.join("; "))]
    Loose {
        /// The file.
        path: PathBuf,
        /// Each with the command that mends it.
        what: Vec<String>,
    },
    /// It goes by more than one name. Exit code 3.
    #[error(
        "{path} has {names} names (hard links), and a revoked under another one would write it unseen; find them with \
         find MOUNT -xdev -inum {inode}, remove all but one, or replace this one by a copy (cp), and start again"
    )]
    HardLinked {
        /// The file.
        path: PathBuf,
        /// How many.
        names: u64,
        /// By what they are found.
        inode: u64,
    },
    /// SQLite finds it damaged. Exit code 3.
    #[error("{path} is damaged: {what}; restore the newest backup and keep this file for examination")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What `quick_check` said first.
        what: String,
    },
    /// The trail does not fit what is known of it. Exit code 3.
    #[error("the trail in {path} does not stand: {what}; run revoked trail verify, and do not start until it is explained")]
    Trail {
        /// The file.
        path: PathBuf,
        /// The first finding.
        what: String,
    },
    /// Everything else: permissions, a folder that is missing, a file system that cannot do WAL. Exit code 3.
    #[error("opening the store {path}: {what}")]
    Other {
        /// The file.
        path: PathBuf,
        /// What failed.
        what: String,
    },
}
