//! What sources keep for themselves: written with their deliveries, read when the next one comes.

use revoked_trail::{Entry, EntryKind};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::{Actor, Delivery, Memo, MemoStep};
use crate::store::{Result, Store, StoreError, Tx};

/// The most memos that one trail entry names; beyond it the count stands alone.
const NAMED: usize = 20;

impl Store {
    /// What `source` keeps under `key` of a drawer.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn memo(&self, source: &str, drawer: &str, key: &str) -> Result<Option<Memo>> {
        let row = sqlx::query("SELECT drawer, key, look_up, about, body FROM memory WHERE source = ? AND drawer = ? AND key = ?")
            .bind(source)
            .bind(drawer)
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading what a source keeps"))?;
        Ok(row.as_ref().map(memo))
    }

    /// What `source` keeps under that second name, by key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn memos_by(&self, source: &str, drawer: &str, look_up: &str) -> Result<Vec<Memo>> {
        let rows = sqlx::query(
            "SELECT drawer, key, look_up, about, body FROM memory WHERE source = ? AND drawer = ? AND look_up = ? ORDER BY key LIMIT 100",
        )
        .bind(source)
        .bind(drawer)
        .bind(look_up)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking up what a source keeps"))?;
        Ok(rows.iter().map(memo).collect())
    }

    /// Up to `limit` memos of a drawer whose keys come after `after`, by key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn memos_after(&self, source: &str, drawer: &str, after: &str, limit: u32) -> Result<Vec<Memo>> {
        let rows = sqlx::query(
            "SELECT drawer, key, look_up, about, body FROM memory WHERE source = ? AND drawer = ? AND key > ? ORDER BY key LIMIT ?",
        )
        .bind(source)
        .bind(drawer)
        .bind(after)
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing what a source keeps"))?;
        Ok(rows.iter().map(memo).collect())
    }

    /// How many memos a drawer holds, and by key up to `limit` of those that come after the first `skip`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn memos_page(&self, source: &str, drawer: &str, skip: u64, limit: u64) -> Result<(u64, Vec<Memo>)> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let total: i64 = sqlx::query_scalar("SELECT count(*) FROM memory WHERE source = ? AND drawer = ?")
            .bind(source)
            .bind(drawer)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting what a source keeps"))?;
        let rows = sqlx::query(
            "SELECT drawer, key, look_up, about, body FROM memory WHERE source = ? AND drawer = ? ORDER BY key LIMIT ? OFFSET ?",
        )
        .bind(source)
        .bind(drawer)
        .bind(number(limit))
        .bind(number(skip))
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing what a source keeps"))?;
        Ok((u64::try_from(total).unwrap_or(0), rows.iter().map(memo).collect()))
    }

    /// Changes what a source keeps outside of any delivery: for a command that works on the source's behalf.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn remember(&self, source: &str, steps: Vec<MemoStep>, by: Actor) -> Result<()> {
        let source = source.to_owned();
        self.write(move |tx| Box::pin(async move { tx.remember(&source, &steps, &by).await }))
            .await
    }
}

impl Tx<'_> {
    /// Keeps and forgets what a delivery asks for.
    pub(in crate::store) async fn keep_memos(&mut self, delivery: &Delivery) -> Result<()> {
        self.remember(&delivery.source, &delivery.memos, &Actor::source(&delivery.source))
            .await
    }

    async fn remember(&mut self, source: &str, steps: &[MemoStep], by: &Actor) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        for step in steps {
            match step {
                MemoStep::Keep(memo) => self.keep_memo(source, memo).await?,
                MemoStep::Forget { drawer, key } => {
                    sqlx::query("DELETE FROM memory WHERE source = ? AND drawer = ? AND key = ?")
                        .bind(source)
                        .bind(drawer)
                        .bind(key)
                        .execute(&mut *self.conn)
                        .await
                        .map_err(StoreError::sql("forgetting what a source kept"))?;
                }
            }
        }
        let named: Vec<_> = steps
            .iter()
            .take(NAMED)
            .map(|step| match step {
                MemoStep::Keep(memo) => serde_json::json!({ "drawer": memo.drawer, "key": memo.key }),
                MemoStep::Forget { drawer, key } => serde_json::json!({ "drawer": drawer, "key": key, "forgotten": true }),
            })
            .collect();
        let detail = serde_json::json!({ "source": source, "changes": steps.len(), "memos": named });
        self.record(&Entry::new(EntryKind::SourceNoted, by.clone()).detail(detail));
        Ok(())
    }

    async fn keep_memo(&mut self, source: &str, memo: &Memo) -> Result<()> {
        sqlx::query(
            "INSERT INTO memory (source, drawer, key, look_up, about, body, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (source, drawer, key) DO UPDATE SET look_up = ?4, about = ?5, body = ?6, changed_at = ?7",
        )
        .bind(source)
        .bind(&memo.drawer)
        .bind(&memo.key)
        .bind(&memo.look_up)
        .bind(memo.about.as_ref().map(ToString::to_string))
        .bind(&memo.body)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping what a source wants to remember"))?;
        Ok(())
    }
}

fn memo(row: &SqliteRow) -> Memo {
    Memo {
        drawer: row.get(0),
        key: row.get(1),
        look_up: row.get(2),
        about: row.get::<Option<String>, _>(3).and_then(|name| name.parse().ok()),
        body: row.get(4),
    }
}
