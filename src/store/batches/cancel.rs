//! Calling off what of a batch has not ended.

use serde::Serialize;
use tokio::time::Instant;

use crate::model::Actor;
use crate::store::cases::call_off::CalledOff;
use crate::store::{Result, Store, StoreError};

/// How many cases one transaction calls off: what is urgent gets its turn between two of them.
const AT_ONCE: usize = 50;

/// What was called off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BatchCalledOff {
    /// How many cases.
    pub cases: usize,
    /// How many are left, where it took too long: ask again.
    pub left: usize,
}

impl Store {
    /// Calls off what of a batch has not ended, case by case, until then. What was done stays done. With the last of it a pause of the batch ends.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where there is no such batch, or people of it have no case yet; and where the store cannot be written.
    pub async fn cancel_batch(&self, key: &str, by: &Actor, why: &str, until: Option<Instant>) -> Result<BatchCalledOff> {
        let progress = self.batch_counts(key).await?;
        if progress.new > 0 {
            return Err(StoreError::Refused(format!(
                "{} people of it have no case yet: call it off once they have",
                progress.new
            )));
        }
        let cases = self.unfinished_of_batch(key).await?;
        let mut off = BatchCalledOff::default();
        for (n, part) in cases.chunks(AT_ONCE).enumerate() {
            if until.is_some_and(|until| Instant::now() >= until) {
                off.left = cases.len() - n * AT_ONCE;
                return Ok(off);
            }
            off.cases += self.call_off_together(part.to_vec(), by, why).await?;
        }
        if progress.paused.is_some() {
            let note = Some("the rest of it was called off".to_owned());
            match self.resume_batch(key, by.clone(), note).await {
                // Somebody has let it go on meanwhile.
                Ok(_) | Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(off)
    }

    async fn call_off_together(&self, cases: Vec<i64>, by: &Actor, why: &str) -> Result<usize> {
        let (by, why) = (by.clone(), why.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let mut ended = 0;
                for case in cases {
                    tx.cancel_departures(case, &by, &why).await?;
                    // One that has ended meanwhile is none.
                    ended += usize::from(tx.call_off_case(case, &by, &why).await? != CalledOff::default());
                }
                Ok(ended)
            })
        })
        .await
    }

    /// The keys of the batches whose ids begin so, at most three.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn batches_called(&self, beginning: &str) -> Result<Vec<String>> {
        let key = beginning.replacen('-', ":", 1);
        // What follows every digit and colon.
        sqlx::query_scalar(
            "SELECT DISTINCT set_key FROM inbox WHERE set_key >= $1 AND set_key < $1 || 'g' ORDER BY set_key LIMIT 3",
        )
        .bind(key)
        .fetch_all(self.readers())
        .await
        .map_err(StoreError::sql("looking for a batch"))
    }
}
