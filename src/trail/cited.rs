//! The entries that a report cites, with what leads from each to a signed checkpoint: out of the blocks that hold them alone, however long the
//! trail is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use anyhow::Context as _;
use revoked_trail::key::KeyKind;
use revoked_trail::tree_proof::{check_inclusion, inclusions, leaves_needed};
use revoked_trail::{BLOCK, Checkpoint, CitedCheckpoint, CitedEntries, CitedEntry, Hash, VerifierKey, leaf_hash};

use super::{AnchorFile, known_keys};
use crate::model::error_chain;
use crate::store::{Store, TrailFilter, TrailSnapshot};

/// Entries with their proofs, and what was wrong when these were made.
#[derive(Debug, Clone, Default)]
pub struct Cited {
    /// What whoever has the key verifies.
    pub entries: CitedEntries,
    /// Why some of them do not verify: somebody has written into the database, or the key is not known here.
    pub findings: Vec<String>,
}

/// The entries of these numbers, each in the bytes that were hashed, with its proof to the newest checkpoint: where one that covers them all stands
/// in one of `anchors`, by that one. Each proof is checked as it is made.
///
/// # Errors
/// Where the store or the keys beside it cannot be read.
pub async fn cite(store: &Store, anchors: &[PathBuf], numbers: &BTreeSet<u64>) -> anyhow::Result<Cited> {
    let keys = known_keys(store.path())?;
    let changes = key_changes(store, &keys).await?;
    let mut trail = store.trail_snapshot().await?;
    let note = best_checkpoint(&mut trail, numbers.last().copied()).await?;
    let mut findings = Vec::new();
    let head = note.as_deref().and_then(|note| {
        let believed = Checkpoint::open(note, &keys);
        let read = believed
            .as_ref()
            .map_or_else(|_| unbelieved(note), |opened| Some(opened.checkpoint.clone()));
        if let Err(error) = believed {
            findings.push(format!("its newest checkpoint is refused: {}", error_chain(&error)));
        }
        read
    });
    let size = head.as_ref().map_or(0, |head| head.size);
    let all: BTreeSet<u64> = numbers
        .iter()
        .chain(changes.iter().filter(|number| **number < size))
        .copied()
        .collect();
    let (lines, leaves) = read(&mut trail, &all, size).await?;
    let blocks: HashMap<u64, Hash> = trail
        .blocks()
        .await?
        .into_iter()
        .filter_map(|(number, root)| Some((number, Hash::from_slice(&root)?)))
        .collect();
    drop(trail);
    let nodes = (|index| leaves.get(&index).copied(), |number| blocks.get(&number).copied());
    let signed: Vec<u64> = lines.keys().copied().filter(|number| *number < size).collect();
    let mut paths: BTreeMap<u64, Vec<Hash>> = match inclusions(&nodes, &signed, size) {
        Ok(paths) => signed.into_iter().zip(paths).collect(),
        Err(error) => {
            findings.push(format!("its entries cannot be proved: {error}"));
            BTreeMap::new()
        }
    };
    let mut entry = |number: &u64| {
        let line = lines.get(number)?;
        let path = paths.remove(number);
        if let (Some(path), Some(head)) = (&path, &head)
            && check_inclusion(leaf_hash(line.as_bytes()), *number, head.size, path, head.root).is_err()
        {
            findings.push(format!("entry {number} is not the one that was signed"));
        }
        Some(CitedEntry::new(*number, line.clone(), path))
    };
    let key_changes = changes
        .iter()
        .filter(|number| **number < size)
        .filter_map(&mut entry)
        .collect();
    let entries = numbers.iter().filter_map(entry).collect();
    let anchors = match &note {
        Some(note) => anchors
            .iter()
            .filter(|path| stands_in(path, note))
            .map(|path| path.display().to_string())
            .collect(),
        None => Vec::new(),
    };
    let checkpoint = head.zip(note).map(|(head, note)| CitedCheckpoint {
        origin: head.origin,
        size: head.size,
        root: head.root.to_string(),
        note,
        anchors,
    });
    Ok(Cited {
        entries: CitedEntries {
            checkpoint,
            key_changes,
            entries,
        },
        findings,
    })
}

/// The newest checkpoint that is outside, where it covers the entry; else the newest there is.
async fn best_checkpoint(trail: &mut TrailSnapshot, newest_entry: Option<u64>) -> anyhow::Result<Option<String>> {
    let outside = trail.newest_anchored().await?;
    let covers = |note: &String| unbelieved(note).is_some_and(|head| newest_entry.is_none_or(|entry| entry < head.size));
    match outside.filter(covers) {
        Some(note) => Ok(Some(note)),
        None => Ok(trail.newest_checkpoint().await?),
    }
}

/// What a note says, whoever signed it.
fn unbelieved(note: &str) -> Option<Checkpoint> {
    let (text, _) = note.split_once("\n\n")?;
    Checkpoint::parse(&format!("{text}\n")).ok()
}

/// Whether the file holds the note. One that cannot be read confirms nothing.
fn stands_in(path: &std::path::Path, note: &str) -> bool {
    let found = AnchorFile::new(path).newest(|kept| kept.trim_end() == note.trim_end());
    found.is_ok_and(|found| found.is_some())
}

/// The entries by which the trail's key was changed. A trail that has had one key alone is not searched.
async fn key_changes(store: &Store, keys: &[VerifierKey]) -> anyhow::Result<Vec<u64>> {
    if keys.iter().filter(|key| key.kind() == KeyKind::Log).count() < 2 {
        return Ok(Vec::new());
    }
    let filter = TrailFilter {
        kind: Some("trail.key_".to_owned()),
        limit: u32::MAX,
        ..TrailFilter::default()
    };
    let changes = store
        .trail_search(&filter)
        .await
        .context("looking for the keys of the trail")?;
    Ok(changes.iter().map(|row| row.seq).collect())
}

/// The lines of these entries, and the leaves of the blocks from which their ways to a head of that size are made.
async fn read(
    trail: &mut TrailSnapshot,
    numbers: &BTreeSet<u64>,
    size: u64,
) -> anyhow::Result<(BTreeMap<u64, String>, HashMap<u64, Hash>)> {
    let needed = numbers.iter().flat_map(|number| leaves_needed(*number, size.max(number + 1)));
    let blocks: BTreeSet<u64> = needed
        .filter(|range| !range.is_empty())
        .map(|range| range.start / BLOCK)
        .collect();
    let (mut lines, mut leaves) = (BTreeMap::new(), HashMap::new());
    for block in blocks {
        let whole = u32::try_from(BLOCK)?;
        for (seq, body, leaf) in trail.portion(block * BLOCK, whole).await?.rows() {
            leaves.extend(Hash::from_slice(leaf).map(|leaf| (seq, leaf)));
            if numbers.contains(&seq) {
                // What is no text cannot be carried, and is missing.
                lines.extend(std::str::from_utf8(body).ok().map(|line| (seq, line.to_owned())));
            }
        }
    }
    Ok((lines, leaves))
}
