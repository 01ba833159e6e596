//! Supervises one stream: its health and, where we fetch its tokens, the polls and their pace.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::StatusCode;
use async_trait::async_trait;
use tokio::time::Instant;

use super::acknowledgements::{AckDelivery, Acknowledgements, PATIENCE, SetErr};
use super::poll::{self, PollRequest, PollRound};
use super::stream_config::{Stream, over, raised};
use super::stream_health::{StreamHealth, gone, stopped};
use super::stream_state::{StreamState, StreamStatus};
use crate::backoff::{Backoff, Jitter};
use crate::model::{AlarmKind, Delivery, Receipt, SignalReceipt};
use crate::sources::ssf::endpoint::answer::malformed;
use crate::sources::ssf::transmitter::management::ManagementError;
use crate::sources::ssf::transmitter::metadata::Method;
use crate::sources::{Pull, SourceState};

/// How long to wait between two looks after a stream that is pushed, or that is not made yet.
const LOOK: Duration = Duration::from_secs(10);
/// The least time between the starts of two polls that bring nothing: some transmitters do not hold a poll although they are asked to.
const FLOOR: Duration = Duration::from_secs(2);
/// How polls that fail are tried again.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_mins(1),
};
/// How many refused tokens are known again, so that one that comes again and again is recorded once.
const REMEMBERED: usize = 1000;

/// Looks after one stream.
pub(in crate::sources::ssf) struct StreamSupervisor {
    stream: Arc<Stream>,
    health: StreamHealth,
    jitter: Jitter,
    pace: Mutex<Pace>,
}

/// What decides when the next look is, and what is known of the polls in this life of the daemon.
#[derive(Default)]
struct Pace {
    wait: Duration,
    failures: u32,
    /// The digests of tokens that were refused and recorded.
    refused: BTreeSet<[u8; 32]>,
    /// The names of tokens of which another was stored first: they were taken for good when the cursor was written.
    conflicts: BTreeSet<String>,
    ack_delivery: AckDelivery,
}

impl StreamSupervisor {
    pub(in crate::sources::ssf) fn new(stream: Arc<Stream>) -> Self {
        Self {
            stream,
            health: StreamHealth::default(),
            jitter: Jitter::new(None),
            pace: Mutex::default(),
        }
    }

    pub(in crate::sources::ssf) fn stream(&self) -> Arc<Stream> {
        Arc::clone(&self.stream)
    }

    /// One poll and what it brought.
    async fn round(&self, made: &StreamState, cursor: Option<&str>, own_state: &dyn SourceState) -> anyhow::Result<Vec<Delivery>> {
        let begun = Instant::now();
        let pending = self.acks(cursor);
        let (told, ask) = self.next(&pending);
        let answer = match poll::poll(&self.stream, made, &told, ask).await {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                self.untaken(&told, "it holds a poll for too long");
                self.pace().wait = FLOOR;
                return Ok(Vec::new());
            }
            Err(trouble) => {
                self.untaken(&told, &trouble.to_string());
                return self.failed(trouble, own_state).await;
            }
        };
        let (empty, more) = (answer.is_empty(), answer.more);
        let mut round = poll::read(&self.stream, answer, &told, &pending, own_state, |digest| {
            self.pace().refused.contains(digest)
        })
        .await?;
        self.taken(&told, &pending, &mut round);
        Ok(self.paced(round, begun, empty && !more))
    }

    /// What the next poll tells of what is `pending`, and what it asks for.
    fn next(&self, pending: &Acknowledgements) -> (Acknowledgements, PollRequest) {
        let (pace, config) = (self.pace(), &self.stream.config);
        let told = pace.ack_delivery.next(pending);
        // One that tries whether it is heard is not held, since others wait for news.
        let tries = pace.ack_delivery.is_refused() && !told.is_empty();
        let ask = PollRequest {
            most: config.max_events.saturating_add(pace.ack_delivery.room(tries)),
            at_once: tries || !config.long_poll,
        };
        (told, ask)
    }

    /// Takes note that a poll came to nothing.
    fn untaken(&self, told: &Acknowledgements, why: &str) {
        let ack_delivery = &mut self.pace().ack_delivery;
        if told.is_empty() {
            ack_delivery.failed();
        } else {
            ack_delivery.refused(why.to_owned(), |times| BACKOFF.wait(times, &self.jitter));
        }
    }

    /// Takes note that a poll came back, and raises or ends the alert about what it told.
    fn taken(&self, told: &Acknowledgements, pending: &Acknowledgements, round: &mut PollRound) {
        let (name, now) = (&self.stream.name, self.stream.clock.now());
        let ack_delivery = &mut self.pace().ack_delivery;
        ack_delivery.came_back(!told.is_empty(), round.again, self.stream.config.max_events);
        if let Some(why) = ack_delivery.alarm() {
            let summary = format!(
                "source {name}: the transmitter has taken no acknowledgement for {} minutes ({why}); it keeps and repeats what is stored here \
                 ({} so far); new tokens are still read; ask there",
                PATIENCE.as_secs() / 60,
                pending.len(),
            );
            let delivery = round.delivery.get_or_insert_with(|| Delivery::of(name, Vec::new(), now));
            delivery.alarms.push(raised(AlarmKind::AcksRefused, summary));
        } else if ack_delivery.is_well()
            && let Some(delivery) = round.delivery.as_mut()
        {
            // What an earlier life has raised is ended with the next that is stored.
            delivery.alarms.push(over(AlarmKind::AcksRefused));
        }
    }

    /// Sets the pace after a round.
    fn paced(&self, round: PollRound, begun: Instant, empty: bool) -> Vec<Delivery> {
        let mut pace = self.pace();
        pace.failures = 0;
        pace.conflicts.clear();
        if pace.refused.len() + round.refused.len() > REMEMBERED {
            pace.refused.clear();
        }
        let news = round
            .delivery
            .as_ref()
            .is_some_and(|it| !it.signals.is_empty() || !it.refused.is_empty());
        pace.refused.extend(round.refused);
        pace.wait = if let Some(wait) = round.put_off {
            wait.clamp(FLOOR, BACKOFF.longest)
        } else if empty && !self.stream.config.long_poll {
            self.stream.config.poll_every
        } else if news {
            // At once: there may be more, and what is stored wants to be acknowledged.
            Duration::ZERO
        } else {
            FLOOR.saturating_sub(begun.elapsed())
        };
        round.delivery.into_iter().collect()
    }

    /// What a failed poll leads to.
    async fn failed(&self, trouble: ManagementError, own_state: &dyn SourceState) -> anyhow::Result<Vec<Delivery>> {
        {
            let mut pace = self.pace();
            pace.failures = pace.failures.saturating_add(1);
            pace.wait = trouble.wait().unwrap_or_else(|| BACKOFF.wait(pace.failures, &self.jitter));
        }
        if trouble.status() == Some(StatusCode::NOT_FOUND) && StreamStatus::recall(own_state).await? != Some(gone()) {
            let mut delivery = Delivery::of(&self.stream.name, Vec::new(), self.stream.clock.now());
            delivery.state_changes.push(gone().keep()?);
            delivery
                .alarms
                .push(raised(AlarmKind::StreamStopped, stopped(&self.stream, &gone())));
            return Ok(vec![delivery]);
        }
        Err(trouble.into())
    }

    /// What the next poll tells: the cursor, and what was found out after it was written.
    fn acks(&self, cursor: Option<&str>) -> Acknowledgements {
        let mut acks = Acknowledgements::read(cursor);
        let pace = self.pace();
        let (bad, good) = acks.ack.into_iter().partition(|name| pace.conflicts.contains(name));
        acks.ack = good;
        let bad: BTreeSet<String> = bad;
        let why = malformed("this jti was used before with other content");
        acks.errs.extend(bad.into_iter().map(|name| (name, SetErr::of(&why))));
        acks
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Nothing between lock and unlock can leave it half-written.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Pull for StreamSupervisor {
    fn interval(&self) -> Duration {
        self.pace().wait
    }

    fn cautions(&self) -> Vec<String> {
        self.stream.reader.cautions()
    }

    async fn poll(&self, cursor: Option<&str>, own_state: &dyn SourceState) -> anyhow::Result<Vec<Delivery>> {
        let name = &self.stream.name;
        self.pace().wait = LOOK;
        let made = StreamState::recall(own_state).await?;
        let made = made.filter(|made| made.method == self.stream.config.method);
        let made = made.ok_or_else(|| anyhow::anyhow!("it has no stream yet; run revoked source ssf connect {name}"))?;
        if let Some(delivery) = self.health.look(&self.stream, &made, own_state).await? {
            if made.method == Method::Poll {
                self.pace().wait = Duration::ZERO;
            }
            return Ok(vec![delivery]);
        }
        match (made.method, self.health.trouble()) {
            (Method::Poll, _) => self.round(&made, cursor, own_state).await,
            (Method::Push, None) => Ok(Vec::new()),
            (Method::Push, Some(trouble)) => Err(anyhow::anyhow!(trouble)),
        }
    }

    async fn stored(&self, delivery: &Delivery, receipt: &Receipt) -> anyhow::Result<()> {
        self.health.stored(&self.stream).await;
        let mut pace = self.pace();
        for alarm in &delivery.alarms {
            if alarm.kind == AlarmKind::AcksRefused {
                pace.ack_delivery.alerted(alarm.summary.is_some());
            }
        }
        let outcomes = delivery.signals.iter().zip(&receipt.signals);
        let conflicts = outcomes.filter(|(_, outcome)| **outcome == SignalReceipt::Conflict);
        // The key is the issuer and the token's name.
        let prefix = self.stream.reader.issuer.name.len() + 1;
        let names: Vec<String> = conflicts
            .filter_map(|(signal, _)| signal.key.get(prefix..).map(str::to_owned))
            .collect();
        pace.conflicts.extend(names);
        let nothing_new = |outcome: &SignalReceipt| matches!(outcome, SignalReceipt::Repeated { .. } | SignalReceipt::Conflict);
        if !delivery.signals.is_empty() && delivery.refused.is_empty() && receipt.signals.iter().all(nothing_new) {
            // A transmitter that does not heed our acknowledgements must not make us spin.
            pace.wait = pace.wait.max(FLOOR);
        }
        Ok(())
    }

    async fn before_stop(&self, cursor: Option<&str>, own_state: &dyn SourceState) {
        let acks = self.acks(cursor);
        if self.stream.config.method != Method::Poll || acks.is_empty() {
            return;
        }
        if let Ok(Some(made)) = StreamState::recall(own_state).await
            && let Err(trouble) = poll::poll(&self.stream, &made, &acks, PollRequest::NOTHING).await
        {
            tracing::debug!(source = self.stream.name, "{trouble}");
        }
    }
}
