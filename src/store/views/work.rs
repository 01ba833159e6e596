//! What is being done now: the cases that have something to do at a target, and where each stands.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lanes::REPEATED_WITHIN;
use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// How many jobs are read at most of each state, so that a long queue costs no more than a short one.
const MOST_JOBS: i64 = 200;

/// A case at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseAtWork {
    /// Its number.
    pub case: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// Why it was opened.
    pub reason: String,
    /// How urgent it is; 0 goes first.
    pub priority: u8,
    /// When its first signal was received.
    pub received_at: Timestamp,
    /// Where its jobs stand that are not over.
    pub at: Vec<WorkAt>,
}

/// Where one job of a case at work stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkAt {
    /// The target.
    pub target: String,
    /// `queued`, `running`, or `scheduled` for its next attempt.
    pub state: String,
    /// Attempts so far.
    pub attempt: u32,
    /// When it is tried again.
    pub due: Option<Timestamp>,
    /// What stood in its way last.
    pub error: Option<String>,
}

impl Store {
    /// How many cases are at work. It takes the longer the longer the queue is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn count_at_work(&self) -> Result<i64> {
        sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT case_id FROM job WHERE id > 0 AND state IN ('queued', 'running') AND kind <> 'watch' \
             UNION SELECT case_id FROM job WHERE state = 'scheduled' AND due < $1 AND kind <> 'watch' AND evidence IS NOT NULL)",
        )
        .bind(self.clock().now().plus(REPEATED_WITHIN).ms())
        .fetch_one(self.readers())
        .await
        .map_err(StoreError::sql("counting what is at work"))
    }

    /// The cases at work, the most urgent first and of those the oldest: of a long queue the first of them.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn at_work(&self) -> Result<Vec<CaseAtWork>> {
        let rows = sqlx::query(
            "SELECT j.case_id, p.subject, c.reason, c.priority, c.received_at, j.target, j.state, j.attempt, j.due, j.error \
             FROM job j JOIN cases c ON c.id = j.case_id LEFT JOIN person p ON p.ref = c.subject_ref WHERE j.id IN ( \
                 SELECT * FROM (SELECT id FROM job WHERE id > 0 AND state = 'running' AND kind <> 'watch' ORDER BY id LIMIT $2) \
                 UNION ALL SELECT * FROM (SELECT id FROM job WHERE id > 0 AND state = 'queued' AND kind <> 'watch' \
                                          ORDER BY priority, id LIMIT $2) \
                 UNION ALL SELECT * FROM (SELECT id FROM job WHERE state = 'scheduled' AND due < $1 AND kind <> 'watch' \
                                          AND evidence IS NOT NULL ORDER BY due LIMIT $2)) \
             ORDER BY c.priority, c.received_at, j.id",
        )
        .bind(self.clock().now().plus(REPEATED_WITHIN).ms())
        .bind(MOST_JOBS)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading what is at work"))?;
        let mut places: BTreeMap<i64, usize> = BTreeMap::new();
        let mut cases: Vec<CaseAtWork> = Vec::new();
        for row in &rows {
            // A row that somebody has damaged is named by the lists of cases and jobs; here the others count.
            let (Ok(case), Ok(target), Ok(state)) = (row.read(0), row.lossy(5), row.lossy(6)) else {
                continue;
            };
            let place = *places.entry(case).or_insert_with(|| {
                cases.push(CaseAtWork {
                    case,
                    subject: if row.is_null(1) { None } else { row.lossy(1).ok() },
                    reason: row.lossy(2).unwrap_or_default(),
                    priority: row.read(3).unwrap_or_default(),
                    received_at: Timestamp::from_ms(row.read(4).unwrap_or_default()),
                    at: Vec::new(),
                });
                cases.len() - 1
            });
            if let Some(case) = cases.get_mut(place) {
                case.at.push(WorkAt {
                    target,
                    state,
                    attempt: row.read(7).unwrap_or_default(),
                    due: time_at(row, 8).ok().flatten(),
                    error: if row.is_null(9) { None } else { row.lossy(9).ok() },
                });
            }
        }
        Ok(cases)
    }
}
