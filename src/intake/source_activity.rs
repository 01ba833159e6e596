//! When sources were last seen, how much of theirs was refused, and which proxies are not named: kept in memory, and written every 15 s, so that a question, a look or a refusal
//! under attack costs no commit of its own. A crash loses seconds of it, which only makes a source look quieter than it is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::Timestamp;
use crate::store::LastSeen;

/// Proxies that are remembered at most of those that are on this host or in a private network, and of all others: from there anybody may
/// claim to be one.
const NEAR: usize = 32;
const FAR: usize = 4;

/// The notes of all sources. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct SourceActivity(Arc<Mutex<Activity>>);

#[derive(Debug, Default)]
struct Activity {
    sources: BTreeMap<String, LastSeen>,
    refused: BTreeMap<(String, &'static str), u64>,
    proxies: BTreeMap<IpAddr, u64>,
    /// All proxies of this life, those that were taken among them.
    known: BTreeMap<IpAddr, bool>,
}

impl SourceActivity {
    /// A source said something that is not stored.
    pub(super) fn spoke(&self, source: &str, at: Timestamp) {
        self.book().sources.entry(source.to_owned()).or_default().spoke_at = Some(at);
    }

    /// We looked at a source and could.
    pub(super) fn looked(&self, source: &str, at: Timestamp) {
        self.book().sources.entry(source.to_owned()).or_default().looked_at = Some(at);
    }

    /// A delivery was refused, of which no entry tells.
    pub(super) fn refused(&self, source: &str, code: &'static str) {
        *self.book().refused.entry((source.to_owned(), code)).or_default() += 1;
    }

    /// A request came by way of a proxy that the config does not name. True where that is news.
    pub(super) fn passed_on(&self, by: IpAddr) -> bool {
        let mut book = self.book();
        let near = is_near(by);
        let news = !book.known.contains_key(&by);
        if news {
            let alike = book.known.values().filter(|known| **known == near).count();
            if alike >= if near { NEAR } else { FAR } {
                return false;
            }
            book.known.insert(by, near);
        }
        *book.proxies.entry(by).or_default() += 1;
        news
    }

    /// What was noticed of each source since the last call.
    #[must_use]
    pub fn take(&self) -> BTreeMap<String, LastSeen> {
        std::mem::take(&mut self.book().sources)
    }

    /// How many deliveries were refused since the last call, by source and cause, of which no entry tells.
    #[must_use]
    pub fn take_refused(&self) -> BTreeMap<(String, &'static str), u64> {
        std::mem::take(&mut self.book().refused)
    }

    /// The proxies that the config does not name, with how many requests came by way of each since the last call.
    #[must_use]
    pub fn take_proxies(&self) -> BTreeMap<IpAddr, u64> {
        std::mem::take(&mut self.book().proxies)
    }

    fn book(&self) -> MutexGuard<'_, Activity> {
        // A note is whole or not there, so a poisoned lock is as good as a clean one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an address is this host's, or in a network that is not reached from outside.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_who_claim_to_be_proxies_do_not_wash_out_the_one_on_this_host() {
        let activity = SourceActivity::default();
        for n in 0..100 {
            activity.passed_on(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, n)));
        }
        let own: IpAddr = "127.0.0.1".parse().unwrap();
        assert!(activity.passed_on(own) && !activity.passed_on(own));
        let seen = activity.take_proxies();
        assert_eq!((seen.len(), seen[&own]), (FAR + 1, 2));
        assert!(!activity.passed_on(own), "no news, and counted");
        assert_eq!(activity.take_proxies()[&own], 1);
    }
}
