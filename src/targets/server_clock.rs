//! What a target's answers show of its clock: how far it is from ours.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::model::Timestamp;

/// An HTTP date names the whole second in which it was written.
const SECOND: Duration = Duration::from_secs(1);

/// No answer has shown anything yet.
const UNKNOWN: i64 = i64::MIN;

/// The clock of a target, as its newest answer shows it.
#[derive(Debug)]
pub struct ServerClock(AtomicI64);

impl Default for ServerClock {
    fn default() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }
}

impl ServerClock {
    /// How far clocks may be apart, in milliseconds: what is less is what clocks do.
    pub const TOLERATED: i64 = 60_000;

    /// Takes note of an answer that is dated `date`, to a request that was sent and answered at these times of our clock: whatever lies
    /// between them is no difference.
    pub fn note(&self, date: Timestamp, (sent, answered): (Timestamp, Timestamp)) {
        if answered < sent {
            // Ours was set back meanwhile: the next answer shows what it is.
            return;
        }
        let (earliest, latest) = (date.ms(), date.plus(SECOND).ms());
        let apart = if earliest > answered.ms() {
            earliest.saturating_sub(answered.ms())
        } else if latest < sent.ms() {
            latest.saturating_sub(sent.ms())
        } else {
            0
        };
        let ahead = if apart.saturating_abs() > Self::TOLERATED { apart } else { 0 };
        if self.0.load(Ordering::Relaxed) != ahead {
            self.0.store(ahead, Ordering::Relaxed);
        }
    }

    /// By how many milliseconds it is ahead of ours; less than nothing where it is behind, and nothing where that is tolerated. `None` until
    /// an answer has shown it.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_length_of_the_call_does_not_explain_is_a_difference() {
        let at = |seconds: i64| Timestamp::from_ms(1_764_000_000_000 + seconds * 1000);
        let clock = ServerClock::default();
        assert_eq!(clock.ahead(), None);
        for (date, sent, answered, ahead) in [
            (0, 0, 0, 0),
            (60, 0, 0, 0),
            (61, 0, 0, 61_000),
            (3600, 0, 30, 3_570_000),
            // Ninety seconds under way: written at once, or at the end.
            (0, 0, 90, 0),
            (90, 0, 90, 0),
            (-61, 0, 90, 0),
            (-62, 0, 90, -61_000),
            (-3600, 0, 90, -3_599_000),
            (5, 0, 5, 0),
        ] {
            clock.note(at(date), (at(sent), at(answered)));
            assert_eq!(clock.ahead(), Some(ahead), "{date} between {sent} and {answered}");
        }
        // Set back by an hour during the call.
        clock.note(at(0), (at(0), at(-3600)));
        assert_eq!(clock.ahead(), Some(0));
    }
}
