//! How the trail stands on which a report rests: verified now, and what its newest checkpoint covers.

use std::path::PathBuf;

use revoked_trail::{Checkpoint, Summary};

use super::document::{Document, SignedHead, TrailState};
use crate::model::error_chain;
use crate::store::{Store, StoreError};
use crate::trail::{self, Cited, anchors_beside};

/// Verifies the whole trail against the files of checkpoints at `anchors`, telling how far it is. What keeps that from being done is said in the
/// report, which is one nevertheless.
pub async fn verified_now(store: &Store, anchors: &[PathBuf], tell: impl FnMut(u64, u64) + Send) -> TrailState {
    let checkpoint = newest_checkpoint(store).await.unwrap_or_default();
    let beside = anchors_beside(anchors, store.path());
    let mut state = match verify(store, anchors, tell).await {
        Ok(summary) => TrailState {
            verified: Some(summary.verified),
            entries: summary.entries,
            confirmed: summary.confirmed,
            findings: summary.findings,
            anchors_beside_the_store: beside.map(|path| path.display().to_string()).collect(),
            checkpoint: None,
        },
        Err(error) => TrailState {
            findings: vec![error_chain(error.as_ref()).to_string()],
            ..TrailState::default()
        },
    };
    state.checkpoint = checkpoint;
    state
}

/// How the trail stands without reading all of it: what the daemon's own looks have found stands in an alert.
///
/// # Errors
/// Where the store cannot be read.
pub async fn as_known(store: &Store, anchors: &[PathBuf]) -> Result<TrailState, StoreError> {
    let alerts = store.alerts(false).await?;
    let broken = alerts.iter().filter(|alert| alert.kind == "trail_broken");
    Ok(TrailState {
        verified: None,
        entries: store.trail_head().await?.size(),
        confirmed: 0,
        findings: broken.map(|alert| alert.summary.clone()).collect(),
        anchors_beside_the_store: anchors_beside(anchors, store.path())
            .map(|path| path.display().to_string())
            .collect(),
        checkpoint: newest_checkpoint(store).await.unwrap_or_default(),
    })
}

/// The entries that a document cites, with their proofs. What keeps these from being made is said in the report.
pub async fn cited(store: &Store, anchors: &[PathBuf], document: &Document) -> Cited {
    match trail::cite(store, anchors, &document.cited()).await {
        Ok(cited) => cited,
        Err(error) => Cited {
            findings: vec![error_chain(error.as_ref()).to_string()],
            ..Cited::default()
        },
    }
}

async fn verify(store: &Store, anchors: &[PathBuf], tell: impl FnMut(u64, u64) + Send) -> anyhow::Result<Summary> {
    let keys = trail::keys_beside(store.path())?;
    let report = trail::verify_telling(store, &keys, anchors, tell).await?;
    Ok(Summary::from(&report))
}

async fn newest_checkpoint(store: &Store) -> anyhow::Result<Option<SignedHead>> {
    let note = store.trail_snapshot().await?.newest_checkpoint().await?;
    let head = note.and_then(|note| {
        let (text, _) = note.split_once("\n\n")?;
        Checkpoint::parse(&format!("{text}\n")).ok()
    });
    Ok(head.map(|head| SignedHead {
        origin: head.origin,
        size: head.size,
        root: head.root.to_string(),
    }))
}
