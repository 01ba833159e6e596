//! One node of the played cluster: its own session cache and its own rate limiters.

use std::collections::HashMap;

use super::Id;
use super::rate_limiter::Limiters;
use super::world::Session;

/// A node. Cleared by every revocation, unless it is deaf to the cluster's messages.
#[derive(Debug, Clone)]
pub(super) struct Node {
    cache: HashMap<Id, Cached>,
    /// Misses what the other nodes tell it: its cache goes stale.
    pub(super) deaf: bool,
    pub(super) limiters: Limiters,
}

#[derive(Debug, Clone)]
struct Cached {
    session: Session,
    stale_at: i64,
}

impl Node {
    pub(super) fn new(limiters: Limiters) -> Self {
        Self {
            cache: HashMap::new(),
            deaf: false,
            limiters,
        }
    }

    /// The cached session of that secret. Each use renews the entry, so that a stale one lives on for as long as it is used.
    pub(super) fn cached(&mut self, secret: Id, now: i64, lifetime: i64) -> Option<Session> {
        let entry = self.cache.get_mut(&secret)?;
        if entry.stale_at <= now {
            self.cache.remove(&secret);
            return None;
        }
        entry.stale_at = now + lifetime;
        Some(entry.session.clone())
    }

    pub(super) fn cache(&mut self, session: Session, now: i64, lifetime: i64) {
        self.cache.insert(
            session.token,
            Cached {
                session,
                stale_at: now + lifetime,
            },
        );
    }

    pub(super) fn forget_person(&mut self, person: Id) {
        self.cache.retain(|_, cached| cached.session.person != person);
    }

    pub(super) fn forget_all(&mut self) {
        self.cache.clear();
    }
}
