//! The pages that are told of changes: so many at once, and of one caller so few that its browser has connections left.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::caller::Credential;

/// How many pages are told of changes at once.
const STREAMS: usize = 64;
/// How many of one session or token. A browser has six connections for all its tabs.
const OF_ONE: usize = 4;

type Open = Arc<Mutex<HashMap<Credential, VecDeque<CancellationToken>>>>;

/// Every open stream.
#[derive(Clone)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    open: Open,
}

/// The place of one, until it is dropped.
pub(super) struct Place {
    whose: Credential,
    /// Cancelled where it must make room for a newer one of the same caller.
    pub(super) over: CancellationToken,
    open: Open,
    _permit: OwnedSemaphorePermit,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS)),
            open: Open::default(),
        }
    }

    /// A place for one more; the oldest of this caller makes room where it has enough. `None` where there are too many in all.
    pub(super) fn enter(&self, whose: Credential) -> Option<Place> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let over = CancellationToken::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.entry(whose).or_default();
        // Whoever comes by the socket of a role is known by its account alone, and may be several programs.
        if own.len() >= OF_ONE
            && !matches!(whose, Credential::Socket)
            && let Some(oldest) = own.pop_front()
        {
            oldest.cancel();
        }
        own.push_back(over.clone());
        drop(open);
        Some(Place {
            whose,
            over,
            open: Arc::clone(&self.open),
            _permit: place,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Whoever still has it is the one that is counted.
        self.over.cancel();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.whose) {
            own.retain(|over| !over.is_cancelled());
            if own.is_empty() {
                open.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_stream_of_a_session_ends_its_oldest_and_nobody_elses() {
        let streams = Streams::new();
        let other = streams.enter(Credential::Session(2)).unwrap();
        let mut own: Vec<Place> = (0..OF_ONE).map(|_| streams.enter(Credential::Session(1)).unwrap()).collect();
        assert!(own.iter().all(|place| !place.over.is_cancelled()));
        own.push(streams.enter(Credential::Session(1)).unwrap());
        let over: Vec<bool> = own.iter().map(|place| place.over.is_cancelled()).collect();
        assert_eq!(over, [true, false, false, false, false]);
        assert!(!other.over.is_cancelled());
        // One that is closed makes room.
        drop(own.drain(..2));
        own.push(streams.enter(Credential::Session(1)).unwrap());
        assert!(own.iter().all(|place| !place.over.is_cancelled()));
        drop((own, other));
        assert!(
            streams.open.lock().unwrap().is_empty(),
            "nothing is left of those that are closed"
        );
    }

    #[test]
    fn there_is_an_end_to_all_of_them() {
        let streams = Streams::new();
        let all: Vec<_> = (0..70).map_while(|n| streams.enter(Credential::Session(n))).collect();
        assert_eq!(all.len(), STREAMS);
    }
}
