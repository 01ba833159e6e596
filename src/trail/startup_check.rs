//! What a daemon checks of the trail before it starts: quick, by the stored blocks; `trail verify` reads every entry.

use revoked_trail::{BLOCK, Checkpoint, Frontier, Hash, VerifierKey};

use crate::store::{OpenError, Store, TrailSnapshot};

use super::AnchorFile;

/// What the start of a daemon means for its trail, to be recorded as the first entry of the new life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartTransition {
    /// The trail goes on under its name and key, or is new.
    Continues,
    /// The config names another origin than the newest checkpoint, as after a restore of an older copy: quotes that checkpoint.
    NewOrigin(String),
    /// The newest checkpoint was signed with another key of the same origin.
    NewKey,
}

/// Checks that the stored head is what the stored blocks and the last leaves give, and that every checkpoint of `origin` that can be
/// reached (stored, or in `anchor`) is signed by one of `keys` and fits. Checkpoints of another origin speak of another trail.
///
/// # Errors
/// [`OpenError::Trail`] with what does not stand.
pub async fn check(
    store: &Store,
    signer: &VerifierKey,
    keys: &[VerifierKey],
    anchor: &AnchorFile,
) -> Result<StartTransition, OpenError> {
    let refused = |what: String| OpenError::Trail {
        path: store.path().to_owned(),
        what,
    };
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
    let outside = anchor.notes().map_err(|error| refused(format!("{error:#}")))?;
    let stored = stored.map(|note| ("the store".to_owned(), note));
    let outside = outside
        .into_iter()
        .next_back()
        .map(|note| (format!("the checkpoint file {}", anchor.path().display()), note));
    let mut transition = StartTransition::Continues;
    for (place, note) in stored.into_iter().chain(outside) {
        if note.lines().next() != Some(signer.name()) {
            transition = StartTransition::NewOrigin(note);
            continue;
        }
        let opened = Checkpoint::open(&note, keys)
            .map_err(|error| refused(format!("the newest checkpoint in {place} is refused: {error}")))?;
        let (size, root) = (opened.checkpoint.size, opened.checkpoint.root);
        if size > head.size() {
            return Err(refused(format!(
                "it has {} entries and {place} bears witness to {size}: the trail is shorter than its anchor",
                head.size()
            )));
        }
        let then = at(&mut trail, size).await.map_err(|error| refused(format!("{error:#}")))?;
        if then.root() != root {
            return Err(refused(format!(
                "its first {size} entries are not those that {place} bears witness to"
            )));
        }
        if transition == StartTransition::Continues && Checkpoint::open(&note, std::slice::from_ref(signer)).is_err() {
            transition = StartTransition::NewKey;
        }
    }
    Ok(transition)
}

/// The frontier at `size`, from the stored blocks and fewer than 256 leaves.
async fn at(trail: &mut TrailSnapshot, size: u64) -> anyhow::Result<Frontier> {
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
