//! Targets that an operator has paused: kept durably, so that a restart does not forget it, and apart from the pause of a lane, which the daemon
//! makes and ends by itself.

use std::collections::{BTreeMap, BTreeSet};

use revoked_trail::{Entry, EntryKind};
use serde::Serialize;

use crate::model::{Actor, Timestamp};
use crate::store::columns::{Columns as _, time_at};
use crate::store::{Result, Store, StoreError};

/// An operator's word that nothing is sent to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TargetPause {
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why.
    pub note: String,
}

impl TargetPause {
    /// Who paused the target and why, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("by {}: {}", self.by, self.note)
    }
}

/// How a target stands by the store's word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TargetState {
    /// Its name in the config.
    pub target: String,
    /// An operator's pause.
    pub paused: Option<TargetPause>,
    /// Why the daemon has paused its lane: our credential is refused, or a permission is missing.
    pub refused: Option<String>,
    /// Since when.
    pub refused_since: Option<Timestamp>,
    /// Why it counts as down.
    pub down: Option<String>,
    /// Since when.
    pub down_since: Option<Timestamp>,
    /// When it next takes a call, where it has asked us to wait.
    pub next_permit_at: Option<Timestamp>,
    /// Jobs at work.
    pub running: i64,
    /// Jobs that wait in the queue.
    pub waiting: i64,
    /// When the oldest of them was put there.
    pub oldest_waiting: Option<Timestamp>,
}

impl Store {
    /// Pauses a target on an operator's word: a running daemon sends it nothing more within a second, urgent work waits too, and a restart
    /// changes nothing about it.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it is paused already.
    pub async fn pause_target(&self, target: &str, by: Actor, note: String) -> Result<()> {
        let target = target.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let before = sqlx::query("SELECT at, by, note FROM target_pause WHERE target = ?")
                    .bind(&target)
                    .fetch_optional(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("reading whether a target is paused"))?;
                if let Some(row) = before {
                    let (since, by, note) = (Timestamp::from_ms(row.read(0)?), row.lossy(1)?, row.lossy(2)?);
                    return Err(StoreError::Refused(format!(
                        "target {target} was paused by {by} at {since} ({note}); to let it go on: revoked target resume {target}"
                    )));
                }
                sqlx::query("INSERT INTO target_pause (target, at, by, note) VALUES (?, ?, ?, ?)")
                    .bind(&target)
                    .bind(tx.now.ms())
                    .bind(by.to_string())
                    .bind(&note)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("pausing a target"))?;
                tx.record(
                    &Entry::new(EntryKind::TargetPaused, by.clone()).detail(serde_json::json!({ "target": target, "note": note })),
                );
                let summary =
                    format!("target {target} is paused by {by}: {note}; nothing is sent to it, and its jobs wait, urgent ones too");
                tx.raise_alert("target_paused", &format!("target:{target}"), &summary, None)
                    .await
            })
        })
        .await
    }

    /// Ends an operator's pause of a target.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where no operator has paused it.
    pub async fn resume_target(&self, target: &str, by: Actor, note: Option<String>) -> Result<()> {
        let name = target.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let ended = sqlx::query("DELETE FROM target_pause WHERE target = ?")
                    .bind(&name)
                    .execute(&mut *tx.conn)
                    .await
                    .map_err(StoreError::sql("ending the pause of a target"))?;
                if ended.rows_affected() == 0 {
                    return Err(StoreError::Refused(format!(
                        "no operator has paused target {name}; revoked target list says how it stands"
                    )));
                }
                tx.record(&Entry::new(EntryKind::TargetResumed, by).detail(serde_json::json!({ "target": name, "note": note })));
                tx.end_alert("target_paused", &format!("target:{name}")).await
            })
        })
        .await?;
        self.wake_lanes(&[target.to_owned()]);
        Ok(())
    }

    /// The targets that an operator has paused.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn paused_targets(&self) -> Result<BTreeMap<String, TargetPause>> {
        let rows = sqlx::query("SELECT target, at, by, note FROM target_pause")
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading which targets are paused"))?;
        rows.iter()
            .map(|row| {
                // Whatever stands there, it says that the target is paused.
                let pause = TargetPause {
                    since: Timestamp::from_ms(row.read(1).unwrap_or_default()),
                    by: row.lossy(2).unwrap_or_default(),
                    note: row.lossy(3).unwrap_or_default(),
                };
                Ok((row.lossy(0)?, pause))
            })
            .collect()
    }

    /// How these targets stand, and whatever other target something waits for.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn target_states(&self, named: &[String]) -> Result<Vec<TargetState>> {
        let doing = || StoreError::sql("reading how the targets stand");
        let mut states: BTreeMap<String, TargetState> = BTreeMap::new();
        let mut paused = self.paused_targets().await?;
        let lanes = sqlx::query("SELECT target, paused_why, paused_at, next_permit_at FROM lane")
            .fetch_all(self.readers())
            .await
            .map_err(doing())?;
        let jobs = sqlx::query(
            "SELECT target, state, count(*), min(created_at) FROM job WHERE state IN ('queued', 'running', 'held', 'scheduled') \
             GROUP BY target, state",
        )
        .fetch_all(self.readers())
        .await
        .map_err(doing())?;
        let down = sqlx::query("SELECT key, summary, raised_at FROM alert WHERE kind = 'target_down' AND cleared_at IS NULL")
            .fetch_all(self.readers())
            .await
            .map_err(doing())?;
        let mut all: BTreeSet<String> = named.iter().cloned().chain(paused.keys().cloned()).collect();
        for job in &jobs {
            all.insert(job.lossy(0)?);
        }
        for name in all {
            let state = TargetState {
                paused: paused.remove(&name),
                target: name.clone(),
                ..TargetState::default()
            };
            states.insert(name, state);
        }
        for lane in &lanes {
            if let Some(state) = states.get_mut(&lane.lossy(0)?) {
                state.refused = (!lane.is_null(1)).then(|| lane.lossy(1)).transpose()?;
                state.refused_since = time_at(lane, 2).ok().flatten();
                state.next_permit_at = time_at(lane, 3).ok().flatten();
            }
        }
        for job in &jobs {
            let Some(state) = states.get_mut(&job.lossy(0)?) else {
                continue;
            };
            match job.lossy(1)?.as_str() {
                "queued" => {
                    state.waiting = job.read(2)?;
                    state.oldest_waiting = time_at(job, 3).ok().flatten();
                }
                "running" => state.running = job.read(2)?,
                _ => {}
            }
        }
        for alert in &down {
            let key = alert.lossy(0)?;
            if let Some(state) = key.strip_prefix("target:").and_then(|name| states.get_mut(name)) {
                state.down = Some(alert.lossy(1)?);
                state.down_since = time_at(alert, 2).ok().flatten();
            }
        }
        Ok(states.into_values().collect())
    }
}
