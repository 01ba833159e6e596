//! The server's rate limiter: the generic cell rate algorithm, in memory, for each node.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// `RateLimitSettings` of the server's configuration.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSettings {
    /// `PerSec`: requests a second in the long run.
    pub per_second: u32,
    /// `MaxBurst`: requests above that at once.
    pub burst: u32,
    /// `VaryByRemoteAddr`: one limit for each address.
    pub by_address: bool,
    /// `VaryByUser`: one limit for each token, and a second one for each person; the headers then come twice.
    pub by_person: bool,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            per_second: 10,
            burst: 100,
            by_address: true,
            by_person: false,
        }
    }
}

/// What one limiter says of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `X-Ratelimit-Limit`: the burst and one more.
    pub(super) limit: u32,
    /// `X-Ratelimit-Remaining`.
    pub(super) remaining: u32,
    /// `X-Ratelimit-Reset`: seconds until the bucket is full, rounded up. Not a point in time.
    pub(super) reset: u64,
    /// `Retry-After` in seconds, rounded up, where the request is refused.
    pub(super) retry_after: Option<u64>,
}

/// The buckets of one node.
#[derive(Debug, Clone, Default)]
pub(super) struct Limiters {
    settings: Option<RateSettings>,
    /// When each key's bucket will be full: the theoretical arrival time of the algorithm.
    full_at: HashMap<String, Instant>,
}

fn seconds_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

impl Limiters {
    pub(super) fn new(settings: Option<RateSettings>) -> Self {
        Self {
            settings,
            full_at: HashMap::new(),
        }
    }

    pub(super) fn settings(&self) -> Option<RateSettings> {
        self.settings
    }

    /// Takes one request from the bucket of `key`; `None` while the limiter is off.
    pub(super) fn take(&mut self, key: &str, now: Instant) -> Option<Reading> {
        let settings = self.settings?;
        let interval = Duration::from_secs(1) / settings.per_second.max(1);
        let tolerance = interval * (settings.burst + 1);
        let before = self.full_at.get(key).copied().unwrap_or(now).max(now);
        let after = before + interval;
        let excess = after.duration_since(now).saturating_sub(tolerance);
        let (until_full, retry_after) = if excess.is_zero() {
            self.full_at.insert(key.to_owned(), after);
            (after.duration_since(now), None)
        } else {
            (before.duration_since(now), Some(seconds_up(excess)))
        };
        let room = tolerance.saturating_sub(until_full);
        let remaining = u32::try_from(room.as_nanos() / interval.as_nanos().max(1)).unwrap_or(u32::MAX);
        Some(Reading {
            limit: settings.burst + 1,
            remaining,
            reset: seconds_up(until_full),
            retry_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nine requests of the recording `rate-limited-by-address`: two a second, a burst of five.
    #[test]
    fn counts_as_the_recorded_server_did() {
        let mut limiters = Limiters::new(Some(RateSettings {
            per_second: 2,
            burst: 5,
            ..RateSettings::default()
        }));
        let start = Instant::now();
        let mut take = |ms| limiters.take("127.0.0.1", start + Duration::from_millis(ms)).unwrap();
        let readings: Vec<_> = (0..9).map(&mut take).collect();
        let seen: Vec<_> = readings.iter().map(|reading| (reading.remaining, reading.reset)).collect();
        assert_eq!(seen, [(5, 1), (4, 1), (3, 2), (2, 2), (1, 3), (0, 3), (0, 3), (0, 3), (0, 3)]);
        let waits: Vec<_> = readings.iter().map(|reading| reading.retry_after).collect();
        assert_eq!(waits, [None, None, None, None, None, None, Some(1), Some(1), Some(1)]);
        assert_eq!(take(600).retry_after, None);
        assert_eq!(take(601).retry_after, Some(1));
    }

    #[test]
    fn says_nothing_while_it_is_off() {
        assert_eq!(Limiters::new(None).take("anyone", Instant::now()), None);
    }
}
