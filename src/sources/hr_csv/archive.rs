//! Puts a file away once its delivery is stored. Every step may be repeated after a crash: a file that is still in the drop folder is
//! read again, its rows are all repetitions, and it is put away then.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::contents::{self, Contents};
use super::name::{is_ours, shown, stem};
use super::opening::{self, Identity, Opened};
use super::quarantine;
use super::row::hex;
use super::rules::{LARGEST_FILE, Rules};
use crate::model::Delivery;

/// Where a part of a delivery stands that means the whole file.
pub(super) const WHOLE_FILE: &str = "file";

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// Its name as shown.
    pub name: String,
    /// The SHA-256 of what was read; `None` where nothing was.
    pub digest: Option<[u8; 32]>,
    /// Why it was rejected whole.
    pub rejected: Option<String>,
    /// Whether some of its rows were refused.
    pub rows_refused: bool,
}

impl Done {
    /// What became of the file behind a delivery.
    pub(super) fn of(delivery: &Delivery) -> Option<Self> {
        let whole = delivery.refused.iter().find(|part| part.place == WHOLE_FILE);
        Some(Self {
            name: delivery.name.clone()?,
            digest: delivery.digest,
            rejected: whole.map(|part| part.why.clone()),
            rows_refused: !delivery.refused.is_empty(),
        })
    }
}

/// Moves the file to the archive or to the quarantine, and leaves there what HR is to correct. A file of the same name whose content is
/// another one stays: it has not been read.
pub(super) fn put_away(rules: &Rules, done: &Done) -> anyhow::Result<()> {
    let listing = fs::read_dir(&rules.folder).with_context(|| format!("cannot list {}", rules.folder.display()))?;
    for entry in listing {
        let name = entry?.file_name();
        if is_ours(&name) && shown(&name) == done.name {
            one(rules, done, &name).with_context(|| format!("cannot put {} away, which is stored already", done.name))?;
        }
    }
    Ok(())
}

fn one(rules: &Rules, done: &Done, name: &OsStr) -> anyhow::Result<()> {
    let path = rules.folder.join(name);
    let stem = stem(&done.name);
    let (file, identity) = match opening::open(&path)? {
        Opened::Missing => return Ok(()),
        Opened::Refused(_) if done.digest.is_some() => return Ok(()),
        Opened::Refused(why) => return unread(rules, done, &path, why),
        Opened::File(file, identity) => (file, identity),
    };
    let Some(digest) = done.digest else {
        return if identity.len > LARGEST_FILE {
            unread(rules, done, &path, done.rejected.as_deref().unwrap_or_default())
        } else {
            Ok(())
        };
    };
    let contents = if done.rejected.is_some() || done.rows_refused {
        contents::read(&file, rules)?
    } else {
        Contents {
            sha256: contents::sha256(&file)?,
            ..Contents::default()
        }
    };
    if contents.sha256 != digest {
        return Ok(());
    }
    let sha = hex(&digest);
    let short = &sha[..8];
    let to = if let Some(why) = &done.rejected {
        let reason = quarantine::reason(&done.name, why, Some(&contents));
        write(
            rules,
            &file,
            &rules.quarantine,
            &format!("{stem}.{short}.reason.txt"),
            reason.as_bytes(),
        )?;
        place(rules, &rules.quarantine)?.join(format!("{stem}.{short}.csv"))
    } else {
        if !contents.bad.is_empty() {
            let rows = quarantine::rows(&contents.header, &contents.bad)?;
            write(rules, &file, &rules.quarantine, &format!("{stem}.{short}.csv"), &rows)?;
        }
        place(rules, &rules.archive)?.join(format!("{stem}.{sha}.csv"))
    };
    // The marker goes first: left alone, it would belong to the next file of this name, which it does not fit.
    let marker = marker(&path);
    if fs::symlink_metadata(&marker).is_ok() {
        rename(&marker, &self::marker(&to))?;
    }
    rename(&path, &to)?;
    put_back_what_is_newer(&path, &to, identity)
}

/// The path of the marker beside a file.
pub(super) fn marker(path: &Path) -> PathBuf {
    let mut marker = OsString::from(path);
    marker.push(".done");
    PathBuf::from(marker)
}

/// A file may have been replaced or written to between the last look and the move: then it has not been read, and goes back.
fn put_back_what_is_newer(path: &Path, to: &Path, read: Identity) -> anyhow::Result<()> {
    if Identity::of(&fs::symlink_metadata(to)?) == read {
        return Ok(());
    }
    tracing::info!("a file changed while it was put away, and is read again");
    renameat_with(CWD, to, CWD, path, RenameFlags::NOREPLACE)
        .with_context(|| format!("{} changed after it was read; drop it again", to.display()))
}

/// Puts away what was never read: it has no hash, so it gets a number where its name is taken.
fn unread(rules: &Rules, done: &Done, path: &Path, why: &str) -> anyhow::Result<()> {
    let folder = place(rules, &rules.quarantine)?;
    let stem = stem(&done.name);
    for n in 1..1000 {
        let to = folder.join(format!("{stem}.unread-{n}.csv"));
        match renameat_with(CWD, path, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => {
                let reason = quarantine::reason(&done.name, why, None);
                let to = folder.join(format!("{stem}.unread-{n}.reason.txt"));
                return fs::write(&to, reason).with_context(|| format!("cannot write {}", to.display()));
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => bail!("cannot move it to {}: {error}", to.display()),
        }
    }
    bail!("{} is full of files of this name: clear it", folder.display())
}

/// Makes sure that a folder is there, open to the people to whom the drop folder is open.
fn place<'a>(rules: &Rules, folder: &'a Path) -> anyhow::Result<&'a Path> {
    if !folder.is_dir() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        fs::set_permissions(folder, fs::metadata(&rules.folder)?.permissions())?;
    }
    Ok(folder)
}

/// Writes a file whole or not at all, open to the people to whom `like` is open.
fn write(rules: &Rules, like: &File, folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = place(rules, folder)?;
    let unfinished = folder.join(format!(".{name}.tmp"));
    let to = folder.join(name);
    let written = || -> io::Result<()> {
        let mode = like.metadata()?.permissions().mode() & 0o666;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&unfinished)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, &to)
    };
    written().with_context(|| format!("cannot write {}", to.display()))
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| {
        format!(
            "cannot move it to {}, which must be writable and on the drop folder's own file system",
            to.display()
        )
    })
}
