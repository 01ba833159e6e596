//! Looks whether the store's file is damaged, beside the work: the doors do not wait for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{Integrity, Store, StoreError};

/// When a look that gave way to the load is begun anew.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Looks once, whenever the load lets it, and alerts about what it finds.
pub(super) async fn look(store: Store, stop: CancellationToken) {
    loop {
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = look_once(&store) => outcome,
        };
        match outcome {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %crate::model::error_chain(&error), "could not look whether the store is damaged");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN_AFTER) => {}
        }
    }
}

/// Whether the whole file was looked at.
async fn look_once(store: &Store) -> Result<bool, StoreError> {
    match store.look_for_damage().await? {
        Integrity::Sound => store.end_alert("store_damaged", "store".to_owned()).await?,
        Integrity::Damaged(what) => {
            let summary = format!(
                "the store's file is damaged: {what}. What can be read goes on; stop the daemon, restore the newest backup and keep this file"
            );
            store.raise_alert("store_damaged", "store".to_owned(), summary).await?;
        }
        Integrity::GaveWay => return Ok(false),
    }
    Ok(true)
}
