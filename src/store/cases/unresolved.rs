//! Unresolved subjects: cases about somebody whom no target knows, listed and alerted until an operator links them or dismisses the case.

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use crate::model::{Actor, Subject, Timestamp};
use crate::store::columns::Columns as _;
use crate::store::identity::link_rows::ScopedName;
use crate::store::queue::requeue::{ContainingJob, NEWEST_CONTAINING};
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// A case about somebody whom no target knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Unresolved {
    /// The case.
    pub case: i64,
    /// Whom it is about, as the signal said; `None` where the person was erased.
    pub subject: Option<String>,
    /// Why the case was opened.
    pub reason: String,
    /// The source of its first signal.
    pub source: String,
    /// What was found instead of an account.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// `open`, `linked`, `found` or `dismissed`.
    pub state: String,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// Why it was dismissed.
    pub note: Option<String>,
}

/// The evidence of a job `j`, where it is JSON: one that is damaged says nothing, and keeps nobody from asking about the others.
const EVIDENCE: &str = "(CASE WHEN json_valid(j.evidence) THEN j.evidence END)";

/// How far the work of a case has found out whom it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountLookup {
    /// Somebody is known at one target at least.
    Found,
    /// Every target was asked and knows nobody.
    NoAccount,
    /// The names fit several accounts, or no target can be asked by them.
    Ambiguous,
    /// Every target has been tried, and one at least did not answer as it should.
    Failed,
    /// A target is still to be asked.
    Pending,
}

impl Store {
    /// How far the work of a case has found out whom it is about.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn account_lookup(&self, case: i64) -> Result<AccountLookup> {
        let sql = format!(
            "SELECT j.state, j.verdict, {EVIDENCE} ->> '$.principal' IS NOT NULL \
                    OR EXISTS (SELECT 1 FROM action WHERE job_id = j.id AND outcome IN ('done', 'already', 'failed')), \
                    coalesce({EVIDENCE} ->> '$.nameless' = 1, 0), coalesce({EVIDENCE} ->> '$.unclear' = 1, 0), j.error IS NOT NULL \
             FROM job j WHERE {NEWEST_CONTAINING}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("looking how far a case is"))?;
        let (mut found, mut not_yet) = (AccountLookup::NoAccount, false);
        for row in &rows {
            let (state, verdict): (&str, Option<&str>) = (row.read(0)?, row.read(1)?);
            let verdict = verdict.filter(|_| state == "done");
            let (somebody, nameless, unclear, error): (bool, bool, bool, bool) =
                (row.read(2)?, row.read(3)?, row.read(4)?, row.read(5)?);
            if somebody || verdict.is_some_and(|verdict| verdict != "no_principal") {
                return Ok(AccountLookup::Found);
            }
            match state {
                "done" => {}
                "failed" if nameless => found = AccountLookup::Ambiguous,
                "held" if unclear => found = AccountLookup::Ambiguous,
                // A human decides about somebody.
                "held" => return Ok(AccountLookup::Found),
                "failed" => found = AccountLookup::Failed,
                "scheduled" if error => found = AccountLookup::Failed,
                _ => not_yet = true,
            }
        }
        Ok(if not_yet { AccountLookup::Pending } else { found })
    }

    /// Who is unresolved, the oldest first; with `all`, what is over too.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unresolved(&self, all: bool) -> Result<Listed<Unresolved>> {
        let rows = sqlx::query(
            "SELECT u.case_id, p.subject, c.reason, c.source, u.why, u.since, u.state, u.ended_by, u.note \
             FROM unresolved u JOIN cases c ON c.id = u.case_id LEFT JOIN person p ON p.ref = c.subject_ref \
             WHERE ? OR u.state = 'open' ORDER BY u.id LIMIT 1000",
        )
        .bind(all)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("listing who is unresolved"))?;
        Listed::read("unresolved", &rows, |row| {
            Ok(Unresolved {
                case: row.read(0)?,
                subject: row.read(1)?,
                reason: row.read(2)?,
                source: row.read(3)?,
                why: row.read(4)?,
                since: Timestamp::from_ms(row.read(5)?),
                state: row.read(6)?,
                ended_by: row.read(7)?,
                note: row.read(8)?,
            })
        })
    }

    /// Takes cases off the list on an operator's word that nothing is to be done: all of them, or none.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where one of the cases is not on it.
    pub async fn dismiss(&self, cases: Vec<i64>, note: Option<String>, by: Actor) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for case in std::collections::BTreeSet::from_iter(cases) {
                    tx.dismiss(case, note.as_deref(), &by).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

impl Tx<'_> {
    /// Notes that a case's person is known at no target: each was asked, or none can be asked by such names.
    pub(in crate::store) async fn note_unresolved(&mut self, case: i64, subject_ref: &str, asked: bool) -> Result<()> {
        let Some(subject) = self.subject_of(subject_ref).await? else {
            return Ok(());
        };
        // A credential that nobody holds is nobody who must be found.
        if matches!(subject, Subject::Credential(_)) {
            return Ok(());
        }
        let formats: std::collections::BTreeSet<&str> = subject.names().iter().map(Subject::format).collect();
        let formats = formats.into_iter().collect::<Vec<_>>().join(", ");
        let why = if asked {
            format!("no target knows anybody by this {formats}")
        } else {
            format!("no target can be asked by a name of this kind ({formats})")
        };
        let new: Option<String> = sqlx::query_scalar(
            "INSERT INTO unresolved (case_id, why, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING \
             RETURNING (SELECT source FROM cases WHERE id = ?1)",
        )
        .bind(case)
        .bind(&why)
        .bind(self.now.ms())
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("noting that nobody was found"))?;
        let Some(source) = new else { return Ok(()) };
        self.record(
            &Entry::new(EntryKind::SubjectUnresolved, Actor::Daemon)
                .case(case)
                .subject_ref(subject_ref)
                .detail(serde_json::json!({ "why": why })),
        );
        // One alert a source: a file may be full of people who have no account.
        let summary =
            format!("source {source} named people whom no target knows, last in case {case}: {why} (revoked subject unresolved)");
        self.raise_alert("unresolved", &format!("source:{source}"), &summary, Some(case))
            .await
    }

    /// Somebody was found after all.
    pub(in crate::store) async fn note_resolved(&mut self, case: i64) -> Result<()> {
        self.end_unresolved(case, "found", &Actor::Daemon, None).await.map(|_| ())
    }

    async fn dismiss(&mut self, case: i64, note: Option<&str>, by: &Actor) -> Result<()> {
        if !self.end_unresolved(case, "dismissed", by, note).await? {
            return Err(StoreError::Refused(format!(
                "case {case} is not unresolved, and nothing was dismissed; revoked subject unresolved lists those that are"
            )));
        }
        self.record(
            &Entry::new(EntryKind::SubjectDismissed, by.clone())
                .case(case)
                .detail(serde_json::json!({ "note": note })),
        );
        Ok(())
    }

    async fn end_unresolved(&mut self, case: i64, state: &str, by: &Actor, note: Option<&str>) -> Result<bool> {
        let touched = sqlx::query(
            "UPDATE unresolved SET state = ?, ended_at = ?, ended_by = ?, note = ? WHERE case_id = ? AND state = 'open'",
        )
        .bind(state)
        .bind(self.now.ms())
        .bind(by.to_string())
        .bind(note)
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("taking a case off the list of the unresolved"))?;
        if touched.rows_affected() == 0 {
            return Ok(false);
        }
        // The last one of its source ends the alert.
        let source: Option<String> = sqlx::query_scalar(
            "SELECT source FROM cases c WHERE id = ? AND NOT EXISTS \
                (SELECT 1 FROM unresolved u JOIN cases o ON o.id = u.case_id WHERE u.state = 'open' AND o.source = c.source)",
        )
        .bind(case)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking who else is unresolved"))?;
        if let Some(source) = source {
            self.end_alert("unresolved", &format!("source:{source}")).await?;
        }
        Ok(true)
    }

    /// Looks again at every unresolved case that one of these names is about. Answers the cases and the targets to wake.
    pub(in crate::store) async fn requeue_unresolved(
        &mut self,
        names: &[ScopedName],
        by: &Actor,
    ) -> Result<(Vec<i64>, Vec<String>)> {
        let open: Vec<i64> = sqlx::query_scalar("SELECT case_id FROM unresolved WHERE state = 'open' ORDER BY id")
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("listing who is unresolved"))?;
        let said = self.names_of_cases(&open).await?;
        let linked: std::collections::BTreeSet<&Subject> = names.iter().map(|name| &name.subject).collect();
        let (mut cases, mut targets) = (Vec::new(), Vec::new());
        for case in open {
            if said
                .get(&case)
                .is_some_and(|said| said.iter().any(|name| linked.contains(name)))
            {
                self.end_unresolved(case, "linked", by, None).await?;
                self.requeue_not_found(case, &mut targets).await?;
                cases.push(case);
            }
        }
        Ok((cases, targets))
    }

    /// Puts every target at which the case's person was not found into the queue again.
    async fn requeue_not_found(&mut self, case: i64, targets: &mut Vec<String>) -> Result<()> {
        let sql = format!(
            "SELECT {}, (SELECT subject_ref FROM cases WHERE id = ?1) FROM job j \
             WHERE case_id = ?1 AND (state = 'failed' OR (state = 'done' AND verdict = 'no_principal')) \
             AND id = (SELECT max(id) FROM job k WHERE k.case_id = ?1 AND k.target = j.target AND k.state <> 'cancelled')",
            ContainingJob::COLUMNS
        );
        let jobs = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case's jobs"))?;
        for row in &jobs {
            let (finished, subject_ref) = (ContainingJob::read(row)?, row.read::<String>(7)?);
            self.requeue(case, &subject_ref, &finished, "linked").await?;
            if !targets.contains(&finished.target) {
                targets.push(finished.target);
            }
        }
        if !jobs.is_empty() {
            self.reopen_for_retry(case).await?;
        }
        Ok(())
    }
}
