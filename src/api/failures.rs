//! Strangers whose requests keep being refused are kept at a distance: at each door by itself, by address and never by the name they claim.
//! Nobody who proves who it is is asked here, so that nobody can lock out another.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::Limits;
use super::address::Caller;
use crate::clock::Pace;

/// Callers remembered at most. Past that the one nearest to forgiveness is forgotten, so a crowd cannot wash out the worst.
const REMEMBERED: usize = 4096;

/// Whom a refusal is counted against, and at which door.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Stranger {
    /// The door's name; empty for the paths that no door is at.
    pub(super) door: String,
    /// Who.
    pub(super) caller: Caller,
}

/// The failures of each stranger, as a GCRA.
pub(super) struct Failures {
    limiter: RateLimiter<Ask, Table, Pace>,
}

impl Failures {
    pub(super) fn new(limits: &Limits) -> Self {
        let burst = NonZeroU32::new(limits.failures).unwrap_or(NonZeroU32::MIN);
        let recovery = limits.failure_recovery.max(Duration::from_millis(1));
        let quota = Quota::with_period(recovery)
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        Self {
            limiter: RateLimiter::new(quota, Table::default(), Pace),
        }
    }

    /// How long the stranger is told to wait where it is refused now; `None` where it is told why instead.
    pub(super) fn wait(&self, stranger: &Stranger) -> Option<Duration> {
        self.ask(stranger.clone(), false)
    }

    /// Takes note of one failure.
    pub(super) fn record(&self, stranger: Stranger) {
        self.ask(stranger, true);
    }

    fn ask(&self, stranger: Stranger, take: bool) -> Option<Duration> {
        let refused = self.limiter.check_key(&Ask { stranger, take }).err()?;
        Some(refused.wait_time_from(self.limiter.clock().now()))
    }
}

/// A question to the table. `governor` takes a cell whenever it says yes; here only a failure takes one, and how the stranger is to be
/// answered must be known before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Ask {
    stranger: Stranger,
    take: bool,
}

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<Stranger, Nanos>>);

impl StateStore for Table {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = decide(table.get(&ask.stranger).copied())?;
        if ask.take {
            if table.len() >= REMEMBERED && !table.contains_key(&ask.stranger) {
                let nearest = table.iter().min_by_key(|(_, until)| **until);
                let nearest = nearest.map(|(stranger, _)| stranger.clone());
                nearest.and_then(|stranger| table.remove(&stranger));
            }
            table.insert(ask.stranger.clone(), next);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(door: &str, n: u32) -> Stranger {
        let address = std::net::IpAddr::V4(std::net::Ipv4Addr::from_bits(n));
        Stranger {
            door: door.to_owned(),
            caller: Caller::One(address.into()),
        }
    }

    fn three_then_one_a_second() -> Failures {
        Failures::new(&Limits {
            failures: 3,
            failure_recovery: Duration::from_secs(1),
            ..Limits::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn asking_costs_nothing() {
        let failures = three_then_one_a_second();
        for _ in 0..100 {
            assert_eq!(failures.wait(&at("idp", 1)), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_waits_after_its_burst_and_recovers_and_each_door_counts_by_itself() {
        let failures = three_then_one_a_second();
        for _ in 0..3 {
            assert_eq!(failures.wait(&at("idp", 1)), None);
            failures.record(at("idp", 1));
        }
        assert_eq!(failures.wait(&at("idp", 1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(&at("idp", 2)), None, "another address is not concerned");
        assert_eq!(failures.wait(&at("siem", 1)), None, "nor is another door");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(failures.wait(&at("idp", 1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_wash_out_the_worst() {
        let failures = three_then_one_a_second();
        for _ in 0..3 {
            failures.record(at("idp", 1));
        }
        for n in 0..10_000 {
            failures.record(at("idp", 100 + n));
        }
        assert!(failures.wait(&at("idp", 1)).is_some());
        assert!(failures.limiter.into_state_store().0.into_inner().unwrap().len() <= REMEMBERED);
    }
}
