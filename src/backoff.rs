//! Backoff, the delays before a next try: exponential, with full jitter, sooner for urgent work. Jobs, probes of a paused lane, polls and
//! deliveries all draw their waits here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::Priority;

/// No retry comes sooner than this, so that an unlucky draw of nearly nothing does not spin.
const SOONEST: Duration = Duration::from_millis(100);

/// How the waits between attempts grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait; each later one doubles it.
    pub first: Duration,
    /// The bound stays here.
    pub longest: Duration,
}

/// How a lane's jobs are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// After how many counted attempts a job goes to the could-not-revoke ledger.
    pub attempts: u32,
    /// For urgent work.
    pub urgent: Backoff,
    /// For the rest.
    pub others: Backoff,
}

impl Default for Retries {
    /// Eight attempts: an urgent job stands in the ledger after about a minute of failures that are its own, another after about six.
    fn default() -> Self {
        Self {
            attempts: 8,
            urgent: Backoff {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(30),
            },
            others: Backoff {
                first: Duration::from_secs(5),
                longest: Duration::from_mins(10),
            },
        }
    }
}

impl Retries {
    /// The wait after the attempt of this number, from 1; `None` where it was the last.
    #[must_use]
    pub fn wait(&self, priority: Priority, attempt: u32, jitter: &Jitter) -> Option<Duration> {
        let backoff = if priority.is_urgent() { self.urgent } else { self.others };
        (attempt < self.attempts).then(|| backoff.wait(attempt, jitter))
    }
}

impl Backoff {
    /// A wait drawn evenly from nothing to the bound after this attempt, from 1: retries that failed together do not come back together.
    #[must_use]
    pub fn wait(self, attempt: u32, jitter: &Jitter) -> Duration {
        jitter.within(self.bound(attempt)).max(SOONEST.min(self.longest))
    }

    /// The bound after this attempt, from 1.
    fn bound(self, attempt: u32) -> Duration {
        let factor = 2_u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// A source of jitter: splitmix64, which is enough to scatter retries and follows from its seed in a test. Nothing secret comes from it.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// The sequence that follows from `seed`; without one, another each time.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self(AtomicU64::new(seed.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1)))
    }

    /// Evenly from nothing up to `bound`.
    #[must_use]
    pub fn within(&self, bound: Duration) -> Duration {
        let drawn = self.next();
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        // The high half of the product is the draw scaled to the bound.
        let scaled = (u128::from(drawn) * u128::from(nanos)) >> 64;
        Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanos))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_from_the_seed_and_stay_under_a_growing_bound() {
        let retries = Retries::default();
        let draw = |seed| {
            let jitter = Jitter::new(Some(seed));
            (1..8)
                .map(|attempt| retries.wait(Priority::ROUTINE, attempt, &jitter).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        for seed in 0..200 {
            for (n, wait) in (0..).zip(draw(seed)) {
                let bound = Duration::from_secs(5 * 2_u64.pow(n)).min(Duration::from_mins(10));
                assert!(wait >= SOONEST && wait <= bound, "wait {n} was {wait:?}");
            }
        }
    }

    #[test]
    fn waits_are_spread_over_the_whole_bound() {
        let jitter = Jitter::new(Some(1));
        let bound = Duration::from_secs(8);
        let draws: Vec<Duration> = (0..1000).map(|_| jitter.within(bound)).collect();
        let mean = draws.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(bound / 2) < Duration::from_millis(300), "mean {mean:?}");
        assert!(draws.iter().any(|wait| *wait < bound / 20) && draws.iter().any(|wait| *wait > bound * 19 / 20));
    }

    #[test]
    fn urgent_work_retries_sooner_and_the_last_attempt_is_the_last() {
        let retries = Retries::default();
        let jitter = Jitter::new(Some(3));
        for attempt in 1..8 {
            assert!(retries.wait(Priority::URGENT, attempt, &jitter).unwrap() <= Duration::from_secs(30));
        }
        assert_eq!(retries.wait(Priority::URGENT, 8, &jitter), None);
        assert!(
            Backoff {
                first: Duration::from_secs(1),
                longest: Duration::MAX
            }
            .bound(500)
                > Duration::from_hours(1)
        );
    }
}
