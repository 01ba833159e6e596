//! Whom the references of the trail and of cases stand for.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

impl Store {
    /// The subject of each reference that is still somebody: erased people have none.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn people_behind(&self, references: &BTreeSet<String>) -> Result<BTreeMap<String, String>> {
        let rows = sqlx::query("SELECT p.ref, p.subject FROM json_each($1) r JOIN person p ON p.ref = r.value")
            .bind(
                references
                    .iter()
                    .map(String::as_str)
                    .collect::<serde_json::Value>()
                    .to_string(),
            )
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking up people"))?;
        rows.iter().map(|row| Ok((row.lossy(0)?, row.lossy(1)?))).collect()
    }

    /// Whether a source other than `but` names people here: then somebody of whom nothing is known is a stranger.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn has_directory(&self, but: &str) -> Result<bool> {
        let found = sqlx::query("SELECT 1 FROM identity WHERE source IS NOT NULL AND source <> $1 LIMIT 1")
            .bind(but)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for a directory"))?;
        Ok(found.is_some())
    }
}
