//! Which doors are closed to strangers: those at which somebody was answered with 429 lately.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The closed doors, each with when somebody was last held off at it.
#[derive(Default)]
pub(super) struct Closed(Mutex<HashMap<String, Instant>>);

impl Closed {
    /// Notes that somebody is held off at `door`. True where it was open until now.
    pub(super) fn hold_off(&self, door: &str) -> bool {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doors.insert(door.to_owned(), Instant::now()).is_none()
    }

    /// Opens `door` again where nobody was held off at it for `quiet`; else says when to ask again.
    pub(super) fn open(&self, door: &str, quiet: std::time::Duration) -> Result<(), Instant> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match doors.get(door).map(|last| *last + quiet) {
            Some(until) if until > Instant::now() => Err(until),
            _ => {
                doors.remove(door);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_door_opens_again_once_nobody_was_held_off_for_long_enough() {
        let (closed, quiet) = (Closed::default(), Duration::from_mins(1));
        assert!(closed.hold_off("idp") && closed.hold_off("siem"));
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(!closed.hold_off("idp"), "it is closed already");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(closed.open("siem", quiet), Ok(()));
        assert_eq!(closed.open("idp", quiet), Err(Instant::now() + Duration::from_secs(40)));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(closed.open("idp", quiet), Ok(()));
        assert!(closed.hold_off("idp"), "and may close anew");
    }
}
