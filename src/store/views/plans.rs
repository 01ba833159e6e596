//! Cases that wait for a day that somebody has named, without a departure: planned suspensions, and requests with a time of their own.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::gaps::Gaps;
use crate::store::{Listed, Result, Store, StoreError};

/// A case that waits for its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedCase {
    /// The case.
    pub case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// Why it was opened.
    pub reason: String,
    /// The playbook it will follow.
    pub playbook: String,
    /// The source of its first signal.
    pub source: String,
    /// Who asked, where a signal says so.
    pub requested_by: Option<String>,
    /// When it begins.
    pub due: Timestamp,
}

/// What waits for its day: never tried, of a case that goes on, and of no departure.
const PLANNED: &str = "FROM job j JOIN cases c ON c.id = j.case_id LEFT JOIN person p ON p.ref = c.subject_ref \
     WHERE j.state = 'scheduled' AND j.due >= $1 AND j.due < $2 AND j.kind = 'contain' AND j.attempt = 0 AND j.evidence IS NULL \
     AND c.state = 'open' AND NOT EXISTS (SELECT 1 FROM departure d WHERE d.case_id = c.id)";

impl Store {
    /// The cases that wait for a day from `from` on and before `to`, the next first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn planned_cases(&self, from: Timestamp, to: Timestamp, limit: u32) -> Result<Listed<PlannedCase>> {
        let sql = format!(
            "SELECT c.id, p.subject, c.reason, c.playbook, c.source, c.requested_by, min(j.due) {PLANNED} GROUP BY c.id ORDER BY 7, 1 LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(from.ms())
            .bind(to.ms())
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing what waits for its day"))?;
        Listed::read("cases", &rows, read_planned)
    }

    /// When the next of everything that is planned is due, departures included.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_plan(&self) -> Result<Option<Timestamp>> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT min(at) FROM (SELECT min(acts_at) AS at FROM departure WHERE id > 0 AND state = 'planned' \
             UNION ALL SELECT (SELECT j.due FROM job j JOIN cases c ON c.id = j.case_id WHERE j.state = 'scheduled' AND j.kind = 'contain' \
             AND j.attempt = 0 AND j.evidence IS NULL AND c.state = 'open' ORDER BY j.due LIMIT 1))",
        )
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("looking for the next plan"))?;
        Ok(due.map(Timestamp::from_ms))
    }
}

fn read_planned(row: &SqliteRow) -> Result<PlannedCase> {
    let mut gaps = Gaps::of(row);
    let planned = PlannedCase {
        case: gaps.read(0),
        subject: gaps.text_if_any(1),
        reason: gaps.text(2),
        playbook: gaps.text(3),
        source: gaps.text(4),
        requested_by: gaps.text_if_any(5),
        due: gaps.time(6),
    };
    gaps.whole(planned)
}
