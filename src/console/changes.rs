//! Tells whoever looks at a page that something has changed: one look at the store for all of them, and no more than two words a second.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::error_chain;
use crate::store::Store;

/// The least time between two changes that are told.
const SPACING: Duration = Duration::from_millis(500);
/// How long after a failure it is looked again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Counts the changes that were seen.
#[derive(Clone)]
pub(super) struct Changes(watch::Sender<u64>);

impl Changes {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// What changes with each change.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    /// Looks until `stop`.
    pub(super) async fn run(self, store: Store, stop: CancellationToken) {
        let looking = async {
            loop {
                if let Err(error) = self.look(&store).await {
                    tracing::warn!(error = %error_chain(&error), "could not look for changes; open pages are not told of any meanwhile");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    async fn look(&self, store: &Store) -> crate::store::Result<()> {
        let mut commits = store.watch_commits().await?;
        loop {
            commits.changed().await?;
            self.0.send_modify(|seen| *seen = seen.wrapping_add(1));
            tokio::time::sleep(SPACING).await;
        }
    }
}
