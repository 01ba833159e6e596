//! The writers of this process, so that none outlives the runtime that it waits on: its timers are the runtime's, and panic once that is being
//! shut down.
//!
//! [`Store::close`] waits for one. But a command may end by an error before it comes to that, and what it has spawned may keep a store for as
//! long as the runtime lives.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{Inner, Store};

/// How long the end of a process waits: a writer may be waiting for the lock, which another process has.
const PATIENCE: Duration = Duration::from_secs(10);

/// A store that was opened.
struct Opened {
    store: Weak<Inner>,
    /// Cancelled once its writer has ended.
    ended: CancellationToken,
}

impl Opened {
    fn of(store: &Arc<Inner>) -> Self {
        Self {
            store: Arc::downgrade(store),
            ended: store.writer.clone(),
        }
    }
}

/// Those whose writer may live.
static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

/// Notes a store that was opened.
pub(in crate::store) fn note(store: &Arc<Inner>) {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.retain(|one| !one.ended.is_cancelled());
    opened.push(Opened::of(store));
}

/// Closes every store that this process has opened and not closed: what was given to a writer is written, and then the writer ends. To be
/// called last, within the runtime that they were opened in.
pub async fn close_all() {
    let opened = std::mem::take(&mut *OPENED.lock().unwrap_or_else(PoisonError::into_inner));
    close(opened).await;
}

async fn close(opened: Vec<Opened>) {
    let closing = async {
        for Opened { store, ended } in opened {
            match store.upgrade() {
                Some(inner) => Store(inner).close().await,
                // Nobody has it any more, so that its writer ends by itself.
                None => ended.cancelled().await,
            }
        }
    };
    if tokio::time::timeout(PATIENCE, closing).await.is_err() {
        tracing::warn!("the store could not be closed in time; what was committed is safe");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::store::Role;

    /// As a command that ends by an error: it closes nothing, and something that it has spawned keeps the store.
    #[test]
    fn a_store_that_was_left_open_is_closed_before_its_runtime_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked.db");
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(async {
            let store = Store::open(&path, Role::Daemon, Clock::system()).await.unwrap();
            let kept = store.clone();
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(kept);
            });
            let (opened, ended) = (Opened::of(&store.0), store.0.writer.clone());
            drop(store);
            assert!(!ended.is_cancelled());
            // Of this test alone: others of this process have theirs.
            close(vec![opened]).await;
            ended
        });
        // Not by its panic while the runtime is shut down.
        assert!(ended.is_cancelled(), "its writer outlives the runtime");
        drop(runtime);
    }
}
