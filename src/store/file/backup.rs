//! A copy of the whole store beside its work: consistent as of one instant, looked through, and kept only then.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::open::options;
use super::privacy::{PRIVATE, beside};
use crate::store::{Store, TrailSnapshot};

/// So much of the copy goes to the disk at once. A commit of the daemon waits for what the same file system has still to write, and that would be
/// all of the copy.
const STEP: u64 = 4 << 20;
/// After how many steps of SQLite's machine it is looked how much there is.
const LOOK_AFTER: i32 = 2000;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there.
    #[error("{0} is there already, and a backup replaces nothing: name another file, or move this one away")]
    Exists(PathBuf),
    /// An earlier one was killed, or is at work.
    #[error("{0} is there: another backup is at work, or was cut off; where none is at work, remove it")]
    Partial(PathBuf),
    /// A file could not be made, written or named.
    #[error("{doing} {path}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database said no.
    #[error("{doing} {path}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// What was copied is not sound: the store itself is damaged.
    #[error(
        "the copy is damaged ({0}), and so is the store that it was made of: see docs/lifecycle.md, and keep the store for examination"
    )]
    Damaged(String),
}

/// A copy that has not got its name yet. Dropped without one, it is taken away.
pub struct StoreCopy {
    partial: PathBuf,
    pool: SqlitePool,
    schema: i64,
    is_kept: bool,
}

impl Store {
    /// Copies the store as it is now to a file beside `to` with `.partial` behind its name, readable by its owner alone, and looks at every page
    /// of it. The daemon goes on meanwhile: what it commits goes into its log, and is not in the copy.
    ///
    /// # Errors
    /// A [`BackupError`]; nothing is left behind then.
    pub async fn copy_for(&self, to: &Path) -> Result<StoreCopy, BackupError> {
        if to.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let partial = beside(to, ".partial");
        let made = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(&partial);
        // Made by us before SQLite writes into it: whatever the umask is, nobody else can read it.
        let file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(BackupError::Partial(partial)),
            Err(source) => {
                return Err(BackupError::File {
                    doing: "making",
                    path: partial,
                    source,
                });
            }
        };
        let copied = self.copied(&partial, file).await;
        if copied.is_err() {
            drop(std::fs::remove_file(&partial));
        }
        copied
    }

    async fn copied(&self, partial: &Path, file: File) -> Result<StoreCopy, BackupError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::Sql { doing, path, source }
        };
        let mut conn = options(self.path())
            .connect()
            .await
            .map_err(failed("opening the store", self.path()))?;
        let mut steps = Steps { file, written: 0 };
        conn.lock_handle()
            .await
            .map_err(failed("opening the store", self.path()))?
            .set_progress_handler(LOOK_AFTER, move || steps.go_on());
        // Bound as it is: a name that begins like a URI is one all the same.
        sqlx::query("VACUUM INTO ?")
            .bind(absolute(partial).to_string_lossy().into_owned())
            .execute(&mut conn)
            .await
            .map_err(failed("copying the store to", partial))?;
        drop(conn.close().await);
        sync(partial)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options(partial).read_only(true))
            .await
            .map_err(failed("opening the copy", partial))?;
        let looking = || failed("looking through the copy", partial);
        let said: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&pool)
            .await
            .map_err(looking())?;
        if said != "ok" {
            return Err(BackupError::Damaged(said));
        }
        let schema = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&pool)
            .await
            .map_err(looking())?;
        Ok(StoreCopy {
            partial: partial.to_owned(),
            pool,
            schema,
            is_kept: false,
        })
    }
}

/// What has gone to the disk of a copy that is being made.
struct Steps {
    file: File,
    written: u64,
}

impl Steps {
    /// Writes what there is to the disk, where it has become enough. False where the disk does not take it.
    fn go_on(&mut self) -> bool {
        let Ok(length) = self.file.metadata().map(|file| file.len()) else {
            return false;
        };
        if length < self.written + STEP {
            return true;
        }
        self.written = length;
        self.file.sync_data().is_ok()
    }
}

impl StoreCopy {
    /// The schema's number.
    #[must_use]
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// Its trail, for verification.
    ///
    /// # Errors
    /// Where the copy cannot be read.
    pub async fn trail_snapshot(&self) -> crate::store::Result<TrailSnapshot> {
        TrailSnapshot::of(&self.pool).await
    }

    /// Gives the copy its name, and answers how many bytes it has.
    ///
    /// # Errors
    /// Where another file has come to that name meanwhile.
    pub async fn keep(mut self, to: &Path) -> Result<u64, BackupError> {
        self.pool.close().await;
        let naming = |source: io::Error| BackupError::File {
            doing: "naming the copy",
            path: to.to_owned(),
            source,
        };
        match renameat_with(CWD, &self.partial, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => return Err(BackupError::Exists(to.to_owned())),
            // A file system that cannot refuse by itself.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !to.exists() => {
                std::fs::rename(&self.partial, to).map_err(naming)?;
            }
            Err(error) => return Err(naming(error.into())),
        }
        self.is_kept = true;
        if let Some(folder) = absolute(to).parent() {
            sync(folder)?;
        }
        Ok(std::fs::metadata(to).map_err(naming)?.len())
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        if !self.is_kept {
            drop(std::fs::remove_file(&self.partial));
        }
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn sync(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| BackupError::File {
        doing: "writing to the disk",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_to_the_disk_step_by_step() {
        let mut steps = Steps {
            file: tempfile::tempfile().unwrap(),
            written: 0,
        };
        let mut written = Vec::new();
        for length in [0, STEP - 1, STEP, STEP + 1, 3 * STEP] {
            steps.file.set_len(length).unwrap();
            assert!(steps.go_on());
            written.push(steps.written);
        }
        assert_eq!(written, [0, 0, STEP, STEP, 3 * STEP]);
    }
}
