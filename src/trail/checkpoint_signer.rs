//! Signs the trail's head after commits that moved it, and carries the signed notes out of the database.

use std::time::Duration;

use revoked_trail::{Signer, checkpoint};
use tokio_util::sync::CancellationToken;

use super::AnchorFile;
use crate::store::Store;

/// At most one checkpoint in this time.
const PACE: Duration = Duration::from_secs(1);

/// What signs a store's trail, and where the notes go.
pub struct CheckpointSigner {
    store: Store,
    signer: Signer,
    anchor: AnchorFile,
    journal: bool,
    signed: u64,
}

impl CheckpointSigner {
    /// Signs the trail of `store` by `signer`; the notes are appended to `anchor` and, with `journal`, written to the log (the journal,
    /// under systemd).
    #[must_use]
    pub fn new(store: Store, signer: Signer, anchor: AnchorFile, journal: bool) -> Self {
        Self {
            store,
            signer,
            anchor,
            journal,
            signed: 0,
        }
    }

    /// Signs the head as it is committed now, if it moved since the last time. Never before the commit: a power cut could take it back,
    /// and the signature would bear witness to a trail that does not exist.
    ///
    /// # Errors
    /// Where the head cannot be read or the note cannot be kept. The trail itself is not touched by that.
    pub async fn sign(&mut self) -> anyhow::Result<()> {
        let head = self.store.trail_head().await?;
        if head.size() == self.signed || head.size() == 0 {
            return Ok(());
        }
        let note = checkpoint::sign(&head, &self.signer)?;
        let (anchor, copy) = (self.anchor.clone(), note.clone());
        tokio::task::spawn_blocking(move || anchor.append(&copy)).await??;
        if self.journal {
            tracing::info!(
                trail.size = head.size(),
                trail.root = %head.root().to_base64(),
                note = %note,
                "signed a checkpoint of the trail"
            );
        }
        self.store.keep_checkpoint(head.size(), note).await?;
        self.signed = head.size();
        Ok(())
    }
}

/// Signs at the start, after commits that moved the head and at most once a second, and at the stop.
pub async fn run(mut checkpoints: CheckpointSigner, stop: CancellationToken) {
    let mut committed = checkpoints.store.committed();
    let mut failing = false;
    loop {
        // Asked before the head is read: the last checkpoint must cover what was committed before the order to stop.
        let is_last = stop.is_cancelled();
        let outcome = checkpoints.sign().await;
        report(&checkpoints.store, &mut failing, outcome).await;
        if is_last {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => continue,
            () = tokio::time::sleep(PACE) => {}
        }
        let signed = checkpoints.signed;
        tokio::select! {
            () = stop.cancelled() => {}
            changed = committed.wait_for(|seen| seen.trail_size > signed) => if changed.is_err() { return },
        }
    }
}

/// A dead anchor does not stop work: containment is more urgent. It alerts once, until it works again.
async fn report(store: &Store, failing: &mut bool, outcome: anyhow::Result<()>) {
    let said = match outcome {
        Ok(()) if *failing => {
            *failing = false;
            store.end_alert("checkpoint_failed", "trail".to_owned()).await
        }
        Ok(()) => Ok(()),
        Err(error) if *failing => {
            tracing::debug!(error = format!("{error:#}"), "a checkpoint could still not be signed");
            Ok(())
        }
        Err(error) => {
            *failing = true;
            store
                .raise_alert(
                    "checkpoint_failed",
                    "trail".to_owned(),
                    format!("no checkpoint of the trail can be signed: {error:#}"),
                )
                .await
        }
    };
    if let Err(error) = said {
        tracing::error!(error = %crate::model::error_chain(&error), "could not record an alert");
    }
}
