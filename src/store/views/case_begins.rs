//! Since when there is something to do about a case: its signal was received, its day has come, or somebody has approved it.

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError, TrailFilter};

/// How many approvals of one case are looked at.
const APPROVALS: u32 = 1000;

/// Since when a case is known, and since when it may be acted on: what lies between was somebody's decision, or its day was still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseBegins {
    /// When its first signal was received.
    pub received_at: Timestamp,
    /// Since when it may be acted on.
    pub at: Timestamp,
    /// When it was approved, where it was held and that came before its first revoke.
    pub approved_at: Option<Timestamp>,
}

impl CaseBegins {
    /// Whether it was its approval that came last.
    #[must_use]
    pub fn is_by_approval(&self) -> bool {
        self.approved_at == Some(self.at) && self.at > self.received_at
    }
}

impl Store {
    /// Since when there is something to do about a case: its first signal was received, the day has come that it waited for, or it was approved.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn case_begins(&self, case: i64) -> Result<CaseBegins> {
        let row = sqlx::query(
            "SELECT c.received_at, max(coalesce((SELECT max(d.acts_at) FROM departure d WHERE d.case_id = c.id), 0), \
                    coalesce((SELECT min(i.act_at) FROM inbox i WHERE i.case_id = c.id), 0)), c.first_revoke_at, c.hold FROM cases c \
             WHERE c.id = $1",
        )
        .bind(case)
        .fetch_optional(self.readers())
        .await
        .map_err(StoreError::sql("looking since when a case is at work"))?
        .ok_or(StoreError::NotFound { what: "case", id: case })?;
        let received_at = Timestamp::from_ms(row.read(0)?);
        // What was done before an instant did not wait for it.
        let first_revoke = time_at(&row, 2).ok().flatten();
        let before = |at: &Timestamp| first_revoke.is_none_or(|first| *at <= first);
        let approved_at = if row.is_null(3) {
            None
        } else {
            self.approvals(case).await?.into_iter().filter(before).max()
        };
        let due = time_at(&row, 1).ok().flatten().filter(before);
        let at = [Some(received_at), due, approved_at].into_iter().flatten().max();
        Ok(CaseBegins {
            received_at,
            at: at.unwrap_or(received_at),
            approved_at,
        })
    }

    /// When jobs of a case were let go on: each by itself, since a hold may be decided in parts.
    async fn approvals(&self, case: i64) -> Result<Vec<Timestamp>> {
        let let_go_on = TrailFilter {
            case: Some(case),
            kind: Some("job.enqueued".to_owned()),
            limit: APPROVALS,
            newest: true,
            ..TrailFilter::default()
        };
        let entries = self.trail_search(&let_go_on).await?;
        let entries = entries
            .iter()
            .filter_map(|row| serde_json::from_str::<serde_json::Value>(&row.body).ok());
        let by_a_decision = entries.filter(|entry| !entry["detail"]["hold"].is_null());
        Ok(by_a_decision
            .filter_map(|entry| entry["at"].as_i64())
            .map(Timestamp::from_ms)
            .collect())
    }
}
