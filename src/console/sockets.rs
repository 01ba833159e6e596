//! One Unix socket for each role: who may open it, by the group that owns it, has the role. The kernel checks all groups of a caller, which its
//! credentials alone would not show.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::model::Role;

/// Owner and group may connect.
const MODE: u32 = 0o660;

/// The file of a role's socket.
#[must_use]
pub(super) fn path_of(folder: &Path, role: Role) -> PathBuf {
    folder.join(format!("{}.sock", role.word()))
}

/// Listens at every role's socket in `folder`. A socket that a daemon before us has left is replaced; one that somebody listens at is not.
///
/// # Errors
/// What the system says, with the socket.
pub(super) async fn listen(folder: &Path) -> io::Result<Vec<(Role, UnixListener)>> {
    let mut listeners = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        let path = path_of(folder, role);
        let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        listeners.push((role, listen_at(&path).await.map_err(at)?));
    }
    Ok(listeners)
}

async fn listen_at(path: &Path) -> io::Result<UnixListener> {
    match UnixStream::connect(path).await {
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AddrInUse, "another daemon listens there")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The group of the file that was there is kept by the folder's mode (setgid), or set by whoever installs; nobody connects before the mode is right, since
    // the folder is the daemon's.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
    Ok(listener)
}
