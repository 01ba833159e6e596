//! The token bucket of a target: its configured rate limit and burst, as a `governor` quota on tokio's clock, so that a paused runtime moves it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// How late a timer may wake us without loss: calls that a late wake delayed are made up for within this span. Over any window, a lane
/// so sends at most `rate × (window + TOLERANCE) + 1` calls. tokio's timer alone rounds up to the next millisecond.
const TOLERANCE: Duration = Duration::from_millis(5);
/// The grain in which calls are counted where one call's interval is longer than this.
const GRAIN: Duration = Duration::from_millis(1);
/// One call in a year: what is slower than that is no rate.
const SLOWEST: Duration = Duration::from_hours(365 * 24);

/// How many calls a target may be sent, as the interval between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Duration);

impl Rate {
    /// `count` calls in each `period`. `None` for no calls, for an empty period, for less than a call a year, and for more than one call
    /// in a nanosecond.
    #[must_use]
    pub fn per(count: u32, period: Duration) -> Option<Self> {
        let interval = period.as_nanos().div_ceil(u128::from(NonZeroU32::new(count)?.get()));
        let interval = Duration::from_nanos(u64::try_from(interval).ok()?);
        (interval > Duration::ZERO && interval <= SLOWEST).then_some(Self(interval))
    }

    /// So many calls a second, fractions too.
    #[must_use]
    pub fn per_second(rate: f64) -> Option<Self> {
        let interval = Duration::try_from_secs_f64(1.0 / rate).ok()?;
        (rate > 0.0 && interval > Duration::ZERO && interval <= SLOWEST).then_some(Self(interval))
    }

    /// The time between two calls.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.0
    }
}

/// Time since the bucket was made.
struct Ticks(Instant);

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Says whether the next call may be sent now. Urgent calls may use up what idling has saved, `burst` calls at most; the others keep to the
/// interval. Over any window a lane so sends at most `rate × (window + TOLERANCE) + 1` calls, and `burst` more.
pub(super) struct TokenBucket {
    /// Without savings: what is not urgent never comes faster.
    paced: Meter,
    /// Every call, with the savings. None where nothing is saved.
    saved: Option<Meter>,
}

impl TokenBucket {
    /// An empty bucket: the first call is allowed one interval from now, so that a daemon that restarts in a loop stays within its rate.
    pub(super) fn empty(rate: Rate, burst: u32) -> Self {
        Self {
            paced: Meter::empty(rate, 1),
            saved: (burst > 1).then(|| Meter::empty(rate, burst)),
        }
    }

    /// Takes one call, or says when to ask again.
    pub(super) fn take(&self, urgent: bool) -> Result<(), Instant> {
        let Some(saved) = &self.saved else {
            return self.paced.take();
        };
        // A call that is paced and finds nothing saved, since urgent ones have just used it up, loses its turn by one interval.
        if !urgent {
            self.paced.take()?;
        }
        saved.take()
    }
}

/// One governor: a rate, and how many calls it saves.
struct Meter {
    limiter: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>,
    /// How many grains one call is.
    call: NonZeroU32,
    origin: Instant,
}

impl Meter {
    fn empty(rate: Rate, calls: u32) -> Self {
        // governor's tolerance is a whole number of cells. A call is therefore counted as several cells of about a millisecond each, or
        // as one where calls come faster than that.
        let interval = rate.interval().as_nanos();
        let call = u32::try_from(interval / GRAIN.as_nanos()).unwrap_or(u32::MAX).max(1);
        // Rounded up: the sum of the grains is never shorter than the interval.
        let grain = u64::try_from(interval.div_ceil(u128::from(call))).unwrap_or(u64::MAX);
        let spare = u32::try_from(TOLERANCE.as_nanos() / u128::from(grain)).unwrap_or(1).max(1);
        let whole = call.saturating_mul(calls.max(1));
        let burst = NonZeroU32::MIN.saturating_add(whole.saturating_add(spare).saturating_sub(1));
        let quota = Quota::with_period(Duration::from_nanos(grain))
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let origin = Instant::now();
        let meter = Self {
            limiter: RateLimiter::direct_with_clock(quota, Ticks(origin)),
            call: NonZeroU32::MIN.saturating_add(call - 1),
            origin,
        };
        // A full one cannot refuse its own size.
        drop(meter.limiter.check_n(burst));
        meter
    }

    fn take(&self) -> Result<(), Instant> {
        match self.limiter.check_n(self.call) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(self.origin + not_until.wait_time_from(Duration::ZERO)),
            // One call is never larger than the bucket, which was made for it.
            Err(_) => Err(Instant::now() + GRAIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_an_interval() {
        let second = Duration::from_secs(1);
        assert_eq!(Rate::per(10, second).unwrap().interval(), Duration::from_millis(100));
        assert_eq!(
            Rate::per(1, Duration::from_mins(1)).unwrap().interval(),
            Duration::from_mins(1)
        );
        assert_eq!(Rate::per(3, second).unwrap().interval(), Duration::from_nanos(333_333_334));
        assert_eq!(Rate::per_second(0.5).unwrap().interval(), Duration::from_secs(2));
        assert_eq!(Rate::per(0, second), None);
        assert_eq!(Rate::per(1, Duration::ZERO), None);
        assert_eq!(Rate::per_second(0.0), None);
        assert_eq!(Rate::per_second(-1.0), None);
        assert_eq!(Rate::per_second(f64::NAN), None);
        assert_eq!(Rate::per_second(f64::INFINITY), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_bucket_holds_nothing_and_never_gives_two_calls_at_once() {
        for rate in [
            Rate::per_second(10.0),
            Rate::per(1, Duration::from_mins(1)),
            Rate::per_second(3.0),
        ] {
            let rate = rate.unwrap();
            let bucket = TokenBucket::empty(rate, 0);
            let first = bucket.take(true).unwrap_err();
            let interval = first - Instant::now();
            assert!(
                interval.abs_diff(rate.interval()) < Duration::from_micros(10),
                "{interval:?} for {rate:?}"
            );
            tokio::time::advance(rate.interval() * 100).await;
            assert_eq!(bucket.take(true), Ok(()));
            let next = bucket.take(true).unwrap_err() - Instant::now();
            assert!(next + TOLERANCE >= rate.interval(), "the second call after {next:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_urgent_calls_use_what_idling_has_saved_and_a_new_bucket_has_saved_nothing() {
        let rate = Rate::per_second(10.0).unwrap();
        let bucket = TokenBucket::empty(rate, 10);
        assert!(bucket.take(true).is_err(), "a restart grants no burst");
        tokio::time::advance(rate.interval() * 100).await;
        assert_eq!(bucket.take(false), Ok(()));
        assert!(bucket.take(false).is_err(), "what is not urgent is paced");
        let burst = std::iter::repeat_with(|| bucket.take(true)).take_while(Result::is_ok).count();
        assert_eq!(burst, 9, "the paced call was one of the ten");
        tokio::time::advance(rate.interval() * 3).await;
        assert_eq!(
            std::iter::repeat_with(|| bucket.take(true)).take_while(Result::is_ok).count(),
            3
        );
    }
}
