//! Cases that wait for a day that somebody has named, without a departure: planned suspensions, and requests with a time of their own.

use serde::Serialize;
use sqlx::sqlite::SqliteRow;

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
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

/// Somebody who waits for a day, and whom no target was asked for yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedPerson {
    /// The name that the person is stored under.
    pub subject: String,
    /// When the first of what is planned begins.
    pub due: Timestamp,
}

/// What waits for its day: never tried, of a case that goes on, and of no departure.
const PLANNED: &str = "FROM job j JOIN cases c ON c.id = j.case_id LEFT JOIN person p ON p.ref = c.subject_ref \
     WHERE j.state = 'scheduled' AND j.due >= $1 AND j.due < $2 AND j.kind = 'contain' AND j.attempt = 0 AND j.evidence IS NULL \
     AND c.state = 'open' AND NOT EXISTS (SELECT 1 FROM departure d WHERE d.case_id = c.id)";

/// Whoever waits for a day, departures included, and whom no job has looked up: of those whose names were not erased.
fn not_looked_up() -> String {
    format!(
        "SELECT p.subject AS subject, min(w.due) AS due FROM ( \
             SELECT d.subject_ref AS ref, d.acts_at AS due FROM departure d WHERE d.id > 0 AND d.state IN ('planned', 'held', 'blocked') \
             UNION ALL SELECT c.subject_ref, j.due {PLANNED}) w JOIN person p ON p.ref = w.ref \
         WHERE NOT EXISTS (SELECT 1 FROM cases c JOIN job j ON j.case_id = c.id WHERE c.subject_ref = w.ref \
             AND (j.attempt > 0 OR j.evidence IS NOT NULL)) GROUP BY w.ref"
    )
}

impl Store {
    /// How many people wait for a day whom no target was asked for yet.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count_not_looked_up(&self) -> Result<usize> {
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM ({})", not_looked_up())))
            .bind(i64::MIN)
            .bind(i64::MAX)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("counting who was not looked up"))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// Those people, the next first, at most so many.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn not_looked_up(&self, limit: u32) -> Result<Listed<PlannedPerson>> {
        let sql = format!("{} ORDER BY due, subject LIMIT $3", not_looked_up());
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(i64::MIN)
            .bind(i64::MAX)
            .bind(limit)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("listing who was not looked up"))?;
        Listed::read("person", &rows, |row| {
            Ok(PlannedPerson {
                subject: row.read(0)?,
                due: Timestamp::from_ms(row.read(1)?),
            })
        })
    }

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
