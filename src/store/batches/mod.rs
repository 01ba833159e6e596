//! Batches: lists in the inbox that are decided about as one (`sources/inbox_set` writes them).
//!
//! `foresight` first (whether it would wait whole), [`progress`] (how far one is), then [`pause`], [`cancel`], [`list`] and [`report`] (what came of each person). A batch is found by the key of its
//! list, which people and paths have with a hyphen: `0123456789abcdef-1764000000000`.

pub(in crate::store) mod cancel;
mod foresight;
pub(in crate::store) mod list;
pub(in crate::store) mod pause;
pub(in crate::store) mod progress;
pub(in crate::store) mod report;

/// The key of a list as a command or a path names it; nothing where it is none.
#[must_use]
pub fn key_of_batch(id: &str) -> Option<String> {
    let (set, at) = id.split_once('-')?;
    let is_hash = set.len() == 16 && set.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_instant = !at.is_empty() && at.len() <= 16 && at.bytes().all(|byte| byte.is_ascii_digit());
    (is_hash && is_instant).then(|| format!("{set}:{at}"))
}

/// The id of the batch with that key.
#[must_use]
pub fn id_of_batch(key: &str) -> String {
    key.replace(':', "-")
}
