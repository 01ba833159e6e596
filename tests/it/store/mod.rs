//! The store on real files.

mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use revoked::clock::Clock;
use revoked::model::Timestamp;
use revoked::store::{Role, Store};

/// A store in a folder of its own, with a clock that stands still.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) path: PathBuf,
    _folder: Arc<tempfile::TempDir>,
}

pub(crate) async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("revoked.db");
    let clock = Clock::fixed(Timestamp::from_ms(1_764_000_000_000));
    let store = Store::open(&path, Role::Daemon, clock.clone()).await.unwrap();
    Place {
        store,
        clock,
        path,
        _folder: Arc::new(folder),
    }
}
