//! The numbers of `status` and `/metrics`: counters that triggers keep in the transaction of each change, and the proof that they are right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::model::Timestamp;
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// The numbers that `status` and `/metrics` show. None of them takes longer to read the more rows there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Jobs by state.
    pub jobs: BTreeMap<String, i64>,
    /// Cases by state.
    pub cases: BTreeMap<String, i64>,
    /// Closed cases by verdict.
    pub verdicts: BTreeMap<String, i64>,
    /// Jobs in the could-not-revoke ledger.
    pub ledger: i64,
    /// When the oldest of them failed.
    pub ledger_oldest: Option<Timestamp>,
    /// Open alerts that nobody has acknowledged.
    pub alerts: i64,
    /// Open alerts that somebody looks after.
    pub acknowledged: i64,
    /// Open holds.
    pub holds: i64,
    /// Entries of the trail.
    pub trail: i64,
    /// The size of the newest signed checkpoint.
    pub signed: Option<i64>,
    /// When it was signed.
    pub signed_at: Option<Timestamp>,
    /// Targets that are paused, by the daemon or by an operator, with why.
    pub paused: BTreeMap<String, String>,
    /// Departures that wait for their day.
    pub planned: i64,
}

/// A counter that is not what the rows give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CounterDifference {
    /// What is counted: `job queued`, `outbox pending okta`.
    pub counter: String,
    /// What the counter says.
    pub kept: i64,
    /// What the rows give.
    pub counted: i64,
}

impl fmt::Display for CounterDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the counter says {}, and there are {}",
            self.counter, self.kept, self.counted
        )
    }
}

/// Counts everything anew that a counter is kept of.
const COUNTED: &str = "SELECT 'job', state, '', count(*) FROM job GROUP BY state \
     UNION ALL SELECT 'people', 'linked', '', count(DISTINCT person) FROM identity \
     UNION ALL SELECT 'people', 'employed', source, count(*) FROM employment WHERE state <> 'ended' GROUP BY source \
     UNION ALL SELECT 'case', state, '', count(*) FROM cases GROUP BY state \
     UNION ALL SELECT 'verdict', verdict, '', count(*) FROM cases WHERE verdict IS NOT NULL GROUP BY verdict \
     UNION ALL SELECT 'ledger', '', '', count(*) FROM job j JOIN cases c ON c.id = j.case_id \
                      WHERE j.state = 'failed' AND c.called_off_at IS NULL \
     UNION ALL SELECT 'departure', state, '', count(*) FROM departure GROUP BY state \
     UNION ALL SELECT 'outbox', state, receiver, count(*) FROM outbox GROUP BY state, receiver";

impl Store {
    /// The numbers of `status`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn counts(&self) -> Result<Counts> {
        let doing = || StoreError::sql("reading the status");
        let mut conn = self.readers().begin().await.map_err(doing())?;
        let mut counts = Counts::default();
        for (key, n) in kept(&mut conn, "SELECT what, word, about, n FROM tally WHERE what <> 'outbox'").await? {
            let (what, word, _) = key;
            match what.as_str() {
                "job" => drop(counts.jobs.insert(word, n)),
                "case" => drop(counts.cases.insert(word, n)),
                "verdict" => drop(counts.verdicts.insert(word, n)),
                "ledger" => counts.ledger = n,
                "departure" if matches!(word.as_str(), "planned" | "blocked") => counts.planned = counts.planned.saturating_add(n),
                _ => {}
            }
        }
        for tally in [&mut counts.jobs, &mut counts.cases, &mut counts.verdicts] {
            tally.retain(|_, n| *n != 0);
        }
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM alert WHERE cleared_at IS NULL AND acknowledged_at IS NULL), (SELECT count(*) FROM hold WHERE state = 'open'), \
                    (SELECT size FROM trail_head), (SELECT max(size) FROM checkpoint), \
                    (SELECT at FROM checkpoint ORDER BY size DESC LIMIT 1), \
                    (SELECT count(*) FROM alert WHERE cleared_at IS NULL AND acknowledged_at IS NOT NULL)",
        )
        .fetch_one(&mut *conn)
        .await
        .map_err(doing())?;
        counts.alerts = row.read(0)?;
        counts.holds = row.read(1)?;
        counts.acknowledged = row.read(5)?;
        counts.trail = row.read(2).unwrap_or_default();
        counts.signed = row.read(3).ok().flatten();
        // Numbers beside those that matter: one that cannot be read is shown as none.
        counts.signed_at = time_at(&row, 4).ok().flatten();
        // By the ledger's own index, oldest first: what was called off is passed over.
        let oldest = sqlx::query(
            "SELECT j.finished_at FROM job j WHERE j.state = 'failed' \
             AND EXISTS (SELECT 1 FROM cases c WHERE c.id = j.case_id AND c.called_off_at IS NULL) ORDER BY j.finished_at LIMIT 1",
        )
        .fetch_optional(&mut *conn)
        .await
        .map_err(doing())?;
        counts.ledger_oldest = oldest.as_ref().and_then(|row| time_at(row, 0).ok().flatten());
        let paused = sqlx::query("SELECT target, paused_why FROM lane WHERE paused_at IS NOT NULL")
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::sql("reading the lanes"))?;
        counts.paused = paused
            .iter()
            .map(|row| Ok((row.lossy(0)?, row.lossy(1)?)))
            .collect::<Result<_>>()?;
        for (target, pause) in self.paused_targets().await? {
            let why = counts.paused.entry(target).or_default();
            *why = match why.as_str() {
                "" => pause.sentence(),
                refused => format!("{}; {refused}", pause.sentence()),
            };
        }
        Ok(counts)
    }

    /// How many alerts of each kind are open.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_alerts_by_kind(&self) -> Result<BTreeMap<String, i64>> {
        let rows =
            sqlx::query("SELECT kind, count(*) FROM alert WHERE cleared_at IS NULL AND acknowledged_at IS NULL GROUP BY kind")
                .fetch_all(self.readers())
                .await
                .map_err(StoreError::sql("counting the alerts"))?;
        rows.iter().map(|row| Ok((row.lossy(0)?, row.read(1)?))).collect()
    }

    /// Counts everything anew, as of one instant, and answers the counters that say something else. Reads every row.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn wrong_counters(&self) -> Result<Vec<CounterDifference>> {
        let mut conn = self.readers().begin().await.map_err(StoreError::sql("counting anew"))?;
        let kept = kept(
            &mut conn,
            "SELECT what, word, about, n FROM tally UNION ALL SELECT 'people', what, about, n FROM population",
        )
        .await?;
        let counted = self::kept(&mut conn, COUNTED).await?;
        let keys: BTreeSet<&Key> = kept.keys().chain(counted.keys()).collect();
        let mut wrong: Vec<CounterDifference> = keys
            .into_iter()
            .map(|key| CounterDifference {
                counter: [key.0.as_str(), &key.1, &key.2].join(" ").trim_end().to_owned(),
                kept: kept.get(key).copied().unwrap_or(0),
                counted: counted.get(key).copied().unwrap_or(0),
            })
            .filter(|counter| counter.kept != counter.counted)
            .collect();
        // A block that is listed for a case and says nothing of it costs a reading; one that is missing hides entries.
        let row = sqlx::query(
            "SELECT count(*), coalesce(sum(EXISTS (SELECT 1 FROM trail_case t WHERE t.case_id = found.case_id AND t.block = found.block)), 0) \
             FROM (SELECT DISTINCT body ->> '$.case' AS case_id, seq / 256 AS block FROM trail \
                   WHERE json_valid(body) AND typeof(CASE WHEN json_valid(body) THEN body ->> '$.case' END) = 'integer') found",
        )
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::sql("counting anew"))?;
        let (counted, listed): (i64, i64) = (row.read(0)?, row.read(1)?);
        if counted != listed {
            wrong.push(CounterDifference {
                counter: "blocks of the trail listed for a case".to_owned(),
                kept: listed,
                counted,
            });
        }
        let (written, right) = Self::mentions_proved(&mut conn).await?;
        if written != right {
            wrong.push(CounterDifference {
                counter: "blocks of the trail whose jobs and subjects are written down".to_owned(),
                kept: written,
                counted: right,
            });
        }
        Ok(wrong)
    }
}

/// What is counted: the kind, the state or verdict, and the receiver for the outbox.
type Key = (String, String, String);

async fn kept(conn: &mut SqliteConnection, sql: &'static str) -> Result<BTreeMap<Key, i64>> {
    let rows = sqlx::query(sql).fetch_all(conn).await.map_err(StoreError::sql("counting"))?;
    let read = |row: &SqliteRow| Ok(((row.lossy(0)?, row.lossy(1)?, row.lossy(2)?), row.read(3).unwrap_or_default()));
    rows.iter().map(read).collect()
}
