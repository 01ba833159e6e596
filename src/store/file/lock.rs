//! Whose store it is: the locks that a daemon has for life, and the refusal of a file that goes by two names.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::privacy::{lock_file, open_lock};
use crate::store::OpenError;

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
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked(path.to_owned())),
        Err(error) => Err(OpenError::Other {
            path: path.to_owned(),
            what: format!("{what}: {}", std::io::Error::from(error)),
        }),
    }
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
    // A lock that is had is let go again with the descriptor at the end of this function.
    matches!(
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockShared),
        Err(rustix::io::Errno::WOULDBLOCK)
    )
}
