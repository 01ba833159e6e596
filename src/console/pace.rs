//! How much one caller may ask: so many requests at once and so many a second, for each token and each operator by itself. Whoever is nobody's and
//! fails to say who they are is counted by address (behind a proxy that is named, by the one that it names), and never keeps anybody out who does.

use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::state::keyed::HashMapStateStore;

use super::caller::{Caller, Credential, Entrance};
use super::refusal::Refusal;
use crate::api::ClientKey;
use crate::clock::{MonotonicClock, quota};

/// What a caller may ask at once after a rest, and how often on the average.
const BURST: u32 = 300;
const EVERY: Duration = Duration::from_millis(20);
/// The same of tries to say who one is that fail.
const TRIES: u32 = 10;
const TRY_EVERY: Duration = Duration::from_secs(6);
/// The same of sign-ins that are begun and go on elsewhere: each is kept until it comes back. So a thousand take longer to begin than any may take.
const STARTS: u32 = 30;
const START_EVERY: Duration = Duration::from_millis(600);
/// Past so many that are remembered, those who have rested long enough are forgotten.
const MOST: usize = 4096;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, MonotonicClock>;

/// How much each has asked of late.
pub(super) struct Paces {
    callers: Limiter<String>,
    strangers: Limiter<Stranger>,
    starts: Limiter<Stranger>,
}

/// Who fails to say who they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stranger {
    Client(ClientKey),
    Account(u32),
}

impl Stranger {
    fn of(from: &Entrance) -> Self {
        match from {
            Entrance::Network { client } => Self::Client(*client),
            Entrance::Socket { uid, .. } => Self::Account(*uid),
        }
    }
}

impl Paces {
    pub(super) fn new() -> Self {
        Self {
            callers: RateLimiter::hashmap_with_clock(quota(BURST, EVERY), MonotonicClock),
            strangers: RateLimiter::hashmap_with_clock(quota(TRIES, TRY_EVERY), MonotonicClock),
            starts: RateLimiter::hashmap_with_clock(quota(STARTS, START_EVERY), MonotonicClock),
        }
    }

    /// Takes note of a request.
    ///
    /// # Errors
    /// 429 where this caller asks too much.
    pub(super) fn admit(&self, caller: &Caller) -> Result<(), Refusal> {
        let key = match caller.by {
            Credential::Token(token) => format!("token:{token}"),
            Credential::Session(_) | Credential::Socket | Credential::Vouched(_) => caller.operator.to_string(),
        };
        match wait(&self.callers, &key) {
            None => Ok(()),
            Some(wait) => Err(Refusal::too_many(wait)),
        }
    }

    /// Takes note that somebody begins to sign in elsewhere.
    ///
    /// # Errors
    /// 429 where that is too often.
    pub(super) fn begins(&self, from: &Entrance) -> Result<(), Refusal> {
        match wait(&self.starts, &Stranger::of(from)) {
            None => Ok(()),
            Some(wait) => Err(Refusal::too_many(wait)),
        }
    }

    /// Takes note of a failed try, and answers what is said of it: `refusal`, or after too many of them 429.
    pub(super) fn failed(&self, from: Option<&Entrance>, refusal: Refusal) -> Refusal {
        let Some(from) = from else { return refusal };
        wait(&self.strangers, &Stranger::of(from)).map_or(refusal, Refusal::too_many)
    }
}

/// How long until the next is taken; nothing where this one is.
fn wait<K: Clone + Eq + std::hash::Hash>(limiter: &Limiter<K>, key: &K) -> Option<Duration> {
    if limiter.len() > MOST {
        limiter.retain_recent();
    }
    let early = limiter.check_key(key).err()?;
    Some(early.wait_time_from(MonotonicClock.now()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::model::{Actor, Role};

    fn caller(by: Credential) -> Caller {
        Caller {
            operator: Actor::operator("alice", Some(1000)),
            role: Role::Viewer,
            by,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_token_has_a_pace_of_its_own_and_recovers() {
        let paces = Paces::new();
        let (one, other) = (caller(Credential::Token(1)), caller(Credential::Token(2)));
        for _ in 0..BURST {
            paces.admit(&one).unwrap();
        }
        let refused = paces.admit(&one).unwrap_err();
        assert_eq!(refused.0.status(), StatusCode::TOO_MANY_REQUESTS);
        paces.admit(&other).unwrap();
        paces.admit(&caller(Credential::Socket)).unwrap();
        tokio::time::advance(EVERY).await;
        paces.admit(&one).unwrap();
        paces.admit(&one).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn the_sessions_and_the_socket_of_one_operator_share_a_pace() {
        let paces = Paces::new();
        for n in 0..BURST {
            paces.admit(&caller(Credential::Session(i64::from(n)))).unwrap();
        }
        paces.admit(&caller(Credential::Socket)).unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn failed_tries_at_the_sockets_are_counted_by_account_and_sign_ins_that_are_begun_by_themselves() {
        let paces = Paces::new();
        let at = |uid| Entrance::Socket { role: Role::Viewer, uid };
        let status = |uid| paces.failed(Some(&at(uid)), Refusal::unknown_caller()).0.status();
        for _ in 0..TRIES {
            assert_eq!(status(1), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(status(1), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status(2), StatusCode::UNAUTHORIZED);
        for _ in 0..STARTS {
            paces.begins(&at(1)).unwrap();
        }
        let refused = paces.begins(&at(1)).unwrap_err();
        assert_eq!(refused.0.status(), StatusCode::TOO_MANY_REQUESTS);
        paces.begins(&at(2)).unwrap();
        tokio::time::advance(START_EVERY).await;
        paces.begins(&at(1)).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_have_rested_are_forgotten() {
        let paces = Paces::new();
        let ask = |n: usize| paces.admit(&caller(Credential::Token(i64::try_from(n).unwrap()))).unwrap();
        (0..=MOST).for_each(ask);
        tokio::time::advance(EVERY * 2).await;
        ask(0);
        assert!(paces.callers.len() < 2, "{}", paces.callers.len());
    }

    #[tokio::test(start_paused = true)]
    async fn failed_tries_are_counted_by_address() {
        let paces = Paces::new();
        let from = |n: u8| Entrance::Network {
            client: ClientKey::at([192, 0, 2, n].into(), &[]),
        };
        let status = |n: u8| paces.failed(Some(&from(n)), Refusal::unknown_caller()).0.status();
        for _ in 0..TRIES {
            assert_eq!(status(1), StatusCode::UNAUTHORIZED);
        }
        assert_eq!(status(1), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(status(2), StatusCode::UNAUTHORIZED);
        tokio::time::advance(TRY_EVERY).await;
        assert_eq!(status(1), StatusCode::UNAUTHORIZED);
    }
}
