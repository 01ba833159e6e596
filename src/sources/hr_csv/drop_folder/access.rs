//! Who may read what is dropped: the daemon's account must be in the group that HR's files belong to.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::sources::hr_csv::files::account_name::{group_name, owner_name};

/// Whether a file of that group's can be read by its group's right.
fn is_ours(gid: u32) -> bool {
    let groups = rustix::process::getgroups().unwrap_or_default();
    let own = rustix::process::getegid();
    rustix::process::geteuid().is_root() || groups.iter().chain([&own]).any(|group| group.as_raw() == gid)
}

/// What lets the account that this runs as read what the group may.
fn join(gid: u32) -> String {
    let me = owner_name(rustix::process::geteuid().as_raw());
    format!("usermod -aG {} {me}, and restart the daemon", group_name(gid))
}

/// Why files that are dropped into a folder may not be readable, where its group may write to it and we are not in that.
pub(in crate::sources::hr_csv) fn caution(folder: &Path) -> Option<String> {
    let meta = std::fs::metadata(folder).ok()?;
    let is_shared = meta.mode() & 0o020 != 0;
    (is_shared && !is_ours(meta.gid())).then(|| {
        format!(
            "the group {} may drop files into {}, and who runs this is not in it: files that only that group may read cannot be read here; {}",
            group_name(meta.gid()),
            folder.display(),
            join(meta.gid())
        )
    })
}

/// The error of opening a file, with what to do about it.
pub(in crate::sources::hr_csv) fn with_advice(error: io::Error, path: &Path) -> anyhow::Error {
    let Some(meta) = std::fs::symlink_metadata(path)
        .ok()
        .filter(|_| error.kind() == io::ErrorKind::PermissionDenied)
    else {
        return error.into();
    };
    anyhow::anyhow!("{error}: {}", advice(&meta))
}

fn advice(meta: &Metadata) -> String {
    let (owner, group) = (owner_name(meta.uid()), group_name(meta.gid()));
    if meta.mode() & 0o040 != 0 && !is_ours(meta.gid()) {
        return format!(
            "it is for {owner} and the group {group}, which who runs this is not in: {}",
            join(meta.gid())
        );
    }
    format!("it is for {owner} alone: {owner} must drop files that the group {group} may read (chmod g+r)")
}
