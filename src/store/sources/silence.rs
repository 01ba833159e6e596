//! Alerts about silent sources (missing heartbeat): one that should speak and has said nothing for too long.

use std::collections::BTreeMap;
use std::time::Duration;

use super::health::{HEALTH_ROWS, LastSeen, SourceHealth, health};
use crate::model::Timestamp;
use crate::store::{Listed, Result, Store, StoreError, Tx};

/// What an alert must be told of a source.
enum SilenceCheck {
    Fine,
    /// It spoke, or nobody expects it to speak any more.
    Ended,
    /// It has said nothing for this long, or for this long since the last alert.
    Silent(Duration),
}

impl SourceHealth {
    fn check(&self, expected: &BTreeMap<String, Duration>, now: Timestamp) -> SilenceCheck {
        let since = self.silent_since();
        match (expected.get(&self.source), self.alerted_at) {
            (None, None) => SilenceCheck::Fine,
            (None, Some(_)) => SilenceCheck::Ended,
            (Some(_), Some(alerted)) if since > alerted => SilenceCheck::Ended,
            (Some(patience), alerted) => {
                if now.since(alerted.unwrap_or(since)) >= *patience {
                    SilenceCheck::Silent(*patience)
                } else {
                    SilenceCheck::Fine
                }
            }
        }
    }
}

impl Store {
    /// Keeps the activity, and raises and ends the alerts about silence. `expected` says of each configured source how long it may say
    /// nothing. A silence that goes on alerts again after each further such time, and counts up.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn check_silence(&self, activity: BTreeMap<String, LastSeen>, expected: BTreeMap<String, Duration>) -> Result<()> {
        let now = self.clock().now();
        // Asked often: a minute in which nothing happened costs no commit.
        if activity.is_empty() {
            let sources = self.source_health().await?;
            if sources
                .iter()
                .all(|source| matches!(source.check(&expected, now), SilenceCheck::Fine))
            {
                return Ok(());
            }
        }
        self.write(move |tx| {
            Box::pin(async move {
                for (source, activity) in &activity {
                    tx.keep_last_seen(source, *activity).await?;
                }
                tx.check_silence(&expected).await
            })
        })
        .await
    }
}

impl Tx<'_> {
    async fn check_silence(&mut self, expected: &BTreeMap<String, Duration>) -> Result<()> {
        let rows = sqlx::query(HEALTH_ROWS).fetch_all(&mut *self.conn).await;
        let rows = rows.map_err(StoreError::sql("looking for silent sources"))?;
        for source in Listed::read("source_health", &rows, health)? {
            match source.check(expected, self.now) {
                SilenceCheck::Fine => {}
                SilenceCheck::Ended => self.end_silence(&source.source).await?,
                SilenceCheck::Silent(patience) => self.raise_silence(&source, patience).await?,
            }
        }
        Ok(())
    }

    async fn raise_silence(&mut self, source: &SourceHealth, patience: Duration) -> Result<()> {
        let name = &source.source;
        let what = match source.spoke_at {
            Some(at) => format!("has said nothing since {at}"),
            None => format!("has never said anything; it is known since {}", source.since),
        };
        let hours = patience.as_secs() / 3600;
        let bound = if hours > 0 {
            format!("{hours} h")
        } else {
            format!("{} m", patience.as_secs() / 60)
        };
        let summary = format!("source {name} {what}, and should speak every {bound} (silent_after): signals may be lost");
        self.raise_alert("source_silent", &format!("source:{name}"), &summary, None)
            .await?;
        sqlx::query("UPDATE source_health SET alerted_at = ? WHERE source = ?")
            .bind(self.now.ms())
            .bind(name)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("noting an alert about silence"))?;
        Ok(())
    }

    pub(super) async fn end_silence(&mut self, source: &str) -> Result<()> {
        sqlx::query("UPDATE source_health SET alerted_at = NULL WHERE source = ?")
            .bind(source)
            .execute(&mut *self.conn)
            .await
            .map_err(StoreError::sql("noting the end of a silence"))?;
        self.end_alert("source_silent", &format!("source:{source}")).await
    }
}
