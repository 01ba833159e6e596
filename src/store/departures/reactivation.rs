//! Reactivation: a source says that somebody whom it had reported as gone is active again.
//!
//! What was done stays done; what has not happened yet, and is asked for by that source alone, is called off. Where others asked for it too, a
//! human is told.

use crate::model::{Actor, CaseId, Reason, Subject, Timestamp};
use crate::policy::{Class, STAYS};
use crate::store::columns::{Columns as _, written};
use crate::store::identity::references::{REFERENCES, json_of};
use crate::store::queue::accept_context::DecidedSignal;
use crate::store::{Result, StoreError, Tx};

impl Tx<'_> {
    /// What a signal that somebody is active again leads to, in words for its receipt; `why` where it leads to nothing.
    pub(in crate::store) async fn apply_reactivation(&mut self, new: &DecidedSignal<'_>, why: String) -> Result<String> {
        let names = new.identity.own_names().clone();
        let said_at = new.signal.occurred_at;
        let (called_off, noted) = self
            .call_off_reactivated(&new.delivery.source, names.names(), said_at)
            .await?;
        if called_off + noted == 0 {
            return Ok(why);
        }
        let mut words = Vec::new();
        if called_off > 0 {
            words.push(format!(
                "the person is active again: called off what has not happened yet (cases: {called_off})"
            ));
        }
        if noted > 0 {
            words.push(format!(
                "others asked for the same, which waits for a decision (cases: {noted})"
            ));
        }
        let why = words.join("; ");
        sqlx::query("UPDATE signal SET why = ? WHERE id = ?")
            .bind(&why)
            .bind(new.signal_id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("keeping what a signal led to"))?;
        Ok(why)
    }

    /// Calls off what has not happened yet about somebody with these names, sweeps too, where it is on the word of `source` alone, unless that
    /// was said after `said_at`. Answers how many cases that were, and about how many a human was told instead.
    pub(in crate::store) async fn call_off_reactivated(
        &mut self,
        source: &str,
        names: &[Subject],
        said_at: Option<Timestamp>,
    ) -> Result<(usize, usize)> {
        let reasons: Vec<&str> = Class::Departures.reasons().map(Reason::word).collect();
        let sql = format!(
            "SELECT c.id, \
                    EXISTS (SELECT 1 FROM signal s WHERE s.case_id = c.id AND NOT (s.reason IN (SELECT value FROM json_each(?3)) \
                        AND (s.source = ?2 OR s.source IN (SELECT source FROM reactivation r WHERE r.case_id = c.id)))) \
                    OR EXISTS (SELECT 1 FROM departure d WHERE d.case_id = c.id AND d.state IN ('planned', 'held', 'blocked')) \
                    OR EXISTS (SELECT 1 FROM departure_change h WHERE h.case_id = c.id) \
             FROM cases c INDEXED BY cases_by_subject WHERE c.subject_ref IN ({REFERENCES}) AND c.called_off_at IS NULL \
             AND EXISTS (SELECT 1 FROM job j WHERE j.case_id = c.id AND j.state IN ('scheduled', 'queued', 'running', 'held', 'failed')) \
             AND EXISTS (SELECT 1 FROM signal s WHERE s.case_id = c.id AND s.source = ?2 AND s.reason IN (SELECT value FROM json_each(?3)) \
                 AND NOT coalesce(s.occurred_at > ?4, 0)) ORDER BY c.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json_of(names))
            .bind(source)
            .bind(written("reasons", &reasons)?)
            .bind(said_at.map(Timestamp::ms))
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for what waits about a person"))?;
        let (by, why) = (
            Actor::source(source),
            format!("source {source} says that the person is active again"),
        );
        let (mut called_off, mut noted) = (0, 0);
        for row in &rows {
            let (case, shared): (i64, bool) = (row.read(0)?, row.read(1)?);
            if shared {
                noted += usize::from(self.note_reactivated(case, source).await?);
            } else {
                self.call_off_case(case, &by, &why).await?;
                called_off += 1;
                if self.has_acted(case).await? {
                    let how = if self.has_suspended(case).await? {
                        format!("revoked release {case} undoes the suspension")
                    } else {
                        format!("revoked case show {case} says what was done")
                    };
                    let summary = format!("{why}, whose departure was carried out; nothing is undone by itself; {how}");
                    self.raise_alert("rescinded_too_late", &format!("case:{case}"), &summary, Some(case))
                        .await?;
                }
            }
        }
        Ok((called_off, noted))
    }

    /// Whether anything was changed at a target for a case.
    async fn has_acted(&mut self, case: i64) -> Result<bool> {
        // An intent that was stored with its signal may turn out to be for nobody.
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM action a JOIN job j ON j.id = a.job_id WHERE j.case_id = $1 AND a.outcome IS NOT 'not_sent')",
        )
            .bind(case)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking whether a case has begun"))
    }

    /// Keeps for whoever decides about a held case that `source` has said since that the person is active. Answers whether it is held.
    pub(super) async fn note_reactivated(&mut self, case: i64, source: &str) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO reactivation (case_id, source, at) SELECT id, ?2, ?3 FROM cases WHERE id = ?1 AND state = 'held' \
             ON CONFLICT (case_id, source) DO UPDATE SET at = ?3",
        )
        .bind(case)
        .bind(source)
        .bind(self.now.ms())
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("keeping that a person is active again"))?;
        Ok(done.rows_affected() > 0)
    }

    /// The same source has reported the person as gone once more.
    pub(in crate::store) async fn forget_reactivated(&mut self, case: i64, source: &str) -> Result<()> {
        sqlx::query("DELETE FROM reactivation WHERE case_id = ? AND source = ?")
            .bind(case)
            .bind(source)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("forgetting that a person was active again"))?;
        Ok(())
    }

    /// Where `case` is about the end of the person's last record at its source, what waited since another record stood is over. A file's rows are
    /// about employments, which have their own way of waiting.
    pub(in crate::store) async fn call_off_superseded(&mut self, new: &DecidedSignal<'_>, case: CaseId) -> Result<()> {
        if new.delivery.name.is_some() || Class::of(new.signal.reason) != Some(Class::Departures) {
            return Ok(());
        }
        let sql = format!(
            "SELECT c.id FROM cases c INDEXED BY cases_live JOIN hold h ON h.id = c.hold \
             WHERE c.subject_ref IN ({REFERENCES}) AND c.state IN ('open', 'held') AND c.state = 'held' AND h.state = 'open' AND h.why = ?2 AND h.source = ?3 ORDER BY c.id"
        );
        let cases: Vec<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(json_of(new.identity.own_names().names()))
            .bind(STAYS)
            .bind(&new.delivery.source)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("looking for what waits about a person"))?;
        let why = format!("the person's last record has ended: case {case} is about it");
        for case in cases {
            self.call_off_case(case, &Actor::Daemon, &why).await?;
        }
        Ok(())
    }
}
