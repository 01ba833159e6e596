//! Which endpoints throttle unauthenticated clients: those at which one was answered with 429 lately.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The throttled endpoints, each with when somebody was last throttled at it.
#[derive(Default)]
pub(super) struct ThrottledEndpoints(Mutex<HashMap<String, Instant>>);

impl ThrottledEndpoints {
    /// Notes that somebody is throttled at `endpoint`. True where it was not until now.
    pub(super) fn throttle(&self, endpoint: &str) -> bool {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.insert(endpoint.to_owned(), Instant::now()).is_none()
    }

    /// Releases `endpoint` where nobody was throttled at it for `quiet`; else says when to ask again.
    pub(super) fn release(&self, endpoint: &str, quiet: std::time::Duration) -> Result<(), Instant> {
        let mut endpoints = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match endpoints.get(endpoint).map(|last| *last + quiet) {
            Some(until) if until > Instant::now() => Err(until),
            _ => {
                endpoints.remove(endpoint);
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
    async fn an_endpoint_is_released_once_nobody_was_throttled_for_long_enough() {
        let (throttled, quiet) = (ThrottledEndpoints::default(), Duration::from_mins(1));
        assert!(throttled.throttle("idp") && throttled.throttle("siem"));
        tokio::time::advance(Duration::from_secs(50)).await;
        assert!(!throttled.throttle("idp"), "it is throttled already");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(throttled.release("siem", quiet), Ok(()));
        assert_eq!(throttled.release("idp", quiet), Err(Instant::now() + Duration::from_secs(40)));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(throttled.release("idp", quiet), Ok(()));
        assert!(throttled.throttle("idp"), "and may begin anew");
    }
}
