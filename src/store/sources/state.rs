//! State of sources: what each keeps for itself by key in a namespace, written with its deliveries, read when the next one comes.

use revoked_trail::{Entry, EntryKind};
use sqlx::sqlite::SqliteRow;

use crate::model::{Actor, Delivery, StateChange, StateEntry};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// What [`read_entry`] reads.
const ENTRIES: &str = "SELECT drawer, key, look_up, about, body FROM memory";

/// The most entries that one trail entry names; beyond it the count stands alone.
const NAMED: usize = 20;

impl Store {
    /// What `source` keeps under `key` of a namespace.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn state_entry(&self, source: &str, namespace: &str, key: &str) -> Result<Option<StateEntry>> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ENTRIES} WHERE source = ? AND drawer = ? AND key = ?"
        )))
        .bind(source)
        .bind(namespace)
        .bind(key)
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("reading what a source keeps"))?;
        row.as_ref().map(read_entry).transpose()
    }

    /// What `source` keeps under that second name, by key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn state_entries_by(&self, source: &str, namespace: &str, look_up: &str) -> Result<Vec<StateEntry>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ENTRIES} WHERE source = ? AND drawer = ? AND look_up = ? ORDER BY key LIMIT 100"
        )))
        .bind(source)
        .bind(namespace)
        .bind(look_up)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking up what a source keeps"))?;
        rows.iter().map(read_entry).collect()
    }

    /// Up to `limit` entries of a namespace whose keys come after `after`, by key.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn state_entries_after(&self, source: &str, namespace: &str, after: &str, limit: u32) -> Result<Vec<StateEntry>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ENTRIES} WHERE source = ? AND drawer = ? AND key > ? ORDER BY key LIMIT ?"
        )))
        .bind(source)
        .bind(namespace)
        .bind(after)
        .bind(limit)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing what a source keeps"))?;
        rows.iter().map(read_entry).collect()
    }

    /// How many entries a namespace holds, and by key up to `limit` of those that come after the first `skip`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn state_entries_page(&self, source: &str, namespace: &str, skip: u64, limit: u64) -> Result<(u64, Vec<StateEntry>)> {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let total: i64 = sqlx::query_scalar("SELECT count(*) FROM memory WHERE source = ? AND drawer = ?")
            .bind(source)
            .bind(namespace)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting what a source keeps"))?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{ENTRIES} WHERE source = ? AND drawer = ? ORDER BY key LIMIT ? OFFSET ?"
        )))
        .bind(source)
        .bind(namespace)
        .bind(number(limit))
        .bind(number(skip))
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing what a source keeps"))?;
        Ok((
            u64::try_from(total).unwrap_or(0),
            rows.iter().map(read_entry).collect::<Result<_>>()?,
        ))
    }

    /// Changes what a source keeps outside of any delivery: for a command that works on the source's behalf.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn change_state(&self, source: &str, steps: Vec<StateChange>, by: Actor) -> Result<()> {
        let source = source.to_owned();
        self.write(move |tx| Box::pin(async move { tx.change_state(&source, &steps, &by).await }))
            .await
    }
}

impl Tx<'_> {
    /// Keeps and forgets what a delivery asks for.
    pub(in crate::store) async fn keep_state_changes(&mut self, delivery: &Delivery) -> Result<()> {
        self.change_state(&delivery.source, &delivery.state_changes, &Actor::source(&delivery.source))
            .await
    }

    async fn change_state(&mut self, source: &str, steps: &[StateChange], by: &Actor) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        for step in steps {
            match step {
                StateChange::Put(entry) => self.put_state_entry(source, entry).await?,
                StateChange::Delete { namespace, key } => {
                    sqlx::query("DELETE FROM memory WHERE source = ? AND drawer = ? AND key = ?")
                        .bind(source)
                        .bind(namespace)
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
                StateChange::Put(entry) => serde_json::json!({ "drawer": entry.namespace, "key": entry.key }),
                StateChange::Delete { namespace, key } => serde_json::json!({ "drawer": namespace, "key": key, "forgotten": true }),
            })
            .collect();
        let detail = serde_json::json!({ "source": source, "changes": steps.len(), "memos": named });
        self.record(&Entry::new(EntryKind::SourceNoted, by.clone()).detail(detail));
        Ok(())
    }

    async fn put_state_entry(&mut self, source: &str, entry: &StateEntry) -> Result<()> {
        // No source keeps an empty text: it is what is left of one that could not be written down.
        if entry.body.is_empty() {
            return Err(StoreError::Refused(format!(
                "what source {source} wants to keep under {} could not be written down, so nothing is stored",
                entry.namespace
            )));
        }
        sqlx::query(
            "INSERT INTO memory (source, drawer, key, look_up, about, body, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (source, drawer, key) DO UPDATE SET look_up = ?4, about = ?5, body = ?6, changed_at = ?7",
        )
        .bind(source)
        .bind(&entry.namespace)
        .bind(&entry.key)
        .bind(&entry.look_up)
        .bind(entry.about.as_ref().map(ToString::to_string))
        .bind(&entry.body)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping what a source wants to remember"))?;
        Ok(())
    }
}

fn read_entry(row: &SqliteRow) -> Result<StateEntry> {
    Ok(StateEntry {
        namespace: row.read(0)?,
        key: row.read(1)?,
        look_up: row.read(2)?,
        about: row.read::<Option<String>>(3)?.and_then(|name| name.parse().ok()),
        body: row.read(4)?,
    })
}
