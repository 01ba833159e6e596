//! Whose store it is: the locks that a daemon has for life, and the refusal of a file that goes by two names.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::privacy::{lock_file, open_lock};
use crate::store::{OpenError, Store};

/// How long a daemon that starts waits for a command that looks at its lock.
const LOOK: Duration = Duration::from_millis(5);
/// How many such commands in a row it waits for.
const LOOKERS: u32 = 400;

/// Takes the lock file for the life of the daemon: `flock`, never a pid file.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let other = |error: std::io::Error| OpenError::Other {
        path: path.to_owned(),
        what: match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !folder.exists() => {
                format!(
                    "the folder {} does not exist; make it, owned by the account that runs revoked",
                    folder.display()
                )
            }
            _ => format!("its lock file: {error}"),
        },
    };
    let file = open_lock(path).map_err(other)?;
    hold(&file, path, "its lock file")?;
    Ok(file)
}

/// Locks the database itself too, so that neither another name of it nor a lock file that somebody took away lets a second daemon in.
///
/// A descriptor of the database that is closed takes the locks of SQLite in this process with it. So this one is opened before SQLite opens
/// the file, and whoever keeps it closes it after the last connection.
pub(super) fn lock_database(path: &Path) -> Result<File, OpenError> {
    let file = File::open(path).map_err(|error| OpenError::Other {
        path: path.to_owned(),
        what: format!("the database, to lock it: {error}"),
    })?;
    hold(&file, path, "the lock of the database")?;
    Ok(file)
}

fn hold(file: &File, path: &Path, what: &str) -> Result<(), OpenError> {
    for _ in 0..LOOKERS {
        match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            // Only a daemon keeps everybody out. Whoever lets us share the lock is a command that looks, and is gone in a moment.
            Err(rustix::io::Errno::WOULDBLOCK) if is_kept(file) => break,
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOOK),
            Err(error) => {
                return Err(OpenError::Other {
                    path: path.to_owned(),
                    what: format!("{what}: {}", std::io::Error::from(error)),
                });
            }
        }
    }
    Err(OpenError::Locked(path.to_owned()))
}

/// Whether a daemon keeps the lock of this file. It is looked at by sharing it for a moment.
fn is_kept(file: &File) -> bool {
    let shared = rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockShared);
    if shared.is_ok() {
        // A lock that cannot be let go now is let go with the descriptor.
        let _ = rustix::fs::flock(file, rustix::fs::FlockOperation::Unlock);
    }
    shared == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Refuses a database that has a second name. SQLite's log lies beside the name by which the file was opened: under two names it has two
/// logs, and what one of them holds overwrites the other's.
pub(super) fn refuse_hard_links(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.nlink() > 1 => Err(OpenError::HardLinked {
            path: path.to_owned(),
            names: meta.nlink(),
            inode: meta.ino(),
        }),
        _ => Ok(()),
    }
}

/// Whether a daemon has the store at `path` now, by its lock.
#[must_use]
pub fn daemon_runs(path: &Path) -> bool {
    let Ok(file) = std::fs::OpenOptions::new().write(true).open(lock_file(path)) else {
        return false;
    };
    is_kept(&file)
}

impl Store {
    /// Writes into the lock file which config the daemon was started with, by its digest.
    ///
    /// # Errors
    /// Where the file cannot be written: then nobody is told of an older one either.
    pub fn note_config(&self, digest: &str) -> std::io::Result<()> {
        std::fs::write(lock_file(self.path()), digest)
    }
}

/// Which config the daemon that has the store at `path` was started with, by its digest; nothing where none runs.
#[must_use]
pub fn running_config(path: &Path) -> Option<String> {
    let digest = std::fs::read_to_string(lock_file(path)).ok()?;
    (!digest.is_empty() && daemon_runs(path)).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_look_whether_a_daemon_runs_keep_none_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let held = lock(&path).unwrap();
        assert!(daemon_runs(&path));
        assert!(matches!(lock(&path), Err(OpenError::Locked(_))));
        drop(held);
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(std::sync::atomic::Ordering::Relaxed) {
                        let _ = daemon_runs(&path);
                    }
                });
            }
            for start in 0..200 {
                assert!(lock(&path).is_ok(), "start {start} was refused");
            }
            over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        assert!(!daemon_runs(&path));
    }
}
