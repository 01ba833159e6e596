//! How many refusals leave an entry in the trail: so many at once and then one from time to time, for each source and in all. What goes
//! beyond that is counted. A crowd of strangers can so neither fill the disk nor keep the writer from deliveries.

use std::time::Duration;

use governor::RateLimiter;
use governor::state::keyed::HashMapStateStore;

use crate::clock::{MonotonicClock, quota};

/// Entries about refusals of one source at once: an operator who sets a sender up sees each try.
const OF_EACH: u32 = 64;
/// And then one in this time.
const EVERY_OF_EACH: Duration = Duration::from_secs(10);
/// Of all sources together at once.
const OF_ALL: u32 = 512;
/// And then one in this time: 17,280 a day, which is about 10 MB.
const EVERY_OF_ALL: Duration = Duration::from_secs(5);

/// The quota of entries about refusals. What proven senders get wrong has one of its own, which no stranger can use up.
pub(super) struct RefusalQuota {
    of_each: RateLimiter<(String, bool), HashMapStateStore<(String, bool)>, MonotonicClock>,
    of_all: RateLimiter<bool, HashMapStateStore<bool>, MonotonicClock>,
}

impl Default for RefusalQuota {
    fn default() -> Self {
        Self {
            of_each: RateLimiter::hashmap_with_clock(quota(OF_EACH, EVERY_OF_EACH), MonotonicClock),
            of_all: RateLimiter::hashmap_with_clock(quota(OF_ALL, EVERY_OF_ALL), MonotonicClock),
        }
    }
}

impl RefusalQuota {
    /// Takes one entry about a refusal of `source` out of it. False where none is left.
    pub(super) fn take(&self, source: &str, proven: bool) -> bool {
        self.of_each.check_key(&(source.to_owned(), proven)).is_ok() && self.of_all.check_key(&proven).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(quota: &RefusalQuota, source: &str, proven: bool) -> u32 {
        let tries = (0..10_000).filter(|_| quota.take(source, proven));
        u32::try_from(tries.count()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_at_one_door_leaves_room_for_the_other_doors_and_for_proven_senders() {
        let quota = RefusalQuota::default();
        assert_eq!(taken(&quota, "siem", false), OF_EACH);
        assert_eq!(taken(&quota, "okta", false), OF_EACH);
        assert_eq!(taken(&quota, "siem", true), OF_EACH);
        tokio::time::advance(EVERY_OF_EACH).await;
        assert_eq!(taken(&quota, "siem", false), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn floods_at_many_doors_have_one_bound_together() {
        let quota = RefusalQuota::default();
        let all: u32 = (0..40).map(|n| taken(&quota, &format!("door-{n}"), false)).sum();
        assert_eq!(all, OF_ALL);
        tokio::time::advance(EVERY_OF_ALL * 3).await;
        let later: u32 = (40..80).map(|n| taken(&quota, &format!("door-{n}"), false)).sum();
        assert_eq!(later, 3);
        assert_eq!(taken(&quota, "door-1", true), OF_EACH, "proven senders are not concerned");
    }
}
