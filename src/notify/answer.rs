//! What an attempt came to, and when the next one is.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::backoff::{Backoff, Jitter};
use crate::model::Timestamp;

/// The longest wait that a receiver may ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);
/// The shortest: 0 would have us try again at once, and again.
const SHORTEST_ASKED: Duration = Duration::from_secs(1);

/// What an attempt came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Taken,
    /// Not now: what went wrong, and how long we are asked to wait.
    Later(String, Option<Duration>),
    /// Never, as it is.
    Refused(String),
    /// Nobody is there any more.
    Gone(String),
}

/// How long to go on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// These waits after one another, and then no more.
    Waits(&'static [Duration]),
    /// The same, the last of them again and again for so long in all.
    For(&'static [Duration], Duration),
    /// So many attempts in all, after waits that grow.
    Attempts(u32, Backoff),
}

impl Persistence {
    /// The wait after attempt number `attempt`, from 1, of something that is `age` old; `None` where that was the last.
    #[must_use]
    pub fn wait(self, attempt: u32, age: Duration, jitter: &Jitter) -> Option<Duration> {
        let nth = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        // Up to a quarter more, so that what failed together does not come back together.
        let spread = |wait: Duration| wait + jitter.within(wait / 4);
        match self {
            Self::Waits(waits) => waits.get(nth).copied().map(spread),
            Self::For(waits, long) => (age < long)
                .then(|| waits.get(nth).or(waits.last()).copied().map(spread))
                .flatten(),
            Self::Attempts(attempts, backoff) => (attempt < attempts).then(|| backoff.wait(attempt, jitter)),
        }
    }
}

/// The wait that `Retry-After` names, in seconds or as a date, kept between a second and an hour.
pub(super) fn asked_wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Timestamp::from(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()).since(now),
    };
    Some(wait.clamp(SHORTEST_ASKED, LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

    #[test]
    fn waits_follow_one_another_and_end() {
        const WAITS: &[Duration] = &[Duration::from_secs(4), Duration::from_secs(40)];
        let jitter = Jitter::new(Some(1));
        let wait = |persistence: Persistence, attempt, age| persistence.wait(attempt, Duration::from_secs(age), &jitter);
        let between = |wait: Option<Duration>, low, high| {
            let wait = wait.unwrap();
            assert!(
                wait >= Duration::from_secs(low) && wait <= Duration::from_secs(high),
                "{wait:?}"
            );
        };
        between(wait(Persistence::Waits(WAITS), 1, 0), 4, 5);
        between(wait(Persistence::Waits(WAITS), 2, 0), 40, 50);
        assert_eq!(wait(Persistence::Waits(WAITS), 3, 0), None);
        let day = Persistence::For(WAITS, Duration::from_hours(24));
        between(wait(day, 900, 86_399), 40, 50);
        assert_eq!(wait(day, 2, 86_400), None);
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_as_a_date_up_to_an_hour() {
        let asked = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            asked_wait(&headers, NOW)
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("0"), Some(Duration::from_secs(1)));
        assert_eq!(asked("86400"), Some(Duration::from_hours(1)));
        assert_eq!(asked("Mon, 24 Nov 2025 16:01:00 GMT"), Some(Duration::from_mins(1)));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked_wait(&HeaderMap::new(), NOW), None);
    }
}
