//! Whether a channel reaches somebody who is being contained: a warning would tip them off.

use crate::model::Subject;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// Somebody with an unfinished case whom a channel reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// The case.
    pub case: i64,
    /// What stands for the person in the trail.
    pub subject_ref: String,
}

impl Store {
    /// The first unfinished case of one of these people, by every name that is known of each.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unfinished_case_of(&self, people: &[Subject]) -> Result<Option<Suspended>> {
        for person in people {
            let references = self.references(person).await?;
            if references.is_empty() {
                continue;
            }
            let row = sqlx::query(
                "SELECT id, subject_ref FROM cases WHERE subject_ref IN (SELECT value FROM json_each(?)) \
                 AND state IN ('open', 'held') ORDER BY id LIMIT 1",
            )
            .bind(written("references", &references)?)
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("looking for an unfinished case"))?;
            if let Some(row) = row {
                return Ok(Some(Suspended {
                    case: row.read(0)?,
                    subject_ref: row.lossy(1)?,
                }));
            }
        }
        Ok(None)
    }
}
