//! How many people are known, and how many compromises each operator has asked for: what shares and the operators' limit are compared with.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Delivery;
use crate::policy::{Class, INBOX, Policy, counts_as_compromise};
use crate::store::columns::Columns as _;
use crate::store::{Result, Store, StoreError, Tx};

/// How many people are known, by counters alone: as many as the largest of the HR sources employs, or those whose names are linked without those
/// whose departure was carried out, whichever is more.
const POPULATION: &str = "SELECT max(coalesce((SELECT max(n) FROM population WHERE what = 'employed'), 0), \
     coalesce((SELECT n FROM population WHERE what = 'linked' AND about = ''), 0) \
     - coalesce((SELECT n FROM tally WHERE what = 'departure' AND word = 'executed' AND about = ''), 0))";

/// How many compromises each of some operators has asked for since an instant that were acted on. Its index is `signal_window`.
const BY_OPERATOR: &str = "SELECT requested_by, count(*) FROM signal INDEXED BY signal_window \
     WHERE decision = 'act' AND moves = 0 AND source = $1 AND reason = 'compromised' AND received_at > $2 \
     AND requested_by IN (SELECT value FROM json_each($3)) GROUP BY requested_by";

fn count(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

impl Store {
    /// How many people are known to be here: what a share of them is counted by.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn population(&self) -> Result<usize> {
        let known: i64 = sqlx::query_scalar(POPULATION)
            .fetch_one(self.readers())
            .await
            .map_err(StoreError::sql("reading how many people are known"))?;
        Ok(count(known))
    }

    /// How many compromises an operator has asked for within the window that were acted on.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn recently_asked_by(&self, operator: &str) -> Result<usize> {
        let row = sqlx::query(BY_OPERATOR)
            .bind(INBOX)
            .bind(self.clock().now().minus(Class::Compromises.window()).ms())
            .bind(serde_json::json!([operator]).to_string())
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("counting what an operator has asked for"))?;
        row.map_or(Ok(0), |row| Ok(count(row.read(1)?)))
    }
}

impl Tx<'_> {
    /// How many people are known, where a limit of the source is a share of them.
    pub(super) async fn population_for(&mut self, policy: &Policy, source: &str) -> Result<usize> {
        let limits = policy.limits_of(source);
        if !Class::ALL.into_iter().any(|class| limits.has_share(class)) {
            return Ok(0);
        }
        let known: i64 = sqlx::query_scalar(POPULATION)
            .fetch_one(&mut *self.conn)
            .await
            .map_err(StoreError::sql("reading how many people are known"))?;
        Ok(count(known))
    }

    /// How many compromises each operator behind a delivery has asked for within the window, where there is a limit on that.
    pub(super) async fn recent_by_operator(
        &mut self,
        policy: &Policy,
        delivery: &Delivery,
        fresh: &[usize],
    ) -> Result<BTreeMap<String, usize>> {
        if delivery.source != INBOX || policy.limits_of(INBOX).compromises_per_operator.is_none() {
            return Ok(BTreeMap::new());
        }
        let signals = fresh
            .iter()
            .map(|n| &delivery.signals[*n])
            .filter(|signal| counts_as_compromise(signal));
        let operators: BTreeSet<&String> = signals.filter_map(|signal| signal.requested_by.as_ref()).collect();
        let mut asked: BTreeMap<String, usize> = operators.iter().map(|operator| ((*operator).clone(), 0)).collect();
        if asked.is_empty() {
            return Ok(asked);
        }
        let rows = sqlx::query(BY_OPERATOR)
            .bind(INBOX)
            .bind(self.now.minus(Class::Compromises.window()).ms())
            .bind(
                operators
                    .iter()
                    .map(|operator| operator.as_str())
                    .collect::<serde_json::Value>()
                    .to_string(),
            )
            .fetch_all(&mut *self.conn)
            .await
            .map_err(StoreError::sql("counting what operators have asked for"))?;
        for row in &rows {
            asked.insert(row.read(0)?, count(row.read(1)?));
        }
        Ok(asked)
    }
}
