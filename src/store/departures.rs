//! HR plans: kept as wall date and zone, so that a change of the zone's rules moves the instant.

use super::{Result, StoreError, Tx};
use crate::audit::{Entry, EntryKind};
use crate::model::Actor;

impl Tx<'_> {
    /// Marks the plan behind a case as executed once the first of its jobs is due.
    pub(super) async fn departure_is_due(&mut self, case: i64) -> Result<()> {
        let fired: Option<i64> = sqlx::query_scalar(
            "UPDATE departure SET state = 'executed', changed_at = ?1 WHERE case_id = ?2 AND state = 'planned' RETURNING fire_at",
        )
        .bind(self.now.ms())
        .bind(case)
        .fetch_optional(&mut *self.conn)
        .await
        .map_err(StoreError::sql("executing a departure"))?;
        if let Some(fire_at) = fired {
            let late = self.now.ms().saturating_sub(fire_at);
            self.record(
                &Entry::new(EntryKind::DepartureExecuted, Actor::Daemon)
                    .case(case)
                    .detail(serde_json::json!({ "fire_at": fire_at, "late_ms": late, "late": late > 60_000 })),
            );
        }
        Ok(())
    }
}
