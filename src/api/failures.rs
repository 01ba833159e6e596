//! Senders whose deliveries keep being refused are kept at a distance, by address and never by the name they claim, so that nobody can lock
//! out another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Limits;
use super::address::Block;

/// Addresses remembered at most. Past that the one nearest to forgiveness is forgotten, so a crowd cannot wash out the worst.
const REMEMBERED: usize = 4096;

/// The failures of each address, as a GCRA.
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

    /// How long the address has to wait before anything it sends is looked at; `None` where it may send.
    pub(super) fn wait(&self, address: IpAddr) -> Option<Duration> {
        self.ask(address, false)
    }

    /// Takes note of one failure.
    pub(super) fn record(&self, address: IpAddr) {
        self.ask(address, true);
    }

    fn ask(&self, address: IpAddr, take: bool) -> Option<Duration> {
        let block = Block::from(address);
        let refused = self.limiter.check_key(&Ask { block, take }).err()?;
        Some(refused.wait_time_from(self.limiter.clock().now()))
    }
}

/// A question to the table. `governor` takes a cell whenever it says yes; here only a failure takes one, and whether the address may
/// send must be known before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Ask {
    block: Block,
    take: bool,
}

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<Block, Nanos>>);

impl StateStore for Table {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = decide(table.get(&ask.block).copied())?;
        if ask.take {
            if table.len() >= REMEMBERED && !table.contains_key(&ask.block) {
                let nearest = table.iter().min_by_key(|(_, until)| **until).map(|(block, _)| *block);
                nearest.and_then(|block| table.remove(&block));
            }
            table.insert(ask.block, next);
        }
        Ok(outcome)
    }
}

/// The runtime's monotonic time, which a test can pause.
#[derive(Debug, Clone)]
struct Pace;

impl Clock for Pace {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(n))
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
            assert_eq!(failures.wait(address(1)), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_waits_after_its_burst_and_recovers() {
        let failures = three_then_one_a_second();
        for _ in 0..3 {
            assert_eq!(failures.wait(address(1)), None);
            failures.record(address(1));
        }
        assert_eq!(failures.wait(address(1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(address(2)), None, "another address is not concerned");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(failures.wait(address(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_does_not_wash_out_the_worst() {
        let failures = three_then_one_a_second();
        for _ in 0..3 {
            failures.record(address(1));
        }
        for n in 0..10_000 {
            failures.record(address(100 + n));
        }
        assert!(failures.wait(address(1)).is_some());
        assert!(failures.limiter.into_state_store().0.into_inner().unwrap().len() <= REMEMBERED);
    }
}
