//! Cancels a case (calling off): what is queued, held or swept ends, and what is at work stops before its next change.

use revoked_trail::{Entry, EntryKind};

use crate::model::{Actor, CaseId, Job};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// What ended with a case that was called off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct CalledOff {
    /// Jobs that will not start: sweeps, retries, what waited for its day or for a human.
    pub cancelled: usize,
    /// Jobs that are at work and stop before their next change.
    pub stopping: usize,
}

impl Store {
    /// Calls a case off on an operator's word. What was done stays done.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where nothing of it is queued, held, watched or at work.
    pub async fn call_off(&self, case: i64, by: Actor, note: Option<String>) -> Result<CalledOff> {
        self.write(move |tx| {
            Box::pin(async move {
                ensure_exists(&mut *tx.conn, case).await?;
                let why = note.as_deref().unwrap_or("an operator called it off");
                tx.cancel_departures(case, &by, why).await?;
                let ended = tx.call_off_case(case, &by, why).await?;
                if ended == CalledOff::default() {
                    return Err(StoreError::Refused(format!(
                        "nothing of case {case} is queued, held, watched or at work; what it has done stays done (revoked release {case} undoes a \
                         suspension)"
                    )));
                }
                Ok(ended)
            })
        })
        .await
    }

    /// Whether a case was called off, by whichever process, as the file says now. No commit waits for it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn called_off(&self, case: CaseId) -> Result<bool> {
        read_called_off(self.readers(), case.0).await
    }
}

impl Tx<'_> {
    /// Ends everything of a case that has not happened yet, its sweeps too. Nothing more is tried for it, the ledger's hourly try included.
    pub(in crate::store) async fn call_off_case(&mut self, case: i64, by: &Actor, why: &str) -> Result<CalledOff> {
        let row = sqlx::query(
            "SELECT count(*) FILTER (WHERE state IN ('scheduled', 'queued', 'held')), count(*) FILTER (WHERE state = 'running'), \
                    count(*) FILTER (WHERE state = 'failed') \
             FROM job WHERE case_id = ? AND kind <> 'release'",
        )
        .bind(case)
        .fetch_one(&mut *self.conn)
        .await
        .map_err(StoreError::sql("looking what of a case is open"))?;
        let count = |index: usize| Ok::<_, StoreError>(usize::try_from(row.read::<i64>(index)?).unwrap_or(0));
        let (cancelled, stopping, failed) = (count(0)?, count(1)?, count(2)?);
        if cancelled + stopping + failed == 0 {
            return Ok(CalledOff::default());
        }
        if !self.mark_called_off(case, by, why).await? && cancelled == 0 {
            return Ok(CalledOff::default());
        }
        self.record(
            &Entry::new(EntryKind::CaseCalledOff, by.clone())
                .case(case)
                .detail(serde_json::json!({ "why": why, "cancelled": cancelled, "stopping": stopping, "in_the_ledger": failed })),
        );
        let hold = self.current_hold(case).await?;
        if !self.cancel_case(case, by, why).await? {
            self.close_what_was_proved(case).await?;
        }
        if let Some(hold) = hold {
            self.end_empty_hold(hold, "rejected", by, why).await?;
        }
        let ledger: Vec<i64> = sqlx::query_scalar("SELECT id FROM job WHERE case_id = ? AND state = 'failed'")
            .bind(case)
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading the ledger"))?;
        for job in ledger {
            self.end_alert("could_not_revoke", &format!("job:{job}")).await?;
        }
        Ok(CalledOff {
            cancelled: cancelled + failed,
            stopping,
        })
    }

    /// The same where the word that the case was opened by holds no more: it is called off even where nothing of it is still to come, so that it
    /// asks for nothing and says so.
    pub(in crate::store) async fn call_off_whole(&mut self, case: i64, by: &Actor, why: &str) -> Result<()> {
        let ended = self.call_off_case(case, by, why).await?;
        if ended == CalledOff::default() && self.mark_called_off(case, by, why).await? {
            self.record(
                &Entry::new(EntryKind::CaseCalledOff, by.clone())
                    .case(case)
                    .detail(serde_json::json!({ "why": why, "cancelled": 0, "stopping": 0, "in_the_ledger": 0 })),
            );
        }
        Ok(())
    }

    /// Whether it was not so marked before.
    async fn mark_called_off(&mut self, case: i64, by: &Actor, why: &str) -> Result<bool> {
        let new = sqlx::query(
            "UPDATE cases SET called_off_at = ?, called_off_by = ?, called_off_why = ? WHERE id = ? AND called_off_at IS NULL",
        )
        .bind(self.now.ms())
        .bind(by.to_string())
        .bind(why)
        .bind(case)
        .execute(&mut *self.conn)
        .await
        .map_err(StoreError::sql("calling a case off"))?;
        Ok(new.rows_affected() > 0)
    }

    /// Whether nothing more is to be done for a case.
    pub(in crate::store) async fn is_called_off(&mut self, case: i64) -> Result<bool> {
        read_called_off(&mut *self.conn, case).await
    }

    /// The job that was at work when its case was called off has stopped.
    pub(in crate::store) async fn close_called_off(&mut self, job: &Job) -> Result<()> {
        if !self
            .cancel_case(job.case.0, &Actor::Daemon, "its last job has stopped")
            .await?
        {
            self.close_what_was_proved(job.case.0).await?;
        }
        Ok(())
    }
}

async fn read_called_off<'e>(executor: impl sqlx::SqliteExecutor<'e>, case: i64) -> Result<bool> {
    sqlx::query_scalar("SELECT called_off_at IS NOT NULL FROM cases WHERE id = ?")
        .bind(case)
        .fetch_one(executor)
        .await
        .map_err(StoreError::sql("looking whether a case was called off"))
}

/// Fails where there is no such case.
pub(super) async fn ensure_exists<'e>(executor: impl sqlx::SqliteExecutor<'e>, case: i64) -> Result<()> {
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM cases WHERE id = ?)")
        .bind(case)
        .fetch_one(executor)
        .await
        .map_err(StoreError::sql("reading a case"))?;
    if there {
        Ok(())
    } else {
        Err(StoreError::NotFound { what: "case", id: case })
    }
}
