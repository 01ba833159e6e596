//! File modes: the store's folder, database and keys are readable and writable by their owner alone.

use std::fs::{File, OpenOptions, Permissions, set_permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::file_modes;
use crate::store::OpenError;

/// What a file of the store must be like: it names people.
pub(super) const PRIVATE: u32 = 0o600;

/// SQLite's write-ahead log beside the database, by what its name ends in.
pub(super) const LOG: &str = "-wal";
/// The index of that log, which connections share.
pub(super) const INDEX: &str = "-shm";

/// Checks that nobody but its owner may write the store at `path`, its folder, and what lies beside it, and read the keys. What is not there
/// is no fault.
///
/// # Errors
/// [`OpenError::Loose`] with everything that is wrong, and the commands that mend it.
pub fn check_privacy(path: &Path) -> Result<(), OpenError> {
    let real = real_path(path);
    let file = |what, name| file_modes::check_at(what, &beside(&real, name));
    let secret = |what, name| file_modes::check_secret_at(what, &beside(&real, name));
    let checks = [
        file_modes::check_folder_of("its folder", &real),
        file("the database", ""),
        file("its log", LOG),
        file("its index", INDEX),
        file("its lock", ".lock"),
        file("the trail's verifier key", ".vkey"),
        file("the checkpoint file", ".checkpoints"),
        secret("the trail's key", ".trail-key"),
        secret("the transmitter's key", ".transmitter-key"),
        secret("the key of what is sealed", ".sealed-key"),
    ];
    let what: Vec<String> = checks
        .into_iter()
        .filter_map(|check| check.err().map(|loose| loose.to_string()))
        .collect();
    if what.is_empty() {
        return Ok(());
    }
    Err(OpenError::Loose {
        path: path.to_owned(),
        what,
    })
}

/// Checks that a database that may not be opened here does not merely belong to somebody else than its folder does.
///
/// # Errors
/// [`OpenError::Misplaced`] with the command that mends it.
pub fn check_owner(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::MetadataExt as _;
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let (Ok(file), Ok(of_folder)) = (std::fs::metadata(path), std::fs::metadata(folder)) else {
        return Ok(());
    };
    // A folder of root's is nobody's in particular.
    if file.uid() == of_folder.uid() || of_folder.uid() == 0 || rustix::fs::access(path, access).is_ok() {
        return Ok(());
    }
    Err(OpenError::Misplaced {
        path: path.to_owned(),
        folder: folder.to_owned(),
    })
}

/// Makes the database readable by its owner only, whatever the umask and whatever it was. SQLite gives its log the same mode as the database.
/// Only where nothing is there it is opened, and before SQLite does: a descriptor of ours that is closed later would take SQLite's locks
/// with it.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path) {
        Ok(file) => return file.set_permissions(Permissions::from_mode(PRIVATE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let real = real_path(path);
    for name in ["", LOG, INDEX] {
        let file = beside(&real, name);
        let Ok(meta) = std::fs::metadata(&file) else { continue };
        if meta.permissions().mode() & 0o777 != PRIVATE {
            set_permissions(&file, Permissions::from_mode(PRIVATE))?;
            tracing::warn!(file = %file.display(), "made a file of the store private: others could read it");
        }
    }
    Ok(())
}

/// Opens the lock file beside the store at `path`, for its owner only: whoever can open it can hold the lock, and keep the daemon out.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(PRIVATE)
        .open(lock_file(path))?;
    file.set_permissions(Permissions::from_mode(PRIVATE))?;
    Ok(file)
}

/// The lock stands beside the file that is meant, whatever name it was reached by: a symlink must not give a second daemon its own.
pub(super) fn lock_file(path: &Path) -> PathBuf {
    beside(&real_path(path), ".lock")
}

pub(super) fn real_path(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(what);
    PathBuf::from(name)
}
