//! What signals are held for: those of one cause wait under one hold, as long as it is open, and are one decision.

use revoked_trail::EntryKind;

use super::accept::Intake;
use super::open_case::NewCase;
use crate::model::CaseId;
use crate::policy::{STAYS, Work};
use crate::store::departures::concurrent_employments::BLOCKED;
use crate::store::{Result, StoreError, Tx};

/// The class of a hold over a whole delivery: it is never one decision with another delivery.
const WHOLE_DELIVERY: &str = "delivery_limit";

/// The holds that the signals of one delivery came under: one for each class, and where they are not the delivery's own for each cause.
#[derive(Debug, Default)]
pub(in crate::store) struct Placed(Vec<(&'static str, Option<String>, i64)>);

impl Placed {
    fn of(&self, class: &str, words: Option<&str>) -> Option<i64> {
        let mut holds = self.0.iter();
        let found = holds.find(|(placed, said, _)| *placed == class && said.as_deref() == words);
        found.map(|(.., hold)| *hold)
    }

    /// The first of them.
    pub(in crate::store) fn first(&self) -> Option<i64> {
        self.0.first().map(|(.., hold)| *hold)
    }
}

impl Tx<'_> {
    /// Opens a case that waits for a human, or joins the signal to one that does.
    ///
    /// What waits for one cause, as long as it waits, is one decision: a source and its class and words. A file and whatever else came as a
    /// batch stays apart, so that a bad one can be rejected alone.
    pub(in crate::store) async fn hold_signal(
        &mut self,
        intake: &mut Intake<'_>,
        new: &NewCase<'_>,
        (class, why): (&'static str, &str),
        work: &Work,
    ) -> Result<CaseId> {
        let source = &new.delivery.source;
        let alone = new.batch.is_some() || class == BLOCKED.0 || class == WHOLE_DELIVERY;
        let words = (!alone).then(|| why.to_owned());
        let known = match (intake.holds.of(class, words.as_deref()), &words) {
            (None, Some(words)) => self.open_hold(source, class, words).await?,
            (placed, _) => placed,
        };
        let hold = match known {
            Some(hold) => hold,
            None => self.place_hold(class, why, source, new.batch).await?,
        };
        let case = self.open_case(intake, new, work, Some(hold)).await?;
        let under = self.hold_of_held(case.0).await?.unwrap_or(hold);
        if known.is_none() && under != hold {
            // The person waits for a decision already: nothing came under the new hold, and nobody has seen it.
            self.drop_hold(hold).await?;
        } else if intake.holds.of(class, words.as_deref()).is_none() {
            intake.holds.0.push((class, words, hold));
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
        self.record(&entry.detail(serde_json::json!({ "hold": under, "class": class, "why": why })));
        let summary = format!("signals of source {source} wait for a decision: {why} (revoked hold show {under})");
        self.raise("hold", &format!("hold:{under}"), &summary, None).await?;
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

    /// Takes back a hold that was placed in this transaction, and that nothing came under.
    async fn drop_hold(&mut self, id: i64) -> Result<()> {
        sqlx::query("DELETE FROM hold WHERE id = ? AND NOT EXISTS (SELECT 1 FROM cases c WHERE c.hold = hold.id)")
            .bind(id)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("taking an empty hold back"))?;
        Ok(())
    }
}
