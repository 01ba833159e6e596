//! The pacer of one lane enforces its rate limit by priority: a permit for each call, handed to the most urgent waiter at the moment the permit exists.
//!
//! While nobody waits, the quota allows it and few enough calls are under way, a permit costs a lock and a look at the bucket. Otherwise a
//! caller queues up, and the one [`Pacer::run`] of the lane sleeps until the instant that the quota names, or until a call is over, and then
//! serves the first in line: lowest priority number first, within it the earlier stage, and first come first served within that. 100,000
//! routine callers so cost an urgent one at most one interval, and twenty urgent jobs all block their accounts before any of them looks for
//! webhooks.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::adaptive_rate::AdaptiveRate;
use super::token_bucket::{Rate, TokenBucket};
use crate::model::Priority;
use crate::targets::{AttemptStage, Permit, Permits, RateLimitHints};
use crate::telemetry::{CounterSeries, HistogramSeries, table};

/// Hands out the permits of one lane.
pub struct Pacer(Arc<Shared>);

struct Shared {
    bucket: TokenBucket,
    line: Mutex<Line>,
    /// Calls that may be under way at once. Where there is more than one, the last is kept for urgent ones.
    concurrency: usize,
    /// Somebody came who may be served sooner than the instant slept for, or a call is over.
    came: Notify,
    calls: CounterSeries,
    waited: [HistogramSeries; 2],
}

struct Line {
    waiting: BTreeMap<Place, oneshot::Sender<Permit>>,
    tickets: u64,
    under_way: usize,
    adaptive_rate: AdaptiveRate,
}

/// Where a caller stands: by urgency, then by how far its job is, then by arrival.
type Place = (Priority, AttemptStage, u64);

/// Why nobody more is served now.
enum Blocked {
    /// The next permit exists at this instant.
    Until(Instant),
    /// As many calls are under way as may be, or nobody waits.
    UntilWoken,
}

impl Pacer {
    /// A pacer for the lane of `target`: so many calls a second, after idling so many of them at once where they are urgent, and so many
    /// under way. It starts with an empty bucket: its first permit exists one interval from now, so that a restart grants no fresh burst.
    #[must_use]
    pub fn new(target: &str, rate: Rate, burst: u32, concurrency: usize) -> Self {
        Self(Arc::new(Shared {
            bucket: TokenBucket::empty(rate, burst),
            line: Mutex::new(Line {
                waiting: BTreeMap::new(),
                tickets: 0,
                under_way: 0,
                adaptive_rate: AdaptiveRate::new(rate.interval()),
            }),
            concurrency: concurrency.max(1),
            came: Notify::new(),
            calls: table::TARGET_CALLS.series([target]),
            waited: ["false", "true"].map(|urgent| table::PERMIT_WAIT_SECONDS.series([target, urgent])),
        }))
    }

    /// Serves those who wait, for as long as it is polled. One of these runs for each pacer.
    pub async fn run(&self) {
        loop {
            let came = self.0.came.notified();
            match self.0.serve() {
                Blocked::Until(next) => tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = came => {}
                },
                Blocked::UntilWoken => came.await,
            }
        }
    }

    /// Nobody gets a permit for this long: what the store kept of a refusal heard before a restart.
    pub fn close_for(&self, wait: Duration) {
        self.0.line().adaptive_rate.close(Instant::now() + wait);
    }

    /// How much longer the target refuses; zero where it does not.
    #[must_use]
    pub fn closed_for(&self) -> Duration {
        let until = self.0.line().adaptive_rate.closed_until();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.line().waiting.len()
    }
}

impl Shared {
    /// Serves all who may go now.
    fn serve(self: &Arc<Self>) -> Blocked {
        // Dropped once the lock is: giving a permit back takes it again.
        let mut unwanted = Vec::new();
        let mut line = self.line();
        loop {
            let Some((&(priority, ..), _)) = line.waiting.first_key_value() else {
                return Blocked::UntilWoken;
            };
            let mut permit = match self.take(&mut line, priority) {
                Ok(permit) => permit,
                Err(blocked) => return blocked,
            };
            // The permit goes to the next in line where the caller has just gone away.
            loop {
                let Some((_, caller)) = line.waiting.pop_first() else {
                    unwanted.push(permit);
                    break;
                };
                match caller.send(permit) {
                    Ok(()) => break,
                    Err(back) => permit = back,
                }
            }
        }
    }

    fn take(self: &Arc<Self>, line: &mut Line, priority: Priority) -> Result<Permit, Blocked> {
        let kept = usize::from(self.concurrency > 1 && !priority.is_urgent());
        if line.under_way + kept >= self.concurrency {
            return Err(Blocked::UntilWoken);
        }
        let now = Instant::now();
        if let Some(earliest) = line.adaptive_rate.earliest(priority, now) {
            return Err(Blocked::Until(earliest));
        }
        self.bucket.take(priority.is_urgent()).map_err(Blocked::Until)?;
        line.adaptive_rate.sent(now);
        line.under_way += 1;
        self.calls.increment(1);
        let shared = Arc::clone(self);
        Ok(Permit::until(move || shared.give_back()))
    }

    fn give_back(&self) {
        let mut line = self.line();
        line.under_way = line.under_way.saturating_sub(1);
        if !line.waiting.is_empty() {
            self.came.notify_one();
        }
    }

    /// A permit at once, or a place in the line.
    fn ask(self: &Arc<Self>, priority: Priority, stage: AttemptStage) -> Result<Permit, Turn> {
        let mut line = self.line();
        if line.waiting.is_empty()
            && let Ok(permit) = self.take(&mut line, priority)
        {
            return Ok(permit);
        }
        line.tickets += 1;
        let place = (priority, stage, line.tickets);
        let (caller, served) = oneshot::channel();
        line.waiting.insert(place, caller);
        if line.waiting.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.came.notify_one();
        }
        Err(Turn {
            shared: Arc::clone(self),
            place,
            served,
        })
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Permits for Pacer {
    async fn permit(&self, priority: Priority, stage: AttemptStage) -> Permit {
        let waited = &self.0.waited[usize::from(priority.is_urgent())];
        let turn = match self.0.ask(priority, stage) {
            Ok(permit) => {
                waited.record(0.0);
                return permit;
            }
            Err(turn) => turn,
        };
        let came = Instant::now();
        let permit = turn.await;
        waited.record(came.elapsed().as_secs_f64());
        permit
    }

    fn note_limits(&self, hints: RateLimitHints) {
        if hints != RateLimitHints::default() {
            self.0.line().adaptive_rate.note(hints, Instant::now());
        }
    }
}

/// A place in the line; leaves it when dropped.
struct Turn {
    shared: Arc<Shared>,
    place: Place,
    served: oneshot::Receiver<Permit>,
}

impl Future for Turn {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit> {
        // The sender stays in the line until it is served, so it cannot be dropped before that; a free permit would cost nothing else.
        Pin::new(&mut self.served)
            .poll(context)
            .map(|served| served.unwrap_or_else(|_| Permit::free()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.line().waiting.remove(&self.place);
    }
}
