//! Where in the trail an instant lies: entries stand in the order in which they were recorded, so it is found by halving.

use crate::model::Timestamp;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

impl Store {
    /// About where the entries from `at` on begin: a clock that was set back or forth makes it uncertain by what was recorded meanwhile.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trail_place_at(&self, at: Timestamp) -> Result<u64> {
        let doing = || StoreError::sql("looking for an instant in the trail");
        let mut conn = self.readers().acquire().await.map_err(doing())?;
        let size: Option<i64> = sqlx::query_scalar("SELECT size FROM trail_head WHERE id = 1")
            .fetch_optional(&mut *conn)
            .await
            .map_err(doing())?;
        let (mut low, mut high) = (0, size.unwrap_or_default());
        while low < high {
            let middle = low + (high - low) / 2;
            let row = sqlx::query("SELECT CASE WHEN json_valid(body) THEN body ->> '$.at' END FROM trail WHERE seq = $1")
                .bind(middle)
                .fetch_optional(&mut *conn)
                .await
                .map_err(doing())?;
            // What cannot be read counts as earlier: the search goes on behind it.
            let recorded: Option<i64> = row.and_then(|row| row.read(0).ok());
            if recorded.is_some_and(|recorded| recorded >= at.ms()) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(u64::try_from(low).unwrap_or_default())
    }
}
