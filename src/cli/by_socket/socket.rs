//! Which socket a caller may open, and in words why none.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;

use crate::cli::output::plain;
use crate::model::Role;
use crate::passwd::group;

/// The socket of the highest role that this account may open.
///
/// # Errors
/// Why it may open none, in words that follow others.
pub(super) async fn highest(folder: &Path) -> Result<PathBuf, String> {
    let (mut kept, mut is_silent) = (Vec::new(), false);
    for role in Role::ALL.into_iter().rev() {
        let path = folder.join(format!("{role}.sock"));
        match UnixStream::connect(&path).await {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => kept.push((role, path)),
            // Ours to open, and left behind by a daemon that has ended.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => is_silent = true,
            Err(_) => {}
        }
    }
    let folder = plain(&folder.display().to_string());
    if kept.is_empty() || is_silent {
        return Err(format!(
            "no daemon answers at the sockets in {folder}, which take commands of whoever is in the group of a role"
        ));
    }
    let whose: Vec<String> = kept.iter().rev().filter_map(|(role, path)| whose(*role, path)).collect();
    if whose.is_empty() {
        return Err(format!(
            "this account may not enter {folder}, where the sockets of the roles are (RuntimeDirectoryMode=0711, docs/console.md)"
        ));
    }
    Err(format!(
        "by the sockets in {folder} this account has no role: whoever is in the group has it ({})",
        whose.join(", ")
    ))
}

/// A role with the group that has it.
fn whose(role: Role, path: &Path) -> Option<String> {
    let gid = std::fs::metadata(path).ok()?.gid();
    let group = group(gid).unwrap_or_else(|| format!("#{gid}"));
    Some(format!("{role}: {}", plain(&group)))
}
