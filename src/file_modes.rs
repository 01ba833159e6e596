//! File modes: refuses files and folders that others may write, and secrets that others may read. What others may write they may also replace,
//! and so speak for us, or for those whom we believe.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// The bits that let others write.
const WRITE: u32 = 0o022;
/// The bits that let others do anything but, for the group, enter or run.
const ANY: u32 = 0o037;

/// Why something is not relied on: others may write it, or read what is secret. Says which command mends it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Loose {
    /// What it is: `the config`.
    what: &'static str,
    path: PathBuf,
    mode: u32,
    remedy: Remedy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// `chmod go-w`.
    Write,
    /// `chmod 600`.
    Secret,
    /// A folder that is meant for everybody.
    Move,
}

impl fmt::Display for Loose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, path, mode) = (self.what, self.path.display(), self.mode & 0o7777);
        match self.remedy {
            Remedy::Write => write!(
                f,
                "{what} {path} may be written by others (mode {mode:04o}); run chmod go-w {path}"
            ),
            Remedy::Secret => write!(
                f,
                "{what} {path} may be read or written by others (mode {mode:04o}); run chmod 600 {path}"
            ),
            Remedy::Move => write!(
                f,
                "{what} {path} is everybody's (mode {mode:04o}); make one of its own, with mode 0700"
            ),
        }
    }
}

/// Why a file cannot be relied on, or not be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read {what} {path}")]
    Read {
        /// What it is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others may write it.
    #[error(transparent)]
    Loose(#[from] Loose),
}

/// Reads a file that is no secret, and that only its owner may write: the keys of those whom we believe. The mode is taken from the open
/// descriptor, so nobody can swap the file between the look and the read.
///
/// # Errors
/// Where it cannot be read, or others may write it.
pub fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read {
        what,
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    check(what, path, &file.metadata().map_err(failed)?)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// How to open a file that everybody may read and its owner write, whatever the umask leaves open.
#[must_use]
pub fn public() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o644);
    options
}

/// Checks that nobody else may write the file at `path`, of which this is the metadata. A group may, where the folder does not let it in:
/// that is what files get under the umask 002.
///
/// # Errors
/// Where others may.
pub fn check(what: &'static str, path: &Path, meta: &Metadata) -> Result<(), Loose> {
    let mode = meta.permissions().mode();
    let closed = || folder_of(path).is_some_and(|folder| folder.permissions().mode() & OTHERS == 0);
    let loose = mode & 0o002 != 0 || mode & 0o020 != 0 && !closed();
    or_loose(loose, what, path, mode, Remedy::Write)
}

/// Checks the file at `path`, where it is there, as [`check`] does.
///
/// # Errors
/// Where others may write it.
pub fn check_at(what: &'static str, path: &Path) -> Result<(), Loose> {
    match std::fs::metadata(path) {
        Ok(meta) => check(what, path, &meta),
        Err(_) => Ok(()),
    }
}

/// Checks that nobody else may read or write the secret at `path`, where it is there. A group may read it.
///
/// # Errors
/// Where others may.
pub fn check_secret_at(what: &'static str, path: &Path) -> Result<(), Loose> {
    match std::fs::metadata(path).map(|meta| meta.permissions().mode()) {
        Ok(mode) => or_loose(mode & ANY != 0, what, path, mode, Remedy::Secret),
        Err(_) => Ok(()),
    }
}

/// Checks that nobody else may make or replace files in the folder that `path` lies in, where that is there.
///
/// # Errors
/// Where others may.
pub fn check_folder_of(what: &'static str, path: &Path) -> Result<(), Loose> {
    let Some(mode) = folder_of(path).map(|meta| meta.permissions().mode()) else {
        return Ok(());
    };
    // Whoever takes the right to write away from /tmp breaks the machine.
    let remedy = if mode & 0o1000 == 0 { Remedy::Write } else { Remedy::Move };
    or_loose(mode & WRITE != 0, what, &parent(path), mode, remedy)
}

fn or_loose(loose: bool, what: &'static str, path: &Path, mode: u32, remedy: Remedy) -> Result<(), Loose> {
    if !loose {
        return Ok(());
    }
    Err(Loose {
        what,
        path: path.to_owned(),
        mode,
        remedy,
    })
}

fn folder_of(path: &Path) -> Option<Metadata> {
    std::fs::metadata(parent(path)).ok()
}

fn parent(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};

    fn made(folder: u32, file: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, "text").unwrap();
        set_permissions(&path, Permissions::from_mode(file)).unwrap();
        set_permissions(dir.path(), Permissions::from_mode(folder)).unwrap();
        (dir, path)
    }

    #[test]
    fn what_others_may_write_is_refused_with_the_command_that_mends_it() {
        for (folder, file) in [(0o755, 0o666), (0o700, 0o666), (0o700, 0o602), (0o750, 0o664), (0o755, 0o620)] {
            let (_dir, path) = made(folder, file);
            let error = read("the key", &path).unwrap_err().to_string();
            let remedy = format!("run chmod go-w {}", path.display());
            assert!(error.starts_with("the key ") && error.ends_with(&remedy), "{error}");
        }
        for (folder, file) in [(0o755, 0o644), (0o700, 0o664), (0o700, 0o600), (0o755, 0o444)] {
            let (_dir, path) = made(folder, file);
            assert_eq!(read("the key", &path).unwrap(), b"text", "{folder:o} {file:o}");
        }
    }

    #[test]
    fn a_folder_that_others_may_write_is_refused_and_one_that_is_everybodys_is_left_as_it_is() {
        for (mode, remedy) in [(0o777, "chmod go-w"), (0o770, "chmod go-w"), (0o1777, "one of its own")] {
            let (_dir, path) = made(mode, 0o600);
            let error = check_folder_of("the folder", &path).unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
        let (_dir, path) = made(0o755, 0o600);
        assert_eq!(check_folder_of("the folder", &path), Ok(()));
        assert_eq!(check_folder_of("the folder", &path.join("not/there")), Ok(()));
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        for (mode, sound) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false), (0o604, false)] {
            let (_dir, path) = made(0o700, mode);
            assert_eq!(check_secret_at("the key", &path).is_ok(), sound, "{mode:o}");
        }
    }
}
