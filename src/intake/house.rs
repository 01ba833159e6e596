//! The house around a source, as the intake knows it.

use async_trait::async_trait;

use super::Intake;
use crate::model::Memo;
use crate::sources::House;

/// The house around one source.
pub(super) struct Around<'a> {
    pub(super) intake: &'a Intake,
    pub(super) source: &'a str,
}

#[async_trait]
impl House for Around<'_> {
    async fn memo(&self, drawer: &str, key: &str) -> anyhow::Result<Option<Memo>> {
        Ok(self.intake.store.memo(self.source, drawer, key).await?)
    }

    async fn memos_by(&self, drawer: &str, look_up: &str) -> anyhow::Result<Vec<Memo>> {
        Ok(self.intake.store.memos_by(self.source, drawer, look_up).await?)
    }

    async fn memos_after(&self, drawer: &str, after: &str, limit: u32) -> anyhow::Result<Vec<Memo>> {
        Ok(self.intake.store.memos_after(self.source, drawer, after, limit).await?)
    }

    async fn memos_page(&self, drawer: &str, skip: u64, limit: u64) -> anyhow::Result<(u64, Vec<Memo>)> {
        Ok(self.intake.store.memos_page(self.source, drawer, skip, limit).await?)
    }
}
