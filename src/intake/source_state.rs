//! A source's own stored state, in our store.

use async_trait::async_trait;

use crate::model::{StateEntry, Subject};
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
    async fn state_entry(&self, namespace: &str, key: &str) -> anyhow::Result<Option<StateEntry>> {
        Ok(self.store.state_entry(&self.source, namespace, key).await?)
    }

    async fn state_entries_by(&self, namespace: &str, look_up: &str) -> anyhow::Result<Vec<StateEntry>> {
        Ok(self.store.state_entries_by(&self.source, namespace, look_up).await?)
    }

    async fn state_entries_after(&self, namespace: &str, after: &str, limit: u32) -> anyhow::Result<Vec<StateEntry>> {
        Ok(self.store.state_entries_after(&self.source, namespace, after, limit).await?)
    }

    async fn known_by(&self, subject: &Subject) -> anyhow::Result<Vec<Subject>> {
        Ok(self.store.with_known_names(subject).await?.names().to_vec())
    }

    async fn state_entries_page(&self, namespace: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<StateEntry>)> {
        Ok(self.store.state_entries_page(&self.source, namespace, skip, limit).await?)
    }
}
