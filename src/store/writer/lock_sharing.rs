//! Shares the write lock with other processes: how long each waits for it, and when a writer that never rests gives it up for a moment.
//!
//! SQLite has no queue for its lock: whoever waits looks again at intervals, and a writer that begins its next group at once is never seen
//! without it.

use std::time::Duration;

use tokio::time::Instant;

/// After this long without a rest the lock is given up.
const TURN: Duration = Duration::from_millis(200);
/// For so long: a command of ours looks at least as often ([`LockManners::COMMAND`]).
const REST: Duration = Duration::from_millis(10);

/// How a process waits for the write lock, and what it does with the log.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct LockManners {
    /// How long SQLite itself waits: then we look again, and show that we live.
    pub(in crate::store) poll: &'static str,
    /// How long a group waits for the lock before it fails.
    pub(in crate::store) patience: Duration,
    /// Whether this process tends the store: it folds the log back into the database, and alerts about a lock that somebody holds for long.
    ///
    /// A command does neither. Folding a long log takes the write lock for as long as it takes, and the last connection that closes folds it
    /// in any case, by SQLite's own doing.
    pub(in crate::store) tends: bool,
}

impl LockManners {
    /// The daemon tells its senders soon that they should come again.
    pub(in crate::store) const DAEMON: Self = Self {
        poll: "PRAGMA busy_timeout = 250",
        patience: Duration::from_secs(5),
        tends: true,
    };
    /// A command is asked once, by somebody who waits. SQLite looks after 1, 2, 5 and 10 ms, and less often the longer it waits: so it begins
    /// anew after these.
    pub(in crate::store) const COMMAND: Self = Self {
        poll: "PRAGMA busy_timeout = 18",
        patience: Duration::from_mins(1),
        tends: false,
    };
}

/// The turns of a writer: groups one after the other, and a rest before others have waited for long.
#[derive(Debug)]
pub(in crate::store) struct LockTurns {
    since: Instant,
    rested: Duration,
}

impl LockTurns {
    pub(in crate::store) fn new() -> Self {
        Self {
            since: Instant::now(),
            rested: Duration::ZERO,
        }
    }

    /// The writer had nothing to do for so long, and others could have the lock.
    pub(in crate::store) fn rested(&mut self, length: Duration) {
        self.rested += length;
    }

    /// Leaves the lock to others for a moment, where they had no chance of it for a whole turn. What is sent meanwhile joins the next group.
    pub(in crate::store) async fn give_way(&mut self) {
        if self.since.elapsed() < TURN {
            return;
        }
        if self.rested < REST {
            tokio::time::sleep(REST).await;
        }
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_never_rests_gives_the_lock_up_once_a_turn() {
        let (mut turns, began) = (LockTurns::new(), Instant::now());
        let mut rests = 0;
        // Groups of 5 ms, one right after the other, for a second.
        while began.elapsed() < Duration::from_secs(1) {
            tokio::time::advance(Duration::from_millis(5)).await;
            let before = Instant::now();
            turns.give_way().await;
            rests += u32::from(before.elapsed() >= REST);
        }
        assert_eq!(rests, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_rests_by_itself_is_not_slowed() {
        let (mut turns, began) = (LockTurns::new(), Instant::now());
        for _ in 0..1000 {
            tokio::time::advance(Duration::from_millis(5)).await;
            turns.rested(Duration::from_millis(1));
            turns.give_way().await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }
}
