//! The scheduler of the queue: moves jobs whose time has come into it, and takes back those whose lease ran out. How lives in
//! `store/queue/promote` and `store/queue/lease`. The periodic run `due` of the daemon does both as well, should this one be stuck.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::error_chain;
use crate::store::Store;

/// The longest sleep: a wall clock that is set forward is noticed within this.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// How long to wait after the store failed.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// How often leases are looked at: they outlive their attempts by a minute, and the daemon's periodic run looks as well.
const LEASES_EVERY: Duration = Duration::from_mins(1);

/// Runs until `soft` is cancelled.
pub(super) async fn run(store: Store, soft: CancellationToken) {
    let wake = store.wake_scheduler();
    let mut leases_due = Instant::now() + LEASES_EVERY;
    loop {
        // Registered before the query: what is scheduled while it runs wakes us too.
        let woken = wake.notified();
        let mut woken = std::pin::pin!(woken);
        woken.as_mut().enable();
        if Instant::now() >= leases_due {
            leases_due = Instant::now() + LEASES_EVERY;
            match store.expire_leases(false).await {
                Ok(0) => {}
                Ok(count) => tracing::warn!(count, "took back jobs whose lease had ended"),
                Err(error) => tracing::warn!(error = %error_chain(&error), "could not look for leases that ended"),
            }
        }
        let sleep = match store.promote().await {
            Ok(Some(due)) => due.since(store.clock().now()).min(LONGEST_SLEEP),
            Ok(None) => LONGEST_SLEEP,
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "could not move due jobs into the queue");
                AFTER_ERROR
            }
        };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(sleep) => {}
            () = soft.cancelled() => return,
        }
    }
}
