//! The only place that reads wall time. Everything that asks "what time is it" holds a [`Clock`]; tests set it by hand.
//!
//! Durations that pace or time out work (`sleep`, deadlines, leases in memory) use `tokio::time` instead, which a paused runtime moves:
//! a wall clock that jumps must not bunch or stall them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

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

/// Tells wall time, in UTC milliseconds. Cheap to clone; clones of a fixed clock share its hands.
#[derive(Debug, Clone, Default)]
pub struct Clock(Hands);

#[derive(Debug, Clone, Default)]
enum Hands {
    #[default]
    System,
    Fixed(Arc<AtomicI64>),
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
        Self(Hands::Fixed(Arc::new(AtomicI64::new(at.ms()))))
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
            Hands::System => jiff::Timestamp::now().into(),
            Hands::Fixed(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock forward by `by`; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Hands::Fixed(ms) = &self.0 {
            ms.store(self.now().plus(by).ms(), Ordering::SeqCst);
        }
    }

    /// Sets a fixed clock to `at`, backwards too; a system clock stays as it is.
    pub fn set(&self, at: Timestamp) {
        if let Hands::Fixed(ms) = &self.0 {
            ms.store(at.ms(), Ordering::SeqCst);
        }
    }
}
