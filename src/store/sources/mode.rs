//! Whether sources are acted on: what their config says is kept at each start, and a change of it stands in the trail.

use std::collections::BTreeMap;

use revoked_trail::{Entry, EntryKind, detail};

use crate::model::Actor;
use crate::policy::Mode;
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Keeps the modes of the sources as the config has them, with an entry for each that has changed: whoever asks later since when a source is
    /// acted on finds it there.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn keep_modes(&self, modes: BTreeMap<String, Mode>) -> Result<()> {
        self.write(move |tx| {
            Box::pin(async move {
                for (source, mode) in &modes {
                    let known = sqlx::query("SELECT mode FROM source_health WHERE source = $1")
                        .bind(source)
                        .fetch_optional(&mut *tx.conn)
                        .await
                        .map_err(StoreError::sql("reading the mode of a source"))?;
                    let before: String = match &known {
                        // One that cannot be read says nothing.
                        Some(row) => row.read(0).unwrap_or_default(),
                        None => Mode::Act.word().to_owned(),
                    };
                    if before == mode.word() {
                        continue;
                    }
                    sqlx::query(
                        "INSERT INTO source_health (source, since, mode, mode_since) VALUES ($1, $2, $3, $2) \
                         ON CONFLICT (source) DO UPDATE SET mode = excluded.mode, mode_since = excluded.mode_since",
                    )
                    .bind(source)
                    .bind(tx.now.ms())
                    .bind(mode.word())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("keeping the mode of a source"))?;
                    let detail = detail! { "source": source, "from": before, "to": mode.word() };
                    tx.record(&Entry::new(EntryKind::SourceModeChanged, Actor::Daemon).detail(detail));
                }
                Ok(())
            })
        })
        .await
    }
}
