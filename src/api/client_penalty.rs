//! Rate limit of refused requests: a client that nothing authenticates and that keeps being refused is answered with 429, at each endpoint by
//! itself, by address and never by the name it claims. Nobody who proves who it is is asked here, so that nobody can lock out another.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

use super::Limits;
use super::client_address::ClientKey;
use crate::clock::MonotonicClock;

/// Clients remembered at most. Past that the one nearest to forgiveness is forgotten, so a crowd cannot wash out the worst.
const MOST_CLIENTS: usize = 4096;

/// Whom a refusal is counted against, and at which endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PenaltyKey {
    /// The endpoint's name; empty for the paths that no endpoint is at.
    pub(super) endpoint: String,
    /// Who.
    pub(super) client: ClientKey,
}

/// The failures of each client, as a GCRA.
pub(super) struct ClientPenalties {
    limiter: RateLimiter<Query, Table, MonotonicClock>,
}

impl ClientPenalties {
    pub(super) fn new(limits: &Limits) -> Self {
        let burst = NonZeroU32::new(limits.failures).unwrap_or(NonZeroU32::MIN);
        let recovery = limits.failure_recovery.max(Duration::from_millis(1));
        let quota = Quota::with_period(recovery)
            .unwrap_or(Quota::per_second(burst))
            .allow_burst(burst);
        Self {
            limiter: RateLimiter::new(quota, Table::default(), MonotonicClock),
        }
    }

    /// How long the client is told to wait where it is refused now; `None` where it is told why instead.
    pub(super) fn wait(&self, client: &PenaltyKey) -> Option<Duration> {
        self.query(client.clone(), false)
    }

    /// Takes note of one failure.
    pub(super) fn record(&self, client: PenaltyKey) {
        self.query(client, true);
    }

    fn query(&self, client: PenaltyKey, take: bool) -> Option<Duration> {
        let refused = self.limiter.check_key(&Query { client, take }).err()?;
        Some(refused.wait_time_from(self.limiter.clock().now()))
    }
}

/// A question to the table. `governor` takes a cell whenever it says yes; here only a failure takes one, and how the client is to be
/// answered must be known before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Query {
    client: PenaltyKey,
    take: bool,
}

#[derive(Debug, Default)]
struct Table(Mutex<HashMap<PenaltyKey, Nanos>>);

impl StateStore for Table {
    type Key = Query;

    fn measure_and_replace<T, F, E>(&self, query: &Query, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, next) = decide(table.get(&query.client).copied())?;
        if query.take {
            if table.len() >= MOST_CLIENTS && !table.contains_key(&query.client) {
                let nearest = table.iter().min_by_key(|(_, until)| **until);
                let nearest = nearest.map(|(client, _)| client.clone());
                nearest.and_then(|client| table.remove(&client));
            }
            table.insert(query.client.clone(), next);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(endpoint: &str, n: u32) -> PenaltyKey {
        let address = std::net::IpAddr::V4(std::net::Ipv4Addr::from_bits(n));
        PenaltyKey {
            endpoint: endpoint.to_owned(),
            client: ClientKey::One(address.into()),
        }
    }

    fn three_then_one_a_second() -> ClientPenalties {
        ClientPenalties::new(&Limits {
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
    async fn a_client_waits_after_its_burst_and_recovers_and_each_endpoint_counts_by_itself() {
        let failures = three_then_one_a_second();
        for _ in 0..3 {
            assert_eq!(failures.wait(&at("idp", 1)), None);
            failures.record(at("idp", 1));
        }
        assert_eq!(failures.wait(&at("idp", 1)), Some(Duration::from_secs(1)));
        assert_eq!(failures.wait(&at("idp", 2)), None, "another address is not concerned");
        assert_eq!(failures.wait(&at("siem", 1)), None, "nor is another endpoint");
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
        assert!(failures.limiter.into_state_store().0.into_inner().unwrap().len() <= MOST_CLIENTS);
    }
}
