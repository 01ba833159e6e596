//! A source's own stored state, as the source sees it: what it has kept for itself, and which names belong to one person. It writes only by
//! what it hands in.

use async_trait::async_trait;

use crate::model::{Memo, Subject};

/// The stored state of one source.
#[async_trait]
pub trait SourceState: Send + Sync {
    /// What the source keeps under `key` in one of its drawers.
    ///
    /// # Errors
    /// Where the store cannot be read; here and below.
    async fn memo(&self, drawer: &str, key: &str) -> anyhow::Result<Option<Memo>>;

    /// What it keeps under that second name.
    async fn memos_by(&self, drawer: &str, look_up: &str) -> anyhow::Result<Vec<Memo>>;

    /// Up to `limit` memos whose keys come after `after` (empty for the first), by key.
    async fn memos_after(&self, drawer: &str, after: &str, limit: u32) -> anyhow::Result<Vec<Memo>>;

    /// Every name that is known of whom `subject` names, its own among them.
    async fn known_by(&self, subject: &Subject) -> anyhow::Result<Vec<Subject>> {
        Ok(subject.names().to_vec())
    }

    /// How many memos a drawer holds, and by key up to `limit` of those that come after the first `skip`.
    async fn memos_page(&self, drawer: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<Memo>)> {
        let (mut total, mut page, mut after) = (0, Vec::new(), String::new());
        loop {
            let memos = self.memos_after(drawer, &after, 500).await?;
            let Some(last) = memos.last() else { return Ok((total, page)) };
            after.clone_from(&last.key);
            for memo in memos {
                if total >= skip && total - skip < limit {
                    page.push(memo);
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
    async fn memo(&self, _: &str, _: &str) -> anyhow::Result<Option<Memo>> {
        Ok(None)
    }

    async fn memos_by(&self, _: &str, _: &str) -> anyhow::Result<Vec<Memo>> {
        Ok(Vec::new())
    }

    async fn memos_after(&self, _: &str, _: &str, _: u32) -> anyhow::Result<Vec<Memo>> {
        Ok(Vec::new())
    }
}
