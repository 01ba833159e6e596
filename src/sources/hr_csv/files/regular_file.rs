//! Opens only what is a regular file, and never through a link or into a pipe.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Tells one state of one file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct FileIdentity {
    device: u64,
    inode: u64,
    /// Its size in bytes.
    pub len: u64,
    /// When it was last written: seconds and nanoseconds.
    pub modified: (i64, i64),
}

impl FileIdentity {
    pub(in crate::sources::hr_csv) fn of(meta: &fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            len: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

impl FileIdentity {
    /// Whether both are of one file, in whatever state.
    pub(in crate::sources::hr_csv) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What stands at a path.
#[derive(Debug)]
pub(in crate::sources::hr_csv) enum Opened {
    /// A regular file, open for reading.
    File(File, FileIdentity),
    /// Something else: what it is and why it is not read.
    Refused(&'static str),
    /// Nothing.
    Missing,
}

/// Opens the file at `path` for reading, without following a link and without waiting for the writer of a pipe.
pub(in crate::sources::hr_csv) fn open(path: &Path) -> io::Result<Opened> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
        Err(error) => return Err(error),
    };
    if let Some(why) = irregular(&meta) {
        return Ok(Opened::Refused(why));
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path);
    let file = match file {
        Ok(file) => file,
        // It may have been replaced since it was looked at.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Ok(Opened::Refused(LINK));
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    Ok(match irregular(&meta) {
        Some(why) => Opened::Refused(why),
        None => Opened::File(file, FileIdentity::of(&meta)),
    })
}

const LINK: &str = "is a symbolic link, which could point anywhere: drop the file itself";

/// Why what `meta` describes is not read, unless it is a regular file.
pub(in crate::sources::hr_csv) fn irregular(meta: &fs::Metadata) -> Option<&'static str> {
    let kind = meta.file_type();
    if kind.is_file() {
        None
    } else if kind.is_symlink() {
        Some(LINK)
    } else if kind.is_dir() {
        Some("is a folder: drop a file")
    } else if kind.is_fifo() {
        Some("is a pipe: drop a regular file")
    } else {
        Some("is neither a file nor a folder: drop a regular file")
    }
}
