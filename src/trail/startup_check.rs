//! What a daemon checks of the trail before it starts: quick, by the stored blocks; `trail verify` reads every entry.

use revoked_trail::{BLOCK, Checkpoint, Frontier, Hash, VerifierKey};

use crate::store::{OpenError, Store, TrailFilter, TrailSnapshot};

use super::AnchorFile;

/// Entries that may have been written before anything was signed: first starts that were cut off, and what a source keeps for itself where it
/// was connected before. None of them is about a person.
const UNSIGNED_STARTS: u64 = 32;

/// What the start of a daemon means for its trail, to be recorded as the first entry of the new life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartTransition {
    /// The trail goes on under its name and key, or is new.
    Continues,
    /// The config names another origin than the newest checkpoint, as after a restore of an older copy: quotes that checkpoint.
    NewOrigin(String),
}

/// Checks that the stored head is what the stored blocks and the last leaves give, and that the trail's own key vouches for it: `signer` has
/// signed the newest checkpoint in the store, or where that has none in `anchor`, and every newest checkpoint fits. One that only an earlier
/// key of `keys` has signed must fit too, and vouches for nothing: a key changes by [`super::rotate`] alone, which signs with the new one.
///
/// # Errors
/// [`OpenError::Trail`] with what does not stand.
pub async fn check(
    store: &Store,
    signer: &VerifierKey,
    keys: &[VerifierKey],
    anchor: &AnchorFile,
) -> Result<StartTransition, OpenError> {
    let mut found = reachable(store, keys, signer, anchor).await?;
    let refused = |what: String| refused(store, what);
    if found.size == 0 {
        return Ok(StartTransition::Continues);
    }
    let Some(vouched) = found.vouched else {
        if is_unsigned_start(&mut found.trail, found.size).await.map_err(refused)? {
            return Ok(found.transition);
        }
        return Err(refused(match found.by_another {
            Some(place) => format!(
                "the newest checkpoint in {place} is not signed by its key {signer}: put the key back, or, where revoked trail rotate-key was \
                 cut off or the key is lost, see docs/audit.md"
            ),
            None => format!(
                "no checkpoint by its key {signer} vouches for any of its {} entries: somebody has taken them away, and could have rewritten \
                 it all. revoked trail rotate-key --lost goes on from it, once that is explained",
                found.size
            ),
        }));
    };
    let changes = key_changes(store, vouched).await.map_err(refused)?;
    match changes.last() {
        Some(to) if *to != signer.to_string() => Err(refused(format!(
            "its key was to be replaced by {to}, and that was not finished: run revoked trail rotate-key again"
        ))),
        _ => Ok(found.transition),
    }
}

/// What a start would refuse the trail for, as far as it can be told without its key, by the verifier keys beside the store.
pub async fn refusal(store: &Store, origin: &str, anchor: &AnchorFile) -> Option<String> {
    let keys = super::keys::known_keys(store.path()).ok()?;
    let signer = keys.last()?.named(origin).ok()?;
    match check(store, &signer, &keys, anchor).await {
        Err(OpenError::Trail { what, .. }) => Some(what),
        _ => None,
    }
}

/// What the checkpoints that can be reached say of a trail whose head is sound.
pub(super) struct Reachable {
    trail: TrailSnapshot,
    pub(super) size: u64,
    /// The size for which the signer vouches.
    pub(super) vouched: Option<u64>,
    /// Where the newest checkpoint is by somebody else.
    by_another: Option<String>,
    transition: StartTransition,
}

/// Reads the head and the newest checkpoints, of which every one that is signed by one of `keys` or `signer` must fit.
pub(super) async fn reachable(
    store: &Store,
    keys: &[VerifierKey],
    signer: &VerifierKey,
    anchor: &AnchorFile,
) -> Result<Reachable, OpenError> {
    let refused = |what: String| refused(store, what);
    let head = store.trail_head().await.map_err(|error| refused(error.to_string()))?;
    let mut trail = store.trail_snapshot().await.map_err(|error| refused(error.to_string()))?;
    let rebuilt = at(&mut trail, head.size())
        .await
        .map_err(|error| refused(format!("{error:#}")))?;
    if rebuilt != head {
        return Err(refused(format!(
            "its head of {} entries is not what its blocks and leaves give",
            head.size()
        )));
    }
    let stored = trail.newest_checkpoint().await.map_err(|error| refused(error.to_string()))?;
    let outside = anchor.newest(|_| true).map_err(|error| refused(format!("{error:#}")))?;
    let outside = outside.map(|note| (format!("the checkpoint file {}", anchor.path().display()), note, false));
    let notes = stored
        .map(|note| ("the store".to_owned(), note, true))
        .into_iter()
        .chain(outside);
    let mut found = Reachable {
        trail,
        size: head.size(),
        vouched: None,
        by_another: None,
        transition: StartTransition::Continues,
    };
    for (place, note, is_stored) in notes {
        let origin = note.lines().next().unwrap_or_default();
        let is_ours = origin == signer.name();
        // An earlier trail of ours has the same key under its own name. What lies outside about another trail is of no concern here.
        let key = if is_ours { Ok(signer.clone()) } else { signer.named(origin) };
        if !is_ours && !is_stored {
            continue;
        }
        let by_signer = key.ok().and_then(|key| Checkpoint::open(&note, &[key]).ok());
        let vouches = by_signer.is_some();
        let opened = match by_signer {
            Some(opened) => opened,
            None => match Checkpoint::open(&note, keys) {
                Ok(opened) => opened,
                Err(error) if is_stored => {
                    found.by_another = Some(format!("{place} ({error})"));
                    continue;
                }
                Err(error) => return Err(refused(format!("the newest checkpoint in {place} is refused: {error}"))),
            },
        };
        let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
        if size > head.size() {
            return Err(refused(format!(
                "it has {} entries and {place} bears witness to {size}: the trail is shorter than its anchor, as after a restore: \
                 docs/lifecycle.md, Restore, says how to go on",
                head.size()
            )));
        }
        let then = at(&mut found.trail, size)
            .await
            .map_err(|error| refused(format!("{error:#}")))?;
        if then.root() != root {
            return Err(refused(format!(
                "its first {size} entries are not those that {place} bears witness to"
            )));
        }
        if vouches {
            found.vouched = found.vouched.max(Some(size));
            if !is_ours {
                found.transition = StartTransition::NewOrigin(note);
            }
        } else if is_stored {
            found.by_another = Some(place);
        }
    }
    // An anchor vouches where the store has nothing to say, not against it.
    if found.by_another.is_some() {
        found.vouched = None;
    }
    Ok(found)
}

/// The keys that entries from `from` on name as the trail's new one, oldest first.
pub(super) async fn key_changes(store: &Store, from: u64) -> Result<Vec<String>, String> {
    let filter = TrailFilter {
        kind: Some("trail.key_".to_owned()),
        from,
        limit: 100,
        ..TrailFilter::default()
    };
    let rows = store.trail_search(&filter).await.map_err(|error| error.to_string())?;
    let named = rows.iter().filter_map(|row| {
        let entry: serde_json::Value = serde_json::from_str(&row.body).ok()?;
        entry["detail"]["verifier"].as_str().map(str::to_owned)
    });
    Ok(named.collect())
}

/// Whether a trail without a checkpoint is what a first start leaves that was cut off before it had signed anything.
async fn is_unsigned_start(trail: &mut TrailSnapshot, size: u64) -> Result<bool, String> {
    if size > UNSIGNED_STARTS {
        return Ok(false);
    }
    let has_checkpoints = trail.newest_checkpoint().await.map_err(|error| error.to_string())?.is_some();
    let rows = trail.rows(0, u32::MAX).await.map_err(|error| error.to_string())?;
    let starts = rows.iter().all(|row| {
        let entry: Option<serde_json::Value> = serde_json::from_slice(&row.body).ok();
        entry.is_some_and(|entry| entry["kind"] == "daemon.started" || entry["kind"] == "source.noted")
    });
    Ok(starts && !has_checkpoints)
}

fn refused(store: &Store, what: String) -> OpenError {
    OpenError::Trail {
        path: store.path().to_owned(),
        what,
    }
}

/// The frontier at `size`, from the stored blocks and fewer than 256 leaves.
pub(super) async fn at(trail: &mut TrailSnapshot, size: u64) -> anyhow::Result<Frontier> {
    let mut frontier = Frontier::default();
    let whole = size / BLOCK;
    for (number, root) in trail.blocks().await?.into_iter().take_while(|(number, _)| *number < whole) {
        let root = Hash::from_slice(&root).ok_or_else(|| anyhow::anyhow!("block {number} of the trail is damaged"))?;
        anyhow::ensure!(
            frontier.size() == number * BLOCK,
            "block {} of the trail is missing",
            frontier.size() / BLOCK
        );
        frontier.append_block(root)?;
    }
    anyhow::ensure!(
        frontier.size() == whole * BLOCK,
        "block {} of the trail is missing",
        frontier.size() / BLOCK
    );
    let rest = u32::try_from(size - frontier.size())?;
    for row in trail.rows(frontier.size(), rest).await? {
        let leaf = Hash::from_slice(&row.leaf).ok_or_else(|| anyhow::anyhow!("the leaf of entry {} is damaged", row.seq))?;
        frontier.append(leaf);
    }
    anyhow::ensure!(
        frontier.size() == size,
        "the trail ends after {} entries and its head says {size}",
        frontier.size()
    );
    Ok(frontier)
}
