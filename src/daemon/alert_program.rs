//! Hands each raised alert to the program of `[alerts] exec`: as one JSON object on its standard input, one after the other and no more than it
//! can take. What is still to be handed over stands in the store, so that nothing is lost by a restart; nobody who raises an alert waits here.

use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::state::{InMemoryState, NotKeyed};
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, Jitter};
use crate::bounded_program::can_be_run;
use crate::clock::{MonotonicClock, quota};
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
    let allowance = Allowance::new();
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        let round = round(&store, &program, &jitter, &allowance);
        // Cut off, the program is killed, and the alert is handed over again at the next start.
        match stop.run_until_cancelled(round).await {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(error = %error_chain(&error), "could not look for alerts to hand over"),
            None => return,
        }
    }
}

async fn round(store: &Store, program: &AlertProgram, jitter: &Jitter, allowance: &Allowance) -> Result<(), StoreError> {
    for untold in store.untold_alerts(BATCH).await? {
        allowance.next().await;
        let outcome = hand_over(store, program, jitter, &untold).await;
        store.record_hand_over(untold.alert.id, untold.alert.times, outcome).await?;
    }
    Ok(())
}

/// Says of a program that cannot be run that nobody is told anything, which is over when it takes an alert.
pub(super) async fn tell_fault(store: &Store, fault: &str) -> Result<(), StoreError> {
    let summary = format!("alerts are handed to nobody: {fault} ([alerts] exec). Mend it; each alert is tried again meanwhile");
    tracing::error!("{summary}");
    store.raise_alert("alert_untold", "alerts".to_owned(), summary).await
}

async fn hand_over(store: &Store, program: &AlertProgram, jitter: &Jitter, untold: &UntoldAlert) -> HandOver {
    let why = match told(program, &untold.alert).await {
        Ok(()) => return HandOver::Taken,
        Err(why) => why,
    };
    let attempt = untold.attempts.saturating_add(1);
    // Whoever tries the program waits for what comes of it.
    if attempt >= program.attempts || untold.alert.kind == "alert_test" {
        return HandOver::GivenUp { why };
    }
    let due = store.clock().now().plus(BACKOFF.wait(attempt, jitter));
    HandOver::Retry { due, why }
}

/// Has the program take an alert, or says why it has not.
async fn told(program: &AlertProgram, alert: &Alert) -> Result<(), String> {
    let (id, path) = (alert.id, program.program.path.display());
    // It may have been put there, or changed, since the config was read.
    if let Err(error) = can_be_run(&program.program.path) {
        let why = format!("{error:#}");
        tracing::warn!(alert.id = id, "{path} was not run for an alert: {why}");
        return Err(why);
    }
    let input = written(alert).map_err(|error| format!("it cannot be written down: {error}"))?;
    match program.program.run(&input).await {
        Ok(output) if output.code == 0 => {
            tracing::info!(alert.id = id, alert.kind = alert.kind, "handed an alert to {path}");
            Ok(())
        }
        // What it says is for the log: it may be anything, and is not kept.
        Ok(output) => {
            let (code, said) = (output.code, output.said);
            tracing::warn!(alert.id = id, code, said, "{path} did not take an alert");
            Err(format!("it ended with code {code}"))
        }
        Err(error) => {
            let why = error.bare();
            tracing::warn!(alert.id = id, error = %error_chain(&error), "{path} did not take an alert");
            Err(why)
        }
    }
}

/// The alert as `revoked alert list --json` has it, on one line.
fn written(alert: &Alert) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(alert)?;
    line.push(b'\n');
    Ok(line)
}

/// How many alerts the program may be handed, over time.
struct Allowance(RateLimiter<NotKeyed, InMemoryState, MonotonicClock>);

impl Allowance {
    fn new() -> Self {
        Self(RateLimiter::direct_with_clock(quota(BURST, SPACING), MonotonicClock))
    }

    /// Waits until the next may be handed over, which it then is.
    async fn next(&self) {
        while let Err(early) = self.0.check() {
            tokio::time::sleep(early.wait_time_from(MonotonicClock.now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_storm_is_let_through_at_once_up_to_a_bound_and_then_slowly() {
        let start = tokio::time::Instant::now();
        let allowance = Allowance::new();
        for _ in 0..BURST {
            allowance.next().await;
        }
        assert!(start.elapsed().is_zero());
        for n in 1..=5 {
            allowance.next().await;
            assert_eq!(start.elapsed().as_secs(), 2 * n);
        }
        tokio::time::advance(Duration::from_hours(1)).await;
        let rested = tokio::time::Instant::now();
        allowance.next().await;
        assert!(rested.elapsed().is_zero());
    }
}
