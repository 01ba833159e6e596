//! Places holds: signals of one cause wait under one hold, as long as it is open, and are one decision.

use revoked_trail::EntryKind;

use super::accept_context::{AcceptContext, DecidedSignal};
use crate::model::{CaseId, HeldFor, Job};
use crate::policy::{GROUP, PRINCIPAL, STAYS, Work};
use crate::store::columns::Columns as _;
use crate::store::{Result, StoreError, Tx};

/// The class and the words of a hold over a departure that is blocked: they name nobody.
pub(in crate::store) const OTHER_EMPLOYMENT: (&str, &str) = ("employment", "another employment of the same person has not ended");

/// The class of a hold over a whole delivery: it is never one decision with another delivery.
pub(super) const WHOLE_DELIVERY: &str = "delivery_limit";

impl Tx<'_> {
    /// Opens a case that waits for a human, or joins the signal to one that does.
    ///
    /// What waits for one cause, as long as it waits, is one decision: a source and its class and words. A file and whatever else came as a
    /// batch stays apart, so that a bad one can be rejected alone.
    pub(super) async fn hold_signal(
        &mut self,
        context: &mut AcceptContext<'_>,
        new: &DecidedSignal<'_>,
        (class, why, held_for): (&'static str, &str, Option<&HeldFor>),
        work: &Work,
    ) -> Result<CaseId> {
        let source = &new.delivery.source;
        let alone = new.batch.is_some() || class == OTHER_EMPLOYMENT.0 || class == WHOLE_DELIVERY;
        // Each group has its own: not everybody may decide about all of them.
        let words = (!alone || class == GROUP).then(|| why.to_owned());
        let known = match (context.holds.of(class, words.as_deref()), &words) {
            (None, Some(words)) if !alone => self.open_hold(source, class, words).await?,
            (placed, _) => placed,
        };
        let hold = match known {
            Some(hold) => hold,
            None => self.place_hold(class, why, source, new.batch, held_for).await?,
        };
        let case = self.open_case(context, new, work, Some(hold)).await?;
        let under = self.current_hold(case.0).await?.unwrap_or(hold);
        self.ask_for_more(under, held_for).await?;
        if known.is_none() && under != hold {
            // The person waits for a decision already: nothing came under the new hold, and nobody has seen it.
            self.drop_hold(hold).await?;
        } else if context.holds.of(class, words.as_deref()).is_none() {
            context.holds.push(class.to_owned(), words, hold);
        }
        self.forget_reactivated(case.0, source).await?;
        if class == STAYS {
            sqlx::query("UPDATE cases SET named_only = 1 WHERE id = ?")
                .bind(case.0)
                .execute(&mut *self.conn)
                .await
                .map_err(StoreError::sql("keeping that a case is about one record"))?;
        }
        let entry = new.entry(EntryKind::HoldPlaced).case(case.0);
        let mut detail = serde_json::json!({ "hold": under, "class": class, "why": why });
        if let Some(HeldFor { group, approvals }) = held_for {
            detail["group"] = group.as_str().into();
            detail["approvals"] = (*approvals).into();
        }
        self.record(&entry.detail(detail));
        let summary = format!("signals of source {source} wait for a decision: {why}");
        self.raise_alert("hold", &format!("hold:{under}"), &summary, None).await?;
        Ok(case)
    }

    /// The open hold that what a source sends for this cause comes under.
    async fn open_hold(&mut self, source: &str, class: &str, words: &str) -> Result<Option<i64>> {
        sqlx::query_scalar(
            "SELECT id FROM hold INDEXED BY hold_open WHERE state = 'open' AND source = ? AND why = ? AND detail = ? AND batch IS NULL \
             ORDER BY id LIMIT 1",
        )
        .bind(source)
        .bind(class)
        .bind(words)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking for an open hold"))
    }

    /// What comes under a hold that waits already is decided by as many persons as its group asks for now, and with it all that waits there.
    async fn ask_for_more(&mut self, hold: i64, held_for: Option<&HeldFor>) -> Result<()> {
        let Some(HeldFor { group, approvals }) = held_for else {
            return Ok(());
        };
        sqlx::query("UPDATE hold SET approvals = $1, people_group = $2 WHERE id = $3 AND approvals < $1")
            .bind(approvals)
            .bind(group)
            .bind(hold)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("asking for more approvals of a hold"))?;
        Ok(())
    }

    /// Takes back a hold that was placed in this transaction, and that nothing came under.
    async fn drop_hold(&mut self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM hold WHERE id = ? AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.hold = hold.id)")
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking an empty hold back"))?;
        Ok(())
    }

    /// Places an open hold and answers its number. The caller records what came under it.
    pub(in crate::store) async fn place_hold(
        &mut self,
        why: &str,
        detail: &str,
        source: &str,
        batch: Option<i64>,
        held_for: Option<&HeldFor>,
    ) -> Result<i64> {
        let done = sqlx::query(
            "INSERT INTO hold (why, detail, source, batch, placed_at, people_group, approvals) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(why)
        .bind(detail)
        .bind(source)
        .bind(batch)
        .bind(self.now.ms())
        .bind(held_for.map(|held| &held.group))
        .bind(held_for.map_or(1, |held| held.approvals))
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("placing a hold"))?;
        Ok(done.last_insert_rowid())
    }

    /// An attempt found that a human must decide: the case comes under the open hold of its source and cause, or a new one. What came as a
    /// batch stays apart here too.
    pub(super) async fn hold_case(&mut self, job: &Job, why: &str, held_for: Option<&HeldFor>) -> Result<()> {
        let row = sqlx::query("SELECT source, batch IS NOT NULL FROM cases WHERE id = ?")
            .bind(job.case.0)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading a case"))?;
        let (source, in_batch): (String, bool) = (row.read(0)?, row.read(1)?);
        let known = if in_batch {
            None
        } else {
            self.open_hold(&source, PRINCIPAL, why).await?
        };
        let hold = match known {
            Some(hold) => hold,
            None => self.place_hold(PRINCIPAL, why, &source, None, held_for).await?,
        };
        self.ask_for_more(hold, held_for).await?;
        sqlx::query("UPDATE cases SET state = 'held', hold = ?, verdict = NULL, closed_at = NULL WHERE id = ?")
            .bind(hold)
            .bind(job.case.0)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("holding a case"))?;
        let summary = format!("case {} waits for a decision: {why}", job.case);
        self.raise_alert("hold", &format!("hold:{hold}"), &summary, Some(job.case.0))
            .await
    }
}
