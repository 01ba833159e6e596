//! Proxies by way of which requests come and which the config does not name: an observation, for `revoked check`.
//!
//! It changes nothing for anybody, so it leaves no entry in the trail.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, written};
use crate::store::{Result, Store, StoreError};

/// Where they lie among what sources keep: under a name that no source can have.
const PLACE: (&str, &str) = ("[listen]", "unnamed_proxy");
/// For how long one is remembered that nothing comes by any more.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// A proxy that the config does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnnamedProxy {
    /// Its address.
    pub address: IpAddr,
    /// How many requests came by way of it.
    pub requests: u64,
    /// When the last ones came, within 15 s.
    pub last_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Body {
    requests: u64,
    last_at: i64,
}

impl Store {
    /// Notes how many more requests came by way of each.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn note_proxies(&self, seen: BTreeMap<IpAddr, u64>) -> Result<()> {
        if seen.is_empty() {
            return Ok(());
        }
        let known = self.unnamed_proxies().await?;
        self.write(move |tx| {
            Box::pin(async move {
                for (address, requests) in seen {
                    let before = known.iter().find(|proxy| proxy.address == address);
                    let body = Body {
                        requests: before.map_or(0, |proxy| proxy.requests).saturating_add(requests),
                        last_at: tx.now.ms(),
                    };
                    sqlx::query("INSERT OR REPLACE INTO memory (source, drawer, key, body, changed_at) VALUES (?, ?, ?, ?, ?)")
                        .bind(PLACE.0)
                        .bind(PLACE.1)
                        .bind(address.to_string())
                        .bind(written("what is known of a proxy", &body)?)
                        .bind(tx.now.ms())
                        .execute(&mut *tx.conn)
                        .await
                        .map_err(StoreError::sql("noting a proxy"))?;
                }
                sqlx::query("DELETE FROM memory WHERE source = ? AND drawer = ? AND changed_at < ?")
                    .bind(PLACE.0)
                    .bind(PLACE.1)
                    .bind(tx.now.minus(KEPT).ms())
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("forgetting a proxy"))?;
                Ok(())
            })
        })
        .await
    }

    /// Those by way of which something came within 30 days, by address.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unnamed_proxies(&self) -> Result<Vec<UnnamedProxy>> {
        let rows = sqlx::query("SELECT key, body FROM memory WHERE source = ? AND drawer = ? AND changed_at >= ? ORDER BY key")
            .bind(PLACE.0)
            .bind(PLACE.1)
            .bind(self.clock().now().minus(KEPT).ms())
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading which proxies are not named"))?;
        Ok(rows
            .iter()
            .filter_map(|row| {
                let body: Body = serde_json::from_str(row.read(1).ok()?).ok()?;
                Some(UnnamedProxy {
                    address: row.read::<&str>(0).ok()?.parse().ok()?,
                    requests: body.requests,
                    last_at: Timestamp::from_ms(body.last_at),
                })
            })
            .collect())
    }
}
