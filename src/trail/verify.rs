//! Reads a whole trail through the verifier, with the checkpoints beside it and those that left the machine.

use std::path::PathBuf;

use anyhow::Context as _;
use revoked_trail::key::origin_of;
use revoked_trail::{BLOCK, Place, Report, Verifier, VerifierKey};

use super::AnchorFile;
use crate::store::Store;

/// How many rows one read takes.
const PORTION: u32 = 4096;

/// Verifies every entry of the store's trail, offline. The newest trail's key among `keys` names the origin.
///
/// # Errors
/// Where the store or an anchor cannot be read, or there is no key. What is wrong with the trail is in the report.
pub async fn verify(store: &Store, keys: &[VerifierKey], anchors: &[PathBuf]) -> anyhow::Result<Report> {
    let origin = origin_of(keys).context("no verifier key; name one with --key")?;
    // The anchors first: what a running daemon signs after this is beyond the snapshot, and would look like a trail cut short.
    let mut outside = Vec::new();
    for path in anchors {
        let place = Place::anchor(&path.display().to_string());
        outside.extend(AnchorFile::new(path).notes()?.into_iter().map(|note| (place.clone(), note)));
    }
    let mut trail = store.trail_snapshot().await?;
    let mut verifier = Verifier::new(origin, keys);
    for (_, note) in trail.checkpoints().await? {
        verifier.checkpoint(&Place::Stored, &note);
    }
    for (place, note) in outside {
        verifier.checkpoint(&place, &note);
    }
    let mut blocks = trail.blocks().await?.into_iter().peekable();
    let head = trail.head().await?;
    let mut from = 0;
    loop {
        let rows = trail.rows(from, PORTION).await?;
        let Some(last) = rows.last() else { break };
        from = last.seq + 1;
        for row in rows {
            verifier.entry(row.seq, &row.body, Some(&row.leaf));
            while let Some((number, root)) = blocks.next_if(|(number, _)| number * BLOCK + BLOCK - 1 == row.seq) {
                verifier.block(number, &root);
            }
        }
    }
    Ok(verifier.finish(head.as_ref().map(|(size, frontier)| (*size, frontier.as_slice()))))
}
