//! Tells people of alerts: one worker for each channel, which binds what is due, sends it, and records what came of it. What is to be told stands
//! in the store, so that nothing is lost by a restart; nobody who raises an alert waits here, and no channel for another.

use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::state::{InMemoryState, NotKeyed};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::{Backoff, Jitter};
use crate::clock::{MonotonicClock, quota};
use crate::model::{Subject, error_chain};
use crate::notify::{Answer, Carrier, Channel, Parcel, Told};
use crate::store::{Gathering, Sending, SendingOutcome, Store, StoreError};
use crate::telemetry::table;

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many deliveries are looked at together.
const BATCH: u32 = 20;
/// How often it is looked what time alone brings about.
const ESCALATE_EVERY: Duration = Duration::from_secs(5);
/// For how long a channel that takes nothing is left alone: what is urgent is not to wait for long once it does again.
const PAUSES: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_mins(1),
};
/// A program that is handed each alert gets on the average no two sooner after one another than this.
const SPACING: Duration = Duration::from_secs(2);
/// After a rest so many may come at once.
const BURST: u32 = 20;

/// Ends acknowledgements, and tells of channels that fail, until `stop`.
pub(super) async fn escalate(store: Store, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(ESCALATE_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = store.look_at_escalation().await {
            tracing::warn!(error = %error_chain(&error), "could not look who is to be told next");
        }
    }
}

/// Says of the program of `[alerts] exec` that cannot be run that nobody is told anything by it, which is over when it takes an alert.
pub(super) async fn tell_fault(store: &Store, fault: &str) -> Result<(), StoreError> {
    let summary = format!("alerts are handed to nobody: {fault} ([alerts] exec). Mend it; each alert is tried again meanwhile");
    tracing::error!("{summary}");
    store.raise_alert("alert_untold", "alerts".to_owned(), summary).await
}

/// Tells one channel, until `stop`.
pub(super) async fn run(store: Store, channel: Channel, origin: Option<String>, stop: CancellationToken) {
    let Some(carrier) = channel.carrier.clone() else { return };
    let mut worker = Worker {
        store,
        carrier,
        origin,
        jitter: Jitter::new(None),
        allowance: (channel.gathering == Gathering::Each).then(Allowance::new),
        failures: 0,
        not_before: Instant::now(),
        refreshed: None,
        channel,
    };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // Cut off, a delivery is sent again at the next start, under the same name.
        match stop.run_until_cancelled(worker.round()).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(channel = worker.channel.rules.name, error = %error_chain(&error), "could not look what is to be told");
            }
            None => return,
        }
    }
}

/// What tells one channel.
struct Worker {
    store: Store,
    channel: Channel,
    carrier: Arc<dyn Carrier>,
    origin: Option<String>,
    jitter: Jitter,
    allowance: Option<Allowance>,
    /// In a row.
    failures: u32,
    not_before: Instant,
    refreshed: Option<Instant>,
}

impl Worker {
    async fn round(&mut self) -> Result<(), StoreError> {
        let name = &self.channel.rules.name;
        let now = self.store.clock().now();
        let is_quiet = self.channel.quiet.as_ref().is_some_and(|hours| hours.are_at(now));
        let pace = (self.channel.rules.wait, is_quiet);
        self.store
            .bind_messages(name, self.channel.gathering, pace, &self.channel.recipients)
            .await?;
        if Instant::now() < self.not_before {
            return Ok(());
        }
        for sending in self.store.due_sendings(name, BATCH).await? {
            if let Some(allowance) = &self.allowance {
                allowance.next().await;
            }
            if !self.send(&sending).await? {
                return Ok(());
            }
        }
        self.refresh().await
    }

    /// Sends one delivery. Whether the next may be sent at once.
    async fn send(&mut self, sending: &Sending) -> Result<bool, StoreError> {
        let name = self.channel.rules.name.clone();
        if let Some(reached) = self.store.unfinished_case_of(&self.reached(sending)).await? {
            table::NOTIFICATIONS.add([&name, "withheld"], 1);
            tracing::info!(
                channel = name,
                case = reached.case,
                "withheld what was to be told: the channel reaches somebody of the case"
            );
            self.store.withhold(sending.id, reached).await?;
            return Ok(true);
        }
        let answer = self.carrier.carry(&self.parcel(sending)).await;
        let (outcome, pause) = self.judge(sending, answer);
        table::NOTIFICATIONS.add([&name, outcome.word()], 1);
        match &outcome {
            SendingOutcome::Taken => {}
            SendingOutcome::Retry { why, .. } => {
                tracing::warn!(
                    channel = name,
                    delivery = sending.uid,
                    why,
                    "could not tell a channel; it is tried again"
                );
            }
            SendingOutcome::GivenUp { why } | SendingOutcome::Gone { why } => {
                tracing::warn!(
                    channel = name,
                    delivery = sending.uid,
                    why,
                    "a channel did not take what was to be told; it is not tried again"
                );
            }
        }
        self.store.record_sending(sending.id, outcome).await?;
        let Some(pause) = pause else {
            self.failures = 0;
            return Ok(true);
        };
        self.failures = self.failures.saturating_add(1);
        self.not_before = Instant::now() + pause;
        Ok(false)
    }

    /// What an answer means for the delivery, and for how long the channel is left alone.
    fn judge(&self, sending: &Sending, answer: Answer) -> (SendingOutcome, Option<Duration>) {
        let (why, asked) = match answer {
            Answer::Taken => return (SendingOutcome::Taken, None),
            Answer::Refused(why) => return (SendingOutcome::GivenUp { why }, None),
            Answer::Gone(why) => return (SendingOutcome::Gone { why }, None),
            Answer::Later(why, asked) => (why, asked),
        };
        let now = self.store.clock().now();
        let wait = self
            .carrier
            .persistence()
            .wait(
                sending.attempts.saturating_add(1),
                now.since(sending.created_at),
                &self.jitter,
            )
            // Whoever tries the channel waits for what comes of it.
            .filter(|_| !sending.is_trial());
        let pause = match (asked, self.channel.gathering) {
            (Some(asked), _) => Some(asked),
            // One that does not take an alert may take the next.
            (None, Gathering::Each) => None,
            (None, _) => Some(PAUSES.wait(self.failures.saturating_add(1), &self.jitter)),
        };
        let outcome = match wait {
            None => SendingOutcome::GivenUp { why },
            Some(wait) => SendingOutcome::Retry {
                due: now.plus(asked.unwrap_or(wait)),
                why,
            },
        };
        (outcome, pause)
    }

    /// Whom a delivery reaches: those whom the channel reaches, and whoever has the recipient's address.
    fn reached(&self, sending: &Sending) -> Vec<Subject> {
        let mut reached = self.channel.reaches.clone();
        let address = sending
            .recipient
            .rsplit_once('<')
            .map_or(sending.recipient.as_str(), |(_, address)| address.trim_end_matches('>'));
        reached.extend(
            format!("email:{address}")
                .parse::<Subject>()
                .ok()
                .filter(|_| !address.is_empty()),
        );
        reached
    }

    fn parcel(&self, sending: &Sending) -> Parcel {
        Parcel {
            uid: sending.uid.clone(),
            recipient: sending.recipient.clone(),
            told: Told::of(sending, self.channel.details, self.origin.as_deref()),
            messages: sending.messages.clone(),
            now: self.store.clock().now(),
        }
    }

    /// Tells again what is open, where the receiver forgets. What goes wrong here is no delivery's: the next time makes up for it.
    async fn refresh(&mut self) -> Result<(), StoreError> {
        let Some(every) = self.carrier.refresh_every() else {
            return Ok(());
        };
        if self.refreshed.is_some_and(|at| at.elapsed() < every) {
            return Ok(());
        }
        self.refreshed = Some(Instant::now());
        for sending in self.store.open_on(&self.channel.rules.name).await? {
            if self.store.unfinished_case_of(&self.reached(&sending)).await?.is_some() {
                return Ok(());
            }
            if let Answer::Later(why, _) | Answer::Refused(why) | Answer::Gone(why) =
                self.carrier.carry(&self.parcel(&sending)).await
            {
                tracing::warn!(
                    channel = self.channel.rules.name,
                    why,
                    "could not tell a channel again what is open"
                );
                return Ok(());
            }
        }
        Ok(())
    }
}

/// How many alerts a program may be handed, over time.
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
