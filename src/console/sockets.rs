//! One Unix socket for each role: who may open it, by the group that owns it, has the role. The kernel checks all groups of a caller, which its
//! credentials alone would not show.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use tokio::net::{UnixListener, UnixStream};

use crate::config::ConsoleSettings;
use crate::file_modes::check_folder_of;
use crate::model::Role;

/// Owner and group may connect.
const MODE: u32 = 0o660;

/// Listens at every role's socket, where they are configured. A socket that a daemon before us has left is replaced; one that somebody listens at
/// is not.
///
/// # Errors
/// A folder in which others may put a socket of their own; what the system says, with the socket.
pub(super) async fn listen(settings: &ConsoleSettings) -> anyhow::Result<Vec<(Role, UnixListener)>> {
    let mut listeners = Vec::with_capacity(Role::ALL.len());
    for role in Role::ALL {
        let Some(path) = settings.socket(role) else { continue };
        check_folder_of("the folder of the console's sockets", &path)?;
        let listening = || format!("listening for the console at {}", path.display());
        listeners.push((role, listen_at(&path).await.with_context(listening)?));
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
    // Until its mode is set nobody else may connect: under a umask that lets others read at most, a new socket is writable for its owner alone.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_somebody_listens_at_is_left_and_one_that_is_dead_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("viewer.sock");
        let first = listen_at(&path).await.unwrap();
        assert_eq!(listen_at(&path).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        UnixStream::connect(&path).await.unwrap();
        drop(first);
        let _second = listen_at(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }
}
