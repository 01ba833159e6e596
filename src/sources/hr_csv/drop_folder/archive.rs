//! Puts a file away once its delivery is stored. Every step may be repeated after a crash: a file that is still in the drop folder is
//! read again, its rows are all repetitions, and it is put away then.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::completeness::marker_path;
use super::quarantine;
use crate::digest::hex;
use crate::model::Delivery;
use crate::sources::hr_csv::files::account_name::{group_name, owner_name};
use crate::sources::hr_csv::files::file_name::{is_ours, shown, stem};
use crate::sources::hr_csv::files::regular_file::{self, FileIdentity, Opened};
use crate::sources::hr_csv::files::signature;
use crate::sources::hr_csv::rows::contents::{self, FileContents};
use crate::sources::hr_csv::settings::rules::{LARGEST_FILE, Rules};
use crate::sources::hr_csv::statements::signals::WHOLE_FILE;

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sources::hr_csv) struct StoredFile {
    /// Its name as shown.
    pub name: String,
    /// The SHA-256 of what was read; `None` where nothing was.
    pub digest: Option<[u8; 32]>,
    /// Why it was rejected whole.
    pub rejected: Option<String>,
    /// Whether some of its rows were refused.
    pub rows_refused: bool,
}

impl StoredFile {
    /// What became of the file behind a delivery.
    pub(in crate::sources::hr_csv) fn of(delivery: &Delivery) -> Option<Self> {
        let whole = delivery.refused.iter().find(|part| part.place == WHOLE_FILE);
        Some(Self {
            name: delivery.name.clone()?,
            digest: delivery.digest,
            rejected: whole.map(|part| part.why.clone()),
            rows_refused: !delivery.refused.is_empty(),
        })
    }
}

/// Where HR finds why a file, or rows of it, were put aside: the file that says so, or the folder where its name cannot be told before.
pub(in crate::sources::hr_csv) fn reason_place(rules: &Rules, name: &str, digest: Option<&[u8; 32]>) -> PathBuf {
    match digest {
        Some(digest) => rules.quarantine.join(format!("{}.{}.reason.txt", stem(name), short(digest))),
        None => rules.quarantine.clone(),
    }
}

/// What of a file's hash stands in the names of what is put aside of it.
fn short(digest: &[u8; 32]) -> String {
    hex(&digest[..4])
}

/// Moves the file to the archive or to the quarantine, and leaves there what HR is to correct. A file of the same name whose content is
/// another one stays: it has not been read.
pub(in crate::sources::hr_csv) fn put_away(rules: &Rules, done: &StoredFile) -> anyhow::Result<Vec<MovedFile>> {
    let listing = fs::read_dir(&rules.folder).with_context(|| format!("cannot list {}", rules.folder.display()))?;
    let mut moved = Vec::new();
    for entry in listing {
        let name = entry?.file_name();
        if is_ours(&name) && shown(&name) == done.name {
            moved.extend(
                one(rules, done, &name).with_context(|| format!("cannot put {} away, which is stored already", done.name))?,
            );
        }
    }
    Ok(moved)
}

fn one(rules: &Rules, done: &StoredFile, name: &OsStr) -> anyhow::Result<Option<MovedFile>> {
    let path = rules.folder.join(name);
    let stem = stem(&done.name);
    let (file, identity) = match regular_file::open(&path)? {
        Opened::Missing => return Ok(None),
        Opened::Refused(_) if done.digest.is_some() => return Ok(None),
        Opened::Refused(why) => return unread(rules, done, &path, why).map(|()| None),
        Opened::File(file, identity) => (file, identity),
    };
    let Some(digest) = done.digest else {
        if identity.len > LARGEST_FILE {
            unread(rules, done, &path, done.rejected.as_deref().unwrap_or_default())?;
        }
        return Ok(None);
    };
    let contents = if done.rejected.is_some() || done.rows_refused {
        contents::read(&file, rules)?
    } else {
        FileContents {
            sha256: contents::sha256(&file)?,
            ..FileContents::default()
        }
    };
    if contents.sha256 != digest {
        return Ok(None);
    }
    let (sha, short) = (hex(&digest), short(&digest));
    let mode = readable_like(&file.metadata()?);
    let to = if let Some(why) = &done.rejected {
        let reason = quarantine::reason(&done.name, why, Some(&contents));
        let folder = place(rules, &rules.quarantine)?;
        write(&reason_place(rules, &done.name, Some(&digest)), mode, reason.as_bytes())?;
        folder.join(format!("{stem}.{short}.csv"))
    } else {
        if !contents.bad.is_empty() {
            let folder = place(rules, &rules.quarantine)?;
            let rows = quarantine::rows(&contents, rules)?;
            write(&folder.join(format!("{stem}.{short}.csv")), mode, &rows)?;
            let report = quarantine::report(&done.name, &contents);
            write(&reason_place(rules, &done.name, Some(&digest)), mode, report.as_bytes())?;
        }
        place(rules, &rules.archive)?.join(format!("{stem}.{sha}.csv"))
    };
    // Marker and signature go first: left alone, they would belong to the next file of this name, which they do not fit.
    for beside in [marker_path, signature::beside] {
        if fs::symlink_metadata(beside(&path)).is_ok() {
            rename(&beside(&path), &beside(&to))?;
        }
    }
    rename(&path, &to)?;
    let moved = MovedFile {
        from: path,
        to,
        read: identity,
    };
    Ok((!moved.put_back_if_newer()?).then_some(moved))
}

/// A file that was put away.
#[derive(Debug)]
pub(in crate::sources::hr_csv) struct MovedFile {
    from: PathBuf,
    to: PathBuf,
    /// What it was when it was read.
    read: FileIdentity,
}

impl MovedFile {
    /// Whether it lies where another lay.
    pub(in crate::sources::hr_csv) fn replaces(&self, other: &Self) -> bool {
        self.to == other.to
    }

    /// An upload that had stalled may go on after its file was put away. Another file of the same content may have taken its place there,
    /// which is no news.
    pub(in crate::sources::hr_csv) fn put_back_if_written(&self) -> anyhow::Result<bool> {
        match fs::symlink_metadata(&self.to) {
            Ok(meta) if FileIdentity::of(&meta).is_same_file(&self.read) => self.put_back_if_newer(),
            _ => Ok(false),
        }
    }

    /// A file may be replaced between the last look and the move: then part of it has not been read, and it goes back to be read again.
    /// Answers whether it did.
    fn put_back_if_newer(&self) -> anyhow::Result<bool> {
        match fs::symlink_metadata(&self.to) {
            Ok(meta) if FileIdentity::of(&meta) != self.read => {}
            _ => return Ok(false),
        }
        let name = self.from.file_name().unwrap_or_default();
        for n in 0..100 {
            let mut free = OsString::new();
            if n > 0 {
                free.push(format!("rest-{n}."));
            }
            free.push(name);
            match renameat_with(CWD, &self.to, CWD, self.from.with_file_name(free), RenameFlags::NOREPLACE) {
                Ok(()) => {
                    tracing::warn!(
                        "a file was written to after it had been taken, and is read again: upload it under another name first"
                    );
                    return Ok(true);
                }
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => bail!(
                    "{} was written to after it had been read, and cannot be put back: {error}; drop it again",
                    self.to.display()
                ),
            }
        }
        bail!("{} was written to after it had been read: drop it again", self.to.display())
    }
}

/// Puts away what was never read: it has no hash, so it gets a number where its name is taken.
fn unread(rules: &Rules, done: &StoredFile, path: &Path, why: &str) -> anyhow::Result<()> {
    let folder = place(rules, &rules.quarantine)?;
    let stem = stem(&done.name);
    for n in 1..1000 {
        let to = folder.join(format!("{stem}.unread-{n}.csv"));
        match renameat_with(CWD, path, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => {
                let reason = quarantine::reason(&done.name, why, None);
                let to = folder.join(format!("{stem}.unread-{n}.reason.txt"));
                return write(&to, readable_like(&fs::metadata(&rules.folder)?), reason.as_bytes());
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => bail!("cannot move it to {}: {error}", to.display()),
        }
    }
    bail!("{} is full of files of this name: clear it", folder.display())
}

/// Makes sure that a folder is there, for those to whom the drop folder is open. A link in its place is refused: whoever may write to the
/// drop folder could send our files anywhere.
fn place<'a>(rules: &Rules, folder: &'a Path) -> anyhow::Result<&'a Path> {
    match fs::symlink_metadata(folder) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => bail!(
            "{} is not a folder: move it away, or name another in the config",
            folder.display()
        ),
        Err(_) => make(rules, folder)?,
    }
    Ok(folder)
}

/// Makes a folder that is open to those to whom the drop folder is. The unit as shipped lets nobody set a folder's group for what is made in it:
/// there it is made by hand.
fn make(rules: &Rules, folder: &Path) -> anyhow::Result<()> {
    let making = || format!("cannot make the folder {}", folder.display());
    fs::create_dir_all(folder).with_context(making)?;
    let drop = fs::metadata(&rules.folder).with_context(making)?;
    let mode = drop.permissions().mode() & 0o7777;
    // What was taken is evidence, and not for others to change; what was not is theirs to correct.
    let mode = if folder == rules.archive { mode & !0o022 } else { mode };
    let umasked = fs::metadata(folder).with_context(making)?.permissions().mode() & 0o7777;
    if umasked == mode {
        return Ok(());
    }
    if let Err(error) = fs::set_permissions(folder, fs::Permissions::from_mode(mode)) {
        // Left as it is, nobody but us could look into it, and nobody would be told.
        let _ = fs::remove_dir(folder);
        bail!(
            "{} cannot be opened to those who may enter {}: {error}; make it by hand: install -d -m {mode:o} -o {} -g {} {0}",
            folder.display(),
            rules.folder.display(),
            owner_name(drop.uid()),
            group_name(drop.gid())
        );
    }
    Ok(())
}

/// Writes a file whole or not at all. People in HR may write to the quarantine too: what already stands under the name is replaced, never
/// written through, or a link there would let them overwrite any file of ours.
fn write(to: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    let mut unfinished = OsString::from(to);
    unfinished.push(".tmp");
    let written = || -> io::Result<()> {
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, to)
    };
    written().with_context(|| format!("cannot write {}", to.display()))
}

/// The permissions of what is written for those who may read what `meta` describes.
fn readable_like(meta: &fs::Metadata) -> u32 {
    meta.permissions().mode() & 0o666
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| {
        format!(
            "cannot move it to {}, which must be writable and on the drop folder's own file system",
            to.display()
        )
    })
}
