//! How many commands run at once: of all callers, and of one account so few that it keeps nobody else out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::api::Problem;
use crate::console::refusal::Refusal;

/// How many run at once.
const AT_ONCE: usize = 8;
/// How many of one account.
const OF_ONE: usize = 4;
/// When to ask again.
const AGAIN: Duration = Duration::from_secs(1);

/// The places, by the account that has them.
#[derive(Debug, Clone, Default)]
pub(in crate::console) struct Places(Arc<Mutex<HashMap<u32, usize>>>);

/// The place of one command, until it is dropped.
#[derive(Debug)]
pub(in crate::console) struct Place {
    uid: u32,
    places: Places,
}

impl Places {
    /// A place for a command of this account.
    ///
    /// # Errors
    /// 429 where the account has as many as it may have, 503 where all are taken.
    pub(in crate::console) fn enter(&self, uid: u32) -> Result<Place, Refusal> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |status, detail: String| Err(Refusal(Problem::new(status, detail).retry_after(AGAIN)));
        if taken.get(&uid).is_some_and(|own| *own >= OF_ONE) {
            return refused(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{OF_ONE} commands of this account run already; ask again once one has ended"),
            );
        }
        if taken.values().sum::<usize>() >= AT_ONCE {
            return refused(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{AT_ONCE} commands run already, which is as many as run at once; ask again once one has ended"),
            );
        }
        *taken.entry(uid).or_default() += 1;
        Ok(Place {
            uid,
            places: self.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(entered: &Result<Place, Refusal>) -> Option<StatusCode> {
        entered.as_ref().err().map(|refusal| refusal.0.status())
    }

    #[test]
    fn one_account_never_takes_all_places_and_a_command_that_ended_makes_room() {
        let places = Places::default();
        let mut own: Vec<Place> = (0..OF_ONE).map(|_| places.enter(1000).unwrap()).collect();
        assert_eq!(status(&places.enter(1000)), Some(StatusCode::TOO_MANY_REQUESTS));
        let others: Vec<Place> = (0..AT_ONCE - OF_ONE).map(|_| places.enter(1001).unwrap()).collect();
        assert_eq!(status(&places.enter(1002)), Some(StatusCode::SERVICE_UNAVAILABLE));
        own.pop();
        own.push(places.enter(1000).unwrap());
        drop((own, others));
        assert!(places.0.lock().unwrap().is_empty(), "nothing is left of those that ended");
    }
}
