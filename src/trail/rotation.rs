//! Replaces the key that signs the trail: by a statement that the old key signs, or, where that is lost, on an operator's word and loudly.
//!
//! What is cut off is finished by doing it again: the new key lies on the disk before the trail names it, and takes the old one's place only
//! after it has signed the trail that names it.

use std::path::PathBuf;

use anyhow::Context as _;
use revoked_trail::{Checkpoint, EntryKind, Signer, VerifierKey, key_rotation};

use super::keys::{beside, known_keys, make_seed, publish, read_signer, signer};
use super::startup_check::{check, key_changes, reachable};
use super::{AnchorFile, CheckpointSigner};
use crate::model::Actor;
use crate::secret::SecretSource;
use crate::store::Store;

/// Whose trail it is, and where its key and its checkpoints are, as the config has it.
pub struct TrailPlace<'a> {
    /// The trail's name.
    pub origin: &'a str,
    /// Where the key comes from; `None` for the one beside the store.
    pub key: Option<&'a SecretSource>,
    /// The file of checkpoints.
    pub anchor: AnchorFile,
}

/// What a change of keys came to.
#[derive(Debug)]
pub struct Rotated {
    /// The key that signs from now on.
    pub key: VerifierKey,
    /// Up to which size it has signed.
    pub signed: u64,
    /// Whether the new key lies where the daemon reads it.
    pub in_place: bool,
}

/// Replaces the key of the trail in `store` by `to`, or by a new one where the key lies beside the store. With `lost` no word
/// of the old key is needed: an entry, an alert and every later verification say so. The daemon must not run.
///
/// # Errors
/// Where the trail does not stand, a key cannot be read, or something cannot be written. Done again it goes on where it was cut off.
pub async fn rotate(
    store: &Store,
    place: &TrailPlace<'_>,
    to: Option<&SecretSource>,
    lost: bool,
    by: Actor,
) -> anyhow::Result<Rotated> {
    let (new, waits) = new_signer(store, place, to, lost)?;
    let keys = known_keys(store.path())?;
    if !is_signed_by(store, &new).await? {
        if lost {
            let found = reachable(store, &keys, new.verifier(), &place.anchor).await?;
            declare_lost(store, &new, found.size, by).await?;
        } else {
            let old = signer(place.origin, place.key, store.path(), false)?;
            anyhow::ensure!(
                old.verifier() != new.verifier(),
                "the new key of the trail is the one that it has already"
            );
            name_successor(store, place, old, &new, &keys, by).await?;
        }
    }
    // Before the new key signs: whoever verifies must be able to know it.
    publish(new.verifier(), store.path())?;
    let key = new.verifier().clone();
    CheckpointSigner::new(store.clone(), new, place.anchor.clone(), false)
        .sign()
        .await
        .context("signing the trail with its new key")?;
    let in_place = waits.is_some() || to.is_none();
    if let Some(waits) = waits {
        let place = beside(store.path(), "trail-key");
        std::fs::rename(&waits, &place).with_context(|| format!("putting the new key into its place {}", place.display()))?;
        if let Some(folder) = place.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::File::open(folder)
                .and_then(|folder| folder.sync_all())
                .context("keeping the new key")?;
        }
    }
    Ok(Rotated {
        key,
        signed: store.trail_head().await?.size(),
        in_place,
    })
}

/// The signer that is to be, and the file in which its key waits where it has to be moved.
fn new_signer(
    store: &Store,
    place: &TrailPlace<'_>,
    to: Option<&SecretSource>,
    lost: bool,
) -> anyhow::Result<(Signer, Option<PathBuf>)> {
    let (source, waits) = match (to, place.key) {
        (Some(_), None) => anyhow::bail!("[trail] key is not set, so the key is made beside the store: leave --to away"),
        (Some(to), Some(_)) => (to.clone(), None),
        (None, Some(configured)) if lost => (configured.clone(), None),
        (None, Some(_)) => anyhow::bail!(
            "the key comes from [trail] key: make the new one (head -c 32 /dev/urandom, mode 0600) and name its file with --to"
        ),
        (None, None) => {
            let waits = beside(store.path(), "trail-key.new");
            if !waits.exists() {
                make_seed(&waits)?;
            }
            (SecretSource::File(waits.clone()), Some(waits))
        }
    };
    Ok((
        read_signer(place.origin, &source).context("reading the new key of the trail")?,
        waits,
    ))
}

/// Whether the newest checkpoint is by this key already: only the last steps were cut off.
async fn is_signed_by(store: &Store, signer: &Signer) -> anyhow::Result<bool> {
    let newest = store.trail_snapshot().await?.newest_checkpoint().await?;
    Ok(newest.is_some_and(|note| Checkpoint::open(&note, std::slice::from_ref(signer.verifier())).is_ok()))
}

/// Has the old key sign all that there is, and then name the new one.
async fn name_successor(
    store: &Store,
    place: &TrailPlace<'_>,
    old: Signer,
    new: &Signer,
    keys: &[VerifierKey],
    by: Actor,
) -> anyhow::Result<()> {
    let found = reachable(store, keys, old.verifier(), &place.anchor).await?;
    let changes = key_changes(store, found.vouched.unwrap_or(0))
        .await
        .map_err(anyhow::Error::msg)?;
    let named = new.verifier().to_string();
    if found.vouched.is_some() && changes.last() == Some(&named) {
        return Ok(());
    }
    check(store, old.verifier(), keys, &place.anchor).await?;
    let statement = key_rotation::sign(&old, new.verifier())?;
    let before = old.verifier().to_string();
    CheckpointSigner::new(store.clone(), old, place.anchor.clone(), false)
        .sign()
        .await
        .context("signing the trail with its old key for the last time")?;
    let detail = serde_json::json!({ "verifier": named, "before": before, "statement": statement });
    store.record_by(EntryKind::TrailKeyRotated, by, detail).await?;
    Ok(())
}

/// Lets the trail go on under a key that nobody has named, so that nobody overlooks it.
async fn declare_lost(store: &Store, new: &Signer, size: u64, by: Actor) -> anyhow::Result<()> {
    let named = new.verifier().to_string();
    let changes = key_changes(store, 0).await.map_err(anyhow::Error::msg)?;
    if changes.last() == Some(&named) {
        return Ok(());
    }
    let newest = store.trail_snapshot().await?.newest_checkpoint().await?;
    let summary = format!(
        "{by} let the trail go on under a new key without the old one's word: its first {size} entries rest on checkpoints outside alone; verify \
         them against those, then clear this alert"
    );
    let detail = serde_json::json!({ "verifier": named, "entries": size, "checkpoint_before": newest });
    store.record_by(EntryKind::TrailKeyLost, by, detail).await?;
    store.raise_alert("trail_key_lost", "trail".to_owned(), summary).await?;
    Ok(())
}
