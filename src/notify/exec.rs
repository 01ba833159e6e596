//! Programs of this host: one for each delivery, and that of `[alerts] exec`, which is handed every alert as lists have it.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::slack::{DAY, WAITS};
use super::{Answer, Carrier, Parcel, Persistence};
use crate::backoff::Backoff;
use crate::bounded_program::{Program, RunError, can_be_run};
use crate::model::error_chain;

/// `EX_TEMPFAIL` of `sysexits.h`.
const LATER: i32 = 75;

/// How the waits of `[alerts] exec` grow.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    longest: Duration::from_mins(10),
};

/// A program that is handed what a webhook would be.
pub struct Exec {
    /// How it is run.
    pub program: Program,
}

#[async_trait]
impl Carrier for Exec {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        if let Err(error) = can_be_run(&self.program.path) {
            return Answer::Later(format!("{error:#}"), None);
        }
        let mut input = json!({
            "id": parcel.uid, "type": parcel.told.type_word(), "timestamp": parcel.now, "data": parcel.told,
        })
        .to_string()
        .into_bytes();
        input.push(b'\n');
        match self.program.run(&input).await {
            Ok(output) if output.code == 0 => Answer::Taken,
            Ok(output) => {
                let path = self.program.path.display();
                // What it says is for the log: it may be anything, and is not kept.
                tracing::warn!(
                    code = output.code,
                    said = output.said,
                    "{path} did not take what was told of alerts"
                );
                let why = format!("it ended with code {}", output.code);
                if output.code == LATER {
                    Answer::Later(why, None)
                } else {
                    Answer::Refused(why)
                }
            }
            Err(error @ (RunError::Killed(_) | RunError::Slow(..))) => Answer::Later(error.bare(), None),
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "{} did not take what was told of alerts", self.program.path.display());
                Answer::Refused(error.bare())
            }
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::For(WAITS, DAY)
    }

    fn place(&self) -> String {
        self.program.path.display().to_string()
    }

    fn obstacle(&self) -> Option<String> {
        can_be_run(&self.program.path).err().map(|error| format!("{error:#}"))
    }
}

/// The program of `[alerts] exec`: one JSON object, that of `revoked alert list --json`, for each alert.
pub struct EachAlert {
    /// How it is run.
    pub program: Program,
    /// After how many tries an alert is given up.
    pub attempts: u32,
}

#[async_trait]
impl Carrier for EachAlert {
    async fn carry(&self, parcel: &Parcel) -> Answer {
        let path = self.program.path.display();
        let Some(message) = parcel.messages.first() else {
            return Answer::Refused("there is nothing to hand over".to_owned());
        };
        // It may have been put there, or changed, since the config was read.
        if let Err(error) = can_be_run(&self.program.path) {
            tracing::warn!("{path} was not run for an alert: {error:#}");
            return Answer::Later(format!("{error:#}"), None);
        }
        let (id, written) = match &message.alert {
            Some(alert) => (alert.id, serde_json::to_vec(alert)),
            None => (0, serde_json::to_vec(&trial(parcel))),
        };
        let mut input = match written {
            Ok(input) => input,
            Err(error) => return Answer::Refused(format!("it cannot be written down: {error}")),
        };
        input.push(b'\n');
        match self.program.run(&input).await {
            Ok(output) if output.code == 0 => {
                tracing::info!(alert.id = id, "handed an alert to {path}");
                Answer::Taken
            }
            Ok(output) => {
                tracing::warn!(
                    alert.id = id,
                    code = output.code,
                    said = output.said,
                    "{path} did not take an alert"
                );
                Answer::Later(format!("it ended with code {}", output.code), None)
            }
            Err(error) => {
                tracing::warn!(alert.id = id, error = %error_chain(&error), "{path} did not take an alert");
                Answer::Later(error.bare(), None)
            }
        }
    }

    fn persistence(&self) -> Persistence {
        Persistence::Attempts(self.attempts, BACKOFF)
    }

    fn place(&self) -> String {
        self.program.path.display().to_string()
    }
}

/// What stands for an alert where there is none: the same members.
fn trial(parcel: &Parcel) -> serde_json::Value {
    let told = parcel.told.alerts.first();
    json!({
        "id": 0, "kind": "alert_test", "key": "alerts", "summary": told.map(|told| &told.summary), "case": null, "subject": null,
        "target": null, "next": "revoked alert test", "raised_at": parcel.now, "last_at": parcel.now, "times": 1,
        "acknowledged_at": null, "acknowledged_by": null, "acknowledged_note": null, "cleared_at": null, "cleared_by": null,
    })
}
