//! How far a list of people is that came as one, and calling off what of it has not ended.

use serde::Serialize;

use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

/// How many of those that failed, or were rejected, are named.
const NAMED: i64 = 200;

/// How far a list is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchProgress {
    /// How many people it is about.
    pub people: i64,
    /// How many of them nobody has looked at yet.
    pub new: i64,
    /// How many were rejected: no case came of them.
    pub rejected: i64,
    /// How many have a case that waits or is at work.
    pub unfinished: i64,
    /// The others by how their case stands.
    pub cases: Vec<BatchStanding>,
    /// Of those that were rejected or failed the first 200.
    pub troubled: Vec<BatchTrouble>,
}

/// So many people whose cases stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchStanding {
    /// The state of the case.
    pub state: String,
    /// What was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// How many.
    pub people: i64,
}

/// Somebody of a list about whom it did not go well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchTrouble {
    /// Whom, as it was written.
    pub subject: String,
    /// The request.
    pub request: i64,
    /// The case, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// Why it was rejected, or what was proved.
    pub why: String,
}

impl Store {
    /// How far the list of that key is.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where there is none.
    pub async fn batch_progress(&self, key: &str) -> Result<BatchProgress> {
        let doing = || StoreError::sql("reading how far a list is");
        let rows = sqlx::query(
            "SELECT i.state, c.state, CASE WHEN c.state = 'closed' THEN c.verdict END, count(*) FROM inbox i LEFT JOIN cases c ON c.id = i.case_id \
             WHERE i.set_key = $1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        )
        .bind(key)
        .fetch_all(self.readers())
        .await
        .map_err(doing())?;
        let mut progress = BatchProgress::default();
        for row in &rows {
            let (state, case): (String, Option<String>) = (row.read(0)?, row.read(1)?);
            let (verdict, people): (Option<String>, i64) = (row.read(2)?, row.read(3)?);
            progress.people += people;
            match (state.as_str(), case) {
                ("new", _) => progress.new += people,
                ("rejected", _) | (_, None) => progress.rejected += people,
                (_, Some(state)) => {
                    if matches!(state.as_str(), "open" | "held") {
                        progress.unfinished += people;
                    }
                    progress.cases.push(BatchStanding { state, verdict, people });
                }
            }
        }
        if progress.people == 0 {
            return Err(StoreError::Refused(
                "there is no such batch, or it was over long ago".to_owned(),
            ));
        }
        let rows = sqlx::query(
            "SELECT i.subject, i.id, c.id, coalesce(i.why, c.verdict, 'rejected') FROM inbox i LEFT JOIN cases c ON c.id = i.case_id \
             WHERE i.set_key = $1 AND (i.state = 'rejected' OR (c.state = 'closed' AND c.verdict = 'failed')) ORDER BY i.id LIMIT $2",
        )
        .bind(key)
        .bind(NAMED)
        .fetch_all(self.readers())
        .await
        .map_err(doing())?;
        for row in &rows {
            progress.troubled.push(BatchTrouble {
                subject: row.lossy(0)?,
                request: row.read(1)?,
                case: row.read(2)?,
                why: row.lossy(3)?,
            });
        }
        Ok(progress)
    }

    /// The cases of a list that wait or are at work.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unfinished_of_batch(&self, key: &str) -> Result<Vec<i64>> {
        sqlx::query_scalar(
            "SELECT DISTINCT c.id FROM inbox i JOIN cases c ON c.id = i.case_id WHERE i.set_key = $1 AND c.state IN ('open', 'held') ORDER BY c.id",
        )
        .bind(key)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading what of a list has not ended"))
    }
}
