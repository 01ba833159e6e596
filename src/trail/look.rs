//! Looks whether the trail of a running daemon still stands, portion by portion, so that no state of the database is kept open for long.
//!
//! [`look_at_newest`] reads the last entries alone, against the leaves, blocks and the head that the start has held against the signed
//! checkpoints. [`WholeLook`] reads all of them through the verifier, as `trail verify` does, but with the newest checkpoints only: one that
//! holds vouches for everything before it.

use anyhow::Context as _;
use revoked_trail::{BLOCK, Finding, Place, Verifier, VerifierKey, leaf_hash};

use super::AnchorFile;
use super::checkpoint_signer::size_of;
use super::startup_check::at;
use crate::store::{Store, TrailSnapshot};

/// How many entries one portion has.
const PORTION: u32 = 512;
/// How many of the newest entries a start looks at.
const NEWEST: u64 = 64 * BLOCK;

/// What a look, or one step of it, came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// There is more to read.
    More,
    /// It is as it was signed.
    Sound,
    /// It is not.
    Broken(Broken),
}

/// The first thing that is wrong with the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The bad entry, where one can be named.
    pub entry: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl From<&Finding> for Broken {
    fn from(finding: &Finding) -> Self {
        Self {
            entry: finding.entry(),
            what: finding.to_string(),
        }
    }
}

/// Looks at the newest entries, whose blocks and head the start has checked.
///
/// # Errors
/// Where the store cannot be read.
pub async fn look_at_newest(store: &Store) -> anyhow::Result<Looked> {
    let mut trail = store.trail_snapshot().await?;
    let Some((size, frontier)) = trail.head().await? else {
        return Ok(Looked::Sound);
    };
    let begin = size.saturating_sub(NEWEST) / BLOCK * BLOCK;
    Ok(match first_bad(&mut trail, begin, size, &frontier).await? {
        Some(broken) => Looked::Broken(broken),
        None => Looked::Sound,
    })
}

/// What is wrong with the entries from `begin`, the first of a block, up to the head.
async fn first_bad(trail: &mut TrailSnapshot, begin: u64, size: u64, head: &[u8]) -> anyhow::Result<Option<Broken>> {
    let mut tree = match at(trail, begin).await {
        Ok(tree) => tree,
        // What it says is about blocks, of which the entries can tell nothing.
        Err(error) => {
            return Ok(Some(Broken {
                entry: None,
                what: format!("{error:#}"),
            }));
        }
    };
    let mut blocks = trail.blocks_ending_in(begin..size).await?.into_iter();
    while tree.size() < size {
        let portion = trail.portion(tree.size(), PORTION).await?;
        let rest = size - tree.size();
        if portion.last().is_none() {
            break;
        }
        for (seq, body, leaf) in portion.rows().take(usize::try_from(rest).unwrap_or(usize::MAX)) {
            if seq != tree.size() {
                let (from, next) = (tree.size(), seq);
                return Ok(Some(Broken::from(&Finding::Gap { from, next })));
            }
            let hash = leaf_hash(body);
            if hash.0 != leaf {
                return Ok(Some(Broken::from(&Finding::Leaf(seq))));
            }
            if let Some(root) = tree.append(hash)
                && blocks.next().is_none_or(|(_, stored)| stored != root.0)
            {
                return Ok(Some(Broken::from(&Finding::Block(seq / BLOCK))));
            }
        }
        // Others have their turn.
        tokio::task::yield_now().await;
    }
    let entries = tree.size();
    let finding = if entries != size {
        Finding::HeadSize { stored: size, entries }
    } else if head != tree.to_bytes() {
        Finding::HeadFrontier(entries)
    } else {
        return Ok(None);
    };
    Ok(Some(Broken::from(&finding)))
}

/// A look at all of the trail, from its first entry on.
pub struct WholeLook {
    store: Store,
    origin: String,
    /// Taken by the last step.
    verifier: Option<Verifier>,
    next: u64,
}

impl WholeLook {
    /// Begins one at the trail of `key`, which is among the verifier keys beside the store or signs from now on, with the newest checkpoint
    /// that `anchor` holds.
    ///
    /// # Errors
    /// Where the keys or the anchor cannot be read.
    pub async fn begin(store: &Store, key: &VerifierKey, anchor: &AnchorFile) -> anyhow::Result<Self> {
        let origin = key.name().to_owned();
        let mut keys = super::known_keys(store.path())?;
        if !keys.contains(key) {
            keys.push(key.clone());
        }
        let mut verifier = Verifier::new(&origin, &keys);
        let (file, of) = (anchor.clone(), origin.clone());
        let outside = tokio::task::spawn_blocking(move || file.newest(|note| size_of(note, &of).is_some()))
            .await
            .context("reading the checkpoint file")??;
        if let Some(note) = outside {
            verifier.checkpoint(&Place::anchor(&anchor.path().display().to_string()), &note);
        }
        Ok(Self {
            store: store.clone(),
            origin,
            verifier: Some(verifier),
            next: 0,
        })
    }

    /// Reads the next portion. Where something is wrong with it the look is over.
    ///
    /// # Errors
    /// Where the store cannot be read; the next call tries again.
    pub async fn step(&mut self) -> anyhow::Result<Looked> {
        let Some(verifier) = &mut self.verifier else {
            return Ok(Looked::Sound);
        };
        let mut trail = self.store.trail_snapshot().await?;
        let portion = trail.portion(self.next, PORTION).await?;
        let newest = trail.newest_checkpoint().await?;
        let end = portion.last().map_or(self.next, |last| last.saturating_add(1));
        let mut blocks = trail.blocks_ending_in(self.next..end).await?.into_iter().peekable();
        let head = trail.head().await?;
        drop(trail);
        // What signs fewer entries than were read already has been handed over before, or was signed since then and replaced.
        let is_ahead = |note: &String| size_of(note, &self.origin).is_none_or(|size| size >= verifier.size());
        if let Some(note) = newest.filter(is_ahead) {
            verifier.checkpoint(&Place::Stored, &note);
        }
        let mut rows = 0;
        for (seq, body, leaf) in portion.rows() {
            rows += 1;
            verifier.entry(seq, body, Some(leaf));
            let ends_here = |number: u64| number.checked_mul(BLOCK).and_then(|first| first.checked_add(BLOCK - 1)) == Some(seq);
            while let Some((number, root)) = blocks.next_if(|(number, _)| ends_here(*number)) {
                verifier.block(number, &root);
            }
        }
        self.next = end;
        if let Some(broken) = first(verifier.findings()) {
            return Ok(self.broken(broken));
        }
        if rows >= PORTION {
            return Ok(Looked::More);
        }
        let report = self.verifier.take().map(|verifier| {
            let head = head.as_ref().map(|(size, frontier)| (*size, frontier.as_slice()));
            verifier.finish(head)
        });
        Ok(match report.and_then(|report| first(&report.findings)) {
            Some(broken) => Looked::Broken(broken),
            None => Looked::Sound,
        })
    }

    fn broken(&mut self, broken: Broken) -> Looked {
        self.verifier = None;
        Looked::Broken(broken)
    }
}

/// The finding about the first entry, or else the first finding.
fn first(findings: &[Finding]) -> Option<Broken> {
    let named = findings.iter().filter(|finding| finding.entry().is_some());
    let first = named.min_by_key(|finding| finding.entry());
    first.or_else(|| findings.first()).map(Broken::from)
}
