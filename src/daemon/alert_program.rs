//! Hands each raised alert to the program of `[alerts] exec`: as one JSON object on its standard input, one after the other and no more than it
//! can take. What is still to be handed over stands in the store, so that nothing is lost by a restart; nobody who raises an alert waits here.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, Jitter};
use crate::config::AlertProgram;
use crate::model::error_chain;
use crate::store::{Alert, HandOver, Store, StoreError, UntoldAlert};

/// How often it is looked whether something was raised.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many are looked at together.
const BATCH: u32 = 20;
/// On the average no two come sooner after one another than this.
const SPACING: Duration = Duration::from_secs(2);
/// After a rest so many may come at once.
const BURST: u32 = 20;
/// How the waits between tries of one alert grow.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    longest: Duration::from_mins(10),
};

/// Hands alerts over until `stop`.
pub(super) async fn run(store: Store, program: AlertProgram, stop: CancellationToken) {
    let jitter = Jitter::new(None);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let mut allowance = Allowance::new(Instant::now());
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let round = round(&store, &program, &jitter, &mut allowance);
        // Cut off, the program is killed, and the alert is handed over again at the next start.
        match stop.run_until_cancelled(round).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(error = %error_chain(&error), "could not look for alerts to hand over"),
            None => return,
        }
    }
}

async fn round(store: &Store, program: &AlertProgram, jitter: &Jitter, allowance: &mut Allowance) -> Result<(), StoreError> {
    for untold in store.untold_alerts(BATCH).await? {
        tokio::time::sleep_until(allowance.next(Instant::now())).await;
        let outcome = hand_over(store, program, jitter, &untold).await;
        store.record_hand_over(untold.alert.id, untold.alert.times, outcome).await?;
    }
    Ok(())
}

async fn hand_over(store: &Store, program: &AlertProgram, jitter: &Jitter, untold: &UntoldAlert) -> HandOver {
    let (id, path) = (untold.alert.id, program.program.path.display());
    let why = match written(&untold.alert) {
        Ok(input) => match program.program.run(&input).await {
            Ok(output) if output.code == 0 => {
                tracing::info!(alert.id = id, alert.kind = untold.alert.kind, "handed an alert to {path}");
                return HandOver::Taken;
            }
            // What it says is for the log: it may be anything, and is not kept.
            Ok(output) => {
                tracing::warn!(
                    alert.id = id,
                    code = output.code,
                    said = output.said,
                    "{path} did not take an alert"
                );
                format!("it ended with code {}", output.code)
            }
            Err(error) => {
                let why = error.bare();
                tracing::warn!(alert.id = id, error = %error_chain(&error), "{path} did not take an alert");
                why
            }
        },
        Err(error) => format!("it cannot be written down: {error}"),
    };
    let attempt = untold.attempts.saturating_add(1);
    // Whoever tries the program waits for what comes of it.
    if attempt >= program.attempts || untold.alert.kind == "alert_test" {
        return HandOver::GivenUp { why };
    }
    let due = store.clock().now().plus(BACKOFF.wait(attempt, jitter));
    HandOver::Retry { due, why }
}

/// The alert as `revoked alert list --json` has it, on one line.
fn written(alert: &Alert) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(alert)?;
    line.push(b'\n');
    Ok(line)
}

/// How many alerts the program may be handed, over time.
struct Allowance {
    /// When one could come that is neither early nor late.
    due: Instant,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self { due: now }
    }

    /// When the next may be handed over, which it then is.
    fn next(&mut self, now: Instant) -> Instant {
        let due = self.due.max(now);
        self.due = due + SPACING;
        now.max(due.checked_sub(SPACING * (BURST - 1)).unwrap_or(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_let_through_at_once_up_to_a_bound_and_then_slowly() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let mut waits = (0..25).map(|_| allowance.next(start) - start);
        assert!(waits.by_ref().take(20).all(|wait| wait.is_zero()));
        assert_eq!(waits.map(|wait| wait.as_secs()).collect::<Vec<_>>(), [2, 4, 6, 8, 10]);
        assert_eq!(
            allowance.next(start + Duration::from_hours(1)) - start,
            Duration::from_hours(1)
        );
    }
}
