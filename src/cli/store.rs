//! How a command reaches the store: beside a running daemon or without one.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::account::{again_as, behind, owner_of};
use super::handed::handed;
use super::no_socket;
use super::output::remark;
use crate::clock::Clock;
use crate::config;
use crate::model::{Actor, Subject};
use crate::passwd::login;
use crate::store::{OpenError, Role, Store, check_owner};

/// How long a command waits for the write lock before it says so: to somebody who watches, and in a script's log.
const PATIENCE_WATCHED: Duration = Duration::from_millis(500);
const PATIENCE_ALONE: Duration = Duration::from_secs(3);

/// What somebody must know who waits for the daemon while it does not run.
pub(super) const NOT_RUNNING: &str = "the daemon is not running: nothing is done until it is (systemctl start revoked)";

/// Which store a command looks at.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// The config file, which also names the database
    #[arg(long, short, global = true, value_name = "FILE", env = "REVOKED_CONFIG", default_value = config::DEFAULT_PATH)]
    pub config: PathBuf,
    /// The database itself, instead of the config's
    #[arg(long, global = true, value_name = "FILE")]
    pub store: Option<PathBuf>,
}

impl StoreArgs {
    /// Opens the store for a command.
    ///
    /// # Errors
    /// A config that names no path, or an [`OpenError`].
    pub async fn open(&self) -> anyhow::Result<Store> {
        Ok(open(&self.path()?).await?)
    }

    /// Opens the store for a command that can do without one: before the daemon's first start there is none.
    ///
    /// # Errors
    /// As [`StoreArgs::open`].
    pub async fn open_if_there(&self) -> anyhow::Result<Option<Store>> {
        Ok(open_if_there(&self.path()?).await?)
    }

    /// The database's path.
    ///
    /// # Errors
    /// Where the config cannot be read.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.store {
            Some(path) => Ok(path.clone()),
            None => config::store_path(&self.config),
        }
    }
}

/// Opens the store at `path` for a command, which says so where it must wait to write: the daemon, or another command, may be at it.
///
/// # Errors
/// An [`OpenError`].
pub(super) async fn open(path: &Path) -> Result<Store, OpenError> {
    permitted(path)?;
    let store = Store::open(path, Role::Command, Clock::system()).await?;
    let patience = if std::io::stderr().is_terminal() {
        PATIENCE_WATCHED
    } else {
        PATIENCE_ALONE
    };
    let waiting = store.clone();
    tokio::spawn(async move {
        if waiting.has_waited_for_lock(patience).await {
            remark("another process holds the store's write lock: waiting for it, a minute at most");
        }
    });
    Ok(store)
}

/// The same, or nothing where none is there. One that is kept from us is not the same as none.
///
/// # Errors
/// An [`OpenError`].
pub(super) async fn open_if_there(path: &Path) -> Result<Option<Store>, OpenError> {
    if is_there(path) {
        open(path).await.map(Some)
    } else {
        Ok(None)
    }
}

/// Whether there is a store at `path`, as far as it can be told: one that is kept from us is taken to be there.
pub(super) fn is_there(path: &Path) -> bool {
    !matches!(std::fs::metadata(path), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// Says who may open the store, where we may not: SQLite says no more than that it cannot. Looks without opening: a descriptor of the database
/// that is closed takes SQLite's locks with it.
///
/// # Errors
/// [`OpenError::NotOurs`] with what to type.
pub(super) fn permitted(path: &Path) -> Result<(), OpenError> {
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    match rustix::fs::access(path, access) {
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => {
            check_owner(path)?;
            let owner = owner_of(path).unwrap_or_else(|| "revoked".to_owned());
            let again = again_as(&owner);
            let again = no_socket::why().map_or_else(|| again.clone(), |why| format!("{again}; {why}"));
            Err(OpenError::NotOurs {
                path: path.to_owned(),
                again,
                owner,
            })
        }
        _ => Ok(()),
    }
}

/// Whether an error is the store's refusal, and which exit code that is.
#[must_use]
pub(super) fn refusal(error: &anyhow::Error) -> Option<super::Exit> {
    error.downcast_ref::<OpenError>().map(|error| match error {
        OpenError::Locked(_) => super::Exit::Locked,
        _ => super::Exit::Store,
    })
}

/// The operator who runs this command: the kernel's word for who that is, and the login name for people; with who became that account. Where the daemon
/// runs it for somebody, the kernel's word for who opened the socket.
#[must_use]
pub(super) fn operator() -> Actor {
    if let Some(handed) = handed() {
        return handed.operator.clone();
    }
    let uid = rustix::process::getuid();
    Actor::operator(
        login(uid.as_raw()).unwrap_or_else(|| "unknown".to_owned()),
        Some(uid.as_raw()),
    )
    .with_behind(behind(uid.as_raw()))
}

/// What stands for a subject in lists and in the trail, by every name of the person; nothing for one that was never seen.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn references_of(store: &Store, subject: Option<&Subject>) -> anyhow::Result<Option<Vec<String>>> {
    match subject {
        Some(subject) => Ok(Some(store.references_with_accounts(subject).await?)),
        None => Ok(None),
    }
}
