//! Lists the other cases that ask for a suspension which one case has made: whoever undoes it should know that they do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::model::{Containment, Evidence, JobKind, Subject, Timestamp};
use crate::store::columns::{Columns as _, time_at, written};
use crate::store::queue::evidence_row;
use crate::store::{Releasable, Result, Store, StoreError};

/// Another case that asks for the same suspension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OtherDemand {
    /// Its number.
    pub case: i64,
    /// Why it was opened.
    pub reason: String,
    /// The source that opened it.
    pub source: String,
    /// What of it is still to come at the target.
    #[schema(value_type = Value)]
    pub to_come: Outstanding,
}

/// What of a case is still to come, the least pressing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outstanding {
    /// Nothing: it found the account suspended, or has suspended it, and is over.
    Nothing,
    /// A sweep, which holds where the account is enabled.
    Sweep,
    /// A human's decision.
    Decision,
    /// Its day, or its next try.
    Day(Timestamp),
    /// It is queued or at work, or stands in the ledger, where it is tried once an hour.
    Work,
}

impl OtherDemand {
    /// What stands for it in the set of a release: one that came after the rehearsal is not in there.
    #[must_use]
    pub fn token(&self) -> String {
        format!("case:{}", self.case)
    }
}

impl fmt::Display for OtherDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case, reason, source, ..
        } = self;
        write!(f, "case {case} ({reason}, from {source}) asks for the same suspension; ")?;
        match self.to_come {
            Outstanding::Nothing => return f.write_str("nothing of it is still to come"),
            Outstanding::Sweep => f.write_str("its next sweep will hold"),
            Outstanding::Decision => f.write_str("once it is approved, it will suspend the account"),
            Outstanding::Day(at) => write!(f, "it will suspend the account at {at}"),
            Outstanding::Work => f.write_str("it will suspend the account at once"),
        }?;
        write!(f, "; revoked case cancel {case} --note WHY ends it")
    }
}

impl Store {
    /// The cases beside `case` that ask for the suspension of the same accounts at the same target, by number: what is still to come of
    /// them, or that they were proved by this very suspension. Those that were called off ask for nothing. They are found by the names of
    /// the person, `names` among them, and by the accounts that their sweeps look after.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn other_demands(&self, case: i64, suspension: &Releasable, names: &[Subject]) -> Result<Vec<OtherDemand>> {
        let references = self.references_about(case, names).await?;
        let rows = sqlx::query(
            "SELECT c.id, c.reason, c.source, j.kind, j.state, j.due, j.containment, j.evidence FROM job j JOIN cases c ON c.id = j.case_id \
             WHERE j.id IN (SELECT k.id FROM cases d INDEXED BY cases_by_subject JOIN job k ON k.case_id = d.id \
                            WHERE d.subject_ref IN (SELECT value FROM json_each(?3)) \
                            UNION SELECT id FROM job INDEXED BY job_due WHERE state = 'scheduled' AND kind = 'watch' AND target = ?2 \
                            AND EXISTS (SELECT 1 FROM json_each(?4) p WHERE instr(evidence ->> '$.principal', p.value))) \
             AND c.id <> ?1 AND c.called_off_at IS NULL AND j.target = ?2 AND j.kind <> 'release' AND j.state <> 'cancelled' ORDER BY j.id",
        )
        .bind(case)
        .bind(&suspension.target)
        .bind(written("references", &references)?)
        .bind(written("principals", &suspension.suspensions.keys().collect::<Vec<_>>())?)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking who else asks for a suspension"))?;
        let mut others: BTreeMap<i64, OtherDemand> = BTreeMap::new();
        for row in &rows {
            let containment: Option<Containment> = serde_json::from_str(row.read(6)?).ok();
            let evidence = row
                .read::<Option<&str>>(7)?
                .and_then(|text| evidence_row::seen_and_done(text).ok());
            let evidence: Evidence = evidence.unwrap_or_default();
            if !containment.is_some_and(|containment| containment.blocks()) || is_about_others(&evidence, suspension) {
                continue;
            }
            let watch = row.read::<&str>(3)? == JobKind::Sweep.word();
            let due = time_at(row, 5)?;
            let to_come = match (row.read(4)?, due) {
                ("done", _) if evidence.suspended.1 && is_of(suspension, evidence.suspended_at) => Outstanding::Nothing,
                ("done", _) => continue,
                ("held", _) => Outstanding::Decision,
                _ if watch => Outstanding::Sweep,
                (_, Some(due)) => Outstanding::Day(due),
                _ => Outstanding::Work,
            };
            let found = OtherDemand {
                case: row.read(0)?,
                reason: row.read(1)?,
                source: row.read(2)?,
                to_come,
            };
            let other = others.entry(found.case).or_insert(found);
            other.to_come = other.to_come.max(to_come);
        }
        Ok(others.into_values().collect())
    }

    /// Every reference that has stood for the person of a case, or for somebody with one of these names.
    async fn references_about(&self, case: i64, names: &[Subject]) -> Result<BTreeSet<String>> {
        let known: Vec<String> = sqlx::query_scalar(
            "SELECT p.subject FROM person p WHERE p.ref IN (SELECT subject_ref FROM cases WHERE id = ?1 \
                                                            UNION SELECT subject_ref FROM signal WHERE case_id = ?1)",
        )
        .bind(case)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("reading the names of a case"))?;
        let mut references = BTreeSet::new();
        for subject in known.iter().filter_map(|text| text.parse().ok()).chain(names.iter().cloned()) {
            references.extend(self.references(&subject).await?);
        }
        Ok(references)
    }
}

/// Whether a job has found other accounts than those of the suspension. One that has not looked yet may find them.
fn is_about_others(evidence: &Evidence, suspension: &Releasable) -> bool {
    evidence.principal.is_some() && !evidence.principals().any(|id| suspension.suspensions.contains_key(id))
}

/// Whether an account that is suspended since `at` is so by this very suspension.
fn is_of(suspension: &Releasable, at: Option<Timestamp>) -> bool {
    suspension.suspensions.values().any(|ours| Some(*ours) == at)
}
