//! What a case has proved, read back from its jobs: the ground of every statement about it.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteRow;

use crate::model::{CaseId, Reason, Scope, Subject, is_named};
use crate::policy::INBOX;
use crate::statement::{Proof, TargetProof};
use crate::store::columns::{Columns as _, time_at};
use crate::store::queue::evidence_row;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// What a case has proved, and the reference of its person; `None` where a job of it ended without having looked.
    ///
    /// # Errors
    /// Where a row of it cannot be read, which is no proof and must not pass for one.
    pub(super) async fn read_proof(&mut self, case: CaseId) -> Result<Option<(Proof, String)>> {
        let row = sqlx::query("SELECT source, scope, reason, subject_ref FROM cases WHERE id = ?")
            .bind(case.0)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading what a case proved"))?;
        let (source, scope, reason): (String, String, String) = (row.read(0)?, row.read(1)?, row.read(2)?);
        let reference: String = row.read(3)?;
        let signals = sqlx::query(
            "SELECT s.source, p.subject FROM signal s LEFT JOIN person p ON p.ref = s.subject_ref WHERE s.case_id = ? ORDER BY s.id",
        )
        .bind(case.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading who reported a case"))?;
        let rows = sqlx::query(
            "SELECT j.target, j.containment, j.outcome, j.evidence, \
                    (SELECT max(a.finished_at) FROM action a JOIN job k ON k.id = a.job_id \
                     WHERE k.case_id = ?1 AND k.target = j.target AND a.outcome = 'done' \
                     AND CASE WHEN json_valid(a.action) THEN a.action ->> 'do' = 'reset_password' END), j.id \
             FROM job j WHERE j.case_id = ?1 AND j.state IN ('done', 'failed') AND j.kind <> 'release' \
             AND j.id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state IN ('done', 'failed') \
                         AND k.kind <> 'release') \
             ORDER BY j.target",
        )
        .bind(case.0)
        .fetch_all(&mut *self.conn)
        .await
        .map_err(StoreError::sql("reading what a case proved"))?;
        let corrupt = |why: String| StoreError::Corrupt {
            table: "cases",
            id: case.0,
            why,
        };
        let scope = serde_json::from_str(&scope).map_err(|error| corrupt(format!("scope: {error}")))?;
        let reason = Reason::from_word(&reason).ok_or_else(|| corrupt(format!("reason: {reason}")))?;
        let Some(targets) = rows.iter().map(target_proof).collect::<Result<Option<Vec<TargetProof>>>>()? else {
            return Ok(None);
        };
        let scope = by_listed_id(scope, &rows);
        let mut sources: Vec<String> = Vec::new();
        let mut said: Vec<(String, Subject)> = Vec::new();
        for row in &signals {
            let by: String = row.read(0)?;
            let name: Option<String> = row.read(1)?;
            if let Some(subject) = name.and_then(|name| name.parse().ok()) {
                said.push((by.clone(), subject));
            }
            if !sources.contains(&by) {
                sources.push(by);
            }
        }
        let names: BTreeSet<Subject> = said.iter().flat_map(|(_, subject)| subject.names()).cloned().collect();
        let known = self.known_names(&names).await?;
        let proof = Proof {
            case,
            reason,
            scope,
            said,
            sources,
            known,
            by_operator: source == INBOX,
            targets,
        };
        Ok(Some((proof, reference)))
    }
}

/// A case names one session by a digest of what was written; what was ended is named by the id that the target listed.
fn by_listed_id(scope: Scope, rows: &[SqliteRow]) -> Scope {
    let Scope::Session(named) = scope else { return scope };
    let ended = rows.iter().filter_map(|row| {
        let evidence = evidence_row::seen_and_done(row.read::<Option<&str>>(3).ok()??).ok()?;
        evidence.ended.into_iter().find(|grant| is_named(&named, &grant.id))
    });
    let listed = ended.map(|grant| grant.id).next();
    Scope::Session(listed.unwrap_or(named))
}

/// What one job proved; `None` where it ended without having looked.
fn target_proof(row: &SqliteRow) -> Result<Option<TargetProof>> {
    let id = row.read(5)?;
    let corrupt = |what: &str, error: serde_json::Error| StoreError::Corrupt {
        table: "job",
        id,
        why: format!("{what}: {error}"),
    };
    let (Some(outcome), Some(evidence)) = (row.read::<Option<&str>>(2)?, row.read::<Option<&str>>(3)?) else {
        return Ok(None);
    };
    let evidence = evidence_row::seen_and_done(evidence).map_err(|error| corrupt("evidence", error))?;
    Ok(Some(TargetProof {
        target: row.read(0)?,
        containment: serde_json::from_str(row.read(1)?).map_err(|error| corrupt("containment", error))?,
        verdict: serde_json::from_str(outcome).map_err(|error| corrupt("outcome", error))?,
        seen_at: evidence.after_at,
        password_reset_at: time_at(row, 4)?,
    }))
}
