//! The newest looks: what was last seen of somebody at each target, and what each target last showed.

use std::collections::{BTreeMap, BTreeSet};

use super::jobs::{JOB, JobView, read_job};
use crate::model::{JobState, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::{Listed, Result, Store, StoreError};

/// What a target last showed, and what waits for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetLook {
    /// When a job there last ended with a verdict.
    pub seen_at: Option<Timestamp>,
    /// The verdict, as a word.
    pub verdict: Option<String>,
    /// Whose it was.
    pub case: Option<i64>,
    /// The first of the cases whose jobs wait there or are at work.
    pub waiting: Vec<i64>,
}

impl Store {
    /// Of the cases about somebody with one of these references, for each target the newest job that has seen anything.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_seen(&self, subject_refs: &[String]) -> Result<Listed<JobView>> {
        let sql = format!(
            "{JOB} WHERE id IN (SELECT max(j.id) FROM json_each($1) r CROSS JOIN cases c ON c.subject_ref = r.value \
             CROSS JOIN job j ON j.case_id = c.id WHERE j.verdict IS NOT NULL \
             OR CASE WHEN json_valid(j.evidence) THEN j.evidence ->> '$.before_at' END IS NOT NULL GROUP BY j.target) ORDER BY target"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(written("references", subject_refs)?)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking what was last seen of somebody"))?;
        Listed::read("job", &rows, read_job)
    }

    /// Every target at which there is or was work, that is paused, or at which a canary was tried.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn known_targets(&self) -> Result<BTreeSet<String>> {
        let doing = || StoreError::sql("looking which targets are known");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        let mut known = BTreeSet::new();
        for state in JobState::WORDS {
            // From each target to the next one in the index, however many jobs there are.
            let rows = sqlx::query(
                "WITH RECURSIVE found (target) AS ( \
                     SELECT min(target) FROM job WHERE id > 0 AND state = $1 \
                     UNION ALL SELECT (SELECT min(target) FROM job WHERE id > 0 AND state = $1 AND target > found.target) FROM found \
                     WHERE found.target IS NOT NULL) \
                 SELECT target FROM found WHERE target IS NOT NULL",
            )
            .bind(state)
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
            for row in &rows {
                known.insert(row.lossy(0)?);
            }
        }
        let rows = sqlx::query("SELECT target FROM lane UNION SELECT target FROM target_pause UNION SELECT target FROM canary")
            .fetch_all(&mut *conn)
            .await
            .map_err(doing())?;
        for row in &rows {
            known.insert(row.lossy(0)?);
        }
        Ok(known)
    }

    /// What each of these targets last showed, and the first `most` cases that wait for it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn target_looks(&self, targets: &[String], most: u32) -> Result<BTreeMap<String, TargetLook>> {
        let doing = || StoreError::sql("looking what the targets last showed");
        let mut looks = BTreeMap::new();
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        for target in targets {
            // Both by the index of the lists, however many jobs there are.
            let newest = sqlx::query(
                "SELECT id, case_id, verdict, finished_at FROM job WHERE id = \
                 (SELECT max(id) FROM job WHERE id > 0 AND state = 'done' AND target = $1)",
            )
            .bind(target)
            .fetch_optional(&mut *conn)
            .await
            .map_err(doing())?;
            let mut look = TargetLook::default();
            if let Some(row) = &newest {
                look.case = row.read(1).ok();
                look.verdict = (!row.is_null(2)).then(|| row.lossy(2)).transpose()?;
                look.seen_at = time_at(row, 3).ok().flatten();
            }
            for state in ["running", "queued"] {
                let cases: Vec<i64> =
                    sqlx::query_scalar("SELECT case_id FROM job WHERE id > 0 AND state = $1 AND target = $2 ORDER BY id LIMIT $3")
                        .bind(state)
                        .bind(target)
                        .bind(most)
                        .fetch_all(&mut *conn)
                        .await
                        .map_err(doing())?;
                for case in cases {
                    if !look.waiting.contains(&case) {
                        look.waiting.push(case);
                    }
                }
            }
            looks.insert(target.clone(), look);
        }
        Ok(looks)
    }
}
