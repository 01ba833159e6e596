//! A source's own stored state, as the source sees it: what it has kept for itself, and which names belong to one person. It writes only by
//! what it hands in.

use async_trait::async_trait;

use crate::model::{StateEntry, Subject};

/// The stored state of one source.
#[async_trait]
pub trait SourceState: Send + Sync {
    /// What the source keeps under `key` in one of its namespaces.
    ///
    /// # Errors
    /// Where the store cannot be read; here and below.
    async fn state_entry(&self, namespace: &str, key: &str) -> anyhow::Result<Option<StateEntry>>;

    /// What it keeps under that second name.
    async fn state_entries_by(&self, namespace: &str, look_up: &str) -> anyhow::Result<Vec<StateEntry>>;

    /// Up to `limit` entries whose keys come after `after` (empty for the first), by key.
    async fn state_entries_after(&self, namespace: &str, after: &str, limit: u32) -> anyhow::Result<Vec<StateEntry>>;

    /// Every name that is known of whom `subject` names, its own among them.
    async fn known_by(&self, subject: &Subject) -> anyhow::Result<Vec<Subject>> {
        Ok(subject.names().to_vec())
    }

    /// How many entries a namespace holds, and by key up to `limit` of those that come after the first `skip`.
    async fn state_entries_page(&self, namespace: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<StateEntry>)> {
        let (mut total, mut page, mut after) = (0, Vec::new(), String::new());
        loop {
            let entries = self.state_entries_after(namespace, &after, 500).await?;
            let Some(last) = entries.last() else {
                return Ok((total, page));
            };
            after.clone_from(&last.key);
            for entry in entries {
                if total >= skip && total - skip < limit {
                    page.push(entry);
                }
                total += 1;
            }
        }
    }
}

/// No stored state: nothing is remembered. For trying a source out.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoState;

#[async_trait]
impl SourceState for NoState {
    async fn state_entry(&self, _: &str, _: &str) -> anyhow::Result<Option<StateEntry>> {
        Ok(None)
    }

    async fn state_entries_by(&self, _: &str, _: &str) -> anyhow::Result<Vec<StateEntry>> {
        Ok(Vec::new())
    }

    async fn state_entries_after(&self, _: &str, _: &str, _: u32) -> anyhow::Result<Vec<StateEntry>> {
        Ok(Vec::new())
    }
}
