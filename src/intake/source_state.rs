//! A source's own stored state, in our store.

use async_trait::async_trait;

use crate::model::{Memo, Subject};
use crate::sources::SourceState;
use crate::store::Store;

/// The stored state of one source.
pub struct StoredState {
    store: Store,
    source: String,
}

impl StoredState {
    /// The stored state of the source of that name.
    #[must_use]
    pub fn new(store: &Store, source: &str) -> Self {
        Self {
            store: store.clone(),
            source: source.to_owned(),
        }
    }
}

#[async_trait]
impl SourceState for StoredState {
    async fn memo(&self, drawer: &str, key: &str) -> anyhow::Result<Option<Memo>> {
        Ok(self.store.memo(&self.source, drawer, key).await?)
    }

    async fn memos_by(&self, drawer: &str, look_up: &str) -> anyhow::Result<Vec<Memo>> {
        Ok(self.store.memos_by(&self.source, drawer, look_up).await?)
    }

    async fn memos_after(&self, drawer: &str, after: &str, limit: u32) -> anyhow::Result<Vec<Memo>> {
        Ok(self.store.memos_after(&self.source, drawer, after, limit).await?)
    }

    async fn known_by(&self, subject: &Subject) -> anyhow::Result<Vec<Subject>> {
        Ok(self.store.expanded(subject).await?.names().to_vec())
    }

    async fn memos_page(&self, drawer: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<Memo>)> {
        Ok(self.store.memos_page(&self.source, drawer, skip, limit).await?)
    }
}
