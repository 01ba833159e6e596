//! The only place that reads wall time. Everything that asks "what time is it" holds a [`Clock`]; tests set it by hand.
//!
//! Durations that pace or time out work (`sleep`, deadlines, leases in memory) use `tokio::time` instead, which a paused runtime moves:
//! a wall clock that jumps must not bunch or stall them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use governor::Quota;

use crate::model::Timestamp;

/// The runtime's monotonic time for `governor`, which a test can pause.
#[derive(Debug, Clone, Copy, Default)]
pub struct MonotonicClock;

impl governor::clock::Clock for MonotonicClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// So many at once, and then one `every` so often.
#[must_use]
pub fn quota(burst: u32, every: Duration) -> Quota {
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    Quota::with_period(every)
        .unwrap_or(Quota::per_second(burst))
        .allow_burst(burst)
}

/// Tells wall time, in UTC milliseconds. Cheap to clone; clones of a fixed clock share its hands.
#[derive(Debug, Clone, Default)]
pub struct Clock(Hands);

#[derive(Debug, Clone, Default)]
enum Hands {
    #[default]
    System,
    Fixed(Arc<FixedHands>),
}

/// The hands of a clock that tests drive, in milliseconds.
#[derive(Debug, Default)]
struct FixedHands {
    wall: AtomicI64,
    passed: AtomicU64,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Hands::System)
    }

    /// A clock that stands at `at` until [`Clock::advance`] or [`Clock::set`] moves it.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self(Hands::Fixed(Arc::new(FixedHands {
            wall: AtomicI64::new(at.ms()),
            passed: AtomicU64::new(0),
        })))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
            Hands::System => jiff::Timestamp::now().into(),
            Hands::Fixed(hands) => Timestamp::from_ms(hands.wall.load(Ordering::SeqCst)),
        }
    }

    /// The time that has passed since some instant, which nobody can set: a machine's sleep counts, a step of wall time does not.
    #[must_use]
    pub fn passed(&self) -> Duration {
        match &self.0 {
            Hands::System => {
                let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
                let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
                Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
            }
            Hands::Fixed(hands) => Duration::from_millis(hands.passed.load(Ordering::SeqCst)),
        }
    }

    /// Lets `by` pass on a fixed clock; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Hands::Fixed(hands) = &self.0 {
            hands.wall.store(self.now().plus(by).ms(), Ordering::SeqCst);
            let passed = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            hands.passed.fetch_add(passed, Ordering::SeqCst);
        }
    }

    /// Lets time pass on a fixed clock until it is `at`, or sets it back to that; a system clock stays as it is.
    pub fn set(&self, at: Timestamp) {
        if at > self.now() {
            self.advance(at.since(self.now()));
        } else {
            self.step_to(at);
        }
    }

    /// Sets a fixed clock to `at` without any time passing, as somebody sets a machine's; a system clock stays as it is.
    pub fn step_to(&self, at: Timestamp) {
        if let Hands::Fixed(hands) = &self.0 {
            hands.wall.store(at.ms(), Ordering::SeqCst);
        }
    }
}
