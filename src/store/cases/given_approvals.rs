//! Which of the holds that wait have the first of two approvals already, for lists of them.

use super::held_set::combined;
use super::holds::{GivenApproval, Hold};
use super::two_persons::counts_from;
use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Listed, Result, Store, StoreError};

impl Store {
    /// As [`Store::holds`], each with the first of two approvals where it was given and still is about what waits there.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn holds_with_approvals(&self, all: bool) -> Result<Listed<Hold>> {
        let mut holds = self.holds(all).await?;
        let now = self.clock().now();
        let doing = || StoreError::sql("looking for first approvals");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        let rows = sqlx::query(
            "SELECT set_hash, holds, except_cases, by, at FROM hold_approval WHERE state = 'open' AND at > $1 ORDER BY id",
        )
        .bind(counts_from(now).ms())
        .fetch_all(&mut *conn)
        .await
        .map_err(doing())?;
        for row in &rows {
            let numbers = |index: usize| -> Result<Vec<i64>> { Ok(serde_json::from_str(&row.lossy(index)?).unwrap_or_default()) };
            let (of, except) = (numbers(1)?, numbers(2)?);
            let is_listed = |hold: &Hold| hold.state == "open" && of.contains(&hold.id);
            if !holds.rows.iter().any(is_listed) {
                continue;
            }
            // What has changed since is approved by nobody.
            match combined(&mut conn, &of, &except, now).await {
                Ok(covered) if covered.set == row.lossy(0)? => {}
                Ok(_) | Err(StoreError::Refused(_) | StoreError::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            }
            for hold in holds.rows.iter_mut().filter(|hold| is_listed(hold)) {
                hold.first_approval = Some(GivenApproval {
                    by: row.lossy(3)?,
                    at: Timestamp::from_ms(row.read(4)?),
                    in_part: !except.is_empty(),
                });
            }
        }
        Ok(holds)
    }
}
