//! Reads a whole trail through the verifier, with the checkpoints beside it and those that left the machine.

use std::path::PathBuf;

use anyhow::Context as _;
use revoked_trail::key::origin_of;
use revoked_trail::{BLOCK, Place, Report, Verifier, VerifierKey};
use tokio::sync::mpsc;

use super::AnchorFile;
use crate::store::{Portion, Store, StoreError, TrailSnapshot};

/// How many rows one read takes.
const PORTION: u32 = 2048;
/// How many portions are read ahead while one is verified.
const AHEAD: usize = 2;

/// Verifies every entry of the store's trail, offline. The newest trail's key among `keys` names the origin.
///
/// # Errors
/// Where the store or an anchor cannot be read, or there is no key. What is wrong with the trail is in the report.
pub async fn verify(store: &Store, keys: &[VerifierKey], anchors: &[PathBuf]) -> anyhow::Result<Report> {
    verify_telling(store, keys, anchors, |_, _| ()).await
}

/// The same, telling after each portion how many entries are verified, and how many there are as the trail's head says.
///
/// # Errors
/// As [`verify`].
pub async fn verify_telling(
    store: &Store,
    keys: &[VerifierKey],
    anchors: &[PathBuf],
    tell: impl FnMut(u64, u64) + Send,
) -> anyhow::Result<Report> {
    // The anchors first: what a running daemon signs after this is beyond the snapshot, and would look like a trail cut short.
    let mut outside = Vec::new();
    for path in anchors {
        let place = Place::anchor(&path.display().to_string());
        outside.extend(AnchorFile::new(path).notes()?.into_iter().map(|note| (place.clone(), note)));
    }
    verify_snapshot(store.trail_snapshot().await?, keys, outside, tell).await
}

/// The same of a trail that was fixed before, with notes from outside and the place of each.
///
/// # Errors
/// As [`verify`].
pub async fn verify_snapshot(
    mut trail: TrailSnapshot,
    keys: &[VerifierKey],
    outside: Vec<(Place, String)>,
    mut tell: impl FnMut(u64, u64) + Send,
) -> anyhow::Result<Report> {
    let origin = origin_of(keys).context("no verifier key; name one with --key")?;
    let mut verifier = Verifier::new(origin, keys);
    for (_, note) in trail.checkpoints().await? {
        verifier.checkpoint(&Place::Stored, &note);
    }
    for (place, note) in outside {
        verifier.checkpoint(&place, &note);
    }
    let mut blocks = trail.blocks().await?.into_iter().peekable();
    let head = trail.head().await?;
    let total = head.as_ref().map_or(0, |(size, _)| *size);
    // One reads while the other verifies.
    let (sender, mut portions) = mpsc::channel(AHEAD);
    let reading = tokio::spawn(read(trail, sender));
    let mut done = 0;
    while let Some(portion) = portions.recv().await {
        for (seq, body, leaf) in portion.rows() {
            verifier.entry(seq, body, Some(leaf));
            done += 1;
            // A number that no block can have is nobody's last entry.
            let ends_here = |number: u64| number.checked_mul(BLOCK).and_then(|first| first.checked_add(BLOCK - 1)) == Some(seq);
            while let Some((number, root)) = blocks.next_if(|(number, _)| ends_here(*number)) {
                verifier.block(number, &root);
            }
        }
        tell(done, total);
    }
    reading.await.context("reading the trail")??;
    Ok(verifier.finish(head.as_ref().map(|(size, frontier)| (*size, frontier.as_slice()))))
}

/// Reads the whole trail, and lets go of the state that it was fixed at.
async fn read(mut trail: TrailSnapshot, portions: mpsc::Sender<Portion>) -> Result<(), StoreError> {
    let mut from = 0;
    loop {
        let portion = trail.portion(from, PORTION).await?;
        let Some(last) = portion.last() else { return Ok(()) };
        from = last + 1;
        if portions.send(portion).await.is_err() {
            return Ok(());
        }
    }
}
