//! The priority pacer of one lane: a permit for each call, handed to the most urgent waiter at the moment the permit exists.
//!
//! While nobody waits and the quota allows, a permit costs a lock and a look at the bucket. Otherwise a caller queues up, and the one
//! [`Pacer::run`] of the lane sleeps until the instant that the quota names and then serves the first in line: lowest priority number
//! first, and first come first served within it. 100,000 routine callers so cost an urgent one at most one interval.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::quota::{Bucket, Rate};
use super::tempo::Tempo;
use crate::model::Priority;
use crate::targets::{Permits, Said};
use crate::telemetry::{CounterSeries, HistogramSeries, table};

/// Hands out the permits of one lane.
pub struct Pacer {
    bucket: Bucket,
    line: Mutex<Line>,
    /// Somebody came who may be served sooner than the instant slept for.
    came: Notify,
    calls: CounterSeries,
    waited: [HistogramSeries; 2],
}

struct Line {
    waiting: BTreeMap<Place, oneshot::Sender<()>>,
    tickets: u64,
    tempo: Tempo,
}

/// Where a caller stands: by urgency, then by arrival.
type Place = (Priority, u64);

impl Pacer {
    /// A pacer for the lane of `target`. It starts with an empty bucket: its first permit exists one interval from now, so that a restart
    /// grants no fresh burst.
    #[must_use]
    pub fn new(target: &str, rate: Rate) -> Self {
        Self {
            bucket: Bucket::empty(rate),
            line: Mutex::new(Line {
                waiting: BTreeMap::new(),
                tickets: 0,
                tempo: Tempo::new(rate.interval()),
            }),
            came: Notify::new(),
            calls: table::TARGET_CALLS.series([target]),
            waited: ["false", "true"].map(|urgent| table::PERMIT_WAIT_SECONDS.series([target, urgent])),
        }
    }

    /// Serves those who wait, for as long as it is polled. One of these runs for each pacer.
    pub async fn run(&self) {
        loop {
            let came = self.came.notified();
            match self.serve() {
                Some(next) => tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = came => {}
                },
                None => came.await,
            }
        }
    }

    /// Nobody gets a permit for this long: what the store kept of a refusal heard before a restart.
    pub fn close_for(&self, wait: Duration) {
        self.line().tempo.close(Instant::now() + wait);
    }

    /// How much longer the target refuses; zero where it does not.
    #[must_use]
    pub fn closed_for(&self) -> Duration {
        let until = self.line().tempo.closed_until();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line().waiting.len()
    }

    /// Serves all who may go now. Answers when the first of the others may, or `None` where nobody waits.
    fn serve(&self) -> Option<Instant> {
        let mut line = self.line();
        loop {
            let (priority, _) = *line.waiting.first_key_value()?.0;
            if let Err(next) = self.take(&mut line.tempo, priority) {
                return Some(next);
            }
            // The permit goes to the next in line where the caller has just gone away.
            while let Some((_, caller)) = line.waiting.pop_first() {
                if caller.send(()).is_ok() {
                    break;
                }
            }
        }
    }

    fn take(&self, tempo: &mut Tempo, priority: Priority) -> Result<(), Instant> {
        let now = Instant::now();
        if let Some(earliest) = tempo.earliest(priority, now) {
            return Err(earliest);
        }
        self.bucket.take()?;
        tempo.sent(now);
        self.calls.increment(1);
        Ok(())
    }

    /// A permit at once, or a place in the line.
    fn ask(&self, priority: Priority) -> Option<Turn<'_>> {
        let mut line = self.line();
        if line.waiting.is_empty() && self.take(&mut line.tempo, priority).is_ok() {
            return None;
        }
        line.tickets += 1;
        let place = (priority, line.tickets);
        let (caller, served) = oneshot::channel();
        line.waiting.insert(place, caller);
        if line.waiting.first_key_value().is_some_and(|(first, _)| *first == place) {
            self.came.notify_one();
        }
        Some(Turn {
            pacer: self,
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
    async fn permit(&self, priority: Priority) {
        let waited = &self.waited[usize::from(priority.is_urgent())];
        let Some(turn) = self.ask(priority) else {
            waited.record(0.0);
            return;
        };
        let came = Instant::now();
        turn.await;
        waited.record(came.elapsed().as_secs_f64());
    }

    fn heard(&self, said: Said) {
        if said != Said::default() {
            self.line().tempo.heard(said, Instant::now());
        }
    }
}

/// A place in the line; leaves it when dropped.
struct Turn<'a> {
    pacer: &'a Pacer,
    place: Place,
    served: oneshot::Receiver<()>,
}

impl Future for Turn<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // The sender stays in the line until it is served, so it cannot be dropped before that.
        Pin::new(&mut self.served).poll(context).map(drop)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.pacer.line().waiting.remove(&self.place);
    }
}
