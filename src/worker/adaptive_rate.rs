//! Throttling: how a lane goes slower than its configured rate after a 429, or while the target says that few calls are left. Pure: instants come in from outside.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::Priority;
use crate::targets::RateLimitHints;

/// After a refusal the interval doubles up to this many times.
const SLOWEST: u32 = 4;
/// How long without a refusal until the interval is halved again.
const RECOVERY: Duration = Duration::from_secs(30);
/// Where nothing is left of the target's allowance, the urgent try again after this long: most targets let a call through long before
/// their bucket is full, and those that do not say how long to wait.
const URGENT_PATIENCE: Duration = Duration::from_secs(1);
/// As long as the target says that at least so many calls are left, the quota alone decides: a bucket refills while we call, and holding
/// back from a full one would only waste it. Below this, what is left is spread, so that something stays for the urgent.
const RESERVE: u32 = 10;
/// A target that says nothing better than "later" is believed for this long at most, lest a typo in a header stops a lane for a year.
const LONGEST_REFUSAL: Duration = Duration::from_hours(1);

/// What was heard, and until when it counts.
#[derive(Debug)]
pub(super) struct AdaptiveRate {
    interval: Duration,
    last: Option<Instant>,
    /// Nobody calls before this.
    closed_until: Option<Instant>,
    spread: Option<Spread>,
    slowed: Option<Slowed>,
}

/// What is left of the target's own allowance, spread over the time until it is whole again.
#[derive(Debug, Clone, Copy)]
struct Spread {
    every: Duration,
    until: Instant,
    /// Whether calls are left that the urgent may use at once.
    left: bool,
}

/// The quota turned out to be more than the target takes.
#[derive(Debug, Clone, Copy)]
struct Slowed {
    doublings: u32,
    since: Instant,
}

impl AdaptiveRate {
    pub(super) const fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            closed_until: None,
            spread: None,
            slowed: None,
        }
    }

    /// Takes note of an answer. Never makes anything faster than the quota.
    pub(super) fn note(&mut self, hints: RateLimitHints, now: Instant) {
        if let Some(wait) = hints.refused {
            // Several calls that were under way together are refused together: that is one refusal.
            if self.closed_until.is_none_or(|until| until <= now) {
                let doublings = (self.doublings(now) + 1).min(SLOWEST);
                self.slowed = Some(Slowed { doublings, since: now });
            }
            self.close(now + wait.min(LONGEST_REFUSAL));
        }
        if let (Some(remaining), Some(reset)) = (hints.remaining, hints.reset) {
            self.spread = (!reset.is_zero() && remaining < RESERVE).then(|| Spread {
                every: reset.min(LONGEST_REFUSAL) / remaining.max(1),
                until: now + reset.min(LONGEST_REFUSAL),
                left: remaining > 0,
            });
        }
    }

    /// Nobody calls before `until`.
    pub(super) fn close(&mut self, until: Instant) {
        self.closed_until = Some(self.closed_until.map_or(until, |earlier| earlier.max(until)));
    }

    /// Until when the target refuses.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        self.closed_until
    }

    /// Notes that a call was let go.
    pub(super) fn sent(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// The instant before which a call of this urgency must wait; `None` where nothing but the quota holds it back.
    ///
    /// The spread holds back what is not urgent: it exists so that something is left for the urgent.
    pub(super) fn earliest(&self, priority: Priority, now: Instant) -> Option<Instant> {
        if self.closed_until.is_none() && self.spread.is_none() && self.slowed.is_none() {
            return None;
        }
        let mut earliest = self.closed_until.filter(|until| *until > now);
        if let Some(last) = self.last {
            let doublings = self.doublings(now);
            if doublings > 0 {
                earliest = earliest.max(Some(last + self.interval * 2_u32.pow(doublings)));
            }
            if let Some(spread) = self.spread.filter(|spread| spread.until > now) {
                let every = match (priority.is_urgent(), spread.left) {
                    (true, true) => Duration::ZERO,
                    (true, false) => spread.every.min(URGENT_PATIENCE),
                    (false, _) => spread.every,
                };
                earliest = earliest.max(Some((last + every).min(spread.until)));
            }
        }
        earliest.filter(|at| *at > now)
    }

    fn doublings(&self, now: Instant) -> u32 {
        self.slowed.map_or(0, |slowed| {
            // Counted from the end of the refusal, not from its beginning.
            let since = self.closed_until.map_or(slowed.since, |until| until.max(slowed.since));
            let halvings = now.saturating_duration_since(since).as_secs() / RECOVERY.as_secs();
            slowed.doublings.saturating_sub(u32::try_from(halvings).unwrap_or(u32::MAX))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    fn refused(seconds: u64) -> RateLimitHints {
        RateLimitHints {
            refused: Some(Duration::from_secs(seconds)),
            ..RateLimitHints::default()
        }
    }

    fn left(remaining: u32, reset: u64) -> RateLimitHints {
        RateLimitHints {
            remaining: Some(remaining),
            reset: Some(Duration::from_secs(reset)),
            refused: None,
        }
    }

    #[test]
    fn nobody_calls_before_a_refusal_ends_and_then_slower_until_it_is_forgotten() {
        let mut adaptive_rate = AdaptiveRate::new(INTERVAL);
        let start = Instant::now();
        adaptive_rate.note(refused(5), start);
        adaptive_rate.note(refused(4), start + INTERVAL);
        let end = start + Duration::from_secs(5);
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, start), Some(end));
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, end), None);
        adaptive_rate.sent(end);
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, end), Some(end + 2 * INTERVAL));
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, end + RECOVERY), None);
    }

    #[test]
    fn refusals_that_go_on_slow_down_to_a_floor() {
        let mut adaptive_rate = AdaptiveRate::new(INTERVAL);
        let mut now = Instant::now();
        for _ in 0..10 {
            adaptive_rate.note(refused(1), now);
            now += Duration::from_secs(2);
        }
        adaptive_rate.sent(now);
        assert_eq!(adaptive_rate.earliest(Priority::ROUTINE, now), Some(now + 16 * INTERVAL));
    }

    #[test]
    fn what_is_left_is_spread_over_the_routine_and_free_for_the_urgent() {
        let mut adaptive_rate = AdaptiveRate::new(INTERVAL);
        let now = Instant::now();
        adaptive_rate.sent(now);
        adaptive_rate.note(left(5, 10), now);
        assert_eq!(
            adaptive_rate.earliest(Priority::ROUTINE, now),
            Some(now + Duration::from_secs(2))
        );
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, now), None);
        adaptive_rate.note(left(0, 10), now);
        assert_eq!(adaptive_rate.earliest(Priority::URGENT, now), Some(now + URGENT_PATIENCE));
        assert_eq!(
            adaptive_rate.earliest(Priority::ROUTINE, now),
            Some(now + Duration::from_secs(10))
        );
        adaptive_rate.note(left(90, 1), now);
        // Plenty is left: the quota alone decides, or a lane at exactly the target's own rate would never reach it.
        assert_eq!(adaptive_rate.earliest(Priority::ROUTINE, now), None);
    }

    #[test]
    fn an_absurd_wait_is_capped() {
        let mut adaptive_rate = AdaptiveRate::new(INTERVAL);
        let now = Instant::now();
        adaptive_rate.note(refused(u64::from(u32::MAX)), now);
        assert_eq!(adaptive_rate.closed_until(), Some(now + LONGEST_REFUSAL));
    }
}
