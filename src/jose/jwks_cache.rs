//! The cache of one issuer's keys (JWKS), asked by `kid`.
//!
//! - A `kid` that is not known leads to one fetch, which everybody who waits for a key shares. Of an issuer that answers, [`MOST_FETCHES`]
//!   may begin within [`REFETCH_PAUSE`], so that a key that has just been made is taken at once and yet tokens with made-up names cannot
//!   turn us against the issuer; of one that does not answer, one.
//! - Keys are fetched again once they are as old as the issuer allows (`Cache-Control: max-age`, within [`REFRESH_WITHIN`]), else
//!   [`REFRESH_AFTER`]. A key that is gone from the set is refused from then on.
//! - Where fetching fails, the keys at hand stay good until they are [`OLDEST_KEYS`] old.
//! - "Unknown" is said after a fetch that was made for that name and did not bring it, and of the same name for [`REFETCH_PAUSE`] more. Where
//!   none was permitted, or it failed, the answer is "not now": a sender drops a token for good when it is told that its key is invalid,
//!   and our own pause must not cause that. The two are told apart, since only the second is our trouble: the first is what a forger who
//!   makes up names meets, and counts against its sender.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Algorithm, JwksOrigin, Key, KeySet, TokenError};

/// The time within which fetches are counted.
pub const REFETCH_PAUSE: Duration = Duration::from_mins(1);
/// How many fetches may begin within [`REFETCH_PAUSE`] while the issuer answers.
pub const MOST_FETCHES: usize = 3;
/// How many names are remembered that a fetch did not bring.
const MOST_ABSENT: usize = 64;
/// The longest of them, in bytes.
const LONGEST_ABSENT: usize = 256;
/// The age at which keys are fetched again where the issuer says nothing of it.
pub const REFRESH_AFTER: Duration = Duration::from_hours(1);
/// What an issuer may say of that age. The longest is half of [`OLDEST_KEYS`], so that an issuer that is down when its keys are due has
/// half a day to come back.
pub const REFRESH_WITHIN: RangeInclusive<Duration> = REFETCH_PAUSE..=Duration::from_hours(12);
/// The age beyond which keys are no longer used when they cannot be fetched.
pub const OLDEST_KEYS: Duration = Duration::from_hours(24);

/// The keys of one issuer, cached.
#[derive(Debug)]
pub struct JwksCache {
    shared: Arc<Shared>,
    /// Held by whoever fetches: the others wait and then read what came.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Shared {
    origin: JwksOrigin,
    cache: Mutex<Cache>,
}

#[derive(Debug)]
struct Cache {
    keys: Option<Arc<KeySet>>,
    /// When the fetch that brought `keys` began.
    fetched: Option<Instant>,
    /// The age at which they are fetched again.
    fresh_for: Duration,
    /// When the last fetches began, whatever came of them, the newest last: no more than [`MOST_FETCHES`].
    tried: VecDeque<Instant>,
    /// How many fetches have ended.
    round: u64,
    /// Whether the last of them failed.
    failed: bool,
    /// The names that a fetch was made for and did not bring, and when that was.
    absent: HashMap<String, Instant>,
}

impl JwksCache {
    /// An empty cache in front of `origin`; nothing is fetched before the first token.
    #[must_use]
    pub fn new(origin: JwksOrigin) -> Self {
        Self {
            shared: Arc::new(Shared {
                origin,
                cache: Mutex::default(),
            }),
            fetching: Arc::default(),
        }
    }

    /// The key that `kid` names, for `algorithm`.
    ///
    /// # Errors
    /// [`TokenError::Key`] where the issuer has no such key or it may not be used; where that cannot be told at this time,
    /// [`TokenError::KeysUnavailable`] if the issuer does not answer and [`TokenError::UnknownKey`] if it has been asked too often.
    pub async fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Key, TokenError> {
        let (seen, stale) = {
            let cache = self.shared.cache();
            (cache.round, cache.age().is_none_or(|age| age >= cache.fresh_for))
        };
        if !stale && let Some(found) = self.look(kid, algorithm) {
            return found;
        }
        let fresh = self.fetch_after(seen).await;
        if let Some(found) = self.look(kid, algorithm) {
            return found;
        }
        let mut cache = self.shared.cache();
        match fresh {
            Ok(()) => cache.note_absent(kid),
            Err(_) if cache.is_absent(kid) => {}
            Err(wait) if cache.failed => return Err(TokenError::KeysUnavailable(wait)),
            Err(wait) => return Err(TokenError::UnknownKey(wait)),
        }
        Err(TokenError::Key("the issuer has no key of this name (kid)".to_owned()))
    }

    /// Fetches unless a fetch has ended since round `seen`, or none may begin now.
    ///
    /// # Errors
    /// How long to wait, where the keys are no newer than before.
    async fn fetch_after(&self, seen: u64) -> Result<(), Duration> {
        let turn = self.fetching.clone().lock_owned().await;
        {
            let mut cache = self.shared.cache();
            let pause = cache.pause();
            if cache.round > seen {
                return if cache.failed { Err(pause) } else { Ok(()) };
            }
            if !pause.is_zero() {
                return Err(pause);
            }
            cache.begin();
        }
        // A task of its own, since a sender that hangs up drops the future it waits for: that must not cost the others the one fetch
        // of this minute.
        let shared = self.shared.clone();
        let fetch = tokio::spawn(async move {
            let _turn = turn;
            shared.fetch().await
        });
        fetch.await.unwrap_or_else(|_| Err(self.shared.cache().pause()))
    }

    fn look(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Result<Key, TokenError>> {
        let keys = {
            let mut cache = self.shared.cache();
            if cache.age().is_some_and(|age| age >= OLDEST_KEYS) {
                cache.keys = None;
                cache.fetched = None;
            }
            cache.keys.clone()?
        };
        keys.find(kid, algorithm)
    }
}

impl Shared {
    async fn fetch(&self) -> Result<(), Duration> {
        let fetched = self.origin.fetch().await;
        let mut cache = self.cache();
        cache.round += 1;
        cache.failed = fetched.is_err();
        match fetched {
            Ok((keys, fresh_for)) => {
                if keys.usable() == 0 {
                    tracing::warn!(origin = %self.origin, "the issuer's key set holds no key that may be used");
                }
                cache.keys = Some(Arc::new(keys));
                cache.fetched = cache.tried.back().copied();
                let (least, most) = (*REFRESH_WITHIN.start(), *REFRESH_WITHIN.end());
                cache.fresh_for = fresh_for.map_or(REFRESH_AFTER, |said| said.clamp(least, most));
                Ok(())
            }
            Err(error) => {
                tracing::warn!(
                    origin = %self.origin,
                    error = format!("{error:#}"),
                    "the issuer's keys cannot be fetched; those at hand stay in use for a day"
                );
                Err(cache.pause())
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Nothing between lock and unlock can leave the cache half-written, so a poisoned lock is as good as a clean one.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            keys: None,
            fetched: None,
            fresh_for: REFRESH_AFTER,
            tried: VecDeque::new(),
            round: 0,
            failed: false,
            absent: HashMap::new(),
        }
    }
}

impl Cache {
    fn age(&self) -> Option<Duration> {
        self.fetched.map(|at| at.elapsed())
    }

    /// Takes note that a fetch begins.
    fn begin(&mut self) {
        if self.tried.len() == MOST_FETCHES {
            self.tried.pop_front();
        }
        self.tried.push_back(Instant::now());
    }

    /// How long until the next fetch may begin. Never less than a second where it may not, for a `Retry-After` in whole seconds.
    fn pause(&self) -> Duration {
        let last = if self.failed {
            self.tried.back()
        } else {
            self.tried.front().filter(|_| self.tried.len() == MOST_FETCHES)
        };
        match last.map(Instant::elapsed) {
            Some(passed) if passed < REFETCH_PAUSE => REFETCH_PAUSE.saturating_sub(passed).max(Duration::from_secs(1)),
            _ => Duration::ZERO,
        }
    }

    /// Remembers that a fetch for `kid` did not bring it. A name too many or too long is not remembered, which only means that its sender is
    /// asked to try again.
    fn note_absent(&mut self, kid: Option<&str>) {
        self.absent.retain(|_, at| at.elapsed() < REFETCH_PAUSE);
        let kid = kid.filter(|kid| self.absent.len() < MOST_ABSENT && kid.len() <= LONGEST_ABSENT);
        if let Some(kid) = kid {
            self.absent.insert(kid.to_owned(), Instant::now());
        }
    }

    /// Whether a fetch for `kid` did not bring it a moment ago.
    fn is_absent(&self, kid: Option<&str>) -> bool {
        kid.and_then(|kid| self.absent.get(kid))
            .is_some_and(|at| at.elapsed() < REFETCH_PAUSE)
    }
}
