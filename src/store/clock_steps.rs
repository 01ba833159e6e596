//! Steps of the clock: wall time against time that only passes while the daemon runs, and against the trail's last entry at its start.
//!
//! A step by more than a minute alerts. After one forward, planned departures that it alone made due wait: until their time has come by the
//! clock as it was, the step is taken back, or an operator has cleared the alert and so said that the new time is right.

use std::sync::Mutex;

use crate::clock::Clock;
use crate::model::Timestamp;
use crate::store::{Result, Store, StoreError};

/// What is less is what clocks do.
const TOLERATED: i64 = 60_000;

/// The alert's kind, and the key of one that holds nothing back. A key of one that does says by how many milliseconds the clock is ahead.
const ALERT: (&str, &str) = ("clock_stepped", "clock:0");

/// What is known of the clock.
#[derive(Debug)]
pub(in crate::store) struct ClockSteps(Mutex<Reading>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Wall time less the time that had passed, when they were last found to agree.
    agreed: i64,
    /// By how much the clock was set forward without an operator's word for it.
    ahead: i64,
    /// Whether the alert that holds plans back was written.
    is_written: bool,
}

impl ClockSteps {
    pub(in crate::store) fn new(clock: &Clock) -> Self {
        Self(Mutex::new(Reading {
            agreed: difference(clock),
            ahead: 0,
            is_written: false,
        }))
    }

    /// Looks. Answers by how much the clock was set since the last look, and what is known now.
    fn look(&self, clock: &Clock) -> (Option<i64>, Reading) {
        let mut reading = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let step = difference(clock).saturating_sub(reading.agreed);
        if step.abs() <= TOLERATED {
            return (None, *reading);
        }
        reading.agreed = reading.agreed.saturating_add(step);
        let ahead = reading.ahead.saturating_add(step);
        // What is left after a step back may be no more than what clocks do.
        reading.ahead = if ahead > TOLERATED { ahead } else { 0 };
        reading.is_written = false;
        (Some(step), *reading)
    }

    fn set(&self, ahead: i64, is_written: bool) {
        let mut reading = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (reading.ahead, reading.is_written) = (ahead, is_written);
    }
}

fn difference(clock: &Clock) -> i64 {
    let passed = i64::try_from(clock.passed().as_millis()).unwrap_or(i64::MAX);
    clock.now().ms().saturating_sub(passed)
}

fn key(ahead: i64) -> String {
    format!("clock:{ahead}")
}

impl Store {
    /// Compares the clock with the trail's last entry: an earlier life may have seen a later hour. Takes up what that life knew of a clock that
    /// was set forward.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn check_clock_at_start(&self) -> Result<()> {
        let open: Vec<String> = sqlx::query_scalar("SELECT key FROM alert WHERE kind = $1 AND cleared_at IS NULL")
            .bind(ALERT.0)
            .fetch_all(self.readers())
            .await
            .map_err(StoreError::sql("reading what is known of the clock"))?;
        let ahead = open.iter().filter_map(|key| key.strip_prefix("clock:")?.parse::<i64>().ok());
        let ahead = ahead.max().unwrap_or(0);
        self.0.clock_steps.set(ahead, ahead > 0);
        let last: Option<String> = sqlx::query_scalar("SELECT body FROM trail ORDER BY seq DESC LIMIT 1")
            .fetch_optional(self.readers())
            .await
            .map_err(StoreError::sql("reading the trail's last entry"))?;
        let last = last.and_then(|body| serde_json::from_str::<serde_json::Value>(&body).ok()?["at"].as_i64());
        let back = last.map_or(0, |last| last.saturating_sub(self.clock().now().ms()));
        if back > TOLERATED {
            let left = ahead.saturating_sub(back);
            self.0.clock_steps.set(if left > TOLERATED { left } else { 0 }, false);
            self.alert_step(-back, "the trail's last entry").await?;
        }
        Ok(())
    }

    /// Looks whether the clock was set, and alerts; and whether an operator has said that a clock that was set forward is right.
    ///
    /// # Errors
    /// Where the store cannot be read or written.
    pub async fn look_at_clock(&self) -> Result<()> {
        let (step, reading) = self.0.clock_steps.look(self.clock());
        if let Some(step) = step {
            return self.alert_step(step, "the time that has passed").await;
        }
        if reading.ahead == 0 {
            return Ok(());
        }
        if !reading.is_written {
            return self.alert_step(reading.ahead, "the time that has passed").await;
        }
        if !self.alert_is_open(ALERT.0, &key(reading.ahead)).await? {
            tracing::info!("an operator has said so: the clock is right, and plans that its step made due go on");
            self.0.clock_steps.set(0, true);
            self.wake_everything();
        }
        Ok(())
    }

    /// The instant up to which planned departures are due: now, less what the clock was set forward.
    pub(in crate::store) async fn departures_due_until(&self) -> Result<Timestamp> {
        self.look_at_clock().await?;
        let (_, reading) = self.0.clock_steps.look(self.clock());
        Ok(Timestamp::from_ms(self.clock().now().ms().saturating_sub(reading.ahead)))
    }

    async fn alert_step(&self, step: i64, against: &str) -> Result<()> {
        let (_, reading) = self.0.clock_steps.look(self.clock());
        let way = if step > 0 { "forward" } else { "back" };
        let then = if reading.ahead > 0 {
            "planned departures that this made due wait until you clear this alert, or the clock is set back"
        } else {
            "look whether it is right"
        };
        let summary = format!("the clock was set {way} by {} s against {against}: {then}", step.abs() / 1000);
        // What an earlier step held back is told by this one.
        self.end_alerts(ALERT.0).await?;
        self.raise_alert("clock_stepped", key(reading.ahead), summary).await?;
        self.0.clock_steps.set(reading.ahead, true);
        if reading.ahead == 0 {
            self.wake_everything();
        }
        Ok(())
    }
}
