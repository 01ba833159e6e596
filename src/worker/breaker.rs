//! The circuit breaker of one lane: after some failures of the target itself in a row no job is claimed for a growing time, and then one job tries.
//!
//! While it is open, jobs are snoozed, so that a target that is down for an hour burns no attempt. Pure: instants come in from outside.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Jitter;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// How many failures in a row open it: time-outs, resets, 5xx.
    pub failures: u32,
    /// The first pause; each later one doubles it.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// The longest pause for urgent work.
    pub urgent_longest: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            first: Duration::from_secs(2),
            longest: Duration::from_mins(1),
            urgent_longest: Duration::from_secs(5),
        }
    }
}

/// What a lane may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admits {
    /// Everything.
    All,
    /// One urgent job, to see whether the target is back.
    OneUrgent,
    /// One job of any urgency.
    One,
    /// Nothing before this, as far as is known now.
    Nothing(Instant),
}

#[derive(Debug)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    state: State,
    failures: u32,
    pauses: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        urgent: Instant,
        others: Instant,
    },
    /// One job is on its way; its end decides. Forgotten after the instant, should that end never come.
    Trying {
        until: Instant,
    },
}

impl Breaker {
    pub(super) const fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed,
            failures: 0,
            pauses: 0,
        }
    }

    pub(super) fn admits(&self, now: Instant) -> Admits {
        match self.state {
            State::Closed => Admits::All,
            State::Open { others, .. } if others <= now => Admits::One,
            State::Open { urgent, .. } if urgent <= now => Admits::OneUrgent,
            State::Open { urgent, .. } => Admits::Nothing(urgent),
            State::Trying { until } if until <= now => Admits::One,
            State::Trying { until } => Admits::Nothing(until),
        }
    }

    /// Whether it lets everything through.
    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// When work for which the target did not answer may try again; `None` while closed.
    pub(super) fn reopens(&self, urgent: bool) -> Option<Instant> {
        match self.state {
            State::Closed => None,
            State::Open { urgent: at, .. } if urgent => Some(at),
            State::Open { others: at, .. } | State::Trying { until: at } => Some(at),
        }
    }

    /// One job goes to see whether the target is back.
    pub(super) fn trying(&mut self, until: Instant) {
        if self.state != State::Closed {
            self.state = State::Trying { until };
        }
    }

    /// The job that went to see came back without having seen: the next one may go.
    pub(super) fn undecided(&mut self, now: Instant) {
        if matches!(self.state, State::Trying { .. }) {
            self.state = State::Open {
                urgent: now,
                others: now,
            };
        }
    }

    /// The target answered. True where that closes the breaker.
    pub(super) fn worked(&mut self) -> bool {
        self.failures = 0;
        self.pauses = 0;
        std::mem::replace(&mut self.state, State::Closed) != State::Closed
    }

    /// The target failed. True where it must be looked into whether the target is down: now is the time to open.
    pub(super) fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            State::Closed => self.failures >= self.settings.failures,
            State::Trying { .. } => true,
            State::Open { .. } => false,
        }
    }

    /// Nothing more is sent for a while. True where it was closed before.
    pub(super) fn open(&mut self, now: Instant, jitter: &Jitter) -> bool {
        if matches!(self.state, State::Open { .. }) {
            return false;
        }
        let doubled = self
            .settings
            .first
            .saturating_mul(2_u32.checked_pow(self.pauses).unwrap_or(u32::MAX));
        self.pauses = self.pauses.saturating_add(1);
        // Between half the pause and the whole, so that several lanes of one failing network do not probe in step.
        let jittered = |pause: Duration| pause / 2 + jitter.within(pause / 2);
        let others = jittered(doubled.min(self.settings.longest));
        let urgent = jittered(doubled.min(self.settings.urgent_longest)).min(others);
        let before = std::mem::replace(
            &mut self.state,
            State::Open {
                urgent: now + urgent,
                others: now + others,
            },
        );
        before == State::Closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(pauses: u32) -> (Breaker, Instant) {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let jitter = Jitter::new(Some(5));
        let now = Instant::now();
        for _ in 0..pauses {
            breaker.open(now, &jitter);
            breaker.trying(now);
        }
        breaker.open(now, &jitter);
        (breaker, now)
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            assert!(!breaker.failed());
        }
        assert!(!breaker.worked());
        for _ in 0..4 {
            assert!(!breaker.failed());
        }
        assert!(breaker.failed());
        assert_eq!(breaker.admits(Instant::now()), Admits::All);
    }

    #[test]
    fn pauses_grow_to_a_limit_that_is_lower_for_the_urgent() {
        let settings = BreakerSettings::default();
        let mut longest = Duration::ZERO;
        for pauses in 0..20 {
            let (breaker, now) = opened(pauses);
            let (urgent, others) = (breaker.reopens(true).unwrap() - now, breaker.reopens(false).unwrap() - now);
            assert!(urgent <= settings.urgent_longest && urgent <= others && others <= settings.longest);
            longest = longest.max(others);
        }
        assert!(longest > settings.longest / 2);
    }

    #[test]
    fn one_urgent_job_tries_first_and_its_end_decides() {
        let (mut breaker, now) = opened(10);
        let (urgent, others) = (breaker.reopens(true).unwrap(), breaker.reopens(false).unwrap());
        assert_eq!(breaker.admits(now), Admits::Nothing(urgent));
        assert_eq!(breaker.admits(urgent), Admits::OneUrgent);
        assert_eq!(breaker.admits(others), Admits::One);
        breaker.trying(others + Duration::from_mins(6));
        assert!(matches!(breaker.admits(others), Admits::Nothing(_)));
        assert!(breaker.failed());
        breaker.undecided(others);
        assert_eq!(breaker.admits(others), Admits::One);
        assert!(breaker.worked());
        assert_eq!(breaker.admits(now), Admits::All);
    }
}
